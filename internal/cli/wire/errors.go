// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"errors"

	"emrflink/internal/awsapi"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/engine"
)

// faceted gives an error of the engine or of AWS the facets that the printer looks for: they carry code and hint as
// fields.
func faceted(err error) error {
	if err == nil {
		return nil
	}
	var own *cmdutil.Error
	if errors.As(err, &own) {
		return err
	}
	var decided interface{ ExitCode() int }
	if errors.As(err, &decided) {
		if _, engines := decided.(*engine.Failure); !engines {
			return err // an incomplete cleanup, for one, is that whatever made it so
		}
	}
	var f *engine.Failure
	if errors.As(err, &f) {
		e := &facets{error: err, code: f.Code, hint: f.Hint, exit: f.ExitCode()}
		if f.Code == engine.CodeCancelled || f.Code == engine.CodeKilled {
			e.outcome = f.Message
		}
		return e
	}
	var a *awsapi.Error
	if errors.As(err, &a) {
		e := &facets{error: err, code: a.Code, hint: a.Hint(), exit: cmdutil.ExitFailed}
		if a.Denied() {
			e.exit = cmdutil.ExitDenied
		}
		return e
	}
	return err
}

// facets is an error with code, hint and exit code.
type facets struct {
	error
	code string
	hint string
	exit int
	// outcome is what an interrupt left behind, "" for any other error.
	outcome string
}

// Unwrap returns the error itself.
func (e *facets) Unwrap() error { return e.error }

// Code is the stable identifier.
func (e *facets) Code() string { return e.code }

// Hint is what to do next, "" when nothing general helps.
func (e *facets) Hint() string { return e.hint }

// Outcome is what an interrupt left behind.
func (e *facets) Outcome() string { return e.outcome }

// ExitCode is the exit code.
func (e *facets) ExitCode() int { return e.exit }
