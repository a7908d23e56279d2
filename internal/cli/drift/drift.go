// SPDX-License-Identifier: Apache-2.0

// Package drift is the command that compares what was deployed with what the account has now.
package drift

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/drift"
	"emrflink/internal/iostreams"
	"emrflink/internal/stack"
)

// Detector compares what a stack recorded with the account.
type Detector func(ctx context.Context) (drift.Document, error)

// Options are the dependencies and the flags of the command.
type Options struct {
	IO   *iostreams.IOStreams
	Info func() (stack.Info, error)
	// Detect compares.
	Detect Detector

	Output cmdutil.Format
}

// NewCmd returns the command.
func NewCmd(f *cmdutil.Factory, detect Detector, runF func(context.Context, *Options) error) *cobra.Command {
	opts := &Options{IO: f.IO, Info: f.Info, Detect: detect}
	cmd := &cobra.Command{
		Use:   "drift [flags]",
		Short: "Compare the deployment with what the account has",
		Long: `Compare what was deployed with what the account and the cluster have now, property by property. Nothing
is changed, neither in the account nor in the recorded state.

Steps:
  1. read and validate the settings of the stack, and the recorded state
  2. open the target (the local target is started if it is stopped)
  3. read every recorded resource and compare it; look for resources that have the deployment's tags and are not
     recorded
  4. print what was changed and what is missing, and the command that restores it

Some differences are not drift: an autoscaler sets the size of a node group, controllers add tags. They are printed as
ignored, each with its reason, and do not count. A resource that was created outside emrflink is printed as unmanaged
and does not count either.

Without --refresh, "deploy" compares the settings with the recorded state and does not see drift. "deploy --refresh"
reads the account first and restores what differs.

Cost: none.

Exit codes: 0 no drift; 1 failed; 2 settings or flags; 3 credentials; 4 the stack was never deployed; 5 there is
drift.`,
		Example: `  emrflink drift
  emrflink drift --stack dev --output json`,
		Args: cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if runF != nil {
				return runF(cmd.Context(), opts)
			}
			return run(cmd.Context(), opts)
		},
	}
	cmdutil.AddOutputFlag(cmd, &opts.Output)
	return cmd
}

func run(ctx context.Context, opts *Options) error {
	info, err := opts.Info()
	if err != nil {
		return err
	}
	progress := opts.IO.NewProgress(iostreams.Phase{Name: "compare"})
	progress.Start("compare")
	d, err := opts.Detect(ctx)
	if err != nil {
		progress.Fail("compare")
		progress.Stop()
		return fmt.Errorf("compare stack %q with the account: %w", info.Stack, err)
	}
	progress.Done("compare")
	progress.Stop()
	if err := show(opts, d); err != nil {
		return err
	}
	if d.Drifted {
		return cmdutil.ExitStatus(cmdutil.ExitChanges)
	}
	return nil
}

func show(opts *Options, d drift.Document) error {
	if opts.Output == cmdutil.JSON {
		return cmdutil.WriteJSON(opts.IO.Out, d)
	}
	if err := d.Text(opts.IO.Out, d.Stack); err != nil {
		return fmt.Errorf("print drift: %w", err)
	}
	if d.Drifted {
		_, _ = fmt.Fprintf(opts.IO.Out, "put it back with: %s\n", opts.IO.OutPalette().Cyan(d.Repair))
	}
	cmdutil.PrintSimulated(opts.IO, d.Simulated)
	return nil
}
