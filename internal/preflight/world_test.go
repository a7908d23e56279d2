// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"emrflink/components/mirror"
	"emrflink/internal/awsapi"
)

const me = "arn:aws:iam::111122223333:user/u"

// world answers as AWS would of an account in which a deploy succeeds; a test breaks parts of it.
type world struct {
	session          awsapi.Session
	skew             time.Duration
	limits           map[string]float64
	vpcs             []awsapi.VPC
	addresses        int
	nats             map[string]int
	vcpus            map[string]int
	onDemand, spot   int
	clusters         []string
	clusterTags      map[string]string
	zones            []awsapi.Zone
	versions         []awsapi.ClusterVersion
	spotRole, bucket bool
	logGroups        []string
	iam              map[string]int
	offers           map[string][]string
	subnets          []awsapi.Subnet
	entries          map[string]map[string]string // of the cluster: their tags, by principal
	policies         []string                     // ARNs
	caches           map[string]string            // pull-through rules, by prefix
	fails            map[string]error             // by operation
	identityErr      error
	verdict          awsapi.Verdict
}

func (w *world) err(op string) error { return w.fails[op] }

func (w *world) Identity(context.Context) (awsapi.Identity, error) {
	return awsapi.Identity{Account: "111122223333", ARN: me}, w.identityErr
}
func (w *world) PullThroughCaches(context.Context) (map[string]string, error) {
	return w.caches, w.err("ecr:DescribePullThroughCacheRules")
}
func (w *world) Session(context.Context) (awsapi.Session, error) { return w.session, nil }
func (w *world) Skew(context.Context) (time.Duration, error)     { return w.skew, w.err("skew") }
func (w *world) VPCs(context.Context) ([]awsapi.VPC, error)      { return w.vpcs, w.err("ec2:DescribeVpcs") }
func (w *world) Addresses(context.Context) (int, error) {
	return w.addresses, w.err("ec2:DescribeAddresses")
}
func (w *world) ListClusters(context.Context) ([]string, error) {
	return w.clusters, w.err("eks:ListClusters")
}
func (w *world) DescribeCluster(context.Context, string) (awsapi.Cluster, error) {
	return awsapi.Cluster{Tags: w.clusterTags}, w.err("eks:DescribeCluster")
}
func (w *world) Zones(context.Context) ([]awsapi.Zone, error) {
	return w.zones, w.err("ec2:DescribeAvailabilityZones")
}
func (w *world) RoleExists(context.Context, string) (bool, error) {
	return w.spotRole, w.err("iam:GetRole")
}
func (w *world) NatGateways(context.Context) (map[string]int, error) {
	return w.nats, w.err("ec2:DescribeNatGateways")
}
func (w *world) VCPUs(context.Context, ...string) (map[string]int, error) {
	return w.vcpus, w.err("ec2:DescribeInstanceTypes")
}
func (w *world) StandardVCPUs(context.Context) (onDemand, spot int, err error) {
	return w.onDemand, w.spot, w.err("ec2:DescribeInstances")
}
func (w *world) BucketExists(context.Context, string) (bool, error) {
	return w.bucket, w.err("s3:HeadBucket")
}
func (w *world) ClusterVersions(context.Context) ([]awsapi.ClusterVersion, error) {
	return w.versions, w.err("eks:DescribeClusterVersions")
}
func (w *world) Quota(_ context.Context, _, code string) (float64, error) {
	return w.limits[code], w.err("servicequotas:GetServiceQuota")
}
func (w *world) AccessEntries(context.Context, string) ([]string, error) {
	return slices.Sorted(maps.Keys(w.entries)), w.err("eks:ListAccessEntries")
}
func (w *world) Lookup(_ context.Context, kind, id string) (awsapi.Resource, bool, error) {
	if kind == awsapi.TypePolicy {
		return awsapi.Resource{}, slices.Contains(w.policies, id), w.err("iam:GetPolicy")
	}
	tags, found := w.entries[strings.TrimPrefix(id, "emr-eks-flink:")]
	return awsapi.Resource{Tags: tags}, found, w.err("eks:DescribeAccessEntry")
}
func (w *world) Simulate(_ context.Context, _, _, _ string, keys map[string]string) (awsapi.Verdict, error) {
	v := w.verdict
	v.Allowed = v.Allowed || keys[boundaryKey] != "" && slices.Contains(v.Missing, boundaryKey)
	return v, w.err("iam:SimulatePrincipalPolicy")
}
func (w *world) IAMSummary(context.Context) (map[string]int, error) {
	return w.iam, w.err("iam:GetAccountSummary")
}
func (w *world) Offered(context.Context, ...string) (map[string][]string, error) {
	return w.offers, w.err("ec2:DescribeInstanceTypeOfferings")
}
func (w *world) Subnets(context.Context, ...string) ([]awsapi.Subnet, error) {
	return w.subnets, w.err("ec2:DescribeSubnets")
}
func (w *world) LogGroupExists(_ context.Context, name string) (bool, error) {
	for _, g := range w.logGroups {
		if g == name {
			return true, nil
		}
	}
	return false, w.err("logs:DescribeLogGroups")
}

