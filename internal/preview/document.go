// SPDX-License-Identifier: Apache-2.0

// Package preview turns an engine's plan into what a reviewer reads: text for a terminal, a JSON document, Markdown and
// HTML.
//
// Invariants: the same plan gives the same bytes; no list in the document is null; within one schemaVersion, fields are
// only ever added. Secrets and unknown values are replaced before they reach this package.
//
// Place: domain, above engine and cost.
package preview

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"emrflink/internal/cost"
	"emrflink/internal/disk"
	"emrflink/internal/findings"
	"emrflink/internal/plans"
	"emrflink/internal/untyped"
)

// SchemaVersion is the version of Document.
const SchemaVersion = 1

// Document is the JSON contract of a preview.
type Document struct {
	SchemaVersion int           `json:"schemaVersion"`
	Stack         string        `json:"stack"`
	Summary       plans.Summary `json:"summary"`
	Steps         []Step        `json:"steps"`
	Cost          Cost          `json:"cost"`
	// Mode says what the desired graph was compared with: ModeDeployed, ModeOffline or ModeBaseline.
	Mode string `json:"mode"`
	// Findings are what a reviewer should know of the desired graph, whether it changes or not, the gravest first.
	Findings []Finding `json:"findings"`
	// NotCompared is how many values only a deployment gives and were taken as unchanged, see [Compare]. It is 0 in the
	// other modes.
	NotCompared int `json:"notCompared"`
	// Simulated says, a line each, what of the target stands in for the real thing.
	Simulated []string `json:"simulated"`
}

// The ways to ask for a preview.
const (
	ModeDeployed = "deployed" // compared with the deployed stack
	ModeOffline  = "offline"  // compared with nothing: every resource is new
	ModeBaseline = "baseline" // compared with a saved graph or an exported state, without a cloud
)

// Finding is a risk in the desired graph, found by a rule.
type Finding struct {
	// Rule is the stable id of the rule: "public-endpoint". A stack file accepts a finding by it.
	Rule string `json:"rule"`
	// Severity is high, medium or low.
	Severity string `json:"severity"`
	URN      string `json:"urn"`
	// Path is the property that the rule looked at, "" = the whole resource.
	Path    string `json:"path"`
	Message string `json:"message"`
	// Accepted is set by the stack file, which says why in Reason.
	Accepted bool   `json:"accepted"`
	Reason   string `json:"reason"`
}

// Step is one resource. A new resource has all its inputs in Diff as additions, one that goes away as deletions.
type Step struct {
	URN            string   `json:"urn"`
	Type           string   `json:"type"`
	Name           string   `json:"name"`
	Op             string   `json:"op"`
	ReplaceReasons []string `json:"replaceReasons"`
	Diff           []Diff   `json:"diff"`
	// Parent is the URN of the component that the resource belongs to, "" = none. DependsOn are those it needs, sorted.
	Parent    string   `json:"parent"`
	DependsOn []string `json:"dependsOn"`
	// MayReplace says that an update turns into a replacement if a value that is not known yet differs from the old
	// one; MayReplaceReasons are the properties. Such a step counts as an update.
	MayReplace        bool     `json:"mayReplace"`
	MayReplaceReasons []string `json:"mayReplaceReasons"`
	// Destroys says, for a delete, a replacement or one that may be, what is lost by it: "checkpoints are lost".
	Destroys string `json:"destroys"`
}

// Diff is one changed property. Kind is add, delete or update, with "-replace" appended when it forces a replacement.
type Diff struct {
	Path string `json:"path"`
	Kind string `json:"kind"`
	Old  any    `json:"old"`
	New  any    `json:"new"`
	// WaitsFor are the URNs of the resources that give a new value which is not known yet.
	WaitsFor []string `json:"waitsFor"`
}

// Cost is what the resources that are billed by the hour cost per month of 730 hours, at list prices.
type Cost struct {
	MonthlyUSD MonthlyUSD `json:"monthlyUSD"`
	// HourlyUSD is the same per hour.
	HourlyUSD MonthlyUSD `json:"hourlyUSD"`
	// PricesAsOf is the date of the prices; "" when there are none for the region.
	PricesAsOf string `json:"pricesAsOf"`
	// Region is where the prices apply.
	Region string `json:"region"`
	// NotIncluded names what is billed by use, Unpriced what has no price in the tables.
	NotIncluded []string `json:"notIncluded"`
	Unpriced    []string `json:"unpriced"`
}

// MonthlyUSD is a change of cost.
type MonthlyUSD struct {
	Before float64 `json:"before"`
	After  float64 `json:"after"`
	Delta  float64 `json:"delta"`
}

// Report is a plan with its cost, ready to be shown.
type Report struct {
	Document Document
	// Before and After are the estimates of what exists and of what will.
	Before, After cost.Estimate

	plan    plans.Plan
	desired plans.Plan         // as far as nothing is compared with a baseline
	found   []findings.Finding // as far as nothing is accepted
}

// Desired is New of a plan that was computed without a state: its mode is ModeOffline, or ModeBaseline when it is compared
// with a saved graph (nil = with nothing).
func Desired(plan plans.Plan, against *Baseline, region string) (Report, error) {
	mode, shown, skipped := ModeOffline, plan, 0
	if against != nil {
		mode = ModeBaseline
		shown, skipped = Compare(plan, *against, region)
	}
	r, err := New(shown, region)
	r.Document.Mode, r.Document.NotCompared, r.desired = mode, skipped, plan
	return r, err
}

