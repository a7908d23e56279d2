// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"

	"emrflink/internal/localcloud/account"
)

// AnnotationSimulated marks every Node and pod that this package brought up; it is "false" on a pod whose main container is a
// process of this machine.
const AnnotationSimulated = "emrflink.dev/simulated"

// reconcileInstance makes the node of a running instance and removes that of a terminated one.
func (k *Kubelet) reconcileInstance(ctx context.Context, id string) (time.Duration, error) {
	r, ok := k.cloud.Get(account.KindInstance, id)
	if !ok || r.State == stateTerminated {
		k.forget(id)
		k.setReason(id, fmt.Sprintf("instance %s is terminated", id))
		return 0, k.removeNode(ctx, id)
	}
	if !k.ours(r) {
		return 0, nil
	}
	i := k.readInstance(r)
	node := k.nodeOf(id)
	switch {
	case r.State == stateShuttingDown:
		return 0, k.silence(ctx, node)
	case r.State != stateRunning, node != nil:
		return 0, nil
	}
	if why := k.blocker(i); why != "" {
		k.setReason(id, why)
		return 0, nil
	}
	if left := k.wait(id+"#boot", bootTime); left > 0 {
		k.setReason(id, fmt.Sprintf("instance %s boots", id))
		return left, nil
	}
	obj, err := k.newNode(i)
	if err != nil {
		k.setReason(id, fmt.Sprintf("instance %s: %v", id, err))
		return 0, err
	}
	// Unlike most kinds, the API server keeps the status of a Node's create call: kubelets register so. A second call
	// would race with makeReady.
	_, err = k.client.CoreV1().Nodes().Create(ctx, obj, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		// It is this instance's, which the cache does not have yet, or that of an earlier instance with this address, which goes.
		k.setReason(id, fmt.Sprintf("instance %s: node %q is there already", id, obj.Name))
		return lookAgain, nil
	}
	if err != nil {
		return 0, fmt.Errorf("create node %q: %w", obj.Name, err)
	}
	k.log.Info("node joined", "node", obj.Name, "instance", i.id, "type", i.typ)
	return 0, nil
}

// reconcileNode makes a node Ready, and removes one whose instance does not exist, as the cloud controller does.
func (k *Kubelet) reconcileNode(ctx context.Context, name string) (time.Duration, error) {
	o, ok, err := k.nodes.GetStore().GetByKey(name)
	if err != nil {
		return 0, err
	}
	if !ok {
		k.forget(name)
		k.enqueuePodsOn(name)
		k.broadcast()
		return 0, nil
	}
	node, ok := o.(*corev1.Node)
	id := ""
	if ok {
		id = instanceID(node.Spec.ProviderID)
	}
	if id == "" {
		return 0, nil
	}
	r, ok := k.cloud.Get(account.KindInstance, id)
	if !ok || r.State == stateTerminated {
		return 0, k.removeNode(ctx, id)
	}
	if r.State != stateRunning {
		return 0, nil
	}
	if isReady(node) && !hasStartTaint(node) {
		k.setReason(id, "")
		k.enqueuePodsOn(name)
		return 0, nil
	}
	if left := k.wait(name+"#ready", readyTime); left > 0 {
		k.setReason(id, fmt.Sprintf("node %s: the network plugin is not ready", name))
		return left, nil
	}
	return 0, k.makeReady(ctx, name)
}

// makeReady reports the node Ready and takes the taints away that the node lifecycle and cloud controllers take.
func (k *Kubelet) makeReady(ctx context.Context, name string) error {
	api := k.client.CoreV1().Nodes()
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		node, err := api.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		setReady(node, corev1.ConditionTrue, "KubeletReady", "the kubelet stand-in reports ready status")
		node, err = api.UpdateStatus(ctx, node, metav1.UpdateOptions{})
		if err != nil {
			return err
		}
		if !hasStartTaint(node) {
			return nil
		}
		node.Spec.Taints = slices.DeleteFunc(node.Spec.Taints, startTaint)
		_, err = api.Update(ctx, node, metav1.UpdateOptions{})
		return err
	})
	if err != nil {
		return fmt.Errorf("make node %q ready: %w", name, err)
	}
	return nil
}

// silence is what the API server sees of a node whose instance shuts down: no more reports.
func (k *Kubelet) silence(ctx context.Context, node *corev1.Node) error {
	if node == nil || !isReady(node) {
		return nil
	}
	patch, err := json.Marshal(map[string]any{"status": map[string]any{"conditions": []corev1.NodeCondition{{
		Type: corev1.NodeReady, Status: corev1.ConditionUnknown, Reason: "NodeStatusUnknown",
		Message: "the instance shuts down", LastTransitionTime: metav1.Now(), LastHeartbeatTime: metav1.Now(),
	}}}})
	if err != nil {
		return err
	}
	_, err = k.client.CoreV1().Nodes().Patch(ctx, node.Name, types.StrategicMergePatchType, patch,
		metav1.PatchOptions{}, "status")
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("report node %q lost: %w", node.Name, err)
	}
	return nil
}

// removeNode deletes the Node objects of an instance; Karpenter's finalizer may hold one until it has cleaned up.
func (k *Kubelet) removeNode(ctx context.Context, id string) error {
	node := k.nodeOf(id)
	if node == nil || node.DeletionTimestamp != nil {
		return nil
	}
	err := k.client.CoreV1().Nodes().Delete(ctx, node.Name, metav1.DeleteOptions{
		Preconditions: &metav1.Preconditions{UID: &node.UID},
	})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return fmt.Errorf("delete node %q: %w", node.Name, err)
	}
	k.log.Info("node removed", "node", node.Name, "instance", id)
	return nil
}

// nodeOf is the node of an instance, or nil.
func (k *Kubelet) nodeOf(id string) *corev1.Node {
	for _, o := range k.nodes.GetStore().List() {
		if n, ok := o.(*corev1.Node); ok && instanceID(n.Spec.ProviderID) == id {
			return n
		}
	}
	return nil
}

func (k *Kubelet) enqueuePodsOn(node string) {
	pods, err := k.pods.GetIndexer().IndexKeys(indexNode, node)
	if err != nil {
		return
	}
	for _, key := range pods {
		k.queue.Add(item{kindPod, key})
	}
}

// startTaint tells the taints of a node that is on its way up.
func startTaint(t corev1.Taint) bool {
	return t.Key == corev1.TaintNodeNotReady || t.Key == "node.cloudprovider.kubernetes.io/uninitialized"
}

func hasStartTaint(n *corev1.Node) bool { return slices.ContainsFunc(n.Spec.Taints, startTaint) }

func isReady(n *corev1.Node) bool {
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

func setReady(n *corev1.Node, status corev1.ConditionStatus, reason, message string) {
	now := metav1.Now()
	c := corev1.NodeCondition{
		Type: corev1.NodeReady, Status: status, Reason: reason, Message: message,
		LastHeartbeatTime: now, LastTransitionTime: now,
	}
	for i := range n.Status.Conditions {
		if n.Status.Conditions[i].Type == corev1.NodeReady {
			n.Status.Conditions[i] = c
			return
		}
	}
	n.Status.Conditions = append(n.Status.Conditions, c)
}
