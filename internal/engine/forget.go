// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"emrflink/internal/untyped"
)

// kubernetesProvider is the type of the providers whose resources live in a cluster: objects and Helm releases.
const kubernetesProvider = "pulumi:providers:kubernetes"

// ForgetKubernetes drops from the state what is in the cluster (objects, Helm releases) and the providers that reach
// it, and returns how many objects and releases there were. Nothing is contacted.
//
// It is for a cluster that is certainly gone, and its resources with it: no provider can delete them any more, and
// without this no destroy would get past them. What depended on them stays and loses the reference. The engine keeps a
// backup of the state as it was. A stack that was never deployed gives ErrNoStack.
func (e *Engine) ForgetKubernetes(ctx context.Context) (int, error) {
	return e.forget(ctx, func(r apitype.ResourceV3) bool {
		return string(r.Type) == kubernetesProvider || untyped.URNType(untyped.ProviderURN(r.Provider)) == kubernetesProvider
	})
}

// ForgetTypes drops from the state the resources of these Pulumi types, which stay as they are, and returns how many there
// were. Nothing is contacted. A stack that was never deployed gives ErrNoStack.
func (e *Engine) ForgetTypes(ctx context.Context, types ...string) (int, error) {
	return e.forget(ctx, func(r apitype.ResourceV3) bool { return slices.Contains(types, string(r.Type)) })
}

func (e *Engine) forget(ctx context.Context, match func(apitype.ResourceV3) bool) (resources int, err error) {
	err = e.edit(ctx, func(d *savedState) int {
		before := len(d.Resources)
		resources = drop(d, match)
		return before - len(d.Resources)
	})
	if err != nil {
		return 0, err
	}
	return resources, nil
}

// drop takes resources out of a deployment, mends the references to them, and returns how many there were beside providers.
func drop(d *savedState, match func(apitype.ResourceV3) bool) (resources int) {
	parents := map[resource.URN]resource.URN{} // of what is dropped
	kept := make([]apitype.ResourceV3, 0, len(d.Resources))
	for _, r := range d.Resources {
		if !match(r) {
			kept = append(kept, r)
			continue
		}
		if !strings.HasPrefix(string(r.Type), "pulumi:providers:") {
			resources++
		}
		parents[r.URN] = r.Parent
	}
	gone := func(u resource.URN) bool { _, dropped := parents[u]; return dropped }
	for i := range kept {
		r := &kept[i]
		for gone(r.Parent) {
			r.Parent = parents[r.Parent]
		}
		r.Dependencies = slices.DeleteFunc(r.Dependencies, gone)
		r.ReplaceWith = slices.DeleteFunc(r.ReplaceWith, gone)
		for key, on := range r.PropertyDependencies {
			r.PropertyDependencies[key] = slices.DeleteFunc(on, gone)
		}
		if gone(r.DeletedWith) {
			r.DeletedWith = ""
		}
	}
	d.Resources = kept
	return resources
}
