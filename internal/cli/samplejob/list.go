// SPDX-License-Identifier: Apache-2.0

package samplejob

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
)

// NewListCmd returns the command that lists the samples.
func NewListCmd(f *cmdutil.Factory, runF func(context.Context, *Options) error) *cobra.Command {
	opts := newOptions(f, nil)
	cmd := &cobra.Command{
		Use:   "list [flags]",
		Short: "List the sample jobs",
		Long: `List the jobs that come with emrflink. Nothing is contacted.

Cost: none.

Exit codes: 0 listed; 2 flags.`,
		Example: `  emrflink sample-job list
  emrflink sample-job list --output json`,
		Args: cmdutil.NoArgs,
		RunE: runner(opts, runF, list),
	}
	cmdutil.AddOutputFlag(cmd, &opts.Output)
	return cmd
}

func list(_ context.Context, opts *Options) error {
	samples := opts.Samples()
	if opts.Output == cmdutil.JSON {
		return cmdutil.WriteJSON(opts.IO.Out, samples)
	}
	t := opts.IO.NewTable("SAMPLE", "WHAT IT DOES")
	for _, s := range samples.Samples {
		t.Row(s.Name, s.Title)
	}
	return t.Render()
}

// NewRenderCmd returns the command that prints the manifests of a sample.
func NewRenderCmd(f *cmdutil.Factory, open Open, runF func(context.Context, *Options) error) *cobra.Command {
	opts := newOptions(f, open)
	cmd := &cobra.Command{
		Use:   "render SAMPLE [flags]",
		Short: "Print the manifests of a sample job",
		Long: `Print the YAML that "sample-job run" would apply, with the values of the stack filled in. Nothing is
applied.

Cost: none.

Exit codes: 0 printed; 1 failed; 2 flags, or no such sample; 4 the stack was never deployed.`,
		Example: `  emrflink sample-job render basic
  emrflink sample-job render basic --team flink-team-a --parallelism 4`,
		Args:              takeSample(opts),
		ValidArgsFunction: completeSamples(opts),
		RunE:              runner(opts, runF, render),
	}
	opts.bindSpec(cmd)
	return cmd
}

func render(ctx context.Context, opts *Options) error {
	return with(ctx, opts, fmt.Sprintf("render sample job %q", opts.Spec.Sample), func(s Stack, jobs Jobs) error {
		doc, err := jobs.Render(ctx, opts.Spec)
		if err != nil {
			return fmt.Errorf("render sample job %q: %w", opts.Spec.Sample, err)
		}
		if _, err := opts.IO.Out.Write(doc); err != nil {
			return fmt.Errorf("print manifests: %w", err)
		}
		cmdutil.PrintSimulated(opts.IO, s.Info().Simulated)
		return nil
	})
}
