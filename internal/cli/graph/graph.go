// SPDX-License-Identifier: Apache-2.0

// Package graph is the command that draws the resources of a stack.
package graph

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/iostreams"
	"emrflink/internal/preview"
	"emrflink/internal/stack"
)

// Planner computes the desired graph.
type Planner interface {
	Plan(ctx context.Context) (preview.Report, error)
	Close() error
}

// Options are the dependencies and the flags of the command.
type Options struct {
	IO   *iostreams.IOStreams
	Info func() (stack.Info, error)
	Plan func(context.Context) (Planner, error)

	Output cmdutil.Format
}

// NewCmd returns the command.
func NewCmd(
	f *cmdutil.Factory, plan func(context.Context) (Planner, error), runF func(context.Context, *Options) error,
) *cobra.Command {
	opts := &Options{IO: f.IO, Info: f.Info, Plan: plan}
	cmd := &cobra.Command{
		Use:   "graph [flags]",
		Short: "Draw the architecture that the settings describe",
		Long: `Draw the resources that the settings of the stack describe: a box for each component, with its
resources grouped by type, and an arrow to each box that depends on it. A component is below the components that it
needs. Arrows that follow from other arrows are left out.

Steps:
  1. read and validate the settings of the stack
  2. compute the desired graph in this process: no credentials, no state, no daemon
  3. arrange the boxes and print the picture on standard output

--output svg prints a picture that follows the light or dark colour scheme of its reader; --output mermaid prints a
flowchart as text, which GitHub and GitLab draw. The same settings always give the same output.

Cost: none; nothing is contacted.

Exit codes: 0 drawn; 1 failed; 2 settings or flags.`,
		Example: `  emrflink graph
  emrflink graph --stack dev --output mermaid`,
		Args: cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if runF != nil {
				return runF(cmd.Context(), opts)
			}
			return run(cmd.Context(), opts)
		},
	}
	cmdutil.AddFormatFlag(cmd, &opts.Output, cmdutil.SVG, cmdutil.Mermaid)
	return cmd
}

func run(ctx context.Context, opts *Options) error {
	info, err := opts.Info()
	if err != nil {
		return err
	}
	plan, err := compute(ctx, opts)
	if err != nil {
		return fmt.Errorf("draw stack %q: %w", info.Stack, err)
	}
	draw := preview.SVG
	if opts.Output == cmdutil.Mermaid {
		draw = preview.Mermaid
	}
	if err := draw(opts.IO.Out, plan.Document); err != nil {
		return fmt.Errorf("print the picture of stack %q: %w", info.Stack, err)
	}
	return nil
}

func compute(ctx context.Context, opts *Options) (preview.Report, error) {
	p, err := opts.Plan(ctx)
	if err != nil {
		return preview.Report{}, err
	}
	defer p.Close() // a plan changes nothing that could be lost
	return p.Plan(ctx)
}
