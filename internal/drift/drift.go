// SPDX-License-Identifier: Apache-2.0

// Package drift says what differs between what a deployment recorded and what the account has, property by property.
//
// Invariants: nothing is changed. A difference is reported or, when the list of known noise has a reason for it, listed
// as ignored: it never disappears. The same findings give the same report.
//
// Place: domain, above engine.
package drift

import (
	"cmp"
	"slices"

	"emrflink/internal/awsapi"
	"emrflink/internal/plans"
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

// Compare adds what the account has and nobody recorded: resources that carry all of the deployment's tags and were made
// by none of the controllers, which make and delete on their own.
func (r *Report) Compare(recorded []plans.StateResource, inventory []awsapi.Resource, tags map[string]string) {
	known := map[string]bool{}
	for _, s := range recorded {
		known[s.ID] = true
		for _, key := range []string{"arn", "name", "url", "id", "allocationId", "nodeGroupName"} {
			if v, _ := s.Outputs[key].(string); v != "" {
				known[v] = true
			}
		}
	}
	for _, a := range inventory {
		if a.CreatedBy != "user" || known[a.ID] || known[a.ARN] && a.ARN != "" || !marked(a.Tags, tags) {
			continue
		}
		r.Unmanaged = append(r.Unmanaged, Unmanaged{
			Service: a.Service, Type: a.Type, ID: a.ID, ARN: a.ARN, CreatedBy: a.CreatedBy,
		})
	}
	slices.SortFunc(r.Unmanaged, func(a, b Unmanaged) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Type, b.Type), cmp.Compare(a.ID, b.ID))
	})
	r.Summary.Unmanaged = len(r.Unmanaged)
}

// marked says whether all of the tags are there.
func marked(have, want map[string]string) bool {
	for k, v := range want {
		if have[k] != v {
			return false
		}
	}
	return len(want) > 0
}
