// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"emrflink/components/mirror"
	"emrflink/internal/awsapi"
	"emrflink/internal/check"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func mirrors() map[string]broken {
	return map[string]broken{
		"no rule behind a prefix": {func(w *world, _ *Deploy) { delete(w.caches, "quay") }, "mirrors", check.Warning, []string{
			"has no pull-through rule for quay", "RepositoryNotFoundException",
			"aws ecr create-pull-through-cache-rule --region us-west-2 --ecr-repository-prefix quay"}},
		"no rule for the whole registry": {func(w *world, _ *Deploy) { delete(w.caches, "ROOT") }, "mirrors", check.Warning,
			[]string{"for ROOT"}},
		"a mirror of another account": {func(_ *world, d *Deploy) {
			d.Mirrors = []mirror.ECR{mirrorOf("444455556666", "us-west-2", "quay/")}
		}, "mirrors", check.Skipped, []string{"of account 444455556666: not checked", "ecr:BatchGetImage"}},
		"a mirror of another region, beside ours": {func(_ *world, d *Deploy) {
			d.Mirrors = append(d.Mirrors, mirrorOf("111122223333", "eu-west-1", "quay/"))
		}, "mirrors", check.Warning, []string{"each of 2 prefixes; 111122223333.dkr.ecr.eu-west-1", "in Pulumi.dev.yaml set"}},
		"an account that is not asked": {func(w *world, _ *Deploy) {
			w.fails["ecr:DescribePullThroughCacheRules"] = &awsapi.Error{Code: "NotImplemented", Message: "not simulated"}
		}, "mirrors", check.Skipped, []string{"not checked", "not simulated"}},
		"no mirrors": {func(_ *world, d *Deploy) { d.Mirrors = nil }, "mirrors", check.OK, []string{"none in ECR"}},
	}
}

func look(t *testing.T, w *world, d *Deploy) map[string]check.Check {
	t.Helper()
	got := map[string]check.Check{}
	for _, c := range (Account{AWS: w, Deploy: *d, Now: func() time.Time { return noon }}).Run(t.Context()) {
		require.NotContains(t, got, c.ID, "an id is one check")
		if got[c.ID] = c; c.Status == check.Error || c.Status == check.Warning {
			require.NotEmpty(t, c.Why, c.ID)
			require.NotEmpty(t, c.Fix, c.ID)
		}
	}
	return got
}

func TestAnAccountInWhichADeploySucceedsHasNoProblem(t *testing.T) {
	t.Parallel()
	w, d := healthy()
	for id, c := range look(t, w, d) {
		require.Equal(t, check.OK, c.Status, "%s: %s", id, c.What)
		require.Empty(t, c.Fix, id)
	}
}

// broken is one way in which an account is not as it should be.
type broken struct {
	change func(*world, *Deploy)
	id     string
	status check.Status
	says   []string // in what, why and fix together
}

func denied(op, code string) error {
	return &awsapi.Error{Op: op, Code: code, Message: "no", HTTP: 403}
}

func identities() map[string]broken {
	return map[string]broken{
		"another account": {func(_ *world, d *Deploy) { d.Recorded.Account = "999999999999" }, "account", check.Error, []string{
			"the credentials are of account 111122223333", `stack "dev" is deployed in account 999999999999`, "AWS_PROFILE"}},
		"another region": {func(_ *world, d *Deploy) { d.Recorded.Region = "eu-west-1" }, "region", check.Error,
			[]string{"deployed in eu-west-1", "emrflink init"}},
		"a session that ends too soon": {func(w *world, _ *Deploy) {
			w.session = awsapi.Session{Temporary: true, Expires: noon.Add(7 * time.Minute)}
		}, "session", check.Warning, []string{"expire in 7m0s", "about 20m0s", "ExpiredToken", "aws sso login"}},
		"a session without an end that is known": {func(w *world, _ *Deploy) { w.session = awsapi.Session{Temporary: true} },
			"session", check.Skipped,
			[]string{"AWS_CREDENTIAL_EXPIRATION"}},
		"a session that is long enough": {func(w *world, _ *Deploy) {
			w.session = awsapi.Session{Temporary: true, Expires: noon.Add(time.Hour)}
		}, "session", check.OK, []string{"1h0m0s left"}},
		"a session that renews": {func(w *world, _ *Deploy) {
			w.session = awsapi.Session{Temporary: true, Renews: true, Expires: noon.Add(time.Minute)}
		}, "session", check.OK, []string{"renewed"}},
		"a clock that is five minutes behind": {func(w *world, _ *Deploy) { w.skew = -5 * time.Minute }, "clock", check.Error,
			[]string{"5m0s behind", "RequestTimeTooSkewed"}},
		"a clock that is two minutes ahead": {func(w *world, _ *Deploy) { w.skew = 2 * time.Minute }, "clock", check.Warning,
			[]string{"2m0s ahead", "set-ntp"}},
	}
}

