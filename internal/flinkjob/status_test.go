// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"encoding/json"
	"sort"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"emrflink/internal/kube"
	"emrflink/internal/kube/kubetest"
)

func TestDeleteWaitsForTheFinalizerAndThePods(t *testing.T) {
	t.Parallel()
	ref := kube.KindFlinkDeployment.Ref("flink-team-a", "basic")
	s := kubetest.New(
		kubetest.Object(ref.Kind, ref.Namespace, ref.Name, obj{
			"metadata": obj{"finalizers": []any{"flinkdeployments.flink.apache.org/finalizer"}},
		}),
		pod("basic-taskmanager-1-1", RoleTaskManager, "n2", running),
	)
	clock := newClock(map[time.Duration]func(){
		3 * time.Second: func() {
			_, err := s.Patch(t.Context(), ref, "", obj{"metadata": obj{"finalizers": nil}})
			require.NoError(t, err)
		},
		6 * time.Second: func() { s.Remove(kube.KindPod.Ref("flink-team-a", "basic-taskmanager-1-1")) },
	})
	var causes []string
	res, err := Runner{Kube: s, Clock: clock, Poll: time.Second}.Delete(t.Context(), "flink-team-a", "basic",
		func(p Progress) { causes = append(causes, p.Cause) })
	require.NoError(t, err)
	require.Equal(t, DeleteResult{
		SchemaVersion: 1, Job: "basic", Namespace: "flink-team-a", Deleted: true, ElapsedSeconds: 6,
	}, res)
	require.Equal(t, []string{
		`FlinkDeployment "flink-team-a/basic" waits for finalizer flinkdeployments.flink.apache.org/finalizer`,
		`Pod "flink-team-a/basic-taskmanager-1-1" has not been deleted`,
	}, causes)
}

func TestDeleteOfAnAbsentJobIsDone(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*kubetest.Store{
		"no such job": kubetest.New(), "no such kind": kubetest.New().WithoutKind(kube.KindFlinkDeployment),
	} {
		res, err := Runner{Kube: s, Clock: newClock(nil)}.Delete(t.Context(), "flink-team-a", "basic", nil)
		require.NoError(t, err, name)
		require.False(t, res.Deleted, name)
	}
}

func TestDeleteThatHangsNamesTheFinalizer(t *testing.T) {
	t.Parallel()
	s := kubetest.New(kubetest.Object(kube.KindFlinkDeployment, "ns", "j", obj{"metadata": obj{"finalizers": []any{"x/y"}}}))
	_, err := Runner{Kube: s, Clock: newClock(nil), Timeout: 30 * time.Second}.Delete(t.Context(), "ns", "j", nil)
	var still *kube.StillThereError
	require.ErrorAs(t, err, &still)
	require.Equal(t, []string{"x/y"}, still.Blocker.Finalizers[:1])
}

