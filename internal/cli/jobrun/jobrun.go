// SPDX-License-Identifier: Apache-2.0

// Package jobrun follows a job from its submission to its first checkpoint, for every command that runs one.
package jobrun

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/flinkjob"
	"emrflink/internal/iostreams"
	"emrflink/internal/stack"
)

// document is the JSON contract of the commands that run a job.
type document struct {
	flinkjob.RunResult
	Simulated []string `json:"simulated"`
}

// Run is one run of a job.
type Run struct {
	IO        *iostreams.IOStreams
	Interrupt *cmdutil.Interrupt
	Output    cmdutil.Format
	Info      func() stack.Info // of the stack; what is simulated is known when the target was asked
	What      string            // what is done, for errors: `run sample job "basic"`
	Job       string            // its name in the cluster
	Group     string            // commands that look after it: job, sample-job
	Help      string            // command that explains the flags
	Yes       bool              // a running job is restarted without a question
}

// Restart asks before a job that runs is restarted.
func (r Run) Restart(ctx context.Context) func(why string) error {
	return func(why string) error {
		if r.Yes {
			return nil
		}
		return r.IO.Confirm(ctx, why+". Restart it?", "--yes")
	}
}

// Follow submits a job by do and shows what it waits for, then the result. Of a failure it says what to run next.
func (r Run) Follow(ctx context.Context, do func(report func(flinkjob.Progress)) (flinkjob.RunResult, error)) error {
	command := func(words ...string) string { return cmdutil.Command(append(words, "--stack", r.Info().Stack)...) }
	status := command(r.Group, "status", r.Job)
	r.Interrupt.Say("stopping to wait; the job stays in the cluster: look at it with " + status)
	defer r.Interrupt.Say("")
	w := NewWait(r.IO)
	res, err := do(w.Follow)
	w.End(err)
	if cmdutil.Locked(err) {
		return fmt.Errorf("%s: nothing was submitted: %w", r.What, err)
	}
	if err != nil {
		next := status + "\n" + command(r.Group, "delete", r.Job)
		var failed interface{ Code() string }
		var unbuilt *flinkjob.NoJarError
		switch {
		case errors.As(err, &unbuilt):
			next = unbuilt.Hint()
		case cmdutil.ExitCode(ctx, err) == cmdutil.ExitUsage: // nor here, and a job of that name may run
			next = r.Help
		case errors.As(err, &failed) && failed.Code() == "flinkjob.preflight": // nothing was submitted
			next = command("status") + "\n" + command("deploy")
		}
		return &cmdutil.Error{What: r.What, Cause: err, Next: next}
	}
	return r.report(res)
}

// Wait shows the phases of a wait, each with the cause that is given for it. A wait can fall back: a job that starts
// may need one more node.
type Wait struct {
	progress *iostreams.Progress
	seen     []string // in the order of their first appearance
	phase    string
}

// NewWait makes a display of a wait.
func NewWait(ios *iostreams.IOStreams) *Wait { return &Wait{progress: ios.NewProgress()} }