func limits() map[string]broken {
	const increase = "aws service-quotas request-service-quota-increase --service-code "
	return map[string]broken{
		"no VPC left": {func(w *world, _ *Deploy) { w.vpcs = make([]awsapi.VPC, 5) }, "quota-vpc", check.Error, []string{
			"need 1, have 5, limit 5", "VpcLimitExceeded",
			increase + "vpc --quota-code L-F678F1CE --desired-value 6 --region us-west-2"}},
		"no VPC left, none needed": {func(w *world, d *Deploy) { w.vpcs, d.Recorded.VPCs = make([]awsapi.VPC, 5), 1 },
			"quota-vpc", check.OK, []string{"need 0, have 5"}},
		"too few addresses for a NAT gateway in each zone": {func(w *world, d *Deploy) { w.addresses, d.PerZone = 3, true },
			"quota-eip", check.Error, []string{"need 3, have 3, limit 5", "AddressLimitExceeded", "exceeded by 1"}},
		"a zone is full of NAT gateways": {func(w *world, _ *Deploy) { w.nats = map[string]int{"us-west-2b": 5} }, "quota-nat",
			check.Error, []string{"us-west-2b (usw2-az1)", "NatGatewayLimitExceeded"}},
		"a zone without a NAT gateway of ours is full": {func(w *world, _ *Deploy) { w.nats = map[string]int{"us-west-2c": 5} },
			"quota-nat", check.OK, []string{"have 0"}},
		"no cluster left": {func(w *world, _ *Deploy) { w.limits["L-1194D53C"], w.clusters = 1, []string{"other"} },
			"quota-cluster", check.Error, []string{"ResourceLimitExceededException"}},
		"a new account's vCPUs": {func(w *world, _ *Deploy) { w.limits["L-1216C47A"] = 5 }, "quota-vcpu-on-demand",
			check.Error, []string{"need 12, have 0, limit 5", "VcpuLimitExceeded"}},
		"a new account's spot vCPUs": {func(w *world, _ *Deploy) { w.limits["L-34B43A08"] = 1 }, "quota-vcpu-spot",
			check.Warning, []string{"need 4", "MaxSpotInstanceCountExceeded"}},
		"no VPC left, one exists already": {func(w *world, d *Deploy) { w.vpcs, d.Networks = make([]awsapi.VPC, 5), 0 },
			"quota-vpc", check.OK, []string{"need 0"}},
		"no address left, none needed": {func(w *world, d *Deploy) { w.addresses, d.Networks = 5, 0 }, "quota-eip", check.OK,
			[]string{"need 0, have 5"}},
		"no address left, no NAT": {func(w *world, d *Deploy) { w.addresses, d.NoNAT = 5, true }, "quota-eip", check.OK,
			[]string{"need 0, have 5"}},
		"core nodes that run already": {func(w *world, d *Deploy) { w.onDemand, d.Recorded.NodeGroups = 64, 1 },
			"quota-vcpu-on-demand", check.OK, []string{"need 0, have 64"}},
		"an instance type that is not offered": {func(w *world, _ *Deploy) { w.vcpus = nil }, "instance-types",
			check.Error, []string{"m5.xlarge: not offered in us-west-2", "describe-instance-type-offerings"}},
	}
}

