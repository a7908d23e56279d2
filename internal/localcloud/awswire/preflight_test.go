// SPDX-License-Identifier: Apache-2.0

package awswire_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"emrflink/internal/awsapi"
	"emrflink/internal/check"
	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/awswire"
	"emrflink/internal/preflight"
)

// The checks before a deploy are run here against the account's API, with the client that asks AWS.

func deployOf(change func(*preflight.Deploy)) preflight.Deploy {
	d := preflight.Deploy{
		Stack: "dev", Name: "demo", Region: region, Kubernetes: "1.35", Cidr: "10.0.0.0/16", Networks: 1, Zones: 3,
		CoreTypes: []string{"m5.xlarge"}, CoreNodes: 3, SpotVCPUs: 4, Tag: "emrflink:deployment",
		Bucket:    func(id awsapi.Identity) string { return "demo-" + id.Account },
		LogGroups: []string{"/aws/eks/demo/cluster"}, Lasts: 20 * time.Minute,
		Policies: []preflight.NamedPolicy{{Key: "permissionsBoundary", ARN: "arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy"}},
	}
	change(&d)
	return d
}

// statuses are the checks that are not ok; what are the texts of all.
func statuses(t *testing.T, c *awsapi.Client, d preflight.Deploy) (notOK map[string]check.Status, what map[string]string) {
	t.Helper()
	notOK, what = map[string]check.Status{}, map[string]string{}
	for _, r := range (preflight.Account{AWS: c, Deploy: d, Now: time.Now}).Run(t.Context()) {
		if what[r.ID] = r.What; r.Status != check.OK {
			notOK[r.ID] = r.Status
			what[r.ID] += "\n" + r.Why
		}
	}
	return notOK, what
}

func TestTheChecksOfADeployFindNothingInAFreshAccount(t *testing.T) {
	t.Parallel()
	w := bareWorld(t)
	got, what := statuses(t, w.client(), deployOf(func(*preflight.Deploy) {}))
	require.Empty(t, got)
	require.Equal(t, "VPCs in the region: need 1, have 0, limit 5", what["quota-vpc"])
	require.Equal(t, "Kubernetes 1.35 is in standard support until 2027-03-27", what["kubernetes-version"])
}

func TestTheChecksOfADeployCountWhatTheAccountHas(t *testing.T) {
	t.Parallel()
	w := fleetWorld(t)
	w.cluster("demo")
	w.bucket("demo-111122223333", false)
	w.create(account.KindLogGroup, account.Props{"name": "/aws/eks/demo/cluster"})
	_, err := w.ec2(w.cfg).CreateFleet(t.Context(), fleet(w, types.DefaultTargetCapacityTypeSpot, "c5d.xlarge"))
	require.NoError(t, err)
	_, err = w.ec2(w.cfg).CreateFleet(t.Context(), fleet(w, types.DefaultTargetCapacityTypeOnDemand, "c5d.2xlarge"))
	require.NoError(t, err)
	w.create(account.KindInternetGateway, account.Props{"vpcId": w.vpc})
	ip := w.create(account.KindEIP, account.Props{"domain": "vpc"})
	w.create(account.KindNATGateway, account.Props{"subnetId": w.subnets[1], "allocationId": ip.ID})
	for code, limit := range map[string]float64{
		account.QuotaVPCs: 1, account.QuotaElasticIPs: 1, account.QuotaNATGateways: 1, account.QuotaClusters: 1,
		account.QuotaOnDemandVCPU: 19, account.QuotaSpotVCPU: 7,
	} {
		require.NoError(t, w.account.SetQuota(code, limit))
	}
	require.NoError(t, w.account.SetServiceLinkedRole(account.ServiceSpot, false))
	got, what := statuses(t, w.client(), deployOf(func(d *preflight.Deploy) { d.Kubernetes = "1.31" }))
	require.Empty(t, cmp.Diff(map[string]check.Status{
		"quota-vpc": check.Error, "quota-eip": check.Error, "quota-nat": check.Error, "quota-cluster": check.Error,
		"quota-vcpu-on-demand": check.Error, "quota-vcpu-spot": check.Warning, "cluster-name": check.Error,
		"bucket-name": check.Error, "log-groups": check.Error, "spot-role": check.Warning, "kubernetes-version": check.Warning,
	}, got))
	require.Contains(t, what["quota-vcpu-on-demand"], "need 12, have 8, limit 19")
	require.Contains(t, what["quota-vcpu-spot"], "need 4, have 4, limit 7")
	require.Contains(t, what["quota-nat"], "zone us-west-2b (usw2-az1): need 1, have 1, limit 1")
	require.Contains(t, what["kubernetes-version"], "in extended support since 2025-11-26 until 2026-11-26")
	require.Contains(t, what["vpc"], "overlaps with "+w.vpc)
}

