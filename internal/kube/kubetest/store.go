// SPDX-License-Identifier: Apache-2.0

// Package kubetest is an in-memory stand-in for *kube.Client in unit tests: it keeps objects, honours finalizers, owner
// references and both propagation policies, counts generations, and can refuse a call on request. It has no schema
// validation and no admission; tests that need those use a real API server.
package kubetest

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"sort"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"emrflink/internal/kube"
)

const foregroundFinalizer = "foregroundDeletion"

// Store holds the objects. Make one with New; it is safe for concurrent use.
type Store struct {
	mu      sync.Mutex
	objects map[kube.Ref]*unstructured.Unstructured
	missing map[kube.Kind]bool
	fail    map[string]error
	calls   []string
	react   []func(verb string, obj *unstructured.Unstructured)
	uid     int
	now     func() time.Time
}

// New returns a store with the given objects in it.
func New(objs ...*unstructured.Unstructured) *Store {
	s := &Store{
		objects: map[kube.Ref]*unstructured.Unstructured{}, missing: map[kube.Kind]bool{},
		fail: map[string]error{}, now: time.Now,
	}
	for _, o := range objs {
		s.put(o.DeepCopy())
	}
	return s
}

// Object makes an object from YAML-like maps: extra is merged over the metadata.
func Object(k kube.Kind, namespace, name string, extra map[string]any) *unstructured.Unstructured {
	meta := map[string]any{"name": name}
	if namespace != "" {
		meta["namespace"] = namespace
	}
	o := map[string]any{"apiVersion": k.APIVersion, "kind": k.Kind, "metadata": meta}
	merge(o, normal(extra))
	return &unstructured.Unstructured{Object: o}
}

// WithoutKind makes the store answer as a server without the kind's CRD.
func (s *Store) WithoutKind(k kube.Kind) *Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.missing[k] = true
	return s
}

// Fail makes every later call "verb Kind" (e.g. "delete NodePool") return err;
// nil lifts it.
func (s *Store) Fail(call string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail[call] = err
}

// React registers a function that sees every stored change ("apply", "create",
// "patch", "delete" and "gone"); it runs after the call, and may call the store.
func (s *Store) React(f func(verb string, obj *unstructured.Unstructured)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.react = append(s.react, f)
}

// Calls lists the writes so far as "verb Kind namespace/name".
func (s *Store) Calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.calls...)
}

// Put stores an object as it is, as a controller elsewhere would.
func (s *Store) Put(obj *unstructured.Unstructured) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(obj.DeepCopy())
}

// Remove takes an object away regardless of finalizers, and what it owned.
func (s *Store) Remove(ref kube.Ref) {
	s.mu.Lock()
	notes := s.remove(ref)
	s.mu.Unlock()
	s.tell(notes)
}

func (s *Store) put(o *unstructured.Unstructured) {
	if o.GetUID() == "" {
		s.uid++
		o.SetUID(types.UID(fmt.Sprintf("%08x-0000-4000-8000-%012x", s.uid, s.uid)))
	}
	if created := o.GetCreationTimestamp(); created.IsZero() {
		o.SetCreationTimestamp(metav1.NewTime(s.now()))
	}
	if o.GetGeneration() == 0 {
		o.SetGeneration(1)
	}
	s.objects[kube.RefOf(o)] = o
}

type note struct {
	verb string
	obj  *unstructured.Unstructured
}

func (s *Store) tell(notes []note) {
	s.mu.Lock()
	react := append([]func(string, *unstructured.Unstructured){}, s.react...)
	s.mu.Unlock()
	for _, n := range notes {
		for _, f := range react {
			f(n.verb, n.obj.DeepCopy())
		}
	}
}

func (s *Store) enter(verb string, ref kube.Ref) error {
	if s.missing[ref.Kind] {
		return kube.NewError(verb, ref, kube.ReasonNoKind, "no matches for kind")
	}
	return s.fail[verb+" "+ref.Kind.Kind]
}

func (s *Store) record(verb string, ref kube.Ref) {
	s.calls = append(s.calls, fmt.Sprintf("%s %s %s", verb, ref.Kind.Kind, strings.TrimPrefix(ref.Namespace+"/"+ref.Name, "/")))
}

