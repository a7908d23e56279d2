// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/exitcode"
	"emrflink/internal/kube"
)

// Job is what a Runner runs: a FlinkDeployment in application mode, and what its pods need beside it.
type Job struct {
	Name, Namespace   string
	RoleARN           string // execution role
	OperatorNamespace string
	CheckpointDir     string // state.checkpoints.dir; "" = there is none
	Jar               Jar    // uploaded before the job is submitted; the zero value is none
	// Beside are applied before Deployment: ConfigMaps, Secrets and the like.
	Beside     []*unstructured.Unstructured
	Deployment *unstructured.Unstructured
}

// Job renders a sample.
func (s Spec) Job() (Job, error) {
	objs, err := Render(s)
	if err != nil {
		return Job{}, err
	}
	return Job{
		Name: s.Name, Namespace: s.Namespace, RoleARN: s.RoleARN, OperatorNamespace: s.OperatorNamespace,
		CheckpointDir: s.checkpointDir(), Jar: s.Jar, Deployment: objs[0],
	}, nil
}

// FileError says why the objects of a file cannot be run as a job.
type FileError struct{ Why string }

// Error implements error.
func (e *FileError) Error() string { return e.Why }

// Code is a stable id of the failure.
func (e *FileError) Code() string { return "flinkjob.file" }

// ExitCode is 2: nothing was contacted.
func (e *FileError) ExitCode() int { return exitcode.Usage }

// JobOf makes a job of the objects of a file: one FlinkDeployment with a job, and what its pods need. What has no namespace
// gets the team's. name renames the FlinkDeployment, "" leaves it.
func JobOf(objects []map[string]any, team Spec, name string) (Job, error) {
	j := Job{OperatorNamespace: team.OperatorNamespace}
	for _, values := range objects {
		o := &unstructured.Unstructured{}
		raw, err := json.Marshal(values)
		if err == nil {
			err = o.UnmarshalJSON(raw)
		}
		if err != nil {
			return Job{}, &FileError{err.Error()}
		}
		if o.GetNamespace() == "" {
			o.SetNamespace(team.Namespace)
		}
		if o.GetNamespace() != team.Namespace {
			return Job{}, &FileError{fmt.Sprintf("%s %q is of namespace %q; the team's is %q", o.GetKind(), o.GetName(),
				o.GetNamespace(), team.Namespace)}
		}
		switch kube.RefOf(o).Kind {
		case kube.KindFlinkDeployment:
			if j.Deployment != nil {
				return Job{}, &FileError{fmt.Sprintf("there are two FlinkDeployments, %q and %q: a run follows one job",
					j.Deployment.GetName(), o.GetName())}
			}
			j.Deployment = o
		case kube.KindConfigMap, kube.KindSecret, kube.KindPVC, kube.KindService:
			j.Beside = append(j.Beside, o)
		case kube.KindFlinkSessionJob, kube.KindFlinkStateSnapshot:
			return Job{}, &FileError{fmt.Sprintf("%s %q: a run follows a FlinkDeployment with a job; apply this one with kubectl",
				o.GetKind(), o.GetName())}
		default:
			return Job{}, &FileError{fmt.Sprintf("%s %q is nothing that a team's job brings along: apply it with kubectl",
				o.GetKind(), o.GetName())}
		}
	}
	if j.Deployment == nil {
		return Job{}, &FileError{"there is no FlinkDeployment to run"}
	}
	if name != "" {
		j.Deployment.SetName(name)
	}
	str := func(path ...string) string {
		s, _, _ := unstructured.NestedString(j.Deployment.Object, path...)
		return s
	}
	if _, found, _ := unstructured.NestedMap(j.Deployment.Object, "spec", "job"); !found {
		return Job{}, &FileError{"the FlinkDeployment has no job: a session cluster is applied with kubectl"}
	}
	if str("spec", "job", "state") == "suspended" {
		return Job{}, &FileError{"the job is suspended from the start (spec.job.state): the operator does nothing with it"}
	}
	j.Name, j.Namespace, j.RoleARN = j.Deployment.GetName(), j.Deployment.GetNamespace(), str("spec", "executionRoleArn")
	j.CheckpointDir = str("spec", "flinkConfiguration", "state.checkpoints.dir")
	labels := j.Deployment.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	labels[labelManagedBy] = managedBy
	j.Deployment.SetLabels(labels)
	return j, nil
}

// podSpec is what the templates say of the pods of a role: that of the role before the common one.
func (j Job) podSpec(role string) (obj, error) {
	out := obj{}
	for _, path := range [][]string{{"spec", "podTemplate", "spec"}, {"spec", podField[role], "podTemplate", "spec"}} {
		spec, _, err := unstructured.NestedMap(j.Deployment.Object, path...)
		if err != nil {
			return nil, fmt.Errorf("read the pod template of the %s: %w", role, err)
		}
		for k, v := range spec {
			out[k] = v
		}
	}
	return out, nil
}

// checkFiles looks for what the job is started with: its jar, and the state that it starts from.
func (r Runner) checkFiles(ctx context.Context, j Job) ([]problem, error) {
	var problems []problem
	for _, f := range []struct{ what, field, below string }{
		{"the jar", "jarURI", ""}, {"the state to start from", "initialSavepointPath", "/_metadata"},
	} {
		uri, _, _ := unstructured.NestedString(j.Deployment.Object, "spec", "job", f.field)
		bucket, key, err := splitURI(uri)
		if err != nil || key == "" {
			continue // a file of the image
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
			problems = append(problems, problem{text: fmt.Sprintf("%s %s is not there", f.what, uri+f.below)})
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
func (r Runner) checkReferences(ctx context.Context, j Job) ([]problem, error) {
	var problems []problem
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
				problem{text: fmt.Sprintf("the pods need the %s %q, which is not in namespace %q", kind.Kind,
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
