// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"fmt"
	"os"
)

// Hold is the claim of a command that changes a stack, or asks before it does. The engines of the command share it in their
// Options; they do not wait for one another.
type Hold struct{ release func() }

// Release gives the stack free; it may be called again.
func (h *Hold) Release() {
	if h.release != nil {
		h.release()
		h.release = nil
	}
}

func (h *Hold) held() bool { return h != nil && h.release != nil }

// Hold makes this command the only one that changes the stack, until its Hold is released: a Failure with CodeLocked says who
// is at work. A stack whose state is in a bucket is looked at only: no other command sees a claim until the engine locks it.
func (e *Engine) Hold(ctx context.Context, notice func(text string)) error {
	h := e.opts.Hold
	if h.held() {
		return nil
	}
	if notice == nil {
		notice = func(text string) { e.opts.Logger.Info(text) }
	}
	if e.files == nil {
		_, err := e.unlocked(ctx, notice)
		return err
	}
	if err := os.MkdirAll(e.files.root, 0o700); err != nil {
		return fmt.Errorf("make the state directory: %w", err)
	}
	release, err := e.claim(patient)
	if err != nil {
		return err
	}
	if _, err := e.unlocked(ctx, notice); err != nil {
		release()
		return err
	}
	h.release = release
	return nil
}

// claimOr is claim for a command that may hold the stack already.
func (e *Engine) claimOr(tries int) (release func(), err error) {
	if e.opts.Hold.held() {
		return func() {}, nil
	}
	return e.claim(tries)
}
