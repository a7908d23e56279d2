// SPDX-License-Identifier: Apache-2.0

package cost

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

func requirement(key, operator string, values ...any) any {
	return m("key", key, "operator", operator, "values", values)
}

// pool is a NodePool of compute nodes for the task managers, with more requirements.
func pool(more ...any) Resource {
	return Resource{
		URN: "p1", Type: typeNodePool, Name: "pools-compute", Parent: "pools",
		Inputs: m("metadata", m("name", "compute"), "spec", m("template", m(
			"metadata", m("labels", m("FlinkRole", "taskmanager")),
			"spec", m("nodeClassRef", m("name", "flink"), "requirements", append([]any{
				requirement("kubernetes.io/arch", "In", "amd64"),
				requirement("karpenter.sh/capacity-type", "In", "spot", "on-demand"),
			}, more...)),
		))),
	}
}

func nodeClass() Resource {
	return Resource{
		URN: "p2", Type: typeNodeClass, Name: "pools-class",
		Inputs: m("metadata", m("name", "flink"), "spec",
			m("blockDeviceMappings", []any{m("ebs", m("volumeSize", "73Gi", "volumeType", "gp3"))})),
	}
}

func taskManagers(count, milliCPU, memoryMiB int) []Pods {
	return []Pods{{Role: "taskmanager", Count: count, MilliCPU: milliCPU, MemoryMiB: memoryMiB, Selector: map[string]string{
		"FlinkRole": "taskmanager", "kubernetes.io/arch": "amd64",
	}}}
}

// Prices that are easy to add up: the volume of the node class is 0.01 an hour.
func easy() Prices {
	return Prices{
		Region: "us-west-2", AsOf: "2026-01-01", Rates: map[string]float64{"ebs-gp3": 0.1},
		EC2: map[string]float64{"c5d.large": 0.1, "c5d.xlarge": 0.21, "c5d.2xlarge": 0.44},
	}
}

func TestTheNodesOfPodsAreBounded(t *testing.T) {
	t.Parallel()
	upTo8 := []any{
		requirement("karpenter.k8s.aws/instance-family", "In", "c5d"), requirement("karpenter.k8s.aws/instance-cpu", "Lt", "9"),
	}
	for name, c := range map[string]struct {
		pods     []Pods
		pool     []any
		types    []string
		least    int
		from, to float64
		unpriced []string
	}{
		"pods that share a node cost less than each on its own": {
			taskManagers(2, 1500, 2298), upTo8, []string{"c5d.large", "c5d.xlarge", "c5d.2xlarge"}, 2, 0.22, 0.9, nil,
		},
		"a pod that fills a node to the brim does not fit": {
			taskManagers(2, 2000, 1024), upTo8, []string{"c5d.xlarge", "c5d.2xlarge"}, 1, 0.22, 0.9, nil,
		},
		"memory counts too": {
			taskManagers(1, 100, 9000), upTo8, []string{"c5d.2xlarge"}, 1, 0.45, 0.45, nil,
		},
		"an excluded type": {
			taskManagers(1, 100, 100), append(upTo8, requirement("node.kubernetes.io/instance-type", "NotIn", "c5d.large")),
			[]string{"c5d.xlarge", "c5d.2xlarge"}, 1, 0.22, 0.45, nil,
		},
		"a family that the table lacks is named": {
			taskManagers(1, 100, 100), []any{requirement("karpenter.k8s.aws/instance-family", "In", "c5d", "x9z"),
				requirement("karpenter.k8s.aws/instance-cpu", "Lt", "3")},
			[]string{"c5d.large"}, 1, 0.11, 0.11, []string{`pools-compute: the instance family "x9z" is not in the table`},
		},
		"a type without a price is named": {
			taskManagers(1, 100, 100), []any{requirement("node.kubernetes.io/instance-type", "In", "c5d.large", "c5d.9xlarge")},
			[]string{"c5d.large"}, 1, 0.11, 0.11, []string{`pools-compute: no price for instance type "c5d.9xlarge"`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			nodes, unpriced, err := NodesFor(easy(), []Resource{pool(c.pool...), nodeClass()}, c.pods)
			require.NoError(t, err)
			require.Equal(t, c.unpriced, unpriced)
			require.Len(t, nodes, 1)
			n := nodes[0]
			var types []string
			for _, choice := range n.Choices {
				types = append(types, choice.Type)
			}
			require.Equal(t, c.types, types)
			require.Equal(t, []string{"spot", "on-demand"}, n.CapacityTypes)
			require.Equal(t, c.least, n.Least)
			require.InDelta(t, c.from, n.HourlyUSD.From, 1e-9)
			require.InDelta(t, c.to, n.HourlyUSD.To, 1e-9)
		})
	}
}

