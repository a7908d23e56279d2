// SPDX-License-Identifier: Apache-2.0

package cleanup

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/kube"
)

// Servers in the cluster that its API server asks, and that are gone: they keep objects from being deleted, and namespaces from
// being emptied. The cluster goes anyway, so the API server is told not to ask them any more.

// unhook takes the configuration away that names a webhook which did not answer, and reports whether the request is worth
// another try. A webhook that answers, and denies, stays.
func (r *run) unhook(ctx context.Context, refusal error) bool {
	_, name, found := strings.Cut(refusal.Error(), `failed calling webhook "`)
	name, _, closed := strings.Cut(name, `"`)
	if !found || !closed {
		return false
	}
	for _, k := range []kube.Kind{kube.KindValidatingWebhook, kube.KindMutatingWebhook} {
		configs, err := r.list(ctx, k, func(o *unstructured.Unstructured) bool { return hasWebhook(o, name) })
		if err != nil {
			return false
		}
		for i := range configs {
			ref := kube.RefOf(&configs[i])
			if err := r.cluster.Delete(ctx, ref, kube.Background); err != nil && !kube.IsNotFound(err) {
				r.warn(err)
				return false
			}
			r.unhooked[name] = true
			r.warn(fmt.Errorf("webhook %q does not answer, so %s was deleted: %w", name, ref, refusal))
			return true
		}
	}
	// It is deleted already, and the API server hears of that a moment later.
	return r.unhooked[name]
}

func hasWebhook(o *unstructured.Unstructured, name string) bool {
	hooks, _, _ := unstructured.NestedSlice(o.Object, "webhooks")
	for _, h := range hooks {
		if one, _ := h.(map[string]any); one["name"] == name {
			return true
		}
	}
	return false
}

// dropDeadAPIs deletes the registrations of kinds whose server is gone: what cannot be listed keeps each namespace.
func (r *run) dropDeadAPIs(ctx context.Context) error {
	dead, err := r.list(ctx, kube.KindAPIService, isUnavailable)
	if err != nil {
		return fmt.Errorf("look for kinds whose server is gone: %w", err)
	}
	for i := range dead {
		ref := kube.RefOf(&dead[i])
		if err := r.cluster.Delete(ctx, ref, kube.Background); err != nil && !kube.IsNotFound(err) {
			return err
		}
		r.warn(fmt.Errorf("%s has no server, which keeps namespaces from being deleted, so it was deleted", ref))
	}
	return nil
}

func isUnavailable(o *unstructured.Unstructured) bool {
	conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	for _, c := range conditions {
		if one, _ := c.(map[string]any); one["type"] == "Available" && one["status"] == "False" {
			return true
		}
	}
	return false
}

// keepSavepoint makes a snapshot leave its savepoint in the bucket.
func keepSavepoint(o *unstructured.Unstructured) map[string]any {
	if _, is, _ := unstructured.NestedMap(o.Object, "spec", "savepoint"); !is {
		return nil
	}
	return map[string]any{"spec": map[string]any{"savepoint": map[string]any{"disposeOnDelete": false}}}
}
