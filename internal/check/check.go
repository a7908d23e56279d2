// SPDX-License-Identifier: Apache-2.0

// Package check has the result of one check before a deploy: preflight and doctor produce it, doctor and deploy print
// it.
package check

// Status is the outcome of a check.
type Status string

// The outcomes. Only an error stops a deploy.
const (
	OK      Status = "ok"
	Warning Status = "warning"
	Error   Status = "error"
	Skipped Status = "skipped"
)

// Check is one thing that was looked at.
type Check struct {
	ID     string `json:"id"`
	Status Status `json:"status"`
	What   string `json:"what"` // what was found
	Why    string `json:"why"`  // why it matters, with AWS's code where AWS said or would say it; "" when all is well
	Fix    string `json:"fix"`  // commands that settle it, a line each; "" when there is nothing to do
	Denied bool   `json:"-"`    // the problem is about credentials

	Adopts []string `json:"-"` // names of the log groups that the deploy takes into the stack
}

// Adopted lists what a deploy takes into the stack after these checks.
func Adopted(checks []Check) []string {
	var names []string
	for _, c := range checks {
		names = append(names, c.Adopts...)
	}
	return names
}
