// SPDX-License-Identifier: Apache-2.0

package cmdutil

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"emrflink/internal/iostreams"
)

// Facets that the printer looks for with errors.As in any error of the chain.
type (
	hinter       interface{ Hint() string }
	coder        interface{ Code() string }
	problemLists interface{ ProblemLines() []string }
)

// Error is an error made for the user: what failed, why, and what to do next.
type Error struct {
	What  string // what failed: "deploy stack \"local\""
	Cause error  // why; may be nil
	Next  string // one runnable command, or several, a line each
	ID    string // stable identifier, for scripts
	Exit  int    // exit code; 0 takes that of Cause, else 1
}

var (
	_ error     = (*Error)(nil)
	_ hinter    = (*Error)(nil)
	_ coder     = (*Error)(nil)
	_ exitCoder = (*Error)(nil)
)

// Error joins what failed and why.
func (e *Error) Error() string {
	if e.Cause == nil {
		return e.What
	}
	return e.What + ": " + e.Cause.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Hint returns the commands to run next; the cause's when there are none of its own.
func (e *Error) Hint() string {
	if e.Next != "" {
		return e.Next
	}
	var h hinter
	if errors.As(e.Cause, &h) {
		return h.Hint()
	}
	return ""
}

// Code returns the stable identifier; the cause's when there is none of its own.
func (e *Error) Code() string {
	if e.ID != "" {
		return e.ID
	}
	var c coder
	if errors.As(e.Cause, &c) {
		return c.Code()
	}
	return "failed"
}

// ExitCode returns the exit code; the cause's when there is none of its own.
func (e *Error) ExitCode() int {
	if e.Exit != 0 {
		return e.Exit
	}
	var c exitCoder
	if errors.As(e.Cause, &c) {
		return c.ExitCode()
	}
	if errors.Is(e.Cause, context.DeadlineExceeded) {
		return ExitTimeout
	}
	return ExitFailed
}

// UsageError is a wrong flag or argument. Nothing was contacted.
type UsageError struct {
	Err   error
	Usage string // the usage line of the command, "" = none
	Next  string
}

// Error returns the text of the wrapped error.
func (e *UsageError) Error() string { return e.Err.Error() }

// Unwrap returns the wrapped error.
func (e *UsageError) Unwrap() error { return e.Err }

// ExitCode is 2.
func (e *UsageError) ExitCode() int { return ExitUsage }

// Code is the stable identifier.
func (e *UsageError) Code() string { return "usage" }

// Hint shows the usage line.
func (e *UsageError) Hint() string {
	if e.Next != "" || e.Usage == "" {
		return e.Next
	}
	return "usage: " + e.Usage
}

// Usagef makes a usage error without a usage line.
func Usagef(format string, args ...any) *UsageError {
	return &UsageError{Err: fmt.Errorf(format, args...)}
}

// ExitStatus ends a command with an exit code and no message: everything was said.
type ExitStatus int

// Error is never printed.
func (e ExitStatus) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// ExitCode is the status.
func (e ExitStatus) ExitCode() int { return int(e) }

// WithHelp gives a usage error that says nothing about what to do next the command that shows how it is done.
func WithHelp(err error, cmd *cobra.Command) error {
	if ExitCode(context.Background(), err) != ExitUsage {
		return err
	}
	return &helped{err, Command(append(strings.Fields(cmd.CommandPath())[1:], "--help")...)}
}

// helped is an error with a next step for the case that it has none.
type helped struct {
	error
	next string
}

// Unwrap returns the error itself.
func (e *helped) Unwrap() error { return e.error }

// Report is an error taken apart for printing.
type Report struct {
	Error    string
	Cause    string
	Next     []string
	Code     string
	Exit     int
	Problems []string // of a validation; never nil
}

// Describe takes an error apart into what failed, why and what to do next.
func Describe(err error) Report {
	var help *helped
	if errors.As(err, &help) { // the outermost: it is added where an error is printed
		r := Describe(help.error)
		if len(r.Next) == 0 {
			r.Next = append(r.Next, help.next)
		}
		return r
	}
	r := Report{Error: err.Error(), Code: "failed", Exit: ExitFailed, Problems: []string{}, Next: []string{}}
	r.Error, r.Cause = split(err)
	var h hinter
	if errors.As(err, &h) {
		for line := range strings.Lines(h.Hint()) {
			r.Next = append(r.Next, strings.TrimRight(line, "\n"))
		}
	}
	var c coder
	if errors.As(err, &c) && c.Code() != "" {
		r.Code = c.Code()
	}
	var e exitCoder
	if errors.As(err, &e) {
		r.Exit = e.ExitCode()
	}
	var p problemLists
	if errors.As(err, &p) {
		r.Problems = append(r.Problems, p.ProblemLines()...)
		r.Cause = ""
	}
	return r
}

// split cuts an error in two: the context that was added on the way up, and the cause at the bottom of the chain.
func split(err error) (what, cause string) {
	text := err.Error()
	var own *Error
	if errors.As(err, &own) && own.Cause != nil {
		if prefix, ok := strings.CutSuffix(text, ": "+own.Cause.Error()); ok {
			return prefix, own.Cause.Error()
		}
	}
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(inner) {
		prefix, ok := strings.CutSuffix(text, ": "+inner.Error())
		if !ok {
			break
		}
		what, cause = prefix, inner.Error()
		if _, stop := inner.(hinter); stop {
			break
		}
	}
	if cause == "" {
		return text, ""
	}
	return what, cause
}

// Locked tells whether an error says that another command works on the stack: waiting for it helps, nothing else does.
func Locked(err error) bool {
	var c coder
	return errors.As(err, &c) && c.Code() == "StackLocked"
}

// Command is a line that the user can paste: this tool, the words given, shell-quoted where needed.
func Command(words ...string) string {
	return iostreams.CommandLine(append([]string{"emrflink"}, words...)...)
}