// room are what IAM, the zones and the subnets have too little of.
func room() map[string]broken {
	into := func(w *world, d *Deploy, free ...int) {
		d.Networks, d.Subnets, d.Recorded.VPC = 0, []string{"subnet-a", "subnet-b"}, "vpc-1"
		for i, n := range free {
			w.subnets = append(w.subnets, awsapi.Subnet{ID: d.Subnets[i], Zone: "us-west-2" + string("ab"[i]), Free: n})
		}
	}
	return map[string]broken{
		"no role left": {func(w *world, _ *Deploy) { w.iam["RolesQuota"] = 37 }, "quota-iam-roles", check.Error, []string{
			"need 8, have 30, limit 37", "LimitExceeded", "exceeded by 1", "--quota-code L-FE177D64", "--region us-east-1"}},
		"the last role": {func(w *world, _ *Deploy) { w.iam["RolesQuota"] = 38 }, "quota-iam-roles", check.OK, nil},
		"no role left, and ours are there": {func(w *world, d *Deploy) {
			w.iam["RolesQuota"], d.Recorded.IAM.Roles = 30, 8
		}, "quota-iam-roles", check.OK, []string{"need 0"}},
		"no policy left": {func(w *world, _ *Deploy) { w.iam["PoliciesQuota"] = 12 }, "quota-iam-policies", check.Error,
			[]string{"need 8, have 12", "L-E95E4862"}},
		"no instance profile left": {func(w *world, _ *Deploy) { w.iam["InstanceProfilesQuota"] = 4 },
			"quota-instance-profiles", check.Error, []string{"need 1, have 4", "L-6E65F664"}},
		"a zone without the core nodes' type": {func(w *world, _ *Deploy) { w.offers["m5.xlarge"] = []string{"us-west-2a"} },
			"instance-zones", check.Warning, []string{"core nodes: no m5.xlarge in us-west-2b, us-west-2c", "Unsupported"}},
		"no zone with it": {func(w *world, _ *Deploy) { delete(w.offers, "m5.xlarge") }, "instance-zones", check.Error,
			[]string{"describe-instance-type-offerings"}},
		"a zone without a pool's families": {func(w *world, _ *Deploy) { w.offers["c5d.xlarge"] = []string{"us-west-2a"} },
			"instance-zones", check.Warning, []string{"pool flink: no c5d.*, c6id.* in us-west-2b, us-west-2c"}},
		"another family of the pool is there": {func(w *world, _ *Deploy) {
			w.offers["c5d.xlarge"], w.offers["c6id.8xlarge"] = nil, []string{"us-west-2a", "us-west-2b", "us-west-2c"}
		}, "instance-zones", check.OK, []string{"core nodes and 1 pools"}},
		"subnets with room": {func(w *world, d *Deploy) { into(w, d, 76, 4000) }, "subnet-addresses", check.OK,
			[]string{"need 76, have 76 in subnet-a (us-west-2a), 4000 in subnet-b (us-west-2b)"}},
		"a subnet with too little room for nodes": {func(w *world, d *Deploy) { into(w, d, 4000, 75) }, "subnet-addresses",
			check.Warning, []string{"75 in subnet-b", "associate-vpc-cidr-block --vpc-id vpc-1"}},
		"a subnet that EKS does not take": {func(w *world, d *Deploy) { into(w, d, 4000, 5) }, "subnet-addresses", check.Error,
			[]string{"less than 6"}},
		"of a cluster that is there already": {func(w *world, d *Deploy) {
			into(w, d, 4000, 5)
			d.Recorded.Clusters, d.Recorded.NodeGroups = 1, 1
		}, "subnet-addresses", check.Warning, []string{"need 16"}},
	}
}