func TestStatusOfAbsentAndRunningJobs(t *testing.T) {
	t.Parallel()
	s := healthyCluster()
	b := &bucket{}
	r := Runner{Kube: s, Objects: b, Clock: newClock(nil)}
	_, err := r.Status(t.Context(), "flink-team-a", "basic")
	require.ErrorIs(t, err, ErrNoJob)
	objs, err := Render(spec(t))
	require.NoError(t, err)
	s.Put(objs[0])
	s.Put(pod("basic-1", RoleJobManager, "n1", running))
	setStatus(t, s, obj{"observedGeneration": 1, "lifecycleState": "STABLE", "jobManagerDeploymentStatus": "READY",
		"jobStatus": obj{"state": "RUNNING"}})
	res, err := r.Status(t.Context(), "flink-team-a", "basic")
	require.NoError(t, err)
	want := StatusResult{
		Kind: "FlinkDeployment", Health: Healthy,
		SchemaVersion: SchemaVersion, Job: "basic", Namespace: "flink-team-a", State: "RUNNING", LifecycleState: "STABLE",
		JobManager: "READY", Cause: res.Cause,
		Pods: []PodStatus{{Name: "basic-1", Role: RoleJobManager, Phase: "Running", Ready: true, Node: "n1"}},
		Nodes: []NodeUse{
			{Name: "n1", InstanceType: "c5d.large", CapacityType: "on-demand", NodePool: "jm", Roles: []string{RoleJobManager}},
		},
	}
	require.Equal(t, want, res)
	require.Contains(t, res.Cause, "no checkpoint below")
	// The newest by time, then by name, however the bucket lists them; one node has both roles.
	b.put(chk+"chk-8/_metadata", 23, r.Clock.Now())
	b.put(chk+"chk-7/_metadata", 23, r.Clock.Now())
	b.put(chk+"chk-9/_metadata", 23, r.Clock.Now().Add(-time.Second))
	s.Put(pod("basic-taskmanager-1-1", RoleTaskManager, "n1", running))
	want.Pods = append(want.Pods, PodStatus{
		Name: "basic-taskmanager-1-1", Role: RoleTaskManager, Phase: "Running", Ready: true, Node: "n1",
	})
	want.Nodes[0].Roles = []string{RoleJobManager, RoleTaskManager}
	want.Cause, want.Checkpoint = "", &Checkpoint{
		URI: "s3://emr-eks-flink-111122223333-us-west-2-checkpoints/" + chk + "chk-8", Bytes: 23, At: r.Clock.Now(),
	}
	for range 40 { // maps have no order
		res, err = r.Status(t.Context(), "flink-team-a", "basic")
		require.NoError(t, err)
		require.Equal(t, want, res)
	}
	// What an earlier job of the same name left is not its checkpoint.
	for id, found := range map[string]bool{"0123456789abcdef0123456789abcdef": true, "fedcba9876543210fedcba9876543210": false} {
		setStatus(t, s, obj{"jobStatus": obj{"state": "RUNNING", "jobId": id}})
		res, err = r.Status(t.Context(), "flink-team-a", "basic")
		require.NoError(t, err)
		require.Equal(t, found, res.Checkpoint != nil)
	}

	setStatus(t, s, obj{"jobStatus": obj{"state": "RUNNING", "jobId": "fedcba9876543210fedcba9876543210"}})
	list, err := r.Jobs(t.Context(), "")
	require.NoError(t, err)
	require.Equal(t, []Summary{
		{
			Job: "basic", Namespace: "flink-team-a", Sample: "basic", State: "RUNNING", Created: list[0].Created,
			Kind: "FlinkDeployment", Health: Healthy, Lifecycle: "STABLE", Parallelism: 2, Release: "emr-7.13.0-flink-latest",
		},
	}, list)
}

func TestJSONFieldsAreTheContract(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		value any
		want  []string
	}{
		"run": {RunResult{Checkpoint: Checkpoint{URI: "x"}, Nodes: []NodeUse{{}}},
			[]string{"checkpoint", "checkpoint.at", "checkpoint.bytes", "checkpoint.uri",
				"elapsedSeconds", "job", "namespace", "nodes", "nodes.capacityType", "nodes.instanceType", "nodes.name",
				"nodes.nodePool", "nodes.roles", "schemaVersion", "state"}},
		"delete": {DeleteResult{}, []string{"deleted", "elapsedSeconds", "job", "namespace", "schemaVersion"}},
		"status": {StatusResult{
			Pods: []PodStatus{{}},
		}, []string{"cause", "health", "job", "jobManager", "kind", "lifecycle", "namespace", "nodes", "pods",
			"pods.name", "pods.node", "pods.phase", "pods.ready", "pods.role", "schemaVersion", "state"}},
	} {
		raw, err := json.Marshal(tc.value)
		require.NoError(t, err, name)
		var v any
		require.NoError(t, json.Unmarshal(raw, &v), name)
		got := fields("", v)
		sort.Strings(got)
		require.Empty(t, cmp.Diff(tc.want, got), name)
	}
}

func fields(prefix string, v any) []string {
	var out []string
	switch v := v.(type) {
	case map[string]any:
		for k, sub := range v {
			out = append(append(out, prefix+k), fields(prefix+k+".", sub)...)
		}
	case []any:
		for _, e := range v[:min(1, len(v))] {
			out = append(out, fields(prefix, e)...)
		}
	}
	return out
}

func TestAnUnreadableOperatorErrorIsShownAsItIs(t *testing.T) {
	t.Parallel()
	require.Equal(t, "plain", plainError("plain"))
	require.Equal(t, "a: b", plainError(`{"message":"a","throwableList":[{"message":"b"},{"message":"a"}]}`))
	require.Equal(t, "{}", plainError("{}"))
}
