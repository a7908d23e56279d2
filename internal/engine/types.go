// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"maps"
	"slices"
	"time"

	"emrflink/internal/plans"
)

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
	Op              plans.Op
	Message         string
	Elapsed         time.Duration
}

// Result is what Deploy or Destroy did. It is meaningful beside an error too: it counts what was done before.
type Result struct {
	Summary  plans.Summary
	Duration time.Duration
	Outputs  map[string]Output
}

// Output is one stack output. Secret is set for what the engine marks as secret and for what looks like one. Value holds
// the plain value also then: mask it before showing it.
type Output struct {
	Value  any
	Secret bool
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