// SaveBaseline writes the desired graph of [Desired] to a file that later previews can be compared with.
func (r Report) SaveBaseline(to disk.Writer, project string) error {
	return NewBaseline(r.desired, project, r.Document.Cost.Region).Save(to)
}

// MayReplace counts the updates that may turn into a replacement.
func (r Report) MayReplace() int {
	n := 0
	for _, s := range r.Document.Steps {
		if s.MayReplace {
			n++
		}
	}
	return n
}

// New estimates the cost of a plan in a region and makes its document. Its mode is ModeDeployed.
func New(plan plans.Plan, region string) (Report, error) {
	plan.Steps = slices.Clone(plan.Steps)
	may := make([][]string, len(plan.Steps))
	for i, s := range plan.Steps {
		if plan.Steps[i], may[i] = settle(relisted(s)); s.Op == plans.OpReplace && plan.Steps[i].Op == plans.OpUpdate {
			plan.Summary.Replace--
			plan.Summary.Update++
		}
	}
	before, err := cost.Of(region, resources(plan, false))
	if err != nil {
		return Report{}, fmt.Errorf("estimate the cost before: %w", err)
	}
	after, err := cost.Of(region, resources(plan, true))
	if err != nil {
		return Report{}, fmt.Errorf("estimate the cost after: %w", err)
	}
	r := Report{Before: before, After: after, plan: plan, found: findings.Check(desired(plan))}
	r.Document = Document{
		SchemaVersion: SchemaVersion, Stack: plan.Stack, Summary: plan.Summary, Steps: []Step{},
		Findings: listed(r.found), Mode: ModeDeployed, Simulated: []string{},
		Cost: Cost{
			MonthlyUSD: change(before.MonthlyUSD, after.MonthlyUSD, 2), HourlyUSD: change(before.HourlyUSD, after.HourlyUSD, 4),
			PricesAsOf: after.AsOf, Region: region, NotIncluded: after.NotIncluded, Unpriced: after.Unpriced,
		},
	}
	for i, s := range plan.Steps {
		r.Document.Steps = append(r.Document.Steps, stepOf(s, may[i]))
	}
	return r, nil
}

func change(before, after float64, digits int) MonthlyUSD {
	return MonthlyUSD{Before: before, After: after, Delta: cost.Round(after-before, digits)}
}

// JSON writes the document.
func (r Report) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(r.Document)
}

func stepOf(s plans.Step, may []string) Step {
	out := Step{
		URN: s.URN, Type: s.Type, Name: s.Name, Op: string(s.Op),
		ReplaceReasons: append([]string{}, s.ReplaceReasons...), Diff: []Diff{},
		Parent: s.Parent, DependsOn: append([]string{}, s.Dependencies...),
		MayReplace: len(may) > 0, MayReplaceReasons: append([]string{}, may...), Destroys: destroys(s, len(may) > 0),
	}
	switch s.Op {
	case plans.OpUpdate, plans.OpReplace:
		for _, d := range s.Diff {
			out.Diff = append(out.Diff, refined(s, d)...)
		}
	case plans.OpCreate:
		for _, k := range slices.Sorted(maps.Keys(s.New)) {
			out.Diff = append(out.Diff, diffOf(s, plans.PropertyDiff{Path: untyped.JoinPath("", k), Kind: "add", New: s.New[k]}))
		}
	case plans.OpDelete:
		for _, k := range slices.Sorted(maps.Keys(s.Old)) {
			out.Diff = append(out.Diff, diffOf(s, plans.PropertyDiff{Path: untyped.JoinPath("", k), Kind: "delete",
				Old: s.Old[k]}))
		}
	}
	return out
}

func diffOf(s plans.Step, d plans.PropertyDiff) Diff {
	out := Diff{Path: d.Path, Kind: d.Kind, Old: d.Old, New: d.New, WaitsFor: []string{}}
	if untyped.HasUnknown(d.New) {
		out.WaitsFor = append(out.WaitsFor, s.PropertyDependencies[root(d.Path)]...)
	}
	return out
}

// refined takes a change of a text that is a JSON document apart. One that only writes the same document in another way
// stays as it is.
func refined(s plans.Step, d plans.PropertyDiff) []Diff {
	before, wasText := d.Old.(string)
	after, isText := d.New.(string)
	if !wasText || !isText {
		return []Diff{diffOf(s, d)}
	}
	inside := differ{}
	if _, ok := document(before); ok {
		if _, ok := document(after); ok {
			inside.leaf(d.Path, before, after, false)
		}
	}
	if len(inside.out) == 0 {
		return []Diff{diffOf(s, d)}
	}
	var out []Diff
	for _, part := range inside.out {
		if strings.HasSuffix(d.Kind, replaceSuffix) {
			part.Kind += replaceSuffix
		}
		out = append(out, diffOf(s, part))
	}
	return out
}

// Resources are what exists once the plan is carried out, as far as prices depend on it.
func Resources(plan plans.Plan) []cost.Resource { return resources(plan, true) }

// resources selects what exists after, or before, the plan is carried out.
func resources(plan plans.Plan, after bool) []cost.Resource {
	var out []cost.Resource
	for _, s := range plan.Steps {
		inputs := s.Old
		if after {
			inputs = s.New
		}
		if inputs == nil || s.Op == plans.OpRead {
			continue
		}
		r := cost.Resource{URN: s.URN, Type: s.Type, Name: s.Name, Parent: s.Parent, Inputs: inputs, Dependencies: s.Dependencies}
		if s.Op != plans.OpReplace || !after {
			r.ID = s.ID
		}
		out = append(out, r)
	}
	return out
}
