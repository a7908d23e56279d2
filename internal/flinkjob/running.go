// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"emrflink/internal/exitcode"
	"emrflink/internal/kube"
)

// Running is a job in the cluster, and what can be done with it.
type Running struct {
	Runner Runner
	Ref    kube.Ref
}

// Find looks for a job of a team, or of any team (""). Without a name it is what all jobs of the team are looked at with.
func (d Deployed) Find(ctx context.Context, name, team string, timeout time.Duration) (Running, error) {
	namespace := ""
	if team != "" {
		spec, err := SpecFrom(d.Outputs, Options{Team: team})
		if err != nil {
			return Running{}, err
		}
		namespace = spec.Namespace
	}
	r, err := d.connect(ctx, timeout)
	if err != nil {
		return Running{}, err
	}
	if name == "" {
		return Running{Runner: r.withDefaults(), Ref: kube.Ref{Namespace: namespace}}, err
	}
	ref, err := r.find(ctx, namespace, name)
	return Running{Runner: r.withDefaults(), Ref: ref}, err
}

// Change is the JSON of the commands that change a job or wait for it.
type Change struct {
	SchemaVersion int    `json:"schemaVersion"`
	Job           string `json:"job"`
	Namespace     string `json:"namespace"`
	Kind          string `json:"kind"`
	State         string `json:"state"`
	Lifecycle     string `json:"lifecycle"`
	Health        Health `json:"health"`
	Parallelism   int64  `json:"parallelism"`
	// Savepoint is what it was stopped with, "" when that was its last checkpoint, or it was not stopped.
	Savepoint      string  `json:"savepoint"`
	Changed        bool    `json:"changed"` // false: it was so already
	ElapsedSeconds float64 `json:"elapsedSeconds"`
}

// Refusal says why a change would lose state. Nothing was changed.
type Refusal struct {
	What, Job, Why string
	Next           string // the safe way
}

// Error implements error.
func (e *Refusal) Error() string {
	return fmt.Sprintf("%s job %q: %s; nothing was changed", e.What, e.Job, e.Why)
}

// Code is a stable id of the failure.
func (e *Refusal) Code() string { return "flinkjob.refused" }

// ExitCode is 2: nothing was touched.
func (e *Refusal) ExitCode() int { return exitcode.Usage }

// Hint is the safe way.
func (e *Refusal) Hint() string { return e.Next }

// Suspend stops a job, with a savepoint where its upgrade mode is that, and waits until it is stopped. With discard, one that
// starts from nothing afterwards is stopped too.
func (j Running) Suspend(ctx context.Context, discard bool, report func(Progress)) (Change, error) {
	return j.change(ctx, "suspend", discard, report, func(d deployment) map[string]any {
		if d.Wanted == suspended {
			return nil
		}
		return inJob("state", suspended)
	}, phaseStopping, func(o observation) bool { return o.job.Lifecycle == "SUSPENDED" })
}

// Resume lets a suspended job go on from the state that it was stopped with, and waits until it is healthy.
func (j Running) Resume(ctx context.Context, report func(Progress)) (Change, error) {
	return j.change(ctx, "resume", true, report, func(d deployment) map[string]any {
		if d.Wanted != suspended {
			return nil
		}
		return inJob("state", "running")
	}, phaseStarting, isHealthy)
}

// Restart stops a job with its state and starts it from that, and waits until it is healthy.
func (j Running) Restart(ctx context.Context, discard bool, report func(Progress)) (Change, error) {
	return j.change(ctx, "restart", discard, report, func(d deployment) map[string]any {
		return map[string]any{"spec": map[string]any{"restartNonce": d.RestartNonce + 1}}
	}, phaseStarting, isHealthy)
}

// Rescale gives a job another parallelism, for which the operator restarts it, and waits until it is healthy.
func (j Running) Rescale(ctx context.Context, parallelism int, discard bool, report func(Progress)) (Change, error) {
	return j.change(ctx, "rescale", discard, report, func(d deployment) map[string]any {
		if d.Parallelism == int64(parallelism) {
			return nil
		}
		return inJob("parallelism", int64(parallelism))
	}, phaseStarting, isHealthy)
}

// The states that Await waits for.
const (
	AwaitHealthy    = "healthy"
	AwaitFinished   = "finished"
	AwaitSuspended  = "suspended"
	AwaitCheckpoint = "checkpoint"
)

// Awaited are the states that Await takes.
func Awaited() []string {
	return []string{AwaitHealthy, AwaitFinished, AwaitSuspended, AwaitCheckpoint}
}

