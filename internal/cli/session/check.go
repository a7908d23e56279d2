// SPDX-License-Identifier: Apache-2.0

package session

// CheckStatus is the outcome of a check.
type CheckStatus string

// The outcomes. Only an error stops a deploy.
const (
	CheckOK      CheckStatus = "ok"
	CheckWarning CheckStatus = "warning"
	CheckError   CheckStatus = "error"
	CheckSkipped CheckStatus = "skipped"
)

// Check is one thing that was looked at before a deploy.
type Check struct {
	ID     string      `json:"id"`
	Status CheckStatus `json:"status"`
	What   string      `json:"what"`
	Why    string      `json:"why"` // why it matters, with AWS's code; "" when all is well
	Fix    string      `json:"fix"` // commands, a line each; "" when there is nothing to do
	Denied bool        `json:"-"`   // the problem is about credentials
}
