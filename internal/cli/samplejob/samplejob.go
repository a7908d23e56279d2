// SPDX-License-Identifier: Apache-2.0

// Package samplejob holds the commands that run Flink jobs on a deployment, to prove that it works.
package samplejob

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/flinkjob"
	"emrflink/internal/flinkjob/sample"
	"emrflink/internal/iostreams"
	"emrflink/internal/stack"
)

// Stack is what the commands need of a stack.
type Stack interface {
	Info() stack.Info
	Jobs(ctx context.Context) (Jobs, error)
	Close() error
}

// Jobs runs the samples on a deployed stack, as flinkjob.Deployed does.
type Jobs interface {
	Running
	Render(ctx context.Context, o flinkjob.Options) ([]byte, error)
	Run(ctx context.Context, o flinkjob.Options, report func(flinkjob.Progress)) (flinkjob.RunResult, error)
}

// Running are the jobs that were run.
type Running interface {
	List(ctx context.Context, team string) ([]flinkjob.Summary, error)
	Status(ctx context.Context, name, team string) (flinkjob.StatusResult, error)
	Verify(ctx context.Context, name, team string) (flinkjob.Verified, error)
	Delete(ctx context.Context, name string, o flinkjob.Options, report func(flinkjob.Progress)) (flinkjob.DeleteResult, error)
}

var _ Jobs = flinkjob.Deployed{}

// Open opens the stack that the settings describe.
type Open func(context.Context) (Stack, error)

// Options are the dependencies and the flags of the commands that touch a deployment.
type Options struct {
	IO        *iostreams.IOStreams
	Interrupt *cmdutil.Interrupt
	Open      Open
	Samples   func() sample.List

	Job    string // name of the job in the cluster, where it is the argument
	Spec   flinkjob.Options
	Yes    bool
	Output cmdutil.Format
}

func newOptions(f *cmdutil.Factory, open Open) *Options {
	return &Options{IO: f.IO, Interrupt: f.Interrupt, Samples: f.Reference.Samples, Open: open}
}

// NewCmd returns the command with its subcommands.
func NewCmd(f *cmdutil.Factory, open Open) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sample-job COMMAND",
		Short: "Run Flink jobs that prove that a deployment works",
		Long: `Run Flink jobs that prove that a deployment works. You edit no file and set no variable: role, bucket,
namespace, log group and node pools come from the outputs of the stack.

Exit codes: 0 done; see the subcommands.`,
		Example: `  emrflink sample-job list
  emrflink sample-job run basic`,
	}
	return cmdutil.Group(cmd, NewListCmd(f, nil), NewRenderCmd(f, open, nil), NewRunCmd(f, open, nil),
		NewStatusCmd(f, open, nil), NewVerifyCmd(f, open, nil), NewDeleteCmd(f, open, nil))
}

// runner runs one of the commands, or hands its options to a test.
func runner(opts *Options, runF, run func(context.Context, *Options) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		if runF != nil {
			return runF(cmd.Context(), opts)
		}
		return run(cmd.Context(), opts)
	}
}

// bindSpec binds the flags that choose how a sample runs.
func (o *Options) bindSpec(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.Spec.Name, "name", "", "name of the job in the cluster (default: the sample's)")
	f.StringVar(&o.Spec.Team, "team", "", "team to run it for (default: the first of the stack)")
	f.StringVar(&o.Spec.NodePool, "node-pool", "", "node pool of the TaskManagers (default: the first one)")
	f.StringArrayVar(&o.Spec.Set, "set", nil, "NAME=VALUE of a setting that the sample has (\"sample-job list\"); repeatable")
	f.IntVar(&o.Spec.Parallelism, "parallelism", 0, "task slots that the job uses (default: the sample's)")
}

func takeSample(o *Options) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := cmdutil.ExactArgs("the name of a sample")(cmd, args); err != nil {
			return err
		}
		o.Spec.Sample = args[0]
		for _, s := range o.Samples().Samples {
			if s.Name == args[0] {
				return nil
			}
		}
		return &cmdutil.UsageError{
			Err: fmt.Errorf("there is no sample job %q", args[0]), Next: cmdutil.Command("sample-job", "list"),
		}
	}
}

func completeSamples(o *Options) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		var names []cobra.Completion
		if len(args) == 0 {
			for _, s := range o.Samples().Samples {
				names = append(names, cobra.CompletionWithDesc(s.Name, s.Title))
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

// with opens the stack and its jobs for one operation.
func with(ctx context.Context, opts *Options, what string, do func(Stack, Jobs) error) error {
	s, err := opts.Open(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	defer s.Close() // the session holds nothing that could be lost
	jobs, err := s.Jobs(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return do(s, jobs)
}
