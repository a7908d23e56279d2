// SPDX-License-Identifier: Apache-2.0

// Package kubeclient has the operations of the Kubernetes provider and of the stand-ins of charts and addons on a
// cluster: server-side apply with strict field validation, waiting until an object is ready, and deleting it until it
// is gone. When a wait fails, the error has the reason.
package kubeclient

import (
	"context"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
)

// poll is how long between two looks at an object that something is awaited of.
const poll = 200 * time.Millisecond

// Client acts on one cluster. It is safe for concurrent use.
type Client struct {
	dynamic dynamic.Interface

	mu     sync.Mutex // resets of the mapper
	mapper *restmapper.DeferredDiscoveryRESTMapper
}

// New returns a client for the cluster of c. Nothing is contacted yet.
func New(c *rest.Config) (*Client, error) {
	c = rest.CopyConfig(c)
	if c.QPS == 0 {
		c.QPS = -1 // the server has its own fairness; a client-side limit would fail waits near their deadline
	}
	d, err := dynamic.NewForConfig(c)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", c.Host, err)
	}
	disco, err := discovery.NewDiscoveryClientForConfig(c)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", c.Host, err)
	}
	return &Client{
		dynamic: d, mapper: restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(disco)),
	}, nil
}

// mapping finds the resource of a kind, and asks the server anew when the kind
// is not known: its CRD may be younger than what was asked before.
func (c *Client) mapping(gvk schema.GroupVersionKind) (*meta.RESTMapping, error) {
	m, err := c.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err == nil || !meta.IsNoMatchError(err) {
		return m, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mapper.Reset()
	return c.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
}

// Namespaced says whether objects of the kind live in a namespace.
func (c *Client) Namespaced(gvk schema.GroupVersionKind) (bool, error) {
	m, err := c.mapping(gvk)
	if err != nil {
		return false, err
	}
	return m.Scope.Name() == meta.RESTScopeNameNamespace, nil
}

// resource returns the interface for objects like obj; a namespaced one without
// a namespace is in "default".
func (c *Client) resource(obj *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	m, err := c.mapping(obj.GroupVersionKind())
	if err != nil {
		return nil, err
	}
	if m.Scope.Name() != meta.RESTScopeNameNamespace {
		return c.dynamic.Resource(m.Resource), nil
	}
	ns := obj.GetNamespace()
	if ns == "" {
		ns = metav1.NamespaceDefault
	}
	return c.dynamic.Resource(m.Resource).Namespace(ns), nil
}

// ApplyOptions say how an object is applied.
type ApplyOptions struct {
	// Manager owns the fields. Required.
	Manager string
	// Force takes fields from other managers.
	Force bool
	// DryRun asks for the result without the change.
	DryRun bool
}

// Apply creates or changes obj by server-side apply. Fields that the server does
// not know are an error.
func (c *Client) Apply(ctx context.Context, obj *unstructured.Unstructured, o ApplyOptions) (*unstructured.Unstructured, error) {
	r, err := c.resource(obj)
	if err != nil {
		return nil, err
	}
	body, err := obj.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", Describe(obj), err)
	}
	opts := metav1.PatchOptions{FieldManager: o.Manager, FieldValidation: metav1.FieldValidationStrict, Force: &o.Force}
	if o.DryRun {
		opts.DryRun = []string{metav1.DryRunAll}
	}
	return r.Patch(ctx, obj.GetName(), applyPatch, body, opts)
}

// Get returns the object as the server has it, nil when it or its kind is gone.
func (c *Client) Get(ctx context.Context, obj *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	r, err := c.resource(obj)
	if err != nil {
		if meta.IsNoMatchError(err) {
			return nil, nil
		}
		return nil, err
	}
	got, err := r.Get(ctx, obj.GetName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return got, err
}

// List returns the objects of a kind in a namespace ("" is all) that match a
// label selector.
func (c *Client) List(ctx context.Context, gvk schema.GroupVersionKind, namespace,
	selector string) ([]unstructured.Unstructured, error) {
	m, err := c.mapping(gvk)
	if err != nil {
		return nil, err
	}
	list, err := c.dynamic.Resource(m.Resource).Namespace(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

// Describe names an object: Kind namespace/name.
func Describe(obj *unstructured.Unstructured) string {
	if ns := obj.GetNamespace(); ns != "" {
		return fmt.Sprintf("%s %s/%s", obj.GetKind(), ns, obj.GetName())
	}
	return fmt.Sprintf("%s %s", obj.GetKind(), obj.GetName())
}

// IsNoKind says that the server does not know the kind of an object.
func IsNoKind(err error) bool { return meta.IsNoMatchError(err) }
