// SPDX-License-Identifier: Apache-2.0

// Package cleanup is the command that removes a deployment and checks that nothing of it is left.
package cleanup

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"emrflink/internal/cleanup"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/iostreams"
	"emrflink/internal/stack"
)

// Stack is what the command needs of a stack.
type Stack interface {
	Info() stack.Info
	Cleanup(ctx context.Context, c cleanup.Choices) (Teardown, error)
	Close() error
}

// Teardown is a cleanup that was prepared and not begun.
type Teardown interface {
	Plan() cleanup.Plan
	Run(ctx context.Context, report func(cleanup.Progress)) (cleanup.Report, error)
}

var _ Teardown = (*cleanup.Teardown)(nil)

// Options are the dependencies and the flags of the command.
type Options struct {
	IO        *iostreams.IOStreams
	Globals   *cmdutil.Globals
	Interrupt *cmdutil.Interrupt
	Info      func() (stack.Info, error)
	Open      func(context.Context) (Stack, error)

	Yes    bool
	DryRun bool
	Output cmdutil.Format
	cleanup.Choices
}

// NewCmd returns the command.
func NewCmd(
	f *cmdutil.Factory, open func(context.Context) (Stack, error), runF func(context.Context, *Options) error,
) *cobra.Command {
	opts := &Options{IO: f.IO, Globals: f.Globals, Interrupt: f.Interrupt, Info: f.Info, Open: open}
	cmd := &cobra.Command{
		SuggestFor: []string{"destroy", "down", "delete", "remove", "uninstall", "teardown"},
		Use:        "cleanup [flags]",
		Short:      "Remove a deployment and prove that nothing is left",
		Long: `Remove everything of a deployment, from any half-finished state, and then check that nothing is left.
The resources of the deployment are known by exact ids, names and tags, never by a name pattern. You can repeat a
cleanup until it is complete.

Steps:
  1. show account, region, deployment, what is deleted and which data is lost, and ask for the stack's name
  2. with --stop-with-savepoint, stop every Flink job with a savepoint: when one cannot be, nothing is deleted
  3. delete Flink jobs, then the volumes and load balancers that the cluster made
  4. delete Karpenter's node pools, wait until none of their nodes is left, then delete the node classes
  5. empty the buckets, delete charts, addons, nodes, cluster, roles and network
  6. look for leftovers by tag and id, delete them, and list what was deleted and what is left

Cost: a cleanup ends the costs of the deployment. The checkpoints, savepoints and logs of all jobs are lost.

To delete without a question, pass --yes together with an explicit --stack NAME.

Where nothing is recorded of the stack, the account is asked for what has the exact tags of the deployment: nothing is
called empty that was not asked. What has them is listed, not deleted.

When the state is lost with every copy, --from-tags finds the resources that the stack file describes by their names
and all tags of the deployment. What has a name and not the tags is named and stays. A state that can be read, or a
copy of it, is refused: it says better what is to be deleted.

Exit codes: 0 nothing is left; 1 failed; 2 settings, flags, or no terminal and no --yes; 3 credentials; 6 a job had no
savepoint in time and nothing was deleted; 7 resources are left that should be gone; 130 declined or interrupted.`,
		Example: `  emrflink cleanup
  emrflink cleanup --dry-run
  emrflink cleanup --from-tags --dry-run
  emrflink cleanup --stop-with-savepoint --retain-data
  emrflink cleanup --stack dev --yes --output json`,
		Args: cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if opts.Yes && !opts.Globals.StackNamed {
				return &cmdutil.UsageError{
					Err:  errors.New("--yes deletes without a question and counts only beside an explicit --stack NAME"),
					Next: cmdutil.Command("cleanup", "--stack", opts.Globals.Stack, "--yes"),
				}
			}
			if err := savepointFlags(cmd, opts); err != nil {
				return err
			}
			if runF != nil {
				return runF(cmd.Context(), opts)
			}
			return run(cmd.Context(), opts)
		},
	}
	cmdutil.AddYesFlag(cmd, &opts.Yes, "delete without asking; needs an explicit --stack NAME")
	cmd.Flags().BoolVar(&opts.DryRun, "dry-run", false, "show what would be deleted and delete nothing")
	cmd.Flags().BoolVar(&opts.RetainData, "retain-data", false,
		"keep the buckets with their encryption keys, and the volumes of claims; they go on costing money")
	cmd.Flags().BoolVar(&opts.WithoutCluster, "without-cluster", false,
		"go on when the cluster exists and its API cannot be used: what controllers made is deleted in AWS, after the cluster")
	cmd.Flags().BoolVar(&opts.FromTags, "from-tags", false,
		"for a state that is lost with every copy: delete what has the exact tags and names of the deployment in the account")
	cmd.Flags().BoolVar(&opts.StopWithSavepoint, "stop-with-savepoint", false,
		"stop every Flink job with a savepoint before anything is deleted; when one cannot be, nothing is")
	cmd.Flags().BoolVar(&opts.DeleteWithoutSavepoint, "delete-without-savepoint", false,
		"with --stop-with-savepoint: also delete jobs that cannot be stopped with one; their state is lost")
	cmdutil.AddTimeoutFlag(cmd, &opts.SavepointTimeout, 10*time.Minute)
	cmdutil.AddOutputFlag(cmd, &opts.Output)
	return cmd
}

