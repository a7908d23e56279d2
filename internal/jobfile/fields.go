// SPDX-License-Identifier: Apache-2.0

package jobfile

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"emrflink/internal/flinkspec"
	"emrflink/internal/pattern"
	"emrflink/stacks/nearest"
)

// dumped are fields that a cluster writes: a file that has them was read from one.
var dumped = []string{
	"status", "metadata.managedFields", "metadata.resourceVersion", "metadata.uid", "metadata.creationTimestamp",
	"metadata.generation", "metadata.finalizers",
}

func checkHead(d *document) {
	if got := d.text("apiVersion"); got != flinkspec.APIVersion {
		d.problem(Error, "api-version", "apiVersion", fmt.Sprintf("apiVersion is %q", got),
			"the API server does not know it", "apiVersion: "+flinkspec.APIVersion)
	}
	if !slices.Contains(flinkKinds, d.kind) {
		d.problem(Error, "kind", "kind",
			fmt.Sprintf("the operator has no kind %q%s", d.kind, nearest.Suggest(d.kind, flinkKinds)),
			"the API server does not know it", "one of "+strings.Join(flinkKinds, ", "))
	}
	if d.name == "" && !d.has("metadata.generateName") {
		d.problem(Error, "name", "metadata", "metadata.name is missing", "the API server refuses it", "metadata: {name: my-job}")
	}
	for _, path := range dumped {
		if d.has(path) {
			d.problem(Note, "dumped", path, "the file was read from a cluster: it has "+path,
				"the API server ignores it or calls it a conflict", "leave it out")
			break
		}
	}
	for i := 0; i+1 < len(d.root.Content); i += 2 {
		if key := d.root.Content[i]; !slices.Contains([]string{"apiVersion", "kind", "metadata", "spec", "status"}, key.Value) {
			d.problem(Error, "unknown-field", key.Value,
				fmt.Sprintf("an object has no field %q beside metadata and spec", key.Value),
				"the API server drops it", "it belongs below spec, if it is one of its fields")
		}
	}
	if !d.has("spec") {
		d.problem(Error, "no-spec", "", "spec is missing", "the operator cannot read it", "")
	}
}

var index = pattern.Lazy(`\[\d+\]`)

// checkFields compares all fields of spec with those of the operator and of EMR.
func checkFields(d *document) {
	if !slices.Contains(flinkKinds, d.kind) || d.at["spec"] == nil {
		return
	}
	d.walk("spec")
}

func (d *document) walk(path string) {
	n := d.at[path]
	if n.Kind == yaml.SequenceNode {
		for _, item := range d.items(path) {
			d.walk(item)
		}
		return
	}
	if n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i].Value
		child := join(path, name)
		if n.Content[i].Tag == "!!merge" || d.at[child] == nil {
			continue
		}
		f, known := flinkspec.FieldOf(d.kind, index().ReplaceAllString(child, "[]"))
		switch {
		case !known:
			d.unknownField(path, name)
		case !f.In(d.r.by.Operator):
			d.problem(Error, "newer-field", child,
				fmt.Sprintf("%s is a field of operator %s and later; this one is %s", name, f.Since, d.r.by.Operator),
				"the API server drops it, and the job runs without it", newerField(child))
		default:
			d.fieldType(f, child)
		}
	}
}

// newerField says what stands for a field of a later operator.
func newerField(path string) string {
	parts := strings.Split(path, ".")
	if n := len(parts); parts[n-1] == "resources" {
		return `resource: {memory: "2048m", cpu: 1} in its place. "2048m" is 2048 MiB there; below resources it was ` +
			"2.048 bytes: convert the amount, do not copy it"
	}
	return "leave it out"
}

func (d *document) unknownField(path, name string) {
	known := flinkspec.FieldNames(d.kind, index().ReplaceAllString(path, "[]"), d.r.by.Operator)
	mend := "leave it out"
	if len(known) > 0 {
		mend = path + " has " + strings.Join(known, ", ")
	}
	d.problem(Error, "unknown-field", join(path, name),
		fmt.Sprintf("%s has no field %q%s", path, name, nearest.Suggest(name, known)), "the API server drops it", mend)
}

