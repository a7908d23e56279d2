// SPDX-License-Identifier: Apache-2.0

// Package preview is the command that shows what a deploy would change and what that would cost.
package preview

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cli/session"
	"emrflink/internal/iostreams"
)

// Options are the dependencies and the flags of the command.
type Options struct {
	IO     *iostreams.IOStreams
	Info   func() (session.Info, error)
	Online func(context.Context) (session.Planner, error)
	Alone  func(context.Context) (session.Planner, error)

	Offline  bool
	ExitCode bool
	Output   cmdutil.Format
}

// NewCmd returns the command.
func NewCmd(f *cmdutil.Factory, runF func(context.Context, *Options) error) *cobra.Command {
	opts := &Options{
		IO: f.IO, Info: f.Info, Alone: f.Offline,
		Online: func(ctx context.Context) (session.Planner, error) { return f.Session(ctx) },
	}
	cmd := &cobra.Command{
		Use:   "preview [flags]",
		Short: "Show what a deploy would change and cost",
		Long: `Show what a deploy would change, resource by resource, and what the change costs per month.

Steps:
  1. read and validate the settings of the stack
  2. open the target (the local one is started when it is stopped), or with --offline none at all
  3. compute the plan; nothing is changed

With --offline the desired graph of the settings is computed in this process: no credentials, no state, no daemon.
Every resource is then a new one, and what only the cloud knows is unknown.

Cost: none.

Exit codes: 0 computed; 1 failed; 2 settings or flags; 3 credentials; 5 changes are pending (only with --exit-code).`,
		Example: `  emrflink preview
  emrflink preview --offline --output json
  emrflink preview --stack dev --exit-code`,
		Args: cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if runF != nil {
				return runF(cmd.Context(), opts)
			}
			return run(cmd.Context(), opts)
		},
	}
	cmdutil.AddOutputFlag(cmd, &opts.Output)
	cmd.Flags().BoolVar(&opts.Offline, "offline", false, "compute the desired graph alone, without state, credentials or daemon")
	cmd.Flags().BoolVar(&opts.ExitCode, "exit-code", false, "end with exit code 5 when changes are pending")
	return cmd
}

func run(ctx context.Context, opts *Options) error {
	info, err := opts.Info()
	if err != nil {
		return err
	}
	open := opts.Online
	if opts.Offline {
		open = opts.Alone
	}
	p, err := open(ctx)
	if err != nil {
		return fmt.Errorf("preview stack %q: %w", info.Stack, err)
	}
	defer p.Close() // a plan changes nothing that could be lost
	progress := opts.IO.NewProgress(iostreams.Phase{Name: "preview"})
	progress.Start("preview")
	plan, err := p.Plan(ctx)
	if err != nil {
		progress.Fail("preview")
		progress.Stop()
		return fmt.Errorf("preview stack %q: %w", info.Stack, err)
	}
	progress.Done("preview")
	progress.Stop()
	if err := show(opts, plan); err != nil {
		return err
	}
	if opts.Output != cmdutil.JSON {
		cmdutil.PrintSimulated(opts.IO, p.Info().Simulated)
	}
	if opts.ExitCode && plan.Summary.Changes() > 0 {
		return cmdutil.ExitStatus(cmdutil.ExitChanges)
	}
	return nil
}

func show(opts *Options, plan session.Plan) error {
	if opts.Output == cmdutil.JSON {
		return cmdutil.WriteJSON(opts.IO.Out, plan.Document)
	}
	width := 0 // a file or a pipe gets whole lines
	if opts.IO.IsOutTTY() {
		width = opts.IO.Width()
	}
	if err := plan.Text(opts.IO.Out, opts.IO.OutPalette().Enabled(), width); err != nil {
		return fmt.Errorf("print plan: %w", err)
	}
	return nil
}
