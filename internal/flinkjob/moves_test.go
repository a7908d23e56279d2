// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/kube"
	"emrflink/internal/kube/kubetest"
)

// Each job of another release has the report of an upgrade to that, and nothing is changed.
func TestWhatAnotherReleaseMeansForEachJob(t *testing.T) {
	t.Parallel()
	const to = "emr-7.99.0-flink-20300101"
	job := func(name, mode string, status obj) *unstructured.Unstructured {
		o := flink(kube.KindFlinkDeployment.Ref("flink-team-a", name), mode, status)
		require.NoError(t, unstructured.SetNestedField(o.Object, "s3://"+ours+"/flink-team-a/checkpoints/"+name, "spec",
			"flinkConfiguration", "state.checkpoints.dir"))
		return o
	}
	moved := job("moved", "savepoint", jobStatus("STABLE", "READY", "RUNNING", nil))
	require.NoError(t, unstructured.SetNestedField(moved.Object, to, "spec", "emrReleaseLabel"))
	session := job("session", "", obj{"lifecycleState": "STABLE"})
	unstructured.RemoveNestedField(session.Object, "spec", "job")
	inSession := kubetest.Object(kube.KindFlinkSessionJob, "flink-team-a", "in-session", obj{
		"spec": obj{"deploymentName": "session", "job": obj{"upgradeMode": "savepoint"}}, "status": runningBig(nil),
	})
	const sp = "s3://" + native
	s := kubetest.New(moved, session, inSession,
		job("runs", "last-state", jobStatus("STABLE", "READY", "RUNNING", nil)),
		job("lost", "stateless", jobStatus("STABLE", "READY", "RUNNING", nil)),
		job("fails", "savepoint", jobStatus("STABLE", "READY", "RESTARTING", nil)),
		bigJob(jobStatus("STABLE", "READY", "RUNNING", nil), ""))
	stopped := job("big", "savepoint", jobStatus("SUSPENDED", "READY", "FINISHED", obj{"upgradeSavepointPath": sp}))
	require.NoError(t, unstructured.SetNestedField(stopped.Object, suspended, "spec", "job", "state"))
	s.Put(stopped)
	v := withStates(t)
	moves, err := deployedWith(v, s, nil).Moves(t.Context(), to, "v1_20")
	require.NoError(t, err)
	got := map[string]Move{}
	for _, m := range moves {
		require.Equal(t, to, m.To)
		got[m.Job] = m
	}
	require.Len(t, got, 6)
	require.Equal(t, []string{FromSavepoint, "", ""}, []string{got["runs"].From, got["runs"].State, got["runs"].Refused})
	require.Equal(t, "emrflink job upgrade runs --release "+to, got["runs"].Command)
	require.Equal(t, []any{FromCheckpoint, sp, day}, []any{got["big"].From, got["big"].State, got["big"].At})
	require.Contains(t, got["lost"].Refused, "stateless")
	require.Contains(t, got["lost"].Command, "emrflink job savepoint lost")
	require.Contains(t, got["fails"].Refused, "no state to start from")
	require.Contains(t, got["session"].Refused, "session cluster")
	require.Contains(t, got["in-session"].Refused, "it moves with its session cluster session")
	require.NotContains(t, got, "moved")
	require.Empty(t, s.Calls(), "nothing was changed")

	v.fail = "list"
	moves, err = deployedWith(v, s, nil).Moves(t.Context(), to, "v1_20")
	require.NoError(t, err)
	for _, m := range moves {
		if m.Job == "big" {
			require.Contains(t, m.NotAssessed, "AccessDenied")
		}
	}
}
