// SPDX-License-Identifier: Apache-2.0

package session

// Rule is one thing that previews look for in the desired graph.
type Rule struct {
	ID       string
	Severity string // high, medium, low
	Title    string // what is wrong
	Why      string // what follows from it
	Fix      string
	Source   string // URL
}
