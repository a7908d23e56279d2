// SPDX-License-Identifier: Apache-2.0

package flinkoperator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"emrflink/internal/flinkrest"
	"emrflink/internal/kube"
	"emrflink/internal/localcloud/flinkconf"
)

const snapshotFinalizer = "flinkstatesnapshots.flink.apache.org/finalizer"

// The states of a FlinkStateSnapshot.
const (
	snapshotPending    = "TRIGGER_PENDING"
	snapshotInProgress = "IN_PROGRESS"
	snapshotCompleted  = "COMPLETED"
	snapshotFailed     = "FAILED"
	snapshotAbandoned  = "ABANDONED"
)

// snapshot is a FlinkStateSnapshot.
type snapshot struct {
	ref   kube.Ref
	obj   *unstructured.Unstructured
	state string // "": the operator never accepted it
	spec  struct {
		BackoffLimit *int `json:"backoffLimit"`
		JobReference *struct {
			Kind string `json:"kind"`
			Name string `json:"name"`
		} `json:"jobReference"`
		Savepoint *struct {
			AlreadyExists   bool   `json:"alreadyExists"`
			DisposeOnDelete *bool  `json:"disposeOnDelete"`
			Path            string `json:"path"`
		} `json:"savepoint"`
	}
	job     *deployment // whose state it is, nil when there is none of the name
	cluster *deployment // where the job runs
}

// reconcileSnapshots takes all snapshots a step on and notes that they exist.
func (o *Operator) reconcileSnapshots(
	ctx context.Context, all map[kube.Ref]*deployment, sessions []*sessionJob, alive map[string]bool,
) error {
	list, err := o.snapshots(ctx, all, sessions)
	errs := []error{err}
	for _, s := range list {
		alive[string(s.obj.GetUID())] = true
		if err := o.reconcileSnapshot(ctx, s); err != nil && !kube.IsNotFound(err) {
			errs = append(errs, fmt.Errorf("reconcile %s: %w", s.ref, err))
		}
	}
	return errors.Join(errs...)
}

// snapshots lists the FlinkStateSnapshots. EMR's operator may not see them, as its role has no such permission: there are none
// then.
func (o *Operator) snapshots(ctx context.Context, all map[kube.Ref]*deployment, sessions []*sessionJob) ([]*snapshot, error) {
	list, err := o.Cluster.List(ctx, kube.KindFlinkStateSnapshot, kube.ListOptions{})
	if kube.IsNoKind(err) || kube.IsNotFound(err) || kube.ReasonOf(err) == "Forbidden" {
		return nil, nil
	}
	var out []*snapshot
	for i := range list {
		s := &snapshot{ref: kube.RefOf(&list[i]), obj: &list[i]}
		s.state, _, _ = unstructured.NestedString(list[i].Object, "status", "state")
		spec, _, _ := unstructured.NestedMap(list[i].Object, "spec")
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(spec, &s.spec); err != nil {
			return nil, fmt.Errorf("read %s: %w", s.ref, err)
		}
		if ref := s.spec.JobReference; ref != nil {
			s.job = all[kube.KindFlinkDeployment.Ref(s.ref.Namespace, ref.Name)]
			s.cluster = s.job
			for _, j := range sessions {
				if ref.Kind == kube.KindFlinkSessionJob.Kind && j.ref.Name == ref.Name && j.ref.Namespace == s.ref.Namespace {
					s.job, s.cluster = j.deployment, j.cluster
				}
			}
		}
		out = append(out, s)
	}
	return out, err
}

// triggerType is the label that says why a snapshot was taken.
const triggerType = "snapshot.trigger-type"

// trigger is why it was taken: those that a user makes have no label at first.
func (s *snapshot) trigger() string {
	if t := s.obj.GetLabels()[triggerType]; t != "" {
		return t
	}
	return strings.ToUpper(manual)
}

// kind is what is taken.
func (s *snapshot) kind() string {
	if s.spec.Savepoint != nil {
		return "SAVEPOINT"
	}
	return "CHECKPOINT"
}