// savepointFlags says which flag has no meaning without the other.
func savepointFlags(cmd *cobra.Command, opts *Options) error {
	for _, name := range []string{"delete-without-savepoint", "timeout"} {
		if cmd.Flags().Changed(name) && !opts.StopWithSavepoint {
			return &cmdutil.UsageError{
				Err:  fmt.Errorf("--%s counts only beside --stop-with-savepoint", name),
				Next: cmdutil.Command("cleanup", "--stack", opts.Globals.Stack, "--stop-with-savepoint"),
			}
		}
	}
	if !opts.StopWithSavepoint {
		opts.SavepointTimeout = 0 // nothing is waited for
	}
	return nil
}

func run(ctx context.Context, opts *Options) error {
	info, err := opts.Info()
	if err != nil {
		return err
	}
	question := fmt.Sprintf("Type %s to delete:", info.Stack)
	flag := "--stack " + info.Stack + " --yes"
	if !opts.Yes && !opts.DryRun && !opts.IO.CanPrompt() {
		return &iostreams.NoPromptError{Question: fmt.Sprintf("Deleting stack %q", info.Stack), Flag: flag}
	}
	s, err := opts.Open(ctx)
	if err != nil {
		return fmt.Errorf("clean up stack %q: %w", info.Stack, err)
	}
	defer s.Close() // the engine has saved the state by then
	job, err := prepare(ctx, opts, s)
	if err != nil {
		return fmt.Errorf("clean up stack %q: %w", info.Stack, err)
	}
	plan := job.Plan()
	if plan.Empty() {
		return nothingLeft(opts, s.Info(), plan)
	}
	if err := showPlan(opts, s.Info(), plan); err != nil || opts.DryRun {
		return err
	}
	if plan.NotReady != nil {
		return fmt.Errorf("clean up stack %q: nothing was touched: %w", info.Stack, plan.NotReady)
	}
	if !opts.Yes {
		if err := opts.IO.ConfirmName(ctx, info.Stack, question, flag); err != nil {
			return err
		}
	}
	return tearDown(ctx, opts, s, job)
}