func offers() map[string]broken {
	return map[string]broken{
		"zones that EKS does not support do not count": {func(w *world, d *Deploy) {
			d.Region = "us-west-1"
			w.zones = []awsapi.Zone{
				{Name: "us-west-1a", ID: "usw1-az1", State: "available"},
				{Name: "us-west-1b", ID: "usw1-az2", State: "available"},
			}
		}, "zones", check.Error, []string{
			"3 zones wanted, EKS can use 1 of 2", "UnsupportedAvailabilityZoneException", "set emrflink:availabilityZones to 1",
		}},
		"a zone that is impaired does not count": {func(w *world, _ *Deploy) { w.zones[0].State = "impaired" }, "zones",
			check.Error, []string{"EKS can use 2 of 3"}},
		"a version in extended support": {func(_ *world, d *Deploy) { d.Kubernetes = "1.32" }, "kubernetes-version",
			check.Warning, []string{
				"since 2026-03-23 until 2027-03-23", "$0.60 per hour instead of $0.10", "emrflink:kubernetesVersion to 1.35"}},
		"a version whose support has ended": {func(_ *world, d *Deploy) { d.Kubernetes = "1.29" }, "kubernetes-version",
			check.Error, []string{"ended on 2026-03-23"}},
		"a version that is none": {func(_ *world, d *Deploy) { d.Kubernetes = "1.12" }, "kubernetes-version", check.Error,
			[]string{"EKS offers 1.35, 1.32"}},
		"no role for spot": {func(w *world, _ *Deploy) { w.spotRole = false }, "spot-role", check.Warning, []string{
			"AuthFailure.ServiceLinkedRoleCreationNotPermitted",
			"aws iam create-service-linked-role --aws-service-name spot.amazonaws.com"}},
		"no role for spot, no spot": {func(w *world, d *Deploy) { w.spotRole, d.SpotVCPUs = false, 0 }, "spot-role",
			check.Skipped, nil},
	}
}

func administrators() map[string]broken {
	const other = "arn:aws:iam::111122223333:role/team/ci"
	ours := map[string]string{"emrflink:deployment": "emr-eks-flink"}
	return map[string]broken{
		"nobody is listed, and there is no cluster": {func(w *world, _ *Deploy) { w.entries = nil }, "admins", check.OK,
			[]string{"only the identity that creates the cluster"}},
		"only others are listed": {func(_ *world, d *Deploy) { d.Admins = []string{other} }, "admins", check.Error,
			[]string{"401", `in Pulumi.dev.yaml set emrflink:admins to ["` + other + `","` + me + `"]`}},
		"only others, without a stack file": {func(_ *world, d *Deploy) { d.Admins, d.File = []string{other}, "" }, "admins",
			check.Error, []string{`--set admins='["` + other + `","` + me + `"]'`}},
		"all are listed": {func(_ *world, d *Deploy) { d.Admins = []string{other, me} }, "admins", check.OK,
			[]string{"one of 2"}},
		"others are listed on the creator's own cluster": {func(_ *world, d *Deploy) {
			d.Admins, d.Recorded.Clusters = []string{other}, 1
		}, "admins", check.OK, []string{"that the stack did not make"}},
		"the creator is listed later": {func(_ *world, d *Deploy) { d.Admins, d.Recorded.Clusters = []string{me}, 1 },
			"admins", check.Error, []string{"ResourceInUseException", "aws eks delete-access-entry", "take it out of"}},
		"the deploy would delete its own entry": {func(w *world, d *Deploy) {
			w.entries, d.Admins, d.Recorded.Clusters = map[string]map[string]string{me: ours, other: ours}, []string{other}, 1
		}, "admins", check.Error, []string{me + " would not administer"}},
		"the deploy would delete all entries": {func(w *world, d *Deploy) {
			w.entries, d.Recorded.Clusters = map[string]map[string]string{me: ours, other: ours}, 1
		}, "admins", check.Error, []string{me + " would not administer"}},
		"the cluster was deleted by hand": {func(w *world, d *Deploy) {
			w.fails["eks:ListAccessEntries"] = &awsapi.Error{Op: "eks:ListAccessEntries", Code: "ResourceNotFoundException"}
			d.Recorded.Clusters = 1
		}, "admins", check.OK, nil},
		"the entries may not be listed": {func(w *world, d *Deploy) {
			w.fails["eks:ListAccessEntries"], d.Recorded.Clusters = denied("eks:ListAccessEntries", "AccessDenied"), 1
		}, "admins", check.Warning, []string{"allow eks:ListAccessEntries"}},
		"an entry may not be read": {func(w *world, d *Deploy) {
			w.fails["eks:DescribeAccessEntry"], d.Recorded.Clusters = denied("eks:DescribeAccessEntry", "AccessDenied"), 1
		}, "admins", check.Warning, []string{"allow eks:DescribeAccessEntry"}},
	}
}

