// SPDX-License-Identifier: Apache-2.0

// Package save writes the state of an operation of the engine, in the place of Pulumi's own backend for states in a folder
// or a bucket. That one writes the whole state twice for each resource, one write after the other; here, the changes that
// wait at the same moment share one write ([committer]), and a resource is encoded once ([encoder]).
//
// Invariants:
//   - What the engine reports is answered when a state with it is saved: an operation is recorded before it is sent, and its
//     outcome before anything that depends on it begins.
//   - A state is replaced as a whole. Its format and its place are Pulumi's own: every other program reads it.
//
// Place: adapter, used by the engine process only.
package save
