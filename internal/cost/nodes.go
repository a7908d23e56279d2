// SPDX-License-Identifier: Apache-2.0

package cost

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	quantity "k8s.io/apimachinery/pkg/api/resource"

	"emrflink/internal/untyped"
)

// The types of resources that say which nodes Karpenter may start.
const (
	typeNodePool  = "kubernetes:karpenter.sh/v1:NodePool"
	typeNodeClass = "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass"
)

// Pods are alike pods for which Karpenter starts nodes.
type Pods struct {
	Role                string
	Count               int
	MilliCPU, MemoryMiB int // what one of them requests
	// Selector is their node selector.
	Selector map[string]string
}

// Choice is an instance type that Karpenter may take.
type Choice struct {
	Type      string  `json:"type"`
	HourlyUSD float64 `json:"hourlyUSD"` // one instance, on demand, without its volume
}

// Nodes are the nodes that Karpenter may start for the pods of one role. What it takes is not known before: HourlyUSD
// bounds the price of all of them, on demand, with their root volumes.
type Nodes struct {
	Role     string `json:"role"`
	NodePool string `json:"nodePool"`
	Pods     int    `json:"pods"`
	// Least is how few nodes may do: where the pods share. At most every pod has one of its own.
	Least         int      `json:"leastNodes"`
	Most          int      `json:"mostNodes"`
	CapacityTypes []string `json:"capacityTypes"`
	// Choices are the types that the NodePool allows and a pod fits on, the cheapest first.
	Choices   []Choice `json:"types"`
	HourlyUSD Range    `json:"hourlyUSD"`
	// SpotPriced is false: spot nodes are counted at the on-demand price.
	SpotPriced bool `json:"spotPriced"`
}

// NodesFor finds what Karpenter may start for pods, at the on-demand prices: spot prices move by the hour, and there is
// no list of them. What has no price is named.
func NodesFor(p Prices, resources []Resource, pods []Pods) (nodes []Nodes, unpriced []string, err error) {
	e := newEstimator(p, resources)
	nodes, err = e.nodes(pods)
	return nodes, e.unpriced, err
}

func (e *estimator) nodes(pods []Pods) ([]Nodes, error) {
	all, err := shapes()
	if err != nil {
		return nil, err
	}
	var out []Nodes
	for _, p := range pods {
		pool, ok := e.poolFor(p)
		if !ok {
			e.unpriced = append(e.unpriced, fmt.Sprintf("%s pods: no NodePool takes them", p.Role))
			continue
		}
		if n, ok := e.nodesOf(pool, p, all); ok {
			out = append(out, n)
		}
	}
	return out, nil
}

// nodesOf bounds the price of one role's nodes.
func (e *estimator) nodesOf(r Resource, p Pods, all []shape) (Nodes, bool) {
	need := requirementsOf(r)
	out := Nodes{
		Role: p.Role, NodePool: objectName(r), Pods: p.Count, CapacityTypes: need.values("karpenter.sh/capacity-type"),
		Least: p.Count, Most: p.Count, HourlyUSD: Range{From: math.Inf(1)},
	}
	e.unknownFamilies(r, need, all)
	for _, s := range all {
		fits := perNode(s, p)
		if fits == 0 || !need.allow(s) {
			continue
		}
		usd, known := e.ec2(s.name)
		if !known {
			e.skip(r, "no price for instance type %q", s.name)
			continue
		}
		out.Choices = append(out.Choices, Choice{Type: s.name, HourlyUSD: usd})
		usd += e.rootVolumes(r)
		least := (p.Count + fits - 1) / fits
		if from := usd * float64(least); from < out.HourlyUSD.From {
			out.HourlyUSD.From, out.Least = Round(from, 6), least
		}
		out.HourlyUSD.To = max(out.HourlyUSD.To, Round(usd*float64(p.Count), 6))
	}
	slices.SortStableFunc(out.Choices, func(a, b Choice) int { return cmp.Compare(a.HourlyUSD, b.HourlyUSD) })
	return out, len(out.Choices) > 0
}

// perNode is how many of the pods an empty node of a shape could hold, were all of it theirs. The kubelet and the
// daemons take a part, so a node never holds more, and one that a pod would fill to the brim holds none.
func perNode(s shape, p Pods) int {
	if s.vcpus*1000 <= p.MilliCPU || s.memoryMiB <= p.MemoryMiB {
		return 0
	}
	return max(1, min(s.vcpus*1000/max(1, p.MilliCPU), s.memoryMiB/max(1, p.MemoryMiB)))
}

