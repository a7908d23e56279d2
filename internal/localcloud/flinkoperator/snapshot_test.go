// SPDX-License-Identifier: Apache-2.0

package flinkoperator

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/kube"
	"emrflink/internal/kube/kubetest"
)

func snapshotRef(name string) kube.Ref { return kube.KindFlinkStateSnapshot.Ref(team, name) }

// snap makes a FlinkStateSnapshot with what the API server fills in.
func (w *world) snap(name, job string, savepoint object) {
	spec := object{"backoffLimit": int64(-1), "checkpoint": object{}}
	if savepoint != nil {
		delete(spec, "checkpoint")
		spec["savepoint"] = object{"alreadyExists": false, "disposeOnDelete": true, "formatType": "CANONICAL"}
		mergeTemplate(spec["savepoint"].(object), savepoint)
	}
	if job != "" {
		spec["jobReference"] = object{"kind": "FlinkDeployment", "name": job}
	}
	w.Put(kubetest.Object(kube.KindFlinkStateSnapshot, team, name, object{"spec": spec}))
}

// snapStatus is a field of a snapshot's status.
func (w *world) snapStatus(name, field string) string {
	w.t.Helper()
	s, _, _ := unstructured.NestedString(w.get(snapshotRef(name)).Object, "status", field)
	return s
}

func (w *world) gone(ref kube.Ref) bool {
	_, err := w.Get(w.t.Context(), ref)
	return kube.IsNotFound(err)
}

func TestASnapshotByHandIsTakenAndDisposedOf(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Put(flink(nil))
	w.pass(8)
	w.snap("hand", "basic", object{})
	w.snap("kept", "basic", object{"disposeOnDelete": false})
	w.snap("checkpoint", "basic", nil)
	w.snap("known", "basic", object{"alreadyExists": true, "path": "s3://b/old"})
	w.pass(2)
	require.Equal(t, "IN_PROGRESS", w.snapStatus("hand", "state"))
	w.pass(3)
	for _, name := range []string{"hand", "kept", "checkpoint", "known"} {
		o := w.get(snapshotRef(name))
		require.Equal(t, "COMPLETED", w.snapStatus(name, "state"), name)
		require.NotEmpty(t, w.snapStatus(name, "path"), name)
		require.Equal(t, "COMPLETED", o.GetLabels()["snapshot.state"])
		require.Equal(t, "MANUAL", o.GetLabels()["snapshot.trigger-type"])
		require.Equal(t, "basic", o.GetLabels()["job-reference.name"])
		require.Equal(t, "FlinkDeployment", o.GetLabels()["job-reference.kind"])
		require.Contains(t, o.GetFinalizers(), snapshotFinalizer)
		require.Empty(t, o.GetOwnerReferences(), "it outlives its job")
	}
	require.Equal(t, "SAVEPOINT", w.get(snapshotRef("hand")).GetLabels()["snapshot.type"])
	require.Equal(t, "CHECKPOINT", w.get(snapshotRef("checkpoint")).GetLabels()["snapshot.type"])
	require.Regexp(t, `^s3p://b/team/checkpoints/basic/\w{32}/chk-\d+$`, w.snapStatus("checkpoint", "path"))
	require.Equal(t, "s3://b/old", w.snapStatus("known", "path"))
	require.Equal(t, "STABLE", w.status("lifecycleState"))

	require.Len(t, w.s3.keys("/savepoints/"), 2)
	for _, name := range []string{"hand", "kept", "checkpoint"} {
		require.NoError(t, w.Delete(t.Context(), snapshotRef(name), kube.Background))
	}
	w.pass(4)
	for _, name := range []string{"hand", "kept", "checkpoint"} {
		require.True(t, w.gone(snapshotRef(name)), name)
	}
	require.Len(t, w.s3.keys("/savepoints/"), 1, "one was to be kept")
	require.NoError(t, w.Delete(t.Context(), jobRef, kube.Background))
	w.pass(4)
	require.True(t, w.gone(jobRef))
	require.False(t, w.gone(snapshotRef("known")))
}

