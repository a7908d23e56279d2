// SPDX-License-Identifier: Apache-2.0

package stacks

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"emrflink/components/encryption"
	"emrflink/components/monitoring"
	"emrflink/components/network"
	"emrflink/components/versions"
	metrics "emrflink/observability"
)

// ExistingVpc is a network that somebody else made. Nothing of it is made or deleted; its private subnets get one tag
// with the deployment's name in its key.
type ExistingVpc struct {
	// ID is the VPC's ID; empty means that the deployment makes a VPC of its own.
	ID string `json:"id"`
	// PrivateSubnetIds are where nodes run: two or more, in different zones, with a way out.
	PrivateSubnetIds []string `json:"privateSubnetIds"`
	// PublicSubnetIds are where public load balancers may be; they may be empty.
	PublicSubnetIds []string `json:"publicSubnetIds"`
}

// KmsKey is a customer-managed key for what the deployment stores.
type KmsKey struct {
	// Enabled makes the key; without it AWS's own keys encrypt.
	Enabled bool `json:"enabled"`
	// DeletionWindowDays is how long KMS keeps the key after it was deleted, and with it all that it encrypted.
	DeletionWindowDays int `json:"deletionWindowDays"`
}

// optionFields are the parts of the schema that are off by default.
func optionFields() []field {
	return []field{
		{Key{Name: "interfaceEndpoints",
			Doc: "AWS services that the VPC reaches through interface endpoints (PrivateLink) instead of the NAT gateway, " +
				"any of " + strings.Join(network.EndpointServices(), ", ") +
				"; each is billed per hour and zone. S3 always has its free gateway endpoint",
			Example: `["ecr.api","ecr.dkr","sts","ec2","logs"]`},
			func(c *Config) any { return &c.InterfaceEndpoints }},
		{Key{Name: "flowLogs", Doc: "VPC flow logs in CloudWatch Logs: none, rejected (what security groups and network ACLs " +
			"refuse) or all (all traffic, of which a busy job makes gigabytes a day); kept for logRetentionDays",
			Example: "rejected"},
			func(c *Config) any { return &c.FlowLogs }},
		{Key{Name: "existingVpc", Doc: "existing VPC and subnets to use: they are not created and not deleted, private subnets " +
			"get the tag kubernetes.io/cluster/NAME; vpcCidr is then the range of that VPC; availabilityZones is ignored; the " +
			"private subnets need internet access, or, with natGateways none, the endpoints that a VPC of ours would have",
			Example: `{"id":"vpc-0123456789abcdef0",` +
				`"privateSubnetIds":["subnet-0a1b2c3d4e5f60718","subnet-0a1b2c3d4e5f60719"],"publicSubnetIds":[]}`},
			func(c *Config) any { return &c.ExistingVpc }},
		{Key{Name: "kmsKey", Doc: "customer-managed KMS key for Kubernetes secrets, bucket, log groups and volumes; deleted " +
			"with the deployment after 7 to 30 days, in which it can be restored and costs nothing. Turning it on or off for " +
			"an existing cluster replaces the cluster",
			Example: `{"enabled":true,"deletionWindowDays":7}`},
			func(c *Config) any { return &c.KmsKey }},
		{Key{Name: "observability", Doc: "metrics of jobs, operator and Karpenter: prometheus is none or inCluster (the chart " +
			"kube-prometheus-stack on the core nodes); grafana is none or inCluster, with dashboards; alerts installs the " +
			"rules; retentionDays and volumeGiB (0: by the number of teams) are those of Prometheus",
			Example: `{"prometheus":"inCluster","grafana":"inCluster","alerts":true}`},
			func(c *Config) any { return &c.Observability }},
		{Key{Name: "clusterAutoscaler", Doc: "cluster-autoscaler for the core nodes, between coreNodes.min and coreNodes.max; " +
			"Karpenter manages Flink's nodes, the two never manage the same node", Example: "true"},
			func(c *Config) any { return &c.ClusterAutoscaler }},
		{Key{Name: "prefixDelegation", Doc: "nodes get addresses for pods in blocks of 16, and can run 110 pods each; " +
			"every block needs 16 contiguous free addresses in its subnet", Example: "true"},
			func(c *Config) any { return &c.PrefixDelegation }},
		{Key{Name: "permissionsBoundary", Doc: "ARN of an IAM policy that becomes the permissions boundary of every role that " +
			"the deployment makes; it must allow what the roles need",
			Example: "arn:aws:iam::111122223333:policy/workload-boundary"},
			func(c *Config) any { return &c.PermissionsBoundary }},
		{Key{Name: "addonVersions", Doc: "versions of EKS addons by their names; one that is not named is installed in EKS's " +
			"default version and stays in it. emrflink versions shows what EKS offers",
			Example: `{"coredns":"v1.12.4-eksbuild.1"}`},
			func(c *Config) any { return &c.AddonVersions }},
		{Key{Name: "nodeImage", Doc: "image of the nodes that Karpenter launches, as a pinned alias of Amazon Linux 2023; " +
			"another one replaces the nodes one after the other, within the budgets of their pools", Example: "al2023@v20260930"},
			func(c *Config) any { return &c.NodeImage }},
		{Key{Name: "mirrors", Doc: "registries that images and charts are pulled from instead of the public ones. images: for " +
			"each of " + strings.Join(versions.Registries(), ", ") + ", or * for all others, a registry with a path, such as a " +
			"pull-through cache of ECR; {registry} in it stands for the name. charts: for each of " +
			strings.Join(versions.ChartRepositories(), ", ") + ", or *, oci://FOLDER or https://REPOSITORY; charts that are " +
			"published as images follow images. Nodes pull without a login, from ECR with their role",
			Example: `{"images":{"*":"111122223333.dkr.ecr.us-west-2.amazonaws.com/{registry}"},` +
				`"charts":{"*":"oci://111122223333.dkr.ecr.us-west-2.amazonaws.com/charts"}}`},
			func(c *Config) any { return &c.Mirrors }},
		{Key{Name: "protect", Doc: "keep cluster and bucket from being deleted or replaced: in the state, and on the cluster " +
			"as EKS's deletion protection. A cleanup then touches nothing; to end it, set false and deploy", Example: "true"},
			func(c *Config) any { return &c.Protect }},
		{Key{Name: "rolePath", Doc: "IAM path of every role that the deployment makes, for accounts that allow roles only " +
			"below one; a change replaces the roles, so end the jobs first",
			Example: "/data-platform/"},
			func(c *Config) any { return &c.RolePath }},
		{Key{Name: "podIdentity",
			Doc: "EKS Pod Identity instead of IRSA for Karpenter, EBS CSI driver, CloudWatch agent and cluster-autoscaler. " +
				"Roles of the Flink operator and of jobs keep IRSA, which EMR's documentation requires for Flink",
			Example: "true"},
			func(c *Config) any { return &c.PodIdentity }},
	}
}

