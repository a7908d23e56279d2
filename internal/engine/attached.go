// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/blang/semver"
	"github.com/pulumi/pulumi/sdk/v3"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
)

// Use is what one of Pulumi's own commands needs.
type Use struct {
	Stack    string
	Provider bool // it asks providers
	Program  bool // it runs the program
	Changes  bool // it changes the account or the state
}

// UseOf tells what Pulumi's command needs that args name.
func UseOf(args []string) Use {
	u := Use{Stack: stackFlag(args)}
	if slices.Contains(args, "--help") || slices.Contains(args, "-h") {
		return u
	}
	switch commandWord(args) {
	case "up", "update":
		u.Provider, u.Program, u.Changes = true, true, true
	case "preview", "pre":
		u.Provider, u.Program = true, true
	case "refresh", "destroy", "down", "dn", "import":
		u.Provider, u.Changes = true, true
	}
	return u
}

// commandWord is the first of args that is no flag and no value of one.
func commandWord(args []string) string {
	for i := 0; i < len(args); i++ {
		switch {
		case slices.Contains([]string{"--stack", "-s", "--cwd", "-C", "--color", "--verbose", "-v"}, args[i]):
			i++
		case !strings.HasPrefix(args[i], "-"):
			return args[i]
		}
	}
	return ""
}

// Direct runs one of Pulumi's own commands for a person, as Deploy and Destroy run theirs: with the target's providers, and with
// the program where it needs one. It returns the exit code.
func (e *Engine) Direct(ctx context.Context, args []string) (int, error) {
	if err := e.ready(ctx); err != nil {
		return 0, err
	}
	if err := e.readable(ctx); err != nil {
		return 0, err
	}
	if UseOf(args).Provider {
		if err := e.FetchPlugins(ctx); err != nil {
			return 0, err
		}
	}
	env := maps.Clone(e.opts.Env)
	if env == nil {
		env = map[string]string{}
	}
	env[backendVar], env["PULUMI_DEBUG_COMMANDS"] = e.opts.BackendURL, "true"
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if err := os.Setenv(name, env[name]); err != nil {
			return 0, fmt.Errorf("set %s: %w", name, err)
		}
	}
	if !UseOf(args).Program {
		return Main(args), nil
	}
	d := &directCommand{args: args}
	ws, err := auto.NewLocalWorkspace(ctx, auto.WorkDir(e.workDir()), auto.Program(e.opts.Program), auto.Pulumi(d))
	if err != nil {
		return 0, fmt.Errorf("open the work directory: %w", err)
	}
	s, err := auto.SelectStack(ctx, e.opts.Stack, ws)
	if err != nil {
		return 0, err
	}
	if _, err := s.Preview(ctx); err != nil && !d.ran { // the Automation API finds no events of a command that was not its own
		return 0, fmt.Errorf("serve the program: %w", err)
	}
	return d.code, nil
}

// directCommand is the auto.PulumiCommand that runs a person's command in place of the one that it is asked for: it needs only
// the addresses at which the Automation API serves the program and takes events.
type directCommand struct {
	args []string
	ran  bool
	code int
}

var _ auto.PulumiCommand = (*directCommand)(nil)

// Version is the version of the linked engine.
func (*directCommand) Version() semver.Version { return sdk.Version }

// Run runs the person's command, with the standard streams of this process.
func (d *directCommand) Run(
	_ context.Context, _ string, _ io.Reader, _, _ []io.Writer, _ []string, args ...string,
) (string, string, int, error) {
	if answer, known := cannedAnswer(args); known {
		return answer, "", 0, nil
	}
	mine := slices.Clone(d.args)
	for i, a := range args {
		switch {
		case strings.HasPrefix(a, "--client="):
			mine = append(mine, a)
		case a == "--event-log" && i+1 < len(args): // the Automation API waits until it ends
			mine = append(mine, a, args[i+1])
		}
	}
	if d.ran, d.code = true, Main(mine); d.code != 0 {
		return "", "", d.code, errors.New("it failed") // who waits for its events would wait for ever
	}
	return "", "", 0, nil
}
