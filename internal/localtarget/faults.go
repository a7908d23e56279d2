// SPDX-License-Identifier: Apache-2.0

package localtarget

// Fault makes calls of an AWS action fail or answer late on purpose. Faults are in the memory of the local target: they end
// with it.
type Fault struct {
	// Action is as IAM spells it, "s3:CreateBucket"; * and ? match.
	Action string `json:"action"`
	// Match is a pattern of what the call is about; "" matches all.
	Match string `json:"match"`
	// Error is AWS's error code, "" only delays.
	Error        string  `json:"error"`
	Message      string  `json:"message"`
	DelaySeconds float64 `json:"delaySeconds"`
	// Times is how often it applies, 0 = always; Left how often still, -1 = always.
	Times int `json:"times"`
	Left  int `json:"left"`
}

// Faults are those that are in force.
type Faults struct {
	SchemaVersion int     `json:"schemaVersion"`
	Faults        []Fault `json:"faults"`
}

// Change is a change of a deployed resource out of band: as a person with a console or kubectl makes it, so that the
// recorded state does not know of it.
type Change struct {
	// Resource is a name, an id or a URN of the recorded state.
	Resource string
	// Set are PATH=VALUE, Unset paths.
	Set, Unset []string
	Delete     bool
}