// maxPath is IAM's limit for a path, in characters.
const maxPath = 512

var (
	addonForm  = regexp.MustCompile(`^v\d+\.\d+\.\d+-eksbuild\.\d+$`)
	imageForm  = regexp.MustCompile(`^al2023@v\d{8}$`)
	pathForm   = regexp.MustCompile(`^/([\w+=,.@-]+/)*$`)
	policyForm = regexp.MustCompile(`^arn:aws[a-z-]*:iam::(aws|\d{12}):policy/[\w+=,.@/-]{1,512}$`)
	vpcForm    = regexp.MustCompile(`^vpc-([0-9a-f]{8}|[0-9a-f]{17})$`)
	subnetForm = regexp.MustCompile(`^subnet-([0-9a-f]{8}|[0-9a-f]{17})$`)
)

// options checks the optional parts and how they go together.
func (v *validator) options(c Config) {
	v.interfaceEndpoints(c)
	v.existingVpc(c.ExistingVpc)
	v.oneOf("flowLogs", c.FlowLogs, network.FlowLogsChoices()...)
	if c.ExistingVpc.ID != "" && c.FlowLogs != network.FlowLogsNone {
		v.add("flowLogs", c.FlowLogs, network.FlowLogsNone, "nothing is made in an existing VPC: turn them on where it is made")
	}
	if b := c.PermissionsBoundary; b != NoBoundary && !policyForm.MatchString(b) {
		v.add("permissionsBoundary", b, "", "neither %s nor the ARN of an IAM policy, such as "+
			"arn:aws:iam::111122223333:policy/NAME", NoBoundary)
	}
	switch p := c.RolePath; {
	case !pathForm.MatchString(p) || len(p) > maxPath:
		v.add("rolePath", p, "", "not an IAM path such as /data-platform/: it begins and ends with a slash, and has at most %d "+
			"characters", maxPath)
	case strings.HasPrefix(p, "/aws-service-role/") || strings.HasPrefix(p, "/aws-reserved/"):
		v.add("rolePath", p, "/", "AWS keeps this path for its own roles")
	}
	v.pins(c)
	v.mirrors(c.Mirrors)
	v.observability(c)
	if w := c.KmsKey.DeletionWindowDays; w < encryption.MinWindowDays || w > encryption.MaxWindowDays {
		v.add("kmsKey.deletionWindowDays", w, fmt.Sprint(min(max(w, encryption.MinWindowDays), encryption.MaxWindowDays)),
			"KMS takes %d to %d days", encryption.MinWindowDays, encryption.MaxWindowDays)
	}
	if c.ClusterAutoscaler && c.CoreNodes.Min == c.CoreNodes.Max {
		v.add("clusterAutoscaler", c.ClusterAutoscaler, "false",
			"coreNodes.min and coreNodes.max are both %d: there is nothing to scale", c.CoreNodes.Min)
	}
}

