// SPDX-License-Identifier: Apache-2.0

// Package plans has the types for what a deployment would do, did and recorded, as the engine returns them and
// everything above the engine reads them: secrets are masked, unknown values are named. It knows nothing of Pulumi, so
// that code that reads plans does not link the engine.
package plans

import (
	"slices"
	"strings"
	"time"

	"emrflink/internal/untyped"
)

// Stand-ins for values that must not or cannot be shown.
const (
	// Secret stands for a value that the engine marks as secret, or that looks like one.
	Secret = untyped.Secret
	// Unknown stands for a value that is known only after something else was deployed.
	Unknown = untyped.Unknown
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
type Summary struct {
	Create  int `json:"create"`
	Update  int `json:"update"`
	Replace int `json:"replace"`
	Delete  int `json:"delete"`
	Same    int `json:"same"`
}

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
	// Ignored are the paths of properties whose changes the program ignores: what a resource was made with stays.
	Ignored []string
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

// Observed is what the account has of a recorded resource.
type Observed struct {
	URN, Type, Name, ID string
	// Missing says that the account does not have it any more.
	Missing bool
	// Diff is what differs: Old is as recorded, New as the account has it.
	Diff []PropertyDiff
}

// Exported is a state that `stack export` wrote.
type Exported struct {
	// Stack and Project are those of the URNs; "" for a state without resources.
	Stack, Project string
	// Resources are all that exist, the stack itself and the providers included, with secrets replaced by [Secret].
	Resources []StateResource
}

// InTreeOrder sorts steps so that parents precede children and siblings follow their URNs.
func InTreeOrder(steps []Step) []Step {
	children := map[string][]Step{}
	known := map[string]bool{}
	for _, s := range steps {
		known[s.URN] = true
	}
	for _, s := range steps {
		parent := s.Parent
		if !known[parent] || parent == s.URN {
			parent = ""
		}
		children[parent] = append(children[parent], s)
	}
	out := make([]Step, 0, len(steps))
	done := map[string]bool{}
	var walk func(parent string)
	walk = func(parent string) {
		list := children[parent]
		slices.SortStableFunc(list, func(a, b Step) int { return strings.Compare(a.URN, b.URN) })
		for _, s := range list {
			out = append(out, s)
			if !done[s.URN] {
				done[s.URN] = true
				walk(s.URN)
			}
		}
	}
	walk("")
	return out
}

// Summarize counts the steps by operation.
func Summarize(steps []Step) Summary {
	var sum Summary
	for _, s := range steps {
		sum.add(s.Op)
	}
	return sum
}
