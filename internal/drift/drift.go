// SPDX-License-Identifier: Apache-2.0

// Package drift reports the differences between what a deployment recorded and what the account has, property by
// property.
//
// Invariants: nothing is changed. A difference is reported or, if the list of known noise has a reason for it, listed
// as ignored: none is dropped. The same findings give the same report.
//
// Place: domain. It reads what the engine observed; package detect asks the engine and the account.
package drift

import (
	"cmp"
	"slices"

	"emrflink/internal/plans"
	"emrflink/internal/stack"
)

// What happened to a resource.
const (
	Changed = "changed"
	Missing = "missing"
)

// Report is the outcome of a comparison.
type Report struct {
	Summary   Summary    `json:"summary"`
	Resources []Resource `json:"resources"`
	// Unmanaged are resources that carry the deployment's tags and are not in its state.
	Unmanaged []Unmanaged `json:"unmanaged"`
}

// Summary counts resources; Ignored counts single differences.
type Summary struct {
	Checked   int `json:"checked"`
	Drifted   int `json:"drifted"`
	Missing   int `json:"missing"`
	Ignored   int `json:"ignored"`
	Unmanaged int `json:"unmanaged"`
}

// Resource is one that differs, or of which something was ignored: then Kind is "".
type Resource struct {
	URN     string    `json:"urn"`
	Type    string    `json:"type"`
	Name    string    `json:"name"`
	ID      string    `json:"id"`
	Kind    string    `json:"kind"`
	Diff    []Diff    `json:"diff"`
	Ignored []Ignored `json:"ignored"`
}

// Diff is one property. A side that has no value is null.
type Diff struct {
	Path     string `json:"path"`
	Expected any    `json:"expected"`
	Actual   any    `json:"actual"`
}

// Ignored is a difference that is known noise.
type Ignored struct {
	Diff
	Reason string `json:"reason"`
}

// Unmanaged is a resource of the account that nobody recorded.
type Unmanaged struct {
	Service   string `json:"service"`
	Type      string `json:"type"`
	ID        string `json:"id"`
	ARN       string `json:"arn"`
	CreatedBy string `json:"createdBy"`
}

// Drifted says whether something differs that is not noise. What is unmanaged is no drift: the deployment is as
// recorded.
func (r Report) Drifted() bool { return r.Summary.Drifted+r.Summary.Missing > 0 }

// New judges what was observed.
func New(observed []plans.Observed) Report {
	r := Report{Resources: []Resource{}, Unmanaged: []Unmanaged{}}
	r.Summary.Checked = len(observed)
	for _, o := range observed {
		one := Resource{URN: o.URN, Type: o.Type, Name: o.Name, ID: o.ID, Diff: []Diff{}, Ignored: []Ignored{}}
		for _, d := range o.Diff {
			diff := Diff{Path: d.Path, Expected: d.Old, Actual: d.New}
			if reason, noise := reasonFor(o.Type, diff); noise {
				one.Ignored = append(one.Ignored, Ignored{Diff: diff, Reason: reason})
				continue
			}
			one.Diff = append(one.Diff, diff)
		}
		switch {
		case o.Missing:
			one.Kind = Missing
			r.Summary.Missing++
		case len(one.Diff) > 0:
			one.Kind = Changed
			r.Summary.Drifted++
		}
		r.Summary.Ignored += len(one.Ignored)
		if one.Kind != "" || len(one.Ignored) > 0 {
			r.Resources = append(r.Resources, one)
		}
	}
	return r
}

// AddUnmanaged adds what the account has and nobody recorded.
func (r *Report) AddUnmanaged(found []Unmanaged) {
	r.Unmanaged = append(r.Unmanaged, found...)
	slices.SortFunc(r.Unmanaged, func(a, b Unmanaged) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Type, b.Type), cmp.Compare(a.ID, b.ID))
	})
	r.Summary.Unmanaged = len(r.Unmanaged)
}

// SchemaVersion is the version of Document. Fields are added, never changed.
const SchemaVersion = 1

// Document is the JSON document of `emrflink drift`: the report, and whose it is. No list in it is null.
type Document struct {
	SchemaVersion int    `json:"schemaVersion"`
	Stack         string `json:"stack"`
	Target        string `json:"target"`
	Region        string `json:"region"`
	Drifted       bool   `json:"drifted"`
	Report
	// Repair is the command that puts back what differs, "" when nothing does.
	Repair string `json:"repair"`
	// Simulated says, a line each, what stood in for the real thing.
	Simulated []string `json:"simulated"`
}

// Of is the report as the document about a stack. repair is the command that puts back what differs.
func (r Report) Of(s stack.Info, repair string) Document {
	d := Document{
		SchemaVersion: SchemaVersion, Stack: s.Stack, Target: s.Target, Region: s.Region, Drifted: r.Drifted(), Report: r,
		Simulated: append([]string{}, s.Simulated...),
	}
	if d.Drifted {
		d.Repair = repair
	}
	return d
}
