// SPDX-License-Identifier: Apache-2.0

// Package stack holds the commands on the stacks of this machine.
package stack

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/iostreams"
	"emrflink/internal/stack"
)

// List returns the stacks that this machine knows.
type List func(ctx context.Context) ([]stack.Origin, error)

// Options are the dependencies and the flags of the commands.
type Options struct {
	IO   *iostreams.IOStreams
	List List

	Output cmdutil.Format
}

// NewCmd returns the command with its subcommands.
func NewCmd(f *cmdutil.Factory, list List) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "stack COMMAND",
		Short: "List the stacks of this machine",
		Long: `List the stacks of this machine: what was deployed from here, from which folder, and where to.

Exit codes: 0 done; see the subcommands.`,
		Example: `  emrflink stack ls`,
	}
	return cmdutil.Group(cmd, NewListCmd(f, list, nil))
}

// NewListCmd returns the command that lists the stacks.
func NewListCmd(f *cmdutil.Factory, list List, runF func(context.Context, *Options) error) *cobra.Command {
	opts := &Options{IO: f.IO, List: list}
	cmd := &cobra.Command{
		Use:   "ls [flags]",
		Short: "List the stacks that were deployed from this machine",
		Long: `List the stacks that were deployed from this machine and not cleaned up, each with the folder of its last
deploy, its target, account, region and last change. The stacks in the state folder are listed too when nothing else is
known of them. Nothing is contacted.

Cost: none.

Exit codes: 0 listed, also when there is none; 1 failed; 2 flags.`,
		Example: `  emrflink stack ls
  emrflink stack ls --output json`,
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

// document is the JSON contract of the command.
type document struct {
	SchemaVersion int            `json:"schemaVersion"`
	Stacks        []stack.Origin `json:"stacks"`
}

func run(ctx context.Context, opts *Options) error {
	all, err := opts.List(ctx)
	if err != nil {
		return fmt.Errorf("list the stacks: %w", err)
	}
	if opts.Output == cmdutil.JSON {
		return cmdutil.WriteJSON(opts.IO.Out, document{SchemaVersion: cmdutil.SchemaVersion, Stacks: cmdutil.List(all)})
	}
	t := opts.IO.NewTable("STACK", "FOLDER", "DEPLOYMENT", "TARGET", "ACCOUNT", "REGION", "LAST CHANGE")
	for _, o := range all {
		t.Row(o.Stack, o.Folder, o.Deployment, o.Target, o.Account, o.Region, o.Changed.Format(time.RFC3339))
	}
	if t.Len() == 0 {
		_, err = fmt.Fprintln(opts.IO.ErrOut, "no stack was deployed from this machine")
		return err
	}
	return t.Render()
}
