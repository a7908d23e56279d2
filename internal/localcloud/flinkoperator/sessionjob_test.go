// SPDX-License-Identifier: Apache-2.0

package flinkoperator

import (
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/kube"
	"emrflink/internal/kube/kubetest"
)

var sessionRef = kube.KindFlinkSessionJob.Ref(team, "sj1")

func sessionCluster() *unstructured.Unstructured {
	cr := flink(nil)
	unstructured.RemoveNestedField(cr.Object, "spec", "job")
	return cr
}

func session(jar string) *unstructured.Unstructured {
	return kubetest.Object(sessionRef.Kind, team, sessionRef.Name, object{"spec": object{
		"deploymentName": jobRef.Name,
		"job":            object{"jarURI": jar, "parallelism": 3, "upgradeMode": "savepoint", "state": "running"},
	}})
}

// tuple is the status of the session job: lifecycle, job, reconciliation.
func (w *world) tuple() [3]string {
	w.t.Helper()
	of := func(path ...string) string {
		s, _, _ := unstructured.NestedString(w.get(sessionRef).Object, append([]string{"status"}, path...)...)
		return s
	}
	return [3]string{of("lifecycleState"), of("jobStatus", "state"), of("reconciliationStatus", "state")}
}

func (w *world) session(patch object) {
	w.t.Helper()
	_, err := w.Patch(w.t.Context(), sessionRef, "", object{"spec": patch})
	require.NoError(w.t, err)
}

func TestASessionJobRunsOnItsCluster(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Put(session("s3://b/team/jars/x.jar"))
	w.pass(2)
	require.Equal(t, [3]string{}, w.tuple(), "without its cluster it has no status")
	w.Put(sessionCluster())
	w.pass(10)
	require.Equal(t, [3]string{"STABLE", "RUNNING", "DEPLOYED"}, w.tuple())
	require.Contains(t, w.get(sessionRef).GetFinalizers(), sessionFinalizer)
	workers, err := w.Pods(t.Context(), team, "component=taskmanager")
	require.NoError(t, err)
	require.Len(t, workers, 2, "parallelism 3 on 2 slots")
	require.NotEmpty(t, w.s3.keys("/checkpoints/"))
	_, has, _ := unstructured.NestedString(w.get(sessionRef).Object, "status", "jobManagerDeploymentStatus")
	require.False(t, has)

	w.session(object{"job": object{"state": "suspended"}})
	w.pass(3)
	require.Equal(t, [3]string{"SUSPENDED", "FINISHED", "DEPLOYED"}, w.tuple())
	path, _, _ := unstructured.NestedString(w.get(sessionRef).Object, "status", "jobStatus", "upgradeSavepointPath")
	require.Contains(t, path, "s3://b/team/savepoints/basic/savepoint-")
	require.Len(t, w.s3.keys("/savepoints/"), 1)

	w.session(object{"job": object{"state": "running"}})
	w.pass(1)
	require.Equal(t, [3]string{"UPGRADING", "FINISHED", "UPGRADING"}, w.tuple())
	w.pass(3)
	require.Equal(t, [3]string{"STABLE", "RUNNING", "DEPLOYED"}, w.tuple())

	w.session(object{"job": object{"args": []any{"x"}}})
	w.pass(2)
	require.Equal(t, [3]string{"UPGRADING", "FINISHED", "UPGRADING"}, w.tuple())
	require.Len(t, w.s3.keys("/savepoints/"), 2)
	w.pass(3)
	require.Equal(t, [3]string{"STABLE", "RUNNING", "DEPLOYED"}, w.tuple())
}

func TestAJarInTheImageIsNotPossibleForASessionJob(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Put(sessionCluster())
	w.Put(session("local:///x.jar"))
	w.pass(8)
	require.Equal(t, [3]string{"UPGRADING", "", "UPGRADING"}, w.tuple())
	text, _, _ := unstructured.NestedString(w.get(sessionRef).Object, "status", "error")
	require.Contains(t, text, "Could not find a file system implementation for scheme 'local'")
}

func TestASessionClusterWaitsForTheEndOfItsJobs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Put(sessionCluster())
	w.Put(session("s3://b/team/jars/x.jar"))
	w.pass(10)
	require.NoError(t, w.Delete(t.Context(), jobRef, kube.Background))
	w.pass(5)
	require.Contains(t, w.get(jobRef).GetFinalizers(), finalizer)
	w.get(kube.KindDeployment.Ref(team, jobRef.Name))
	events, err := w.Events(t.Context(), team)
	require.NoError(t, err)
	told := 0
	for _, e := range events {
		if e.Reason == "CleanupFailed" {
			told++
			require.Equal(t, "The session jobs [sj1] should be deleted first", e.Message)
		}
	}
	require.Equal(t, 1, told)

	require.NoError(t, w.Delete(t.Context(), sessionRef, kube.Background))
	w.pass(1)
	require.Equal(t, [3]string{"STABLE", "CANCELLING", "DEPLOYED"}, w.tuple())
	w.pass(6)
	for _, ref := range []kube.Ref{sessionRef, jobRef} {
		_, err = w.Get(t.Context(), ref)
		require.True(t, kube.IsNotFound(err), ref)
	}
}

func TestASessionJobWithoutItsClusterCanBeDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := session("s3://b/x.jar")
	o.SetFinalizers([]string{sessionFinalizer})
	w.Put(o)
	require.NoError(t, w.Delete(t.Context(), sessionRef, kube.Background))
	w.pass(1)
	_, err := w.Get(t.Context(), sessionRef)
	require.True(t, kube.IsNotFound(err))
}
