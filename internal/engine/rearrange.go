// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"emrflink/internal/plans"
	"emrflink/internal/untyped"
)

// Rearrange writes an order of deletion into the state. The next deploy writes down again what the program says. A stack that
// was never deployed gives ErrNoStack.
func (e *Engine) Rearrange(ctx context.Context, o plans.Order) error {
	return e.edit(ctx, func(d *savedState) (changed int) { return rearrange(d, o) })
}

func rearrange(d *savedState, o plans.Order) (changed int) {
	types := map[resource.URN]string{}
	for _, r := range d.Resources {
		types[r.URN] = string(r.Type)
	}
	for i := range d.Resources {
		r := &d.Resources[i]
		apart := func(on resource.URN) bool {
			return slices.ContainsFunc(o.Apart, func(p [2]string) bool { return p == [2]string{string(r.Type), types[on]} })
		}
		if slices.ContainsFunc(r.Dependencies, apart) {
			changed++
			r.Dependencies = slices.DeleteFunc(r.Dependencies, apart)
			for name, on := range r.PropertyDependencies {
				r.PropertyDependencies[name] = slices.DeleteFunc(on, apart)
			}
		}
		if provider := untyped.ProviderURN(r.Provider); o.Kubernetes && untyped.URNType(provider) == kubernetesProvider {
			changed++
			r.DeletedWith = resource.URN(provider)
		}
	}
	for i := range d.Resources {
		r := &d.Resources[i]
		of, moved := o.Beside[string(r.Type)]
		for _, other := range d.Resources {
			if moved && string(other.Type) == of && !needs(d.Resources, other.URN, r.URN) {
				changed++
				r.Dependencies = append(slices.Clone(r.Dependencies), other.Dependencies...)
			}
		}
	}
	changed += endWith(d, o.With)
	if changed > 0 {
		d.Resources = inOrder(d.Resources)
	}
	return changed
}

// endWith notes of the types of with which resource takes them along.
func endWith(d *savedState, with map[string]string) (changed int) {
	for i := range d.Resources {
		of, goes := with[string(d.Resources[i].Type)]
		for _, other := range d.Resources {
			if goes && string(other.Type) == of {
				changed++
				d.Resources[i].DeletedWith = other.URN
			}
		}
	}
	return changed
}

// needs says that one resource depends on another, be it through others.
func needs(all []apitype.ResourceV3, from, on resource.URN) bool {
	edges := map[resource.URN][]resource.URN{}
	for _, r := range all {
		edges[r.URN] = append([]resource.URN{r.Parent, resource.URN(untyped.ProviderURN(r.Provider))}, r.Dependencies...)
	}
	seen := map[resource.URN]bool{}
	var reaches func(resource.URN) bool
	reaches = func(u resource.URN) bool {
		if u == on {
			return true
		}
		if seen[u] {
			return false
		}
		seen[u] = true
		return slices.ContainsFunc(edges[u], reaches)
	}
	return reaches(from)
}

// inOrder puts what a resource needs before it, as a state has to be, and moves nothing that is there already.
func inOrder(all []apitype.ResourceV3) []apitype.ResourceV3 {
	at := map[resource.URN]int{}
	for i, r := range all {
		at[r.URN] = i
	}
	out := make([]apitype.ResourceV3, 0, len(all))
	placed := make([]bool, len(all))
	var place func(i int)
	place = func(i int) {
		if placed[i] {
			return
		}
		placed[i] = true
		r := all[i]
		before := append([]resource.URN{r.Parent, r.DeletedWith, resource.URN(untyped.ProviderURN(r.Provider))},
			r.Dependencies...)
		for _, urn := range before {
			if j, known := at[urn]; known {
				place(j)
			}
		}
		out = append(out, r)
	}
	for i := range all {
		place(i)
	}
	return out
}

// edit changes the state when nobody else does. Unfinished operations are taken over before: writing the state drops them.
func (e *Engine) edit(ctx context.Context, change func(*savedState) int) error {
	if err := e.ready(ctx); err != nil {
		return err
	}
	if _, err := e.deployment(ctx); err != nil {
		return err
	}
	notice := func(text string) { e.opts.Logger.Info(text) }
	release, err := e.acquire(ctx, notice)
	if err != nil {
		return err
	}
	defer release()
	if err := e.resolvePending(ctx, true, notice); err != nil {
		return err
	}
	deployment, err := e.deployment(ctx)
	if err != nil {
		return err
	}
	if change(deployment) == 0 {
		return nil
	}
	if err := e.importState(ctx, deployment); err != nil {
		return fmt.Errorf("write the changed state: %w", err)
	}
	return nil
}
