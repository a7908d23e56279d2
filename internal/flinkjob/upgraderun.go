// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Upgraded is the JSON of `job upgrade` and `job rollback`.
type Upgraded struct {
	Change
	From        string       `json:"from"`        // savepoint, checkpoint, nothing
	StartedFrom string       `json:"startedFrom"` // the state; "" for nothing
	Changes     []SpecChange `json:"changes"`
	RolledBack  bool         `json:"rolledBack"` // the new spec did not become healthy: the old one runs again, from StartedFrom
	Cause       string       `json:"cause"`      // why it was rolled back
}

// UpgradeError says how far an upgrade came that failed, and how to go on with the state kept.
type UpgradeError struct {
	What, Job, Step string // What is upgrade or restore
	State           string // what was recorded before; "" for nothing
	Back            bool   // the old spec is in place again
	Err             error
}

// Error implements error.
func (e *UpgradeError) Error() string {
	text := fmt.Sprintf("%s: %s", e.Step, e.Err)
	if e.State != "" {
		text += "; its state is in " + e.State
	}
	if e.Back {
		text += "; it runs with its old spec again"
	}
	return text
}

// Unwrap keeps codes.
func (e *UpgradeError) Unwrap() error { return e.Err }

// Hint is the one command that goes on with the state.
func (e *UpgradeError) Hint() string {
	switch {
	case e.Back:
		return "emrflink job status " + e.Job
	case e.State == "":
		return "emrflink job status " + e.Job + "\nemrflink job history " + e.Job
	}
	if e.What == "restore" {
		return "emrflink job state restore " + e.Job + " " + e.State + " --start"
	}
	return "emrflink job rollback " + e.Job + " --from " + e.State
}

// Upgrade carries a plan out. The job is stopped with a savepoint, which is looked at before anything else is done; the new spec
// is then started from its path. The operator's own way would take the last checkpoint without a word when the job is not
// RUNNING.
func (s Store) Upgrade(ctx context.Context, u Upgrade, p UpgradePlan, report func(Progress)) (Upgraded, error) {
	j := *s.Running
	m := j.Runner.meter(report)
	res := Upgraded{From: p.From, StartedFrom: p.State, Changes: p.Changes}
	if len(p.Changes) == 0 {
		ob, err := j.Runner.look(ctx, j.Ref, m.start)
		res.Change = j.result(ob, m, false)
		return res, err
	}
	failed := func(step string, back bool, err error) error {
		return &UpgradeError{What: "upgrade", Job: s.Job, Step: step, State: res.StartedFrom, Back: back, Err: err}
	}
	if now, err := j.read(ctx); err != nil || now.Generation != p.was.Generation {
		return res, cmp.Or[error](err,
			j.refusal("upgrade", "somebody changed it since the plan was made", "emrflink job history "+s.Job))
	}
	if err := j.Runner.upload(ctx, u.Jar); err != nil {
		return res, failed("upload the jar; nothing was changed", false, err)
	}
	if err := j.remember(ctx, "before an upgrade", ""); err != nil {
		return res, failed("record the spec that runs; nothing was changed", false, err)
	}
	if p.From != FromNothing {
		st, back, err := s.startingPoint(ctx, m, u, p)
		if err != nil {
			return res, failed("find what it starts from", back, err)
		}
		res.StartedFrom = st.URI
	}
	ob, err := j.replaced(ctx, "upgrade", m, p.was, p.patch, res.StartedFrom)
	res.Change = j.result(ob, m, true)
	if err == nil {
		return res, j.remember(ctx, "upgrade", res.StartedFrom)
	}
	if !u.Rollback || ctx.Err() != nil {
		return res, failed("start the new spec", false, err)
	}
	res.Cause = err.Error()
	back := j.Runner.meter(report) // it has the whole time again
	d, readErr := j.read(ctx)
	if readErr == nil {
		ob, readErr = j.replaced(ctx, "roll back", back, d, p.back, res.StartedFrom)
	}
	res.RolledBack = readErr == nil
	res.Change = j.result(ob, m, false)
	return res, failed("start the new spec", res.RolledBack, errors.Join(err, readErr))
}

