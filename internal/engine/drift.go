// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/optrefresh"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"emrflink/internal/plans"
	"emrflink/internal/untyped"
)

// Observe reads every resource of the stack from the account, by its provider, and compares. It changes neither the
// account nor the state. Components and providers are left out, and so is what a provider cannot read. A stack that was
// never deployed gives ErrNoStack, one with unfinished operations a Failure: what became of those is not known.
func (e *Engine) Observe(ctx context.Context) ([]plans.Observed, error) {
	pending, err := e.Pending(ctx)
	if err != nil {
		return nil, err
	}
	if n := len(pending); n > 0 {
		return nil, &Failure{
			Code: CodePending,
			Message: fmt.Sprintf("%d operations of stack %q were interrupted, %s %q among them: their outcome is not recorded", n,
				e.opts.Stack, pending[0].Kind, pending[0].Name),
			Hint: "emrflink deploy --stack " + e.opts.Stack,
		}
	}
	if err := e.ready(ctx); err != nil {
		return nil, err
	}
	s, err := e.stackIn(ctx, e.workDir(), e.env)
	if err != nil {
		return nil, err
	}
	c := collect(nil, nil)
	opts := []optrefresh.Option{optrefresh.EventStreams(c.in), optrefresh.SuppressProgress(), optrefresh.Color("never")}
	if e.opts.Parallel > 0 {
		opts = append(opts, optrefresh.Parallel(e.opts.Parallel))
	}
	_, err = s.PreviewRefresh(ctx, opts...)
	c.close()
	if err != nil {
		return nil, e.failed(ctx, "read the account", c, err.Error(), err)
	}
	return c.observed(), nil
}

// observed are the findings of a refresh, in the order of their URNs.
func (c *collector) observed() []plans.Observed {
	out := []plans.Observed{}
	for _, urn := range slices.Sorted(maps.Keys(c.reads)) {
		m := c.reads[urn]
		if m.Old == nil || !m.Old.Custom || (plans.Step{Type: m.Type}).Internal() {
			continue
		}
		o := plans.Observed{URN: urn, Type: m.Type, Name: untyped.URNName(urn), ID: m.Old.ID, Diff: []plans.PropertyDiff{}}
		switch {
		case m.Op == apitype.OpDelete || m.New == nil:
			o.Missing = true
		case m.Op == apitype.OpUpdate:
			o.Diff = propertyDiffs(m, cleanMap(m.Old.Inputs), cleanMap(m.New.Inputs))
		}
		out = append(out, o)
	}
	return out
}
