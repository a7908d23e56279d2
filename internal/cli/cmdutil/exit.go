// SPDX-License-Identifier: Apache-2.0

package cmdutil

import (
	"context"
	"errors"

	"emrflink/internal/exitcode"
)

// The exit codes of every command, as the commands call them.
const (
	ExitOK          = exitcode.OK
	ExitFailed      = exitcode.Failed
	ExitUsage       = exitcode.Usage
	ExitDenied      = exitcode.Denied
	ExitNotFound    = exitcode.NotFound
	ExitChanges     = exitcode.Changes
	ExitTimeout     = exitcode.Timeout
	ExitIncomplete  = exitcode.Incomplete
	ExitBug         = exitcode.Bug
	ExitInterrupted = exitcode.Interrupted
	ExitTerminated  = exitcode.Terminated
)

// ExitMeaning is one line of the table of exit codes.
type ExitMeaning struct {
	Code    int
	Meaning string
}

// ExitCodes is the table of exit codes.
func ExitCodes() []ExitMeaning {
	return []ExitMeaning{
		{ExitOK, "done; also when there was nothing to do or it was gone already"},
		{ExitFailed, "the operation failed"},
		{ExitUsage, "flags, configuration or validation; nothing was contacted"},
		{ExitDenied, "credentials or permissions"},
		{ExitNotFound, "there is no such deployment"},
		{ExitChanges, "preview --exit-code: changes are pending; drift: the account differs"},
		{ExitTimeout, "timed out waiting"},
		{ExitIncomplete, "cleanup is incomplete: the remaining resources are listed"},
		{ExitBug, "a bug in emrflink"},
		{ExitInterrupted, "interrupted by Ctrl-C, or a question was declined"},
		{ExitTerminated, "terminated by SIGTERM"},
	}
}

// exitCoder is the facet of an error that knows the exit code.
type exitCoder interface{ ExitCode() int }

// ExitCode maps an error to the exit code of the process. An interrupt wins over whatever failed because of it.
func ExitCode(ctx context.Context, err error) int {
	if err == nil {
		return ExitOK
	}
	var sig *SignalError
	if errors.As(context.Cause(ctx), &sig) {
		return sig.ExitCode()
	}
	var e exitCoder
	if errors.As(err, &e) {
		return e.ExitCode()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return ExitTimeout
	}
	return ExitFailed
}