// Await waits until the job is in a state: healthy, finished, suspended, or with a checkpoint that was not there before. A job
// that cannot get there by itself is a Failure at once, or after the grace.
func (j Running) Await(ctx context.Context, state string, report func(Progress)) (Change, error) {
	m := j.Runner.meter(report)
	done := func(o observation) bool {
		h, _ := o.job.health()
		return h == Health(state)
	}
	if state == AwaitCheckpoint {
		ob, err := j.Runner.look(ctx, j.Ref, m.start)
		if err != nil {
			return Change{}, err
		}
		d := ob.job
		before, err := j.Runner.checkpointTimes(ctx, d.CheckpointDir)
		if err != nil {
			return Change{}, err
		}
		if d.CheckpointDir == "" {
			return Change{}, j.refusal("await a checkpoint of", "its configuration has no state.checkpoints.dir",
				"emrflink job validate says more about its file")
		}
		done = func(o observation) bool {
			all, err := j.Runner.checkpoints(ctx, o.job.CheckpointDir)
			return err == nil && fresh(all, before) != nil
		}
	}
	ob, err := j.until(ctx, m, phaseWaiting, "", func(o observation) (bool, string) {
		h, cause := o.job.health()
		never := ""
		if (h == Finished || h == Suspended) && Health(state) != h {
			never = "it is " + string(h)
		}
		return done(o), orElse(never, degraded(h, cause))
	})
	return j.result(ob, m, false), err
}

// The phases of a change, beside those of a run.
const (
	phaseStopping  = "stopping"
	phaseWaiting   = "waiting"
	phaseSavepoint = "savepoint"
)

func inJob(field string, value any) map[string]any {
	return map[string]any{"spec": map[string]any{"job": map[string]any{field: value}}}
}

func isHealthy(o observation) bool { h, _ := o.job.health(); return h == Healthy }

func degraded(h Health, cause string) string {
	if h == Degraded {
		return cause
	}
	return ""
}

func (j Running) read(ctx context.Context) (deployment, error) {
	o, err := j.Runner.Kube.Get(ctx, j.Ref)
	if err != nil {
		return deployment{}, fmt.Errorf("read job %q: %w", j.Ref.Name, err)
	}
	return deploymentOf(o), nil
}

// change makes one change of a job, when its state is safe, and waits until it has its effect. No patch is no change.
func (j Running) change(ctx context.Context, what string, discard bool, report func(Progress),
	patch func(deployment) map[string]any, phase string, done func(observation) bool) (Change, error) {
	m := j.Runner.meter(report)
	d, err := j.read(ctx)
	if err != nil {
		return Change{}, err
	}
	body := patch(d)
	if body != nil {
		if err := j.safe(what, d, discard); err != nil {
			return Change{}, err
		}
		if _, err := j.Runner.Kube.Patch(ctx, j.Ref, "", body); err != nil {
			return Change{}, fmt.Errorf("%s job %q: %w", what, j.Ref.Name, err)
		}
	}
	ob, err := j.until(ctx, m, phase, d.Error, func(o observation) (bool, string) {
		h, cause := o.job.health()
		return o.job.Observed >= o.job.Generation && done(o), degraded(h, cause)
	})
	return j.result(ob, m, body != nil), err
}

// safe refuses what would stop a job without the state that its author wants kept. The operator says nothing in these cases.
func (j Running) safe(what string, d deployment, discard bool) error {
	command := func(words ...string) string { return "emrflink job " + strings.Join(append(words, d.Name), " ") }
	switch {
	case d.SessionCluster:
		return j.refusal(what, "it is a session cluster: its jobs are FlinkSessionJobs",
			command("list")[:len("emrflink job list")])
	case d.Wanted == suspended && what != "resume":
		return j.refusal(what, "it is suspended", command("resume"))
	case d.Wanted == suspended || discard:
		return nil
	case d.UpgradeMode == "stateless":
		return j.refusal(what, "its upgradeMode is stateless: it would start again from nothing",
			command("savepoint")+"   # keeps its state; then "+what+" --discard-state")
	case d.UpgradeMode == "savepoint" && d.State != "RUNNING":
		return j.refusal(what,
			fmt.Sprintf("it is %s, and of a job that is not RUNNING the operator takes no savepoint: it goes back "+
				"to the last checkpoint without a word", orElse(d.State, "not started")),
			command("wait", "--for", "healthy")+"\n"+command("status"))
	}
	return nil
}

func (j Running) refusal(what, why, next string) error {
	return &Refusal{What: what, Job: j.Ref.Name, Why: why, Next: next}
}

