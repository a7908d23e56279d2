// SPDX-License-Identifier: Apache-2.0

// Package jobs holds the commands that look after Flink jobs that run.
package jobs

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
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if err := cmdutil.ExactArgs("the name of a job")(cmd, args); err != nil {
			return err
		}
		opts.Job = args[0]
		return nil
	}
	cmd.ValidArgsFunction = cmdutil.CompleteArgument(f, f.Complete.Jobs)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if runF != nil {
			return runF(cmd.Context(), opts)
		}
		return run(cmd.Context(), opts)
	}
	cmd.Flags().StringVar(&opts.Team, "team", "", "team that runs it (default: the one that has a job of the name)")
	cmdutil.AddOutputFlag(cmd, &opts.Output)
	return cmd
}

// with opens the stack and finds the job of the options, for one operation.
func with(ctx context.Context, opts *Options, what string, do func(Stack, flinkjob.Running) error) error {
	s, err := opts.Open(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	defer s.Close() // the session holds nothing that could be lost
	job, err := s.FindJob(ctx, opts.Job, opts.Team, opts.Timeout)
	if errors.Is(err, flinkjob.ErrNoJob) {
		return jobrun.NoJob(err.Error(), s.Info().Stack)
	}
	if err == nil {
		err = do(s, job)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, s.Explained(err))
	}
	return nil
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
