// SPDX-License-Identifier: Apache-2.0

package session

import "context"

// Fault makes calls of an AWS action fail or hesitate on the local target.
type Fault struct {
	Action       string  `json:"action"` // as IAM spells it: "s3:CreateBucket"
	Match        string  `json:"match"`
	Error        string  `json:"error"` // AWS's code, "" = only a delay
	Message      string  `json:"message"`
	DelaySeconds float64 `json:"delaySeconds"`
	Times        int     `json:"times"` // 0 = always
	Left         int     `json:"left"`  // -1 = always
}

// Meddle changes a resource behind the tool's back.
type Meddle struct {
	// Resource is a name, an id or a URN of the recorded state.
	Resource string
	// Set are PATH=VALUE, Unset paths.
	Set, Unset []string
	Delete     bool
}

// Meddled is the resource that was changed.
type Meddled struct{ URN, Type, Name, ID string }

// Faults break the local target on purpose.
type Faults interface {
	// List is empty when the target does not run: faults end with it.
	List(ctx context.Context) ([]Fault, error)
	Set(ctx context.Context, f Fault) error
	// Clear forgets the faults of an action, "" = all, and returns how many there were.
	Clear(ctx context.Context, action string) (int, error)
	Drift(ctx context.Context, m Meddle) (Meddled, error)
}
