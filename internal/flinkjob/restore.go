// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"context"
	"fmt"
	"strings"
	"time"

	"sigs.k8s.io/yaml"
)

// Restored is the JSON of `job state restore`.
type Restored struct {
	SchemaVersion int       `json:"schemaVersion"`
	Job           string    `json:"job"`
	Namespace     string    `json:"namespace"`
	From          string    `json:"from"` // the state that was chosen
	At            time.Time `json:"at"`   // when it was written
	Path          string    `json:"path"` // what the job starts from: From, or its copy
	// Redeploy is the merge patch that starts the job from the state, as YAML; "" when there is no such job, and Command runs it.
	Redeploy string `json:"redeploy"`
	Command  string `json:"command"`
	Started  bool   `json:"started"`
	// Note is what can become of the state before the job starts from it; "" for nothing.
	Note string `json:"note"`
	// Savepoint is what the running job was stopped with; "" for none.
	Savepoint      string  `json:"savepoint"`
	Health         Health  `json:"health"` // after the start
	ElapsedSeconds float64 `json:"elapsedSeconds"`
}

// redeploy is the patch that starts a job from a state: the operator acts on the nonce. It cancels what runs, takes no savepoint
// and does not look whether the path exists: who applies it has seen to both.
func redeploy(d deployment, path string, job map[string]any) map[string]any {
	fields := map[string]any{
		"state": "running", "initialSavepointPath": path, "savepointRedeployNonce": d.RedeployNonce + 1,
	}
	for k, v := range job {
		fields[k] = v
	}
	return map[string]any{"spec": map[string]any{"job": fields}}
}

// Restoring says how a job is restored.
type Restoring struct {
	Start bool // do it, not only say how
	// Newest says that the state was chosen as the newest: of a job that runs, that is the one that it is stopped with.
	Newest  bool
	Discard bool // the job that runs is not stopped with a savepoint
}

// Restore says how the job starts from a state that its store has found, or starts it, and waits until it is healthy. One that
// runs is stopped with a savepoint first, unless its state is discarded.
func (s Store) Restore(ctx context.Context, st State, how Restoring, report func(Progress)) (Restored, error) {
	res := Restored{SchemaVersion: SchemaVersion, Job: s.Job, Namespace: s.Namespace, From: st.URI, At: st.At, Path: st.URI}
	if s.Running == nil {
		res.Command = fmt.Sprintf("emrflink job run --file FILE --name %s --set spec.job.initialSavepointPath=%s", s.Job, st.URI)
		if how.Start {
			return res, &Refusal{
				What: "restore", Job: s.Job, Next: res.Command,
				Why: orElse(s.Absent, "it is not in the cluster, and only its file says what it runs"),
			}
		}
		return res, nil
	}
	j := *s.Running
	d, err := j.read(ctx)
	if err != nil {
		return res, err
	}
	if err := j.takes(d.Parallelism, st); err != nil {
		return res, err
	}
	text, err := yaml.Marshal(redeploy(d, st.URI, nil))
	if err != nil {
		return res, fmt.Errorf("write the redeploy: %w", err)
	}
	res.Redeploy = string(text)
	if d.drops(st) {
		res.Note = dropped
	}
	res.Command = fmt.Sprintf("kubectl -n %s patch %s %s --type merge --patch-file FILE", s.Namespace,
		strings.ToLower(j.Ref.Kind.Kind), s.Job)
	if !how.Start {
		return res, nil
	}
	return s.restore(ctx, st, d, how, j.Runner.meter(report), res)
}

// dropped is what becomes of the checkpoint of a job that runs.
const dropped = "Flink deletes this checkpoint when the job has a newer one, or ends: --start copies it first, as does " +
	"`emrflink job state detach`"