func TestAPrincipalIsWrittenAsAnAccessEntryTakesIt(t *testing.T) {
	t.Parallel()
	for arn, want := range map[string]string{
		me: me,
		"arn:aws-cn:sts::111122223333:assumed-role/ci/run-7": "arn:aws-cn:iam::111122223333:role/ci",
		"arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Admin_01/me": "arn:aws:iam::111122223333:role/aws-reserved/" +
			"sso.amazonaws.com/REGION/AWSReservedSSO_Admin_01",
	} {
		require.Equal(t, want, principalOf(arn))
	}
}

func clashes() map[string]broken {
	return map[string]broken{
		"another cluster of the name": {func(w *world, _ *Deploy) { w.clusters = []string{"emr-eks-flink"} }, "cluster-name",
			check.Error, []string{"ResourceInUseException", "in Pulumi.dev.yaml set emrflink:name to emr-eks-flink-2"}},
		"a cluster of a state that was lost": {func(w *world, _ *Deploy) {
			w.clusters, w.clusterTags = []string{"emr-eks-flink"}, map[string]string{"emrflink:deployment": "emr-eks-flink"}
		}, "cluster-name", check.Error, []string{"Key=emrflink:deployment,Values=emr-eks-flink", "emr-eks-flink-2"}},
		"our own cluster": {func(w *world, d *Deploy) { w.clusters, d.Recorded.Clusters = []string{"emr-eks-flink"}, 1 },
			"cluster-name", check.OK, nil},
		"without a stack file the fix writes one": {func(w *world, d *Deploy) {
			w.clusters, d.File = []string{"emr-eks-flink"}, ""
		}, "cluster-name", check.Error, []string{"emrflink init --stack dev --set region=us-west-2 --set name=emr-eks-flink-2"}},
		"another VPC of the name": {func(w *world, _ *Deploy) {
			w.vpcs = append(w.vpcs, awsapi.VPC{ID: "vpc-9", Tags: map[string]string{"emrflink:deployment": "emr-eks-flink"}})
		}, "vpc", check.Warning, []string{"vpc-9 belongs to a deployment emr-eks-flink"}},
		"overlapping addresses are said, and no problem": {func(w *world, _ *Deploy) {
			w.vpcs = append(w.vpcs, awsapi.VPC{ID: "vpc-9", CIDRs: []string{"10.0.128.0/20"}})
		}, "vpc", check.OK, []string{"overlaps with vpc-9 (10.0.128.0/20)"}},
		"our own VPC": {func(w *world, d *Deploy) {
			w.vpcs = append(w.vpcs, awsapi.VPC{ID: "vpc-9", CIDRs: []string{"10.0.0.0/16"}})
			d.Recorded.VPCs, d.Recorded.VPC = 1, "vpc-9"
		}, "vpc", check.OK, []string{"no other network"}},
		"another bucket of the name": {func(w *world, _ *Deploy) { w.bucket = true }, "bucket-name", check.Error,
			[]string{"b-111122223333", "BucketAlreadyOwnedByYou"}},
		"our own bucket": {func(w *world, d *Deploy) { w.bucket, d.Recorded.Names["b-111122223333"] = true, true },
			"bucket-name", check.OK, nil},
		"a log group left over": {func(w *world, _ *Deploy) { w.logGroups = []string{"/aws/eks/emr-eks-flink/cluster"} },
			"log-groups", check.Error, []string{
				"ResourceAlreadyExistsException", "emrflink deploy --adopt --stack ",
				"aws logs delete-log-group --log-group-name /aws/eks/emr-eks-flink/cluster --region us-west-2"}},
		"a log group that is adopted": {func(w *world, d *Deploy) {
			w.logGroups, d.Adopt = []string{"/aws/eks/emr-eks-flink/cluster"}, true
		}, "log-groups", check.Warning, []string{"taken into the stack", "a cleanup deletes them"}},
		"our own log group": {func(w *world, d *Deploy) {
			w.logGroups, d.Recorded.Names["/aws/eks/emr-eks-flink/cluster"] = []string{"/aws/eks/emr-eks-flink/cluster"}, true
		}, "log-groups", check.OK, nil},
	}
}

