// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/retry"
)

// reconcilePod takes a pod one step on: created -> containers start -> Running -> (a Job's) Succeeded, or
// terminating -> gone. Pods without a node are the scheduler's business.
func (k *Kubelet) reconcilePod(ctx context.Context, key string) (time.Duration, error) {
	o, ok, err := k.pods.GetStore().GetByKey(key)
	if err != nil {
		return 0, err
	}
	pod, isPod := o.(*corev1.Pod)
	if !ok || !isPod {
		return k.podGone(key)
	}
	if pod.Spec.NodeName == "" {
		return 0, nil
	}
	node, err := k.nodeNamed(pod.Spec.NodeName)
	if err != nil {
		return 0, err
	}
	switch {
	case pod.DeletionTimestamp != nil:
		return k.terminate(ctx, pod, node)
	case node == nil:
		if !k.boxes.end(podKey(pod), false) {
			return lookAgain, nil
		}
		return 0, k.removePod(ctx, pod) // its node is gone; nobody else would finish it
	case instanceID(node.Spec.ProviderID) == "" || finished(pod):
		k.runners.remove(pod.Namespace, pod.Name)
		if !k.boxes.end(podKey(pod), false) {
			return lookAgain, nil
		}
		return 0, nil
	case pod.Status.Phase == corev1.PodRunning:
		return k.keepRunning(ctx, pod, node)
	case !isReady(node):
		return 0, nil // its event brings us back
	default:
		return k.startPod(ctx, pod, node)
	}
}

// podGone ends what a pod that is gone left behind.
func (k *Kubelet) podGone(key string) (time.Duration, error) {
	namespace, name, err := cache.SplitMetaNamespaceKey(key)
	if err != nil {
		return 0, err
	}
	k.forget(key)
	k.runners.remove(namespace, name)
	if !k.boxes.end(key, true) {
		return lookAgain, nil
	}
	k.leases.releaseKey(key)
	return 0, nil
}

func (k *Kubelet) nodeNamed(name string) (*corev1.Node, error) {
	o, ok, err := k.nodes.GetStore().GetByKey(name)
	if err != nil || !ok {
		return nil, err
	}
	node, _ := o.(*corev1.Node)
	return node, nil
}

func podKey(p *corev1.Pod) string { return p.Namespace + "/" + p.Name }

func finished(p *corev1.Pod) bool {
	return p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
}

// ofJob says whether a pod is meant to end by itself.
func ofJob(p *corev1.Pod) bool {
	c := metav1.GetControllerOf(p)
	return c != nil && c.Kind == "Job"
}

// startPod pulls the images and starts the containers, as far as anybody can see.
func (k *Kubelet) startPod(ctx context.Context, pod *corev1.Pod, node *corev1.Node) (time.Duration, error) {
	runtime, take, boxed := k.boxes.takes(pod)
	if err := k.mark(ctx, pod, !take.Loopback); err != nil {
		return 0, err
	}
	ip := k.podIP(pod, node)
	for _, c := range append(append([]corev1.Container{}, pod.Spec.InitContainers...), pod.Spec.Containers...) {
		if why := k.fails(node, c.Image); why != "" {
			return pullAgain, k.report(ctx, pod, func(s *corev1.PodStatus) { waiting(s, pod, node, pullFails(c.Image, why)) })
		}
	}
	if left := k.wait(podKey(pod)+"#start", pullTime); left > 0 {
		if len(pod.Status.ContainerStatuses) > 0 && pod.Status.StartTime != nil {
			return left, nil
		}
		return left, k.report(ctx, pod, func(s *corev1.PodStatus) { waiting(s, pod, node, creating) })
	}
	if boxed {
		if h, is := runtime.(Holder); is {
			if reason, why := h.Holds(pod); why != "" {
				return askAgain, k.report(ctx, pod,
					func(s *corev1.PodStatus) { waiting(s, pod, node, held(take.Container, reason, why)) })
			}
		}
		return 0, k.runBox(ctx, pod, node, runtime, take, ip)
	}
	k.runners.add(pod)
	down := k.runners.health(pod)
	err := k.report(ctx, pod, func(s *corev1.PodStatus) { running(s, pod, node, ip, down) })
	if err == nil {
		k.log.Debug("pod running", "pod", podKey(pod), "node", node.Name)
	}
	return 0, err
}

