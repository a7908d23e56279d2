// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"context"

	"emrflink/internal/engine"
	"emrflink/internal/plans"
)

// Copies lists the copies of the recorded state.
func (s *onTarget) Copies(ctx context.Context) ([]plans.StateCopy, error) {
	e, err := s.engine(ctx, nil)
	if err != nil {
		return nil, err
	}
	copies, err := e.Copies(ctx)
	return copies, classify(err)
}

// Restore puts a copy in the place of the recorded state.
func (s *onTarget) Restore(ctx context.Context, from string) (plans.StateCopy, error) {
	e, err := s.engine(ctx, nil)
	if err != nil {
		return plans.StateCopy{}, err
	}
	c, err := e.Restore(ctx, from)
	return c, classify(err)
}

// checkState makes sure that the recorded state of the stack can be read and saved, that its secrets can be read, and that no
// other run works on it.
func (a *app) checkState(ctx context.Context) error {
	s, err := a.openStack()
	if err != nil {
		return err
	}
	if err := s.check(ctx); err != nil {
		return err
	}
	o := a.engineOptions(s.settings, nil)
	o.Adopt = s.adopt // a deploy finds what became of interrupted creations
	e, err := engine.Open(ctx, o)
	if err != nil {
		return classify(err)
	}
	return classify(e.Ready(ctx, nil))
}
