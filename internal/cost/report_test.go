// SPDX-License-Identifier: Apache-2.0

package cost

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// priced is the default blueprint with a node pool, and two pods of a job on it.
func priced() Subject {
	return Subject{
		Stack: "dev", Target: "aws", Job: "basic", Pods: taskManagers(2, 1500, 2298),
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

func TestAReportWithoutPricesHasNoNullList(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]Subject{"nothing": {}, "a blueprint": priced()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := NewReport(s, Prices{Region: "eu-west-9"})
			require.NoError(t, err)
			require.Len(t, r.Unpriced, 1, "that there is no table is said once")
			require.Empty(t, r.SampleJob.Nodes)
			raw, err := json.Marshal(r)
			require.NoError(t, err)
			require.NotContains(t, string(raw), "null")
		})
	}
}
