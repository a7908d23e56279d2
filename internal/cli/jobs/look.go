// SPDX-License-Identifier: Apache-2.0

package jobs

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cli/jobrun"
	"emrflink/internal/flinkjob"
	"emrflink/internal/iostreams"
)

// lookCodes are the exit codes of the commands that only look.
const lookCodes = `

Cost: none.

Exit codes: 0 shown; 1 failed; 2 flags; 3 credentials; 4 there is no such job, or the stack was never deployed.`

type listDocument struct {
	SchemaVersion int                `json:"schemaVersion"`
	Jobs          []flinkjob.Summary `json:"jobs"`
	Simulated     []string           `json:"simulated"`
}

// NewListCmd returns the command that lists the jobs.
func NewListCmd(f *cmdutil.Factory, open Open, runF func(context.Context, *Options) error) *cobra.Command {
	opts := newOptions(f, open)
	cmd := &cobra.Command{
		SuggestFor: []string{"jobs"},
		Use:        "list [flags]",
		Short:      "List the Flink jobs of all teams",
		Long: `List the FlinkDeployments and FlinkSessionJobs in the cluster: Flink's state, health, parallelism, age of the last
checkpoint, restarts of containers, release, the share of its nodes' on-demand prices that its pods ask for. What
could not be read is shown as "?", with the reason below.

With --load, each JobManager is asked how much of their time its tasks have waited for records. With --watch, the list
is shown again when something changes, until Ctrl-C.` + lookCodes,
		Example: `  emrflink job list
  emrflink job list --watch --load
  emrflink job list --team flink-team-a --output json`,
		Args: cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if runF != nil {
				return runF(cmd.Context(), opts)
			}
			return list(cmd.Context(), opts)
		},
	}
	cmd.Flags().StringVar(&opts.Team, "team", "", "the jobs of this team only")
	cmd.Flags().BoolVar(&opts.Load, "load", false, "ask each JobManager how much its tasks wait")
	addWatchFlag(cmd, opts)
	cmdutil.AddOutputFlag(cmd, &opts.Output)
	return cmd
}

func list(ctx context.Context, opts *Options) error {
	return with(ctx, opts, "list the jobs", func(s Stack, job flinkjob.Running) error {
		job.Runner.Load = opts.Load
		look := func() (func() error, error) {
			all, err := job.Runner.Jobs(ctx, job.Ref.Namespace)
			return func() error { return showList(opts, s, all) }, err
		}
		return shown(ctx, opts, job, look)
	})
}

func showList(opts *Options, s Stack, all []flinkjob.Summary) error {
	if opts.Output == cmdutil.JSON {
		return cmdutil.WriteJSON(opts.IO.Out, listDocument{
			SchemaVersion: cmdutil.SchemaVersion, Jobs: cmdutil.List(all), Simulated: cmdutil.List(s.Info().Simulated),
		})
	}
	if len(all) == 0 {
		_, _ = fmt.Fprintln(opts.IO.ErrOut, "no Flink job runs")
		simulated(opts, s)
		return nil
	}
	t := opts.IO.NewTable("JOB", "NAMESPACE", "STATE", "HEALTH", "PARALLELISM", "CHECKPOINT", "RESTARTS", "RELEASE", "AGE", "$/H",
		"IDLE")
	for _, j := range all {
		parallelism, checkpoint := strconv.FormatInt(j.Parallelism, 10), "none"
		if j.Parallelism == 0 {
			parallelism = "-"
		}
		switch {
		case j.NotAssessed != "":
			checkpoint = "?"
		case j.Checkpoint != nil:
			checkpoint = iostreams.Duration(opts.Now().Sub(j.Checkpoint.At)) + " ago"
		}
		t.Row(j.Job, j.Namespace, orDash(j.State), string(j.Health), parallelism, checkpoint, strconv.Itoa(j.Restarts),
			orDash(j.Release), iostreams.Duration(opts.Now().Sub(j.Created)), number(j.HourlyUSD, "%.3f"),
			number(j.IdlePercent, "%.0f%%"))
	}
	if err := t.Render(); err != nil {
		return err
	}
	for _, j := range all {
		for _, text := range []string{j.Cause, j.NotAssessed} {
			if text != "" && (text != j.Cause || j.Health != flinkjob.Healthy) {
				_, _ = fmt.Fprintf(opts.IO.Out, "%s/%s: %s\n", j.Namespace, j.Job, text)
			}
		}
	}
	simulated(opts, s)
	return nil
}

