// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// Labels that every FlinkDeployment of a sample carries.
const (
	labelManagedBy = "app.kubernetes.io/managed-by"
	labelSample    = "emrflink.dev/sample"
	managedBy      = "emrflink"
)

type obj = map[string]any

// Render makes the Kubernetes objects of the job.
func Render(s Spec) ([]*unstructured.Unstructured, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	sample, err := findSample(s.Sample)
	if err != nil {
		return nil, err
	}
	return sample.render(s)
}

func (s Sample) render(spec Spec) ([]*unstructured.Unstructured, error) {
	r := s.renderer(spec)
	var out []*unstructured.Unstructured
	for _, m := range s.manifests {
		o := &unstructured.Unstructured{Object: r.value(m).(obj)}
		labels := o.GetLabels()
		if labels == nil {
			labels = map[string]string{}
		}
		labels[labelManagedBy], labels[labelSample] = managedBy, s.Name
		o.SetLabels(labels)
		spec.pull(o)
		out = append(out, o)
	}
	if err := errors.Join(r.mistakes...); err != nil {
		return nil, fmt.Errorf("render sample job %q: %w", s.Name, err)
	}
	return out, nil
}

func (s Sample) renderer(spec Spec) *renderer {
	r := &renderer{vars: spec.variables(), folder: s.folder, settings: obj{}, uploads: spec.Uploads}
	for _, setting := range s.Settings {
		r.settings[setting.Name] = r.value(orElse(setting.Default, setting.Example))
	}
	for name, v := range spec.Settings {
		r.settings[name] = v
	}
	return r
}

// variables are what a manifest may name; examples/jobs/README.md documents them.
func (s Spec) variables() obj {
	return obj{
		"name": s.Name, "sample": s.Sample, "namespace": s.Namespace, "roleArn": s.RoleARN, "logGroup": s.LogGroup,
		"checkpointDir": s.checkpointDir(), "savepointDir": s.SavepointURI + "/" + s.Name,
		"outputDir": s.outputDir(), "inputDir": s.inputDir(), "jar": s.Jar.URI, "region": s.Region, "account": s.account(),
		"partition":     s.partition(),
		"jobManagerDir": s.JobManagerURI + "/" + s.Name, "logUri": strings.TrimPrefix(s.LogURI, "s3://") + "/" + s.Name,
		"emrReleaseLabel": s.EmrReleaseLabel, "flinkVersion": s.FlinkVersion,
		"nodeGroupType": s.NodeGroupType, "arch": s.Arch,
		"parallelism": int64(s.Parallelism), "checkpointInterval": fmt.Sprintf("%dms", s.Interval.Milliseconds()),
	}
}

func (s Spec) checkpointDir() string {
	return strings.Replace(s.CheckpointURI, "s3://", "s3p://", 1) + "/" + s.Name
}

// outputDir is beside the checkpoints: a job's role writes to the folders of its state and nowhere else.
func (s Spec) outputDir() string { return s.CheckpointURI + "/" + s.Name + "/output" }

// inputDir is where a job may only read: its role writes to the folders of its state.
func (s Spec) inputDir() string {
	team, _ := cutLast(s.JarsURI, "/")
	return team + "/input/" + s.Name
}

func (s Spec) account() string {
	account, _, _ := roleOf(s.RoleARN) // Validate says what is wrong with it
	return account
}

func (s Spec) partition() string {
	_, rest, _ := strings.Cut(s.RoleARN, ":")
	partition, _, _ := strings.Cut(rest, ":")
	return partition
}

// renderer copies a manifest and puts in the variables. They are replaced in the values of the parsed document, not in
// its text: whatever a variable contains, it cannot change the structure.
type renderer struct {
	vars, settings obj
	folder         fs.FS
	uploads        []Jar
	mistakes       []error
}

var variable = regexp.MustCompile(`\$\{([^}]*)\}`)

func (r *renderer) value(v any) any {
	switch v := v.(type) {
	case obj:
		out := obj{}
		for k, inner := range v {
			out[k] = r.value(inner)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, inner := range v {
			out[i] = r.value(inner)
		}
		return out
	case string:
		if m := variable.FindString(v); m != "" && m == v {
			return r.lookup(v) // nothing but the variable: a number stays a number
		}
		return variable.ReplaceAllStringFunc(v, func(m string) string { return fmt.Sprint(r.lookup(m)) })
	}
	return v
}

func (r *renderer) lookup(m string) any {
	name := variable.FindStringSubmatch(m)[1]
	kind, of, _ := strings.Cut(name, ":")
	from := r.vars
	switch kind {
	case "file":
		text, err := fs.ReadFile(r.folder, of)
		if err != nil {
			r.mistakes = append(r.mistakes, err)
		}
		return string(text)
	case "upload", "uploadName", "lib":
		isIt := func(u Jar) bool { return u.File == of || kind == "lib" && filepath.Base(u.File) == of+".jar" }
		if i := slices.IndexFunc(r.uploads, isIt); i >= 0 {
			_, base := cutLast(r.uploads[i].URI, "/")
			return map[string]string{"upload": r.uploads[i].URI, "uploadName": base, "lib": r.uploads[i].URI}[kind]
		}
		if _, err := fs.Stat(r.folder, of); (err == nil || kind == "lib") && r.uploads == nil {
			return "" // only the size of the job is asked for
		}
	case "set":
		name, from = of, r.settings
	case "jar":
		name = "jar" // jarOf has found whose
	}
	v, ok := from[name]
	if !ok {
		r.mistakes = append(r.mistakes, fmt.Errorf("unknown variable %s", m))
	}
	return v
}

// YAML encodes objects as one stream for kubectl.
func YAML(objs []*unstructured.Unstructured) ([]byte, error) {
	var out bytes.Buffer
	for i, o := range objs {
		if i > 0 {
			out.WriteString("---\n")
		}
		doc, err := yaml.Marshal(o.Object)
		if err != nil {
			return nil, fmt.Errorf("encode %s %q: %w", o.GetKind(), o.GetName(), err)
		}
		out.Write(doc)
	}
	return out.Bytes(), nil
}
