// SPDX-License-Identifier: Apache-2.0

// Package exitcode has the exit codes of the commands. They are a contract: `emrflink help exit-codes` prints them with
// their meanings, which are in package cmdutil. Errors of every layer contain one.
package exitcode

// The exit codes of every command.
const (
	OK          = 0
	Failed      = 1
	Usage       = 2
	Denied      = 3
	NotFound    = 4
	Changes     = 5
	Timeout     = 6
	Incomplete  = 7
	Bug         = 70
	Interrupted = 130
	Terminated  = 143
)