// The operator cannot clean up what has no status: only without its finalizer it goes.
func TestASnapshotOfNoJobIsRefusedAndStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Put(flink(nil))
	w.snap("wrong", "no-such", object{})
	w.snap("noref", "", object{})
	w.pass(4)
	for name, want := range map[string]string{
		"wrong": "Target for snapshot " + team + "/no-such was not found",
		"noref": "Job reference must be supplied for this snapshot",
	} {
		_, has, _ := unstructured.NestedMap(w.get(snapshotRef(name)).Object, "status")
		require.False(t, has)
		require.Equal(t, "TRIGGER_PENDING", w.get(snapshotRef(name)).GetLabels()["snapshot.state"])
		events, err := w.List(t.Context(), kube.KindEvent, kube.ListOptions{Namespace: team})
		require.NoError(t, err)
		var said []string
		for _, e := range events {
			about, _, _ := unstructured.NestedString(e.Object, "involvedObject", "name")
			if reason, _, _ := unstructured.NestedString(e.Object, "reason"); about == name && reason == "ValidationError" {
				message, _, _ := unstructured.NestedString(e.Object, "message")
				said = append(said, message)
			}
		}
		require.Equal(t, []string{want}, said)
		require.NoError(t, w.Delete(t.Context(), snapshotRef(name), kube.Background))
	}
	w.pass(3)
	require.False(t, w.gone(snapshotRef("wrong")))
	require.False(t, w.gone(snapshotRef("noref")))
}

func TestASnapshotOfAJobThatDoesNotRunIsAbandoned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Put(flink(object{"job": object{"state": "suspended"}}))
	w.snap("early", "basic", object{})
	w.pass(4)
	require.Equal(t, "ABANDONED", w.snapStatus("early", "state"))
	require.NoError(t, w.Delete(t.Context(), snapshotRef("early"), kube.Background))
	w.pass(1)
	require.True(t, w.gone(snapshotRef("early")))
}

// mayNotMakeSnapshots is the permission of EMR's operator.
func (w *world) mayNotMakeSnapshots() {
	for _, verb := range []string{"list", "create"} {
		w.Fail(verb+" FlinkStateSnapshot", kube.NewError(verb, snapshotRef(""), "Forbidden", "cannot"))
	}
}

// made are the snapshots that the operator made, by their names without the time.
func (w *world) made() map[string]*unstructured.Unstructured {
	w.t.Helper()
	list, err := w.List(w.t.Context(), kube.KindFlinkStateSnapshot, kube.ListOptions{Namespace: team})
	require.NoError(w.t, err)
	all := map[string]*unstructured.Unstructured{}
	for i := range list {
		all[strings.TrimRight(list[i].GetName(), "0123456789")] = &list[i]
	}
	return all
}

// As the real operator does it: no event, nothing in the status, and the job is DEPLOYED until the snapshot is there.
func TestANonceAndAnUpgradeLeaveSnapshots(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Put(flink(nil))
	w.pass(8)
	require.Equal(t, "STABLE", w.status("lifecycleState"))
	for kind, patch := range map[string]object{
		"savepoint": {"savepointTriggerNonce": 7}, "checkpoint": {"checkpointTriggerNonce": 7},
	} {
		w.spec(object{"job": patch})
		w.pass(1)
		require.Equal(t, "DEPLOYED", w.status("lifecycleState"), kind)
		w.pass(5)
		require.Equal(t, "STABLE", w.status("lifecycleState"), kind)
		s := w.made()["basic-"+kind+"-manual-"]
		require.NotNil(t, s, kind)
		require.Equal(t, map[string]string{
			"job-reference.kind": "FlinkDeployment", "job-reference.name": "basic", "snapshot.state": "COMPLETED",
			"snapshot.trigger-type": "MANUAL", "snapshot.type": strings.ToUpper(kind),
		}, s.GetLabels())
		require.Empty(t, s.GetOwnerReferences())
		require.NotEmpty(t, w.snapStatus(s.GetName(), "path"))
	}
	require.Len(t, w.made(), 2, "each is taken once")
	require.Empty(t, w.status("jobStatus", "savepointInfo", "lastSavepoint", "location"))
	require.Len(t, w.s3.keys("/savepoints/"), 1)

	w.spec(object{"job": object{"parallelism": 1}})
	w.pass(12)
	require.Equal(t, "STABLE", w.status("lifecycleState"))
	s := w.made()["basic-savepoint-upgrade-"]
	require.NotNil(t, s)
	require.Equal(t, "UPGRADE", s.GetLabels()["snapshot.trigger-type"])
	require.Equal(t, w.status("jobStatus", "upgradeSavepointPath"), w.snapStatus(s.GetName(), "path"))
	require.Empty(t, w.status("jobStatus", "savepointInfo", "lastSavepoint", "location"))
	require.NoError(t, w.Delete(t.Context(), snapshotRef(s.GetName()), kube.Background))
	w.pass(2)
	require.Len(t, w.s3.keys("/savepoints/"), 2, "the operator's own are not disposed of")
}
