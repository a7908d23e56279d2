// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/awsapi"
	"emrflink/internal/check"
	"emrflink/internal/plans"
)

func TestEachLimitIsGoodToItsLastUnit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*world, *Deploy)
		id     string
		status check.Status
		says   string
	}{
		"credentials for as long as a deploy": {func(w *world, _ *Deploy) {
			w.session = awsapi.Session{Temporary: true, Expires: noon.Add(20 * time.Minute)}
		}, "session", check.OK, "20m0s left"},
		"credentials for a second less": {func(w *world, _ *Deploy) {
			w.session = awsapi.Session{Temporary: true, Expires: noon.Add(20*time.Minute - time.Second)}
		}, "session", check.Warning, "expire in 19m59s"},
		"a clock that is right": {func(*world, *Deploy) {}, "clock", check.OK, "0s ahead of AWS's clock"},
		"a clock that is a minute off": {
			func(w *world, _ *Deploy) { w.skew = time.Minute }, "clock", check.Warning, "ahead",
		},
		"a clock that is nearly a minute off": {
			func(w *world, _ *Deploy) { w.skew = 59 * time.Second }, "clock", check.OK, "59s",
		},
		"a clock that is five minutes off": {func(w *world, _ *Deploy) { w.skew = -5 * time.Minute }, "clock", check.Error,
			"5m0s behind AWS's clock"},
		"the last VPC": {func(w *world, _ *Deploy) { w.vpcs = make([]awsapi.VPC, 4) }, "quota-vpc", check.OK, "have 4, limit 5"},
		"two VPCs too many": {func(w *world, _ *Deploy) { w.vpcs = make([]awsapi.VPC, 6) }, "quota-vpc", check.Error,
			"would be exceeded by 2"},
		"a zone without NAT gateways": {func(*world, *Deploy) {}, "quota-nat", check.OK, "in zone us-west-2b (usw2-az1)"},
		"a version in standard support": {func(*world, *Deploy) {}, "kubernetes-version", check.OK,
			"until 2027-03-27, $0.10 per hour"},
		"a version in extended support": {
			func(_ *world, d *Deploy) { d.Kubernetes = "1.32" }, "kubernetes-version", check.Warning,
			"costs $0.60 per hour instead of $0.10",
		},
		"extended support without a price": {func(_ *world, d *Deploy) { d.Kubernetes, d.ExtendedSupportUSD = "1.32", 0 },
			"kubernetes-version", check.Warning, "is billed for each hour"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, d := healthy()
			c.change(w, d)
			got := look(t, w, d)[c.id]
			require.Equal(t, c.status, got.Status, "%s: %s", got.What, got.Why)
			require.Contains(t, got.What+"\n"+got.Why, c.says)
		})
	}
	w, d := healthy()
	d.StandardSupportUSD = 0
	require.NotContains(t, look(t, w, d)["kubernetes-version"].What, "per hour")
}

func TestALoginOfTwelveHoursIsGood(t *testing.T) {
	t.Parallel()
	for late, status := range map[time.Duration]check.Status{0: check.OK, time.Second: check.Warning} {
		m := Machine{Now: func() time.Time { return noon.Add(12*time.Hour + late) }}
		require.Equal(t, status, m.judge(registryFile{path: "f"}, "r", "", noon).Status)
	}
}

func TestWhatTheStateHasIsCounted(t *testing.T) {
	t.Parallel()
	var resources []plans.StateResource
	var pending []plans.Pending
	for _, typ := range []string{
		"aws:ec2/vpc:Vpc", "aws:ec2/eip:Eip", "aws:ec2/natGateway:NatGateway", "aws:eks/cluster:Cluster",
		"aws:eks/nodeGroup:NodeGroup", "aws:iam/role:Role",
	} {
		resources = append(resources, plans.StateResource{Type: typ})
		pending = append(pending, plans.Pending{Type: typ, Inputs: map[string]any{"name": "begun"}})
	}
	r := Record(resources, pending, []string{"made"})
	require.Equal(t, []int{2, 2, 2, 2, 2}, []int{r.VPCs, r.Addresses, r.NatGateways, r.Clusters, r.NodeGroups})
	require.True(t, r.Names["made"] && r.Names["begun"])
}
