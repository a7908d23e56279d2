// SPDX-License-Identifier: Apache-2.0

package kubeprov

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/urn"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/localcloud/provider/kubeclient"
)

// The annotations of Pulumi's that are honoured.
const (
	skipAwait      = "pulumi.com/skipAwait"
	waitFor        = "pulumi.com/waitFor"
	timeoutSeconds = "pulumi.com/timeoutSeconds"
	patchForce     = "pulumi.com/patchForce"
)

// objects are all kinds of Kubernetes, built in or not.
type objects struct{}

var _ handler = objects{}

// check completes apiVersion and kind from the type, names the object, and
// refuses what is not an object.
func (objects) check(s *Server, req *pulumirpc.CheckRequest, olds, news property) ([]*pulumirpc.CheckFailure, error) {
	u := urn.URN(req.GetUrn())
	var failures []*pulumirpc.CheckFailure
	fail := func(property, format string, args ...any) {
		failures = append(failures, &pulumirpc.CheckFailure{Property: property, Reason: fmt.Sprintf(format, args...)})
	}
	apiVersion, kind := gvkOf(string(u.Type()))
	for key, want := range map[resource.PropertyKey]string{"apiVersion": apiVersion, "kind": kind} {
		switch {
		case news[key].IsNull():
			news[key] = resource.NewProperty(want)
		case str(news, key) != want:
			fail(string(key), "%q does not fit the type %s", str(news, key), u.Type())
		}
	}
	if v := news["metadata"]; !v.IsNull() && !v.IsObject() && !v.ContainsUnknowns() {
		fail("metadata", "want an object, got %s", v.TypeString())
		return failures, nil
	}
	if err := autoname(s, req, u.Name(), olds, news); err != nil {
		fail("metadata.name", "%v", err)
	}
	if wait := str(member(member(news, "metadata"), "annotations"), waitFor); wait != "" {
		if _, err := awaited(wait); err != nil {
			fail("metadata.annotations", "%v", err)
		}
	}
	return failures, nil
}

// gvkOf reads a type token: kubernetes:apps/v1:Deployment, and core/v1 is v1.
func gvkOf(token string) (apiVersion, kind string) {
	parts := strings.Split(token, ":")
	return strings.TrimPrefix(parts[1], "core/"), parts[2]
}

func (objects) diff(olds, news property, c *config) *pulumirpc.DiffResponse {
	return diffObjects(olds, news, c)
}

func (objects) create(ctx context.Context, op *operation, inputs property) (string, property, error) {
	if op.preview {
		return "", planned(ctx, op, inputs), nil
	}
	obj, err := op.object(inputs)
	if err != nil {
		return "", nil, err
	}
	live, err := op.apply(ctx, obj)
	if err != nil {
		return "", nil, err
	}
	live, err = op.await(ctx, live)
	return idOf(live), properties(live), err
}

func (objects) update(ctx context.Context, op *operation, _, inputs property) (property, error) {
	if op.preview {
		return planned(ctx, op, inputs), nil
	}
	obj, err := op.object(inputs)
	if err != nil {
		return nil, err
	}
	live, err := op.apply(ctx, obj)
	if err != nil {
		return nil, err
	}
	live, err = op.await(ctx, live)
	return properties(live), err
}

func (objects) read(ctx context.Context, op *operation, id string, inputs property) (state, actual property, err error) {
	obj := &unstructured.Unstructured{Object: map[string]any{}}
	apiVersion, kind := gvkOf(string(op.urn.Type()))
	obj.SetAPIVersion(apiVersion)
	obj.SetKind(kind)
	name := id
	if ns, rest, ok := strings.Cut(id, "/"); ok {
		obj.SetNamespace(ns)
		name = rest
	}
	obj.SetName(name)
	client, err := op.client()
	if err != nil {
		return nil, nil, err
	}
	live, err := client.Get(ctx, obj)
	if err != nil || live == nil {
		return nil, nil, err
	}
	state = properties(live)
	return state, actualInputs(inputs, state), nil
}

