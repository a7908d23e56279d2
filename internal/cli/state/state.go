// SPDX-License-Identifier: Apache-2.0

// Package state holds the commands on the recorded state of a stack.
package state

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/iostreams"
	"emrflink/internal/plans"
	"emrflink/internal/stack"
)

// Stack is what the commands need of a stack.
type Stack interface {
	Info() stack.Info
	// Copies lists the copies of the state that can be read, newest first.
	Copies(ctx context.Context) ([]plans.StateCopy, error)
	// Restore puts a copy in the place of the state: that in a file, else the newest with resources. It returns the zero copy,
	// and does nothing, when no file is named and the state is whole.
	Restore(ctx context.Context, from string) (plans.StateCopy, error)
	Close() error
}

// Options are the dependencies and the flags of the commands.
type Options struct {
	IO   *iostreams.IOStreams
	Open func(context.Context) (Stack, error)

	From   string
	DryRun bool
	Output cmdutil.Format
}

// NewCmd returns the command with its subcommands.
func NewCmd(f *cmdutil.Factory, open func(context.Context) (Stack, error)) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "state COMMAND",
		Short: "Mend the recorded state of a stack",
		Long: `Mend the recorded state of a stack: the list of what was deployed, without which neither deploy nor cleanup knows
what is the stack's. To edit it, see "emrflink pulumi".

Exit codes: 0 done; see the subcommands.`,
		Example: `  emrflink state restore --dry-run`,
	}
	return cmdutil.Group(cmd, NewRestoreCmd(f, open, nil))
}

// NewRestoreCmd returns the command that puts a copy in the place of a state that was lost.
func NewRestoreCmd(
	f *cmdutil.Factory, open func(context.Context) (Stack, error), runF func(context.Context, *Options) error,
) *cobra.Command {
	opts := &Options{IO: f.IO, Open: open}
	cmd := &cobra.Command{
		Use:   "restore [flags]",
		Short: "Put a copy in the place of a state that was lost",
		Long: `Put a copy in the place of a state that is gone, empty or cannot be read. Each operation keeps copies beside the
state; the newest that has resources is taken, or the one that --from names. What is replaced becomes a copy itself.
Nothing is contacted but the bucket of a state that is in one.

A state that can be read and has resources is replaced only by the copy that --from names.

What was made or deleted after the copy was saved is not in it: "emrflink drift" compares it with the account.

Cost: none.

Exit codes: 0 restored, or nothing to restore; 1 failed, or another run works on the stack; 2 settings, flags, or no
copy that can be read.`,
		Example: `  emrflink state restore --dry-run
  emrflink state restore --stack dev
  emrflink state restore --from dev.1767323045000000000.json`,
		Args: cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if runF != nil {
				return runF(cmd.Context(), opts)
			}
			return run(cmd.Context(), opts)
		},
	}
	cmd.Flags().StringVar(&opts.From, "from", "",
		"the `FILE` with the copy, or its key in a bucket; default: the newest copy with resources")
	cmd.Flags().BoolVar(&opts.DryRun, "dry-run", false, "list the copies and restore nothing")
	cmdutil.AddOutputFlag(cmd, &opts.Output)
	return cmd
}

// document is the JSON contract of the command.
type document struct {
	SchemaVersion int    `json:"schemaVersion"`
	Stack         string `json:"stack"`
	DryRun        bool   `json:"dryRun"`
	// Restored is the file that was put in place, "" for none.
	Restored string            `json:"restored"`
	Copies   []plans.StateCopy `json:"copies"`
}

func run(ctx context.Context, opts *Options) error {
	s, err := opts.Open(ctx)
	if err != nil {
		return fmt.Errorf("restore the state: %w", err)
	}
	defer s.Close() // no target was opened
	name := s.Info().Stack
	copies, err := s.Copies(ctx)
	if err != nil {
		return fmt.Errorf("list the copies of the state of stack %q: %w", name, err)
	}
	var taken plans.StateCopy
	if !opts.DryRun {
		if taken, err = s.Restore(ctx, opts.From); err != nil {
			return fmt.Errorf("restore the state of stack %q: %w", name, err)
		}
	}
	if opts.Output == cmdutil.JSON {
		return cmdutil.WriteJSON(opts.IO.Out, document{
			SchemaVersion: cmdutil.SchemaVersion, Stack: name, DryRun: opts.DryRun, Restored: taken.Path,
			Copies: append([]plans.StateCopy{}, copies...),
		})
	}
	if opts.DryRun {
		return list(opts, copies)
	}
	if taken.Path == "" {
		_, err = fmt.Fprintf(opts.IO.Out, "the state of stack %s can be read and has resources: there is nothing to restore\n"+
			"to replace it by a copy, name one with --from; list them: %s\n", name,
			cmdutil.Command("state", "restore", "--dry-run", "--stack", name))
		return err
	}
	_, err = fmt.Fprintf(opts.IO.Out, "the state of stack %s is that of %s again: %s, from %s\n"+
		"what was made or deleted after that is not in it; compare it with the account: %s\n", name,
		taken.Saved.Format(time.RFC3339), cmdutil.Count(taken.Resources, "resource", "resources"), taken.Path,
		cmdutil.Command("drift", "--stack", name))
	return err
}

// list shows the copies.
func list(opts *Options, copies []plans.StateCopy) error {
	t := opts.IO.NewTable("SAVED", "RESOURCES", "FILE")
	for _, c := range copies {
		t.Row(c.Saved.Format(time.RFC3339), strconv.Itoa(c.Resources), c.Path)
	}
	if err := t.Render(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(opts.IO.Out, "dry run: %s can be read, nothing was restored\n",
		cmdutil.Count(len(copies), "copy", "copies"))
	return err
}
