// SPDX-License-Identifier: Apache-2.0

package flinkoperator

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/kube"
	"emrflink/internal/localcloud/flinkconf"
)

// deployed is a setting of the cluster that is deployed.
func (w *world) deployed(key string) string {
	w.t.Helper()
	cm := w.get(kube.KindConfigMap.Ref(team, "flink-config-basic"))
	text, _, _ := unstructured.NestedString(cm.Object, "data", flinkconf.ConfFile)
	return flinkconf.Parse(text)[key]
}

// reasons are those of all events.
func (w *world) reasons() []string {
	w.t.Helper()
	list, err := w.List(w.t.Context(), kube.KindEvent, kube.ListOptions{Namespace: team})
	require.NoError(w.t, err)
	var out []string
	for _, e := range list {
		reason, _, _ := unstructured.NestedString(e.Object, "reason")
		out = append(out, reason)
	}
	return out
}

func TestAnUpgradeThatDoesNotBecomeStableIsRolledBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Put(flink(object{
		"job":                object{"upgradeMode": "last-state"},
		"flinkConfiguration": object{keyRollback: "true", keyReadiness: "10 s"},
	}))
	w.pass(10)
	require.Equal(t, "STABLE", w.status("lifecycleState"))
	id := w.status("jobStatus", "jobId")
	w.s3.deny["assume"] = denied("sts:AssumeRoleWithWebIdentity")
	w.spec(object{"job": object{"parallelism": 1}})
	w.pass(5)
	require.Equal(t, "1", w.deployed(flinkconf.Parallelism))
	require.NotContains(t, w.reasons(), "Rollback", "it has time")
	w.pass(12)
	require.Equal(t, []string{"ROLLED_BACK", "ROLLED_BACK"},
		[]string{w.status("lifecycleState"), w.status("reconciliationStatus", "state")})
	require.Contains(t, w.reasons(), "Rollback")
	require.Equal(t, "3", w.deployed(flinkconf.Parallelism))
	delete(w.s3.deny, "assume")
	w.pass(6)
	require.Equal(t, "ROLLED_BACK", w.status("lifecycleState"))
	require.Equal(t, "RUNNING", w.status("jobStatus", "state"))
	require.Equal(t, id, w.status("jobStatus", "jobId"), "it went on from what high availability has")

	// The spec put back is an upgrade of its own: the reconciled one is what failed.
	w.spec(object{"job": object{"parallelism": 3}})
	w.pass(12)
	require.Equal(t, "STABLE", w.status("lifecycleState"))
}

func TestALostDeploymentIsMadeAgainWithItsState(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Put(flink(nil))
	w.pass(10)
	w.spec(object{"job": object{"parallelism": 1}}) // the status has a savepoint, which is older than the job
	w.pass(14)
	id := w.status("jobStatus", "jobId")
	require.NoError(t, w.Delete(t.Context(), kube.KindDeployment.Ref(team, "basic"), kube.Background))
	w.pass(12)
	require.Equal(t, "RUNNING", w.status("jobStatus", "state"))
	require.Equal(t, id, w.status("jobStatus", "jobId"), "it goes on from what high availability has")
	require.Contains(t, w.reasons(), "RecoverDeployment")
	require.Contains(t, w.reasons(), "Missing")
}

// Without high-availability data there is nothing that an upgrade could go on from but where the job was to begin.
func TestAJobThatDoesNotRunIsUpgradedOnlyWithItsState(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.s3.deny["assume"] = denied("sts:AssumeRoleWithWebIdentity")
	w.Put(flink(nil))
	w.pass(4)
	require.Equal(t, "ERROR", w.status("jobManagerDeploymentStatus"))
	delete(w.s3.deny, "assume")
	w.spec(object{"job": object{"jarURI": "local:///y.jar"}})
	require.NoError(t, w.op.Reconcile(t.Context()))
	require.Contains(t, w.status("error"), "HA data is not available to make stateful upgrades")
	require.Equal(t, "local:///x.jar", w.deployed(flinkconf.Jars))

	cluster := w.get(kube.KindDeployment.Ref(team, "basic"))
	require.NoError(t, unstructured.SetNestedSlice(cluster.Object, []any{object{"type": "Available", "status": "False",
		"lastTransitionTime": cluster.GetCreationTimestamp().UTC().Format(time.RFC3339)}}, "status", "conditions"))
	w.Put(cluster) // no JobManager was ever ready
	w.pass(10)
	require.Equal(t, "local:///y.jar", w.deployed(flinkconf.Jars))
	require.Equal(t, "STABLE", w.status("lifecycleState"))
}
