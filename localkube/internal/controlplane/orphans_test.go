// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	ktesting "k8s.io/client-go/testing"
)

func pod(name, node string, phase corev1.PodPhase) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: "1"},
		Spec:       corev1.PodSpec{NodeName: node}, Status: corev1.PodStatus{Phase: phase},
	}
}

// world is a cluster with objects, seen by what looks for orphans.
func world(t *testing.T, objects ...runtime.Object) (*orphans, *fake.Clientset) {
	t.Helper()
	client := fake.NewClientset(objects...)
	m := &manager{client: client, typed: informers.NewSharedInformerFactory(client, 0)}
	m.typed.Core().V1().Pods().Informer()
	m.typed.Core().V1().Nodes().Informer()
	m.typed.Start(t.Context().Done())
	m.typed.WaitForCacheSync(t.Context().Done())
	return &orphans{m: m, missing: map[string]time.Time{}}, client
}

func exists(t *testing.T, client *fake.Clientset, name string) bool {
	t.Helper()
	_, err := client.CoreV1().Pods("default").Get(t.Context(), name, metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		t.Fatal(err)
	}
	return err == nil
}

func TestPodsOfANodeThatIsGoneAreRemovedAfterTheQuarantine(t *testing.T) {
	t.Parallel()
	o, client := world(t, pod("orphan", "gone", corev1.PodRunning), pod("kept", "here", corev1.PodRunning),
		pod("waiting", "", corev1.PodPending),
		&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "here"}})
	var status map[string]bool
	client.PrependReactor("patch", "pods", func(a ktesting.Action) (bool, runtime.Object, error) {
		patch := a.(ktesting.PatchAction)
		status = map[string]bool{patch.GetName() + "/" + patch.GetSubresource(): true}
		return true, pod("orphan", "gone", corev1.PodFailed), nil
	})
	o.sweep(t.Context())
	if !exists(t, client, "orphan") {
		t.Fatal("the pod was removed although its node may come back")
	}
	o.missing["gone"] = time.Now().Add(-quarantine - time.Second)
	o.sweep(t.Context())
	if exists(t, client, "orphan") {
		t.Error("the pod of the node that is gone is still there")
	}
	if !status["orphan/status"] {
		t.Error("the pod was not marked as failed before it was deleted")
	}
	for _, name := range []string{"kept", "waiting"} {
		if !exists(t, client, name) {
			t.Errorf("pod %q was removed", name)
		}
	}
}

func TestAPodThatWasDeletedBeforeItHadANodeIsRemoved(t *testing.T) {
	t.Parallel()
	deleted := pod("deleted", "", corev1.PodSucceeded)
	deleted.DeletionTimestamp = &metav1.Time{Time: time.Now()}
	deleted.Finalizers = []string{"example.com/held"} // the fake keeps no deleted object without one
	o, client := world(t, deleted)
	o.sweep(t.Context())
	for _, a := range client.Actions() {
		if a.GetVerb() == "delete" && a.(ktesting.DeleteAction).GetName() == "deleted" {
			return
		}
	}
	t.Error("nobody deleted the pod")
}

// What the informers missed, the API server says: a node that is there is no reason to remove its pods.
func TestANodeThatIsThereAfterAllKeepsItsPods(t *testing.T) {
	t.Parallel()
	o, client := world(t, pod("kept", "late", corev1.PodRunning))
	o.missing["late"] = time.Now().Add(-time.Hour)
	client.PrependReactor("get", "nodes", func(ktesting.Action) (bool, runtime.Object, error) {
		return true, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "late"}}, nil
	})
	o.sweep(t.Context())
	if !exists(t, client, "kept") {
		t.Error("the pod was removed")
	}
	if len(o.missing) != 1 {
		t.Errorf("missing nodes: %v", o.missing)
	}
}
