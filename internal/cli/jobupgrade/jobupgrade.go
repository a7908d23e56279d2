// SPDX-License-Identifier: Apache-2.0

// Package jobupgrade holds the commands that change what a Flink job runs, with its state kept, and that tell what it ran before.
package jobupgrade

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cli/jobrun"
	"emrflink/internal/cli/jobstate"
	"emrflink/internal/flinkjob"
	"emrflink/internal/iostreams"
)

// Options are the dependencies and the flags of the commands.
type Options struct {
	IO        *iostreams.IOStreams
	Interrupt *cmdutil.Interrupt
	Now       func() time.Time
	Open      jobstate.Open

	Job, Team         string
	File, Jar         string
	Image, Release    string
	Parallelism       int
	Set               []string
	Number, Other     int // of specs of the history; 0 is not said
	From              string
	Discard, Rollback bool
	DryRun, Yes       bool
	Timeout           time.Duration
	Output            cmdutil.Format
}

type runner func(context.Context, *Options) error

// NewCmds returns the commands.
func NewCmds(f *cmdutil.Factory, open jobstate.Open) []*cobra.Command {
	return []*cobra.Command{NewUpgradeCmd(f, open, nil), NewRollbackCmd(f, open, nil), NewHistoryCmd(f, open, nil)}
}

const codes = `

Exit codes: 0 done, or nothing to change; 1 failed, with the cause and the state that was kept; 2 refused, and nothing
was changed, or flags; 3 credentials; 4 there is no such job, file or spec, or the stack was never deployed; 6 timed out
waiting.`

// safety is what upgrade and rollback have in common.
const safety = `

Steps:
  1. show the plan: which fields change, from which state the job starts and how old that is, and what only its start
     shows. --dry-run ends here, and --yes goes on without a question
  2. stop the running job with a savepoint, whatever its upgradeMode is, and look whether every file of it is there
  3. apply the new spec and start it from that path, and wait until Flink says RUNNING
With --rollback, a new spec that is not healthy within --timeout is taken back, and the old one started from the same
path.

Refused, before anything is touched: no state to start from; an upgradeMode of stateless without --discard-state; a
checkpoint, and not a savepoint, with another release; a JobManager that does not answer yet; a parallelism above the
max parallelism of an operator. A job that fails starts from its newest usable state. --from STATE takes another one,
and no savepoint.

Cost: on the aws target the nodes that the new spec needs.`

func newOptions(f *cmdutil.Factory, open jobstate.Open) *Options {
	return &Options{IO: f.IO, Interrupt: f.Interrupt, Now: f.Now, Open: open}
}

// ofOneJob makes a command with a job, and at most so many numbers of specs.
func ofOneJob(f *cmdutil.Factory, opts *Options, numbers int, runF, run runner, cmd *cobra.Command) *cobra.Command {
	one := jobrun.OneJob{Job: &opts.Job, Team: &opts.Team, Output: &opts.Output, MostRest: numbers}
	one.Rest = func(args []string) error {
		for i, n := range []*int{&opts.Number, &opts.Other}[:len(args)] {
			var err error
			if *n, err = strconv.Atoi(args[i]); err != nil || *n < 1 {
				return cmdutil.Usagef("%q is no number of a spec: \"job history %s\" lists them", args[i], opts.Job)
			}
		}
		return nil
	}
	return jobrun.Bind(f, one, opts, runF, run, cmd)
}

func bindSafety(cmd *cobra.Command, opts *Options) {
	fl := cmd.Flags()
	fl.StringVar(&opts.From, "from", "", "state to start from, by name or URI; no savepoint is taken")
	fl.BoolVar(&opts.Discard, "discard-state", false, "start from nothing where there is no state, or the mode is stateless")
	fl.BoolVar(&opts.Rollback, "rollback", false, "go back to the old spec when the new one does not become healthy")
	fl.BoolVar(&opts.DryRun, "dry-run", false, "show the plan and change nothing")
	fl.BoolVar(&opts.Yes, "yes", false, "go on without a question")
	cmdutil.AddTimeoutFlag(cmd, &opts.Timeout, 10*time.Minute)
}

// with opens the stack and finds the job, for one operation.
func with(ctx context.Context, opts *Options, what string, do func(jobstate.Stack, flinkjob.Store) error) error {
	open := func(ctx context.Context) (jobstate.Stack, error) { return opts.Open(ctx, "") }
	return jobrun.With(ctx, what, open, func(s jobstate.Stack) (flinkjob.Store, error) {
		store, err := s.FindStates(ctx, opts.Job, opts.Team, "", opts.Timeout)
		switch {
		case err != nil || store.Running != nil:
			return store, err
		case store.Absent != "":
			return store, &cmdutil.Error{
				What: what, Cause: errors.New(store.Absent), Next: cmdutil.Command("status", "--stack", s.Info().Stack),
			}
		}
		return store, fmt.Errorf("job %q: %w", opts.Job, flinkjob.ErrNoJob) // only its states are there
	}, do)
}

