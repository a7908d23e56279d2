// SPDX-License-Identifier: Apache-2.0

// Package findings looks for risks in a desired resource graph that a reviewer should know about, in changed and
// unchanged resources.
//
// Invariants: the same graph gives the same findings in the same order. A value that is not known yet never raises a
// finding; if a rule had to look at one, the finding `not-checked` says so.
//
// Place: domain. It reads plain values and knows neither the engine nor the configuration; preview shows what it finds.
package findings

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"emrflink/internal/untyped"
)

// Severities, the gravest first.
const (
	High   = "high"   // somebody else can read, change or spend, or data can be lost
	Medium = "medium" // a layer of defence is missing, or money is spent unseen
	Low    = "low"    // worth a decision
)

// Resource is one resource of the desired graph with its inputs.
type Resource struct {
	URN, Type, Name string
	Inputs          map[string]any
	// Dependencies are the URNs of the resources that it needs.
	Dependencies []string
	// Exposed are the paths of inputs that look like secrets and are not marked as such.
	Exposed []string
}

// Finding is what a rule found. Path is the property it looked at, "" = the whole resource.
type Finding struct {
	Rule, Severity string
	URN, Name      string
	Path, Message  string
	// Accepted is set by an Acceptance, which says why in Reason.
	Accepted bool
	Reason   string
}

// Rule is one thing that is looked for.
type Rule struct {
	// ID is stable: stack files name it.
	ID, Severity string
	// Title is what is wrong, Why what follows from it, Fix what to do.
	Title, Why, Fix string
	// Source is where the rule comes from.
	Source string

	check func(*graph, *reporter)
}

// Check finds the risks in a graph, the gravest first.
func Check(resources []Resource) []Finding {
	g := newGraph(resources)
	var out []Finding
	var unseen []string
	for _, r := range table() {
		if r.check == nil {
			continue // found by Check itself, or by Accept
		}
		rep := &reporter{rule: r}
		r.check(g, rep)
		out = append(out, rep.found...)
		if names := distinct(rep.unseen); len(names) > 0 {
			unseen = append(unseen, r.ID+" ("+shortList(names)+")")
		}
	}
	if len(unseen) > 0 {
		out = append(out, Finding{
			Rule: NotChecked, Severity: Low,
			Message: "values that only a deployment gives were not looked at by " + strings.Join(unseen, ", "),
		})
	}
	sortFindings(out)
	return out
}

// rank orders severities.
func rank(severity string) int { return slices.Index([]string{High, Medium, Low}, severity) }

func sortFindings(all []Finding) {
	slices.SortStableFunc(all, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(rank(a.Severity), rank(b.Severity)), cmp.Compare(a.Rule, b.Rule),
			cmp.Compare(a.URN, b.URN), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Message, b.Message))
	})
}

// reporter collects what one rule finds.
type reporter struct {
	rule   Rule
	found  []Finding
	unseen []string
}

// add reports a resource.
func (r *reporter) add(res Resource, path, format string, args ...any) {
	r.found = append(r.found, Finding{
		Rule: r.rule.ID, Severity: r.rule.Severity, URN: res.URN, Name: res.Name, Path: path,
		Message: fmt.Sprintf(format, args...),
	})
}

// skip notes that a value which matters is not known.
func (r *reporter) skip(res Resource) { r.unseen = append(r.unseen, res.Name) }

// graph finds resources by type.
type graph struct {
	all    []Resource
	byType map[string][]Resource
}

func newGraph(resources []Resource) *graph {
	g := &graph{byType: map[string][]Resource{}}
	g.all = slices.Clone(resources)
	slices.SortFunc(g.all, func(a, b Resource) int { return cmp.Compare(a.URN, b.URN) })
	for _, r := range g.all {
		g.byType[r.Type] = append(g.byType[r.Type], r)
	}
	return g
}

// of returns the resources of some types.
func (g *graph) of(types ...string) []Resource {
	var out []Resource
	for _, t := range types {
		out = append(out, g.byType[t]...)
	}
	return out
}

// about are the resources of some types that belong to another one: they name it by a property, or they depend on it
// while the property is not known yet.
func (g *graph) about(owner Resource, property, name string, types ...string) []Resource {
	var out []Resource
	for _, r := range g.of(types...) {
		value := untyped.Known(r.Inputs[property])
		if value != "" && value == name || untyped.IsUnknown(r.Inputs[property]) && slices.Contains(r.Dependencies, owner.URN) {
			out = append(out, r)
		}
	}
	return out
}

func distinct(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

// shortList names a few and counts the rest.
func shortList(names []string) string {
	const most = 3
	if len(names) <= most+1 {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
