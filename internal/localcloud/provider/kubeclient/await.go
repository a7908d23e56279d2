// SPDX-License-Identifier: Apache-2.0

package kubeclient

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Condition is one of an object's status conditions.
type Condition struct{ Type, Status, Reason, Message string }

func conditions(obj *unstructured.Unstructured) []Condition {
	raw, _, _ := unstructured.NestedSlice(obj.Object, "status", "conditions")
	var out []Condition
	for _, r := range raw {
		m, ok := r.(map[string]any)
		if !ok {
			continue
		}
		text := func(key string) string { s, _ := m[key].(string); return s }
		out = append(out, Condition{text("type"), text("status"), text("reason"), text("message")})
	}
	return out
}

// Ready says whether an object has become what it is for, and what is missing.
type Ready func(*unstructured.Unstructured) (ok bool, missing string)

// AwaitReady returns the object when ready says so. The error of a wait that ctx
// ends says what was missing. progress, when set, is told whenever that changes.
func (c *Client) AwaitReady(ctx context.Context, obj *unstructured.Unstructured, ready Ready, progress func(string),
) (*unstructured.Unstructured, error) {
	reason, last := "", obj
	for {
		got, err := c.Get(ctx, obj)
		switch {
		case err != nil && ctx.Err() != nil:
		case err != nil:
			return last, err
		case got == nil:
			return last, fmt.Errorf("%s was deleted while it was awaited", Describe(obj))
		default:
			last = got
			ok, missing := ready(got)
			if ok {
				return got, nil
			}
			missing += c.podTrouble(ctx, got)
			if missing != reason {
				reason = missing
				if progress != nil {
					progress(missing)
				}
			}
		}
		if err := sleep(ctx); err != nil {
			return last, fmt.Errorf("%s did not become ready (%w): %s", Describe(obj), err, reason)
		}
	}
}

// ReadyFor returns what readiness means for a kind, nil when nothing is awaited.
func ReadyFor(gvk schema.GroupVersionKind) Ready {
	switch gvk.GroupKind().String() {
	case "Deployment.apps":
		return deploymentReady
	case "StatefulSet.apps":
		return statefulSetReady
	case "CustomResourceDefinition.apiextensions.k8s.io":
		return HasCondition("Established", "True")
	case "Namespace":
		return namespaceReady
	}
	return nil
}

// HasCondition is readiness by a status condition.
func HasCondition(typ, status string) Ready {
	return func(obj *unstructured.Unstructured) (bool, string) {
		for _, cond := range conditions(obj) {
			if cond.Type != typ {
				continue
			}
			if cond.Status == status {
				return true, ""
			}
			return false, strings.TrimSpace(fmt.Sprintf("condition %s is %s: %s %s", typ, cond.Status, cond.Reason, cond.Message))
		}
		return false, "no condition " + typ + " yet"
	}
}

func namespaceReady(obj *unstructured.Unstructured) (bool, string) {
	phase, _, _ := unstructured.NestedString(obj.Object, "status", "phase")
	return phase == "Active", "phase is " + phase
}

func count(obj *unstructured.Unstructured, fields ...string) int64 {
	n, _, _ := unstructured.NestedInt64(obj.Object, fields...)
	return n
}

func replicas(obj *unstructured.Unstructured) int64 {
	if n, ok, _ := unstructured.NestedInt64(obj.Object, "spec", "replicas"); ok {
		return n
	}
	return 1
}

func deploymentReady(obj *unstructured.Unstructured) (bool, string) {
	want := replicas(obj)
	updated, available := count(obj, "status", "updatedReplicas"), count(obj, "status", "availableReplicas")
	seen := count(obj, "status", "observedGeneration") >= obj.GetGeneration()
	if seen && updated == want && available >= want && count(obj, "status", "replicas") == want {
		return true, ""
	}
	missing := fmt.Sprintf("%d of %d replicas are available", min(available, updated), want)
	for _, cond := range conditions(obj) {
		if cond.Status == "False" && cond.Type == "Progressing" || cond.Type == "ReplicaFailure" && cond.Status == "True" {
			missing += "; " + cond.Message
		}
	}
	return false, missing
}

func statefulSetReady(obj *unstructured.Unstructured) (bool, string) {
	want, ready := replicas(obj), count(obj, "status", "readyReplicas")
	seen := count(obj, "status", "observedGeneration") >= obj.GetGeneration()
	return seen && ready >= want && count(obj, "status", "updatedReplicas") >= want,
		fmt.Sprintf("%d of %d replicas are ready", ready, want)
}

// podTrouble is why a workload's pods are not where they should be, in the words
// of the scheduler: the first pod that says something.
func (c *Client) podTrouble(ctx context.Context, obj *unstructured.Unstructured) string {
	labels, ok, _ := unstructured.NestedStringMap(obj.Object, "spec", "selector", "matchLabels")
	if !ok || obj.GroupVersionKind().Group != "apps" {
		return ""
	}
	pairs := make([]string, 0, len(labels))
	for k, v := range labels {
		pairs = append(pairs, k+"="+v)
	}
	pods, err := c.List(ctx, schema.GroupVersionKind{Version: "v1", Kind: "Pod"}, obj.GetNamespace(), strings.Join(pairs, ","))
	if err != nil {
		return ""
	}
	for i := range pods {
		for _, cond := range conditions(&pods[i]) {
			if cond.Type == "PodScheduled" && cond.Status == "False" && cond.Message != "" {
				return fmt.Sprintf("; pod %s: %s", pods[i].GetName(), cond.Message)
			}
		}
	}
	return ""
}

// ErrUnsupportedWait is a condition to wait for that is not simulated.
var ErrUnsupportedWait = errors.New("only condition=TYPE[=STATUS] can be waited for")

// ParseCondition reads the value of the annotation pulumi.com/waitFor.
func ParseCondition(text string) (Ready, error) {
	rest, ok := strings.CutPrefix(text, "condition=")
	if !ok || rest == "" {
		return nil, fmt.Errorf("wait for %q: %w", text, ErrUnsupportedWait)
	}
	typ, status, ok := strings.Cut(rest, "=")
	if !ok {
		status = "True"
	}
	return HasCondition(typ, status), nil
}