// observability checks that there is something to show and to alert about, where it can be reached.
func (v *validator) observability(c Config) {
	o := c.Observability
	const key = "observability"
	if !v.oneOf(key+".prometheus", o.Prometheus, None, InCluster) || !v.oneOf(key+".grafana", o.Grafana, None, InCluster) {
		return
	}
	if o.Grafana != None && o.Prometheus == None {
		v.add(key+".grafana", o.Grafana, None, "prometheus is none: Grafana has no metrics to show")
	}
	if o.Alerts && o.Prometheus == None {
		v.add(key+".alerts", o.Alerts, "false", "prometheus is none: nothing evaluates the rules")
	}
	const years, most = 3 * 365, 16384 // GiB: the largest gp3 volume
	if o.RetentionDays < 1 || o.RetentionDays > years {
		v.add(key+".retentionDays", o.RetentionDays, fmt.Sprint(min(max(o.RetentionDays, 1), years)), "1 to %d days", years)
	}
	if o.VolumeGiB != 0 && (o.VolumeGiB < monitoring.MinVolumeGiB || o.VolumeGiB > most) {
		v.add(key+".volumeGiB", o.VolumeGiB, fmt.Sprint(min(max(o.VolumeGiB, monitoring.MinVolumeGiB), most)),
			"%d to %d GiB, or 0 for one by the number of teams", monitoring.MinVolumeGiB, most)
	}
	for i, t := range c.Teams {
		if o.Prometheus == InCluster && t.Name == metrics.Namespace {
			v.add(fmt.Sprintf("teams[%d]", i), t.Name, "", "the namespace of Prometheus")
		}
	}
}

// pins checks the versions that a stack chooses itself.
func (v *validator) pins(c Config) {
	var known []string
	for _, a := range versions.Addons() {
		known = append(known, a.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(c.AddonVersions)) {
		key, version := "addonVersions."+name, c.AddonVersions[name]
		if !slices.Contains(known, name) {
			v.add(key, version, Nearest(name, known), "no addon of the blueprint: %s", strings.Join(known, ", "))
		} else if !addonForm.MatchString(version) {
			v.add(key, version, "", "not the version of an EKS addon, such as v1.12.4-eksbuild.1")
		}
	}
	if !imageForm.MatchString(c.NodeImage) {
		v.add("nodeImage", c.NodeImage, versions.AMIAlias, "not a pinned alias such as %s", versions.AMIAlias)
	}
}

func (v *validator) interfaceEndpoints(c Config) {
	known := network.EndpointServices()
	for i, service := range c.InterfaceEndpoints {
		key := fmt.Sprintf("interfaceEndpoints[%d]", i)
		if v.oneOf(key, service, known...) && slices.Index(c.InterfaceEndpoints, service) < i {
			v.add(key, service, "", "listed twice")
		}
	}
	if len(c.InterfaceEndpoints) > 0 && c.ExistingVpc.ID != "" {
		v.add("interfaceEndpoints", c.InterfaceEndpoints, "[]",
			"nothing is made in an existing VPC: its owner makes the endpoints, with private DNS for all of the VPC")
	}
}

func (v *validator) existingVpc(e ExistingVpc) {
	if e.ID == "" {
		if len(e.PrivateSubnetIds)+len(e.PublicSubnetIds) > 0 {
			v.add("existingVpc.id", e.ID, "", "subnets without a VPC")
		}
		return
	}
	if !vpcForm.MatchString(e.ID) {
		v.add("existingVpc.id", e.ID, "", "not the ID of a VPC such as vpc-0123456789abcdef0")
	}
	if len(e.PrivateSubnetIds) < 2 {
		v.add("existingVpc.privateSubnetIds", e.PrivateSubnetIds, "", "at least 2, in different zones: EKS takes no fewer")
	}
	all := append(slices.Clone(e.PrivateSubnetIds), e.PublicSubnetIds...)
	for i, id := range all {
		key := fmt.Sprintf("existingVpc.privateSubnetIds[%d]", i)
		if i >= len(e.PrivateSubnetIds) {
			key = fmt.Sprintf("existingVpc.publicSubnetIds[%d]", i-len(e.PrivateSubnetIds))
		}
		if !subnetForm.MatchString(id) {
			v.add(key, id, "", "not the ID of a subnet such as subnet-0123456789abcdef0")
		} else if slices.Index(all, id) < i {
			v.add(key, id, "", "listed twice")
		}
	}
}

// rules are the limits on the Kubernetes version that hold for a configuration.
func rules(c Config) []versions.KubernetesSupport {
	out := versions.KubernetesRules()
	if c.ClusterAutoscaler {
		out = append(out, versions.ClusterAutoscalerRule())
	}
	return out
}
