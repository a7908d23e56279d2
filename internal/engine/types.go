// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"maps"
	"slices"
	"strings"
	"time"

	"emrflink/internal/mask"
)

// Stand-ins for values that must not or cannot be shown.
const (
	// Secret stands for a value that the engine marks as secret, or that looks like one.
	Secret = mask.Secret
	// Unknown stands for a value that is known only after something else was deployed.
	Unknown = "[unknown]"
)

// Op is what happens to a resource.
type Op string

// The operations of a plan. A replacement is one step, whatever the engine needs for it.
const (
	OpCreate  Op = "create"
	OpUpdate  Op = "update"
	OpReplace Op = "replace"
	OpDelete  Op = "delete"
	OpSame    Op = "same"
	OpRead    Op = "read"
)

// Plan is what a deployment would do: one Step per resource, parents before children, in a stable order.
type Plan struct {
	Stack       string
	Steps       []Step
	Summary     Summary
	Diagnostics []Diagnostic
}

// Summary counts steps by operation. Reads are in none of the counts: they change nothing.
type Summary struct{ Create, Update, Replace, Delete, Same int }

// Changes is the number of resources that are not left as they are.
func (s Summary) Changes() int { return s.Create + s.Update + s.Replace + s.Delete }

func (s *Summary) add(op Op) {
	switch op {
	case OpCreate:
		s.Create++
	case OpUpdate:
		s.Update++
	case OpReplace:
		s.Replace++
	case OpDelete:
		s.Delete++
	case OpSame:
		s.Same++
	}
}

// Step is what happens to one resource. Old and New are its input properties before and after, with secrets and
// unknowns replaced; Old is nil for a new resource, New for one that goes away.
type Step struct {
	URN, Type, Name, Parent string
	Op                      Op
	// Component is set for a component: it exists in the state only.
	Component bool
	// ID is what the provider calls the resource; empty while it does not exist.
	ID string
	// ReplaceReasons are the properties that force a replacement, sorted.
	ReplaceReasons []string
	Diff           []PropertyDiff
	Old, New       map[string]any
	// Provider is the URN of the provider resource that manages this one; empty for components.
	Provider string
	// Dependencies are the URNs of the resources that must exist before this one, sorted.
	Dependencies []string
	// PropertyDependencies are the URNs of the resources whose outputs a property takes, by the property's top-level
	// name, sorted.
	PropertyDependencies map[string][]string
	// Exposed are the paths of new inputs that look like secrets and that nothing marks as one: they are in the state in
	// clear. Here they are hidden all the same.
	Exposed []string
}

// Internal tells whether the step is about the engine's own bookkeeping: a provider, or the stack itself.
func (s Step) Internal() bool {
	return strings.HasPrefix(s.Type, "pulumi:providers:") || s.Type == "pulumi:pulumi:Stack"
}

// PropertyDiff is one changed property. Kind is add, delete or update, with "-replace" appended when the change forces
// a replacement. Path is Pulumi's: `tags.Name`, `subnets[0]`, `["a.b"]`.
type PropertyDiff struct {
	Path, Kind string
	Old, New   any
}

// Diagnostic is something that the program, a provider or the engine said. Severity is info, warning or error.
type Diagnostic struct{ Severity, URN, Message string }

// Kinds of Event.
const (
	EventStart      = "start"
	EventDone       = "done"
	EventFailed     = "failed"
	EventDiagnostic = "diagnostic"
	EventNotice     = "notice"
)

// Event is one thing that happened during Deploy or Destroy. Elapsed is the time since the start of the resource's
// operation, and zero for diagnostics and notices. A resource that stays as it is has a done event only.
type Event struct {
	Kind            string
	URN, Type, Name string
	Op              Op
	Message         string
	Elapsed         time.Duration
}

// Result is what Deploy or Destroy did. It is meaningful beside an error too: it counts what was done before.
type Result struct {
	Summary  Summary
	Duration time.Duration
	Outputs  map[string]Output
}

// Output is one stack output. Secret is set for what the engine marks as secret and for what looks like one. Value holds
// the plain value also then: mask it before showing it.
type Output struct {
	Value  any
	Secret bool
}

// StateResource is one resource of the deployed state, with secrets replaced by [Secret].
type StateResource struct {
	URN, Type, Name, ID, Parent, Provider string
	// Custom is false for components, which exist in the state only.
	Custom, Protect bool
	Inputs, Outputs map[string]any
	Dependencies    []string
	// PropertyDependencies are as in [Step].
	PropertyDependencies map[string][]string
	// Created is when the engine first saw the resource; zero when unknown.
	Created time.Time
}

// urnName returns the name part of a URN.
func urnName(urn string) string {
	if i := strings.LastIndex(urn, "::"); i >= 0 {
		return urn[i+2:]
	}
	return urn
}

// urnType returns the type part of a URN, without the types of its parents.
func urnType(urn string) string {
	parts := strings.SplitN(urn, "::", 4)
	if len(parts) < 4 {
		return ""
	}
	return parts[2][strings.LastIndex(parts[2], "$")+1:]
}

// providerURN cuts the id off a provider reference.
func providerURN(ref string) string {
	if i := strings.LastIndex(ref, "::"); i > 0 && strings.Count(ref, "::") > 3 {
		return ref[:i]
	}
	return ref
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