// Apply merges obj into what is stored (lists are replaced), or creates it.
func (s *Store) Apply(_ context.Context, obj *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	return s.write("apply", kube.RefOf(obj), obj.Object, "", true)
}

// DryRun is Apply without storing anything.
func (s *Store) DryRun(_ context.Context, obj *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ref := kube.RefOf(obj)
	if err := s.enter("dry-run", ref); err != nil {
		return nil, err
	}
	next := &unstructured.Unstructured{Object: map[string]any{}}
	if old := s.objects[ref]; old != nil {
		next = old.DeepCopy()
	}
	merge(next.Object, normal(obj.Object))
	return next, nil
}

// Patch merges into an existing object; a nil value deletes a field.
func (s *Store) Patch(_ context.Context, ref kube.Ref, sub string, patch map[string]any) (*unstructured.Unstructured, error) {
	return s.write("patch", ref, patch, sub, false)
}

// Create stores a new object.
func (s *Store) Create(_ context.Context, obj *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	ref := kube.RefOf(obj)
	s.mu.Lock()
	if s.objects[ref] != nil {
		s.mu.Unlock()
		return nil, kube.NewError("create", ref, "AlreadyExists", "it exists")
	}
	s.mu.Unlock()
	return s.write("create", ref, obj.Object, "", true)
}

func (s *Store) write(verb string, ref kube.Ref, body map[string]any, sub string,
	create bool) (*unstructured.Unstructured, error) {
	s.mu.Lock()
	if err := s.enter(verb, ref); err != nil {
		s.mu.Unlock()
		return nil, err
	}
	old := s.objects[ref]
	if old == nil && !create {
		s.mu.Unlock()
		return nil, kube.NewError(verb, ref, "NotFound", "not found")
	}
	next := &unstructured.Unstructured{Object: map[string]any{}}
	if old != nil {
		next = old.DeepCopy()
	}
	merge(next.Object, normal(body))
	if old != nil && !reflect.DeepEqual(old.Object["spec"], next.Object["spec"]) {
		next.SetGeneration(old.GetGeneration() + 1)
	}
	s.put(next)
	if sub == "" {
		s.record(verb, ref)
	}
	notes := []note{{verb, next}}
	if next.GetDeletionTimestamp() != nil && len(next.GetFinalizers()) == 0 {
		notes = append(notes, s.remove(ref)...)
	}
	out := next.DeepCopy()
	s.mu.Unlock()
	s.tell(notes)
	return out, nil
}

// Get reads one object.
func (s *Store) Get(_ context.Context, ref kube.Ref) (*unstructured.Unstructured, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.enter("get", ref); err != nil {
		return nil, err
	}
	if o := s.objects[ref]; o != nil {
		return o.DeepCopy(), nil
	}
	return nil, kube.NewError("get", ref, "NotFound", "not found")
}

// List reads the objects of a kind, by namespace and name. Field selectors are refused.
func (s *Store) List(_ context.Context, k kube.Kind, o kube.ListOptions) ([]unstructured.Unstructured, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.enter("list", k.Ref(o.Namespace, "")); err != nil {
		return nil, err
	}
	if o.Fields != "" {
		return nil, fmt.Errorf("kubetest: field selector %q is not supported", o.Fields)
	}
	sel, err := labels.Parse(o.Labels)
	if err != nil {
		return nil, err
	}
	var out []unstructured.Unstructured
	for ref, obj := range s.objects {
		if ref.Kind == k && (o.Namespace == "" || o.Namespace == ref.Namespace) && sel.Matches(labels.Set(obj.GetLabels())) {
			out = append(out, *obj.DeepCopy())
		}
	}
	sort.Slice(out, func(i, j int) bool { return kube.RefOf(&out[i]).String() < kube.RefOf(&out[j]).String() })
	return out, nil
}

// normal turns typed maps and numbers into what JSON decoding would give.
func normal(m map[string]any) map[string]any {
	out := map[string]any{}
	if b, err := json.Marshal(m); err == nil {
		_ = json.Unmarshal(b, &out)
	}
	return out
}

func merge(dst, src map[string]any) {
	for k, v := range src {
		sub, isMap := v.(map[string]any)
		old, wasMap := dst[k].(map[string]any)
		switch {
		case v == nil:
			delete(dst, k)
		case isMap && wasMap:
			merge(old, sub)
		default:
			dst[k] = v
		}
	}
}
