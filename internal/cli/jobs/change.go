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
	"emrflink/internal/cli/jobrun"
	"emrflink/internal/flinkjob"
	"emrflink/internal/iostreams"
)

// codes are the exit codes of the commands that change a job.
const codes = `

Exit codes: 0 done; 1 failed, with the cause; 2 refused, and nothing was changed, or flags; 3 credentials; 4 there is
no such job, or the stack was never deployed; 6 timed out waiting.`

// safety is what all commands that stop a job have in common.
const safety = `

Its state is kept: the job is stopped as its upgradeMode says. Refused is what would lose the state without a word: a
job with upgradeMode stateless (--discard-state does it all the same), and one with upgradeMode savepoint that is not
RUNNING, because the operator then goes back to the last checkpoint.`

type changeDocument struct {
	flinkjob.Change
	Simulated []string `json:"simulated"`
}

// changing makes a command that changes a job and waits for it.
func changing(f *cmdutil.Factory, opts *Options, runF runner, cmd *cobra.Command,
	do func(context.Context, flinkjob.Running, func(flinkjob.Progress)) (flinkjob.Change, error)) *cobra.Command {
	verb := cmd.Use
	cmd = ofOneJob(f, opts, runF, func(ctx context.Context, opts *Options) error {
		return with(ctx, opts, fmt.Sprintf("%s job %q", verb, opts.Job), func(s Stack, job flinkjob.Running) error {
			goesOn := "the operator goes on: look at it with " +
				cmdutil.Command("job", "status", opts.Job, "--stack", s.Info().Stack)
			c, err := waited(opts, goesOn, func(report func(flinkjob.Progress)) (flinkjob.Change, error) {
				return do(ctx, job, report)
			})
			if err != nil {
				return err
			}
			return showChange(opts, s, c)
		})
	}, cmd)
	cmdutil.AddTimeoutFlag(cmd, &opts.Timeout, 10*time.Minute)
	return cmd
}

func showChange(opts *Options, s Stack, c flinkjob.Change) error {
	if opts.Output == cmdutil.JSON {
		return cmdutil.WriteJSON(opts.IO.Out, changeDocument{Change: c, Simulated: cmdutil.List(s.Info().Simulated)})
	}
	took := "after " + iostreams.Duration(time.Duration(c.ElapsedSeconds*float64(time.Second)))
	if !c.Changed {
		took = "nothing was changed"
	}
	_, _ = fmt.Fprintf(opts.IO.Out, "job %s in namespace %s is %s (%s), parallelism %d; %s\n", c.Job, c.Namespace, c.Health,
		strings.ToLower(c.State), c.Parallelism, took)
	if c.Savepoint != "" {
		_, _ = fmt.Fprintf(opts.IO.Out, "savepoint: %s\n", c.Savepoint)
	}
	simulated(opts, s)
	return nil
}

func addDiscardFlag(cmd *cobra.Command, opts *Options) {
	cmd.Flags().BoolVar(&opts.Discard, "discard-state", false, "do it also where the job then starts again from nothing")
}

// NewSuspendCmd returns the command that stops a job.
func NewSuspendCmd(f *cmdutil.Factory, open Open, runF func(context.Context, *Options) error) *cobra.Command {
	opts := newOptions(f, open)
	cmd := changing(f, opts, runF, &cobra.Command{
		Use:   "suspend",
		Short: "Stop a job and keep its state",
		Long:  `Stop a job and wait until it is stopped. "job resume" lets it go on.` + safety + codes,
		Example: `  emrflink job suspend my-job
  emrflink job suspend my-job --team flink-team-b --output json`,
	}, func(ctx context.Context, job flinkjob.Running, report func(flinkjob.Progress)) (flinkjob.Change, error) {
		return job.Suspend(ctx, opts.Discard, report)
	})
	addDiscardFlag(cmd, opts)
	return cmd
}

// NewResumeCmd returns the command that lets a job go on.
func NewResumeCmd(f *cmdutil.Factory, open Open, runF func(context.Context, *Options) error) *cobra.Command {
	opts := newOptions(f, open)
	return changing(f, opts, runF, &cobra.Command{
		Use:     "resume",
		Short:   "Let a suspended job go on from its state",
		Long:    `Let a suspended job go on from the state that it was stopped with, and wait until it is healthy.` + codes,
		Example: `  emrflink job resume my-job`,
	}, func(ctx context.Context, job flinkjob.Running, report func(flinkjob.Progress)) (flinkjob.Change, error) {
		return job.Resume(ctx, report)
	})
}

// NewRestartCmd returns the command that restarts a job.
func NewRestartCmd(f *cmdutil.Factory, open Open, runF func(context.Context, *Options) error) *cobra.Command {
	opts := newOptions(f, open)
	cmd := changing(f, opts, runF, &cobra.Command{
		Use:     "restart",
		Short:   "Stop a job and start it from its state",
		Long:    `Stop a job, start it again from its state, and wait until it is healthy.` + safety + codes,
		Example: `  emrflink job restart my-job`,
	}, func(ctx context.Context, job flinkjob.Running, report func(flinkjob.Progress)) (flinkjob.Change, error) {
		return job.Restart(ctx, opts.Discard, report)
	})
	addDiscardFlag(cmd, opts)
	return cmd
}

