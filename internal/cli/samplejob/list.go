// SPDX-License-Identifier: Apache-2.0

package samplejob

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/flinkjob/sample"
)

// NewListCmd returns the command that lists the samples.
func NewListCmd(f *cmdutil.Factory, runF func(context.Context, *Options) error) *cobra.Command {
	opts := newOptions(f, nil)
	cmd := &cobra.Command{
		Use:   "list [flags]",
		Short: "List the sample jobs",
		Long: `List the jobs that come with emrflink: what the pods of each take with the parallelism that it has by default
("cost" has the price of the nodes), and what it needs beside a deployed stack. "sample-job render SAMPLE --policy"
prints the permissions. The JSON has all settings. Nothing is contacted.

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
	t := opts.IO.NewTable("SAMPLE", "WHAT IT DOES", "TAKES", "NEEDS")
	for _, s := range samples.Samples {
		t.Row(s.Name, s.Title, fmt.Sprintf("%d pods, %g vCPU, %g GiB", s.Takes.Pods, s.Takes.CPU, s.Takes.MemoryGiB), needs(s))
	}
	return t.Render()
}

// needs is what a sample needs beside a deployed stack.
func needs(s sample.Sample) string {
	var all []string
	for _, setting := range s.Settings {
		if setting.Default == "" {
			all = append(all, "--set "+setting.Name)
		}
	}
	if len(s.Permissions) > 0 {
		all = append(all, "permissions")
	}
	if len(all) == 0 {
		return "-"
	}
	return strings.Join(all, ", ")
}

// NewRenderCmd returns the command that prints the manifests of a sample.
func NewRenderCmd(f *cmdutil.Factory, open Open, runF func(context.Context, *Options) error) *cobra.Command {
	opts := newOptions(f, open)
	cmd := &cobra.Command{
		Use:   "render SAMPLE [flags]",
		Short: "Print the manifests of a sample job",
		Long: `Print the YAML that "sample-job run" would apply, with the values of the stack filled in. Nothing is
applied. --policy prints the permissions that the job needs beside those that each team's role has, as an IAM policy.

Cost: none.

Exit codes: 0 printed; 1 failed; 2 flags, or no such sample; 4 the stack was never deployed.`,
		Example: `  emrflink sample-job render basic
  emrflink sample-job render basic --team flink-team-a --parallelism 4`,
		Args:              takeSample(opts),
		ValidArgsFunction: completeSamples(opts),
		RunE:              runner(opts, runF, render),
	}
	opts.bindSpec(cmd)
	cmd.Flags().BoolVar(&opts.Spec.Policy, "policy", false, "print the IAM policy that the sample needs, and no manifest")
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
