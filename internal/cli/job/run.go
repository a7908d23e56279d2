// SPDX-License-Identifier: Apache-2.0

package job

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cli/jobrun"
	"emrflink/internal/flinkjob"
	"emrflink/internal/iostreams"
	"emrflink/internal/jobfile"
)

// RunOptions are the dependencies and the flags of `job run`.
type RunOptions struct {
	IO        *iostreams.IOStreams
	Interrupt *cmdutil.Interrupt
	Open      Open

	File   string
	Fix    bool
	Yes    bool
	Job    flinkjob.Options
	Output cmdutil.Format
}

// NewRunCmd returns the command that runs a job file.
func NewRunCmd(f *cmdutil.Factory, open Open, runF func(context.Context, *RunOptions) error) *cobra.Command {
	opts := &RunOptions{IO: f.IO, Interrupt: f.Interrupt, Open: open}
	cmd := &cobra.Command{
		Use:   "run --file FILE [flags]",
		Short: "Run a job file until a checkpoint has been written",
		Long: `Run the job of a file: a FlinkDeployment with a job, and the ConfigMaps, Secrets and claims of its pods.
Placeholders such as ${S3_BUCKET} are filled in with the values of the stack, and a missing namespace is the team's;
with --fix the file is corrected as "job fix" does it. The file itself is not changed.

Steps:
  1. check the file ("job validate"); an error ends the run, and nothing was submitted
  2. check the stack: operator, namespace, node pools, the role's trust, the jar and the state to start from in S3,
     and the ConfigMaps, Secrets and claims that the pods need
  3. apply the objects, and wait until the job is RUNNING and a checkpoint is in the bucket. A job that keeps none is
     waited for until it is RUNNING, a bounded one until it has FINISHED

Cost: on the aws target the nodes of the job, until it is deleted. The job keeps running: delete it with
"sample-job delete".

Exit codes: 0 done; 1 the job failed, and its cause is printed; 2 the file has errors, or flags; 3 credentials; 4 no
such file, or the stack was never deployed; 6 timed out waiting.`,
		Example: `  emrflink job run -f my-job.yaml
  emrflink job run -f my-job.yaml --fix --team flink-team-a --timeout 20m`,
		Args: cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if opts.File == "" {
				return cmdutil.Usagef("the command needs a job file: --file FILE, or - for standard input")
			}
			if runF != nil {
				return runF(cmd.Context(), opts)
			}
			return run(cmd.Context(), opts)
		},
	}
	cmd.Flags().StringVarP(&opts.File, "file", "f", "", "job file; - is standard input")
	cmd.Flags().BoolVar(&opts.Fix, "fix", false, "correct the file first, as \"job fix\" does")
	cmd.Flags().BoolVar(&opts.Yes, "yes", false, "restart a running job of the name without a question")
	cmd.Flags().StringVar(&opts.Job.Name, "name", "", "name of the job in the cluster (default: the file's)")
	bindTeam(cmd, &opts.Job)
	cmdutil.AddTimeoutFlag(cmd, &opts.Job.Timeout, 15*time.Minute)
	cmdutil.AddOutputFlag(cmd, &opts.Output)
	return cmd
}

func bindTeam(cmd *cobra.Command, o *flinkjob.Options) {
	cmd.Flags().StringVar(&o.Team, "team", "", "team that the job is for (default: the first of the stack)")
	cmd.Flags().StringVar(&o.NodePool, "node-pool", "", "node pool of the TaskManagers (default: the first one)")
}

func run(ctx context.Context, opts *RunOptions) error {
	what := "run " + opts.File
	content, err := read(opts.IO, opts.File)
	if err != nil {
		return err
	}
	s, err := opts.Open(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	defer s.Close() // the session holds nothing that could be lost
	of := opts.Job
	of.Name = "" // of a sample
	team, err := s.Job(ctx, of)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	prepare := jobfile.Fill
	if opts.Fix {
		prepare = jobfile.Fix
	}
	file, err := prepare(jobfile.File{Name: opts.File, Text: content}, values(s, team))
	if err != nil {
		return syntaxError(what, opts.File, err)
	}
	for _, c := range file.Changes {
		opts.IO.Say(c.Object + ": " + c.Path + ": " + c.What)
	}
	if file.Left.Errors > 0 {
		if err := show(&ValidateOptions{IO: opts.IO, Output: cmdutil.Text}, opts.IO.ErrOut, file.Left); err != nil {
			return err
		}
		return &cmdutil.Error{
			What:  what,
			Cause: errors.New(cmdutil.Count(file.Left.Errors, "error", "errors") + " in the file; nothing was submitted"),
			Next:  cmdutil.Command("job", "fix", opts.File), Exit: cmdutil.ExitUsage, ID: "job.file",
		}
	}
	job, err := flinkjob.JobOf(jobfile.Objects(jobfile.File{Name: opts.File, Text: file.Text}), team, opts.Job.Name)
	if err != nil {
		return &cmdutil.Error{What: what, Cause: err, Next: cmdutil.Command("job", "run", "--help")}
	}
	r := jobrun.Run{
		IO: opts.IO, Interrupt: opts.Interrupt, Output: opts.Output, Info: s.Info, What: what, Job: job.Name,
		Help: cmdutil.Command("job", "run", "--help"), Yes: opts.Yes,
	}
	o := flinkjob.Options{Timeout: opts.Job.Timeout, Restart: r.Restart(ctx)}
	return r.Follow(ctx, func(report func(flinkjob.Progress)) (flinkjob.RunResult, error) {
		return s.RunJob(ctx, job, o, report)
	})
}