// NewRollbackCmd returns the command that goes back to a spec of the history.
func NewRollbackCmd(f *cmdutil.Factory, open jobstate.Open, runF func(context.Context, *Options) error) *cobra.Command {
	opts := newOptions(f, open)
	cmd := ofOneJob(f, opts, 1, runF, rollback, &cobra.Command{
		Use:   "rollback JOB [N] [flags]",
		Short: "Go back to a spec that a job had before, with its state",
		Long: `Give a job a spec of its history again (default: the one before that of now), with the state that it has now. What
looks like a secret is not in the history: it stays as it is.` + safety + codes,
		Example: `  emrflink job rollback my-job --dry-run
  emrflink job rollback my-job 3 --yes
  emrflink job rollback my-job --from savepoint-0a1b2c-0123456789ab`,
	})
	bindSafety(cmd, opts)
	return cmd
}

func rollback(ctx context.Context, opts *Options) error {
	what := fmt.Sprintf("roll back job %q", opts.Job)
	return with(ctx, opts, what, func(s jobstate.Stack, store flinkjob.Store) error {
		r, err := store.Running.Revision(ctx, opts.Number)
		if err != nil {
			return err
		}
		u := flinkjob.Upgrade{From: opts.From, Discard: opts.Discard, Rollback: opts.Rollback}
		if u.Spec, err = store.Running.SpecOf(ctx, r); err != nil {
			return err
		}
		return carryOut(ctx, opts, s, store, u)
	})
}

type planDocument struct {
	flinkjob.UpgradePlan
	Simulated []string `json:"simulated"`
}

type document struct {
	flinkjob.Upgraded
	Simulated []string `json:"simulated"`
}

// carryOut shows the plan of an upgrade and, when it is agreed, carries it out.
func carryOut(ctx context.Context, opts *Options, s jobstate.Stack, store flinkjob.Store, u flinkjob.Upgrade) error {
	p, err := store.PlanUpgrade(ctx, u)
	if err != nil {
		return err
	}
	p.Changes = cmdutil.List(p.Changes)
	if opts.DryRun && opts.Output == cmdutil.JSON {
		return cmdutil.WriteJSON(opts.IO.Out, planDocument{UpgradePlan: p, Simulated: cmdutil.List(s.Info().Simulated)})
	}
	if err := tellPlan(opts, p); err != nil || opts.DryRun {
		cmdutil.PrintSimulated(opts.IO, s.Info().Simulated)
		return err
	}
	if len(p.Changes) > 0 && !opts.Yes {
		if err := opts.IO.Confirm(ctx, fmt.Sprintf("Upgrade job %s?", opts.Job), "--yes"); err != nil {
			return err
		}
	}
	opts.Interrupt.Say("stopping to wait; the operator goes on: look at it with " +
		cmdutil.Command("job", "status", opts.Job, "--stack", s.Info().Stack))
	defer opts.Interrupt.Say("")
	w := jobrun.NewWait(opts.IO)
	res, err := store.Upgrade(ctx, u, p, w.Follow)
	w.End(err)
	if err != nil {
		return err
	}
	if opts.Output == cmdutil.JSON {
		res.Changes = p.Changes
		return cmdutil.WriteJSON(opts.IO.Out, document{Upgraded: res, Simulated: cmdutil.List(s.Info().Simulated)})
	}
	text := "nothing was changed"
	if res.Changed {
		text = "after " + iostreams.Duration(time.Duration(res.ElapsedSeconds*float64(time.Second)))
	}
	_, _ = fmt.Fprintf(opts.IO.Out, "job %s in namespace %s is %s, parallelism %d; %s\n", res.Job, res.Namespace, res.Health,
		res.Parallelism, text)
	if res.StartedFrom != "" {
		_, _ = fmt.Fprintf(opts.IO.Out, "it started from: %s\n", res.StartedFrom)
	}
	cmdutil.PrintSimulated(opts.IO, s.Info().Simulated)
	return nil
}

// tellPlan shows a plan, unless the result is JSON.
func tellPlan(opts *Options, p flinkjob.UpgradePlan) error {
	if opts.Output == cmdutil.JSON {
		return nil
	}
	if len(p.Changes) == 0 {
		_, err := fmt.Fprintf(opts.IO.Out, "job %s has this spec already\n", p.Job)
		return err
	}
	t := opts.IO.NewTable("FIELD", "OLD", "NEW")
	for _, c := range p.Changes {
		t.Row(c.Path, c.Old, c.New)
	}
	if err := t.Render(); err != nil {
		return err
	}
	from := "a savepoint with which it is stopped"
	switch {
	case p.From == flinkjob.FromNothing:
		from = "nothing: its state is lost"
	case p.State != "":
		from = fmt.Sprintf("%s, of %s ago", p.State, iostreams.Duration(opts.Now().Sub(p.At)))
	}
	w := opts.IO.Out
	_, _ = fmt.Fprintf(w, "starts from: %s (upgradeMode %s)\nstands still: %s\n", from, p.UpgradeMode, p.StandStill)
	if p.Jar != "" {
		_, _ = fmt.Fprintf(w, "jar: %s\n", p.Jar)
	}
	if p.HourlyUSD != nil && p.NewHourlyUSD != nil {
		_, _ = fmt.Fprintf(w, "costs: $%.3f an hour now, $%.3f then: shares of the on-demand prices of nodes as it has now\n",
			*p.HourlyUSD, *p.NewHourlyUSD)
	}
	for _, text := range p.NotAssessed {
		_, _ = fmt.Fprintf(w, "not assessed: %s\n", text)
	}
	return nil
}
