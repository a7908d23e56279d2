// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
)

// Ready tells whether Deploy or Destroy could start now, for callers that change something else first. It changes nothing.
//
// It refuses, with a Failure, a state that cannot be read or saved, a stack that another run works on (StackLocked),
// interrupted creations that nobody can look up (PendingOperations), and secrets that cannot be read (WrongPassphrase, or
// what their provider says). An engine that a killed command of ours left behind is waited for, which notice is told; it may be
// nil.
func (e *Engine) Ready(ctx context.Context, notice func(text string)) error {
	if notice == nil {
		notice = func(text string) { e.opts.Logger.Info(text) }
	}
	if err := e.Check(); err != nil {
		return err
	}
	if exists, err := e.Exists(ctx); err != nil || !exists {
		return err
	}
	release, err := e.claimOr(patient)
	if err != nil {
		return err
	}
	defer release()
	if _, err := e.unlocked(ctx, notice); err != nil {
		return err
	}
	if err := e.ready(ctx); err != nil {
		return err
	}
	d, _, err := e.unfinished(ctx)
	if errors.Is(err, ErrNoStack) {
		return nil
	}
	if err != nil {
		return err
	}
	if f := e.interrupted(d); f != nil && e.opts.Adopt == nil {
		return f
	}
	return e.checkSecrets(ctx, d)
}