func (objects) remove(ctx context.Context, op *operation, inputs property) error {
	obj, err := op.object(inputs)
	if err != nil {
		return err
	}
	client, err := op.client()
	if err != nil {
		return err
	}
	if err := client.Delete(ctx, obj); err != nil {
		return fmt.Errorf("delete %s: %w", kubeclient.Describe(obj), err)
	}
	annotations := obj.GetAnnotations()
	if annotations[skipAwait] == "true" {
		return nil
	}
	ctx, cancel := op.within(ctx, annotations[timeoutSeconds])
	defer cancel()
	return client.AwaitGone(ctx, obj, op.progress(ctx))
}

// object is the inputs as an object, in the provider's namespace when it has
// none of its own and its kind lives in one.
func (o *operation) object(inputs property) (*unstructured.Unstructured, error) {
	obj, err := unstructuredOf(inputs)
	if err != nil || obj.GetNamespace() != "" || o.config.namespace == "" {
		return obj, err
	}
	client, err := o.client()
	if err != nil {
		return nil, err
	}
	if in, err := client.Namespaced(obj.GroupVersionKind()); err == nil && in {
		obj.SetNamespace(o.config.namespace)
	}
	return obj, nil
}

func (o *operation) apply(ctx context.Context, obj *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	client, err := o.client()
	if err != nil {
		return nil, err
	}
	live, err := client.Apply(ctx, obj, kubeclient.ApplyOptions{
		Manager: fieldManager, Force: obj.GetAnnotations()[patchForce] == "true",
	})
	if err != nil {
		return nil, fmt.Errorf("apply %s: %w", kubeclient.Describe(obj), err)
	}
	return live, nil
}

// await returns the object when it is ready for what depends on it.
func (o *operation) await(ctx context.Context, live *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	annotations := live.GetAnnotations()
	ready := kubeclient.ReadyFor(live.GroupVersionKind())
	if text := annotations[waitFor]; text != "" {
		var err error
		if ready, err = awaited(text); err != nil {
			return live, err
		}
	}
	if ready == nil || annotations[skipAwait] == "true" {
		return live, nil
	}
	client, err := o.client()
	if err != nil {
		return live, err
	}
	ctx, cancel := o.within(ctx, annotations[timeoutSeconds])
	defer cancel()
	return client.AwaitReady(ctx, live, ready, o.progress(ctx))
}

// awaited reads pulumi.com/waitFor: one condition, or a JSON list of them.
func awaited(text string) (kubeclient.Ready, error) {
	parts := []string{text}
	if strings.HasPrefix(text, "[") {
		if err := json.Unmarshal([]byte(text), &parts); err != nil {
			return nil, fmt.Errorf("%s: %w", waitFor, err)
		}
	}
	all := make([]kubeclient.Ready, 0, len(parts))
	for _, p := range parts {
		r, err := kubeclient.ParseCondition(p)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return func(obj *unstructured.Unstructured) (bool, string) {
		for _, r := range all {
			if ok, missing := r(obj); !ok {
				return false, missing
			}
		}
		return true, ""
	}, nil
}

// planned is what the object would be: as the cluster says, when it can be asked
// and takes it, else the inputs. A definition or a namespace that is not there
// yet is no reason to refuse, it may be made in the same update; a refusal of
// the object is shown now.
func planned(ctx context.Context, op *operation, inputs property) property {
	if op.config == nil || inputs.ContainsUnknowns() {
		return inputs
	}
	obj, err := op.object(inputs)
	if err != nil {
		return inputs
	}
	client, err := op.client()
	if err != nil {
		return inputs
	}
	if _, err := client.Apply(ctx, obj, kubeclient.ApplyOptions{Manager: fieldManager, Force: true, DryRun: true}); err != nil {
		if apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) || apierrors.IsForbidden(err) {
			op.session.Warn(ctx, string(op.urn), fmt.Sprintf("the cluster would refuse %s: %v", kubeclient.Describe(obj), err))
		}
	}
	return inputs
}