// tearDown carries out what was agreed to, and reports it.
func tearDown(ctx context.Context, opts *Options, s Stack, job Teardown) error {
	info, plan := s.Info(), job.Plan()
	again := cmdutil.Command("cleanup", "--stack", info.Stack)
	opts.Interrupt.Say("stopping: no new deletion is started, " +
		"deletions in progress are not waited for, and what is left stays recorded\n" +
		"press Ctrl-C again to kill the run; continue later with: " + again)
	defer opts.Interrupt.Say("")
	report, err := carryOut(ctx, opts, job, plan, s.Info().Timed())
	if cmdutil.Locked(err) && len(report.Deleted) == 0 {
		return fmt.Errorf("clean up stack %q: nothing was touched: %w", info.Stack, err)
	}
	if perr := showReport(opts, s.Info(), plan, report, err); perr != nil {
		return errors.Join(err, perr)
	}
	return verdict(info.Stack, again, report, err)
}

func prepare(ctx context.Context, opts *Options, s Stack) (Teardown, error) {
	const phase = "look at what exists"
	progress := opts.IO.NewProgress(iostreams.Phase{Name: phase})
	defer progress.Stop()
	progress.Start(phase)
	job, err := s.Cleanup(ctx, opts.Choices)
	if err != nil {
		progress.Fail(phase)
		return nil, err
	}
	progress.Done(phase)
	return job, nil
}

func carryOut(ctx context.Context, opts *Options, job Teardown, plan cleanup.Plan, where string) (cleanup.Report, error) {
	phases := make([]iostreams.Phase, 0, len(plan.Phases))
	names := map[string]string{}
	for i, p := range plan.Phases {
		names[p.Name] = fmt.Sprintf("%d of %d, %s", i+1, len(plan.Phases), p.Label())
		phases = append(phases, iostreams.Phase{Name: names[p.Name], Expected: p.Expected, Where: where})
	}
	progress := opts.IO.NewProgress(phases...)
	defer progress.Stop()
	report, err := job.Run(ctx, func(p cleanup.Progress) {
		name := names[p.Phase.Name]
		switch p.State {
		case cleanup.StateDone:
			progress.Start(name)
			progress.Done(name)
		case cleanup.StateSkipped:
			progress.Skip(name, p.Cause)
		case cleanup.StateFailed:
			progress.Detail(name, p.Cause)
			progress.Fail(name)
		case cleanup.StateStopped: // with everything else that still runs, below
		default:
			progress.Start(name)
			if p.Phase.Name == cleanup.PhaseEngine { // another line with every resource: only where it can be redrawn
				progress.Note(name, p.Cause)
				return
			}
			progress.Detail(name, p.Cause)
		}
	})
	if err != nil {
		progress.StopRunning()
	}
	return report, err
}

// verdict turns what is left into the command's error: a residue is a failure even when every step succeeded.
func verdict(stack, again string, r cleanup.Report, err error) error {
	what := fmt.Sprintf("clean up stack %q", stack)
	var coded interface{ ExitCode() int }
	switch {
	case cmdutil.Locked(err):
		return &cmdutil.Error{What: what, Cause: err}
	case errors.As(err, &coded):
		return &cmdutil.Error{What: what, Cause: err, Next: again}
	case len(r.Unexpected) > 0:
		cause := fmt.Errorf("%s left that should be gone: %s",
			cmdutil.Count(len(r.Unexpected), "resource is", "resources are"), names(r.Unexpected))
		if err != nil {
			cause = errors.Join(cause, err)
		}
		return &cmdutil.Error{What: what, Cause: cause, Next: again, ID: "cleanup-incomplete", Exit: cmdutil.ExitIncomplete}
	case err != nil:
		return &cmdutil.Error{What: what, Cause: err, Next: again}
	}
	return nil
}

func names(items []cleanup.Item) string {
	var list []string
	for _, i := range items {
		list = append(list, i.Service+" "+i.Type+" "+i.ID)
	}
	slices.Sort(list)
	if len(list) > 5 {
		list = append(list[:5], "...")
	}
	return strings.Join(list, ", ")
}

// services says how many resources of which service there are.
func services(by map[string]int) string {
	var list []string
	for _, k := range slices.Sorted(maps.Keys(by)) {
		list = append(list, fmt.Sprintf("%s %d", k, by[k]))
	}
	return strings.Join(list, ", ")
}
