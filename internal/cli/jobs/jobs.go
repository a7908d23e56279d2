// SPDX-License-Identifier: Apache-2.0

// Package jobs holds the commands that look after Flink jobs that run.
package jobs

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cli/jobrun"
	"emrflink/internal/flinkjob"
	"emrflink/internal/iostreams"
	"emrflink/internal/stack"
)

// Stack is what the commands need of a stack.
type Stack interface {
	Info() stack.Info
	// FindJob looks for a job by its name; the timeout is that of the waits for it. Without a name it gives what all jobs of the
	// team are looked at with.
	FindJob(ctx context.Context, name, team string, timeout time.Duration) (flinkjob.Running, error)
	// Explained gives an error of AWS or Kubernetes its code and its exit code.
	Explained(err error) error
	Close() error
}

// Open opens the stack that the settings describe.
type Open func(context.Context) (Stack, error)

// Options are the dependencies and the flags of the commands.
type Options struct {
	IO        *iostreams.IOStreams
	Interrupt *cmdutil.Interrupt
	Now       func() time.Time
	Open      Open

	Job     string
	Team    string
	Timeout time.Duration
	Output  cmdutil.Format

	Discard     bool // what changes a job may lose its state
	Parallelism int
	For         string
	Watch, Load bool
	Port        int
	Browser     bool
	Logs        flinkjob.LogOptions
}

// runner is what a command does, or what a test has it do.
type runner func(context.Context, *Options) error

func newOptions(f *cmdutil.Factory, open Open) *Options {
	return &Options{IO: f.IO, Interrupt: f.Interrupt, Now: f.Now, Open: open}
}

// NewCmds returns the commands.
func NewCmds(f *cmdutil.Factory, open Open) []*cobra.Command {
	return []*cobra.Command{
		NewListCmd(f, open, nil), NewStatusCmd(f, open, nil), NewDiagnoseCmd(f, open, nil), NewUICmd(f, open, nil),
		NewEventsCmd(f, open, nil),
		NewLogsCmd(f, open, nil),
		NewWaitCmd(f, open, nil), NewSavepointCmd(f, open, nil), NewSuspendCmd(f, open, nil), NewResumeCmd(f, open, nil),
		NewRestartCmd(f, open, nil), NewRescaleCmd(f, open, nil), NewDeleteCmd(f, open, nil),
	}
}

// ofOneJob makes a command that has a job's name as its argument.
func ofOneJob(f *cmdutil.Factory, opts *Options, runF, run runner, cmd *cobra.Command) *cobra.Command {
	cmd.Use += " JOB [flags]"
	return jobrun.Bind(f, opts.oneJob(false), opts, runF, run, cmd)
}

// ofAnyJob makes a command that is of all jobs when it has no name as its argument.
func ofAnyJob(f *cmdutil.Factory, opts *Options, runF, run runner, cmd *cobra.Command) *cobra.Command {
	cmd.Use += " [JOB] [flags]"
	return jobrun.Bind(f, opts.oneJob(true), opts, runF, run, cmd)
}

func (o *Options) oneJob(optional bool) jobrun.OneJob {
	return jobrun.OneJob{Job: &o.Job, Team: &o.Team, Output: &o.Output, Optional: optional}
}

// with opens the stack and finds the job of the options, for one operation.
func with(ctx context.Context, opts *Options, what string, do func(Stack, flinkjob.Running) error) error {
	return jobrun.With(ctx, what, opts.Open, func(s Stack) (flinkjob.Running, error) {
		return s.FindJob(ctx, opts.Job, opts.Team, opts.Timeout)
	}, do)
}

// waited shows the waiting of an operation.
func waited[R any](opts *Options, goesOn string, do func(report func(flinkjob.Progress)) (R, error)) (R, error) {
	opts.Interrupt.Say("stopping to wait; " + goesOn)
	defer opts.Interrupt.Say("")
	w := jobrun.NewWait(opts.IO)
	res, err := do(w.Follow)
	w.End(err)
	return res, err
}

// simulated ends a text.
func simulated(opts *Options, s Stack) { cmdutil.PrintSimulated(opts.IO, s.Info().Simulated) }
