// SPDX-License-Identifier: Apache-2.0

package cost

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/stack"
)

// priced is the default blueprint with a node pool, and two pods of a job on it.
func priced() Subject {
	return Subject{
		Info: stack.Info{Stack: "dev", Target: "aws"}, Job: "basic", Pods: taskManagers(2, 1500, 2298),
		Resources: append(blueprint(), pool(requirement("karpenter.k8s.aws/instance-family", "In", "c5d")), nodeClass()),
	}
}

func TestAReportAddsTheJobToWhatTheDeploymentCostsIdle(t *testing.T) {
	t.Parallel()
	p := easy()
	p.Rates = map[string]float64{"ebs-gp3": 0.1, "eks-cluster": 0.1, "public-ipv4": 0.005}
	p.Live, p.Missing, p.Source = true, []string{"AWS has no price for nat-gateway"}, "AWS"
	r, err := NewReport(priced(), p)
	require.NoError(t, err)
	require.Equal(t, PriceSource{Source: "AWS", AsOf: "2026-01-01", Live: true}, r.Prices)
	require.Equal(t, "dev aws us-west-2 basic", r.Stack+" "+r.Target+" "+r.Region+" "+r.SampleJob.Name)
	require.Len(t, r.SampleJob.Nodes, 1)
	require.Equal(t, Range{From: 0.22, To: 0.9}, r.SampleJob.HourlyUSD)
	require.Equal(t, Range{From: 160.6, To: 657}, r.SampleJob.MonthlyUSD)
	require.InDelta(t, r.Idle.HourlyUSD+0.22, r.WithSampleJob.HourlyUSD.From, 1e-9)
	require.InDelta(t, r.Idle.HourlyUSD+0.9, r.WithSampleJob.HourlyUSD.To, 1e-9)
	require.InDelta(t, r.Idle.MonthlyUSD+160.6, r.WithSampleJob.MonthlyUSD.From, 1e-9)
	require.InDelta(t, r.Idle.MonthlyUSD+657, r.WithSampleJob.MonthlyUSD.To, 1e-9)
	require.NotContains(t, r.NotIncluded, UsageKarpenter, "the nodes of the sample job are bounded")
	require.Contains(t, r.NotIncluded, "the nodes of other jobs than the sample job")
	require.Contains(t, r.Unpriced, "AWS has no price for nat-gateway")
	require.Contains(t, r.Unpriced, `g: no price for instance type "m5.xlarge"`)
	var hourly, monthly float64
	for _, c := range r.Components {
		hourly += c.HourlyUSD
		for _, i := range c.Items {
			require.InDelta(t, Monthly(i.HourlyUSD), i.MonthlyUSD, 1e-9)
			monthly += i.MonthlyUSD
		}
	}
	require.InDelta(t, r.Idle.HourlyUSD, hourly, 1e-5)
	require.InDelta(t, r.Idle.MonthlyUSD, monthly, 0.05)
}

func TestAReportHasNoNullList(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		region          string
		subject         Subject
		unpriced, nodes int
	}{
		"nothing":                             {"us-west-2", Subject{}, 0, 0},
		"all of it has a price":               {"us-west-2", priced(), 0, 1},
		"nothing, in a region without them":   {"eu-west-9", Subject{}, 1, 0},
		"that there is no table is said once": {"eu-west-9", priced(), 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := Table(c.region)
			require.NoError(t, err)
			r, err := NewReport(c.subject, p)
			require.NoError(t, err)
			require.Len(t, r.Unpriced, c.unpriced)
			require.Len(t, r.SampleJob.Nodes, c.nodes)
			raw, err := json.Marshal(r)
			require.NoError(t, err)
			require.NotContains(t, string(raw), "null")
		})
	}
}
