// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"context"
	"fmt"
	"os"
	"strings"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/engine"
)

// pulumi runs one of Pulumi's own commands. What asks providers does it on the target of the stack, as our own commands do: of
// the local target Pulumi would download the real ones, and send them to real AWS.
func (a *app) pulumi(ctx context.Context, args []string) (int, error) {
	args, err := a.takeState(args)
	if err != nil {
		return 0, err
	}
	use := engine.UseOf(args)
	if use.Stack != "" {
		a.globals.Stack = use.Stack
		if err := cmdutil.ValidStackName(use.Stack); err != nil {
			return 0, err
		}
	}
	if !use.Provider {
		if err := a.exportState(ctx); err != nil {
			return 0, err
		}
		return engine.Main(args), nil
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

// takeState takes our own flag --state out of the arguments for Pulumi, which has no such flag.
func (a *app) takeState(args []string) ([]string, error) {
	var rest []string
	for i := 0; i < len(args); i++ {
		value, joined := strings.CutPrefix(args[i], "--state=")
		switch {
		case args[i] == "--":
			return append(rest, args[i:]...), nil
		case joined:
			a.globals.State = value
		case args[i] == "--state" && i+1 == len(args):
			return nil, cmdutil.Usagef("--state needs a URL")
		case args[i] == "--state":
			i++
			a.globals.State = args[i]
		default:
			rest = append(rest, args[i])
		}
	}
	return rest, nil
}

// exportState makes the state that was asked for that of Pulumi's own commands, opened as every command opens it.
func (a *app) exportState(ctx context.Context) error {
	state, err := a.state()
	if state == "" || err != nil {
		return err
	}
	region := func() string {
		_, config, _ := a.stackFile(a.globals.ConfigFile) // of a stack without a file, only the environment tells
		return a.bucketRegion(ctx, config.Region)
	}
	return os.Setenv("PULUMI_BACKEND_URL", engine.InRegion(state, region))
}
