// SPDX-License-Identifier: Apache-2.0

package cost

import (
	"slices"

	"emrflink/internal/stack"
)

// SchemaVersion is the version of Report. Fields are added, never changed.
const SchemaVersion = 1

// Report is what a deployment costs: idle, and while the sample job runs. It is the JSON document of `emrflink cost`; no
// list in it is null.
type Report struct {
	SchemaVersion int         `json:"schemaVersion"`
	Stack         string      `json:"stack"`
	Target        string      `json:"target"`
	Region        string      `json:"region"`
	Prices        PriceSource `json:"prices"`
	Components    []Component `json:"components"`
	Idle          Price       `json:"idle"`
	SampleJob     Job         `json:"sampleJob"`
	WithSampleJob PriceRange  `json:"withSampleJob"`
	// NotIncluded names what is billed by use, Unpriced what has no price.
	NotIncluded []string `json:"notIncluded"`
	Unpriced    []string `json:"unpriced"`
	// Simulated says, a line each, what stood in for the real thing.
	Simulated []string `json:"simulated"`
}

// PriceSource says whose prices they are, and of which day; AsOf is "" when there are none for the region.
type PriceSource struct {
	Source string `json:"source"`
	AsOf   string `json:"asOf"`
	Live   bool   `json:"live"`
}

// Price is in US dollars.
type Price struct {
	HourlyUSD  float64 `json:"hourlyUSD"`
	MonthlyUSD float64 `json:"monthlyUSD"`
}

// PriceRange bounds a price.
type PriceRange struct {
	HourlyUSD  Range `json:"hourlyUSD"`
	MonthlyUSD Range `json:"monthlyUSD"`
}

// Range bounds an amount.
type Range struct {
	From float64 `json:"from"`
	To   float64 `json:"to"`
}

// plus adds to both bounds and rounds to a number of decimal places.
func (r Range) plus(o Range, places int) Range {
	return Range{From: Round(r.From+o.From, places), To: Round(r.To+o.To, places)}
}

// Job is what a job adds while it runs, at on-demand prices.
type Job struct {
	Name  string  `json:"name"`
	Nodes []Nodes `json:"nodes"`
	PriceRange
}

// Subject is what a report is about.
type Subject struct {
	stack.Info
	Resources []Resource
	// Job names the sample job, and Pods are what it consists of.
	Job  string
	Pods []Pods
}

// NewReport estimates a subject at given prices.
func NewReport(s Subject, p Prices) (Report, error) {
	e := At(p, s.Resources)
	nodes, unpriced, err := NodesFor(p, s.Resources, s.Pods)
	if err != nil {
		return Report{}, err
	}
	if e.AsOf == "" {
		nodes, unpriced = nil, nil // no table for the region: that is said once
	}
	r := Report{
		SchemaVersion: SchemaVersion, Stack: s.Stack, Target: s.Target, Region: e.Region,
		Prices:     PriceSource{Source: p.Source, AsOf: e.AsOf, Live: p.Live},
		Components: ByComponent(s.Resources, e.Items), Idle: Price{HourlyUSD: e.HourlyUSD, MonthlyUSD: e.MonthlyUSD},
		SampleJob:   Job{Name: s.Job, Nodes: append([]Nodes{}, nodes...)},
		NotIncluded: e.NotIncluded, Unpriced: append(append(e.Unpriced, p.Missing...), unpriced...),
		Simulated: append([]string{}, s.Simulated...),
	}
	if len(nodes) > 0 {
		r.NotIncluded = slices.DeleteFunc(r.NotIncluded, func(n string) bool { return n == UsageKarpenter })
		r.NotIncluded = append(r.NotIncluded, "the nodes of other jobs than the sample job")
	}
	job := &r.SampleJob
	for _, n := range nodes {
		job.HourlyUSD = job.HourlyUSD.plus(n.HourlyUSD, 6)
	}
	job.MonthlyUSD = Range{From: Monthly(job.HourlyUSD.From), To: Monthly(job.HourlyUSD.To)}
	r.WithSampleJob = PriceRange{
		HourlyUSD:  job.HourlyUSD.plus(Range{From: r.Idle.HourlyUSD, To: r.Idle.HourlyUSD}, 6),
		MonthlyUSD: job.MonthlyUSD.plus(Range{From: r.Idle.MonthlyUSD, To: r.Idle.MonthlyUSD}, 2),
	}
	return r, nil
}
