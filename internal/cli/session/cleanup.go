// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"time"
)

// CleanupPlan is what a cleanup would delete.
type CleanupPlan struct {
	Account    string // AWS account id
	Region     string
	Deployment string
	Empty      bool           // nothing is left of the deployment
	Resources  int            // recorded resources, deleted by the engine
	ByService  map[string]int // the same by service
	Outside    []Item         // what controllers in the cluster made: nodes, volumes, load balancers
	DataLoss   []string       // what is gone for good, a line each
	HourlyUSD  float64        // what stops being billed, US dollars per hour
	Phases     []Phase        // in order
	Warnings   []string       // what could not be looked at
}

// Phase is one step of a cleanup.
type Phase struct {
	Name     string
	Expected time.Duration // what it usually takes on AWS, 0 = not known
}

// Item is one resource of a cleanup's report.
type Item struct {
	Service   string  `json:"service"`
	Type      string  `json:"type"`
	ID        string  `json:"id"`
	ARN       string  `json:"arn"`
	CreatedBy string  `json:"createdBy"`
	HourlyUSD float64 `json:"hourlyUSD"`
	Reason    string  `json:"reason"`  // why it is left, "" for what was deleted
	Command   string  `json:"command"` // removes what is left unexpectedly
}

// CleanupReport is what a cleanup did.
type CleanupReport struct {
	Deleted         []Item
	ExpectedResidue []Item // left on purpose or gone on a known date
	Unexpected      []Item // still there and possibly billed
	Errors          []string
	// Verified says that the account was asked what is left.
	Verified bool
}

// CleanupProgress is a change of one phase.
type CleanupProgress struct {
	Phase   string
	State   string // running, done, failed, skipped, stopped
	Message string // what it is waiting for
	Minor   bool   // the message changes with every resource: show it only where it can be redrawn
}

// Cleanup is a teardown that was prepared and not begun.
type Cleanup interface {
	Plan() CleanupPlan
	Run(ctx context.Context, progress func(CleanupProgress)) (CleanupReport, error)
}