func TestEachProblemIsFoundWithItsCauseAndItsFix(t *testing.T) {
	t.Parallel()
	w, d := healthy()
	untested := look(t, w, d)
	delete(untested, "credentials") // TestWithoutCredentialsTheRestIsSkippedAndTheClockIsNot
	for _, table := range []map[string]broken{
		identities(), limits(), room(), offers(), administrators(), policies(), clashes(), mirrors(), roles(),
	} {
		for name, c := range table {
			delete(untested, c.id)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w, d := healthy()
				c.change(w, d)
				checks := look(t, w, d)
				require.Contains(t, checks, c.id)
				for id, got := range checks {
					if id != c.id {
						require.NotEqual(t, check.Error, got.Status, "%s: %s", id, got.What)
						continue
					}
					require.Equal(t, c.status, got.Status, got.What)
					require.Equal(t, d.Adopt, len(got.Adopts) > 0, "what is adopted is named, and only then")
					for _, s := range c.says {
						require.Contains(t, strings.Join([]string{got.What, got.Why, got.Fix}, "\n"), s)
					}
				}
			})
		}
	}
	require.Empty(t, untested, "checks that find nothing in any of these accounts")
}

// TestTheOrderOfTheChecks: it is the same when nothing can be asked.
func TestTheOrderOfTheChecks(t *testing.T) {
	t.Parallel()
	w, d := healthy()
	for _, w.identityErr = range []error{nil, denied("sts:GetCallerIdentity", "AccessDenied")} {
		var got []string
		for _, c := range (Account{AWS: w, Deploy: *d, Now: func() time.Time { return noon }}).Run(t.Context()) {
			got = append(got, c.ID)
		}
		require.Equal(t, []string{
			"credentials", "clock", "account", "region", "session", "zones", "kubernetes-version", "instance-types",
			"quota-vcpu-on-demand", "quota-vcpu-spot", "instance-zones", "subnet-addresses", "quota-iam-roles",
			"quota-iam-policies", "quota-instance-profiles", "quota-vpc", "vpc", "quota-eip", "quota-nat",
			"quota-cluster", "cluster-name", "admins", "policies", "role-creation", "mirrors", "spot-role", "bucket-name",
			"log-groups",
		}, got)
	}
}

func TestAllProblemsAreReportedAtOnce(t *testing.T) {
	t.Parallel()
	w, d := healthy()
	w.clusters, w.bucket, w.limits, d.Kubernetes = []string{"emr-eks-flink"}, true, nil, "1.12"
	var errors []string
	for id, c := range look(t, w, d) {
		if c.Status == check.Error {
			errors = append(errors, id)
		}
	}
	require.ElementsMatch(t, []string{
		"cluster-name", "bucket-name", "kubernetes-version", "quota-vpc", "quota-eip", "quota-nat", "quota-cluster",
		"quota-vcpu-on-demand",
	}, errors)
}

