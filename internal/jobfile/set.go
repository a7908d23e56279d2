// SPDX-License-Identifier: Apache-2.0

package jobfile

import (
	"encoding/json"
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"

	"emrflink/internal/flinkspec"
	"emrflink/stacks/nearest"
)

// Set returns the file with values in the place of what is written, each as PATH=VALUE with VALUE as YAML: what reads the file
// sees them. The file itself is not touched. In a file with several objects of Flink, PATH begins with the object's name and a
// slash. A path that no field has is an error with the nearest that there is.
func Set(f File, assignments ...string) (File, error) {
	docs, err := parse(f)
	if err != nil {
		return f, fmt.Errorf("%s is no YAML: %w", f.Name, err)
	}
	for _, a := range assignments {
		if err := assign(f.Name, docs, a); err != nil {
			return f, fmt.Errorf("set %s: %w", a, err)
		}
	}
	f.set = append(slices.Clone(f.set), assignments...)
	return f, nil
}

// Filled returns the file as Fill would write it, with the lines that it has: what reads the file sees the values of the stack.
func Filled(f File, v Values) File {
	f.fill = &v
	return f
}

// change writes what was set and what is filled in into the documents of a file.
func (f File) change(docs []*yaml.Node) error {
	for _, a := range f.set {
		if err := assign(f.Name, docs, a); err != nil {
			return err
		}
	}
	if f.fill == nil {
		return nil
	}
	r := &report{by: flinkspec.DefaultVersions()}
	for _, d := range checkAll(objectsOf(f.Name, docs, r), r) {
		d.mend(r, *f.fill, placeholders())
	}
	return nil
}

// pythonDriver is the main class that runs a script of Python.
const pythonDriver = "org.apache.flink.client.python.PythonDriver"

// WithJar gives all jobs of a file another jar, or the script of Python that EMR takes for one.
func WithJar(f File, uri string) (File, error) {
	docs, err := parse(f)
	if err != nil {
		return f, fmt.Errorf("%s is no YAML: %w", f.Name, err)
	}
	flink := flinkOf(f.Name, docs)
	var assignments []string
	for _, d := range flink {
		if !d.has("spec.job") {
			continue
		}
		prefix := ""
		if len(flink) > 1 {
			prefix = d.name + "/"
		}
		assignments = append(assignments, prefix+"spec.job.jarURI="+uri)
		if strings.HasSuffix(uri, ".py") {
			args, err := json.Marshal(d.scriptArgs(uri))
			if err != nil {
				return f, err
			}
			assignments = append(assignments, prefix+"spec.job.entryClass="+pythonDriver, prefix+"spec.job.args="+string(args))
		}
	}
	if len(assignments) == 0 {
		return f, fmt.Errorf("the file has no job that could have the jar")
	}
	return Set(f, assignments...)
}

// scriptArgs are the arguments of a job with another script.
func (d *document) scriptArgs(uri string) []string {
	args := []string{"-py", path.Join("/opt/flink/usrlib", path.Base(uri))} // where EMR copies it
	for i, items := 0, d.items("spec.job.args"); i < len(items); i++ {
		if a := d.text(items[i]); a == "-py" || a == "--python" {
			i++ // and the script after it
		} else {
			args = append(args, a)
		}
	}
	return args
}

// Rename gives the one job of a file another name.
func Rename(f File, name string) (File, error) {
	docs, err := parse(f)
	if err != nil {
		return f, fmt.Errorf("%s is no YAML: %w", f.Name, err)
	}
	flink := flinkOf(f.Name, docs)
	jobs := flink
	if len(flink) > 1 {
		jobs = slices.DeleteFunc(slices.Clone(flink), func(d *document) bool { return !d.has("spec.job") })
	}
	if len(jobs) != 1 {
		return f, fmt.Errorf("rename the job to %q: the file has %d jobs, not one", name, len(jobs))
	}
	prefix := ""
	if len(flink) > 1 {
		prefix = jobs[0].name + "/"
	}
	return Set(f, prefix+"metadata.name="+name)
}

// flinkOf are the objects of Flink in a file.
func flinkOf(file string, docs []*yaml.Node) []*document {
	return slices.DeleteFunc(objectsOf(file, docs, &report{}), func(d *document) bool { return !isFlink(d) })
}

