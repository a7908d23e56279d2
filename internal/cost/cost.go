// SPDX-License-Identifier: Apache-2.0

// Package cost estimates what resources cost at AWS's list prices, from dated tables that are part of the binary.
//
// Invariants: no figure is made up. Unpriced names what has no price in the tables, NotIncluded names what is billed by
// use, and a region without tables gets no figures at all. The same input gives the same estimate.
//
// Place: domain. It imports the standard library, the catalogue of AWS kinds and Kubernetes' quantities.
package cost

import (
	"fmt"
	"math"
	"slices"

	"emrflink/internal/awskind"
)

// Types of which a price or its absence depends on more than the row in the catalogue says.
const (
	typeCluster   = "aws:eks/cluster:Cluster"
	typeEndpoint  = "aws:ec2/vpcEndpoint:VpcEndpoint"
	typeNodeGroup = "aws:eks/nodeGroup:NodeGroup"
	typeRelease   = "kubernetes:helm.sh/v3:Release"
)

// Resource is a resource as far as its price depends on it. Inputs have the spelling of the Pulumi AWS provider.
type Resource struct {
	URN, Type, Name, ID string
	// Parent is the URN of the component that the resource belongs to, "" = none.
	Parent string
	Inputs map[string]any
	// Dependencies are URNs; a node group finds its launch template among them when the template's id is not known.
	Dependencies []string
}

// Item is one position of an estimate.
type Item struct {
	URN  string `json:"urn"`
	Name string `json:"name"`
	// What is billed, in words: "EKS control plane", "m5.xlarge instances".
	What string `json:"what"`
	// Quantity is how many units of What there are.
	Quantity float64 `json:"quantity"`
	// HourlyUSD is the price of the whole position per hour, MonthlyUSD per month: only the items of a Component have it.
	HourlyUSD  float64 `json:"hourlyUSD"`
	MonthlyUSD float64 `json:"monthlyUSD"`
	// Note is a fact that changes the price, "" when there is none.
	Note string `json:"note"`
}

// Estimate is what a set of resources costs.
type Estimate struct {
	Region string
	// AsOf is the date of the prices; "" when the region has none.
	AsOf  string
	Items []Item
	// HourlyUSD and MonthlyUSD (730 hours) are the sums of Items.
	HourlyUSD, MonthlyUSD float64
	// NotIncluded names what these resources cost beside it, by use.
	NotIncluded []string
	// Unpriced names what could not be priced, and why.
	Unpriced []string
}

// Of estimates resources in a region at the checked-in prices. Items are sorted by URN.
func Of(region string, resources []Resource) (Estimate, error) {
	table, err := Table(region)
	if err != nil {
		return Estimate{}, err
	}
	return At(table, resources), nil
}

// At estimates resources at given prices. Items are sorted by URN.
func At(p Prices, resources []Resource) Estimate {
	e := newEstimator(p, resources)
	out := Estimate{Region: p.Region, Items: []Item{}, NotIncluded: usageOf(e.sorted), Unpriced: []string{}}
	if p.AsOf == "" {
		out.Unpriced = append(out.Unpriced, fmt.Sprintf("no prices for region %q; there are some for %v", p.Region, Regions()))
		return out
	}
	out.AsOf = p.AsOf
	for _, r := range e.sorted {
		e.price(r)
	}
	out.Items = append(out.Items, e.items...)
	out.Unpriced = append(out.Unpriced, e.unpriced...)
	for _, i := range out.Items {
		out.HourlyUSD += i.HourlyUSD
	}
	out.HourlyUSD = Round(out.HourlyUSD, 6)
	out.MonthlyUSD = Monthly(out.HourlyUSD)
	return out
}

// Monthly is what a price per hour is for a month.
func Monthly(hourlyUSD float64) float64 { return Round(hourlyUSD*HoursPerMonth, 2) }

// Round rounds to a number of decimal places.
func Round(v float64, places int) float64 {
	p := math.Pow10(places)
	return math.Round(v*p) / p
}

// ByUse says what is in no sum of prices, because it is billed by use: in one line, or a line each when verbose.
func ByUse(notIncluded []string, verbose bool) []string {
	const few = 2
	if n := len(notIncluded); n > few && !verbose {
		return []string{fmt.Sprintf("what is billed by use, of %d kinds (list them with --verbose)", n)}
	}
	return notIncluded
}

// UsageKarpenter is how an estimate names what [NodesFor] bounds for given pods.
const UsageKarpenter = "instances and volumes that Karpenter starts for jobs"

// usageOf names what the given resources are billed for by use, sorted.
func usageOf(resources []Resource) []string {
	out := []string{}
	for _, r := range resources {
		for _, text := range usages(r) {
			if text != "" && !slices.Contains(out, text) {
				out = append(out, text)
			}
		}
	}
	slices.Sort(out)
	return out
}

// usages names what one resource is billed for by use.
func usages(r Resource) []string {
	switch r.Type {
	case typeNodePool:
		return []string{UsageKarpenter}
	case typeRelease:
		out := []string{"volumes and load balancers that charts or jobs ask for"}
		if r.Name != "" && isEMR(r) {
			out = append(out, "Amazon EMR on EKS: per vCPU-hour and GB-hour of running jobs")
		}
		return out
	case typeEndpoint:
		if !isInterface(r) {
			return nil
		}
	}
	k, _ := awskind.OfType(r.Type)
	return []string{k.Usage}
}
