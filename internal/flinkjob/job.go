// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/exitcode"
	"emrflink/internal/kube"
)

// Job is what a Runner runs: a FlinkDeployment with or without a job, or a FlinkSessionJob, and what its pods need beside it.
type Job struct {
	Name, Namespace   string
	RoleARN           string // execution role
	OperatorNamespace string
	CheckpointDir     string // state.checkpoints.dir; "" = there is none
	Jar               Jar    // uploaded before the job is submitted; the zero value is none
	Uploads           []Jar  // other files, uploaded too
	Policy            []byte // what the role must allow beside what each team's role does; nil = nothing
	// Cluster is the session cluster of a FlinkSessionJob; "" for a FlinkDeployment.
	Cluster string
	// Beside are applied before Object: ConfigMaps, Secrets and the like.
	Beside []*unstructured.Unstructured
	Object *unstructured.Unstructured

	bucket         string // the stack's
	clusterBrought bool   // the file that has the session job has its cluster too
}

// Jobs renders a sample.
func (s Spec) Jobs() ([]Job, error) {
	objs, err := Render(s)
	if err != nil {
		return nil, err
	}
	var all []map[string]any
	for _, o := range objs {
		all = append(all, o.Object)
	}
	jobs, err := JobsOf(all, s)
	if err != nil {
		return nil, err
	}
	policy, err := s.needs()
	for i := range jobs {
		jobs[i].Jar, jobs[i].Uploads, jobs[i].Policy = s.Jar, s.Uploads, policy
	}
	return jobs, err
}

// FileError says why the objects of a file cannot be run as a job.
type FileError struct {
	Why string
	// Mendable says that a corrected copy of the file can be run.
	Mendable bool
}

// Error implements error.
func (e *FileError) Error() string { return e.Why }

// Code is a stable id of the failure.
func (e *FileError) Code() string { return "flinkjob.file" }

// ExitCode is 2: nothing was contacted.
func (e *FileError) ExitCode() int { return exitcode.Usage }

// JobsOf makes jobs of the objects of a file, in the order in which they can run: FlinkDeployments before the session jobs
// of their clusters. A FlinkDeployment without a job is a session cluster. What the pods need beside them goes with the first
// one. What has no namespace gets the team's.
func JobsOf(objects []map[string]any, team Spec) ([]Job, error) {
	var jobs, sessions []Job
	var beside []*unstructured.Unstructured
	for _, values := range objects {
		o, err := objectOf(values, team.Namespace)
		if err != nil {
			return nil, err
		}
		team.pull(o)
		switch kube.RefOf(o).Kind {
		case kube.KindFlinkDeployment:
			jobs = append(jobs, newJob(o, team))
		case kube.KindFlinkSessionJob:
			sessions = append(sessions, newJob(o, team))
		case kube.KindConfigMap, kube.KindSecret, kube.KindPVC, kube.KindService:
			beside = append(beside, o)
		case kube.KindFlinkStateSnapshot:
			return nil, &FileError{Why: fmt.Sprintf("%s %q: a run follows jobs; apply this one with kubectl", o.GetKind(),
				o.GetName())}
		default:
			return nil, &FileError{Why: fmt.Sprintf("%s %q is nothing that a team's job brings along: apply it with kubectl",
				o.GetKind(), o.GetName())}
		}
	}
	for i, s := range sessions {
		for _, d := range jobs {
			if d.Name == s.Cluster && d.Kind() == kube.KindFlinkDeployment {
				sessions[i].clusterBrought = d.isCluster()
				sessions[i].CheckpointDir = orElse(s.CheckpointDir, d.CheckpointDir)
			}
		}
	}
	jobs = append(jobs, sessions...)
	if len(jobs) == 0 {
		return nil, &FileError{Why: "there is no FlinkDeployment and no FlinkSessionJob to run"}
	}
	jobs[0].Beside = beside
	seen := map[kube.Ref]bool{}
	for _, j := range jobs {
		if j.str("spec", "job", "state") == "suspended" {
			return nil, &FileError{Why: fmt.Sprintf("job %q is suspended from the start (spec.job.state): the operator does "+
				"nothing with it", j.Name)}
		}
		if seen[j.ref()] {
			return nil, &FileError{Why: fmt.Sprintf("there are two %ss with the name %q", j.Kind().Kind, j.Name)}
		}
		seen[j.ref()] = true
	}
	return jobs, nil
}

// objectOf is an object of a file, in the team's namespace.
func objectOf(values map[string]any, namespace string) (*unstructured.Unstructured, error) {
	o := &unstructured.Unstructured{}
	raw, err := json.Marshal(values)
	if err == nil {
		err = o.UnmarshalJSON(raw)
	}
	if err != nil {
		return nil, &FileError{Why: err.Error()}
	}
	if o.GetNamespace() == "" {
		o.SetNamespace(namespace)
	}
	if o.GetNamespace() != namespace {
		return nil, &FileError{Mendable: true, Why: fmt.Sprintf("%s %q is of namespace %q; the team's is %q", o.GetKind(),
			o.GetName(), o.GetNamespace(), namespace)}
	}
	return o, nil
}

func newJob(o *unstructured.Unstructured, team Spec) Job {
	j := Job{OperatorNamespace: team.OperatorNamespace, Object: o, Name: o.GetName(), Namespace: o.GetNamespace()}
	j.RoleARN = j.str("spec", "executionRoleArn")
	j.CheckpointDir = j.str("spec", "flinkConfiguration", "state.checkpoints.dir")
	j.Cluster = j.str("spec", "deploymentName")
	j.bucket, _, _ = splitURI(team.CheckpointURI) // "" for a stack without one
	labels := o.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	labels[labelManagedBy] = managedBy
	o.SetLabels(labels)
	return j
}

