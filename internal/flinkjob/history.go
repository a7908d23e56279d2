// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/exitcode"
	"emrflink/internal/kube"
	"emrflink/internal/mask"
)

// historyKept is how many specs of a job are kept: a ConfigMap has at most 1 MiB.
const historyKept = 20

// Revision is a spec of a job as it was applied. It is an item of `job history`.
type Revision struct {
	Number  int       `json:"number"`
	At      time.Time `json:"at"`  // when the spec was applied, as far as Kubernetes knows
	Who     string    `json:"who"` // the field manager that applied it: kubectl, emrflink, argocd...
	Why     string    `json:"why"`
	State   string    `json:"state"` // what the job started from, where emrflink started it
	Current bool      `json:"current"`
	JarETag string    `json:"jarETag"` // of the jar in S3 when this was recorded; "" for a jar elsewhere
	// Secrets are the paths whose values are not kept: a rollback leaves them as they are.
	Secrets []string       `json:"secrets"`
	Spec    map[string]any `json:"spec"`
}

// NoRevisionError says that there is no spec of a number.
type NoRevisionError struct {
	Job    string
	Number int
}

// Error implements error.
func (e *NoRevisionError) Error() string {
	return fmt.Sprintf("job %q has no spec %d in its history", e.Job, e.Number)
}

// Code is a stable id of the failure.
func (e *NoRevisionError) Code() string { return "flinkjob.no-revision" }

// ExitCode is that of what does not exist.
func (e *NoRevisionError) ExitCode() int { return exitcode.NotFound }

// Hint lists what there is.
func (e *NoRevisionError) Hint() string { return "emrflink job history " + e.Job }

func (j Running) historyRef() kube.Ref {
	return kube.KindConfigMap.Ref(j.Ref.Namespace, "emrflink-history-"+strings.ToLower(j.Ref.Kind.Kind)+"-"+j.Ref.Name)
}

// History are the specs that the job had, oldest first; the last one is that of now, also when nobody has recorded it.
func (j Running) History(ctx context.Context) ([]Revision, error) {
	o, err := j.Runner.Kube.Get(ctx, j.Ref)
	if err != nil {
		return nil, fmt.Errorf("read job %q: %w", j.Ref.Name, err)
	}
	all, err := j.recorded(ctx)
	if err != nil {
		return nil, err
	}
	now := revisionOf(o)
	if n := len(all); n > 0 {
		if sameJSON(effective(all[n-1].Spec), effective(now.Spec)) {
			all[n-1].Current = true
			return all, nil
		}
		now.Number = all[n-1].Number + 1
	}
	now.Current, now.Why = true, "not applied by emrflink"
	return append(all, now), nil
}

// recorded are the specs in the ConfigMap.
func (j Running) recorded(ctx context.Context) ([]Revision, error) {
	o, err := j.Runner.Kube.Get(ctx, j.historyRef())
	if kube.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the history of job %q: %w", j.Ref.Name, err)
	}
	data, _, _ := unstructured.NestedStringMap(o.Object, "data")
	var all []Revision
	for key, text := range data {
		var r Revision
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			return nil, fmt.Errorf("read %s, key %q: %w", j.historyRef(), key, err)
		}
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b Revision) int { return a.Number - b.Number })
	return all, nil
}

// revisionOf is the spec that a job has. What looks like a secret is left out.
func revisionOf(o *unstructured.Unstructured) Revision {
	spec, _, _ := unstructured.NestedMap(o.Object, "spec")
	r := Revision{Number: 1, At: o.GetCreationTimestamp().UTC(), Spec: normalJSON(spec), Secrets: []string{}}
	for _, f := range o.GetManagedFields() {
		if f.Subresource == "" && f.Time != nil && f.FieldsV1 != nil && strings.Contains(string(f.FieldsV1.Raw), `"f:spec"`) &&
			!f.Time.Time.Before(r.At) {
			r.At, r.Who = f.Time.UTC(), f.Manager
		}
	}
	r.Secrets = append(r.Secrets, hide("spec", r.Spec)...)
	slices.Sort(r.Secrets)
	return r
}

// hide takes secrets out of a document and returns their paths.
func hide(path string, doc map[string]any) []string {
	var found []string
	for k, v := range doc {
		at := path + "." + k
		if inner, ok := v.(map[string]any); ok {
			found = append(found, hide(at, inner)...)
		} else if _, text := v.(string); text && mask.Key(k) {
			delete(doc, k)
			found = append(found, at)
		}
	}
	return found
}

// effective is a spec without what only acted once.
func effective(spec map[string]any) map[string]any {
	out := normalJSON(spec)
	delete(out, "restartNonce")
	if job, ok := out["job"].(map[string]any); ok {
		for _, k := range []string{"savepointTriggerNonce", "checkpointTriggerNonce", "savepointRedeployNonce",
			"initialSavepointPath", "state"} {
			delete(job, k)
		}
	}
	return out
}

