// SPDX-License-Identifier: Apache-2.0

package cleanup

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/awsapi"
	"emrflink/internal/kube"
	"emrflink/internal/kube/kubetest"
)

// flinkWorld has a job of each kind, and an operator that answers to a suspension with what answers say by name: a path, or an
// error; without an answer it does nothing.
func flinkWorld(t *testing.T, states, answers map[string]string) *world {
	t.Helper()
	w := newWorld(t)
	w.c.Scope.StopWithSavepoint, w.c.Scope.SavepointTimeout = true, time.Minute
	var objs []*unstructured.Unstructured
	for name, state := range states {
		kind := kube.KindFlinkDeployment
		if strings.HasPrefix(name, "session") {
			kind = kube.KindFlinkSessionJob
		}
		objs = append(objs, kubetest.Object(kind, "team", name, map[string]any{
			"spec":   map[string]any{"job": map[string]any{"state": "running", "upgradeMode": "last-state"}},
			"status": map[string]any{"lifecycleState": "STABLE", "jobStatus": map[string]any{"state": state}},
		}))
	}
	w.kube = kubetest.New(append(objs, kubetest.Object(kube.KindFlinkDeployment, "team", "cluster", nil))...)
	w.kube.React(w.controllers)
	w.kube.React(func(verb string, o *unstructured.Unstructured) {
		answer := answers[o.GetName()]
		wanted, _, _ := unstructured.NestedString(o.Object, "spec", "job", "state")
		if verb != "patch" || wanted != suspended || answer == "" {
			return
		}
		status := map[string]any{"error": answer}
		if strings.Contains(answer, "://") || answer == "KUBERNETES_OPERATOR_LAST_STATE" {
			status = map[string]any{"lifecycleState": "SUSPENDED",
				"jobStatus": map[string]any{"state": "FINISHED", "upgradeSavepointPath": answer}}
		}
		o.Object["status"] = status
		w.kube.Put(o)
	})
	return w
}

func TestJobsAreStoppedWithASavepointBeforeAnythingIsDeleted(t *testing.T) {
	t.Parallel()
	w := flinkWorld(t, map[string]string{"basic": "RUNNING", "session": "RUNNING", "ended": "FINISHED"},
		map[string]string{"basic": "s3://our-bucket/sp/1", "session": "s3://elsewhere/sp/2"})
	report, err := w.run(t)
	require.NoError(t, err)
	require.Equal(t, []Savepoint{
		{"FlinkDeployment team/basic", "s3://our-bucket/sp/1", false},
		{"FlinkSessionJob team/session", "s3://elsewhere/sp/2", true},
	}, report.Savepoints)
	w.inOrder(t, "gone FlinkDeployment basic", "engine")
	calls := w.kube.Calls()
	require.Equal(t, []string{"patch FlinkDeployment team/basic", "patch FlinkSessionJob team/session"}, calls[:2])

	w = flinkWorld(t, map[string]string{"basic": "RUNNING"}, map[string]string{"basic": "s3://our-bucket/sp/1"})
	w.c.Scope.RetainData = true
	report, err = w.run(t)
	require.NoError(t, err)
	require.True(t, report.Savepoints[0].Kept)
}

func TestAJobThatTakesNoSavepointEndsTheCleanupBeforeAnythingIsDeleted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		state, answer, why string
		exit               int
		tried              bool // it was suspended, and runs on
	}{
		"it does not run in time":        {"RECONCILING", "", "it is RECONCILING", 6, false},
		"it has failed":                  {"FAILED", "", "it has failed", 1, false},
		"the operator refuses":           {"RUNNING", "ValidationException: no savepoint folder", "no savepoint folder", 1, true},
		"S3 refuses":                     {"RUNNING", "UpgradeFailureException: AccessDenied", "AccessDenied", 6, true},
		"the operator does not answer":   {"RUNNING", "", "its savepoint is being taken", 6, true},
		"the operator falls back":        {"RUNNING", "KUBERNETES_OPERATOR_LAST_STATE", "has no savepoint", 1, true},
		"the API server refuses a patch": {"RUNNING", "refuse", "webhook denied", 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world := func() *world {
				w := flinkWorld(t, map[string]string{"basic": "RUNNING", "job": c.state},
					map[string]string{"basic": "s3://our-bucket/sp/1", "job": c.answer})
				if c.answer == "refuse" {
					w.kube.Fail("patch FlinkDeployment", errors.New("webhook denied"))
				}
				return w
			}
			w := world()
			report, err := w.run(t)
			var failed *SavepointError
			require.ErrorAs(t, err, &failed)
			require.ErrorContains(t, err, c.why)
			require.Equal(t, c.exit, failed.ExitCode())
			require.Contains(t, failed.Hint(), "--delete-without-savepoint")
			require.Zero(t, w.engine.runs)
			require.NotContains(t, strings.Join(w.kube.Calls(), "\n"), "delete ")
			require.NotEmpty(t, report.Errors)
			for _, name := range []string{"basic", "job"} {
				o, err := w.kube.Get(t.Context(), kube.KindFlinkDeployment.Ref("team", name))
				require.NoError(t, err)
				job, _, _ := unstructured.NestedMap(o.Object, "spec", "job")
				require.Equal(t, map[string]any{"state": "running", "upgradeMode": "last-state"}, job, name)
			}
			patched := strings.Contains(strings.Join(w.kube.Calls(), "\n"), "patch FlinkDeployment team/job")
			require.Equal(t, c.tried, patched)

			w = world()
			w.c.Scope.DeleteWithoutSavepoint = true
			report, err = w.run(t)
			require.NoError(t, err)
			require.Contains(t, strings.Join(report.Warnings, "\n"), "FlinkDeployment team/job is deleted without a savepoint")
			require.Equal(t, 1, w.engine.runs)
		})
	}
}

func TestWithoutTheClusterThereIsNoSavepoint(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		gone, lose, ok bool
	}{
		"the cluster is gone": {gone: true, ok: true}, "its API is": {}, "and the state may be lost": {lose: true, ok: true},
	} {
		w := newWorld(t)
		w.c.Scope.StopWithSavepoint, w.c.Scope.WithoutCluster, w.c.Scope.DeleteWithoutSavepoint = true, true, c.lose
		w.account.cluster = !c.gone
		w.c.Connect = func(context.Context, awsapi.Cluster) (Cluster, error) { return nil, errors.New("refused") }
		_, err := w.run(t)
		require.Equal(t, c.ok, err == nil, "%s: %v", name, err)
		require.Equal(t, c.ok, w.engine.runs > 0, name)
	}
}
