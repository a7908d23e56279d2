// SPDX-License-Identifier: Apache-2.0

package samplejob

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cli/jobrun"
	"emrflink/internal/flinkjob"
)

// NewStatusCmd returns the command that shows the jobs in the cluster.
func NewStatusCmd(f *cmdutil.Factory, open Open, runF func(context.Context, *Options) error) *cobra.Command {
	opts := newOptions(f, open)
	cmd := &cobra.Command{
		Use:   "status [job] [flags]",
		Short: "Show the Flink jobs of a deployment",
		Long: `Show the Flink jobs in the cluster, or one of them, as the operator reports them.

Cost: none.

Exit codes: 0 shown; 1 failed; 2 flags; 3 credentials; 4 there is no such job, or the stack was never deployed.`,
		Example: `  emrflink sample-job status
  emrflink sample-job status basic --output json`,
		Args:              cmdutil.AtMost("JOB"),
		ValidArgsFunction: cmdutil.CompleteArgument(f, f.Complete.Jobs),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				opts.Job = args[0]
			}
			return runner(opts, runF, status)(cmd, args)
		},
	}
	cmd.Flags().StringVar(&opts.Spec.Team, "team", "", "team that runs it (default: the first of the stack; all in a list)")
	cmdutil.AddOutputFlag(cmd, &opts.Output)
	return cmd
}

// listingDocument is the JSON contract without a job's name.
type listingDocument struct {
	SchemaVersion int                `json:"schemaVersion"`
	Jobs          []flinkjob.Summary `json:"jobs"`
	Simulated     []string           `json:"simulated"`
}

func status(ctx context.Context, opts *Options) error {
	return with(ctx, opts, "read the jobs", func(s Stack, jobs Jobs) error {
		if opts.Job != "" {
			return showOne(ctx, opts, s, jobs)
		}
		return showAll(ctx, opts, s, jobs)
	})
}

func showAll(ctx context.Context, opts *Options, s Stack, jobs Jobs) error {
	all, err := jobs.List(ctx, opts.Spec.Team)
	if err != nil {
		return fmt.Errorf("read the jobs: %w", err)
	}
	if opts.Output == cmdutil.JSON {
		return cmdutil.WriteJSON(opts.IO.Out, listingDocument{
			SchemaVersion: cmdutil.SchemaVersion, Jobs: cmdutil.List(all), Simulated: cmdutil.List(s.Info().Simulated),
		})
	}
	t := opts.IO.NewTable("JOB", "NAMESPACE", "STATE", "SAMPLE")
	for _, j := range all {
		t.Row(j.Job, j.Namespace, j.State, j.Sample)
	}
	if t.Len() == 0 {
		_, _ = fmt.Fprintln(opts.IO.ErrOut, "no Flink job runs")
	}
	if err := t.Render(); err != nil {
		return err
	}
	cmdutil.PrintSimulated(opts.IO, s.Info().Simulated)
	return nil
}

func showOne(ctx context.Context, opts *Options, s Stack, jobs Jobs) error {
	j, err := jobs.Status(ctx, opts.Job, opts.Spec.Team)
	if err != nil {
		return fmt.Errorf("read job %q: %w", opts.Job, err)
	}
	return jobrun.ShowStatus(opts.IO, opts.Output, s.Info().Simulated, j)
}

// NewDeleteCmd returns the command that deletes a job.
func NewDeleteCmd(f *cmdutil.Factory, open Open, runF func(context.Context, *Options) error) *cobra.Command {
	opts := newOptions(f, open)
	cmd := &cobra.Command{
		Use:   "delete JOB [flags]",
		Short: "Delete a Flink job and wait until it is gone",
		Long: `Delete a Flink job and wait until the operator has removed it. Its checkpoints stay in the bucket;
Karpenter removes the nodes that nothing else uses.

Exit codes: 0 deleted, also when it did not exist; 1 failed; 2 flags; 3 credentials; 4 the stack was never deployed; 6
timed out waiting.`,
		Example: `  emrflink sample-job delete basic
  emrflink sample-job delete basic --team flink-team-a`,
		Args: func(cmd *cobra.Command, args []string) error {
			if err := cmdutil.ExactArgs("the name of a job")(cmd, args); err != nil {
				return err
			}
			opts.Job = args[0]
			return nil
		},
		ValidArgsFunction: cmdutil.CompleteArgument(f, f.Complete.Jobs),
		RunE:              runner(opts, runF, remove),
	}
	cmd.Flags().StringVar(&opts.Spec.Team, "team", "", "team that runs it (default: the first of the stack)")
	cmdutil.AddTimeoutFlag(cmd, &opts.Spec.Timeout, 5*time.Minute)
	cmdutil.AddOutputFlag(cmd, &opts.Output)
	return cmd
}

func remove(ctx context.Context, opts *Options) error {
	what := fmt.Sprintf("delete job %q", opts.Job)
	return with(ctx, opts, what, func(s Stack, jobs Jobs) error {
		w := jobrun.NewWait(opts.IO)
		res, err := jobs.Delete(ctx, opts.Job, opts.Spec, w.Follow)
		w.End(err)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		return jobrun.ShowDeletion(opts.IO, opts.Output, s.Info().Simulated, res)
	})
}
