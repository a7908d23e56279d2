// SPDX-License-Identifier: Apache-2.0

package stacks

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"emrflink/components/addons"
	"emrflink/components/checkpoints"
	"emrflink/components/cluster"
	"emrflink/components/deployment"
	"emrflink/components/encryption"
	"emrflink/components/flinkoperator"
	"emrflink/components/monitoring"
	"emrflink/components/network"
	"emrflink/components/observability"
	"emrflink/components/team"
	"emrflink/components/versions"
	"emrflink/karpenter"
	metrics "emrflink/observability"
)

// flinkDiskGiB is the root volume of Flink's nodes: image and logs; Flink's own files are on the NVMe disks.
const flinkDiskGiB = 100

// Blueprint is the Pulumi program: it reads the configuration of the stack and makes the platform.
func Blueprint(ctx *pulumi.Context) error {
	config, err := readConfig(ctx)
	if err != nil {
		return err
	}
	return Compose(ctx, config)
}

// readConfig reads emrflink:* of the stack. Pulumi's SDK answers for keys that are asked for; the language host also
// hands over the whole configuration in an environment variable, which is where unknown keys are seen.
func readConfig(ctx *pulumi.Context) (Config, error) {
	values := map[string]any{}
	all := map[string]string{}
	if text := os.Getenv("PULUMI_CONFIG"); text != "" {
		if err := json.Unmarshal([]byte(text), &all); err != nil {
			return Config{}, fmt.Errorf("read PULUMI_CONFIG: %w", err)
		}
	}
	for key, value := range all {
		if name, ok := strings.CutPrefix(key, Namespace+":"); ok {
			values[name] = value
		}
	}
	for _, key := range Keys() {
		if value, ok := ctx.GetConfig(Namespace + ":" + key.Name); ok {
			values[key.Name] = value
		}
	}
	return Parse("Pulumi."+ctx.Stack()+".yaml", values)
}

// platform is what Compose has made so far.
type platform struct {
	config     Config
	release    versions.EMRRelease
	deployment *deployment.Deployment
	keyArn     pulumi.StringPtrInput // nil: AWS's own keys
	network    *network.Network
	cluster    *cluster.Cluster
	nodes      *cluster.Nodes
	addons     *addons.Addons
	bucket     *checkpoints.Bucket
	karpenter  *karpenter.Karpenter
	pools      *karpenter.Pools
	operator   *flinkoperator.Operator
	teams      []*team.Team
}

