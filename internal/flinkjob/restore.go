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
	// Savepoint is what was taken of the running job before it was redeployed; "" for none.
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

// Restore says how the job starts from a state that its store has found, or starts it, and waits until it is healthy. Of a job
// that runs a savepoint is taken first, unless discard.
func (s Store) Restore(ctx context.Context, st State, start, discard bool, report func(Progress)) (Restored, error) {
	res := Restored{SchemaVersion: SchemaVersion, Job: s.Job, Namespace: s.Namespace, From: st.URI, At: st.At, Path: st.URI}
	if s.Running == nil {
		res.Command = fmt.Sprintf("emrflink job run --file FILE --name %s --set spec.job.initialSavepointPath=%s", s.Job, st.URI)
		if start {
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
	patch := redeploy(d, st.URI, nil)
	text, err := yaml.Marshal(patch)
	if err != nil {
		return res, fmt.Errorf("write the redeploy: %w", err)
	}
	res.Redeploy = string(text)
	res.Command = fmt.Sprintf("kubectl -n %s patch %s %s --type merge --patch-file FILE", s.Namespace,
		strings.ToLower(j.Ref.Kind.Kind), s.Job)
	if !start {
		return res, nil
	}
	m := j.Runner.meter(report)
	if d.State == "RUNNING" && !discard {
		kept, err := j.Savepoint(ctx, report)
		if err != nil {
			return res, err
		}
		res.Savepoint = kept.Path
		if d, err = j.read(ctx); err != nil {
			return res, err
		}
	}
	ob, err := j.redeployed(ctx, "restore", m, d, redeploy(d, st.URI, nil))
	res.Started = err == nil
	res.Health, _ = ob.job.health()
	res.ElapsedSeconds = m.elapsed().Seconds()
	return res, err
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
