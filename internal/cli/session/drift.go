// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"io"

	"emrflink/internal/stack"
)

// Drifter compares what a stack recorded with the account.
type Drifter interface {
	Info() stack.Info
	Drift(ctx context.Context) (Drift, error)
	Close() error
}

// Drift is the outcome of a comparison.
type Drift struct {
	// Drifted says that something differs that is not known noise.
	Drifted bool
	// Text prints the report for a reader.
	Text func(w io.Writer) error
	// Document is the JSON contract of drift.
	Document any
}