// reconcileSnapshot takes one snapshot a step on. One of a job that is not there is never abandoned, and its finalizer stays: the
// operator cannot clean up what has no status.
func (o *Operator) reconcileSnapshot(ctx context.Context, s *snapshot) error {
	fins := s.obj.GetFinalizers()
	switch {
	case s.obj.GetDeletionTimestamp() != nil && !slices.Contains(fins, snapshotFinalizer):
		return nil
	case !slices.Contains(fins, snapshotFinalizer):
		_, err := o.Cluster.Patch(ctx, s.ref, "", object{"metadata": object{"finalizers": append(fins, snapshotFinalizer)}})
		return err
	case s.state == "" && s.job == nil:
		return o.refuseSnapshot(ctx, s)
	case s.state == snapshotInProgress:
		return o.followSnapshot(ctx, s)
	case s.obj.GetDeletionTimestamp() != nil:
		return o.finalizeSnapshot(ctx, s)
	case s.state == "" || s.state == snapshotPending:
		return o.triggerSnapshot(ctx, s)
	}
	return nil
}

// refuseSnapshot says once what is wrong with the job reference; the operator says it at each pass.
func (o *Operator) refuseSnapshot(ctx context.Context, s *snapshot) error {
	if s.obj.GetLabels()["snapshot.state"] != "" {
		return nil
	}
	why := "Job reference must be supplied for this snapshot"
	if ref := s.spec.JobReference; ref != nil {
		why = fmt.Sprintf("Target for snapshot %s/%s was not found", s.ref.Namespace, ref.Name)
	}
	if err := o.warn(ctx, s, componentOperator, "ValidationError", why); err != nil {
		return err
	}
	return o.labelSnapshot(ctx, s, snapshotPending)
}

func (o *Operator) labelSnapshot(ctx context.Context, s *snapshot, state string) error {
	labels := object{"snapshot.state": state, triggerType: s.trigger(), "snapshot.type": s.kind()}
	if s.job != nil {
		labels["job-reference.kind"], labels["job-reference.name"] = s.job.ref.Kind.Kind, s.job.ref.Name
	}
	_, err := o.Cluster.Patch(ctx, s.ref, "", object{"metadata": object{"labels": labels}})
	return err
}

// become writes the state of a snapshot with what is known more.
func (o *Operator) become(ctx context.Context, s *snapshot, state string, more object) error {
	more["state"] = state
	if _, err := o.Cluster.Patch(ctx, s.ref, "status", object{"status": more}); err != nil {
		return err
	}
	return o.labelSnapshot(ctx, s, state)
}

// warn makes an event of a snapshot.
func (o *Operator) warn(ctx context.Context, s *snapshot, component, reason, message string) error {
	return o.eventOf(ctx, s.ref, string(s.obj.GetUID()), component, "Warning", reason, message)
}

func (o *Operator) now() string { return o.Clock.Now().UTC().Format(time.RFC3339Nano) }

// flinkOf is the REST API of the cluster of a snapshot's job, nil when the job does not run.
func (o *Operator) flinkOf(ctx context.Context, s *snapshot) (*flinkrest.Client, error) {
	if s.job == nil || s.cluster == nil || s.job.status("jobStatus", "state") != "RUNNING" {
		return nil, nil //nolint:nilnil // there is none
	}
	p, err := o.parts(ctx, s.cluster)
	if err != nil {
		return nil, err
	}
	return o.flink(p), nil
}

// triggerSnapshot asks the job for the snapshot. That of a job that does not run is abandoned.
func (o *Operator) triggerSnapshot(ctx context.Context, s *snapshot) error {
	if sp := s.spec.Savepoint; sp != nil && sp.AlreadyExists {
		return o.become(ctx, s, snapshotCompleted,
			object{"path": sp.Path, "failures": int64(0), "triggerTimestamp": o.now(), "resultTimestamp": o.now()})
	}
	f, err := o.flinkOf(ctx, s)
	if err != nil {
		return err
	}
	if f == nil {
		why := "the job is not running"
		if err := o.warn(ctx, s, componentSnapshot, "SnapshotAbandoned", why); err != nil {
			return err
		}
		return o.become(ctx, s, snapshotAbandoned, object{"error": why, "failures": int64(0)})
	}
	var id string
	if sp := s.spec.Savepoint; sp != nil {
		dir := sp.Path
		if dir == "" {
			dir = s.job.spec.FlinkConfiguration[flinkconf.Savepoints]
		}
		id, err = f.TriggerSavepoint(ctx, s.job.jobID(), dir)
	} else {
		id, err = f.TriggerCheckpoint(ctx, s.job.jobID())
	}
	if err != nil {
		return o.failSnapshot(ctx, s, err)
	}
	return o.become(ctx, s, snapshotInProgress,
		object{"triggerId": id, "triggerTimestamp": o.now(), "failures": s.failures(), "error": nil})
}

