// SPDX-License-Identifier: Apache-2.0

package kubetest

import (
	"context"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/kube"
)

// Delete starts the deletion of an object and collects what it owned.
func (s *Store) Delete(_ context.Context, ref kube.Ref, p kube.Propagation) error {
	s.mu.Lock()
	if err := s.enter("delete", ref); err != nil {
		s.mu.Unlock()
		return err
	}
	s.record("delete", ref)
	if s.objects[ref] == nil {
		s.mu.Unlock()
		return kube.NewError("delete", ref, "NotFound", "not found")
	}
	notes := s.startDelete(ref, p)
	s.mu.Unlock()
	s.tell(notes)
	return nil
}

func (s *Store) startDelete(ref kube.Ref, p kube.Propagation) []note {
	o := s.objects[ref]
	fins := o.GetFinalizers()
	if p == kube.Foreground && !slices.Contains(fins, foregroundFinalizer) {
		fins = append(fins, foregroundFinalizer)
		o.SetFinalizers(fins)
	}
	if o.GetDeletionTimestamp() == nil {
		t := metav1.NewTime(s.now())
		o.SetDeletionTimestamp(&t)
	}
	notes := []note{{"delete", o.DeepCopy()}}
	if len(fins) == 0 {
		return append(notes, s.remove(ref)...)
	}
	if p == kube.Foreground {
		for _, d := range s.dependents(o) {
			notes = append(notes, s.startDelete(d, kube.Background)...)
		}
		notes = append(notes, s.settle(ref)...)
	}
	return notes
}

// settle takes the foreground finalizer off when nothing blocks it any more.
func (s *Store) settle(ref kube.Ref) []note {
	o := s.objects[ref]
	if o == nil || o.GetDeletionTimestamp() == nil || !slices.Contains(o.GetFinalizers(), foregroundFinalizer) ||
		len(s.dependents(o)) > 0 {
		return nil
	}
	o.SetFinalizers(slices.DeleteFunc(o.GetFinalizers(), func(f string) bool { return f == foregroundFinalizer }))
	if len(o.GetFinalizers()) == 0 {
		return s.remove(ref)
	}
	return nil
}

func (s *Store) dependents(owner *unstructured.Unstructured) []kube.Ref {
	var refs []kube.Ref
	for ref, o := range s.objects {
		for _, or := range o.GetOwnerReferences() {
			if or.UID == owner.GetUID() {
				refs = append(refs, ref)
			}
		}
	}
	return refs
}

func (s *Store) remove(ref kube.Ref) []note {
	o := s.objects[ref]
	if o == nil {
		return nil
	}
	deps := s.dependents(o)
	delete(s.objects, ref)
	notes := []note{{"gone", o}}
	for _, d := range deps {
		if s.objects[d] != nil && s.objects[d].GetDeletionTimestamp() == nil {
			notes = append(notes, s.startDelete(d, kube.Background)...)
		}
	}
	for other := range s.objects {
		notes = append(notes, s.settle(other)...)
	}
	return notes
}

// WaitGone looks until the object is gone or the time is over.
func (s *Store) WaitGone(ctx context.Context, ref kube.Ref, timeout time.Duration, each func(kube.Blocker)) error {
	end := time.Now().Add(timeout)
	for {
		o, err := s.Get(ctx, ref)
		if kube.IsNotFound(err) || kube.IsNoKind(err) {
			return nil
		}
		if err != nil {
			return err
		}
		b := kube.BlockerOf(o, s.now())
		if each != nil {
			each(b)
		}
		if time.Now().After(end) {
			return &kube.StillThereError{Blocker: b}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
}

// Pods lists pods as *kube.Client does.
func (s *Store) Pods(ctx context.Context, namespace, selector string) ([]kube.Pod, error) {
	objs, err := s.List(ctx, kube.KindPod, kube.ListOptions{Namespace: namespace, Labels: selector})
	return kube.PodsFrom(objs), err
}

// Nodes lists nodes as *kube.Client does.
func (s *Store) Nodes(ctx context.Context) ([]kube.Node, error) {
	objs, err := s.List(ctx, kube.KindNode, kube.ListOptions{})
	return kube.NodesFrom(objs), err
}

// Events lists events as *kube.Client does.
func (s *Store) Events(ctx context.Context, namespace string) ([]kube.Event, error) {
	objs, err := s.List(ctx, kube.KindEvent, kube.ListOptions{Namespace: namespace})
	return kube.EventsFrom(objs), err
}

// NodeClaims lists NodeClaims as *kube.Client does.
func (s *Store) NodeClaims(ctx context.Context) ([]kube.NodeClaim, error) {
	objs, err := s.List(ctx, kube.KindNodeClaim, kube.ListOptions{})
	return kube.NodeClaimsFrom(objs), err
}

// ServiceAccountToken answers with a token that names the account.
func (s *Store) ServiceAccountToken(ctx context.Context, namespace, name string, _ []string,
	life time.Duration) (string, time.Time, error) {
	if _, err := s.Get(ctx, kube.KindServiceAccount.Ref(namespace, name)); err != nil {
		return "", time.Time{}, err
	}
	return "token:system:serviceaccount:" + namespace + ":" + name, s.now().Add(life), nil
}