// replaced changes the spec of a job and starts it from a state, or from nothing (""), and waits until it is healthy.
func (j Running) replaced(ctx context.Context, what string, m *meter, d deployment, patch map[string]any, state string) (
	observation, error) {
	job := map[string]any{}
	if own, ok := patch["job"].(map[string]any); ok {
		maps.Copy(job, own)
	}
	whole := map[string]any{}
	maps.Copy(whole, patch)
	if d.UpgradeMode != "" && job["upgradeMode"] == nil { // stopping it has changed that
		job["upgradeMode"] = d.UpgradeMode
	}
	job["state"] = "running"
	mode := job["upgradeMode"]
	if state != "" {
		job = redeploy(d, state, job)["spec"].(map[string]any)["job"].(map[string]any)
	} else {
		job["upgradeMode"] = "stateless" // or it would start from what was there
	}
	whole["job"] = job
	ob, err := j.redeployed(ctx, what, m, d, map[string]any{"spec": whole})
	if err == nil && mode != job["upgradeMode"] { // the operator ignores a change of that alone
		_, err = j.Runner.Kube.Patch(ctx, j.Ref, "", inJob("upgradeMode", mode))
	}
	return ob, err
}

// startingPoint is the state of a plan. What runs is stopped for it, unless the state was named: a job that fails may come to
// another checkpoint at any moment. back says that the job is as it was when there is none.
func (s Store) startingPoint(ctx context.Context, m *meter, u Upgrade, p UpgradePlan) (st State, back bool, err error) {
	switch {
	case p.From == FromSavepoint:
		return s.stop(ctx, m, p.was, modeSavepoint)
	case u.From == "" && p.was.alive():
		return s.stop(ctx, m, p.was, modeLastState)
	}
	st, err = s.kept(ctx, p.was, p.start)
	return st, true, err
}

// The upgrade modes that stop a job with a savepoint, and as it is.
const (
	modeSavepoint = "savepoint"
	modeLastState = "last-state"
)

// stop stops a job in an upgrade mode, whatever its own is: with a savepoint, or as it is. The state is the savepoint, or the
// newest that is there then, when a job can start from it. When that fails, back says that the job runs on as it was.
func (s Store) stop(ctx context.Context, m *meter, d deployment, mode string) (st State, back bool, err error) {
	j := *s.Running
	ask := map[string]any{"state": suspended, "upgradeMode": mode}
	if _, err := j.Runner.Kube.Patch(ctx, j.Ref, "", map[string]any{"spec": map[string]any{"job": ask}}); err != nil {
		return st, false, err
	}
	ob, err := j.until(ctx, m, phaseStopping, d.Error, func(o observation) (bool, string) {
		s := o.job.stopping(d.Error)
		return s.Done, s.Fails
	})
	name := ""
	if mode == modeSavepoint {
		if name = ob.job.stopping(d.Error).Path; err == nil && name == "" {
			err = errors.New("the operator stopped it without a savepoint")
		}
	}
	if err == nil {
		st, err = s.Get(ctx, name)
	}
	if err == nil {
		return st, false, nil
	}
	// It has time of its own: the caller's may be over.
	again, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	was := map[string]any{"state": d.Wanted, "upgradeMode": d.UpgradeMode}
	_, failed := j.Runner.Kube.Patch(again, j.Ref, "", map[string]any{"spec": map[string]any{"job": was}})
	return st, failed == nil, errors.Join(err, failed)
}

// Stopping is one look at a job that was asked to stop with a savepoint.
type Stopping struct {
	Done  bool
	Path  string // of the savepoint; "" when the operator kept its last checkpoint only, or it is not done
	Fails string // the operator's error since it was asked
	Never bool   // waiting does not help: the operator refuses
}

// StoppingOf reads how far a job is; before is the status.error that it had when it was asked.
func StoppingOf(o *unstructured.Unstructured, before string) Stopping {
	return deploymentOf(o).stopping(plainError(before))
}

func (d deployment) stopping(before string) Stopping {
	s := Stopping{Done: d.Lifecycle == "SUSPENDED" && (d.Observed == 0 || d.Observed >= d.Generation)}
	if s.Done && strings.Contains(d.Savepoint, "://") { // it puts a word of its own there when it kept the last checkpoint
		s.Path = d.Savepoint
	}
	if d.Error != before {
		s.Fails, s.Never = d.Error, refusedBy(d.Error) != ""
	}
	return s
}
