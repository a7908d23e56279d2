// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/kube"
)

// DryRunResult is the JSON of `job run --dry-run=server`.
type DryRunResult struct {
	SchemaVersion int            `json:"schemaVersion"`
	Refused       int            `json:"refused"` // how many the API server refused
	Objects       []DryRunObject `json:"objects"`
}

// DryRunObject is what the API server would do with one object.
type DryRunObject struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Action    string `json:"action"` // "create", "change", "keep" or "refuse"
	Reason    string `json:"reason"` // of a refusal
}

// DryRun checks the jobs as a run does, and lets the API server say what it would do with each object: all refusals, not only
// the first. Nothing is submitted.
func (r Runner) DryRun(ctx context.Context, jobs []Job) (DryRunResult, error) {
	res := DryRunResult{SchemaVersion: SchemaVersion, Objects: []DryRunObject{}}
	for _, j := range jobs {
		if err := r.Preflight(ctx, j); err != nil {
			return res, err
		}
	}
	for _, j := range jobs {
		for _, o := range append(slices.Clone(j.Beside), j.Object) {
			ref := kube.RefOf(o)
			one := DryRunObject{Kind: ref.Kind.Kind, Namespace: ref.Namespace, Name: ref.Name, Action: "create"}
			now, err := r.Kube.Get(ctx, ref)
			if err != nil && !kube.IsNotFound(err) {
				return res, err
			}
			then, refusal := r.Kube.DryRun(ctx, o)
			switch {
			case kube.IsUnreachable(refusal):
				return res, refusal
			case refusal != nil:
				one.Action, one.Reason = "refuse", refusal.Error()
				res.Refused++
			case err == nil && same(now, then):
				one.Action = "keep"
			case err == nil:
				one.Action = "change"
			}
			res.Objects = append(res.Objects, one)
		}
	}
	return res, nil
}

// same compares what a user can write of two states of an object.
func same(a, b *unstructured.Unstructured) bool {
	mine := func(o *unstructured.Unstructured) map[string]any {
		out := o.DeepCopy()
		for _, path := range [][]string{
			{"status"}, {"metadata", "managedFields"}, {"metadata", "resourceVersion"}, {"metadata", "generation"},
		} {
			unstructured.RemoveNestedField(out.Object, path...)
		}
		return out.Object
	}
	return equality.Semantic.DeepEqual(mine(a), mine(b))
}
