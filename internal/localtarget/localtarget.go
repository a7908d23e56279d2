// SPDX-License-Identifier: Apache-2.0

// Package localtarget has the documents of the local target's control API, which are also the JSON of `emrflink local`,
// and the list of what it simulates.
//
// Invariants: plain types with no dependency, so that commands, the client and the process share them. No list of a
// document is null; fields are added, never changed.
package localtarget

import "errors"

// SchemaVersion is the version of the documents.
const SchemaVersion = 1

// ErrNotRunning says that the local target does not run.
var ErrNotRunning = errors.New("the local target is not running")

// The states of the local target and of a control plane; only a control plane can fail.
const (
	Starting = "starting"
	Running  = "running"
	Stopping = "stopping"
	Stopped  = "stopped"
	Failed   = "failed" // it could not be started several times; the reason says why, and it is tried again now and then
)

// Status describes the local target. Of a stopped one only the paths are known.
type Status struct {
	SchemaVersion int       `json:"schemaVersion"`
	State         string    `json:"state"`
	Doing         string    `json:"doing"` // what it does while it starts or stops, "" else
	PID           int       `json:"pid"`
	URL           string    `json:"url"`
	Dir           string    `json:"dir"`
	Log           string    `json:"log"`
	Region        string    `json:"region"`
	AccountID     string    `json:"accountId"`
	Speed         float64   `json:"speed"`
	Version       string    `json:"version"`
	StartedAt     string    `json:"startedAt"` // RFC 3339
	Resources     int       `json:"resources"`
	Clusters      []Cluster `json:"clusters"`
	Faults        []Fault   `json:"faults"`
	// Flink says what runs jobs: a Flink, or nothing, and then why. The command that asks fills it in.
	Flink string `json:"flink"`
}

// Cluster is the control plane of one EKS cluster, a process of this machine.
type Cluster struct {
	Name     string `json:"name"`
	Endpoint string `json:"endpoint"` // the last one, "" before it served for the first time
	PID      int    `json:"pid"`      // 0 when it does not run
	State    string `json:"state"`    // Starting, Running or Failed
	Reason   string `json:"reason"`   // why it does not run, "" when it does
}

// Inventory is everything in the simulated account and what it would bill.
type Inventory struct {
	SchemaVersion int        `json:"schemaVersion"`
	Resources     []Resource `json:"resources"`
	HourlyUSD     float64    `json:"hourlyUSD"` // US dollars per hour, usage not included
}

// Resource is one resource of the account.
type Resource struct {
	Service   string  `json:"service"`
	Type      string  `json:"type"`
	ID        string  `json:"id"`
	ARN       string  `json:"arn"`
	CreatedBy string  `json:"createdBy"`
	HourlyUSD float64 `json:"hourlyUSD"`
}

// ServeOptions are those of the local target's own process.
type ServeOptions struct {
	Region string
	Speed  float64 // 0 = the default
	Port   int     // 0 = any free one
}

// Deployed is a stack that is deployed on the local target.
type Deployed struct {
	Stack string
	// Folder is where it was deployed from, "" = not known.
	Folder    string
	Resources int
}
