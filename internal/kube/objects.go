// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
)

// ListOptions narrows a List; the zero value is everything in all namespaces.
type ListOptions struct {
	Namespace string
	Labels    string // label selector, Kubernetes syntax
	Fields    string // field selector
}

// Propagation is what happens to the objects that an object owns.
type Propagation string

// The propagation policies of a delete.
const (
	// Background deletes owned objects afterwards (the server's default for most kinds).
	Background Propagation = "Background"
	// Foreground keeps the object until the objects that block it are gone: the only
	// way to wait for the nodes of a Karpenter NodePool, which has no finalizer.
	Foreground Propagation = "Foreground"
)

// Apply creates or changes obj by server-side apply with strict field validation.
func (c *Client) Apply(ctx context.Context, obj *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	return c.apply(ctx, obj, nil)
}

// DryRun is Apply as far as the server goes without storing anything: schema, quotas, webhooks.
func (c *Client) DryRun(ctx context.Context, obj *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	return c.apply(ctx, obj, []string{metav1.DryRunAll})
}

func (c *Client) apply(ctx context.Context, obj *unstructured.Unstructured, dryRun []string) (
	*unstructured.Unstructured, error) {
	ref := RefOf(obj)
	body, err := json.Marshal(obj)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", ref, err)
	}
	force := true
	return c.patch(ctx, "apply", ref, types.ApplyPatchType, body, metav1.PatchOptions{
		FieldManager: FieldManager, Force: &force, FieldValidation: metav1.FieldValidationStrict, DryRun: dryRun,
	})
}

// Patch changes an existing object by a JSON merge patch, of the subresource
// ("status") when one is given. A field that the object's kind does not have is refused; of a status, which controllers of
// other versions write too, it is dropped.
func (c *Client) Patch(ctx context.Context, ref Ref, subresource string,
	merge map[string]any) (*unstructured.Unstructured, error) {
	body, err := json.Marshal(merge)
	if err != nil {
		return nil, fmt.Errorf("encode patch of %s: %w", ref, err)
	}
	var sub []string
	if subresource != "" {
		sub = append(sub, subresource)
	}
	o := metav1.PatchOptions{FieldManager: FieldManager}
	if subresource == "" {
		o.FieldValidation = metav1.FieldValidationStrict
	}
	return c.patch(ctx, "patch", ref, types.MergePatchType, body, o, sub...)
}

func (c *Client) patch(ctx context.Context, op string, ref Ref, t types.PatchType, body []byte, o metav1.PatchOptions,
	sub ...string) (*unstructured.Unstructured, error) {
	r, err := c.resource(ctx, ref.Kind, ref.Namespace)
	if err != nil {
		return nil, wrap(op, ref, err)
	}
	out, err := r.Patch(ctx, ref.Name, t, body, o, sub...)
	return out, wrap(op, ref, err)
}

// Create makes a new object and returns it as the server stored it.
func (c *Client) Create(ctx context.Context, obj *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	ref := RefOf(obj)
	r, err := c.resource(ctx, ref.Kind, ref.Namespace)
	if err != nil {
		return nil, wrap("create", ref, err)
	}
	out, err := r.Create(ctx, obj, metav1.CreateOptions{
		FieldManager: FieldManager, FieldValidation: metav1.FieldValidationStrict,
	})
	return out, wrap("create", ref, err)
}

// Get reads one object; IsNotFound tells an absent one.
func (c *Client) Get(ctx context.Context, ref Ref) (*unstructured.Unstructured, error) {
	r, err := c.resource(ctx, ref.Kind, ref.Namespace)
	if err != nil {
		return nil, wrap("get", ref, err)
	}
	out, err := r.Get(ctx, ref.Name, metav1.GetOptions{})
	return out, wrap("get", ref, err)
}

// List reads all objects of a kind that the options allow, page by page.
func (c *Client) List(ctx context.Context, k Kind, o ListOptions) ([]unstructured.Unstructured, error) {
	ref := k.Ref(o.Namespace, "")
	r, err := c.resource(ctx, k, o.Namespace)
	if err != nil {
		return nil, wrap("list", ref, err)
	}
	var all []unstructured.Unstructured
	opts := metav1.ListOptions{LabelSelector: o.Labels, FieldSelector: o.Fields, Limit: 500}
	for {
		page, err := r.List(ctx, opts)
		if err != nil {
			return nil, wrap("list", ref, err)
		}
		all = append(all, page.Items...)
		if opts.Continue = page.GetContinue(); opts.Continue == "" {
			return all, nil
		}
	}
}

// Delete asks for the deletion of one object and does not wait. An object that
// is already gone is an error for which IsNotFound is true.
func (c *Client) Delete(ctx context.Context, ref Ref, p Propagation) error {
	r, err := c.resource(ctx, ref.Kind, ref.Namespace)
	if err != nil {
		return wrap("delete", ref, err)
	}
	policy := metav1.DeletionPropagation(p)
	opts := metav1.DeleteOptions{}
	if p != "" {
		opts.PropagationPolicy = &policy
	}
	return wrap("delete", ref, r.Delete(ctx, ref.Name, opts))
}

// resource maps a kind to its REST resource. Discovery is cached; a kind that is
// not in the cache is looked up once more, because CRDs come during a deploy.
func (c *Client) resource(_ context.Context, k Kind, namespace string) (dynamic.ResourceInterface, error) {
	gvk := k.gvk()
	m, err := c.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if meta.IsNoMatchError(err) && c.reset != nil {
		c.reset()
		m, err = c.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	}
	if err != nil {
		return nil, err
	}
	if m.Scope.Name() == meta.RESTScopeNameNamespace {
		return c.dyn.Resource(m.Resource).Namespace(namespace), nil
	}
	return c.dyn.Resource(m.Resource), nil
}
