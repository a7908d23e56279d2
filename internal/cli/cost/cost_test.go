// SPDX-License-Identifier: Apache-2.0

package cost

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdtest"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cost"
	"emrflink/internal/golden"
)

type fake struct {
	report cost.Report
	err    error
	live   bool
}

func (f *fake) price(_ context.Context, live bool) (cost.Report, error) {
	f.live = live
	return f.report, f.err
}

func report() cost.Report {
	return cost.Report{
		SchemaVersion: cost.SchemaVersion, Stack: "local", Target: "local", Region: "us-west-2",
		Prices: cost.PriceSource{AsOf: "2026-07-20", Source: "the tables"}, Idle: cost.Price{HourlyUSD: 0.75, MonthlyUSD: 547.5},
		Components: []cost.Component{
			{Name: "cluster", Type: "emrflink:cluster:Cluster", Price: cost.Price{HourlyUSD: 0.1, MonthlyUSD: 73},
				Items: []cost.Item{
					{
						URN: "u1", Name: "c", What: "EKS control plane", Quantity: 1, HourlyUSD: 0.1, MonthlyUSD: 73,
						Note: "standard support",
					},
				}},
			{Name: "core", Type: "emrflink:cluster:CoreNodes", Price: cost.Price{HourlyUSD: 0.65, MonthlyUSD: 474.5},
				Items: []cost.Item{
					{URN: "u2", Name: "g", What: "m5.xlarge on demand", Quantity: 3, HourlyUSD: 0.6, MonthlyUSD: 438},
					{URN: "u2", Name: "g", What: "EBS gp3 volume of 100 GiB", Quantity: 3, HourlyUSD: 0.05, MonthlyUSD: 36.5},
				}},
		},
		SampleJob: cost.Job{
			Name:       "basic",
			PriceRange: cost.PriceRange{HourlyUSD: cost.Range{From: 0.2, To: 1.1}, MonthlyUSD: cost.Range{From: 146, To: 803}},
			Nodes: []cost.Nodes{
				{
					Role: "jobmanager", NodePool: "p-jobmanager", Pods: 2, Least: 1, Most: 2,
					CapacityTypes: []string{"on-demand"}, Choices: []cost.Choice{{Type: "c5d.large", HourlyUSD: 0.096}},
					HourlyUSD: cost.Range{From: 0.1, To: 0.1},
				},
				{
					Role: "taskmanager", NodePool: "p", Pods: 2, Least: 2, Most: 2, CapacityTypes: []string{"spot", "on-demand"},
					Choices: []cost.Choice{{Type: "c5d.xlarge", HourlyUSD: 0.192}, {Type: "c6id.xlarge"},
						{Type: "c5d.2xlarge"}, {Type: "c6id.2xlarge"}},
					HourlyUSD: cost.Range{From: 0.1, To: 1},
				},
			},
		},
		WithSampleJob: cost.PriceRange{
			HourlyUSD: cost.Range{From: 0.95, To: 1.85}, MonthlyUSD: cost.Range{From: 693.5, To: 1350.5},
		},
		NotIncluded: []string{"S3: storage per GB-month and requests"},
		Unpriced:    []string{"v: no price for volume type \"io9\""},
		Simulated:   []string{"the AWS account is simulated"},
	}
}

func exec(t *testing.T, f *fake, args ...string) (*cmdtest.Run, error) {
	t.Helper()
	r := cmdtest.New(t)
	return r, r.Exec(t, NewCmd(r.Factory, f.price, nil), args...)
}

func TestCostOutputs(t *testing.T) {
	t.Parallel()
	for file, args := range map[string][]string{"cost.txt": {"--live"}, "cost.json": {"-o", "json"}} {
		f := &fake{report: report()}
		r, err := exec(t, f, args...)
		require.NoError(t, err)
		require.Equal(t, file == "cost.txt", f.live)
		golden.Equal(t, "testdata/"+file, r.Out.String())
	}
}

func TestARegionWithoutPricesSaysSo(t *testing.T) {
	t.Parallel()
	none, err := cost.NewReport(cost.Subject{Info: cmdtest.Info()}, cost.Prices{Region: "eu-west-9"})
	require.NoError(t, err)
	none.Unpriced = []string{"no prices for region \"eu-west-9\""}
	r, err := exec(t, &fake{report: none})
	require.NoError(t, err)
	require.Equal(t, "no prices for stack local in eu-west-9\nnot priced: no prices for region \"eu-west-9\"\n", r.Out.String())
	r, err = exec(t, &fake{report: none}, "-o", "json")
	require.NoError(t, err)
	require.NotContains(t, r.Out.String(), "null")
}

func TestAFailureKeepsItsFacets(t *testing.T) {
	t.Parallel()
	refused := &cmdutil.Error{What: "ask the AWS Price List", Cause: errors.New("no AWS"), Exit: cmdutil.ExitUsage}
	r, err := exec(t, &fake{err: refused}, "--live")
	require.Equal(t, cmdutil.ExitUsage, cmdtest.Code(err))
	require.Empty(t, r.Out.String())
}

func TestJSONHasTheAgreedFields(t *testing.T) {
	t.Parallel()
	r, err := exec(t, &fake{report: report()}, "-o", "json")
	require.NoError(t, err)
	cmdtest.Fields(t, r.Out.Bytes(), "schemaVersion", "stack", "target", "region", "prices", "prices.source", "prices.asOf",
		"prices.live", "components", "components[].name", "components[].type", "components[].hourlyUSD",
		"components[].monthlyUSD", "components[].items", "components[].items[].urn", "components[].items[].name",
		"components[].items[].what", "components[].items[].quantity", "components[].items[].hourlyUSD",
		"components[].items[].monthlyUSD", "components[].items[].note", "idle", "idle.hourlyUSD", "idle.monthlyUSD",
		"sampleJob", "sampleJob.name", "sampleJob.hourlyUSD", "sampleJob.hourlyUSD.from", "sampleJob.hourlyUSD.to",
		"sampleJob.monthlyUSD", "sampleJob.monthlyUSD.from", "sampleJob.monthlyUSD.to", "sampleJob.nodes",
		"sampleJob.nodes[].role", "sampleJob.nodes[].nodePool", "sampleJob.nodes[].pods", "sampleJob.nodes[].leastNodes",
		"sampleJob.nodes[].mostNodes", "sampleJob.nodes[].capacityTypes", "sampleJob.nodes[].types",
		"sampleJob.nodes[].types[].type", "sampleJob.nodes[].types[].hourlyUSD", "sampleJob.nodes[].hourlyUSD",
		"sampleJob.nodes[].hourlyUSD.from", "sampleJob.nodes[].hourlyUSD.to", "sampleJob.nodes[].spotPriced",
		"withSampleJob", "withSampleJob.hourlyUSD", "withSampleJob.hourlyUSD.from", "withSampleJob.hourlyUSD.to",
		"withSampleJob.monthlyUSD", "withSampleJob.monthlyUSD.from", "withSampleJob.monthlyUSD.to", "notIncluded",
		"unpriced", "simulated")
}