// typeNames are what YAML calls the kinds of scalars.
var typeNames = map[string]string{
	"!!str": "string", "!!int": "integer", "!!float": "number", "!!bool": "boolean", "!!null": "null",
}

// a is a word with its article.
func a(word string) string {
	if strings.HasPrefix(word, "i") || strings.HasPrefix(word, "o") || strings.HasPrefix(word, "a") {
		return "an " + word
	}
	return "a " + word
}

func (d *document) fieldType(f flinkspec.Field, path string) {
	n := d.at[path]
	got := typeNames[n.ShortTag()]
	switch n.Kind {
	case yaml.MappingNode:
		got = "object"
	case yaml.SequenceNode:
		got = "array"
	}
	if got == "null" || f.Type == "any" || f.Type == "podTemplate" && got == "object" {
		return
	}
	want := f.Type
	if want == "map" {
		want = "object"
	}
	if fine := got == want || want == "number" && got == "integer"; !fine {
		mend := map[string]string{
			"string": fmt.Sprintf("quote it: %q", n.Value), "number": "a number without quotes",
			"integer": "a whole number without quotes", "boolean": "true or false, without quotes", "object": "fields below it",
			"array": "a list",
		}[want]
		d.problem(Error, "type", path, fmt.Sprintf("%s is %s, and must be %s", path, a(got), a(want)),
			fmt.Sprintf("the API server refuses it: Invalid value: %q: must be of type %s", got, want), mend)
		return
	}
	switch {
	case f.Type == "map":
		d.texts(path)
	case len(f.Choices) > 0:
		d.choice(f, path, n.Value)
	default:
		d.walk(path)
	}
}

// nestedSince is the release of the operator that reads a configuration of several levels.
const nestedSince = "1.13.0"

// texts are the values of a map of texts, such as flinkConfiguration.
func (d *document) texts(path string) {
	n := d.at[path]
	for i := 0; i+1 < len(n.Content); i += 2 {
		child := join(path, n.Content[i].Value)
		v := d.at[child]
		if v == nil || v.ShortTag() == "!!str" || path != "spec.flinkConfiguration" {
			continue
		}
		if v.Kind == yaml.MappingNode {
			if (flinkspec.Field{Since: nestedSince}).In(d.r.by.Operator) {
				continue
			}
			d.problem(Error, "nested-configuration", child,
				"a configuration of several levels is read by operator "+nestedSince+" and later",
				"the API server refuses it: must be of type string",
				"one level, each key whole and each value quoted: "+firstFlat(n.Content[i].Value, v))
			continue
		}
		if v.Kind == yaml.ScalarNode && v.ShortTag() != "!!null" {
			d.problem(Error, "type", child, fmt.Sprintf("the value of %s is %s, and must be a string", n.Content[i].Value,
				a(typeNames[v.ShortTag()])), "the API server refuses it: must be of type string",
				fmt.Sprintf("quote it: %q", v.Value))
		}
	}
}

// firstFlat is the first key below a nested one, as it must be written.
func firstFlat(prefix string, n *yaml.Node) string {
	for n.Kind == yaml.MappingNode && len(n.Content) > 1 {
		prefix, n = prefix+"."+n.Content[0].Value, n.Content[1]
	}
	return fmt.Sprintf("%s: %q", prefix, n.Value)
}

func (d *document) choice(f flinkspec.Field, path, value string) {
	since, known := f.Choices[value]
	choices := []string{}
	for _, c := range slices.Sorted(maps.Keys(f.Choices)) {
		if (flinkspec.Field{Since: f.Choices[c]}).In(d.r.by.Operator) {
			choices = append(choices, c)
		}
	}
	switch {
	case !known:
		d.problem(Error, "choice", path, fmt.Sprintf("%s is %q%s", path, value, nearest.Suggest(value, choices)),
			"the API server refuses it: Unsupported value", "one of "+strings.Join(choices, ", "))
	case !slices.Contains(choices, value):
		d.problem(Error, "newer-value", path,
			fmt.Sprintf("%s is %q, which operator %s and later know; this one is %s", path, value, since,
				d.r.by.Operator),
			"the API server refuses it: Unsupported value", "one of "+strings.Join(choices, ", "))
	}
}
