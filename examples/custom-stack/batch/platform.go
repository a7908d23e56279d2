// SPDX-License-Identifier: Apache-2.0

// Package batch composes network, cluster, addons, karpenter and checkpoints into a platform for batch jobs: a VPC, an
// EKS cluster, two node pools of its own, a bucket, and one role that can write to it. There is no EMR operator, no
// team and no Flink node pool.
//
// The arguments named After and the dependencies say which resource must outlive which: when Pulumi destroys the stack
// in that order, the nodes drain while Karpenter and their internet access still exist.
package batch

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"emrflink/components/addons"
	"emrflink/components/checkpoints"
	"emrflink/components/cluster"
	"emrflink/components/deployment"
	"emrflink/components/network"
	"emrflink/components/versions"
	"emrflink/karpenter"
)

// Defaults of the settings, name and vpcCidr: `pulumi config set name lab`.
const (
	defaultName = "batch"
	defaultCidr = "10.64.0.0/16"
	zoneCount   = 2
	logDays     = 14
)

// platform is what has been made so far.
type platform struct {
	deployment *deployment.Deployment
	cidr       string
	network    *network.Network
	cluster    *cluster.Cluster
	nodes      *cluster.Nodes
	addons     *addons.Addons
	karpenter  *karpenter.Karpenter
	bucket     *checkpoints.Bucket
	pools      []pulumi.CustomResource
}

// Platform is the Pulumi program.
func Platform(ctx *pulumi.Context) error {
	d, err := deployment.Lookup(ctx, setting(ctx, "name", defaultName), map[string]string{"platform": "batch"})
	if err != nil {
		return err
	}
	p := &platform{deployment: d, cidr: setting(ctx, "vpcCidr", defaultCidr)}
	for _, step := range []func(*pulumi.Context) error{
		p.makeNetwork, p.makeCluster, p.makeNodes, p.makeKarpenter, p.makePools, p.makeBucket, p.makeRunner,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	ctx.Export("clusterName", p.cluster.Name)
	ctx.Export("bucket", p.bucket.Name)
	ctx.Export("configureKubectl", pulumi.Sprintf("aws eks update-kubeconfig --name %s --region %s", p.cluster.Name, d.Region))
	return nil
}

// setting reads a key of the stack's configuration.
func setting(ctx *pulumi.Context, key, otherwise string) string {
	if v, ok := ctx.GetConfig(ctx.Project() + ":" + key); ok {
		return v
	}
	return otherwise
}

func (p *platform) makeNetwork(ctx *pulumi.Context) error {
	zones, err := network.Zones(ctx, zoneCount)
	if err != nil {
		return err
	}
	p.network, err = network.NewNetwork(ctx, "network", &network.Args{
		Deployment: p.deployment, VpcCidr: p.cidr, Zones: zones, NatGateways: network.NatSingle,
	})
	return err
}

func (p *platform) makeCluster(ctx *pulumi.Context) (err error) {
	p.cluster, err = cluster.NewCluster(ctx, "cluster", &cluster.Args{
		Deployment:       p.deployment,
		Version:          versions.Kubernetes,
		VpcId:            p.network.VpcId,
		PrivateSubnetIds: p.network.PrivateSubnetIds,
		PublicSubnetIds:  p.network.PublicSubnetIds,
		PublicEndpoint:   true, PrivateEndpoint: true, PublicAccessCidrs: []string{"0.0.0.0/0"},
		LogRetentionDays: logDays,
	})
	return err
}

// makeNodes makes the two nodes that Karpenter runs on: what it needs before them, and the addons that need them.
func (p *platform) makeNodes(ctx *pulumi.Context) error {
	bootstrap, err := addons.NewBootstrap(ctx, "bootstrap", &addons.BootstrapArgs{
		Deployment: p.deployment, ClusterName: p.cluster.Name,
	})
	if err != nil {
		return err
	}
	p.nodes, err = cluster.NewNodes(ctx, "core", &cluster.NodesArgs{
		Deployment: p.deployment, ClusterName: p.cluster.Name, Version: versions.Kubernetes,
		SubnetIds: p.network.PrivateSubnetIds, InstanceTypes: []string{"m5.large"}, Desired: 2, Min: 2, Max: 3, DiskGiB: 50,
		After: append(append([]pulumi.CustomResource{}, p.network.Egress...), bootstrap.Addons...),
	})
	if err != nil {
		return err
	}
	p.addons, err = addons.NewAddons(ctx, "addons", &addons.Args{
		Deployment: p.deployment, ClusterName: p.cluster.Name, OidcProviderArn: p.cluster.OidcProviderArn,
		OidcIssuer: p.cluster.OidcIssuer, Kubernetes: p.cluster.Kubernetes, Nodes: []pulumi.CustomResource{p.nodes.NodeGroup},
	})
	return err
}

// ready is what every workload waits for.
func (p *platform) ready(more ...pulumi.CustomResource) []pulumi.CustomResource {
	return append(append([]pulumi.CustomResource{p.nodes.NodeGroup}, p.addons.Base...), more...)
}

func (p *platform) makeKarpenter(ctx *pulumi.Context) (err error) {
	p.karpenter, err = karpenter.NewKarpenter(ctx, "karpenter", &karpenter.Args{
		Deployment: p.deployment, ClusterName: p.cluster.Name, OidcProviderArn: p.cluster.OidcProviderArn,
		OidcIssuer: p.cluster.OidcIssuer, Kubernetes: p.cluster.Kubernetes, After: p.ready(),
	})
	return err
}

func (p *platform) makeBucket(ctx *pulumi.Context) (err error) {
	p.bucket, err = checkpoints.NewBucket(ctx, "checkpoints", &checkpoints.Args{
		Deployment: p.deployment, LogRetentionDays: logDays,
	})
	if err != nil {
		return fmt.Errorf("bucket of %q: %w", p.deployment.Name, err)
	}
	return nil
}