// Follow shows what is waited for now.
func (w *Wait) Follow(p flinkjob.Progress) {
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

// End ends the display: err is why the wait ended, nil when it was over.
func (w *Wait) End(err error) {
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

func (run Run) report(r flinkjob.RunResult) error {
	if run.Output == cmdutil.JSON {
		r.Nodes = cmdutil.List(r.Nodes)
		return cmdutil.WriteJSON(run.IO.Out, document{RunResult: r, Simulated: cmdutil.List(run.Info().Simulated)})
	}
	for _, one := range r.Jobs {
		if err := run.print(one); err != nil {
			return err
		}
	}
	if len(r.Jobs) == 0 {
		if err := run.print(r); err != nil {
			return err
		}
	}
	cmdutil.PrintSimulated(run.IO, run.Info().Simulated)
	return nil
}

// print shows the result of one job.
func (run Run) print(r flinkjob.RunResult) error {
	w := run.IO.Out
	elapsed := time.Duration(r.ElapsedSeconds * float64(time.Second))
	checkpoint := "its first checkpoint took"
	switch n := path.Base(r.Checkpoint.URI); {
	case r.SessionCluster:
		checkpoint = "this took"
	case r.Checkpoint.URI == "":
		checkpoint = "it keeps no checkpoints; this took"
	case n != "chk-1":
		checkpoint = "checkpoint " + strings.TrimPrefix(n, "chk-") + " came after"
	}
	kind := "job"
	if r.SessionCluster {
		kind = "session cluster"
	}
	_, _ = fmt.Fprintf(w, "%s %s in namespace %s is %s; %s %s\n", kind, r.Job, r.Namespace, r.State, checkpoint,
		iostreams.Duration(elapsed))
	if r.Checkpoint.URI != "" {
		_, _ = fmt.Fprintf(w, "checkpoint: %s (%d bytes, %s)\n", r.Checkpoint.URI, r.Checkpoint.Bytes,
			r.Checkpoint.At.Format(time.RFC3339))
	}
	t := run.IO.NewTable("NODE", "INSTANCE TYPE", "CAPACITY", "NODE POOL", "RUNS")
	for _, n := range r.Nodes {
		t.Row(n.Name, n.InstanceType, n.CapacityType, n.NodePool, strings.Join(n.Roles, ", "))
	}
	if err := t.Render(); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(w, "delete it with: %s\n",
		run.IO.OutPalette().Cyan(cmdutil.Command(run.Group, "delete", r.Job, "--stack", run.Info().Stack)))
	return nil
}

// statusDocument is the JSON contract of the commands that show one job.
type statusDocument struct {
	flinkjob.StatusResult
	Simulated []string `json:"simulated"`
}

// ShowStatus prints how a job is doing, for every command that shows one.
func ShowStatus(ios *iostreams.IOStreams, format cmdutil.Format, simulated []string, j flinkjob.StatusResult) error {
	if format == cmdutil.JSON {
		j.Pods, j.Nodes = cmdutil.List(j.Pods), cmdutil.List(j.Nodes)
		return cmdutil.WriteJSON(ios.Out, statusDocument{StatusResult: j, Simulated: cmdutil.List(simulated)})
	}
	w := ios.Out
	states := []string{word(j.State), word(j.LifecycleState)}
	if j.Health != "" {
		states = append(states, string(j.Health))
	}
	_, _ = fmt.Fprintf(w, "job %s in namespace %s: %s\n", j.Job, j.Namespace, strings.Join(states, ", "))
	if j.Cause != "" {
		_, _ = fmt.Fprintf(w, "cause: %s\n", j.Cause)
	}
	if c := j.Checkpoint; c != nil {
		_, _ = fmt.Fprintf(w, "checkpoint: %s (%d bytes, %s)\n", c.URI, c.Bytes, c.At.Format(time.RFC3339))
	}
	t := ios.NewTable("POD", "ROLE", "PHASE", "READY", "NODE")
	for _, p := range j.Pods {
		t.Row(p.Name, p.Role, p.Phase, strconv.FormatBool(p.Ready), p.Node)
	}
	if err := t.Render(); err != nil {
		return err
	}
	cmdutil.PrintSimulated(ios, simulated)
	return nil
}

// deleteDocument is the JSON contract of the commands that delete a job.
type deleteDocument struct {
	flinkjob.DeleteResult
	Simulated []string `json:"simulated"`
}

// ShowDeletion prints what became of a job that was to be deleted, for every command that deletes one.
func ShowDeletion(ios *iostreams.IOStreams, format cmdutil.Format, simulated []string, d flinkjob.DeleteResult) error {
	if format == cmdutil.JSON {
		return cmdutil.WriteJSON(ios.Out, deleteDocument{DeleteResult: d, Simulated: cmdutil.List(simulated)})
	}
	word := "deleted"
	if !d.Deleted {
		word = "gone already"
	}
	_, _ = fmt.Fprintf(ios.Out, "job %s: %s\n", d.Job, word)
	cmdutil.PrintSimulated(ios, simulated)
	return nil
}

func word(state string) string {
	if state == "" {
		return "not reported yet"
	}
	return state
}

// NoJob is the error of a command whose job is not there; which names it, such as `job "a"`.
func NoJob(which, stack string) error {
	return &cmdutil.Error{
		What: "there is no Flink " + which, Exit: cmdutil.ExitNotFound, ID: "no-such-job",
		Next: cmdutil.Command("job", "list", "--stack", stack),
	}
}
