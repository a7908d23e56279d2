// SPDX-License-Identifier: Apache-2.0

package account

import (
	"errors"
	"fmt"
	"net/http"
)

// Error is a refusal with AWS's error code, message and HTTP status.
type Error struct {
	Code, Message string
	HTTP          int
}

// Error returns "Code: Message".
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Code returns AWS's error code found in err's chain, or "".
func Code(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// StateError is an unreadable or unwritable state directory.
type StateError struct {
	File   string // the file in question
	Backup string // where the previous generation is, empty when there is none
	Err    error
}

// Error names the file, the reason and the backup.
func (e *StateError) Error() string {
	if e.Backup == "" {
		return fmt.Sprintf("account state %s: %v", e.File, e.Err)
	}
	return fmt.Sprintf("account state %s: %v (the previous generation is %s)", e.File, e.Err, e.Backup)
}

// Unwrap returns the cause.
func (e *StateError) Unwrap() error { return e.Err }

func errBad(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), HTTP: http.StatusBadRequest}
}

func errStatus(status int, code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), HTTP: status}
}