// The account has zones that lack types, and as many IAM entities as it may have.
func TestTheChecksOfADeploySeeZonesAndIAM(t *testing.T) {
	t.Parallel()
	w := fleetWorld(t)
	for code, limit := range map[string]float64{
		account.QuotaRoles: 3, account.QuotaPolicies: 0, account.QuotaInstanceProfiles: 1,
	} {
		require.NoError(t, w.account.SetQuota(code, limit))
	}
	got, what := statuses(t, w.client(), deployOf(func(d *preflight.Deploy) {
		d.Zones, d.PoolTypes = 4, map[string][]string{"flink": {"c5d.*"}, "graviton": {"r7gd.*"}}
		d.IAM = preflight.Entities{Roles: 8, Policies: 8, Profiles: 1}
	}))
	for _, id := range []string{"quota-iam-roles", "quota-iam-policies", "quota-instance-profiles"} {
		require.Equal(t, check.Error, got[id], what[id])
	}
	require.Equal(t, check.Warning, got["instance-zones"])
	require.Contains(t, what["instance-zones"], "core nodes: no m5.xlarge in us-west-2d; pool flink: no c5d.* in us-west-2d\n")
	for kind, p := range map[account.Kind]account.Props{
		account.KindPolicy:          {"name": "one", "policy": allow("*", "", "s3:GetObject")},
		account.KindInstanceProfile: {"name": "another"},
	} {
		_, err := w.account.Create(t.Context(), account.Caller{}, kind, p)
		require.ErrorContains(t, err, "LimitExceeded")
	}
	subnet := w.create(account.KindSubnet, account.Props{
		"vpcId": w.vpc, "cidrBlock": "10.0.200.0/28", "availabilityZone": "us-west-2d",
	})
	_, err := w.account.RunInstances(t.Context(), account.Caller{}, account.RunRequest{
		InstanceType: "c5d.xlarge", SubnetID: subnet.ID, ImageID: "ami-0123456789abcdef0",
	})
	require.ErrorContains(t, err, "not supported in your requested Availability Zone (us-west-2d)")

	got, what = statuses(t, w.client(), deployOf(func(d *preflight.Deploy) {
		d.Networks, d.Subnets, d.Recorded.VPC = 0, []string{subnet.ID, w.subnets[0]}, w.vpc
	}))
	require.Equal(t, check.Warning, got["subnet-addresses"])
	require.Contains(t, what["subnet-addresses"], "need 76, have 11 in "+subnet.ID+" (us-west-2d)")
}

func TestTheChecksOfADeployWithARoleThatMayNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	role := w.role("nobody", "ec2.amazonaws.com", "")
	c, err := w.client().AssumeRole(t.Context(), role.ARN, "test")
	require.NoError(t, err)
	got, what := statuses(t, c, deployOf(func(*preflight.Deploy) {}))
	for _, ok := range []string{"credentials", "clock", "session", "account", "region"} {
		require.NotContains(t, got, ok, what[ok])
	}
	for id, status := range got {
		require.Equal(t, check.Warning, status, what[id])
		require.Contains(t, what[id], "the identity is not allowed to call ", id)
	}
	require.Len(t, got, 20)
}

func TestTheChecksOfADeploySeeTheEndOfASession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	role := w.create(account.KindRole,
		account.Props{"name": "short", "maxSessionDuration": 900.0, "assumeRolePolicy": `{"Version":"2012-10-17",` +
			`"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + account.DefaultAccountID +
			`:root"},"Action":"sts:AssumeRole"}]}`})
	w.create(account.KindRolePolicy, account.Props{"name": "policy", "role": "short", "policy": allow("*", "", "*")})
	c, err := w.client().AssumeRole(t.Context(), role.ARN, "test")
	require.NoError(t, err)
	got, what := statuses(t, c, deployOf(func(*preflight.Deploy) {}))
	require.Equal(t, check.Warning, got["session"], what["session"])
	require.Regexp(t, `the credentials expire in 1\d[ms\d]*, a deploy takes about 20m0s`, what["session"])
}

func TestTheChecksOfADeploySeeAClockThatIsWrong(t *testing.T) {
	t.Parallel()
	a, err := account.Open(account.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	srv := httptest.NewServer(awswire.New(a, awswire.Options{Now: func() time.Time { return time.Now().Add(20 * time.Minute) }}))
	t.Cleanup(srv.Close)
	w := &world{t: t, account: a, url: srv.URL}
	got, what := statuses(t, w.client(), deployOf(func(*preflight.Deploy) {}))
	require.Equal(t, check.Error, got["clock"], what["clock"])
	require.Contains(t, what["clock"], "behind AWS's clock")
}

// An account that allows roles with one permissions boundary only, as IAM's guide has it.
func TestADeployIsToldOfAnAccountThatAsksForABoundary(t *testing.T) {
	t.Parallel()
	w := bareWorld(t)
	const limit = "arn:aws:iam::111122223333:policy/limit"
	role := w.create(account.KindRole, account.Props{
		"name": "ci", "assumeRolePolicy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",` +
			`"Principal":{"AWS":"111122223333"}}]}`,
		"inlinePolicies": []any{map[string]any{"name": "all", "policy": `{"Version":"2012-10-17","Statement":[` +
			`{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"iam:CreateRole","Resource":"*",` +
			`"Condition":{"StringNotEquals":{"iam:PermissionsBoundary":"` + limit + `"}}}]}`}},
	})
	client, err := w.client().AssumeRole(t.Context(), role.ARN, "session")
	require.NoError(t, err)
	got, what := statuses(t, client, deployOf(func(d *preflight.Deploy) { d.Admins = []string{role.ARN} }))
	require.Equal(t, map[string]check.Status{"role-creation": check.Error}, got)
	require.Contains(t, what["role-creation"], "the verdict explicitDeny; a policy asks for iam:PermissionsBoundary")
	got, what = statuses(t, client, deployOf(func(d *preflight.Deploy) {
		d.Admins, d.Roles.Boundary = []string{role.ARN}, limit
	}))
	require.NotContains(t, got, "role-creation", what["role-creation"])
}