// unknownFamilies names what a NodePool allows and the table does not know.
func (e *estimator) unknownFamilies(r Resource, need requirements, all []shape) {
	for _, f := range need.values("karpenter.k8s.aws/instance-family") {
		if !slices.ContainsFunc(all, func(s shape) bool { return s.family == f }) {
			e.skip(r, "the instance family %q is not in the table", f)
		}
	}
}

// poolFor finds the NodePool whose nodes match a selector, the first by name.
func (e *estimator) poolFor(p Pods) (Resource, bool) {
	for _, r := range e.sorted {
		if r.Type == typeNodePool && requirementsOf(r).selected(p.Selector) {
			return r, true
		}
	}
	return Resource{}, false
}

// rootVolumes is the price of the volumes that the node class of a pool gives a node.
func (e *estimator) rootVolumes(pool Resource) float64 {
	class := untyped.Text(untyped.At(pool.Inputs, "spec", "template", "spec", "nodeClassRef", "name"))
	for _, r := range e.sorted {
		if r.Type != typeNodeClass || objectName(r) != class {
			continue
		}
		var sum float64
		for _, m := range untyped.List(untyped.At(r.Inputs, "spec", "blockDeviceMappings")) {
			mapping, _ := m.(map[string]any)
			size, err := quantity.ParseQuantity(untyped.Text(untyped.At(mapping, "ebs", "volumeSize")))
			usd, known := e.hourly("ebs-" + untyped.Text(untyped.At(mapping, "ebs", "volumeType")))
			if err == nil && known {
				sum += float64(size.Value()) / (1 << 30) * usd
			}
		}
		return sum
	}
	return 0
}

// requirements are those of a NodePool, its labels among them.
type requirements []map[string]any

func requirementsOf(pool Resource) requirements {
	var out requirements
	for _, r := range untyped.List(untyped.At(pool.Inputs, "spec", "template", "spec", "requirements")) {
		if m, ok := r.(map[string]any); ok {
			out = append(out, m)
		}
	}
	labels, _ := untyped.At(pool.Inputs, "spec", "template", "metadata", "labels").(map[string]any)
	for k, v := range labels {
		out = append(out, map[string]any{"key": k, "operator": "In", "values": []any{v}})
	}
	return out
}

// values are what a key may be.
func (q requirements) values(key string) []string {
	out := []string{}
	for _, r := range q {
		if untyped.Text(r["key"]) == key && untyped.Text(r["operator"]) == "In" {
			for _, v := range untyped.List(r["values"]) {
				out = append(out, untyped.Text(v))
			}
		}
	}
	return out
}

// selected says whether nodes of the pool can have all labels of a selector.
func (q requirements) selected(selector map[string]string) bool {
	for key, v := range selector {
		if !slices.Contains(q.values(key), v) {
			return false
		}
	}
	return true
}

// allow says whether a shape meets the requirements on arch, family, type and number of vCPUs; others do not tell the
// shapes of the table apart.
func (q requirements) allow(s shape) bool {
	labels := map[string]string{
		"kubernetes.io/arch": s.arch, "karpenter.k8s.aws/instance-family": s.family, "node.kubernetes.io/instance-type": s.name,
		"karpenter.k8s.aws/instance-cpu": strconv.Itoa(s.vcpus), "karpenter.k8s.aws/instance-memory": strconv.Itoa(s.memoryMiB),
	}
	for _, r := range q {
		label, known := labels[untyped.Text(r["key"])]
		if known && !meets(untyped.Text(r["operator"]), label, untyped.List(r["values"])) {
			return false
		}
	}
	return true
}

// meets evaluates one requirement as Kubernetes does.
func meets(operator, label string, values []any) bool {
	given := slices.ContainsFunc(values, func(v any) bool { return untyped.Text(v) == label })
	switch operator {
	case "In":
		return given
	case "NotIn":
		return !given
	case "Gt", "Lt":
		if len(values) != 1 {
			return false
		}
		bound, errA := strconv.Atoi(untyped.Text(values[0]))
		v, errB := strconv.Atoi(label)
		return errA == nil && errB == nil && (operator == "Gt" && v > bound || operator == "Lt" && v < bound)
	}
	return !strings.EqualFold(operator, "DoesNotExist")
}

func objectName(r Resource) string { return untyped.Text(untyped.At(r.Inputs, "metadata", "name")) }