// until looks at the job until it is done. A cause that fails it stands for the grace, unless it stood before: before is the
// error that it had already.
func (j Running) until(ctx context.Context, m *meter, phase, before string,
	look func(observation) (done bool, fails string)) (observation, error) {
	fail := func(id, cause string) error {
		return &Failure{Job: j.Ref.Name, Namespace: j.Ref.Namespace, ID: id, Cause: cause, Elapsed: m.elapsed(), What: "wait for"}
	}
	for {
		ob, err := j.Runner.look(ctx, j.Ref, m.start)
		cause, fails := "", ""
		switch {
		case ctx.Err() != nil:
			return ob, fmt.Errorf("watch job %q: %w", j.Ref.Name, ctx.Err())
		case kube.IsNotFound(err):
			return ob, fail("deleted", "it was deleted by somebody else")
		case kube.IsUnreachable(err):
			cause = "the API server does not answer: " + err.Error()
		case err != nil:
			return ob, fmt.Errorf("watch job %q: %w", j.Ref.Name, err)
		default:
			var done bool
			if done, fails = look(ob); done {
				return ob, nil
			}
			cause, fails = heeded(ob, before, fails)
		}
		stood := m.say(phase, orElse(fails, cause))
		refused := refusedBy(fails) != ""
		switch {
		case fails != "" && (refused || ob.job.State == "FAILED" || stood >= j.Runner.Grace):
			return ob, fail("operator", fails)
		case m.elapsed() >= j.Runner.Timeout:
			return ob, fail("timeout", fmt.Sprintf("not within %s; last cause: %s", j.Runner.Timeout, orElse(fails, cause)))
		}
		if err := j.Runner.Clock.Sleep(ctx, j.Runner.Poll); err != nil {
			return ob, fmt.Errorf("watch job %q: %w", j.Ref.Name, err)
		}
	}
}

// heeded are what a job waits for and what fails it: not an error that it had before, nor one that is over by itself.
func heeded(ob observation, before, fails string) (cause, still string) {
	switch {
	case passes(fails):
		return fails, ""
	case ob.job.Error == before && before != "":
		return waitsFor(ob), ""
	}
	return waitsFor(ob), fails
}

// refusedBy is the error of an operator that refuses a spec, whenever it looks; "" for another one.
func refusedBy(text string) string {
	if strings.Contains(text, "ValidationException") {
		return text
	}
	return ""
}

// waitsFor is what keeps a job from its state.
func waitsFor(ob observation) string {
	if v := judge(ob); !v.done && ob.job.Wanted != suspended {
		return v.cause
	}
	_, cause := ob.job.health()
	return cause
}

func (j Running) result(ob observation, m *meter, changed bool) Change {
	d := ob.job
	c := Change{
		SchemaVersion: SchemaVersion, Job: j.Ref.Name, Namespace: j.Ref.Namespace, Kind: j.Ref.Kind.Kind, State: d.State,
		Lifecycle: d.Lifecycle, Parallelism: d.Parallelism, Changed: changed, ElapsedSeconds: m.elapsed().Seconds(),
	}
	c.Health, _ = d.health()
	if strings.Contains(d.Savepoint, "://") {
		c.Savepoint = d.Savepoint
	}
	return c
}

// JobEvent is one thing that Kubernetes, Karpenter or the operator said about a job.
type JobEvent struct {
	At      time.Time `json:"at"`
	Type    string    `json:"type"` // Normal, Warning
	Reason  string    `json:"reason"`
	Source  string    `json:"source"`
	Object  string    `json:"object"` // of the job's: itself, a pod, a snapshot
	Message string    `json:"message"`
	Count   int       `json:"count"`
}

// Events are those of the job's own objects: the job, its pods, its Deployment and its snapshots, oldest first.
func (j Running) Events(ctx context.Context) ([]JobEvent, error) {
	d, err := j.read(ctx)
	if err != nil {
		return nil, err
	}
	all, err := j.Runner.Kube.Events(ctx, j.Ref.Namespace)
	if err != nil {
		return nil, fmt.Errorf("read the events of job %q: %w", d.Name, err)
	}
	kinds := []string{"Pod", "Deployment", "ReplicaSet", "Service", "ConfigMap", "FlinkStateSnapshot"}
	out := []JobEvent{}
	for _, e := range all {
		of := e.Object.Name == d.Name && e.Object.Kind.Kind == d.Kind.Kind ||
			slices.Contains(kinds, e.Object.Kind.Kind) &&
				(e.Object.Name == d.cluster() || strings.HasPrefix(e.Object.Name, d.cluster()+"-"))
		if of {
			out = append(out, JobEvent{
				At: e.Last.UTC(), Type: e.Type, Reason: e.Reason, Source: e.Source, Message: plainError(e.Message),
				Count:  e.Count,
				Object: e.Object.Kind.Kind + "/" + e.Object.Name,
			})
		}
	}
	return out, nil
}