func TestPodsThatNoPoolTakesAreNamed(t *testing.T) {
	t.Parallel()
	pods := taskManagers(1, 1, 1)
	pods[0].Selector["FlinkRole"] = "jobmanager"
	nodes, unpriced, err := NodesFor(easy(), []Resource{pool()}, pods)
	require.NoError(t, err)
	require.Empty(t, nodes)
	require.Equal(t, []string{"taskmanager pods: no NodePool takes them"}, unpriced)
}

func TestWhatIsWantedIsWhatTheEstimateLooksUp(t *testing.T) {
	t.Parallel()
	resources := append(blueprint(), pool(requirement("karpenter.k8s.aws/instance-family", "In", "c5d"),
		requirement("karpenter.k8s.aws/instance-cpu", "Lt", "5")), nodeClass())
	pods := taskManagers(2, 100, 100)
	got, err := NeededPrices(resources, pods)
	require.NoError(t, err)
	want := PriceNames{
		InstanceTypes: []string{"c5d.large", "c5d.xlarge", "m5.xlarge"},
		Rates:         []string{"ebs-gp3", "eks-cluster", "nat-gateway", "public-ipv4"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	p := Prices{AsOf: "2026-01-01", EC2: map[string]float64{}, Rates: map[string]float64{}}
	for _, t := range got.InstanceTypes {
		p.EC2[t] = 1
	}
	for _, r := range got.Rates {
		p.Rates[r] = 1
	}
	require.Empty(t, At(p, resources).Unpriced, "the wanted prices are all that is needed")
	delete(p.Rates, "nat-gateway")
	require.Equal(t, []string{"n: no price for NAT gateway"}, At(p, resources).Unpriced)
}

func TestItemsAreGroupedByTheOutermostComponent(t *testing.T) {
	t.Parallel()
	resources := []Resource{
		{URN: "s", Type: stackType, Name: "emrflink-local"},
		{URN: "c", Type: "emrflink:cluster:Cluster", Name: "cluster", Parent: "s"},
		{URN: "e", Type: "eks:index:Cluster", Name: "inner", Parent: "c"},
		{URN: "x", Type: "aws:eks/cluster:Cluster", Name: "eks", Parent: "e"},
		{URN: "n", Type: "aws:ec2/natGateway:NatGateway", Name: "nat", Parent: "s"},
		{URN: "l1", Type: "a", Name: "loop-a", Parent: "l2"},
		{URN: "l2", Type: "b", Name: "loop-b", Parent: "l1"},
	}
	got := ByComponent(resources, []Item{
		{URN: "x", HourlyUSD: 0.1}, {URN: "n", HourlyUSD: 0.2}, {URN: "x", HourlyUSD: 0.4}, {URN: "l1", HourlyUSD: 1},
	})
	require.Len(t, got, 3)
	require.Equal(t, "cluster", got[0].Name)
	require.InDelta(t, 0.5, got[0].HourlyUSD, 1e-9)
	require.Len(t, got[0].Items, 2)
	require.Equal(t, "nat", got[2].Name, "a resource without a component stands for itself")
}

// The figures are those of Karpenter's generated reference of instance types.
func TestWhatANodeHasForPodsIsWhatKarpenterComputes(t *testing.T) {
	t.Parallel()
	all, err := shapes()
	require.NoError(t, err)
	want := map[string][2]int{
		"c5d.large": {1930, 3114}, "c5d.xlarge": {3920, 6584}, "c5d.18xlarge": {71750, 127934},
		"r6gd.medium": {940, 7075}, "r6gd.4xlarge": {15890, 118253},
	}
	for _, s := range all {
		if w, known := want[s.name]; known {
			cpu, memory := s.allocatable(0)
			require.Equal(t, w, [2]int{cpu, memory}, s.name)
			delete(want, s.name)
		}
	}
	require.Empty(t, want)
	_, err = FitFor(easy(), pool(requirement("karpenter.k8s.aws/instance-family", "In", "x9")).Inputs, Pods{}, Pods{}, 0)
	require.ErrorContains(t, err, `has none that the NodePool "compute" allows`)
}
