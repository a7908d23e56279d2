// SPDX-License-Identifier: Apache-2.0

// Package jobstate holds the commands for the checkpoints and savepoints of a Flink job.
package jobstate

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
	// FindStates finds the states of a job of a team ("" = any), or below a folder.
	FindStates(ctx context.Context, job, team, below string, timeout time.Duration) (flinkjob.Store, error)
	// Explained gives an error of AWS or Kubernetes its code and its exit code.
	Explained(err error) error
	Close() error
}

// Open opens a stack by its name, "" = that of the command line.
type Open func(ctx context.Context, name string) (Stack, error)

// Options are the dependencies and the flags of the commands.
type Options struct {
	IO        *iostreams.IOStreams
	Interrupt *cmdutil.Interrupt
	Now       func() time.Time
	Open      Open

	Job, State  string // State is "" for the newest usable one
	Team, Below string
	To          string // another stack
	Start       bool
	Discard     bool
	Yes         bool
	Timeout     time.Duration
	Output      cmdutil.Format
}

type runner func(context.Context, *Options) error

// NewCmd returns the command with its subcommands.
func NewCmd(f *cmdutil.Factory, open Open) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "state COMMAND",
		Short: "List, examine, restore, keep and delete the states of a job",
		Long: `Find the checkpoints and savepoints of a job in its bucket, and in the FlinkStateSnapshots of the cluster, and say
of each whether a job can start from it: its _metadata is read, and every file that it refers to is looked for. The job,
its operator and its cluster need not be there any more.

Exit codes: 0 done; see the subcommands.`,
		Example: `  emrflink job state list my-job
  emrflink job state show my-job chk-42
  emrflink job state restore my-job savepoint-0a1b2c-0123456789ab --start`,
	}
	return cmdutil.Group(cmd, NewListCmd(f, open, nil), NewShowCmd(f, open, nil), NewRestoreCmd(f, open, nil),
		NewDetachCmd(f, open, nil), NewDeleteCmd(f, open, nil))
}

// ofOneJob makes a command whose arguments are a job and, with state, one of its states.
func ofOneJob(f *cmdutil.Factory, opts *Options, state bool, runF, run runner, cmd *cobra.Command) *cobra.Command {
	cmd.Use += " JOB"
	if state {
		cmd.Use += " [STATE]"
	}
	cmd.Use += " [flags]"
	one := jobrun.OneJob{Job: &opts.Job, Team: &opts.Team, Output: &opts.Output}
	if state {
		one.MostRest, one.Rest = 1, func(args []string) error { opts.State = args[0]; return nil }
	}
	cmd = jobrun.Bind(f, one, opts, runF, run, cmd)
	cmd.Flags().Lookup("team").Usage = "team that runs it (default: the one that has a job or a state of the name)"
	cmd.Flags().StringVar(&opts.Below, "below", "",
		"folder to look through, `s3://BUCKET/PREFIX` (default: the job's and the team's)")
	return cmd
}

func newOptions(f *cmdutil.Factory, open Open) *Options {
	return &Options{IO: f.IO, Interrupt: f.Interrupt, Now: f.Now, Open: open}
}

// with opens the stack and finds the states of the job, for one operation.
func with(ctx context.Context, opts *Options, what string, do func(Stack, flinkjob.Store) error) error {
	open := func(ctx context.Context) (Stack, error) { return opts.Open(ctx, "") }
	return jobrun.With(ctx, what, open, func(s Stack) (flinkjob.Store, error) {
		store, err := s.FindStates(ctx, opts.Job, opts.Team, opts.Below, opts.Timeout)
		if err == nil && store.Absent != "" {
			opts.IO.Say(store.Absent)
		}
		return store, err
	}, do)
}
