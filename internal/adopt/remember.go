// SPDX-License-Identifier: Apache-2.0

package adopt

import (
	"context"

	"emrflink/internal/awsapi"
)

// remembered is an account for who looks up many resources in a row: who asks, and what exists, are asked for once; the
// inventory again when something in it was waited for. It is for one goroutine.
type remembered struct {
	Account
	identity         *awsapi.Identity
	inventory, roles []awsapi.Resource
	listed, read     bool
}

// Identity is the caller.
func (r *remembered) Identity(ctx context.Context) (awsapi.Identity, error) {
	if r.identity != nil {
		return *r.identity, nil
	}
	id, err := r.Account.Identity(ctx)
	if err == nil {
		r.identity = &id
	}
	return id, err
}

// DeploymentResources is the inventory as it was at the first look, or after the last wait.
func (r *remembered) DeploymentResources(ctx context.Context, d awsapi.Deployment) ([]awsapi.Resource, error) {
	return once(&r.listed, &r.inventory, func() ([]awsapi.Resource, error) { return r.Account.DeploymentResources(ctx, d) })
}

// TaggedRoles are the roles as they were at the first look.
func (r *remembered) TaggedRoles(ctx context.Context, tags map[string]string) ([]awsapi.Resource, error) {
	return once(&r.read, &r.roles, func() ([]awsapi.Resource, error) { return r.Account.TaggedRoles(ctx, tags) })
}

// once asks when it has no answer yet.
func once(has *bool, answer *[]awsapi.Resource, ask func() ([]awsapi.Resource, error)) (all []awsapi.Resource, err error) {
	if *has {
		return *answer, nil
	}
	all, err = ask()
	*answer, *has = all, err == nil
	return all, err
}

// forget makes the next look at the inventory a new one.
func (r *remembered) forget() { r.listed = false }
