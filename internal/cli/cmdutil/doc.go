// SPDX-License-Identifier: Apache-2.0

// Package cmdutil has what the command packages share: the Factory of their dependencies, the errors and the one
// function that prints them, exit codes, the settings of a run (flags and environment), the stack file, the log file
// and signals.
//
// It imports neither the Pulumi engine nor a cloud SDK, so that the tests of a command build quickly. Package wire
// makes the concrete dependencies.
package cmdutil