func assign(file string, docs []*yaml.Node, assignment string) error {
	path, value, ok := strings.Cut(assignment, "=")
	if !ok {
		return fmt.Errorf("%q is not of the form PATH=VALUE", assignment)
	}
	var node yaml.Node
	if err := yaml.Unmarshal([]byte(value), &node); err != nil {
		return fmt.Errorf("the value %q is no YAML: %w", value, err)
	}
	v := plain("") // nothing after the sign is an empty value
	if len(node.Content) > 0 {
		v = node.Content[0]
	}
	d, path, err := target(flinkOf(file, docs), path)
	if err != nil {
		return err
	}
	isText, err := d.settable(path)
	if err != nil {
		return err
	}
	if isText && v.Kind == yaml.ScalarNode {
		v = text(v.Value)
	}
	if !(tree{d.root}).set(path, v) {
		return fmt.Errorf("%s: there is nothing to put it into: a list has no such item, or a field above it is no object", path)
	}
	return nil
}

// target is the object that a path is of, and the path in it.
func target(flink []*document, path string) (*document, string, error) {
	var names []string
	for _, d := range flink {
		if rest, of := strings.CutPrefix(path, d.name+"/"); of && d.name != "" {
			return d, rest, nil
		}
		names = append(names, d.name)
	}
	switch len(flink) {
	case 0:
		return nil, "", fmt.Errorf("the file has no object of Flink")
	case 1:
		return flink[0], path, nil
	}
	return nil, "", fmt.Errorf("the file has %d objects of Flink: begin the path with the name of one and a slash (%s)",
		len(flink), strings.Join(names, ", "))
}

// settable says whether a value can be set at a path, and whether it is a text there.
func (d *document) settable(path string) (isText bool, err error) {
	head, rest, _ := strings.Cut(path, ".")
	switch {
	case head == "metadata":
		name, key, _ := strings.Cut(rest, ".")
		if slices.Contains([]string{"name", "namespace"}, rest) || slices.Contains([]string{"labels", "annotations"}, name) &&
			key != "" {
			return true, nil
		}
		return false, unknown("metadata", rest, []string{"name", "namespace", "labels.KEY", "annotations.KEY"})
	case head != "spec" || rest == "":
		return false, unknown("an object", head, []string{"metadata.name", "spec.job", "spec.flinkConfiguration"})
	}
	at := "spec"
	for rest != "" {
		name, next, _ := strings.Cut(rest, ".")
		base, _, _ := strings.Cut(name, "[")
		f, known := flinkspec.FieldOf(d.kind, index().ReplaceAllString(join(at, base), "[]"))
		if !known {
			return false, unknown(at, base, flinkspec.FieldNames(d.kind, index().ReplaceAllString(at, "[]"), flinkspec.Operator))
		}
		switch {
		case f.Type == "map" && next != "":
			return true, checkKey(f.Path, next)
		case f.Type == "podTemplate":
			return false, checkPodPath(join(at, name), reflect.TypeFor[corev1.PodTemplateSpec](), next)
		}
		isItem := base != name // the lists that are no lists of objects are lists of texts
		at, rest, isText = join(at, name), next, f.Type == "string" || f.Type == "array" && isItem
	}
	return isText, nil
}

func unknown(at, name string, known []string) error {
	return fmt.Errorf("%s has no field %q%s", at, name, nearest.Suggest(name, known))
}

// checkKey says whether a key of a map is one that something reads.
func checkKey(path, key string) error {
	if path+"." != configuration || families().MatchString(key) {
		return nil
	}
	if _, known := flinkspec.KeyOf(key); known {
		return nil
	}
	return fmt.Errorf("there is no configuration key %q%s", key, nearest.Suggest(key, flinkspec.KeyNames(flinkspec.Operator)))
}

// checkPodPath follows a path below a pod template through the types of Kubernetes.
func checkPodPath(at string, t reflect.Type, path string) error {
	for path != "" {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct {
			return nil // a map: its keys are the user's
		}
		name, next, _ := strings.Cut(path, ".")
		base, _, _ := strings.Cut(name, "[")
		fields := jsonFields(t)
		of, known := fields[base]
		if !known {
			var names []string
			for n := range fields {
				names = append(names, n)
			}
			slices.Sort(names)
			return unknown(at, base, names)
		}
		at, path, t = join(at, name), next, of
	}
	return nil
}

// jsonFields are the fields of a type of Kubernetes by the names that YAML has for them.
func jsonFields(t reflect.Type) map[string]reflect.Type {
	out := map[string]reflect.Type{}
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" && strings.Contains(options, "inline") {
			for n, of := range jsonFields(f.Type) {
				out[n] = of
			}
			continue
		}
		out[name] = f.Type
	}
	return out
}
