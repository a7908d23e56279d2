// SPDX-License-Identifier: Apache-2.0

package job

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

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
	Set    []string
	Jar    string // "" = that of the file
	DryRun server
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
		Long: `Run the jobs of a file: FlinkDeployments, FlinkSessionJobs, and the ConfigMaps, Secrets and claims of their pods.
A FlinkDeployment without a job is a session cluster; it goes before its session jobs, whose cluster may also be there
already. Placeholders such as ${S3_BUCKET} are filled in with the values of the stack, and a missing namespace is the
team's; with --fix the file is corrected as "job fix" does it, with --set values are put in the place of the file's. A
jar of this machine (--jar) is uploaded to the team's folder of jars, with its digest in its name, and is the jar of the
jobs; so is a script of Python (a file .py), which becomes the script of their arguments, too. The file itself is not
changed.

Steps:
  1. check the file ("job validate"); an error ends the run, and nothing was submitted
  2. check the stack: operator, namespace, session cluster, node pools, their zones and sizes, quota and limits, the
     role's trust and permissions, the jar and the state to start from in S3, and the ConfigMaps, Secrets and claims
     that the pods need
  3. apply the objects, and wait until each job is RUNNING and a checkpoint is in the bucket. A job that keeps none is
     waited for until it is RUNNING, a bounded one until it has FINISHED, a session cluster until it is STABLE

With --dry-run=server step 3 only asks the API server what it would do with each object.

Cost: on the aws target the nodes of the job, until it is deleted. The job keeps running: delete it with
"job delete".

Exit codes: 0 done; 1 the job failed or would be refused, and the cause is printed; 2 the file has errors, or flags; 3
credentials; 4 no such file, or the stack was never deployed; 6 timed out waiting.`,
		Example: `  emrflink job run -f my-job.yaml
  emrflink job run -f my-job.yaml --fix --team flink-team-a --timeout 20m
  emrflink job run -f my-job.yaml --set spec.job.parallelism=4 --dry-run=server`,
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
	bindSet(cmd, &opts.Set)
	cmd.Flags().StringVar(&opts.Jar, "jar", "", "jar or script of Python to upload for the jobs (default: jarURI of the file)")
	cmd.Flags().Var(&opts.DryRun, "dry-run", "let the API server say what it would do and submit nothing; also --dry-run=server")
	cmd.Flags().Lookup("dry-run").NoOptDefVal = "true"
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
	content, err := Read(opts.IO, opts.File)
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
	file, jar, err := opts.changed(jobfile.File{Name: opts.File, Text: content}, team)
	if err != nil {
		return err
	}
	prepare := jobfile.Fill
	if opts.Fix {
		prepare = jobfile.Fix
	}
	fixed, err := prepare(file, Values(s.Info().Region, team))
	if err != nil {
		return syntaxError(what, opts.File, err)
	}
	for _, c := range fixed.Changes {
		opts.IO.Say(c.Object + ": " + c.Path + ": " + c.What)
	}
	if fixed.Left.Errors > 0 {
		if err := show(&ValidateOptions{IO: opts.IO, Output: cmdutil.Text}, opts.IO.ErrOut, fixed.Left); err != nil {
			return err
		}
		return &cmdutil.Error{
			What:  what,
			Cause: errors.New(cmdutil.Count(fixed.Left.Errors, "error", "errors") + " in the file; nothing was submitted"),
			Next:  cmdutil.Command("job", "fix", opts.File), Exit: cmdutil.ExitUsage, ID: "job.file",
		}
	}
	jobs, err := flinkjob.JobsOf(jobfile.Objects(jobfile.File{Name: opts.File, Text: fixed.Text}), team)
	if err != nil {
		next := cmdutil.Command("job", "run", "--help")
		if unfit := (*flinkjob.FileError)(nil); errors.As(err, &unfit) && unfit.Mendable {
			next = cmdutil.Command("job", "fix", opts.File)
		}
		return &cmdutil.Error{What: what, Cause: err, Next: next}
	}
	for i := range jobs {
		jobs[i].Jar = jar
	}
	return submit(ctx, opts, s, what, jobs)
}

