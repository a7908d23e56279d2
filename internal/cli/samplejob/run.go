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

// NewRunCmd returns the command that runs a sample until a checkpoint has been written.
func NewRunCmd(f *cmdutil.Factory, open Open, runF func(context.Context, *Options) error) *cobra.Command {
	opts := newOptions(f, open)
	cmd := &cobra.Command{
		Use:   "run SAMPLE [flags]",
		Short: "Run a sample job until a checkpoint has been written",
		Long: `Submit a sample job and wait until a checkpoint of it is in the bucket. This proves that roles,
network, node pools, operator and bucket work together. While the command waits, it shows the cause as Kubernetes or
Karpenter reports it.

Steps:
  1. read the outputs of the stack and check the job against the node pools, and its role against what the
     sample needs
  2. apply the job
  3. wait for the JobManager, the TaskManagers and the nodes that Karpenter starts for them
  4. wait until the job is RUNNING and a checkpoint object exists

A job of that name that runs already stays as it is, unless its parallelism is another one: it is then restarted from
its last checkpoint, after a question.

Cost: on the aws target the nodes of the job, until it is deleted. The job keeps running: delete it with
"sample-job delete".

Exit codes: 0 a checkpoint was written; 1 the job failed, and its cause is printed; 2 flags, or no such sample; 3
credentials; 4 the stack was never deployed; 6 timed out waiting.`,
		Example: `  emrflink sample-job run basic
  emrflink sample-job run basic --team flink-team-a --timeout 20m --output json`,
		Args:              takeSample(opts),
		ValidArgsFunction: completeSamples(opts),
		RunE:              runner(opts, runF, run),
	}
	opts.bindSpec(cmd)
	cmdutil.AddTimeoutFlag(cmd, &opts.Spec.Timeout, 15*time.Minute)
	cmdutil.AddYesFlag(cmd, &opts.Yes, "restart a running job of that name with another parallelism without asking")
	cmdutil.AddOutputFlag(cmd, &opts.Output)
	return cmd
}

func run(ctx context.Context, opts *Options) error {
	what := fmt.Sprintf("run sample job %q", opts.Spec.Sample)
	return with(ctx, opts, what, func(s Stack, jobs Jobs) error {
		r := jobrun.Run{
			IO: opts.IO, Interrupt: opts.Interrupt, Output: opts.Output, Info: s.Info, What: what, Job: jobName(opts),
			Group: "sample-job", Help: cmdutil.Command("sample-job", "run", "--help"), Yes: opts.Yes,
		}
		opts.Spec.Restart = r.Restart(ctx)
		return r.Follow(ctx, func(report func(flinkjob.Progress)) (flinkjob.RunResult, error) {
			return jobs.Run(ctx, opts.Spec, report)
		})
	})
}

func jobName(opts *Options) string {
	if opts.Spec.Name != "" {
		return opts.Spec.Name
	}
	return opts.Spec.Sample
}
