// SPDX-License-Identifier: Apache-2.0

package cost

import (
	"encoding/csv"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"emrflink/internal/awskind"
)

func m(kv ...any) map[string]any {
	out := map[string]any{}
	for i := 0; i < len(kv); i += 2 {
		out[kv[i].(string)] = kv[i+1]
	}
	return out
}

// blueprint is what the default blueprint bills by the hour.
func blueprint() []Resource {
	return []Resource{
		{URN: "u1", Type: "aws:eks/cluster:Cluster", Name: "c", Inputs: m("version", "1.35")},
		{URN: "u2", Type: "aws:ec2/natGateway:NatGateway", Name: "n"},
		{URN: "u3", Type: "aws:ec2/eip:Eip", Name: "e"},
		{URN: "u4", Type: "aws:ec2/vpcEndpoint:VpcEndpoint", Name: "s3", Inputs: m("vpcEndpointType", "Gateway")},
		{
			URN: "u5", Type: "aws:eks/nodeGroup:NodeGroup", Name: "g", Dependencies: []string{"u0", "u6"},
			Inputs: m("instanceTypes", []any{"m5.xlarge"}, "scalingConfig", m("desiredSize", 3.0, "minSize", 1.0, "maxSize", 9.0),
				"launchTemplate", m("id", "[unknown]")),
		},
		{
			URN: "u6", Type: "aws:ec2/launchTemplate:LaunchTemplate", Name: "t",
			Inputs: m("blockDeviceMappings", []any{m("ebs", m("volumeSize", 100.0, "volumeType", "gp3"))}),
		},
		{URN: "u7", Type: "aws:cloudwatch/logGroup:LogGroup", Name: "l"},
		{
			URN: "u8", Type: "kubernetes:helm.sh/v3:Release", Name: "o",
			Inputs: m("chart", "oci://public.ecr.aws/emr-on-eks/flink-kubernetes-operator"),
		},
	}
}

// The volumes that a chart asks for are known before it is installed.
func TestVolumesOfAChart(t *testing.T) {
	t.Parallel()
	chart := func(size any) []Resource {
		return []Resource{{URN: "u", Type: "kubernetes:helm.sh/v3:Release", Name: "p", Inputs: m("chart", "prometheus",
			"values", m("a", m("spec", m("volumeClaimTemplate", m("spec", m("resources", m("requests", m("storage", size))))))))}}
	}
	got, err := Of("us-west-2", chart("40Gi"))
	require.NoError(t, err)
	require.Equal(t, []Item{{URN: "u", Name: "p", What: "EBS gp3 volume of 40 GiB", Quantity: 1, HourlyUSD: 0.004384}}, got.Items)
	got, err = Of("us-west-2", chart("[unknown]"))
	require.NoError(t, err)
	require.Equal(t, []string{"p: a volume of an unknown size"}, got.Unpriced)
}