// number is a figure that may not be known.
func number(v *float64, format string) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf(format, *v)
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// NewStatusCmd returns the command that shows one job.
func NewStatusCmd(f *cmdutil.Factory, open Open, runF func(context.Context, *Options) error) *cobra.Command {
	opts := newOptions(f, open)
	cmd := ofOneJob(f, opts, runF, status, &cobra.Command{
		Use:   "status",
		Short: "Show how a job is doing",
		Long: `Show a job as the operator and Flink report it: state, health, what it waits for or runs into, the last checkpoint,
its pods and where they run. With --watch it is shown again when something changes, until Ctrl-C.` + lookCodes,
		Example: `  emrflink job status my-job
  emrflink job status my-job --output json`,
	})
	addWatchFlag(cmd, opts)
	return cmd
}

func status(ctx context.Context, opts *Options) error {
	return with(ctx, opts, fmt.Sprintf("read job %q", opts.Job), func(s Stack, job flinkjob.Running) error {
		return shown(ctx, opts, job, func() (func() error, error) {
			res, err := job.Status(ctx)
			return func() error { return jobrun.ShowStatus(opts.IO, opts.Output, s.Info().Simulated, res) }, err
		})
	})
}

type eventsDocument struct {
	SchemaVersion int                 `json:"schemaVersion"`
	Job           string              `json:"job"`
	Namespace     string              `json:"namespace"`
	Events        []flinkjob.JobEvent `json:"events"`
	Simulated     []string            `json:"simulated"`
}

// NewEventsCmd returns the command that shows the events of a job.
func NewEventsCmd(f *cmdutil.Factory, open Open, runF func(context.Context, *Options) error) *cobra.Command {
	opts := newOptions(f, open)
	return ofOneJob(f, opts, runF, events, &cobra.Command{
		Use:   "events",
		Short: "Show what Kubernetes and the operator said about a job",
		Long: `Show the events of a job, its pods, its Deployment and its snapshots, oldest first. Kubernetes keeps events for an
hour.` + lookCodes,
		Example: `  emrflink job events my-job`,
	})
}

func events(ctx context.Context, opts *Options) error {
	return with(ctx, opts, fmt.Sprintf("read the events of job %q", opts.Job), func(s Stack, job flinkjob.Running) error {
		all, err := job.Events(ctx)
		if err != nil {
			return err
		}
		if opts.Output == cmdutil.JSON {
			return cmdutil.WriteJSON(opts.IO.Out, eventsDocument{
				SchemaVersion: cmdutil.SchemaVersion, Job: job.Ref.Name, Namespace: job.Ref.Namespace, Events: cmdutil.List(all),
				Simulated: cmdutil.List(s.Info().Simulated),
			})
		}
		t := opts.IO.NewTable("TIME", "TYPE", "REASON", "OBJECT", "COUNT", "MESSAGE")
		for _, e := range all {
			t.Row(e.At.Format(time.RFC3339), e.Type, e.Reason, e.Object, strconv.Itoa(e.Count),
				strings.Join(strings.Fields(e.Message), " "))
		}
		if t.Len() == 0 {
			_, _ = fmt.Fprintln(opts.IO.ErrOut, "no events: Kubernetes keeps them for an hour")
		}
		if err := t.Render(); err != nil {
			return err
		}
		simulated(opts, s)
		return nil
	})
}

// roles are those whose logs can be chosen.
var roles = []string{flinkjob.RoleJobManager, flinkjob.RoleTaskManager}