// NewRescaleCmd returns the command that changes a job's parallelism.
func NewRescaleCmd(f *cmdutil.Factory, open Open, runF func(context.Context, *Options) error) *cobra.Command {
	opts := newOptions(f, open)
	cmd := changing(f, opts, runF, &cobra.Command{
		Use:   "rescale",
		Short: "Run a job with another parallelism, from its state",
		Long: `Give a job another parallelism and wait until it is healthy. The operator stops it and starts it again from its
state.` + safety + codes,
		Example: `  emrflink job rescale my-job --parallelism 4`,
	}, func(ctx context.Context, job flinkjob.Running, report func(flinkjob.Progress)) (flinkjob.Change, error) {
		return job.Rescale(ctx, opts.Parallelism, opts.Discard, report)
	})
	cmd.Flags().IntVar(&opts.Parallelism, "parallelism", 0, "task slots that the job uses")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if opts.Parallelism < 1 {
			return cmdutil.Usagef("the command needs the new parallelism, 1 or more: --parallelism N")
		}
		return nil
	}
	addDiscardFlag(cmd, opts)
	return cmd
}

// NewWaitCmd returns the command that waits for a job.
func NewWaitCmd(f *cmdutil.Factory, open Open, runF func(context.Context, *Options) error) *cobra.Command {
	opts := newOptions(f, open)
	cmd := changing(f, opts, runF, &cobra.Command{
		Use:   "wait",
		Short: "Wait until a job is healthy, has finished, or has a new checkpoint",
		Long: `Wait until a job is in a state. It is "healthy" when Flink reports RUNNING and the operator has taken up the last
change of its spec and calls it STABLE; one that restarts, or of which the operator reports an error, is not.
"checkpoint" is one that was not there before. Nothing is changed.` + codes,
		Example: `  emrflink job wait my-job --for healthy --timeout 5m
  emrflink job wait my-job --for checkpoint`,
	}, func(ctx context.Context, job flinkjob.Running, report func(flinkjob.Progress)) (flinkjob.Change, error) {
		return job.Await(ctx, opts.For, report)
	})
	cmd.Flags().StringVar(&opts.For, "for", flinkjob.AwaitHealthy, "what to wait for: "+strings.Join(flinkjob.Awaited(), ", "))
	cmdutil.CompleteFlag(cmd, "for", flinkjob.Awaited()...)
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if !slices.Contains(flinkjob.Awaited(), opts.For) {
			return cmdutil.Usagef("--for is %q; it can be %s", opts.For, strings.Join(flinkjob.Awaited(), ", "))
		}
		return nil
	}
	return cmd
}

type savepointDocument struct {
	flinkjob.Snapshot
	Simulated []string `json:"simulated"`
}

// NewSavepointCmd returns the command that takes a savepoint.
func NewSavepointCmd(f *cmdutil.Factory, open Open, runF func(context.Context, *Options) error) *cobra.Command {
	opts := newOptions(f, open)
	cmd := ofOneJob(f, opts, runF, savepoint, &cobra.Command{
		Use:   "savepoint",
		Short: "Take a savepoint of a job while it runs on",
		Long: `Take a savepoint of a job while it runs on, and wait until it is in the bucket. The operator records it in the
job's status, or as a FlinkStateSnapshot, which outlives the job; deleting that leaves the savepoint where it is.` + codes,
		Example: `  emrflink job savepoint my-job
  emrflink job savepoint my-job --output json`,
	})
	cmdutil.AddTimeoutFlag(cmd, &opts.Timeout, 10*time.Minute)
	return cmd
}

func savepoint(ctx context.Context, opts *Options) error {
	return with(ctx, opts, "take a savepoint", func(s Stack, job flinkjob.Running) error {
		res, err := waited(opts, "the savepoint is taken all the same",
			func(report func(flinkjob.Progress)) (flinkjob.Snapshot, error) {
				return job.Savepoint(ctx, report)
			})
		if err != nil {
			return err
		}
		if opts.Output == cmdutil.JSON {
			return cmdutil.WriteJSON(opts.IO.Out, savepointDocument{Snapshot: res, Simulated: cmdutil.List(s.Info().Simulated)})
		}
		_, _ = fmt.Fprintf(opts.IO.Out, "savepoint of job %s: %s\n", res.Job, res.Path)
		if res.Record != "" {
			_, _ = fmt.Fprintf(opts.IO.Out, "record: %s\n", res.Record)
		}
		simulated(opts, s)
		return nil
	})
}

// NewDeleteCmd returns the command that deletes a job.
func NewDeleteCmd(f *cmdutil.Factory, open Open, runF func(context.Context, *Options) error) *cobra.Command {
	opts := newOptions(f, open)
	cmd := ofOneJob(f, opts, runF, remove, &cobra.Command{
		Use:   "delete",
		Short: "Delete a job and wait until it is gone",
		Long: `Delete a job and wait until the operator has removed it. Its checkpoints and savepoints stay in the bucket;
Karpenter removes the nodes that nothing else uses.` + codes,
		Example: `  emrflink job delete my-job`,
	})
	cmdutil.AddTimeoutFlag(cmd, &opts.Timeout, 5*time.Minute)
	return cmd
}

func remove(ctx context.Context, opts *Options) error {
	return with(ctx, opts, fmt.Sprintf("delete job %q", opts.Job), func(s Stack, job flinkjob.Running) error {
		res, err := waited(opts, "the operator removes the job all the same",
			func(report func(flinkjob.Progress)) (flinkjob.DeleteResult, error) {
				return job.Runner.Delete(ctx, job.Ref.Namespace, job.Ref.Name, report)
			})
		if err != nil {
			return err
		}
		return jobrun.ShowDeletion(opts.IO, opts.Output, s.Info().Simulated, res)
	})
}
