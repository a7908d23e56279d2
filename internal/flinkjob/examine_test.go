// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/kube"
	"emrflink/internal/kube/kubetest"
)

// sized is a job whose JobManager and TaskManagers have a size.
func sizedJob(t *testing.T, more obj) Job {
	t.Helper()
	resource := obj{"resource": obj{"memory": "2048m", "cpu": int64(1)}}
	whole := obj{"jobManager": resource, "taskManager": resource, "job": obj{
		"jarURI": "local:///x.jar", "parallelism": int64(5),
	}, "flinkConfiguration": obj{"taskmanager.numberOfTaskSlots": "2"}}
	for k, v := range more {
		whole[k] = v
	}
	jobs, err := JobsOf([]map[string]any{own(whole)}, spec(t))
	require.NoError(t, err)
	return jobs[0]
}

func texts(found []Finding) (out []string) {
	for _, f := range found {
		out = append(out, f.Code+": "+f.Text)
	}
	return out
}

func TestSizesAreComparedWithThePools(t *testing.T) {
	t.Parallel()
	types := func(values ...any) *unstructured.Unstructured {
		return kubetest.Object(kube.KindNodePool, "", "c5d", obj{"spec": obj{"template": obj{"spec": obj{
			"nodeClassRef": obj{"name": "flink"},
			"requirements": []any{
				obj{"key": "kubernetes.io/arch", "operator": "In", "values": []any{"amd64"}},
				obj{"key": "karpenter.k8s.aws/instance-family", "operator": "In", "values": []any{"c5d"}},
				obj{"key": "karpenter.k8s.aws/instance-cpu", "operator": "Lt", "values": values},
			},
		}}}})
	}
	s := kubetest.New(types("9"),
		kubetest.Object(kube.KindEC2NodeClass, "", "flink", obj{"spec": obj{"kubelet": obj{"maxPods": int64(110)}}}),
		kubetest.Object(kube.KindDaemonSet, "kube-system", "aws-node", obj{"spec": obj{"template": obj{"spec": obj{
			"containers": []any{obj{"resources": obj{"requests": obj{"cpu": "50m", "memory": "64Mi"}}}}}}}}))
	r := Runner{Kube: s, Region: "us-west-2"}
	found, err := r.checkSizes(t.Context(), sizedJob(t, nil))
	require.NoError(t, err)
	require.Empty(t, found, "a JobManager takes most of the memory of the smallest type")

	big := obj{"resource": obj{"memory": "20g", "cpu": int64(1)}}
	found, err = r.checkSizes(t.Context(), sizedJob(t, obj{"taskManager": big}))
	require.NoError(t, err)
	require.Equal(t, []string{": a taskmanager pod asks for 1 CPU and 20480 MiB; the largest type of its pools has 7.86 CPU " +
		"and 13526 MiB"}, texts(found))
	require.Equal(t, "spec.taskManager.resource", found[0].Path)

	small := obj{"resource": obj{"memory": "512m", "cpu": 0.5}}
	found, err = r.checkSizes(t.Context(), sizedJob(t, obj{"jobManager": small}))
	require.NoError(t, err)
	require.Equal(t, []string{
		"idle: the smallest node that takes a jobmanager pod (0.5 CPU and 512 MiB) is a c5d.large of c5d: with " +
			"2 of them, 47 % of its CPU and 53 % of its memory stay idle, about $0.048 of its $0.096 an hour on demand",
	}, texts(found))

	selected := obj{"podTemplate": obj{"spec": obj{"nodeSelector": obj{"node.kubernetes.io/instance-type": "c5d.2xlarge"}}}}
	found, err = r.checkSizes(t.Context(), sizedJob(t, selected))
	require.NoError(t, err)
	require.Contains(t, texts(found)[0], "is a c5d.2xlarge of c5d: with 2 of them")
}

