// SPDX-License-Identifier: Apache-2.0

// Package e2e holds the end-to-end tests: they run the built binaries, as a user does, against the local target. They
// need only `make build`; each test has its own state folder and checks that no process outlives it.
package e2e