// restore starts the job from a state.
func (s Store) restore(ctx context.Context, st State, d deployment, how Restoring, m *meter, res Restored) (Restored, error) {
	j := *s.Running
	stops := d.alive() && !how.Discard && (d.State == "RUNNING" || how.Newest)
	var err error
	if !how.Newest || !stops {
		if st, err = s.kept(ctx, d, st); err != nil {
			return res, err
		}
	}
	failed := func(step string, back bool, err error) error {
		return &UpgradeError{What: "restore", Job: s.Job, Step: step, State: orElse(res.Savepoint, st.URI), Back: back, Err: err}
	}
	mode := modeLastState // of a job that does not run, no savepoint can be taken
	if d.State == "RUNNING" {
		mode = modeSavepoint
	}
	if stops {
		last, back, err := s.stop(ctx, m, d, mode)
		if err != nil {
			return res, failed("stop it", back, err)
		}
		if mode == modeSavepoint {
			res.Savepoint = last.URI
		}
		if how.Newest {
			st, res.From, res.At = last, last.URI, last.At
		}
	}
	res.Path = st.URI
	if err := j.takes(d.Parallelism, st); err != nil {
		return res, failed("start it", false, err)
	}
	ob, err := j.redeployed(ctx, "restore", m, d, redeploy(d, st.URI, map[string]any{"upgradeMode": d.UpgradeMode}))
	res.Started = err == nil
	res.Health, _ = ob.job.health()
	res.ElapsedSeconds = m.elapsed().Seconds()
	if err != nil {
		return res, failed("start it", false, err)
	}
	return res, nil
}

// alive says that Flink may take the job on: checkpoints may come, and the ones before go.
func (d deployment) alive() bool {
	ended := d.State == "FAILED" || d.State == "FINISHED" || d.State == "CANCELED"
	return d.JobID != "" && d.Wanted != suspended && !ended
}

// drops says that a state is one that Flink deletes by itself: a checkpoint of the job while that may go on.
func (d deployment) drops(st State) bool {
	return d.alive() && strings.Contains(st.URI, "/"+d.JobID+"/")
}

// kept is a state that is there, also when the job that wrote it goes on or is stopped: a copy of one that Flink deletes. The
// operator does not look whether the path that it redeploys from exists; its JobManagers then end again and again.
func (s Store) kept(ctx context.Context, d deployment, st State) (State, error) {
	if !d.drops(st) {
		return s.Get(ctx, st.URI)
	}
	m, err := s.Detach(ctx, st)
	if err != nil {
		return st, err
	}
	return s.Get(ctx, m.To)
}

// redeployed applies a patch that starts the job from a state, and waits until it is healthy. The operator calls a job STABLE
// that it has only just redeployed: what counts is what Flink says of the job of the new id.
func (j Running) redeployed(ctx context.Context, what string, m *meter, d deployment, patch map[string]any) (observation, error) {
	o, err := j.Runner.Kube.Patch(ctx, j.Ref, "", patch)
	if err != nil {
		return observation{}, fmt.Errorf("%s job %q: %w", what, j.Ref.Name, err)
	}
	wanted := o.GetGeneration()
	return j.until(ctx, m, phaseStarting, d.Error, func(o observation) (bool, string) {
		h, cause := o.job.health()
		if o.job.Observed < wanted || o.job.JobID == d.JobID { // what is reported is the old job's, but for a refusal
			return false, refusedBy(o.job.Error)
		}
		return h == Healthy, degraded(h, cause)
	})
}

// takes refuses a state that the job cannot start from with a parallelism: Flink fixes the number of key groups, the max
// parallelism, when a job is first started.
func (j Running) takes(parallelism int64, st State) error {
	for _, o := range st.Operators {
		if o.Keyed && parallelism > int64(o.MaxParallelism) {
			return j.refusal("start", fmt.Sprintf("its parallelism is %d, and operator %s in %s has a max parallelism of %d, "+
				"which is fixed", parallelism, o.ID, st.URI, o.MaxParallelism),
				fmt.Sprintf("emrflink job rescale %s --parallelism %d", j.Ref.Name, o.MaxParallelism))
		}
	}
	return nil
}
