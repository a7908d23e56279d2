// SPDX-License-Identifier: Apache-2.0

// Package outofband changes a deployed resource of the local target without the engine: in the simulated account or in
// the cluster, as a person with a console or kubectl would, so that the recorded state does not know of it.
//
// Place: domain, above kube; the account is behind a small interface.
package outofband

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/exitcode"
	"emrflink/internal/kube"
	"emrflink/internal/localtarget"
	"emrflink/internal/plans"
	"emrflink/internal/proppath"
)

// Account is the simulated account.
type Account interface {
	// Edit changes or deletes a resource of a Pulumi type.
	Edit(ctx context.Context, typ, id string, changes []proppath.Change, remove bool) error
}

// Cluster is the API server of the deployment.
type Cluster interface {
	Get(ctx context.Context, ref kube.Ref) (*unstructured.Unstructured, error)
	Patch(ctx context.Context, ref kube.Ref, subresource string, merge map[string]any) (*unstructured.Unstructured, error)
	Delete(ctx context.Context, ref kube.Ref, p kube.Propagation) error
}

var _ Cluster = (*kube.Client)(nil)

// Changer changes resources of one stack.
type Changer struct {
	Account Account
	// Recorded reads what the stack recorded, Cluster connects to its cluster.
	Recorded func(context.Context) ([]plans.StateResource, error)
	Cluster  func(context.Context) (Cluster, error)
}

// Error is a request that cannot be carried out; nothing was changed.
type Error struct {
	err  error
	code string
	hint string
}

// Error is what is wrong.
func (e *Error) Error() string { return e.err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.err }

// Code is a stable id of the failure.
func (e *Error) Code() string { return e.code }

// Hint is the command that helps, "" when none does.
func (e *Error) Hint() string { return e.hint }

// ExitCode is 2: nothing was changed.
func (e *Error) ExitCode() int { return exitcode.Usage }

func refuse(format string, args ...any) error {
	return &Error{err: fmt.Errorf(format, args...), code: "usage"}
}

// Change changes a recorded resource where it is, and returns it as it is recorded.
func (c Changer) Change(ctx context.Context, change localtarget.Change) (plans.StateResource, error) {
	edits, err := editsOf(change)
	if err != nil {
		return plans.StateResource{}, err
	}
	resources, err := c.Recorded(ctx)
	if err != nil {
		return plans.StateResource{}, err
	}
	r, err := pick(resources, change.Resource)
	if err != nil {
		return plans.StateResource{}, err
	}
	switch {
	case strings.HasPrefix(r.Type, "aws:"):
		err = c.Account.Edit(ctx, r.Type, r.ID, edits, change.Delete)
	case r.Inputs["kind"] != nil && r.Inputs["apiVersion"] != nil:
		err = c.inCluster(ctx, r, edits, change.Delete)
	default:
		err = refuse("%s %q cannot be changed from outside: it is neither a resource of AWS nor an object of Kubernetes",
			r.Type, r.Name)
	}
	return r, err
}

func editsOf(c localtarget.Change) ([]proppath.Change, error) {
	var out []proppath.Change
	for _, text := range c.Set {
		one, err := proppath.Parse(text)
		if err != nil {
			return nil, refuse("--set: %w", err)
		}
		out = append(out, one)
	}
	for _, path := range c.Unset {
		out = append(out, proppath.Change{Path: path, Unset: true})
	}
	return out, nil
}

// pick finds the one recorded resource that a text names.
func pick(resources []plans.StateResource, name string) (plans.StateResource, error) {
	for _, field := range []func(plans.StateResource) string{
		func(r plans.StateResource) string { return r.URN },
		func(r plans.StateResource) string { return r.Name },
		func(r plans.StateResource) string { return r.ID },
	} {
		var found []plans.StateResource
		for _, r := range resources {
			if r.Custom && field(r) == name {
				found = append(found, r)
			}
		}
		if len(found) == 1 {
			return found[0], nil
		}
		if len(found) > 1 {
			return plans.StateResource{}, refuse("%q names %d resources, %s and %s among them: give a URN", name, len(found),
				found[0].URN, found[1].URN)
		}
	}
	return plans.StateResource{}, fmt.Errorf("find resource %q: %w", name, &Error{
		err: errors.New("the stack has no resource of that name, id or URN"), code: "not-found",
		hint: "emrflink preview --output json",
	})
}

// inCluster changes an object through the API server, as kubectl would.
func (c Changer) inCluster(ctx context.Context, r plans.StateResource, edits []proppath.Change, remove bool) error {
	client, err := c.Cluster(ctx)
	if err != nil {
		return err
	}
	apiVersion, _ := r.Inputs["apiVersion"].(string)
	kind, _ := r.Inputs["kind"].(string)
	namespace, name, namespaced := strings.Cut(r.ID, "/")
	if !namespaced {
		namespace, name = "", r.ID
	}
	ref := kube.Kind{APIVersion: apiVersion, Kind: kind}.Ref(namespace, name)
	if remove {
		return client.Delete(ctx, ref, kube.Background)
	}
	live, err := client.Get(ctx, ref)
	if err != nil {
		return err
	}
	next, err := proppath.Edit(live.Object, edits)
	if err != nil {
		return refuse("change %s: %w", ref, err)
	}
	_, err = client.Patch(ctx, ref, "", kube.MergePatch(live.Object, next))
	if reason := kube.ReasonOf(err); reason == "BadRequest" || reason == "Invalid" {
		return refuse("%w", err) // no such field, or a value that the API server does not take
	}
	return err
}
