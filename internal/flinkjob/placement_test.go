// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/kube"
	"emrflink/internal/kube/kubetest"
)

// blueprintPools are the default pools, with their class as Karpenter's controller completes it, and the sample job's templates.
func blueprintPools(t *testing.T) (*kubetest.Store, map[string]obj) {
	t.Helper()
	raw, err := os.ReadFile("../../localkube/internal/karpenter/testdata/blueprint.json")
	require.NoError(t, err)
	var doc struct {
		NodeClass obj
		NodePools []obj
		Pods      map[string]map[string]obj
	}
	require.NoError(t, json.Unmarshal(raw, &doc))
	var subnets []any
	for _, zone := range []string{"a", "b", "c"} {
		subnets = append(subnets, obj{"id": "subnet-" + zone, "zone": "us-west-2" + zone, "zoneID": "usw2-az-" + zone})
	}
	doc.NodeClass["status"] = obj{"subnets": subnets}
	s := kubetest.New(&unstructured.Unstructured{Object: doc.NodeClass})
	for _, p := range doc.NodePools {
		s.Put(&unstructured.Unstructured{Object: p})
	}
	return s, doc.Pods["flink-compute-optimized"]
}

// placedJob is a job with the sample's templates, and something more in the specs of both.
func placedJob(t *testing.T, pods map[string]obj, jobManagers, taskManagers int, jobManager, taskManager obj) Job {
	t.Helper()
	template := func(role string, more obj) obj {
		out, _ := overlaid(pods[role], obj{"spec": more}).(obj)
		return out
	}
	size := obj{"memory": "2048m", "cpu": int64(1)}
	return sizedJob(t, obj{
		"jobManager": obj{"replicas": int64(max(1, jobManagers)), "resource": size,
			"podTemplate": template(RoleJobManager, jobManager)},
		"taskManager":        obj{"resource": size, "podTemplate": template(RoleTaskManager, taskManager)},
		"job":                obj{"jarURI": "local:///x.jar", "parallelism": int64(max(1, taskManagers))},
		"flinkConfiguration": obj{"taskmanager.numberOfTaskSlots": "1"},
	})
}

// Each row is tried with Karpenter's own scheduler too (localkube/internal/karpenter).
func TestRulesBetweenPodsAreJudgedAsKarpenterDoes(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/placement.json")
	require.NoError(t, err)
	var rows []struct {
		What                      string
		JobManagers, TaskManagers int
		JobManager, TaskManager   obj
		Fits                      bool
	}
	require.NoError(t, json.Unmarshal(raw, &rows))
	for _, row := range rows {
		t.Run(row.What, func(t *testing.T) {
			t.Parallel()
			s, pods := blueprintPools(t)
			r := Runner{Kube: s}
			j := placedJob(t, pods, row.JobManagers, row.TaskManagers, row.JobManager, row.TaskManager)
			found, err := r.checkNodePools(t.Context(), j)
			require.NoError(t, err)
			require.Empty(t, found)
			found, err = r.checkPlacement(t.Context(), j)
			require.NoError(t, err)
			require.Equal(t, row.Fits, len(found) == 0, texts(found))
			for _, f := range found {
				t.Log(f.Path, f.Text)
			}
		})
	}
}

func TestZonesAreThoseOfTheNodeClass(t *testing.T) {
	t.Parallel()
	s, pods := blueprintPools(t)
	r := Runner{Kube: s}
	in := func(zone string) obj { return obj{"nodeSelector": obj{labelZone: zone}} }
	found, err := r.checkNodePools(t.Context(), placedJob(t, pods, 1, 1, nil, in("us-west-2c")))
	require.NoError(t, err)
	require.Empty(t, found)
	found, err = r.checkNodePools(t.Context(), placedJob(t, pods, 1, 1, nil, in("us-west-2d")))
	require.NoError(t, err)
	require.Contains(t, texts(found)[0], "flink-compute-optimized: does not offer topology.kubernetes.io/zone=us-west-2d")
}

