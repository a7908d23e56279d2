// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"context"
	"time"
)

// Clock tells and passes the time.
type Clock interface {
	Now() time.Time
	Sleep(ctx context.Context, d time.Duration) error // ctx.Err() when interrupted
}

// realClock is the machine's clock.
type realClock struct{}

var _ Clock = realClock{}

// Now returns the time of day.
func (realClock) Now() time.Time { return time.Now() }

// Sleep waits for d or until ctx ends.
func (realClock) Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
