// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/fake"
)

func fakeClient(objs ...runtime.Object) *Client {
	mapper := meta.NewDefaultRESTMapper(nil)
	kinds := map[schema.GroupVersionResource]string{}
	for k, scope := range map[Kind]meta.RESTScope{
		KindPod: meta.RESTScopeNamespace, KindNode: meta.RESTScopeRoot, KindEvent: meta.RESTScopeNamespace,
		KindNodePool: meta.RESTScopeRoot, KindNodeClaim: meta.RESTScopeRoot,
	} {
		mapper.Add(k.gvk(), scope)
		m, _ := mapper.RESTMapping(k.gvk().GroupKind(), k.gvk().Version)
		kinds[m.Resource] = k.Kind + "List"
	}
	return newClient(fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), kinds, objs...), mapper, nil)
}

func object(k Kind, ns, name string, rest map[string]any) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{}}
	for key, v := range rest {
		o.Object[key] = v
	}
	o.SetAPIVersion(k.APIVersion)
	o.SetKind(k.Kind)
	o.SetNamespace(ns)
	o.SetName(name)
	return o
}

func TestPodsCarryWhyTheyWait(t *testing.T) {
	t.Parallel()
	pending := object(KindPod, "team", "b", map[string]any{"status": map[string]any{
		"phase": "Pending",
		"conditions": []any{map[string]any{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
			"message": "0/3 nodes are available", "lastTransitionTime": "2026-01-01T00:00:00Z"}},
	}})
	waiting := object(KindPod, "team", "a", map[string]any{
		"spec": map[string]any{"nodeName": "n1"},
		"status": map[string]any{"phase": "Pending", "containerStatuses": []any{map[string]any{
			"name": "main", "state": map[string]any{"waiting": map[string]any{"reason": "ImagePullBackOff", "message": "403"}},
		}}},
	})
	pods, err := fakeClient(pending, waiting).Pods(t.Context(), "team", "")
	require.NoError(t, err)
	require.Len(t, pods, 2)
	require.Empty(t, cmp.Diff([]Waiting{{Container: "main", Reason: "ImagePullBackOff", Message: "403"}}, pods[0].Waiting))
	require.Equal(t, "n1", pods[0].Node)
	require.Equal(t, "0/3 nodes are available", pods[1].Scheduled.Message)
}

func TestNodesOfBothKindsSayTheirCapacityType(t *testing.T) {
	t.Parallel()
	karpenter := object(KindNode, "", "k", nil)
	karpenter.SetLabels(map[string]string{
		"karpenter.sh/nodepool": "flink", "karpenter.sh/capacity-type": "spot", "node.kubernetes.io/instance-type": "c5d.2xlarge",
	})
	managed := object(KindNode, "", "m", nil)
	managed.SetLabels(map[string]string{"eks.amazonaws.com/nodegroup": "core", "eks.amazonaws.com/capacityType": "ON_DEMAND"})
	nodes, err := fakeClient(karpenter, managed).Nodes(t.Context())
	require.NoError(t, err)
	want := []Node{
		{Name: "k", InstanceType: "c5d.2xlarge", CapacityType: "spot", NodePool: "flink"},
		{Name: "m", CapacityType: "on-demand", NodeGroup: "core"},
	}
	require.Empty(t, cmp.Diff(want, nodes))
}

func TestEventsAreOldestFirstWhicheverClockTheyCarry(t *testing.T) {
	t.Parallel()
	newer := object(KindEvent, "d", "a", map[string]any{
		"message": "second", "eventTime": "2026-01-01T00:02:00.000000Z", "reportingComponent": "karpenter",
	})
	older := object(KindEvent, "d", "b",
		map[string]any{"message": "first", "lastTimestamp": "2026-01-01T00:01:00Z", "count": int64(3),
			"involvedObject": map[string]any{"kind": "Pod", "name": "p", "namespace": "d", "apiVersion": "v1"}})
	events, err := fakeClient(newer, older).Events(t.Context(), "")
	require.NoError(t, err)
	require.Equal(t, []string{"first", "second"}, []string{events[0].Message, events[1].Message})
	require.Equal(t, `Pod "d/p"`, events[0].Object.String())
	require.Equal(t, 3, events[0].Count)
	require.Equal(t, "karpenter", events[1].Source)
}

func TestWaitGoneNamesObjectAndFinalizer(t *testing.T) {
	t.Parallel()
	claim := object(KindNodeClaim, "", "flink-abc", map[string]any{"status": map[string]any{"conditions": []any{
		map[string]any{"type": "Drained", "status": "False", "message": "pods do-not-disrupt"}}}})
	claim.SetFinalizers([]string{"karpenter.sh/termination"})
	now := metav1.NewTime(time.Now())
	claim.SetDeletionTimestamp(&now)
	var seen []string
	err := fakeClient(claim).WaitGone(t.Context(), RefOf(claim), 20*time.Millisecond,
		func(b Blocker) { seen = append(seen, b.String()) })
	var still *StillThereError
	require.ErrorAs(t, err, &still)
	require.Equal(t, 6, still.ExitCode())
	require.Equal(t, `NodeClaim "flink-abc" waits for finalizer karpenter.sh/termination (Drained: pods do-not-disrupt)`,
		still.Blocker.String())
	require.Equal(t, "kubectl describe nodeclaim flink-abc", still.Hint())
	require.NotEmpty(t, seen)
}

func TestWaitGoneIsDoneWhenTheObjectOrItsKindIsAbsent(t *testing.T) {
	t.Parallel()
	c := fakeClient()
	require.NoError(t, c.WaitGone(t.Context(), KindPod.Ref("a", "b"), time.Second, nil))
	require.NoError(t, c.WaitGone(t.Context(), KindFlinkDeployment.Ref("a", "b"), time.Second, nil))
}

func TestDeleteTellsAbsenceApart(t *testing.T) {
	t.Parallel()
	pod := object(KindPod, "team", "a", nil)
	c := fakeClient(pod)
	require.NoError(t, c.Delete(t.Context(), RefOf(pod), Background))
	require.True(t, IsNotFound(c.Delete(t.Context(), RefOf(pod), "")))
	err := c.Delete(t.Context(), KindPVC.Ref("team", "x"), "")
	require.True(t, IsNoKind(err))
	require.Contains(t, err.Error(), `delete PersistentVolumeClaim "team/x"`)
}

func TestMissingKarpenterMeansNoNodeClaims(t *testing.T) {
	t.Parallel()
	c := newClient(fake.NewSimpleDynamicClient(runtime.NewScheme()), meta.NewDefaultRESTMapper(nil), nil)
	claims, err := c.NodeClaims(t.Context())
	require.NoError(t, err)
	require.Empty(t, claims)
}
