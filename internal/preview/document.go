// SPDX-License-Identifier: Apache-2.0

// Package preview turns an engine's plan into what a reviewer reads: text for a terminal and a JSON document.
//
// Invariants: the same plan gives the same bytes; no list in the document is null; fields are only ever added to it,
// within one schemaVersion. Secrets and unknown values were replaced before they came here.
//
// Place: domain, above engine and cost.
package preview

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"emrflink/internal/cost"
	"emrflink/internal/engine"
)

// SchemaVersion is the version of Document.
const SchemaVersion = 1

// Document is the JSON contract of a preview.
type Document struct {
	SchemaVersion int     `json:"schemaVersion"`
	Stack         string  `json:"stack"`
	Summary       Summary `json:"summary"`
	Steps         []Step  `json:"steps"`
	Cost          Cost    `json:"cost"`
	// Mode says what the desired graph was compared with: ModeDeployed, ModeOffline or ModeBaseline.
	Mode string `json:"mode"`
	// Findings are what a reviewer should know of the desired graph, whether it changes or not, the gravest first.
	Findings []Finding `json:"findings"`
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

// Summary counts the steps by operation.
type Summary struct {
	Create  int `json:"create"`
	Update  int `json:"update"`
	Replace int `json:"replace"`
	Delete  int `json:"delete"`
	Same    int `json:"same"`
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
}

// Cost is what the resources that are billed by the hour cost per month of 730 hours, at list prices.
type Cost struct {
	MonthlyUSD MonthlyUSD `json:"monthlyUSD"`
	// PricesAsOf is the date of the prices; "" when there are none for the region.
	PricesAsOf string `json:"pricesAsOf"`
	// Region is where the prices apply.
	Region string `json:"region"`
	// NotIncluded names what is billed by use, Unpriced what has no price in the tables.
	NotIncluded []string `json:"notIncluded"`
	Unpriced    []string `json:"unpriced"`
}

// MonthlyUSD is a change of monthly cost.
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

	plan engine.Plan
}

// New estimates the cost of a plan in a region and makes its document.
func New(plan engine.Plan, region string) (Report, error) {
	before, err := cost.Of(region, resources(plan, false))
	if err != nil {
		return Report{}, fmt.Errorf("estimate the cost before: %w", err)
	}
	after, err := cost.Of(region, resources(plan, true))
	if err != nil {
		return Report{}, fmt.Errorf("estimate the cost after: %w", err)
	}
	r := Report{Before: before, After: after, plan: plan}
	r.Document = Document{
		SchemaVersion: SchemaVersion, Stack: plan.Stack, Summary: Summary(plan.Summary), Steps: []Step{},
		Findings: []Finding{},
		Cost: Cost{
			MonthlyUSD: MonthlyUSD{
				Before: before.MonthlyUSD, After: after.MonthlyUSD, Delta: cost.Round(after.MonthlyUSD-before.MonthlyUSD, 2),
			},
			PricesAsOf: after.AsOf, Region: region, NotIncluded: after.NotIncluded, Unpriced: after.Unpriced,
		},
	}
	for _, s := range plan.Steps {
		r.Document.Steps = append(r.Document.Steps, document(s))
	}
	return r, nil
}

// JSON writes the document.
func (r Report) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(r.Document)
}

func document(s engine.Step) Step {
	out := Step{
		URN: s.URN, Type: s.Type, Name: s.Name, Op: string(s.Op),
		ReplaceReasons: append([]string{}, s.ReplaceReasons...), Diff: []Diff{},
		Parent: s.Parent, DependsOn: append([]string{}, s.Dependencies...), MayReplaceReasons: []string{},
	}
	for _, d := range s.Diff {
		out.Diff = append(out.Diff, Diff{Path: d.Path, Kind: d.Kind, Old: d.Old, New: d.New})
	}
	switch s.Op {
	case engine.OpCreate:
		for _, k := range slices.Sorted(maps.Keys(s.New)) {
			out.Diff = append(out.Diff, Diff{Path: path(k), Kind: "add", New: s.New[k]})
		}
	case engine.OpDelete:
		for _, k := range slices.Sorted(maps.Keys(s.Old)) {
			out.Diff = append(out.Diff, Diff{Path: path(k), Kind: "delete", Old: s.Old[k]})
		}
	}
	return out
}

// path quotes a property name that would not read back as a path.
func path(key string) string {
	for _, c := range key {
		if c == '.' || c == '[' || c == ']' || c == '"' {
			return fmt.Sprintf("[%q]", key)
		}
	}
	return key
}

// resources selects what exists after, or before, the plan is carried out.
func resources(plan engine.Plan, after bool) []cost.Resource {
	var out []cost.Resource
	for _, s := range plan.Steps {
		inputs := s.Old
		if after {
			inputs = s.New
		}
		if inputs == nil || s.Op == engine.OpRead {
			continue
		}
		r := cost.Resource{URN: s.URN, Type: s.Type, Name: s.Name, Inputs: inputs, Dependencies: s.Dependencies}
		if s.Op != engine.OpReplace || !after {
			r.ID = s.ID
		}
		out = append(out, r)
	}
	return out
}
