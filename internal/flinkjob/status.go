// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"context"
	"fmt"
	"path"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/kube"
)

// PodStatus is one pod of a job.
type PodStatus struct {
	Name  string `json:"name"`
	Role  string `json:"role"`
	Phase string `json:"phase"`
	Ready bool   `json:"ready"`
	Node  string `json:"node"`
}

// StatusResult is the JSON of `sample-job status`.
type StatusResult struct {
	SchemaVersion  int         `json:"schemaVersion"`
	Job            string      `json:"job"`
	Namespace      string      `json:"namespace"`
	State          string      `json:"state"`      // jobStatus.state, "" before the first report
	LifecycleState string      `json:"lifecycle"`  // of the operator: STABLE, DEPLOYED...
	JobManager     string      `json:"jobManager"` // jobManagerDeploymentStatus
	Kind           string      `json:"kind"`       // FlinkDeployment or FlinkSessionJob
	Health         Health      `json:"health"`
	Cause          string      `json:"cause"` // what it waits for or runs into; "" when nothing
	Pods           []PodStatus `json:"pods"`
	Nodes          []NodeUse   `json:"nodes"`
	Checkpoint     *Checkpoint `json:"checkpoint,omitempty"` // the newest
}

// Status reads how a job is doing. A job that does not exist is ErrNoJob.
func (r Runner) Status(ctx context.Context, namespace, name string) (StatusResult, error) {
	ref, err := r.find(ctx, namespace, name)
	if err != nil {
		return StatusResult{}, err
	}
	return Running{Runner: r.withDefaults(), Ref: ref}.Status(ctx)
}

// Status reads how the job is doing.
func (j Running) Status(ctx context.Context) (StatusResult, error) {
	r := j.Runner
	ob, err := r.look(ctx, j.Ref, r.Clock.Now().Add(-10*time.Minute))
	if notGone(err) == nil && err != nil {
		return StatusResult{}, fmt.Errorf("job %q in namespace %q: %w", j.Ref.Name, j.Ref.Namespace, ErrNoJob)
	}
	if err != nil {
		return StatusResult{}, err
	}
	res := StatusResult{
		SchemaVersion: SchemaVersion, Job: j.Ref.Name, Namespace: j.Ref.Namespace, Kind: j.Ref.Kind.Kind, State: ob.job.State,
		LifecycleState: ob.job.Lifecycle, JobManager: ob.job.JobManager, Pods: make([]PodStatus, 0, len(ob.pods)),
	}
	for _, p := range ob.pods {
		res.Pods = append(res.Pods, PodStatus{Name: p.Name, Role: roleOfPod(p), Phase: p.Phase, Ready: p.Ready, Node: p.Node})
	}
	if res.Nodes, err = r.nodesOf(ctx, ob.pods); err != nil {
		return StatusResult{}, err
	}
	if res.Checkpoint, err = r.newest(ctx, ob.job); err != nil {
		return StatusResult{}, err
	}
	ob.checkpoint = res.Checkpoint
	res.Health, res.Cause = ob.job.health()
	if v := judge(ob); !v.done && ob.job.Wanted != suspended {
		res.Cause = v.cause
	}
	return res, nil
}

// own are the checkpoints of the job that runs. Flink puts a job's id in front of chk-N: another one is of an earlier job of the
// same name.
func (d deployment) own(all []Checkpoint) []Checkpoint {
	return slices.DeleteFunc(all, func(c Checkpoint) bool { return d.JobID != "" && path.Base(path.Dir(c.URI)) != d.JobID })
}

// DeleteResult is the JSON of `sample-job delete`.
type DeleteResult struct {
	SchemaVersion  int     `json:"schemaVersion"`
	Job            string  `json:"job"`
	Namespace      string  `json:"namespace"`
	Deleted        bool    `json:"deleted"` // false: it was gone already
	ElapsedSeconds float64 `json:"elapsedSeconds"`
}