func healthy() (*world, *Deploy) {
	day := func(s string) time.Time { t, _ := time.Parse(time.DateOnly, s); return t }
	w := &world{
		verdict: awsapi.Verdict{Allowed: true},
		limits: map[string]float64{
			"L-F678F1CE": 5, "L-0263D0A3": 5, "L-FE5A380F": 5, "L-1194D53C": 100, "L-1216C47A": 64, "L-34B43A08": 64,
		},
		vpcs:     []awsapi.VPC{{ID: "vpc-default", CIDRs: []string{"172.31.0.0/16"}}},
		vcpus:    map[string]int{"m5.xlarge": 4},
		spotRole: true,
		iam: map[string]int{
			"Roles": 30, "RolesQuota": 1000, "Policies": 12, "PoliciesQuota": 1500, "InstanceProfiles": 4,
			"InstanceProfilesQuota": 1000,
		},
		offers: map[string][]string{
			"m5.xlarge":  {"us-west-2a", "us-west-2b", "us-west-2c", "us-west-1a"},
			"c5d.xlarge": {"us-west-2a", "us-west-2b", "us-west-2c", "us-west-1a"},
		},
		entries: map[string]map[string]string{me: nil}, // EKS makes the creator's, without tags
		zones: []awsapi.Zone{
			{Name: "us-west-2a", ID: "usw2-az2", State: "available"}, {Name: "us-west-2b", ID: "usw2-az1", State: "available"},
			{Name: "us-west-2c", ID: "usw2-az3", State: "available"},
		},
		versions: []awsapi.ClusterVersion{
			{Version: "1.35", Status: "STANDARD_SUPPORT", Default: true, EndOfStandard: day("2027-03-27")},
			{Version: "1.32", Status: "EXTENDED_SUPPORT", EndOfStandard: day("2026-03-23"), EndOfExtended: day("2027-03-23")},
			{Version: "1.29", Status: "UNSUPPORTED", EndOfExtended: day("2026-03-23")},
		},
		policies: []string{ownPolicy, "arn:aws:iam::aws:policy/AmazonMSKReadOnlyAccess"},
		caches:   map[string]string{"quay": "quay.io", "ROOT": "public.ecr.aws"},
		fails:    map[string]error{},
	}
	return w, &Deploy{
		Stack: "dev", File: "Pulumi.dev.yaml", Name: "emr-eks-flink", Region: "us-west-2", Kubernetes: "1.35",
		Cidr: "10.0.0.0/16", Networks: 1, Zones: 3, CoreTypes: []string{"m5.xlarge"}, CoreNodes: 3, SpotVCPUs: 4,
		PoolTypes: map[string][]string{"flink": {"c5d.*", "c6id.*"}}, IAM: Entities{Roles: 8, Policies: 8, Profiles: 1},
		Tag:       "emrflink:deployment",
		Mirrors:   []mirror.ECR{mirrorOf("111122223333", "us-west-2", "quay/", "")},
		Policies:  []NamedPolicy{{"teams[0].policies[0]", w.policies[0]}, {"teams[0].policies[1]", w.policies[1]}},
		Bucket:    func(id awsapi.Identity) string { return "b-" + id.Account },
		LogGroups: []string{"/aws/eks/emr-eks-flink/cluster", "/aws/emr-flink/emr-eks-flink/operator"},
		Lasts:     20 * time.Minute, StandardSupportUSD: 0.10, ExtendedSupportUSD: 0.60,
		Recorded: Recorded{Names: map[string]bool{}},
	}
}

func mirrorOf(account, region string, prefixes ...string) mirror.ECR {
	return mirror.ECR{
		Host: account + ".dkr.ecr." + region + ".amazonaws.com", Account: account, Region: region, Prefixes: prefixes,
	}
}
