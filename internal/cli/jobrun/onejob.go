// SPDX-License-Identifier: Apache-2.0

package jobrun

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/flinkjob"
	"emrflink/internal/stack"
)

// OneJob is what the commands about one job have in common: its name, whose it is, and how the result is printed.
type OneJob struct {
	Job, Team *string
	Output    *cmdutil.Format
	// Optional says that without a name all jobs are meant.
	Optional bool
	// Rest takes the arguments after the name, of which there are at most MostRest.
	Rest     func(args []string) error
	MostRest int
}

// Bind gives a command its arguments, their completion and its flags, and what it runs: runF in its place, if a test has one.
func Bind[O any](f *cmdutil.Factory, j OneJob, opts *O, runF, run func(context.Context, *O) error,
	cmd *cobra.Command) *cobra.Command {
	cmd.Args = j.arguments
	cmd.ValidArgsFunction = cmdutil.CompleteArgument(f, f.Complete.Jobs)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if runF != nil {
			return runF(cmd.Context(), opts)
		}
		return run(cmd.Context(), opts)
	}
	cmd.Flags().StringVar(j.Team, "team", "", "team that runs it (default: the one that has a job of the name)")
	cmdutil.AddOutputFlag(cmd, j.Output)
	return cmd
}

func (j OneJob) arguments(cmd *cobra.Command, args []string) error {
	const name = "the name of a job"
	switch {
	case j.Optional:
		if err := cmdutil.AtMost(name)(cmd, args); err != nil {
			return err
		}
	case len(args) == 0 || len(args) > 1+j.MostRest:
		if err := cmdutil.ExactArgs(name)(cmd, args); err != nil {
			return err
		}
	}
	if len(args) == 0 {
		return nil
	}
	*j.Job = args[0]
	if j.Rest != nil && len(args) > 1 {
		return j.Rest(args[1:])
	}
	return nil
}

// Session is a stack as the commands about a job have it.
type Session interface {
	Info() stack.Info
	// Explained gives an error of AWS or Kubernetes its code and its exit code.
	Explained(err error) error
	Close() error
}

// With opens a stack and finds a job there, for one operation; what is that, for errors.
func With[S Session, J any](ctx context.Context, what string, open func(context.Context) (S, error), find func(S) (J, error),
	do func(S, J) error) error {
	s, err := open(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	defer s.Close() // the session holds nothing that could be lost
	job, err := find(s)
	if errors.Is(err, flinkjob.ErrNoJob) {
		return NoJob(err.Error(), s.Info().Stack)
	}
	if err == nil {
		err = do(s, job)
	}
	if err == nil {
		return nil
	}
	if err = s.Explained(err); strings.HasPrefix(err.Error(), what+":") { // a refusal says itself what is refused
		return err
	}
	return fmt.Errorf("%s: %w", what, err)
}
