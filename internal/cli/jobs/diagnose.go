// SPDX-License-Identifier: Apache-2.0

package jobs

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/diagnose"
	"emrflink/internal/flinkjob"
	"emrflink/internal/iostreams"
)

type diagnoseDocument struct {
	SchemaVersion int                  `json:"schemaVersion"`
	Jobs          []flinkjob.Diagnosis `json:"jobs"`
	Simulated     []string             `json:"simulated"`
}

// NewDiagnoseCmd returns the command that says what is wrong with jobs.
func NewDiagnoseCmd(f *cmdutil.Factory, open Open, runF func(context.Context, *Options) error) *cobra.Command {
	opts := newOptions(f, open)
	return ofAnyJob(f, opts, runF, diagnoseJobs, &cobra.Command{
		Use:        "diagnose",
		SuggestFor: []string{"doctor", "why", "explain"},
		Short:      "Say what is wrong with a job, and what to do",
		Long: `Read all that there is about a job, and say what is wrong with it: Kubernetes (the job, the operator, ` +
			`webhooks, pods,
nodes, events, the quota), Flink (exceptions, checkpoints, the load of each vertex, TaskManagers),
	the logs and the bucket. Without a
name, all jobs.

The verdict is healthy, degraded (it runs, and something is wrong), failing (it does not run as its spec wants) or
unknown. The findings come in the order of their weight, each with what it was seen in, its cause and the command to run
next. What could not be read is not assessed, and a job of which something was not assessed is never called healthy. The
timeline joins changes of the spec, what the operator, pods and nodes went through, restarts with their root exception,
failed checkpoints, savepoints and rescales. Nothing is changed.

Cost: none.

Exit codes: 0 all are healthy; 1 a job is degraded, failing or unknown, or the command failed; 2 flags; 3 credentials; 4
there is no such job, or the stack was never deployed.`,
		Example: `  emrflink job diagnose my-job
  emrflink job diagnose --team flink-team-a
  emrflink job diagnose my-job --output json`,
	})
}

func diagnoseJobs(ctx context.Context, opts *Options) error {
	what := "diagnose the jobs"
	if opts.Job != "" {
		what = fmt.Sprintf("diagnose job %q", opts.Job)
	}
	return with(ctx, opts, what, func(s Stack, job flinkjob.Running) error {
		all, err := diagnosed(ctx, opts, job)
		if err != nil {
			return err
		}
		if opts.Output == cmdutil.JSON {
			err = cmdutil.WriteJSON(opts.IO.Out, diagnoseDocument{
				SchemaVersion: cmdutil.SchemaVersion, Jobs: cmdutil.List(all), Simulated: cmdutil.List(s.Info().Simulated),
			})
		} else {
			err = showDiagnoses(opts, all)
			simulated(opts, s)
		}
		if err == nil && slices.ContainsFunc(all, func(d flinkjob.Diagnosis) bool { return d.Verdict != diagnose.Healthy }) {
			err = cmdutil.ExitStatus(cmdutil.ExitFailed) // everything was said
		}
		return err
	})
}

func diagnosed(ctx context.Context, opts *Options, job flinkjob.Running) ([]flinkjob.Diagnosis, error) {
	if opts.Job == "" {
		return job.Runner.DiagnoseAll(ctx, job.Ref.Namespace)
	}
	one, err := job.Diagnose(ctx)
	return []flinkjob.Diagnosis{one}, err
}

func showDiagnoses(opts *Options, all []flinkjob.Diagnosis) error {
	if len(all) == 1 {
		showDiagnosis(opts, all[0])
		return nil
	}
	if len(all) == 0 {
		_, _ = fmt.Fprintln(opts.IO.ErrOut, "no Flink job runs")
		return nil
	}
	t := opts.IO.NewTable("JOB", "NAMESPACE", "STATE", "VERDICT", "WHY")
	for _, d := range all {
		t.Row(d.Job, d.Namespace, orDash(d.State), string(d.Verdict), d.Why)
	}
	return t.Render()
}

// mostMoments is how much of the timeline a text shows; JSON has all of it.
const mostMoments = 20

func showDiagnosis(opts *Options, d flinkjob.Diagnosis) {
	p := opts.IO.OutPalette()
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(opts.IO.Out, format+"\n", args...) }
	say("job %s in namespace %s is %s: %s", d.Job, d.Namespace, ofVerdict(p, d.Verdict), d.Why)
	for i, f := range d.Findings {
		say("\n%d. %s (%s)", i+1, p.Bold(f.Title), f.ID)
		for _, e := range f.Evidence {
			at := ""
			if !e.At.IsZero() && opts.Now().Sub(e.At) > time.Second {
				at = e.At.UTC().Format(time.RFC3339) + " "
			}
			say("   seen:  %s%s", at, strings.Join(nonEmpty(string(e.Source), e.Where, e.Text), ": "))
		}
		if f.Seen > len(f.Evidence) {
			say("   and %d times more", f.Seen-len(f.Evidence))
		}
		say("   cause: %s", f.Cause)
		say("   next:  %s", f.Command)
	}
	if len(d.NotAssessed) > 0 {
		say("\nNot assessed:")
	}
	for _, n := range d.NotAssessed {
		say("   %s: %s", n.Source, n.Why)
		say("      so it is not known whether there is: %s", strings.Join(n.Checks, ", "))
	}
	if len(d.Autoscaler) > 0 {
		say("\nAutoscaler:")
	}
	for _, text := range d.Autoscaler {
		say("   %s", text)
	}
	if len(d.Timeline) > 0 {
		say("\nWhat happened:")
	}
	for _, m := range d.Timeline[max(0, len(d.Timeline)-mostMoments):] {
		times := ""
		if m.Seen > 1 {
			times = fmt.Sprintf(" (%d times)", m.Seen)
		}
		say("   %s  %-10s %s%s", m.At.Format(time.RFC3339), m.What, m.Text, times)
	}
}

func ofVerdict(p iostreams.Palette, v diagnose.Verdict) string {
	switch v {
	case diagnose.Healthy:
		return p.Green(string(v))
	case diagnose.Failing:
		return p.Red(string(v))
	}
	return p.Yellow(string(v))
}

func nonEmpty(parts ...string) []string {
	return slices.DeleteFunc(parts, func(p string) bool { return p == "" })
}