// remember records the spec that the job has now, when it is another one than the last.
func (j Running) remember(ctx context.Context, why, state string) error {
	o, err := j.Runner.Kube.Get(ctx, j.Ref)
	if err != nil {
		return fmt.Errorf("read job %q: %w", j.Ref.Name, err)
	}
	all, err := j.recorded(ctx)
	if err != nil {
		return err
	}
	now := revisionOf(o)
	now.Why, now.State = why, state
	if now.JarETag, err = j.etagOf(ctx, now.Spec); err != nil {
		return err
	}
	if n := len(all); n > 0 {
		if sameJSON(effective(all[n-1].Spec), effective(now.Spec)) {
			return nil
		}
		now.Number = all[n-1].Number + 1
	}
	text, err := json.Marshal(now)
	if err != nil {
		return fmt.Errorf("record the spec of job %q: %w", j.Ref.Name, err)
	}
	data := map[string]any{strconv.Itoa(now.Number): string(text)}
	for i := 0; i <= len(all)-historyKept; i++ {
		data[strconv.Itoa(all[i].Number)] = nil
	}
	return j.keepHistory(ctx, o, len(all) == 0, data)
}

// etagOf identifies the bytes of a spec's jar in S3; "" for none.
func (j Running) etagOf(ctx context.Context, spec map[string]any) (string, error) {
	uri, _, _ := unstructured.NestedString(spec, "job", "jarURI")
	bucket, key, err := splitURI(uri)
	if err != nil || j.Runner.Objects == nil {
		return "", nil //nolint:nilerr // a file of the image, or a URL
	}
	all, err := j.Runner.Objects.ListObjects(ctx, bucket, key)
	for _, o := range all {
		if o.Key == key {
			return o.ETag, nil
		}
	}
	return "", err
}

// otherBytes says that the jar of a spec has other bytes than when its name was recorded; "" when it has not, or nobody knows.
func (j Running) otherBytes(ctx context.Context, spec map[string]any) (string, error) {
	now, err := j.etagOf(ctx, spec)
	if err != nil || now == "" {
		return "", err
	}
	all, err := j.recorded(ctx)
	if err != nil || len(all) == 0 {
		return "", err
	}
	last := all[len(all)-1]
	uri, _, _ := unstructured.NestedString(spec, "job", "jarURI")
	was, _, _ := unstructured.NestedString(last.Spec, "job", "jarURI")
	if uri != was || last.JarETag == "" || last.JarETag == now {
		return "", nil
	}
	return uri + " has other bytes than when the job was last changed: a start of the job runs them", nil
}

// keepHistory writes the ConfigMap. It goes with the job.
func (j Running) keepHistory(ctx context.Context, o *unstructured.Unstructured, first bool, data map[string]any) error {
	ref := j.historyRef()
	var err error
	if first {
		_, err = j.Runner.Kube.Apply(ctx, kube.NewObject(ref.Kind, ref.Namespace, ref.Name, map[string]any{
			"metadata": map[string]any{
				"labels": map[string]any{labelManagedBy: managedBy},
				"ownerReferences": []any{map[string]any{
					"apiVersion": j.Ref.APIVersion, "kind": j.Ref.Kind.Kind, "name": j.Ref.Name, "uid": string(o.GetUID()),
				}},
			},
			"data": data,
		}))
	} else {
		_, err = j.Runner.Kube.Patch(ctx, ref, "", map[string]any{"data": data})
	}
	if err != nil {
		return fmt.Errorf("record the spec of job %q: %w", j.Ref.Name, err)
	}
	return nil
}

// Between are the changes from one spec of the history to another.
func (j Running) Between(ctx context.Context, a, b int) ([]SpecChange, error) {
	from, err := j.Revision(ctx, a)
	if err != nil {
		return nil, err
	}
	to, err := j.Revision(ctx, b)
	if err != nil {
		return nil, err
	}
	return changesOf(effective(from.Spec), effective(to.Spec)), nil
}

// Revision is a spec of the history; 0 is the one before that of now.
func (j Running) Revision(ctx context.Context, number int) (Revision, error) {
	all, err := j.History(ctx)
	if err != nil {
		return Revision{}, err
	}
	if number == 0 && len(all) > 1 {
		return all[len(all)-2], nil
	}
	for _, r := range all {
		if r.Number == number {
			return r, nil
		}
	}
	return Revision{}, &NoRevisionError{Job: j.Ref.Name, Number: number}
}

// SpecOf is a spec of the history as it would be applied now: secrets, which it does not have, are those of now.
func (j Running) SpecOf(ctx context.Context, r Revision) (map[string]any, error) {
	o, err := j.Runner.Kube.Get(ctx, j.Ref)
	if err != nil {
		return nil, fmt.Errorf("read job %q: %w", j.Ref.Name, err)
	}
	now, _, _ := unstructured.NestedMap(o.Object, "spec")
	spec := normalJSON(r.Spec)
	fillSecrets(spec, normalJSON(now))
	return spec, nil
}

func fillSecrets(spec, now map[string]any) {
	for k, v := range now {
		have, known := spec[k]
		inner, isMap := v.(map[string]any)
		into, both := have.(map[string]any)
		switch _, text := v.(string); {
		case isMap && both:
			fillSecrets(into, inner)
		case text && !known && mask.Key(k):
			spec[k] = v
		}
	}
}

// SpecAsApplied is the spec that the job would have when an object is applied, with the defaults of its CRD; of an object that is
// the job's own with changes, it is the object's.
func (j Running) SpecAsApplied(ctx context.Context, o *unstructured.Unstructured, fromFile bool) (map[string]any, error) {
	if fromFile {
		if o.GetNamespace() == "" {
			o.SetNamespace(j.Ref.Namespace)
		}
		var err error
		if o, err = j.Runner.Kube.DryRun(ctx, o); err != nil {
			return nil, fmt.Errorf("the API server refuses the new spec: %w", err)
		}
	}
	spec, _, err := unstructured.NestedMap(normalJSON(o.Object), "spec")
	return spec, err
}