// followSnapshot asks how it is.
func (o *Operator) followSnapshot(ctx context.Context, s *snapshot) error {
	f, err := o.flinkOf(ctx, s)
	if err != nil || f == nil {
		return err // the JobManager may come back
	}
	id, _, _ := unstructured.NestedString(s.obj.Object, "status", "triggerId")
	var path string
	var done bool
	if s.spec.Savepoint != nil {
		path, done, err = f.SavepointDone(ctx, s.job.jobID(), id)
	} else if done, err = f.CheckpointDone(ctx, s.job.jobID(), id); done && err == nil {
		var all flinkrest.Checkpoints
		if all, err = f.Checkpoints(ctx, s.job.jobID()); err == nil && all.Latest.Completed != nil {
			path = all.Latest.Completed.Path
		}
	}
	switch {
	case err != nil:
		return o.failSnapshot(ctx, s, err)
	case !done:
		return nil
	}
	return o.become(ctx, s, snapshotCompleted, object{"path": path, "resultTimestamp": o.now()})
}

func (s *snapshot) failures() int64 { return number(s.obj, "status", "failures") }

// number is a whole number of an object, 0 for none.
func number(o *unstructured.Unstructured, path ...string) int64 {
	n, _, _ := unstructured.NestedFieldNoCopy(o.Object, path...)
	switch n := n.(type) {
	case int64:
		return n
	case float64:
		return int64(n)
	}
	return 0
}

// failSnapshot counts a failure; after more of them than backoffLimit allows there is no other try.
func (o *Operator) failSnapshot(ctx context.Context, s *snapshot, why error) error {
	failures, state := s.failures()+1, snapshotPending
	if limit := s.spec.BackoffLimit; limit != nil && *limit >= 0 && failures > int64(*limit) {
		state = snapshotFailed
	}
	if err := o.warn(ctx, s, componentSnapshot, "SnapshotError", why.Error()); err != nil {
		return err
	}
	return o.become(ctx, s, state, object{"failures": failures, "error": why.Error(), "resultTimestamp": o.now()})
}

// finalizeSnapshot deletes the files of a savepoint that is to be disposed of, by way of its job, and then the finalizer.
func (o *Operator) finalizeSnapshot(ctx context.Context, s *snapshot) error {
	if s.state == "" {
		return nil
	}
	path, _, _ := unstructured.NestedString(s.obj.Object, "status", "path")
	if sp := s.spec.Savepoint; sp != nil && (sp.DisposeOnDelete == nil || *sp.DisposeOnDelete) && path != "" {
		f, err := o.flinkOf(ctx, s)
		if err == nil && f == nil {
			err = o.waitsForJob(ctx, s) // only Flink knows the files
		}
		if err != nil || f == nil {
			return err
		}
		if done, err := o.dispose(ctx, s, f, path); err != nil || !done {
			return err
		}
	}
	fins := slices.DeleteFunc(slices.Clone(s.obj.GetFinalizers()), func(f string) bool { return f == snapshotFinalizer })
	_, err := o.Cluster.Patch(ctx, s.ref, "", object{"metadata": object{"finalizers": fins}})
	return err
}

// waitsForJob says once what the disposal of a savepoint waits for.
func (o *Operator) waitsForJob(ctx context.Context, s *snapshot) error {
	why := "is not running!"
	if s.job == nil {
		why = "cannot be found!"
	}
	if !o.first(o.waiting, string(s.obj.GetUID())+why) {
		return nil
	}
	return o.warn(ctx, s, componentSnapshot, "CleanupFailed", "Cannot dispose of snapshot because referenced Flink job "+why)
}

// dispose asks for the end of a savepoint's files and says whether it is there.
func (o *Operator) dispose(ctx context.Context, s *snapshot, f *flinkrest.Client, path string) (bool, error) {
	uid := string(s.obj.GetUID())
	q := o.asked(uid)
	if q == nil {
		id, err := f.DisposeSavepoint(ctx, path)
		if err == nil {
			o.ask(uid, &request{id: id})
		}
		return false, err
	}
	done, err := f.DisposalDone(ctx, q.id)
	if done || err != nil {
		o.ask(uid, nil)
	}
	if err != nil {
		err = errors.Join(err, o.warn(ctx, s, componentSnapshot, "CleanupFailed", err.Error()))
	}
	return done && err == nil, err
}
