// SPDX-License-Identifier: Apache-2.0

// Package graphcheck judges the resource graph that the program registers, without an engine, an account or a cluster: what
// a document of IAM says and what a role may do by it, whether nodes can join and pods find them, what is encrypted,
// tagged and closed, and what must outlive what. Each check has a name and gives reasons; a mutation test changes the
// graph in every way that they are meant to catch, and fails when one of them does not.
//
// A check looks at the graph alone. Karpenter's own scheduler judges the same node pools in localkube, a real API server
// the same manifests in internal/e2e.
package graphcheck
