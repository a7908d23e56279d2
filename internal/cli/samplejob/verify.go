// SPDX-License-Identifier: Apache-2.0

package samplejob

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/flinkjob"
)

// NewVerifyCmd returns the command that counts what the counting sample has written.
func NewVerifyCmd(f *cmdutil.Factory, open Open, runF func(context.Context, *Options) error) *cobra.Command {
	opts := newOptions(f, open)
	cmd := &cobra.Command{
		Use:   "verify JOB [flags]",
		Short: "Check that a sample that counts or copies lost and doubled nothing",
		Long: `Read the files that a job of the samples "counting", "kafka" or "s3" has written to the bucket, and compare each
with what it must have: every number once and with the count of its key, or every line of the input once ("lost" are
lines that are not copied yet, too). Flink promises that, whatever is killed while it runs.

Files appear with the checkpoint that covers them. Those of the last run that began without a state are read; the job
may run meanwhile, and may be deleted already.

Cost: on the aws target the S3 requests, one for each file.

Exit codes: 0 nothing was lost or counted twice; 1 something was, or the command failed; 2 flags; 3 credentials; 4 the
job has written nothing, or the stack was never deployed.`,
		Example: `  emrflink sample-job verify counting
  emrflink sample-job verify counting --output json`,
		Args:              cmdutil.ExactArgs("JOB"),
		ValidArgsFunction: cmdutil.CompleteArgument(f, f.Complete.Jobs),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.Job = args[0]
			return runner(opts, runF, verify)(cmd, args)
		},
	}
	cmd.Flags().StringVar(&opts.Spec.Team, "team", "", "team that runs it (default: the first of the stack)")
	cmdutil.AddOutputFlag(cmd, &opts.Output)
	return cmd
}

// verifiedDocument is the JSON contract.
type verifiedDocument struct {
	flinkjob.Verified
	Simulated []string `json:"simulated"`
}

func verify(ctx context.Context, opts *Options) error {
	what := fmt.Sprintf("verify job %q", opts.Job)
	return with(ctx, opts, what, func(s Stack, jobs Jobs) error {
		v, err := jobs.Verify(ctx, opts.Job, opts.Spec.Team)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if opts.Output == cmdutil.JSON {
			err = cmdutil.WriteJSON(opts.IO.Out, verifiedDocument{Verified: v, Simulated: cmdutil.List(s.Info().Simulated)})
		} else {
			_, err = fmt.Fprintf(opts.IO.Out, "job %s: %d events, %d lost, %d counted twice, %d with a wrong count (%s in %s)\n",
				v.Job, v.Events, v.Lost, v.Twice, v.Wrong, cmdutil.Count(v.Files, "file", "files"), v.Output)
			cmdutil.PrintSimulated(opts.IO, s.Info().Simulated)
		}
		if err == nil && !v.Exact() {
			err = &cmdutil.Error{
				What:  what,
				Cause: fmt.Errorf("%d events were lost, %d counted twice, and %d have a wrong count", v.Lost, v.Twice, v.Wrong),
				Next:  cmdutil.Command("sample-job", "status", opts.Job, "--stack", s.Info().Stack), ID: "sample-job.not-exact",
			}
		}
		return err
	})
}
