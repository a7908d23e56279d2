// SPDX-License-Identifier: Apache-2.0

package plans

import "time"

// Kinds of Event.
const (
	EventStart      = "start"
	EventDone       = "done"
	EventFailed     = "failed"
	EventDiagnostic = "diagnostic"
	EventNotice     = "notice"
)

// Event is one thing that happened while the engine worked. Elapsed is the time since the start of the resource's
// operation, and zero for diagnostics and notices. A resource that stays as it is has a done event only.
type Event struct {
	Kind            string
	URN, Type, Name string
	Op              Op
	Message         string
	Elapsed         time.Duration
	// Interrupted is set for a failure that only says that an interrupt was heard: the error of the operation says so too.
	Interrupted bool
}

// Result is what a deployment or a deletion did. It is meaningful beside an error too: it counts what was done before.
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

// Creating is the kind of a pending operation that may have made what no state knows of.
const Creating = "creating"

// Pending is an operation that was begun and whose end was not recorded: it is in progress while another run holds the
// stack; otherwise its process was killed, and the next deployment or deletion finds out how it ended.
type Pending struct {
	// Kind is [Creating], updating, deleting, reading or importing.
	Kind string `json:"kind"`
	Type string `json:"type"` // Pulumi type
	Name string `json:"name"`
	URN  string `json:"urn"`
	// Inputs are the properties that the operation was asked with, secrets replaced by [Secret].
	Inputs map[string]any `json:"-"`
}

// StateCopy is a copy of a state, with the number of resources that are in the account or may be.
type StateCopy struct {
	Path      string    `json:"path"`
	Saved     time.Time `json:"saved"`
	Resources int       `json:"resources"`
}
