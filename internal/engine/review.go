// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"emrflink/internal/plans"
)

// Verdict is what has become of a recorded resource.
type Verdict int

// The verdicts.
const (
	// Whole is as it was left, or is not looked at, or cannot be.
	Whole Verdict = iota
	// Broken exists and is not what it was made to be: a deploy updates it, also when none of its properties changes.
	Broken
	// Gone certainly does not exist: it is dropped from the state, so a deploy makes it again.
	Gone
)

// ReviewFunc looks at a recorded resource before a run begins. It is for what a provider fails on for ever, or does not
// notice, when an earlier run was cut off or somebody has deleted it by hand.
type ReviewFunc func(ctx context.Context, r plans.StateResource, destroy bool, notice func(text string)) (Verdict, error)

// review notes in the state what is not as it was recorded.
func (e *Engine) review(ctx context.Context, destroy bool, notice func(string)) error {
	if e.opts.Review == nil {
		return nil
	}
	deployment, err := e.deployment(ctx)
	if err != nil {
		return err
	}
	broken, gone := 0, map[resource.URN]bool{}
	shown := e.shown(deployment)
	for i := range deployment.Resources {
		r := &deployment.Resources[i]
		if !r.Custom || r.Delete || r.PendingReplacement {
			continue
		}
		verdict, err := e.opts.Review(ctx, shown[i], destroy, notice)
		if f := foreign(err, PendingCreate{URN: string(r.URN), Type: string(r.Type), Name: r.URN.Name()}); f != nil {
			return f
		}
		if err != nil {
			return err
		}
		switch {
		case verdict == Gone:
			gone[r.URN] = true
		case verdict == Broken && len(r.InitErrors) == 0:
			r.InitErrors = []string{"an earlier run was cut off"}
			broken++
		}
	}
	if len(gone)+broken == 0 {
		return nil
	}
	drop(deployment, func(r apitype.ResourceV3) bool { return gone[r.URN] && !r.Delete })
	if err := e.importState(ctx, deployment); err != nil {
		return fmt.Errorf("note in the state what is not as it was recorded: %w", err)
	}
	return nil
}