func TestTheDefaultBlueprint(t *testing.T) {
	t.Parallel()
	got, err := Of("us-west-2", blueprint())
	require.NoError(t, err)
	want := Estimate{
		Region: "us-west-2", AsOf: AsOf, HourlyUSD: 0.758877, MonthlyUSD: 553.98,
		Items: []Item{
			{
				URN: "u1", Name: "c", What: "EKS control plane", Quantity: 1, HourlyUSD: 0.1,
				Note: "standard support of 1.35 ends on 2027-03-27",
			},
			{URN: "u2", Name: "n", What: "NAT gateway", Quantity: 1, HourlyUSD: 0.045},
			{URN: "u3", Name: "e", What: "public IPv4 address", Quantity: 1, HourlyUSD: 0.005},
			{URN: "u5", Name: "g", What: "m5.xlarge on demand", Quantity: 3, HourlyUSD: 0.576, Note: "desired size; 1 to 9"},
			{URN: "u5", Name: "g", What: "EBS gp3 volume of 100 GiB", Quantity: 3, HourlyUSD: 0.032877},
		},
		NotIncluded: []string{
			"Amazon EMR on EKS: per vCPU-hour and GB-hour of running jobs",
			"CloudWatch Logs: ingestion and storage, per GB",
			"NAT gateway: data processed, per GB",
			"control-plane logs and metrics in CloudWatch, per GB and per metric",
			"volumes and load balancers that charts or jobs ask for",
		},
		Unpriced: []string{},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatHasNoPriceIsNamed(t *testing.T) {
	t.Parallel()
	group := func(instanceType, capacity string) Resource {
		return Resource{
			URN: "g", Type: "aws:eks/nodeGroup:NodeGroup", Name: "g",
			Inputs: m("instanceTypes", []any{instanceType}, "capacityType", capacity, "diskSize", 50.0, "scalingConfig",
				m("desiredSize", 2.0)),
		}
	}
	one := func(typ string, inputs ...any) Resource { return Resource{Name: "r", Type: typ, Inputs: m(inputs...)} }
	for name, c := range map[string]struct {
		region   string
		resource Resource
		hourly   float64
		unpriced []string
	}{
		"a region without a table": {"eu-west-1", group("m5.xlarge", ""), 0,
			[]string{`no prices for region "eu-west-1"; there are some for [us-east-1 us-west-2]`}},
		"an instance type without a price keeps its volumes": {
			"us-west-2", group("x99.huge", ""), Round(2*50*0.08/730, 6), []string{`g: no price for instance type "x99.huge"`},
		},
		"spot nodes": {"us-west-2", group("m5.xlarge", "SPOT"), Round(2*50*0.08/730, 6),
			[]string{"g: spot instances have no list price"}},
		"a volume type": {"us-west-2", Resource{
			Name: "v", Type: "aws:ebs/volume:Volume", Inputs: m("type", "io9", "size", 1.0),
		}, 0, []string{`v: no price for volume type "io9"`}},
		"an old version": {
			"us-east-1", Resource{Name: "c", Type: "aws:eks/cluster:Cluster", Inputs: m("version", "1.31")}, 0.6, []string{},
		},
		"a key is billed by the month": {"us-west-2", Resource{Name: "k", Type: "aws:kms/key:Key"},
			Round(1.0/730, 6), []string{}},
		"an instance":                 {"us-west-2", one("aws:ec2/instance:Instance", "instanceType", "m5.xlarge"), 0.192, nil},
		"a load balancer":             {"us-west-2", one("aws:lb/loadBalancer:LoadBalancer"), 0.0225, nil},
		"a volume that names no type": {"us-west-2", one("aws:ebs/volume:Volume", "size", 73.0), 73 * 0.1 / 730, nil},
		"a node group that has no size": {
			"us-west-2", one("aws:eks/nodeGroup:NodeGroup", "instanceTypes", []any{"m5.xlarge"}), 0, nil,
		},
		"a node group of none, on spot": {
			"us-west-2", one("aws:eks/nodeGroup:NodeGroup", "instanceTypes", []any{"m5.xlarge"}, "capacityType", "SPOT"), 0, nil,
		},
		"a node group whose instance type is not known": {
			"us-west-2", one("aws:eks/nodeGroup:NodeGroup", "scalingConfig", m("desiredSize", 1.0)), 0,
			[]string{"r: the instance type of the node group is not known"},
		},
		"a free resource": {"us-east-1", Resource{Name: "r", Type: "aws:iam/role:Role"}, 0, []string{}},
		"an interface endpoint bills per zone": {
			"us-east-1", Resource{
				Name: "e", Type: "aws:ec2/vpcEndpoint:VpcEndpoint",
				Inputs: m("vpcEndpointType", "Interface", "subnetIds", []any{"a", "b", "c"}),
			}, 0.03, []string{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Of(c.region, []Resource{c.resource})
			require.NoError(t, err)
			require.InDelta(t, c.hourly, got.HourlyUSD, 1e-6)
			require.Equal(t, append([]string{}, c.unpriced...), got.Unpriced)
		})
	}
}

// TestTheVolumesOfANodeGroup: a launch template may be named by its id, or be new.
func TestTheVolumesOfANodeGroup(t *testing.T) {
	t.Parallel()
	template := func(ebs map[string]any) Resource {
		return Resource{
			URN: "t", ID: "lt-1", Type: "aws:ec2/launchTemplate:LaunchTemplate", Name: "t",
			Inputs: m("blockDeviceMappings", []any{m("ebs", ebs)}),
		}
	}
	for name, c := range map[string]struct {
		template  Resource
		reference any
		want      string
	}{
		"of another type":             {template(m("volumeSize", 10.0, "volumeType", "gp2")), "lt-1", "EBS gp2 volume of 10 GiB"},
		"of the usual type":           {template(m("volumeSize", 10.0)), "lt-1", "EBS gp3 volume of 10 GiB"},
		"of a size that nobody chose": {template(m("volumeType", "gp2")), "lt-1", "EBS gp3 volume of 20 GiB"},
		"of another template":         {template(m("volumeSize", 10.0)), "lt-2", "EBS gp3 volume of 20 GiB"},
	} {
		group := Resource{URN: "g", Type: "aws:eks/nodeGroup:NodeGroup", Name: "g", Inputs: m("instanceTypes", []any{"m5.xlarge"},
			"scalingConfig", m("desiredSize", 1.0), "launchTemplate", m("id", c.reference))}
		got, err := Of("us-west-2", []Resource{group, c.template})
		require.NoError(t, err)
		require.Len(t, got.Items, 2, name)
		require.Equal(t, c.want, got.Items[1].What, name)
	}
}

func TestTheOrderOfResourcesDoesNotMatter(t *testing.T) {
	t.Parallel()
	want, err := Of("us-east-1", blueprint())
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		got, err := Of("us-east-1", rapid.Permutation(blueprint()).Draw(t, "order"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestTheTablesAreWhole(t *testing.T) {
	t.Parallel()
	for _, region := range Regions() {
		p, err := Table(region)
		require.NoError(t, err)
		require.Equal(t, AsOf, p.AsOf)
		require.Greater(t, len(p.EC2), 40)
		for key, usd := range p.EC2 {
			require.Positive(t, usd, key)
		}
		require.ElementsMatch(t, slices.Collect(maps.Keys(RateNames())), slices.Collect(maps.Keys(p.Rates)))
		for rate, usd := range p.Rates {
			require.Positive(t, usd, rate)
		}
	}
}

// Every price of the catalogue is one that an estimate can make.
func TestEveryKindHasAPrice(t *testing.T) {
	t.Parallel()
	rates := RateNames()
	for _, k := range awskind.All() {
		switch k.Price {
		case awskind.Free, awskind.ByInstances, awskind.ByVolumes:
			continue
		}
		require.Contains(t, rates, k.Price, k.Type)
		e, err := Of("us-west-2", []Resource{{Type: k.Type, Name: "x", Inputs: m("vpcEndpointType", "Interface")}})
		require.NoError(t, err)
		require.Len(t, e.Items, 1, k.Type)
		require.Positive(t, e.HourlyUSD, k.Type)
		require.Contains(t, e.Items[0].What, k.Billed)
	}
}

func TestAKeyWithoutAPriceIsNotFree(t *testing.T) {
	t.Parallel()
	key := []Resource{{Type: "aws:kms/key:Key", Name: "k"}}
	wanted, err := NeededPrices(key, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"kms-key"}, wanted.Rates)
	require.Equal(t, []string{"k: no price for KMS key"}, At(Prices{AsOf: "2026-01-01"}, key).Unpriced)
}

func TestARateThatWasComparedWithNothingDoesNotClaimIt(t *testing.T) {
	t.Parallel()
	r := csv.NewReader(strings.NewReader(ratesCSV))
	r.Comment = '#'
	rows, err := r.ReadAll()
	require.NoError(t, err)
	source, compared := slices.Index(rows[0], "source"), slices.Index(rows[0], "compared")
	require.Positive(t, source)
	require.Positive(t, compared)
	var notCompared []string
	for _, row := range rows[1:] {
		require.Contains(t, row[source], "aws.amazon.com/", row[0])
		if row[compared] == "" {
			notCompared = append(notCompared, row[0])
			continue
		}
		_, err := time.Parse(time.DateOnly, row[compared])
		require.NoError(t, err, row[0])
	}
	require.Equal(t, []string{"load-balancer", "classic-load-balancer", "ebs-gp3", "ebs-gp2"}, notCompared)
}