// Kind is that of the job's object.
func (j Job) Kind() kube.Kind { return kube.RefOf(j.Object).Kind }

func (j Job) ref() kube.Ref { return kube.RefOf(j.Object) }

// isCluster says whether it is a session cluster, which has no job of its own.
func (j Job) isCluster() bool {
	_, found, _ := unstructured.NestedMap(j.Object.Object, "spec", "job")
	return !found
}

func (j Job) str(path ...string) string {
	s, _, _ := unstructured.NestedString(j.Object.Object, path...)
	return s
}

// podSpec is what the templates say of the pods of a role.
func (j Job) podSpec(role string) (obj, error) {
	template, err := j.podTemplate(role)
	return specIn(template), err
}

func specIn(template obj) obj {
	if spec, is := template["spec"].(obj); is && spec != nil {
		return spec
	}
	return obj{}
}

// podTemplate is the common template with that of a role over it.
func (j Job) podTemplate(role string) (obj, error) {
	out := obj{}
	for _, path := range [][]string{{"spec", "podTemplate"}, {"spec", podField[role], "podTemplate"}} {
		template, _, err := unstructured.NestedMap(j.Object.Object, path...)
		if err != nil {
			return nil, fmt.Errorf("read the pod template of the %s: %w", role, err)
		}
		out, _ = overlaid(out, template).(obj)
	}
	return out, nil
}

// overlaid merges templates as the operator does: maps by their keys, and lists by position, which is its default.
func overlaid(base, over any) any {
	switch over := over.(type) {
	case obj:
		below, isMap := base.(obj)
		if !isMap {
			return over
		}
		out := maps.Clone(below)
		for k, v := range over {
			out[k] = overlaid(out[k], v)
		}
		return out
	case []any:
		below, isList := base.([]any)
		if !isList {
			return over
		}
		out := slices.Clone(below)
		for i, v := range over {
			if i < len(out) {
				out[i] = overlaid(out[i], v)
			} else {
				out = append(out, v)
			}
		}
		return out
	}
	return over
}

// checkFiles looks for what the job is started with: its jar, and the state that it starts from.
func (r Runner) checkFiles(ctx context.Context, j Job) ([]Finding, error) {
	var problems []Finding
	for _, f := range []struct{ what, field, below string }{
		{"the jar", "jarURI", ""}, {"the state to start from", "initialSavepointPath", "/_metadata"},
	} {
		uri, _, _ := unstructured.NestedString(j.Object.Object, "spec", "job", f.field)
		bucket, key, err := splitURI(uri)
		uploaded := uri == j.Jar.URI || slices.ContainsFunc(j.Uploads, func(u Jar) bool { return u.URI == uri })
		if err != nil || key == "" || uploaded {
			continue // a file of the image, or one that is uploaded first
		}
		folder, _ := cutLast(key+f.below, "/")
		objects, err := r.Objects.ListObjects(ctx, bucket, folder+"/")
		if err != nil {
			return nil, fmt.Errorf("look for %s %q: %w", f.what, uri, err)
		}
		there := false
		for _, o := range objects {
			there = there || o.Key == key+f.below
		}
		if !there {
			problems = append(problems, Finding{
				Text: fmt.Sprintf("%s %s is not there", f.what, uri+f.below), Path: "spec.job." + f.field,
			})
		}
	}
	return problems, nil
}

func cutLast(s, sep string) (before, after string) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return "", s
	}
	return s[:i], s[i+len(sep):]
}

// checkReferences looks for the ConfigMaps and Secrets that the pods mount or read.
func (r Runner) checkReferences(ctx context.Context, j Job) ([]Finding, error) {
	var problems []Finding
	seen := map[kube.Ref]bool{}
	for _, o := range j.Beside {
		seen[kube.RefOf(o)] = true
	}
	need := func(kind kube.Kind, name any) error {
		text, _ := name.(string)
		ref := kind.Ref(j.Namespace, text)
		if text == "" || seen[ref] {
			return nil
		}
		seen[ref] = true
		_, err := r.Kube.Get(ctx, ref)
		if kube.IsNotFound(err) {
			problems = append(problems,
				Finding{Text: fmt.Sprintf("the pods need the %s %q, which is not in namespace %q", kind.Kind,
					text, j.Namespace)})
			return nil
		}
		return err
	}
	var errs []error
	for _, role := range []string{RoleJobManager, RoleTaskManager} {
		spec, err := j.podSpec(role)
		if err != nil {
			return nil, err
		}
		for _, v := range items(spec["volumes"]) {
			errs = append(errs, need(kube.KindConfigMap, field(v, "configMap", "name")),
				need(kube.KindSecret, field(v, "secret", "secretName")),
				need(kube.KindPVC, field(v, "persistentVolumeClaim", "claimName")))
		}
		for _, c := range items(spec["containers"]) {
			for _, e := range items(c["envFrom"]) {
				errs = append(errs, need(kube.KindConfigMap, field(e, "configMapRef", "name")),
					need(kube.KindSecret, field(e, "secretRef", "name")))
			}
		}
	}
	return problems, errors.Join(errs...)
}

func items(v any) []obj {
	list, _ := v.([]any)
	var out []obj
	for _, one := range list {
		if m, ok := one.(obj); ok {
			out = append(out, m)
		}
	}
	return out
}

func field(m obj, names ...string) any {
	v, _, _ := unstructured.NestedFieldNoCopy(m, names...)
	return v
}
