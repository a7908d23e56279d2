// SPDX-License-Identifier: Apache-2.0

// Package graphcheck checks the resource graph that the program registers, without an engine, an account or a cluster:
// what the IAM documents say and what each role can do with them, whether nodes can join and pods find them, what is
// encrypted, tagged and closed, and which resource must outlive which. Each check has a name and gives reasons. A
// mutation test changes the graph in every way that the checks should find, and fails if no check finds a change.
//
// A check looks at the graph only. In localkube, Karpenter's own scheduler checks the same node pools; in internal/e2e,
// a real API server checks the same manifests.
package graphcheck
