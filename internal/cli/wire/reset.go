// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"context"
	"errors"
	"slices"

	"emrflink/internal/engine"
	"emrflink/internal/localtarget"
	"emrflink/internal/stack"
	"emrflink/internal/target"
)

// sharedTarget is the local target with the stacks that are deployed on it.
type sharedTarget struct {
	*target.LocalTarget
	app   *app
	holds []*engine.Hold
}

// Deployed lists the stacks that a reset would take the ground from, and claims each: a deploy that runs, or begins before the
// reset is over, would lose what it makes. A stack of which only the state is known may be deployed here.
func (t *sharedTarget) Deployed(ctx context.Context) ([]localtarget.Deployed, error) {
	known, err := t.app.stacks(ctx)
	if err != nil {
		return nil, err
	}
	local, err := t.app.local()
	if err != nil {
		return nil, err
	}
	state, err := t.app.state()
	if err != nil {
		return nil, err
	}
	for _, name := range engine.Claimed(local.Home(), state) {
		if !slices.ContainsFunc(known, func(o stack.Origin) bool { return o.Stack == name && o.State == state }) {
			known = append(known, stack.Origin{Stack: name, State: state})
		}
	}
	var found []localtarget.Deployed
	for _, o := range known {
		if o.Target != "" && o.Target != target.Local {
			continue
		}
		n, err := t.claim(ctx, engine.Options{
			Stack: o.Stack, Home: local.Home(), BackendURL: o.State, Logger: t.app.log().Logger, Doing: t.app.command,
		})
		if err != nil {
			return nil, classify(err)
		}
		if n > 0 {
			found = append(found, localtarget.Deployed{Stack: o.Stack, Folder: o.Folder, Resources: n})
		}
	}
	return found, nil
}

// claim holds a stack and counts its resources; a state that cannot be read counts as none.
func (t *sharedTarget) claim(ctx context.Context, o engine.Options) (int, error) {
	o.Hold = &engine.Hold{}
	e, err := engine.Open(ctx, o)
	if err != nil {
		return 0, err
	}
	var locked *engine.Failure
	if err := e.Hold(ctx, t.app.waiting); errors.As(err, &locked) && locked.Code == engine.CodeLocked {
		return 0, err
	}
	t.holds = append(t.holds, o.Hold)
	all, err := e.Resources(ctx)
	if err != nil {
		t.app.log().Warn("count the resources of a stack", "stack", o.Stack, "err", err)
	}
	n, _ := stack.Count(all)
	return n, nil
}

// Reset ends the target and gives the stacks free.
func (t *sharedTarget) Reset(ctx context.Context) error {
	for _, h := range t.holds {
		defer h.Release()
	}
	return t.LocalTarget.Reset(ctx)
}
