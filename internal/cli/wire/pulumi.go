// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"context"
	"fmt"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/engine"
)

// pulumi runs one of Pulumi's own commands. What asks providers does it on the target of the stack, as our own commands do: of
// the local target Pulumi would download the real ones, and send them to real AWS.
func (a *app) pulumi(ctx context.Context, args []string) (int, error) {
	use := engine.UseOf(args)
	if !use.Provider {
		return engine.Main(args), nil
	}
	if use.Stack != "" {
		a.globals.Stack = use.Stack
		if err := cmdutil.ValidStackName(use.Stack); err != nil {
			return 0, err
		}
	}
	what := fmt.Sprintf("run Pulumi on stack %q", a.globals.Stack)
	s, err := a.openStack()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", what, err)
	}
	defer s.Close() // the engine has saved the state by then
	if use.Changes {
		if err := s.claim(ctx); err != nil {
			return 0, fmt.Errorf("%s: nothing was changed: %w", what, err)
		}
	}
	env, err := s.open(ctx)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", what, err)
	}
	e, err := s.engine(ctx, env)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", what, err)
	}
	cmdutil.PrintSimulated(a.io, s.Info().Simulated)
	code, err := e.Direct(ctx, args)
	return code, classify(err)
}
