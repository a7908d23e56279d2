// SPDX-License-Identifier: Apache-2.0

package samplejob

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/flinkjob"
	"emrflink/internal/iostreams"
	"emrflink/internal/stack"
)

// NewRunCmd returns the command that runs a sample until a checkpoint has been written.
func NewRunCmd(f *cmdutil.Factory, open Open, runF func(context.Context, *Options) error) *cobra.Command {
	opts := newOptions(f, open)
	cmd := &cobra.Command{
		Use:   "run SAMPLE [flags]",
		Short: "Run a sample job until a checkpoint has been written",
		Long: `Submit a sample job and wait until a checkpoint of it is in the bucket. This proves that roles,
network, node pools, operator and bucket work together. While the command waits, it shows the cause as Kubernetes or
Karpenter reports it.

Steps:
  1. read the outputs of the stack and check the job against the node pools
  2. apply the job
  3. wait for the JobManager, the TaskManagers and the nodes that Karpenter starts for them
  4. wait until the job is RUNNING and a checkpoint object exists

A job of that name that runs already stays as it is, unless its parallelism is another one: it is then restarted from
its last checkpoint, after a question.

Cost: on the aws target the nodes of the job, until it is deleted. The job keeps running: delete it with
"sample-job delete".

Exit codes: 0 a checkpoint was written; 1 the job failed, and its cause is printed; 2 flags, or no such sample; 3
credentials; 4 the stack was never deployed; 6 timed out waiting.`,
		Example: `  emrflink sample-job run basic
  emrflink sample-job run basic --team flink-team-a --timeout 20m --output json`,
		Args:              takeSample(opts),
		ValidArgsFunction: completeSamples(opts),
		RunE:              runner(opts, runF, run),
	}
	opts.bindSpec(cmd)
	cmdutil.AddTimeoutFlag(cmd, &opts.Spec.Timeout, 15*time.Minute)
	cmdutil.AddYesFlag(cmd, &opts.Yes, "restart a running job of that name with another parallelism without asking")
	cmdutil.AddOutputFlag(cmd, &opts.Output)
	return cmd
}

// runDocument is the JSON contract of the command.
type runDocument struct {
	flinkjob.RunResult
	Simulated []string `json:"simulated"`
}

func run(ctx context.Context, opts *Options) error {
	what := fmt.Sprintf("run sample job %q", opts.Spec.Sample)
	return with(ctx, opts, what, func(s Stack, jobs Jobs) error {
		info, name := s.Info(), jobName(opts)
		opts.Interrupt.Say("stopping to wait; the job stays in the cluster: look at it with " +
			cmdutil.Command("sample-job", "status", name, "--stack", info.Stack))
		defer opts.Interrupt.Say("")
		w := newWait(opts.IO)
		opts.Spec.Restart = func(why string) error {
			if opts.Yes {
				return nil
			}
			return opts.IO.Confirm(ctx, why+". Restart it?", "--yes")
		}
		res, err := jobs.Run(ctx, opts.Spec, w.follow)
		w.end(err)
		if cmdutil.Locked(err) {
			return fmt.Errorf("%s: nothing was submitted: %w", what, err)
		}
		if err != nil {
			next := cmdutil.Command("sample-job", "status", name, "--stack", info.Stack) + "\n" +
				cmdutil.Command("sample-job", "delete", name, "--stack", info.Stack)
			var failed interface{ Code() string }
			switch {
			case cmdutil.ExitCode(ctx, err) == cmdutil.ExitUsage: // nor here, and a job of that name may run
				next = cmdutil.Command("sample-job", "run", "--help")
			case errors.As(err, &failed) && failed.Code() == "flinkjob.preflight": // nothing was submitted
				next = cmdutil.Command("status", "--stack", info.Stack) + "\n" + cmdutil.Command("deploy", "--stack", info.Stack)
			}
			return &cmdutil.Error{What: what, Cause: err, Next: next}
		}
		return report(opts, s.Info(), res)
	})
}

// wait shows the phases of a wait, each with the cause that is given for it. A wait can fall back: a job that starts
// may need one more node.
type wait struct {
	progress *iostreams.Progress
	seen     []string // in the order of their first appearance
	phase    string
}

func newWait(ios *iostreams.IOStreams) *wait { return &wait{progress: ios.NewProgress()} }

func (w *wait) follow(p flinkjob.Progress) {
	if p.Phase != w.phase {
		if !slices.Contains(w.seen, p.Phase) {
			w.seen = append(w.seen, p.Phase)
		}
		if slices.Index(w.seen, p.Phase) > slices.Index(w.seen, w.phase) && w.phase != "" {
			w.progress.Done(w.phase)
		}
		w.phase = p.Phase
		w.progress.Start(p.Phase)
	}
	w.progress.Detail(p.Phase, p.Cause)
}

func (w *wait) end(err error) {
	if err != nil {
		if w.phase != "" {
			w.progress.Fail(w.phase)
		}
		w.progress.StopRunning()
	} else {
		w.progress.DoneRunning()
	}
	w.progress.Stop()
}

func jobName(opts *Options) string {
	if opts.Spec.Name != "" {
		return opts.Spec.Name
	}
	return opts.Spec.Sample
}

func report(opts *Options, info stack.Info, r flinkjob.RunResult) error {
	if opts.Output == cmdutil.JSON {
		r.Nodes = cmdutil.List(r.Nodes)
		return cmdutil.WriteJSON(opts.IO.Out, runDocument{RunResult: r, Simulated: cmdutil.List(info.Simulated)})
	}
	w := opts.IO.Out
	elapsed := time.Duration(r.ElapsedSeconds * float64(time.Second))
	checkpoint := "its first checkpoint took"
	if n := path.Base(r.Checkpoint.URI); n != "chk-1" {
		checkpoint = "checkpoint " + strings.TrimPrefix(n, "chk-") + " came after"
	}
	_, _ = fmt.Fprintf(w, "job %s in namespace %s is %s; %s %s\n", r.Job, r.Namespace, r.State, checkpoint,
		iostreams.Duration(elapsed))
	_, _ = fmt.Fprintf(w, "checkpoint: %s (%d bytes, %s)\n", r.Checkpoint.URI, r.Checkpoint.Bytes,
		r.Checkpoint.At.Format(time.RFC3339))
	t := opts.IO.NewTable("NODE", "INSTANCE TYPE", "CAPACITY", "NODE POOL", "RUNS")
	for _, n := range r.Nodes {
		t.Row(n.Name, n.InstanceType, n.CapacityType, n.NodePool, strings.Join(n.Roles, ", "))
	}
	if err := t.Render(); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(w, "delete it with: %s\n",
		opts.IO.OutPalette().Cyan(cmdutil.Command("sample-job", "delete", r.Job, "--stack", info.Stack)))
	cmdutil.PrintSimulated(opts.IO, info.Simulated)
	return nil
}