func TestQuotaAndLimitsOfTheTeamAreCompared(t *testing.T) {
	t.Parallel()
	s := kubetest.New(
		kubetest.Object(kube.KindResourceQuota, "flink-team-a", "team", obj{
			"spec":   obj{"hard": obj{"requests.cpu": "6", "requests.memory": "100Gi", "pods": "3"}},
			"status": obj{"used": obj{"requests.cpu": "1500m", "requests.memory": "0"}},
		}),
		kubetest.Object(kube.KindLimitRange, "flink-team-a", "defaults", obj{"spec": obj{"limits": []any{obj{
			"type": "Container", "defaultRequest": obj{"cpu": "100m", "memory": "256Mi"}, "max": obj{"memory": "1Gi"},
		}}}}))
	r := Runner{Kube: s}
	j := sizedJob(t, obj{"monitoringConfiguration": obj{}})
	found, err := r.checkQuota(t.Context(), j)
	require.NoError(t, err)
	require.Equal(t, []string{
		`: the job asks for 5 of pods; the quota "team" of namespace "flink-team-a" has 3, and 0 are in use`,
		`: the job asks for 5500m of requests.cpu; the quota "team" of namespace "flink-team-a" has 6, and 1500m are in use`,
	}, texts(found))
	s.Put(j.Object)
	found, err = r.checkQuota(t.Context(), j)
	require.NoError(t, err)
	require.Len(t, found, 1, "what the job uses already is its own")
	found, err = r.checkLimitRange(t.Context(), j)
	require.NoError(t, err)
	const refused = ` pods has 2Gi of memory; the LimitRange "defaults" of namespace "flink-team-a" allows at most 1Gi`
	require.Equal(t, []string{
		": flink-main-container of the jobmanager" + refused, ": flink-main-container of the taskmanager" + refused,
	}, texts(found))
}

func TestNodeAffinityIsComparedAsKarpenterDoes(t *testing.T) {
	t.Parallel()
	pool := kubetest.Object(kube.KindNodePool, "", "p", obj{"spec": obj{"template": obj{
		"metadata": obj{"labels": obj{"FlinkRole": "taskmanager"}},
		"spec": obj{"requirements": []any{
			obj{"key": "kubernetes.io/arch", "operator": "In", "values": []any{"amd64"}},
			obj{"key": "karpenter.k8s.aws/instance-cpu", "operator": "Lt", "values": []any{"17"}},
		}},
	}}})
	for name, tc := range map[string]struct {
		key, operator string
		values        []any
		fits          bool
	}{
		"a label of the pool":          {"FlinkRole", "In", []any{"taskmanager", "x"}, true},
		"another value":                {"FlinkRole", "In", []any{"jobmanager"}, false},
		"not that value":               {"FlinkRole", "NotIn", []any{"taskmanager"}, false},
		"not another":                  {"FlinkRole", "NotIn", []any{"jobmanager"}, true},
		"a label that it has":          {"FlinkRole", "Exists", nil, true},
		"a label that it has not":      {"disk", "Exists", nil, false},
		"no label that it has not":     {"disk", "DoesNotExist", nil, true},
		"more than it may have":        {"karpenter.k8s.aws/instance-cpu", "Gt", []any{"32"}, false},
		"more, within what it may":     {"karpenter.k8s.aws/instance-cpu", "Gt", []any{"8"}, true},
		"a well-known one of any":      {"topology.kubernetes.io/zone", "In", []any{"us-west-2a"}, true},
		"the other architecture":       {"kubernetes.io/arch", "In", []any{"arm64"}, false},
		"any zone but one":             {"topology.kubernetes.io/zone", "NotIn", []any{"us-west-2a"}, true},
		"fewer than a bound below one": {"karpenter.k8s.aws/instance-cpu", "Lt", []any{"5"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			term := obj{"matchExpressions": []any{obj{"key": tc.key, "operator": tc.operator, "values": tc.values}}}
			pod := obj{"affinity": obj{"nodeAffinity": obj{"requiredDuringSchedulingIgnoredDuringExecution": obj{
				"nodeSelectorTerms": []any{term}}}}}
			require.Equal(t, tc.fits, PoolRefuses(pool, pod) == "", PoolRefuses(pool, pod))
		})
	}
}

func sessionJob(name, cluster string) obj {
	return kubetest.Object(kube.KindFlinkSessionJob, "", name, obj{"spec": obj{
		"deploymentName": cluster, "job": obj{"jarURI": "local:///x.jar"},
	}}).Object
}

