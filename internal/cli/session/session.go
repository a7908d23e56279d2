// SPDX-License-Identifier: Apache-2.0

// Package session says, in plain types, what the commands may ask of one stack on its target. Package wire
// implements it with the engine, the AWS and Kubernetes clients and the target; each command picks the few methods
// it needs into an interface of its own, so that its tests need none of them.
package session

// Kubeconfig is the entry that lets kubectl reach a cluster. It carries no secret: kubectl asks this tool for tokens.
type Kubeconfig interface {
	// Context is the name of the entry's context.
	Context() string
	// Render returns a whole file with this one entry.
	Render() ([]byte, error)
	// Merge adds or replaces the entry in a file and makes its context the current one.
	Merge(path string) error
}
