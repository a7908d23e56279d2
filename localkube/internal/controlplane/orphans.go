// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

// Periods of upstream's pod garbage collector.
const (
	lookForOrphans = 20 * time.Second
	quarantine     = 40 * time.Second // a node is gone when it has been missing for this long
)

// orphanedPods removes pods that no kubelet will ever remove: those of a node that is gone, and those that were deleted
// before they had a node. It is the part of upstream's pod garbage collector that a cluster of this size meets;
// upstream's own links the kubelet.
func orphanedPods(_ context.Context, m *manager) (loop, error) {
	core := m.typed.Core().V1()
	o := &orphans{m: m, missing: map[string]time.Time{}}
	synced := []cache.InformerSynced{core.Pods().Informer().HasSynced, core.Nodes().Informer().HasSynced}
	return func(ctx context.Context) {
		if cache.WaitForCacheSync(ctx.Done(), synced...) {
			wait.UntilWithContext(ctx, o.sweep, lookForOrphans)
		}
	}, nil
}

type orphans struct {
	m       *manager
	missing map[string]time.Time // node -> since when
}

func (o *orphans) sweep(ctx context.Context) {
	core := o.m.typed.Core().V1()
	pods, err := core.Pods().Lister().List(labels.Everything())
	if err != nil {
		return // a lister of a synced cache does not fail
	}
	named := map[string]bool{}
	for _, p := range pods {
		node := p.Spec.NodeName
		named[node] = true
		switch {
		case node == "" && p.DeletionTimestamp != nil:
			o.remove(ctx, p, nil)
		case node != "" && o.gone(ctx, node):
			o.remove(ctx, p, map[string]any{
				"type": string(corev1.DisruptionTarget), "status": string(corev1.ConditionTrue), "reason": "DeletionByPodGC",
				"message": "PodGC: node no longer exists", "lastTransitionTime": metav1.Now(),
			})
		}
	}
	for node := range o.missing {
		if !named[node] {
			delete(o.missing, node)
		}
	}
}

// gone tells whether a node has been missing for the quarantine and still is, as the API server itself says.
func (o *orphans) gone(ctx context.Context, node string) bool {
	if _, err := o.m.typed.Core().V1().Nodes().Lister().Get(node); err == nil {
		delete(o.missing, node)
		return false
	}
	since, known := o.missing[node]
	if !known {
		o.missing[node] = time.Now()
		return false
	}
	if time.Since(since) < quarantine {
		return false
	}
	_, err := o.m.client.CoreV1().Nodes().Get(ctx, node, metav1.GetOptions{})
	return apierrors.IsNotFound(err)
}

// remove marks the pod as failed, since nobody else will, and deletes it at once.
func (o *orphans) remove(ctx context.Context, p *corev1.Pod, condition map[string]any) {
	err := o.fail(ctx, p, condition)
	if err == nil {
		err = o.m.client.CoreV1().Pods(p.Namespace).Delete(ctx, p.Name, *metav1.NewDeleteOptions(0))
	}
	if err != nil && !apierrors.IsNotFound(err) {
		klog.FromContext(ctx).Error(err, "Delete orphaned pod", "pod", klog.KObj(p))
	}
}

func (o *orphans) fail(ctx context.Context, p *corev1.Pod, condition map[string]any) error {
	if p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed {
		return nil
	}
	status := map[string]any{"phase": corev1.PodFailed}
	if condition != nil {
		status["conditions"] = []any{condition}
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": p.UID}, "status": status})
	if err != nil {
		return fmt.Errorf("encode the status of pod %q: %w", p.Name, err)
	}
	_, err = o.m.client.CoreV1().Pods(p.Namespace).Patch(ctx, p.Name, types.StrategicMergePatchType, patch,
		metav1.PatchOptions{}, "status")
	return err
}