// Compose makes the platform of a configuration and exports its outputs. The steps run in the order in which their
// results are needed; dependencies, not this order, say which resource must outlive which.
func Compose(ctx *pulumi.Context, config Config) error {
	release, ok := versions.EMR(config.EmrRelease)
	if !ok {
		return fmt.Errorf("EMR release %q is not supported", config.EmrRelease)
	}
	d, err := deployment.Lookup(ctx, config.Name, config.Tags)
	if err != nil {
		return err
	}
	if d.Region != config.Region {
		return fmt.Errorf("the AWS provider works in region %q, %s:region is %q: set aws:region or AWS_REGION to %q",
			d.Region, Namespace, config.Region, config.Region)
	}
	if config.PermissionsBoundary != NoBoundary {
		d.PermissionsBoundary = config.PermissionsBoundary
	}
	d.RolePath, d.Protect, d.AddonVersions = config.RolePath, config.Protect, config.AddonVersions
	d.Mirrors = config.Mirrors
	p := &platform{config: config, release: release, deployment: d}
	for _, step := range []func(*pulumi.Context) error{
		p.makeKey, p.makeNetwork, p.makeCluster, p.makeNodes, p.makeBucket, p.makeKarpenter, p.makeOperator, p.makeMetrics,
		p.makeAutoscaler, p.makeMonitoring,
		p.makeTeams,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	p.export(ctx)
	return nil
}

func (p *platform) makeKey(ctx *pulumi.Context) error {
	if !p.config.KmsKey.Enabled {
		return nil
	}
	key, err := encryption.NewKey(ctx, "data", &encryption.Args{
		Deployment: p.deployment, DeletionWindowDays: p.config.KmsKey.DeletionWindowDays,
	})
	if err != nil {
		return err
	}
	p.keyArn = key.Arn
	return nil
}

// podIdentity is the cluster whose Pod Identity agent gives controllers their roles, nil for IRSA.
func (p *platform) podIdentity() pulumi.StringInput {
	if p.config.PodIdentity {
		return p.cluster.Name
	}
	return nil
}

func (p *platform) makeNetwork(ctx *pulumi.Context) (err error) {
	if e := p.config.ExistingVpc; e.ID != "" {
		p.network, err = network.NewExisting(ctx, "network", &network.ExistingArgs{
			Deployment: p.deployment, VpcId: e.ID, PrivateSubnetIds: e.PrivateSubnetIds, PublicSubnetIds: e.PublicSubnetIds,
		})
		return err
	}
	zones, err := network.Zones(ctx, p.config.AvailabilityZones)
	if err != nil {
		return err
	}
	p.network, err = network.NewNetwork(ctx, "network", &network.Args{
		Deployment: p.deployment, VpcCidr: p.config.VpcCidr, Zones: zones, NatGateways: p.config.NatGateways,
		InterfaceEndpoints: p.config.endpoints(), FlowLogs: p.config.FlowLogs,
		LogRetentionDays: p.config.LogRetentionDays, KmsKeyArn: p.keyArn,
	})
	return err
}

func (p *platform) makeCluster(ctx *pulumi.Context) (err error) {
	access := p.config.EndpointAccess
	p.cluster, err = cluster.NewCluster(ctx, "cluster", &cluster.Args{
		Deployment:        p.deployment,
		Version:           p.config.KubernetesVersion,
		VpcId:             p.network.VpcId,
		PrivateSubnetIds:  p.network.PrivateSubnetIds,
		PublicSubnetIds:   p.network.PublicSubnetIds,
		PublicEndpoint:    access.Public,
		PrivateEndpoint:   access.Private,
		PublicAccessCidrs: access.PublicCidrs,
		Admins:            p.config.Admins,
		LogRetentionDays:  p.config.LogRetentionDays,
		KmsKeyArn:         p.keyArn,
	})
	return err
}

// makeNodes makes the core nodes between the two halves of the addons.
func (p *platform) makeNodes(ctx *pulumi.Context) error {
	bootstrap, err := addons.NewBootstrap(ctx, "bootstrap", &addons.BootstrapArgs{
		Deployment: p.deployment, ClusterName: p.cluster.Name, PrefixDelegation: p.config.PrefixDelegation,
	})
	if err != nil {
		return err
	}
	core := p.config.CoreNodes
	p.nodes, err = cluster.NewNodes(ctx, "core", &cluster.NodesArgs{
		Deployment:    p.deployment,
		ClusterName:   p.cluster.Name,
		Version:       p.config.KubernetesVersion,
		SubnetIds:     p.network.PrivateSubnetIds,
		InstanceTypes: core.InstanceTypes,
		Desired:       core.Desired, Min: core.Min, Max: core.Max,
		DiskGiB: core.DiskGiB, KmsKeyArn: p.keyArn, Autoscaled: p.config.ClusterAutoscaler,
		After: append(append([]pulumi.CustomResource{}, p.network.Egress...), bootstrap.Addons...),
	})
	if err != nil {
		return err
	}
	p.addons, err = addons.NewAddons(ctx, "addons", &addons.Args{
		Deployment:         p.deployment,
		ClusterName:        p.cluster.Name,
		OidcProviderArn:    p.cluster.OidcProviderArn,
		OidcIssuer:         p.cluster.OidcIssuer,
		PodIdentityCluster: p.podIdentity(), KmsKeyArn: p.keyArn,
		Kubernetes: p.cluster.Kubernetes,
		Nodes:      []pulumi.CustomResource{p.nodes.NodeGroup},
	})
	return err
}

func (p *platform) makeAutoscaler(ctx *pulumi.Context) error {
	if !p.config.ClusterAutoscaler {
		return nil
	}
	_, err := addons.NewClusterAutoscaler(ctx, "autoscaler", &addons.AutoscalerArgs{
		Deployment:      p.deployment,
		OidcProviderArn: p.cluster.OidcProviderArn, OidcIssuer: p.cluster.OidcIssuer, PodIdentityCluster: p.podIdentity(),
		Kubernetes: p.cluster.Kubernetes,
		After:      p.ready(),
	})
	return err
}

// ready is what every workload waits for: core nodes (and through them the internet access and the addons of nodes),
// and CoreDNS.
func (p *platform) ready(more ...pulumi.CustomResource) []pulumi.CustomResource {
	return append(append([]pulumi.CustomResource{p.nodes.NodeGroup}, p.addons.Base...), more...)
}

func (p *platform) makeBucket(ctx *pulumi.Context) (err error) {
	p.bucket, err = checkpoints.NewBucket(ctx, "checkpoints", &checkpoints.Args{
		Deployment: p.deployment, LogRetentionDays: p.config.LogRetentionDays, KmsKeyArn: p.keyArn,
	})
	return err
}

func (p *platform) makeKarpenter(ctx *pulumi.Context) (err error) {
	p.karpenter, err = karpenter.NewKarpenter(ctx, "karpenter", &karpenter.Args{
		Deployment:      p.deployment,
		ClusterName:     p.cluster.Name,
		OidcProviderArn: p.cluster.OidcProviderArn,
		OidcIssuer:      p.cluster.OidcIssuer, PodIdentityCluster: p.podIdentity(),
		Isolated:   p.config.NatGateways == network.NatNone,
		Kubernetes: p.cluster.Kubernetes,
		After:      p.ready(),
	})
	if err != nil {
		return err
	}
	p.pools, err = karpenter.NewPools(ctx, "pools", &karpenter.PoolsArgs{
		Deployment:      p.deployment,
		Pools:           p.config.NodePools,
		AMIAlias:        p.config.NodeImage,
		DiskGiB:         flinkDiskGiB,
		KmsKeyArn:       p.keyArn,
		MaxPods:         p.maxPods(),
		SubnetIds:       p.network.PrivateSubnetIds,
		SecurityGroupId: p.cluster.SecurityGroupId,
		InstanceProfile: p.karpenter.InstanceProfile,
		Kubernetes:      p.cluster.Kubernetes,
		After:           p.ready(p.karpenter.Needs...),
	})
	return err
}

// maxPods is the number of pods of Flink's nodes, 0 for Karpenter's own count.
func (p *platform) maxPods() int {
	if p.config.PrefixDelegation {
		return karpenter.PrefixMaxPods
	}
	return 0
}

func (p *platform) makeOperator(ctx *pulumi.Context) (err error) {
	p.operator, err = flinkoperator.NewOperator(ctx, "flink-operator", &flinkoperator.Args{
		Deployment:       p.deployment,
		Release:          p.release,
		OidcProviderArn:  p.cluster.OidcProviderArn,
		OidcIssuer:       p.cluster.OidcIssuer,
		BucketArn:        pulumi.String(checkpoints.BucketARN(p.deployment)),
		LogRetentionDays: p.config.LogRetentionDays, KmsKeyArn: p.keyArn,
		Kubernetes: p.cluster.Kubernetes,
		After:      p.ready(p.addons.CertManager),
	})
	return err
}

func (p *platform) makeMetrics(ctx *pulumi.Context) error {
	_, err := observability.NewMetrics(ctx, "metrics", &observability.Args{
		Deployment:      p.deployment,
		OidcProviderArn: p.cluster.OidcProviderArn,
		OidcIssuer:      p.cluster.OidcIssuer, PodIdentityCluster: p.podIdentity(),
		LogRetentionDays: p.config.LogRetentionDays, KmsKeyArn: p.keyArn,
		Kubernetes: p.cluster.Kubernetes,
		After:      p.ready(),
	})
	return err
}

// makeMonitoring makes what collects the metrics of jobs and platform.
func (p *platform) makeMonitoring(ctx *pulumi.Context) error {
	o := p.config.Observability
	var teams []string
	for _, t := range p.config.Teams {
		teams = append(teams, t.Name)
	}
	targets := metrics.Targets(teams, flinkoperator.Namespace, karpenter.Namespace)
	if o.Prometheus == InCluster {
		_, err := monitoring.NewInCluster(ctx, "monitoring", &monitoring.Args{
			Deployment: p.deployment, Targets: targets, StorageClass: addons.StorageClass,
			RetentionDays: o.RetentionDays, VolumeGiB: cmp.Or(o.VolumeGiB, monitoring.VolumeGiB(len(teams))),
			Grafana: o.Grafana == InCluster, Alerts: o.Alerts,
			Kubernetes: p.cluster.Kubernetes, After: p.ready(p.addons.Storage),
		})
		return err
	}
	return nil
}

// readers are the namespaces whose pods may read a team's metrics.
func (p *platform) readers(of Team) []string {
	var out []string
	if p.config.Observability.Prometheus == InCluster {
		out = append(out, metrics.Namespace)
	}
	if of.MetricsFrom != "" && !slices.Contains(out, of.MetricsFrom) {
		out = append(out, of.MetricsFrom)
	}
	return out
}

func (p *platform) makeTeams(ctx *pulumi.Context) error {
	// The operator removes the finalizers of a team's jobs; node pools with empty nodes are deleted at once. The bucket
	// holds the state that a job writes when it is stopped.
	after := slices.Concat([]pulumi.CustomResource{p.operator.Release}, p.bucket.Resources, p.pools.NodePools)
	for _, of := range p.config.Teams {
		var arns, documents []string
		for _, arn := range of.PolicyARNs() {
			arns = append(arns, arn)
		}
		for _, document := range of.Documents() {
			documents = append(documents, document)
		}
		t, err := team.NewTeam(ctx, "team-"+of.Name, &team.Args{
			Deployment:        p.deployment,
			Name:              of.Name,
			PolicyArns:        arns,
			Documents:         documents,
			Quota:             of.Quota,
			Egress:            of.Egress,
			MetricsNamespaces: p.readers(of),
			VpcCidr:           p.config.VpcCidr,
			BucketArn:         pulumi.String(checkpoints.BucketARN(p.deployment)),
			OidcProviderArn:   p.cluster.OidcProviderArn,
			OidcIssuer:        p.cluster.OidcIssuer,
			OperatorNamespace: flinkoperator.Namespace,
			PodIdentityAgent:  p.config.PodIdentity,
			LogRetentionDays:  p.config.LogRetentionDays, KmsKeyArn: p.keyArn,
			Kubernetes: p.cluster.Kubernetes,
			After:      after,
		})
		if err != nil {
			return err
		}
		p.teams = append(p.teams, t)
	}
	return nil
}