// Delete deletes a job and waits until the FlinkDeployment and all its pods are
// gone; while it waits it says which object and finalizer blocks. Checkpoints
// stay in the bucket. A job that does not exist is no error.
func (r Runner) Delete(ctx context.Context, namespace, name string, report func(Progress)) (DeleteResult, error) {
	r = r.withDefaults()
	m := r.meter(report)
	res := DeleteResult{SchemaVersion: SchemaVersion, Job: name, Namespace: namespace, Deleted: true}
	refs, err := r.inOrderOfDeletion(ctx, namespace, name)
	if err != nil {
		return res, fmt.Errorf("delete job %q: %w", name, err)
	}
	for _, ref := range refs {
		if res.Deleted, err = r.deleteOne(ctx, ref, m); err != nil {
			return res, fmt.Errorf("delete job %q: %w", name, err)
		}
	}
	res.ElapsedSeconds = m.elapsed().Seconds()
	return res, nil
}

// inOrderOfDeletion are the session jobs of the FlinkDeployment, then itself: a cluster with session jobs refuses to go. When
// there is a session job of that name and no FlinkDeployment, it is meant.
func (r Runner) inOrderOfDeletion(ctx context.Context, namespace, name string) ([]kube.Ref, error) {
	sessions, err := r.Kube.List(ctx, kube.KindFlinkSessionJob, kube.ListOptions{Namespace: namespace})
	if err != nil && !kube.IsNoKind(err) {
		return nil, err
	}
	deployment := kube.KindFlinkDeployment.Ref(namespace, name)
	_, err = r.Kube.Get(ctx, deployment)
	gone := kube.IsNotFound(err)
	var refs []kube.Ref
	for i := range sessions {
		cluster, _, _ := unstructured.NestedString(sessions[i].Object, "spec", "deploymentName")
		ref := kube.RefOf(&sessions[i])
		if gone && ref.Name == name {
			return []kube.Ref{ref}, nil
		}
		if cluster == name {
			refs = append(refs, ref)
		}
	}
	return append(refs, deployment), nil
}

// deleteOne deletes an object and waits until it is gone; there is false when it was not there.
func (r Runner) deleteOne(ctx context.Context, ref kube.Ref, m *meter) (there bool, err error) {
	err = r.Kube.Delete(ctx, ref, kube.Background)
	there = !kube.IsNotFound(err) && !kube.IsNoKind(err)
	if err != nil && there {
		return true, err
	}
	for {
		blocker, err := r.blocker(ctx, ref)
		if err != nil || blocker == nil {
			return there, err
		}
		m.say(phaseDeleting, blocker.String())
		if m.elapsed() >= r.Timeout {
			return there, &kube.StillThereError{Blocker: *blocker}
		}
		if err := r.Clock.Sleep(ctx, r.Poll); err != nil {
			return there, err
		}
	}
}

// blocker is what is left of the job: the FlinkDeployment, else its first pod.
func (r Runner) blocker(ctx context.Context, ref kube.Ref) (*kube.Blocker, error) {
	obj, err := r.Kube.Get(ctx, ref)
	if err == nil {
		b := kube.BlockerOf(obj, r.Clock.Now())
		return &b, nil
	}
	if !kube.IsNotFound(err) && !kube.IsNoKind(err) {
		return nil, err
	}
	if ref.Kind != kube.KindFlinkDeployment { // the pods are its cluster's
		return nil, nil
	}
	pods, err := r.Kube.List(ctx, kube.KindPod, kube.ListOptions{Namespace: ref.Namespace, Labels: podSelector(ref.Name)})
	if err != nil || len(pods) == 0 {
		return nil, err
	}
	b := kube.BlockerOf(&pods[0], r.Clock.Now())
	return &b, nil
}

// notGone is an error other than that of an object that is not there.
func notGone(err error) error {
	if kube.IsNotFound(err) || kube.IsNoKind(err) {
		return nil
	}
	return err
}
