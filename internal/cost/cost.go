// SPDX-License-Identifier: Apache-2.0

// Package cost estimates what resources cost at AWS's list prices, from dated tables that are part of the binary.
//
// Invariants: no figure is made up. What has no price in the tables is named in Unpriced, what is billed by use is
// named in NotIncluded, and a region without tables gets no figures at all. The same input gives the same estimate.
//
// Place: domain. Standard library only.
package cost

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Resource is a resource as far as its price depends on it. Inputs have the spelling of the Pulumi AWS provider.
type Resource struct {
	URN, Type, Name, ID string
	Inputs              map[string]any
	// Dependencies are URNs; a node group finds its launch template among them when the template's id is not known.
	Dependencies []string
}

// Item is one position of an estimate.
type Item struct {
	URN, Name string
	// What is billed, in words: "EKS control plane", "m5.xlarge instances".
	What string
	// Quantity is how many units of What there are.
	Quantity float64
	// HourlyUSD is the price of the whole position per hour.
	HourlyUSD float64
	// Note is a fact that changes the price, "" when there is none.
	Note string
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

// Of estimates resources in a region. Items are sorted by URN.
func Of(region string, resources []Resource) (Estimate, error) {
	table, known, err := load(region)
	if err != nil {
		return Estimate{}, err
	}
	e := estimator{prices: table, byURN: map[string]Resource{}, byID: map[string]Resource{}}
	sorted := slices.Clone(resources)
	slices.SortStableFunc(sorted, func(a, b Resource) int { return cmp.Compare(a.URN, b.URN) })
	for _, r := range sorted {
		e.byURN[r.URN] = r
		if r.ID != "" {
			e.byID[r.ID] = r
		}
	}
	out := Estimate{Region: region, Items: []Item{}, NotIncluded: usageOf(sorted), Unpriced: []string{}}
	if !known {
		out.Unpriced = append(out.Unpriced, fmt.Sprintf("no prices for region %q; there are some for %v", region, Regions()))
		return out, nil
	}
	out.AsOf = AsOf
	for _, r := range sorted {
		e.price(r)
	}
	if e.items != nil {
		out.Items = e.items
	}
	out.Unpriced = append(out.Unpriced, e.unpriced...)
	for _, i := range out.Items {
		out.HourlyUSD += i.HourlyUSD
	}
	out.HourlyUSD = Round(out.HourlyUSD, 6)
	out.MonthlyUSD = Round(out.HourlyUSD*HoursPerMonth, 2)
	return out, nil
}

// Round rounds to a number of decimal places.
func Round(v float64, places int) float64 {
	p := math.Pow10(places)
	return math.Round(v*p) / p
}

// usageOf names what the given resources are billed for by use, sorted.
func usageOf(resources []Resource) []string {
	by := map[string]string{
		"aws:eks/cluster:Cluster":             "control-plane logs and metrics in CloudWatch, per GB and per metric",
		"aws:cloudwatch/logGroup:LogGroup":    "CloudWatch Logs: ingestion and storage, per GB",
		"aws:s3/bucketV2:BucketV2":            "S3: storage per GB-month and requests",
		"aws:ec2/natGateway:NatGateway":       "NAT gateway: data processed, per GB",
		"aws:ec2/vpcEndpoint:VpcEndpoint":     "interface endpoints: data processed, per GB",
		"aws:sqs/queue:Queue":                 "SQS: requests",
		"aws:ec2/vpc:Vpc":                     "data transfer between zones and to the internet, per GB",
		"kubernetes:karpenter.sh/v1:NodePool": "instances and volumes that Karpenter starts for jobs",
		"kubernetes:helm.sh/v3:Release":       "volumes and load balancers that charts or jobs ask for",
		"aws:lb/loadBalancer:LoadBalancer":    "load balancer capacity units",
	}
	out := []string{}
	for _, r := range resources {
		if text, ok := by[r.Type]; ok && !slices.Contains(out, text) {
			if r.Type == "aws:ec2/vpcEndpoint:VpcEndpoint" && !isInterface(r) {
				continue
			}
			out = append(out, text)
		}
		if r.Name != "" && r.Type == "kubernetes:helm.sh/v3:Release" && r.Inputs["chart"] != nil {
			if text := "Amazon EMR on EKS: per vCPU-hour and GB-hour of running jobs"; isEMR(r) && !slices.Contains(out, text) {
				out = append(out, text)
			}
		}
	}
	slices.Sort(out)
	return out
}
