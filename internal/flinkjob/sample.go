// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"

	"emrflink/examples"
	"emrflink/internal/exitcode"
	"emrflink/internal/flinkjob/sample"
	"emrflink/internal/kube"
)

// Sample is a job that comes with the tool.
type Sample struct {
	Name        string `json:"name"`
	Title       string `json:"title"`
	Description string `json:"description"`
	JarURI      string `json:"jarURI"`

	// Settings are what only the user knows, sorted by name.
	Settings []sample.Setting `json:"settings"`

	folder    fs.FS // the files of this sample
	manifests []obj // with their variables: a FlinkDeployment, then the session jobs that run in it
}

// defaultSample comes first in the list and is what runs when nobody names a sample.
const defaultSample = "basic"

// List returns the samples, the default one first. That each folder can be read is a matter of the build, and tested.
func List() []Sample {
	all, _ := samplesIn(examples.Jobs)
	return all
}

// samplesIn reads the folders below jobs. Folders with a mistake are left out, and in the error.
func samplesIn(fsys fs.FS) ([]Sample, error) {
	entries, err := fs.ReadDir(fsys, "jobs")
	if err != nil {
		return nil, fmt.Errorf("read the sample jobs: %w", err)
	}
	var all []Sample
	var mistakes []error
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		s, err := readSample(fsys, e.Name())
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("read sample job %q: %w", e.Name(), err))
			continue
		}
		at := len(all)
		if s.Name == defaultSample {
			at = 0
		}
		all = slices.Insert(all, at, s)
	}
	return all, errors.Join(mistakes...)
}

// readSample reads one folder: title and description are the beginning of its README.
func readSample(fsys fs.FS, name string) (Sample, error) {
	folder, err := fs.Sub(fsys, path.Join("jobs", name))
	if err != nil {
		return Sample{}, err
	}
	readme, err := fs.ReadFile(folder, "README.md")
	if err != nil {
		return Sample{}, err
	}
	title, rest, _ := strings.Cut(string(readme), "\n")
	title, isHeading := strings.CutPrefix(title, "# ")
	description, _, _ := strings.Cut(strings.TrimSpace(rest), "\n\n")
	if !isHeading || description == "" {
		return Sample{}, errors.New("README.md: a heading (# TITLE) and a paragraph come first")
	}
	s := Sample{Name: name, Title: title, Description: strings.ReplaceAll(description, "\n", " "), folder: folder}
	docs, err := documents(fsys, name)
	if err != nil {
		return Sample{}, err
	}
	if s.Settings, err = settingsOf(docs[0]); err != nil {
		return Sample{}, fmt.Errorf("manifest.yaml: %w", err)
	}
	if docs[0], err = whole(fsys, docs[0]); err != nil {
		return Sample{}, fmt.Errorf("manifest.yaml: %w", err)
	}
	for _, doc := range docs {
		if err := s.read(doc); err != nil {
			return Sample{}, fmt.Errorf("manifest.yaml: %w", err)
		}
	}
	return s, nil
}

// documents are the objects of a sample's manifest as they stand there.
func documents(fsys fs.FS, name string) ([]obj, error) {
	text, err := fs.ReadFile(fsys, path.Join("jobs", name, "manifest.yaml"))
	if err != nil {
		return nil, err
	}
	var all []obj
	for part := range strings.SplitSeq(string(text), "\n---\n") {
		raw, err := yaml.YAMLToJSONStrict([]byte(part))
		if err != nil {
			return nil, fmt.Errorf("manifest.yaml: %w", err)
		}
		doc := obj{}
		if err := json.Unmarshal(raw, &doc); err != nil { // Kubernetes' own: whole numbers stay whole
			return nil, fmt.Errorf("manifest.yaml: %w", err)
		}
		all = append(all, doc)
	}
	return all, nil
}

// Keys of a manifest that are not Kubernetes': the sample of which it says only what differs, and what only the user knows.
const (
	keyExtends  = "extends"
	keySettings = "settings"
)

// whole is a manifest with what it has of another sample's: it is a JSON merge patch (RFC 7396) of that one.
func whole(fsys fs.FS, doc obj) (obj, error) {
	delete(doc, keySettings)
	of, extends := doc[keyExtends].(string)
	if !extends {
		return doc, nil
	}
	delete(doc, keyExtends)
	base, err := documents(fsys, of)
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w", keyExtends, of, err)
	}
	return merged(base[0], doc), nil
}

func merged(base, patch obj) obj {
	out := obj{}
	maps.Copy(out, base)
	for k, v := range patch {
		inner, isMap := v.(obj)
		switch {
		case v == nil:
			delete(out, k)
		case isMap:
			before, _ := out[k].(obj)
			out[k] = merged(before, inner)
		default:
			out[k] = v
		}
	}
	return out
}

// settingsOf reads the settings that a manifest declares.
func settingsOf(doc obj) ([]sample.Setting, error) {
	raw, err := json.Marshal(doc[keySettings])
	if err != nil {
		return nil, err
	}
	declared := map[string]sample.Setting{}
	if err := yaml.UnmarshalStrict(raw, &declared); err != nil {
		return nil, fmt.Errorf("%s: %w", keySettings, err)
	}
	all := []sample.Setting{}
	for _, name := range slices.Sorted(maps.Keys(declared)) {
		s := declared[name]
		if s.Name = name; s.Text == "" || (s.Default == "") == (s.Example == "") {
			return nil, fmt.Errorf("%s: %s needs a text, and a default or else an example", keySettings, name)
		}
		all = append(all, s)
	}
	return all, nil
}

// read adds one object of the manifest.
func (s *Sample) read(doc obj) error {
	o := unstructured.Unstructured{Object: doc}
	want := kube.KindFlinkDeployment.Kind
	if len(s.manifests) > 0 {
		want = kube.KindFlinkSessionJob.Kind
	}
	if o.GetKind() != want {
		return fmt.Errorf("kind is %q, not %s", o.GetKind(), want)
	}
	if jar, found, _ := unstructured.NestedString(o.Object, "spec", "job", "jarURI"); found {
		s.JarURI = jar
	}
	s.manifests = append(s.manifests, o.Object)
	return nil
}

// UnknownNameError says that a name is not among the known ones.
type UnknownNameError struct {
	What  string // "sample job", "team", "node pool"
	Name  string
	Known []string
}

// Error implements error.
func (e *UnknownNameError) Error() string {
	return fmt.Sprintf("unknown %s %q (known: %s)", e.What, e.Name, strings.Join(e.Known, ", "))
}

// Code is a stable id of the failure.
func (e *UnknownNameError) Code() string { return "flinkjob.unknown-name" }

// ExitCode is 2: the argument is wrong, nothing was contacted for it.
func (e *UnknownNameError) ExitCode() int { return exitcode.Usage }

// findSample reads one sample: those beside it are read only for the error that names them.
func findSample(name string) (Sample, error) {
	if !strings.Contains(name, "/") {
		if s, err := readSample(examples.Jobs, name); err == nil {
			return s, nil
		}
	}
	var known []string
	for _, s := range List() {
		known = append(known, s.Name)
	}
	return Sample{}, &UnknownNameError{What: "sample job", Name: name, Known: known}
}