// changed is the file as the flags want it, and the jar to upload.
func (o *RunOptions) changed(f jobfile.File, team flinkjob.Spec) (jobfile.File, flinkjob.Jar, error) {
	f, err := withSet(f, o.Set)
	if err != nil {
		return f, flinkjob.Jar{}, err
	}
	if o.Job.Name != "" {
		if f, err = jobfile.Rename(f, o.Job.Name); err != nil {
			return f, flinkjob.Jar{}, &cmdutil.UsageError{Err: err}
		}
	}
	if o.Jar == "" {
		return f, flinkjob.Jar{}, nil
	}
	jar, err := o.jar(team)
	if err != nil {
		return f, jar, err
	}
	if f, err = jobfile.WithJar(f, jar.URI); err != nil {
		return f, jar, &cmdutil.UsageError{Err: err}
	}
	return f, jar, nil
}

// jar is the jar of --jar, with its place in the team's folder of jars.
func (o *RunOptions) jar(team flinkjob.Spec) (flinkjob.Jar, error) {
	name := strings.TrimSuffix(filepath.Base(o.Jar), filepath.Ext(o.Jar))
	jar, err := flinkjob.NewJar(o.Jar, name, team.JarsURI)
	if err != nil {
		return jar, fileError(o.Jar, err)
	}
	return jar, nil
}

// submit runs the jobs, or lets the API server say what it would do with them.
func submit(ctx context.Context, opts *RunOptions, s Stack, what string, jobs []flinkjob.Job) error {
	if opts.DryRun {
		res, err := s.DryRunJobs(ctx, jobs)
		if err != nil {
			return &cmdutil.Error{What: what, Cause: err, Next: cmdutil.Command("status", "--stack", s.Info().Stack)}
		}
		return tellDryRun(opts, what, res)
	}
	r := jobrun.Run{
		IO: opts.IO, Interrupt: opts.Interrupt, Output: opts.Output, Info: s.Info, What: what, Job: jobs[0].Name,
		Group: "job", Help: cmdutil.Command("job", "run", "--help"), Yes: opts.Yes,
	}
	o := flinkjob.Options{Timeout: opts.Job.Timeout, Restart: r.Restart(ctx)}
	return r.Follow(ctx, func(report func(flinkjob.Progress)) (flinkjob.RunResult, error) {
		return s.RunJobs(ctx, jobs, o, report)
	})
}

// server is --dry-run, which kubectl's users write --dry-run=server.
type server bool

var _ pflag.Value = (*server)(nil)

// String is the flag's value.
func (d *server) String() string { return strconv.FormatBool(bool(*d)) }

// Type is that of the flag's name in other commands.
func (d *server) Type() string { return "bool" }

// Set parses the value.
func (d *server) Set(v string) error {
	on, err := strconv.ParseBool(v)
	if err != nil && v != "server" {
		return errors.New(`must be "server": "job validate" checks a file without one`)
	}
	*d = server(on || v == "server")
	return nil
}

func tellDryRun(opts *RunOptions, what string, res flinkjob.DryRunResult) error {
	if opts.Output == cmdutil.JSON {
		if err := cmdutil.WriteJSON(opts.IO.Out, res); err != nil {
			return err
		}
	} else {
		t := opts.IO.NewTable("KIND", "NAME", "WOULD", "REASON")
		for _, o := range res.Objects {
			t.Row(o.Kind, o.Name, o.Action, o.Reason)
		}
		if err := t.Render(); err != nil {
			return err
		}
	}
	if res.Refused > 0 {
		return &cmdutil.Error{
			What: what, Cause: errors.New("the API server refuses " + cmdutil.Count(res.Refused, "object", "objects")),
			Next: cmdutil.Command("job", "validate", opts.File), ID: "job.refused",
		}
	}
	return nil
}
