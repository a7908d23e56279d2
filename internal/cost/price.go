// SPDX-License-Identifier: Apache-2.0

package cost

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	quantity "k8s.io/apimachinery/pkg/api/resource"

	"emrflink/internal/awskind"
	"emrflink/internal/untyped"
)

// defaultNodeDiskGiB is the root volume of a managed Linux node without a launch template (EKS user guide).
const defaultNodeDiskGiB = 20

// estimator prices resources one after the other.
type estimator struct {
	prices   Prices
	sorted   []Resource
	byURN    map[string]Resource
	byID     map[string]Resource
	items    []Item
	unpriced []string
	asked    PriceNames
}

func newEstimator(p Prices, resources []Resource) *estimator {
	e := &estimator{prices: p, byURN: map[string]Resource{}, byID: map[string]Resource{}, sorted: slices.Clone(resources)}
	slices.SortStableFunc(e.sorted, func(a, b Resource) int { return cmp.Compare(a.URN, b.URN) })
	for _, r := range e.sorted {
		e.byURN[r.URN] = r
		if r.ID != "" {
			e.byID[r.ID] = r
		}
	}
	return e
}

// ec2 looks the price of an instance type up, and remembers that it was asked for.
func (e *estimator) ec2(instanceType string) (float64, bool) {
	include(&e.asked.InstanceTypes, instanceType)
	usd, known := e.prices.EC2[instanceType]
	return usd, known
}

// hourly looks a rate up per hour, and remembers that it was asked for.
func (e *estimator) hourly(rate string) (float64, bool) {
	include(&e.asked.Rates, rate)
	return e.prices.Hourly(rate)
}

// price adds the positions of one resource. Types that are not billed by the hour add nothing.
func (e *estimator) price(r Resource) {
	k, _ := awskind.OfType(r.Type)
	switch {
	case r.Type == typeRelease:
		e.claims(r, r.Inputs["values"])
	case k.Price == "" || k.Price == awskind.Free:
	case r.Type == typeCluster:
		e.cluster(r, k)
	case r.Type == typeNodeGroup:
		e.nodeGroup(r)
	case k.Price == awskind.ByInstances:
		e.instances(r, untyped.Text(r.Inputs["instanceType"]), 1, "")
	case k.Price == awskind.ByVolumes:
		e.volume(r, untyped.Text(r.Inputs["type"]), number(r.Inputs["size"]), 1)
	case r.Type == typeEndpoint:
		if isInterface(r) {
			e.rate(r, k.Billed, k.Price, float64(max(1, len(untyped.List(r.Inputs["subnetIds"])))), "")
		}
	default:
		e.rate(r, k.Billed, k.Price, 1, "")
	}
}

func (e *estimator) add(r Resource, i Item) {
	i.URN, i.Name, i.HourlyUSD = r.URN, r.Name, Round(i.HourlyUSD, 6)
	e.items = append(e.items, i)
}

func (e *estimator) skip(r Resource, format string, args ...any) {
	e.unpriced = append(e.unpriced, r.Name+": "+fmt.Sprintf(format, args...))
}

// rate adds a position at a rate.
func (e *estimator) rate(r Resource, what, rate string, quantity float64, note string) {
	usd, known := e.hourly(rate)
	if !known {
		e.skip(r, "no price for %s", what)
		return
	}
	e.add(r, Item{What: what, Quantity: quantity, HourlyUSD: quantity * usd, Note: note})
}

// cluster prices a control plane by the support that its version has.
func (e *estimator) cluster(r Resource, k awskind.Kind) {
	version := untyped.Text(r.Inputs["version"])
	end, known := standardSupportEnds(version)
	switch {
	case !known:
		e.rate(r, k.Billed, k.Price, 1, "Kubernetes "+orUnknown(version)+": standard support assumed")
	case end < calendarDate:
		e.rate(r, k.Billed+", extended support", "eks-cluster-extended", 1, "standard support of "+version+" ended on "+end)
	default:
		e.rate(r, k.Billed, k.Price, 1, "standard support of "+version+" ends on "+end)
	}
}