// A session cluster is waited for, then each of its jobs is submitted; a job's checkpoints are told from the other's.
func TestSessionJobsRunAfterTheirCluster(t *testing.T) {
	t.Parallel()
	s, b := healthyCluster(), &bucket{}
	cluster := own(obj{"job": nil, "flinkConfiguration": obj{
		"state.checkpoints.dir": "s3p://b/c", "execution.checkpointing.interval": "10s"}})
	jobs, err := JobsOf([]map[string]any{sessionJob("a", "own"), sessionJob("b", "own"), cluster}, spec(t))
	require.NoError(t, err)
	require.Equal(t, "own a b", jobs[0].Name+" "+jobs[1].Name+" "+jobs[2].Name)
	require.Equal(t, "s3p://b/c", jobs[1].CheckpointDir)
	status := func(k kube.Kind, name string, status obj) {
		_, err := s.Patch(t.Context(), k.Ref("flink-team-a", name), "status", obj{"status": status})
		require.NoError(t, err)
	}
	var clock *scriptClock
	running := func(name, id string) {
		status(kube.KindFlinkSessionJob, name, obj{
			"observedGeneration": 1, "lifecycleState": "STABLE", "jobStatus": obj{"state": "RUNNING", "jobId": id},
		})
	}
	clock = newClock(map[time.Duration]func(){
		5 * time.Second: func() {
			jm := pod("own-1", RoleJobManager, "n1", obj{"phase": "Running", "conditions": []any{
				obj{"type": "Ready", "status": "True"}}})
			jm.SetLabels(map[string]string{"app": "own", "type": "flink-native-kubernetes", "component": RoleJobManager})
			s.Put(jm)
			status(kube.KindFlinkDeployment, "own", obj{
				"observedGeneration": 1, "jobManagerDeploymentStatus": "READY", "lifecycleState": "STABLE",
			})
		},
		10 * time.Second: func() { running("a", "aaaa"); b.put("c/aaaa/chk-1/_metadata", 7, clock.Now()) },
		15 * time.Second: func() { running("b", "bbbb") },
		20 * time.Second: func() { b.put("c/aaaa/chk-2/_metadata", 7, clock.Now()) },
		25 * time.Second: func() { b.put("c/bbbb/chk-1/_metadata", 7, clock.Now()) },
	})
	r := Runner{Kube: s, Objects: b, Clock: clock, Poll: time.Second, Timeout: time.Minute}
	res, err := r.RunAll(t.Context(), jobs, nil)
	require.NoError(t, err)
	require.Len(t, res.Jobs, 3)
	require.True(t, res.Jobs[0].SessionCluster)
	require.Equal(t, "STABLE", res.Jobs[0].State)
	require.Equal(t, "s3://b/c/aaaa/chk-1", res.Jobs[1].Checkpoint.URI)
	require.Equal(t, "s3://b/c/bbbb/chk-1", res.Checkpoint.URI)

	deleted, err := r.Delete(t.Context(), "flink-team-a", "b", nil)
	require.NoError(t, err)
	require.True(t, deleted.Deleted)
	_, err = s.Get(t.Context(), kube.KindFlinkDeployment.Ref("flink-team-a", "own"))
	require.NoError(t, err)
	_, err = r.Delete(t.Context(), "flink-team-a", "own", nil)
	require.Error(t, err, "its pod is still there")
	_, err = s.Get(t.Context(), kube.KindFlinkSessionJob.Ref("flink-team-a", "a"))
	require.True(t, kube.IsNotFound(err), "session jobs go before their cluster")
}

func TestASessionJobNeedsItsCluster(t *testing.T) {
	t.Parallel()
	s := healthyCluster()
	jobs, err := JobsOf([]map[string]any{sessionJob("a", "own")}, spec(t))
	require.NoError(t, err)
	r := Runner{Kube: s, Objects: &bucket{}}
	require.ErrorContains(t, r.Preflight(t.Context(), jobs[0]), `the session cluster "own" is neither in the file nor`)
	application := own(nil)
	(&unstructured.Unstructured{Object: application}).SetNamespace("flink-team-a")
	s.Put(&unstructured.Unstructured{Object: application})
	require.ErrorContains(t, r.Preflight(t.Context(), jobs[0]), `the FlinkDeployment "own" has a job of its own`)
}

func TestADryRunNamesWhatTheServerWouldDo(t *testing.T) {
	t.Parallel()
	s := healthyCluster()
	r := Runner{Kube: s, Objects: &bucket{}}
	j := job(t)
	ref := j.ref()
	action := func() string {
		res, err := r.DryRun(t.Context(), []Job{j})
		require.NoError(t, err)
		require.Len(t, res.Objects, 1)
		return res.Objects[0].Action
	}
	require.Equal(t, "create", action())
	_, err := s.Get(t.Context(), ref)
	require.True(t, kube.IsNotFound(err), "nothing was stored")
	_, err = s.Apply(t.Context(), j.Object)
	require.NoError(t, err)
	require.Equal(t, "keep", action())
	j.Object = j.Object.DeepCopy()
	require.NoError(t, unstructured.SetNestedField(j.Object.Object, int64(7), "spec", "job", "parallelism"))
	require.Equal(t, "change", action())
}
