// SPDX-License-Identifier: Apache-2.0

package kubeclient

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

const applyPatch = types.ApplyPatchType

// Delete asks for the object's deletion, dependents first. One that is gone, or
// whose kind is, is no error.
func (c *Client) Delete(ctx context.Context, obj *unstructured.Unstructured) error {
	r, err := c.resource(obj)
	if err != nil {
		if meta.IsNoMatchError(err) {
			return nil
		}
		return err
	}
	foreground := metav1.DeletePropagationForeground
	err = r.Delete(ctx, obj.GetName(), metav1.DeleteOptions{PropagationPolicy: &foreground})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// AwaitGone returns when the object is gone, or when another one has its name.
// The error of a wait that ctx ends says what holds the object back. progress,
// when set, is told the reason whenever it changes.
func (c *Client) AwaitGone(ctx context.Context, obj *unstructured.Unstructured, progress func(string)) error {
	reason := ""
	var uid types.UID
	for {
		got, err := c.Get(ctx, obj)
		switch {
		case err != nil && ctx.Err() != nil:
		case err != nil:
			return err
		case got == nil, uid != "" && got.GetUID() != uid:
			return nil
		default:
			uid = got.GetUID()
			if now := c.blockers(got); now != reason {
				reason = now
				if progress != nil {
					progress("waiting until it is gone: " + reason)
				}
			}
		}
		if err := sleep(ctx); err != nil {
			return fmt.Errorf("%s is still there after the deletion was asked (%w): %s", Describe(obj), err, reason)
		}
	}
}

// blockers says why an object is still there.
func (c *Client) blockers(obj *unstructured.Unstructured) string {
	var out []string
	if f := obj.GetFinalizers(); len(f) > 0 {
		out = append(out, "finalizers "+strings.Join(f, ", "))
	}
	for _, cond := range conditions(obj) {
		if cond.Status == "True" && strings.HasPrefix(cond.Type, "Namespace") {
			out = append(out, cond.Message)
		}
	}
	if len(out) == 0 {
		return "no finalizer, no condition"
	}
	return strings.Join(out, "; ")
}

// sleep waits between two looks; the error says why ctx ended.
func sleep(ctx context.Context) error {
	t := time.NewTimer(poll)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		if cause := context.Cause(ctx); !errors.Is(cause, context.DeadlineExceeded) {
			return cause
		}
		return errors.New("timed out")
	}
}