func TestACheckThatMayNotBeMadeIsAWarningThatNamesTheAction(t *testing.T) {
	t.Parallel()
	for op, c := range map[string]struct {
		action string
		ids    []string
	}{
		"servicequotas:GetServiceQuota": {"servicequotas:GetServiceQuota", []string{
			"quota-vpc", "quota-eip", "quota-nat", "quota-cluster", "quota-vcpu-on-demand", "quota-vcpu-spot"}},
		"ec2:DescribeVpcs":                  {"ec2:DescribeVpcs", []string{"quota-vpc", "vpc"}},
		"ec2:DescribeAddresses":             {"ec2:DescribeAddresses", []string{"quota-eip"}},
		"ec2:DescribeNatGateways":           {"ec2:DescribeNatGateways", []string{"quota-nat"}},
		"ec2:DescribeAvailabilityZones":     {"ec2:DescribeAvailabilityZones", []string{"zones", "quota-nat", "instance-zones"}},
		"ec2:DescribeInstanceTypeOfferings": {"ec2:DescribeInstanceTypeOfferings", []string{"instance-zones"}},
		"iam:GetAccountSummary": {"iam:GetAccountSummary", []string{
			"quota-iam-roles", "quota-iam-policies", "quota-instance-profiles"}},
		"ec2:DescribeInstanceTypes": {
			"ec2:DescribeInstanceTypes", []string{"instance-types", "quota-vcpu-on-demand", "quota-vcpu-spot"},
		},
		"ec2:DescribeInstances":             {"ec2:DescribeInstances", []string{"quota-vcpu-on-demand", "quota-vcpu-spot"}},
		"eks:ListClusters":                  {"eks:ListClusters", []string{"quota-cluster", "cluster-name"}},
		"eks:DescribeClusterVersions":       {"eks:DescribeClusterVersions", []string{"kubernetes-version"}},
		"iam:GetRole":                       {"iam:GetRole", []string{"spot-role"}},
		"iam:GetPolicy":                     {"iam:GetPolicy", []string{"policies"}},
		"iam:SimulatePrincipalPolicy":       {"iam:SimulatePrincipalPolicy", []string{"role-creation"}},
		"ecr:DescribePullThroughCacheRules": {"ecr:DescribePullThroughCacheRules", []string{"mirrors"}},
		"s3:HeadBucket":                     {"s3:ListBucket", []string{"bucket-name"}},
		"logs:DescribeLogGroups":            {"logs:DescribeLogGroups", []string{"log-groups"}},
	} {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			w, d := healthy()
			w.fails[op] = denied(op, "AccessDenied")
			var warned []string
			for id, got := range look(t, w, d) {
				if got.Status == check.OK {
					continue
				}
				require.Equal(t, check.Warning, got.Status, id)
				require.Contains(t, got.Why, "not allowed to call "+c.action)
				require.Equal(t, "allow "+c.action+" in the identity's IAM policy", got.Fix)
				warned = append(warned, id)
			}
			require.ElementsMatch(t, c.ids, warned)
		})
	}
}

func TestWithoutCredentialsTheRestIsSkippedAndTheClockIsNot(t *testing.T) {
	t.Parallel()
	w, d := healthy()
	ids := map[string]bool{}
	for id := range look(t, w, d) {
		ids[id] = true
	}
	w.identityErr = &awsapi.Error{
		Op: "sts:GetCallerIdentity", Code: "ExpiredToken", Message: "The security token included in the request is expired",
	}
	w.skew = time.Hour
	got := look(t, w, d)
	seen := map[string]bool{}
	for id, c := range got {
		seen[id] = true
		switch id {
		case "credentials":
			require.Equal(t, check.Error, c.Status)
			require.True(t, c.Denied, "exit code 3")
			require.Equal(t, "ExpiredToken: The security token included in the request is expired", c.Why)
		case "clock":
			require.Equal(t, check.Error, c.Status)
		default:
			require.Equal(t, check.Skipped, c.Status, id)
		}
	}
	require.Empty(t, cmp.Diff(ids, seen), "the same checks as with credentials")
	all := IDs([]string{"aws"})
	require.Equal(t, []string{"program-aws", "registry-login", "mirror-answers", "provider-plugins", "memory"}, all[:5])
	require.ElementsMatch(t, slices.Collect(maps.Keys(ids)), all[5:])
}

func TestARegionThatIsNotEnabledIsNamed(t *testing.T) {
	t.Parallel()
	w, d := healthy()
	w.identityErr = denied("sts:GetCallerIdentity", "InvalidClientTokenId")
	c := look(t, w, d)["credentials"]
	require.Contains(t, c.Why, "a region that is not enabled")
	require.Contains(t, c.Fix, "aws account get-region-opt-status --region-name us-west-2")
}

func TestAnAWSThatCannotBeReachedIsNoMatterOfCredentials(t *testing.T) {
	t.Parallel()
	w, d := healthy()
	w.identityErr = &awsapi.Error{Op: "sts:GetCallerIdentity", Message: "no such host"}
	w.fails["skew"] = errors.New("no such host")
	got := look(t, w, d)
	require.False(t, got["credentials"].Denied, "exit code 2")
	require.Equal(t, check.Warning, got["clock"].Status)
}
