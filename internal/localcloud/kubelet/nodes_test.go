// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"context"
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"emrflink/internal/localcloud/account"
)

func getNode(t *testing.T, c *fake.Clientset) *corev1.Node {
	t.Helper()
	n, err := c.CoreV1().Nodes().Get(t.Context(), testNode, metav1.GetOptions{})
	if err != nil {
		return nil
	}
	return n
}

func TestKarpenterNodeJoins(t *testing.T) {
	t.Parallel()
	c := newCloud(append(joinable(), server("i-1", func(r *account.Resource) {
		r.Props["userDataBase64"] = base64.StdEncoding.EncodeToString([]byte(karpenterUserData))
	}))...)
	k, client := run(t, c, nil)
	require.NoError(t, k.WaitNodes(t.Context(), []string{"i-1"}))
	n := getNode(t, client)
	require.Equal(t, "aws:///us-west-2a/i-1", n.Spec.ProviderID)
	require.Equal(t, []corev1.Taint{{Key: "karpenter.sh/unregistered", Effect: "NoExecute"}}, n.Spec.Taints)
	require.Equal(t, "true", n.Annotations[AnnotationSimulated])
	require.Equal(t, "58", n.Status.Allocatable.Pods().String())
	for name, want := range map[string]string{
		"kubernetes.io/hostname": testNode, "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux",
		"node.kubernetes.io/instance-type": "m5.xlarge", "topology.kubernetes.io/zone": "us-west-2a",
		"topology.kubernetes.io/region": "us-west-2", "karpenter.sh/nodepool": "flink", "NodeGroupType": "c5d",
	} {
		require.Equal(t, want, n.Labels[name], name)
	}
}

func TestManagedNodeGroupNode(t *testing.T) {
	t.Parallel()
	c := newCloud(append(joinable(), server("i-1", func(r *account.Resource) {
		r.Attrs["nodeGroup"], r.Props["ami"] = "core", "ami-1"
	}), account.Resource{Kind: account.KindNodeGroup, ID: "demo:core", Props: account.Props{
		"clusterName": testCluster, "nodeGroupName": "core", "capacityType": "SPOT",
		"labels": map[string]any{"WorkerType": "ON_DEMAND"},
		"taints": []any{map[string]any{"key": "core", "value": "yes", "effect": "PREFER_NO_SCHEDULE"}},
	}})...)
	k, client := run(t, c, nil)
	require.NoError(t, k.WaitNodes(t.Context(), []string{"i-1"}))
	n := getNode(t, client)
	require.Equal(t, []corev1.Taint{{Key: "core", Value: "yes", Effect: "PreferNoSchedule"}}, n.Spec.Taints)
	require.Equal(t, "core", n.Labels["eks.amazonaws.com/nodegroup"])
	require.Equal(t, "SPOT", n.Labels["eks.amazonaws.com/capacityType"])
	require.Equal(t, "ami-1", n.Labels["eks.amazonaws.com/nodegroup-image"])
	require.Equal(t, "ON_DEMAND", n.Labels["WorkerType"])
}

func TestNodeWithoutAccessEntryJoinsOnlyLater(t *testing.T) {
	t.Parallel()
	c := newCloud(append(withoutEntry(), server("i-1"))...)
	k, client := run(t, c, nil)
	refused(t, k, `role "nodes" has no access entry of type EC2_LINUX in cluster "demo"`)
	require.Nil(t, getNode(t, client))
	c.put(entry())
	require.NoError(t, k.WaitNodes(t.Context(), []string{"i-1"}))
}

// refused waits until the reason why i-1 cannot join is known.
func refused(t *testing.T, k *Kubelet, why string) {
	t.Helper()
	eventually(t, why, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		err := k.WaitNodes(ctx, []string{"i-1"})
		return errors.Is(err, ErrNodesNotReady) && contains(err.Error(), why)
	})
}

func TestInstancesThatCannotJoin(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*account.Resource)
		want   string
	}{
		"without a profile": {func(r *account.Resource) { delete(r.Props, "iamInstanceProfile") },
			"has no instance profile"},
		"with a deleted profile": {func(r *account.Resource) { r.Props["iamInstanceProfile"] = "gone" },
			`profile "gone" does not exist`},
		"of an unknown type": {func(r *account.Resource) { r.Props["instanceType"] = "z9.mega" },
			`"z9.mega" is not in the account's table`},
		"of another cluster": {func(r *account.Resource) {
			r.Props["userDataBase64"] = "kind: NodeConfig\nspec: {cluster: {name: other}}\n"
		}, `joins cluster "other"`},
		"of a group that is gone": {func(r *account.Resource) { r.Attrs["nodeGroup"] = "gone" },
			`node group "gone" does not exist`},
		"that are terminated": {in("terminated"), "is terminated"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, client := run(t, newCloud(append(joinable(), server("i-1", c.change))...), nil)
			refused(t, k, c.want)
			require.Nil(t, getNode(t, client))
		})
	}
}

func TestNodeGoesWithItsInstance(t *testing.T) {
	t.Parallel()
	c := newCloud(append(joinable(), server("i-1"))...)
	k, client := run(t, c, nil, pod("left-behind", "app"))
	require.NoError(t, k.WaitNodes(t.Context(), []string{"i-1"}))
	c.put(server("i-1", in("shutting-down")))
	eventually(t, "the node is not Ready", func() bool { n := getNode(t, client); return n != nil && !isReady(n) })
	c.put(server("i-1", in("terminated")))
	eventually(t, "the node is gone", func() bool { return getNode(t, client) == nil })
	eventually(t, "its pods are gone", func() bool { return getPod(t, client, "left-behind") == nil })
}

func TestANodeWaitsForTheOneThatHadItsAddress(t *testing.T) {
	t.Parallel()
	c := newCloud(append(joinable(), server("i-0"))...)
	k, client := run(t, c, nil)
	require.NoError(t, k.WaitNodes(t.Context(), []string{"i-0"}))
	c.put(server("i-1"))
	eventually(t, "its name is taken", func() bool {
		missing, _, _ := k.notReady([]string{"i-1"})
		return len(missing) == 1 && contains(missing[0], "is there already")
	})
	c.put(server("i-0", in("terminated")))
	eventually(t, "its node is there", func() bool {
		n := getNode(t, client)
		return n != nil && contains(n.Spec.ProviderID, "i-1")
	})
}

func TestForeignInstancesAreLeftAlone(t *testing.T) {
	t.Parallel()
	c := newCloud(append(joinable(), server("i-1"), server("i-2", func(r *account.Resource) {
		r.Tags = map[string]string{"kubernetes.io/cluster/other": "owned"}
	}))...)
	k, client := run(t, c, nil)
	require.NoError(t, k.WaitNodes(t.Context(), []string{"i-1"}))
	nodes, err := client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	require.Len(t, nodes.Items, 1)
}

func TestTwoTargetsOnAMachineHaveOtherAddresses(t *testing.T) {
	t.Parallel()
	one, another := newAddresses("/home/a"), newAddresses("/home/b")
	require.NotEqual(t, one.take(testNode, "team/job"), another.take(testNode, "team/job"))
	require.Equal(t, one.take(testNode, "team/job"), newAddresses("/home/a").take(testNode, "team/job"))
}
