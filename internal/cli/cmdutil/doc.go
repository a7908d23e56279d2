// SPDX-License-Identifier: Apache-2.0

// Package cmdutil is what the command packages share: the Factory of their dependencies, the errors and the one
// printer of them, exit codes, the settings of a run (flags and environment), the stack file, the log file and
// signals.
//
// It stays light on purpose: it imports neither the Pulumi engine nor a cloud SDK, so that the tests of a command
// build in a moment. The concrete dependencies are made in package wire.
package cmdutil