// NewLogsCmd returns the command that shows the logs of a job.
func NewLogsCmd(f *cmdutil.Factory, open Open, runF func(context.Context, *Options) error) *cobra.Command {
	opts := newOptions(f, open)
	cmd := ofOneJob(f, opts, runF, logs, &cobra.Command{
		SuggestFor: []string{"logs", "log"},
		Use:        "logs",
		Short:      "Show the logs of a job's pods",
		Long: `Show the logs of the JobManager and of all TaskManagers, in the order in which they were written; a stack trace
stays whole. Each line has the name of its pod in front, and with --output json is an object. What pods wrote that are
gone is where the job's log settings send it: --from cloudwatch or --from s3 reads it there.

--query shows what answers a usual question only, and says on standard error how CloudWatch Logs Insights is asked the
same:
` + queries() + lookCodes,
		Example: `  emrflink job logs my-job --follow
  emrflink job logs my-job --role taskmanager --since 10m
  emrflink job logs my-job --previous --tail 100
  emrflink job logs my-job --from cloudwatch --since 2h
  emrflink job logs my-job --query restarts`,
	})
	fl := cmd.Flags()
	fl.StringVar(&opts.Logs.From, "from", flinkjob.FromPods, "where they are read: "+strings.Join(flinkjob.LogPlaces(), ", "))
	cmdutil.CompleteFlag(cmd, "from", flinkjob.LogPlaces()...)
	fl.StringVar(&opts.Logs.Role, "role", "", "of these pods only: "+strings.Join(roles, ", "))
	cmdutil.CompleteFlag(cmd, "role", roles...)
	fl.BoolVar(&opts.Logs.Follow, "follow", false, "go on with what is written, until Ctrl-C")
	fl.BoolVar(&opts.Logs.Previous, "previous", false, "of the containers before their last restart")
	fl.DurationVar(&opts.Logs.Since, "since", 0, "what was written in this time only, e.g. 10m")
	fl.IntVar(&opts.Logs.Tail, "tail", 0, "the last lines of each pod only")
	fl.StringVar(&opts.Logs.Query, "query", "", "answers to this question only: "+strings.Join(flinkjob.LogQueryNames(), ", "))
	cmdutil.CompleteFlag(cmd, "query", flinkjob.LogQueryNames()...)
	cmd.PreRunE = func(*cobra.Command, []string) error {
		switch l := opts.Logs; {
		case l.Role != "" && !slices.Contains(roles, l.Role):
			return cmdutil.Usagef("--role is %q; it can be %s", l.Role, strings.Join(roles, ", "))
		case !slices.Contains(flinkjob.LogPlaces(), l.From):
			return cmdutil.Usagef("--from is %q; it can be %s", l.From, strings.Join(flinkjob.LogPlaces(), ", "))
		case l.Query != "" && !slices.Contains(flinkjob.LogQueryNames(), l.Query):
			return cmdutil.Usagef("--query is %q; it can be %s", l.Query, strings.Join(flinkjob.LogQueryNames(), ", "))
		case l.From != flinkjob.FromPods && (l.Follow || l.Previous):
			return cmdutil.Usagef("--follow and --previous are of pods, and the logs are read from %s", l.From)
		case l.Since < 0 || l.Tail < 0:
			return cmdutil.Usagef("--since and --tail cannot be negative")
		case l.Follow && l.Previous:
			return cmdutil.Usagef("--previous is of containers that have ended: there is nothing to follow")
		}
		return nil
	}
	return cmd
}

// queries lists the questions for the help.
func queries() string {
	var b strings.Builder
	for _, q := range flinkjob.LogQueries() {
		fmt.Fprintf(&b, "  %-13s %s\n", q.Name, q.Title)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// logLine is a line of `job logs --output json`.
type logLine struct {
	At   time.Time `json:"at"`
	Pod  string    `json:"pod"`
	Text string    `json:"text"`
}

func logs(ctx context.Context, opts *Options) error {
	if q, found := flinkjob.FindLogQuery(opts.Logs.Query); found {
		_, _ = fmt.Fprintf(opts.IO.ErrOut, "in CloudWatch Logs Insights: %s\n", q.Insights())
	}
	return with(ctx, opts, fmt.Sprintf("read the logs of job %q", opts.Job), func(s Stack, job flinkjob.Running) error {
		err := job.Logs(ctx, opts.Logs, func(e flinkjob.Entry) error {
			if opts.Output == cmdutil.JSON {
				return cmdutil.WriteJSON(opts.IO.Out, logLine{At: e.At.UTC(), Pod: e.Pod, Text: strings.Join(e.Lines, "\n")})
			}
			for _, line := range e.Lines {
				if _, err := fmt.Fprintf(opts.IO.Out, "%s %s\n", opts.IO.OutPalette().Dim("["+e.Pod+"]"), line); err != nil {
					return fmt.Errorf("write the logs: %w", err)
				}
			}
			return nil
		})
		if opts.Logs.Follow && ctx.Err() != nil {
			return nil // it is how following ends
		}
		return err
	})
}
