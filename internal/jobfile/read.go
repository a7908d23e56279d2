// SPDX-License-Identifier: Apache-2.0

package jobfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"emrflink/internal/flinkspec"
	"emrflink/internal/pattern"
)

// document is one object of a file.
type document struct {
	file string
	kind string
	name string
	// namespace is "" where the file does not say it.
	namespace string
	spec      flinkspec.Object
	root      *yaml.Node
	// at are the nodes of all fields, by path; an item of a list is "[0]".
	at map[string]*yaml.Node
	r  *report
	// values is the object as JSON has it.
	values map[string]any
	// inside are the anchors that are being read: one of them in itself has no end.
	inside  map[*yaml.Node]bool
	endless bool // there was one, or more than mostFields
}

// mostFields is where reading stops: anchors can multiply a small file to any size.
const mostFields = 100_000

// String names the object as people do.
func (d *document) String() string {
	name := d.kind
	if d.name != "" {
		name += " " + d.name
	}
	return name
}

// yamlLine is where YAML's parser names a line.
var yamlLine = pattern.Lazy(`^yaml: (?:line (\d+): )?(.*)$`)

// parse takes a file apart into its documents, with the values that were set or filled in. What was read before an error is
// returned too.
func parse(f File) ([]*yaml.Node, error) {
	var out []*yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(f.Text))
	for {
		var node yaml.Node
		err := decoder.Decode(&node)
		if errors.Is(err, io.EOF) {
			return out, f.change(out)
		}
		if err != nil {
			return out, err
		}
		if len(node.Content) > 0 {
			out = append(out, &node)
		}
	}
}

// read are the objects of a file. What is no YAML is a problem of the report.
func read(f File, r *report) []*document {
	file := f.Name
	nodes, err := parse(f)
	out := objectsOf(file, nodes, r)
	if err != nil {
		line, what := 1, err.Error()
		if m := yamlLine().FindStringSubmatch(what); m != nil {
			what = m[2]
			if n, err := strconv.Atoi(m[1]); err == nil {
				line = n
			}
		}
		r.add(Problem{
			Severity: Error, Code: "syntax", File: file, Line: line, Message: "this is no YAML: " + what,
			Effect: "nothing of the file is applied",
			Mend:   "mend the line, or the one before it; indent with blanks, not tabs",
		})
	}
	return out
}

// objectsOf are the objects of all documents of a file.
func objectsOf(file string, nodes []*yaml.Node, r *report) []*document {
	var out []*document
	for _, n := range nodes {
		out = append(out, objects(file, n.Content[0], r)...)
	}
	return out
}

// objects are the object at a node, or those of a List.
func objects(file string, root *yaml.Node, r *report) []*document {
	d := &document{file: file, root: root, at: map[string]*yaml.Node{}, r: r, inside: map[*yaml.Node]bool{}}
	if root.Kind != yaml.MappingNode {
		if root.Tag != "!!null" {
			d.problem(Error, "syntax", "", "this document is no object with apiVersion, kind and spec", "it cannot be applied",
				"")
		}
		return nil
	}
	values, _ := d.value("", root).(map[string]any)
	d.values = values
	if d.endless {
		d.problem(Error, "syntax", "", "the object has anchors that make more than 100,000 fields of it, or that hold themselves",
			"nobody reads it", "write the fields out")
		return nil
	}
	d.kind = flinkspec.Text(values["kind"])
	if d.kind == "List" {
		var out []*document
		if items := d.at["items"]; items != nil {
			for _, item := range items.Content {
				out = append(out, objects(file, item, r)...)
			}
		}
		return out
	}
	metadata, _ := values["metadata"].(map[string]any)
	spec, _ := values["spec"].(map[string]any)
	d.name, d.namespace = flinkspec.Text(metadata["name"]), flinkspec.Text(metadata["namespace"])
	d.spec = flinkspec.Object{Name: d.name, Namespace: d.namespace, Spec: spec, EMR: true}
	return []*document{d}
}

// value is a node's value as JSON has it, and notes where each field stands. A key that is there twice is a problem.
func (d *document) value(path string, n *yaml.Node) any {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
		if d.inside[n] {
			d.endless = true
			return nil
		}
		d.inside[n] = true
		defer delete(d.inside, n)
	}
	if len(d.at) > mostFields {
		d.endless = true
		return nil
	}
	d.at[path] = n
	switch n.Kind {
	case yaml.MappingNode:
		return d.mapping(path, n)
	case yaml.SequenceNode:
		out := []any{}
		for i, item := range n.Content {
			out = append(out, d.value(fmt.Sprintf("%s[%d]", path, i), item))
		}
		return out
	}
	var v any
	if err := n.Decode(&v); err != nil {
		return n.Value
	}
	switch t := v.(type) {
	case int:
		return float64(t)
	case int64:
		return float64(t)
	case uint64:
		return float64(t)
	case string, bool, float64, nil:
		return v
	}
	return n.Value // a date
}

// mapping is the value of an object.
func (d *document) mapping(path string, n *yaml.Node) any {
	out := map[string]any{}
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, v := n.Content[i], n.Content[i+1]
		if key.Tag == "!!merge" {
			merged, _ := d.value(path, v).(map[string]any)
			d.at[path] = n
			for k, v := range merged {
				if _, own := out[k]; !own {
					out[k] = v
				}
			}
			continue
		}
		if first, twice := lines[key.Value]; twice {
			d.r.add(Problem{
				Severity: Error, Code: "duplicate", File: d.file, Line: key.Line, Path: join(path, key.Value), Object: d.String(),
				Message: fmt.Sprintf("%s is on line %d already", key.Value, first),
				Effect:  "the API server takes one of the two, or none", Mend: "keep one of them",
			})
		}
		lines[key.Value] = key.Line
		out[key.Value] = d.value(join(path, key.Value), v)
	}
	return out
}

func join(path, name string) string { return strings.TrimPrefix(path+"."+name, ".") }

// line is where a field stands; of a field that is missing, where the nearest one around it does.
func (d *document) line(path string) int {
	for {
		if n := d.at[path]; n != nil {
			return n.Line
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			return max(1, d.root.Line)
		}
		path = path[:i]
	}
}

// problem notes a problem of a field.
func (d *document) problem(severity Severity, code, path, message, effect, mend string) {
	d.r.add(Problem{
		Severity: severity, Code: code, File: d.file, Line: d.line(path), Object: d.String(), Path: path,
		Message: message, Effect: effect, Mend: mend,
	})
}

// text is a field's value as a text, "" if it is not there.
func (d *document) text(path string) string {
	n := d.at[path]
	if n == nil || n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return ""
	}
	return strings.TrimSpace(n.Value)
}

func (d *document) has(path string) bool { n := d.at[path]; return n != nil && n.Tag != "!!null" }

// items are the paths of a list's items.
func (d *document) items(path string) []string {
	n := d.at[path]
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	var out []string
	for i := range n.Content {
		out = append(out, fmt.Sprintf("%s[%d]", path, i))
	}
	return out
}