func TestPodsOfOthersCanBeThere(t *testing.T) {
	t.Parallel()
	s, pods := blueprintPools(t)
	beside := func(namespaces ...any) obj {
		return obj{"affinity": obj{"podAffinity": obj{"requiredDuringSchedulingIgnoredDuringExecution": []any{obj{
			"topologyKey": labelZone, "labelSelector": obj{"matchLabels": obj{"app": "cache"}}, "namespaces": namespaces,
		}}}}}
	}
	check := func(more obj) []string {
		found, err := Runner{Kube: s}.checkPlacement(t.Context(), placedJob(t, pods, 1, 1, nil, more))
		require.NoError(t, err)
		return texts(found)
	}
	require.Equal(t, []string{": the taskmanager pods are to be where pods of a selector are, by topology.kubernetes.io/zone, " +
		"and no pod has its labels"}, check(beside()))
	s.Put(kubetest.Object(kube.KindPod, "caches", "c", obj{"metadata": obj{"labels": obj{"app": "cache"}}}))
	require.Len(t, check(beside()), 1, "it is in another namespace")
	require.Empty(t, check(beside("caches")))
}

func TestAVolumeHoldsItsPodsInItsZone(t *testing.T) {
	t.Parallel()
	s, pods := blueprintPools(t)
	s.Put(kubetest.Object(kube.KindPVC, "flink-team-a", "data", obj{"spec": obj{"volumeName": "pv"}}))
	s.Put(kubetest.Object(kube.KindPVC, "flink-team-a", "unbound", nil))
	at := func(zone string) {
		s.Put(kubetest.Object(kube.KindPV, "", "pv", obj{"spec": obj{"nodeAffinity": obj{"required": obj{
			"nodeSelectorTerms": []any{obj{"matchExpressions": []any{
				obj{"key": labelZone, "operator": "In", "values": []any{zone}},
			}}},
		}}}}))
	}
	check := func(claim string, selector obj) []string {
		found, err := Runner{Kube: s}.checkPlacement(t.Context(), placedJob(t, pods, 1, 1, nil, obj{
			"volumes":      []any{obj{"name": "d", "persistentVolumeClaim": obj{"claimName": claim}}},
			"nodeSelector": selector,
		}))
		require.NoError(t, err)
		return texts(found)
	}
	at("us-west-2a")
	require.Empty(t, check("data", nil))
	require.Empty(t, check("unbound", nil))
	require.Empty(t, check("data", obj{labelZone: "us-west-2a"}))
	require.Equal(t, []string{`: the taskmanager pods mount the claim "data", whose volume is at topology.kubernetes.io/zone ` +
		"In us-west-2a: no node of flink-compute-optimized is there"}, check("data", obj{labelZone: "us-west-2b"}))
	at("us-west-2d")
	require.Len(t, check("data", nil), 1)
}

func TestTemplatesAreMergedAsTheOperatorDoes(t *testing.T) {
	t.Parallel()
	j := sizedJob(t, obj{
		"podTemplate": obj{"spec": obj{
			"nodeSelector": obj{"a": "1", "b": "1"}, "containers": []any{obj{"name": "x", "image": "i"}, obj{"name": "y"}},
		}},
		"taskManager": obj{"podTemplate": obj{"spec": obj{
			"nodeSelector": obj{"b": "2"}, "containers": []any{obj{"name": "z"}}, "volumes": []any{obj{"name": "v"}},
		}}},
	})
	spec, err := j.podSpec(RoleTaskManager)
	require.NoError(t, err)
	require.Equal(t, obj{
		"nodeSelector": obj{"a": "1", "b": "2"}, "containers": []any{obj{"name": "z", "image": "i"}, obj{"name": "y"}},
		"volumes": []any{obj{"name": "v"}},
	}, spec)
	common, err := j.podSpec(RoleJobManager)
	require.NoError(t, err)
	require.Equal(t, obj{"a": "1", "b": "1"}, common["nodeSelector"], "the common template stays as it is")
	require.Equal(t, "spec.podTemplate.spec.affinity.x", j.whereIs(RoleTaskManager, "affinity.x"))
	require.Equal(t, "spec.taskManager.podTemplate.spec.volumes[0]", j.whereIs(RoleTaskManager, "volumes[0]"))
}