// keepRunning ends the pods of Jobs when they have worked long enough and shows how a pod's runner is.
func (k *Kubelet) keepRunning(ctx context.Context, pod *corev1.Pod, node *corev1.Node) (time.Duration, error) {
	if runtime, take, boxed := k.boxes.takes(pod); boxed {
		return 0, k.runBox(ctx, pod, node, runtime, take, pod.Status.PodIP)
	}
	if ofJob(pod) {
		if left := k.wait(podKey(pod)+"#work", taskTime); left > 0 {
			return left, nil
		}
		return 0, k.report(ctx, pod, func(s *corev1.PodStatus) { ended(s, corev1.PodSucceeded, "Completed", 0) })
	}
	k.runners.add(pod)
	down := k.runners.health(pod)
	if shows(pod, down) {
		return 0, nil
	}
	return 0, k.report(ctx, pod, func(s *corev1.PodStatus) { health(s, down) })
}

// runBox runs the container of a pod and shows how it is.
func (k *Kubelet) runBox(ctx context.Context, pod *corev1.Pod, node *corev1.Node, r Runtime, take Take, ip string) error {
	now, err := k.boxes.start(r, take, pod, ip)
	if err != nil {
		return err
	}
	return k.report(ctx, pod, func(s *corev1.PodStatus) { boxed(s, pod, node, ip, take.Container, now) })
}

const (
	// lookAgain is when a container that is ending is looked at again.
	lookAgain = 50 * time.Millisecond
	// askAgain is when a Holder is asked again.
	askAgain = time.Second
	// pullAgain is when a pull that failed is tried again.
	pullAgain = 10 * time.Second
)

// terminate stops the containers and finishes the deletion, as a kubelet does with grace period 0.
func (k *Kubelet) terminate(ctx context.Context, pod *corev1.Pod, node *corev1.Node) (time.Duration, error) {
	k.runners.remove(pod.Namespace, pod.Name)
	if !k.boxes.end(podKey(pod), false) {
		return lookAgain, nil
	}
	if node != nil && !finished(pod) {
		grace := stopTime
		if s := pod.DeletionGracePeriodSeconds; s != nil {
			grace = min(grace, time.Duration(*s)*time.Second)
		}
		if left := k.wait(podKey(pod)+"#stop", grace); left > 0 {
			return left, nil
		}
		if ofJob(pod) { // the Job controller counts it before it lets it go
			if err := k.report(ctx, pod, func(s *corev1.PodStatus) { ended(s, corev1.PodFailed, "Error", 143) }); err != nil {
				return 0, err
			}
		}
	}
	return 0, k.removePod(ctx, pod)
}

func (k *Kubelet) removePod(ctx context.Context, pod *corev1.Pod) error {
	k.runners.remove(pod.Namespace, pod.Name)
	now := int64(0)
	err := k.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{
		GracePeriodSeconds: &now, Preconditions: &metav1.Preconditions{UID: &pod.UID},
	})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return fmt.Errorf("delete pod %s: %w", podKey(pod), err)
	}
	return nil
}

// podIP is the pod's address: the node's for pods on the host's network.
func (k *Kubelet) podIP(pod *corev1.Pod, node *corev1.Node) string {
	if pod.Spec.HostNetwork {
		return hostIP(node)
	}
	return k.leases.take(node.Name, podKey(pod))
}

// mark says on the pod itself whether it is simulated.
func (k *Kubelet) mark(ctx context.Context, pod *corev1.Pod, simulated bool) error {
	value := strconv.FormatBool(simulated)
	if pod.Annotations[AnnotationSimulated] == value {
		return nil
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"annotations": map[string]string{AnnotationSimulated: value}, "uid": pod.UID,
	}})
	if err != nil {
		return err
	}
	_, err = k.client.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return fmt.Errorf("annotate pod %s: %w", podKey(pod), err)
	}
	return nil
}

// report changes a pod's status. A pod that is gone, or another one of its name, is none of our business.
func (k *Kubelet) report(ctx context.Context, pod *corev1.Pod, change func(*corev1.PodStatus)) error {
	api := k.client.CoreV1().Pods(pod.Namespace)
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		now, err := api.Get(ctx, pod.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if now.UID != pod.UID || finished(now) {
			return nil
		}
		was := now.Status.DeepCopy()
		if change(&now.Status); equality.Semantic.DeepEqual(was, &now.Status) {
			return nil
		}
		_, err = api.UpdateStatus(ctx, now, metav1.UpdateOptions{})
		return err
	})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("report pod %s: %w", podKey(pod), err)
	}
	return nil
}