// nodeGroup prices the desired size: instances of the first type, each with its root volume.
func (e *estimator) nodeGroup(r Resource) {
	scaling, _ := r.Inputs["scalingConfig"].(map[string]any)
	size := number(scaling["desiredSize"])
	if size <= 0 {
		return
	}
	types := untyped.List(r.Inputs["instanceTypes"])
	if len(types) == 0 {
		e.skip(r, "the instance type of the node group is not known")
		return
	}
	note := fmt.Sprintf("desired size; %g to %g", number(scaling["minSize"]), number(scaling["maxSize"]))
	if untyped.Text(r.Inputs["capacityType"]) == "SPOT" {
		e.skip(r, "spot instances have no list price")
	} else {
		e.instances(r, untyped.Text(types[0]), size, note)
	}
	kind, gib := "gp3", number(r.Inputs["diskSize"])
	if gib == 0 {
		gib = defaultNodeDiskGiB
	}
	if t, ok := e.launchTemplate(r); ok {
		if k, g := rootVolume(t); g > 0 {
			kind, gib = k, g
		}
	}
	e.volume(r, kind, gib, size)
}

// instances prices EC2 instances on demand.
func (e *estimator) instances(r Resource, instanceType string, count float64, note string) {
	usd, known := e.ec2(instanceType)
	if !known {
		e.skip(r, "no price for instance type %q", instanceType)
		return
	}
	e.add(r, Item{What: instanceType + " on demand", Quantity: count, HourlyUSD: count * usd, Note: note})
}

// volume prices EBS volumes by their size.
func (e *estimator) volume(r Resource, kind string, gib, count float64) {
	if kind == "" {
		kind = "gp2" // what EC2 makes when no type is given
	}
	usd, known := e.hourly("ebs-" + kind)
	if !known {
		e.skip(r, "no price for volume type %q", kind)
		return
	}
	e.add(r, Item{What: fmt.Sprintf("EBS %s volume of %g GiB", kind, gib), Quantity: count, HourlyUSD: count * gib * usd})
}

// claims prices the volumes for which the values of a chart have a template of claims, at the blueprint's storage class.
func (e *estimator) claims(r Resource, values any) {
	for _, name := range slices.Sorted(maps.Keys(untyped.Object(values))) {
		value := untyped.Object(values)[name]
		if name != "volumeClaimTemplate" {
			e.claims(r, value)
			continue
		}
		text := untyped.Text(untyped.At(value, "spec", "resources", "requests", "storage"))
		size, err := quantity.ParseQuantity(text)
		if err != nil {
			e.skip(r, "a volume of an unknown size")
			continue
		}
		const gib = 1 << 30
		e.volume(r, "gp3", size.AsApproximateFloat64()/gib, 1)
	}
}

// launchTemplate finds the template that a node group uses.
func (e *estimator) launchTemplate(r Resource) (Resource, bool) {
	ref, _ := r.Inputs["launchTemplate"].(map[string]any)
	if ref == nil {
		return Resource{}, false
	}
	if t, ok := e.byID[untyped.Text(ref["id"])]; ok {
		return t, true
	}
	for _, d := range r.Dependencies {
		if t := e.byURN[d]; t.Type == "aws:ec2/launchTemplate:LaunchTemplate" {
			return t, true
		}
	}
	return Resource{}, false
}

// rootVolume sums up what a launch template says about its disks; size 0 when it says nothing.
func rootVolume(t Resource) (kind string, gib float64) {
	kind = "gp3"
	for _, m := range untyped.List(t.Inputs["blockDeviceMappings"]) {
		mapping, _ := m.(map[string]any)
		ebs, _ := mapping["ebs"].(map[string]any)
		gib += number(ebs["volumeSize"])
		if k := untyped.Text(ebs["volumeType"]); k != "" {
			kind = k
		}
	}
	return kind, gib
}

// isInterface tells an endpoint that bills by the hour from a gateway endpoint, which is free and the default.
func isInterface(r Resource) bool { return untyped.Text(r.Inputs["vpcEndpointType"]) == "Interface" }

// isEMR tells the chart of the EMR Flink operator from others.
func isEMR(r Resource) bool {
	return strings.Contains(untyped.Text(r.Inputs["chart"]), "emr-on-eks") ||
		strings.Contains(untyped.Text(r.Inputs["chart"]), "flink-kubernetes-operator")
}

func orUnknown(s string) string {
	if s == "" {
		return "of the default version"
	}
	return s
}

// number reads a JSON number, also one that is written as a string.
func number(v any) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case int:
		return float64(v)
	case json.Number:
		f, err := v.Float64()
		if err != nil {
			return 0
		}
		return f
	case string:
		f, err := strconv.ParseFloat(v, 64)
		if err != nil {
			return 0
		}
		return f
	}
	return 0
}
