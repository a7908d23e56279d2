// SPDX-License-Identifier: Apache-2.0

// Package awserror is how the simulated AWS account refuses a call: with AWS's own error code, message and HTTP status.
package awserror

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

// Bad is a refusal with HTTP status 400, which most AWS services use for most refusals.
func Bad(code, format string, args ...any) *Error {
	return Status(http.StatusBadRequest, code, format, args...)
}

// Status is a refusal with another HTTP status.
func Status(status int, code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), HTTP: status}
}
