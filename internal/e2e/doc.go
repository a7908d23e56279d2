// SPDX-License-Identifier: Apache-2.0

// Package e2e holds the end-to-end tests: the built binaries, run as a user runs
// them, against the local target. They need `make build` and nothing else; each
// has a state folder of its own and checks that no process outlives it.
package e2e
