// SPDX-License-Identifier: Apache-2.0

package stackconfig

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"emrflink/stacks"
)

// document reads the nodes of a YAML file, which give every mistake its line.
type document struct {
	problems []string
	// hints say which values YAML takes for something else than the text that they are taken for.
	hints []string
}

// root parses a file and returns its one mapping, nil when it is empty.
func (d *document) root(raw []byte) *yaml.Node {
	var doc, more yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil
	} else if err != nil {
		d.failed(err)
		return nil
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		d.problem(max(more.Line, 1), "one document is expected; take the line --- away")
		return nil
	}
	var guard any // it refuses what grows without end, and keys that are no text
	if err := doc.Decode(&guard); err != nil && !strings.Contains(err.Error(), "invalid map key") {
		d.failed(err)
		if !errors.As(err, new(*yaml.TypeError)) {
			return nil
		}
	}
	switch n := doc.Content[0]; {
	case n.Kind == yaml.MappingNode:
		return n
	case n.Tag != "!!null":
		d.problem(n.Line, "keys with values are expected, beginning with \"config:\"")
	}
	return nil
}

func (d *document) problem(line int, format string, args ...any) {
	d.problems = append(d.problems, fmt.Sprintf("line %d: ", line)+fmt.Sprintf(format, args...))
}

// failed takes over what the parser found. What is wrong with keys is found by entries, which has their lines.
func (d *document) failed(err error) {
	var several *yaml.TypeError
	if !errors.As(err, &several) {
		text, n := strings.TrimPrefix(err.Error(), "yaml: "), 0
		if _, err := fmt.Sscanf(text, "line %d: did not find expected", &n); err == nil {
			// The parser counts these lines from 0.
			text = fmt.Sprintf("line %d%s", n+1, text[strings.Index(text, ":"):])
		}
		d.problems = append(d.problems, text)
		return
	}
	for _, line := range several.Errors {
		if !strings.Contains(line, "already defined at line") {
			d.problems = append(d.problems, line)
		}
	}
}

// entry is a key of a mapping with its value.
type entry struct {
	key   string
	line  int
	value *yaml.Node
}

// entries lists a mapping in its order, merged keys last. A key that is set twice is a problem.
func (d *document) entries(n *yaml.Node) []entry {
	var out, merged []entry
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			d.problem(key.Line, "a key is expected, not a list or an object")
			continue
		}
		if key.Tag == "!!merge" {
			merged = append(merged, d.merged(value)...)
			continue
		}
		if first := slices.IndexFunc(out, func(e entry) bool { return e.key == key.Value }); first >= 0 {
			d.problem(key.Line, "%s is set twice; it was set in line %d already", key.Value, out[first].line)
			continue
		}
		out = append(out, entry{key.Value, key.Line, value})
	}
	for _, m := range merged {
		if !slices.ContainsFunc(out, func(e entry) bool { return e.key == m.key }) {
			out = append(out, m)
		}
	}
	return out
}

// merged are the entries of what <<: names, a mapping or several.
func (d *document) merged(n *yaml.Node) []entry {
	switch n = behind(n); n.Kind {
	case yaml.MappingNode:
		return d.entries(n)
	case yaml.SequenceNode:
		var out []entry
		for _, one := range n.Content {
			out = append(out, d.merged(one)...)
		}
		return out
	}
	return nil
}

// behind is the node that an alias stands for.
func behind(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// value is what a node means for a type, nil for any. Text is taken as it is written, whatever YAML would make of it: 1.30 is
// no number, and 2026-01-01 no time.
func (d *document) value(path string, n *yaml.Node, t reflect.Type) any {
	switch n = behind(n); n.Kind {
	case yaml.SequenceNode:
		out := make([]any, 0, len(n.Content))
		for i, one := range n.Content {
			out = append(out, d.value(fmt.Sprintf("%s[%d]", path, i), one, element(t)))
		}
		return out
	case yaml.MappingNode:
		out := map[string]any{}
		for _, e := range d.entries(n) {
			out[e.key] = d.value(path+"."+e.key, e.value, member(t, e.key))
		}
		return out
	}
	return d.scalar(path, n, t)
}

func (d *document) scalar(path string, n *yaml.Node, t reflect.Type) any {
	tag := n.ShortTag()
	switch {
	case stacks.TakesText(t) && tag != "!!null":
		if tag != "!!str" {
			d.hints = append(d.hints, fmt.Sprintf("line %d: %s:%s = %s is taken as text; quotes make it text for every tool: %q",
				n.Line, stacks.Namespace, path, n.Value, n.Value))
		}
		return n.Value
	case t != nil && t.Kind() == reflect.Bool:
		var b bool // which yes and no are too
		if n.Decode(&b) == nil && tag != "!!null" {
			return b
		}
	case tag == "!!timestamp":
		return n.Value
	}
	var out any
	if err := n.Decode(&out); err != nil {
		d.failed(err)
	}
	return out
}

// element is the type of a list's elements, nil when that is not known.
func element(t reflect.Type) reflect.Type {
	if t == nil || t.Kind() != reflect.Slice {
		return nil
	}
	return t.Elem()
}

// member is the type of an object's field, nil when there is none.
func member(t reflect.Type, key string) reflect.Type {
	switch {
	case t == nil:
	case t.Kind() == reflect.Map:
		return t.Elem()
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			if tag, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); tag == key {
				return t.Field(i).Type
			}
		}
	}
	return nil
}

// ReadValue reads the value of a key as a stack file would carry it.
func ReadValue(key, text string) (any, error) {
	var d document
	var value any
	if root := d.root([]byte("value: " + text)); root != nil {
		if len(root.Content) > 2 {
			d.problem(root.Content[2].Line, "one value is expected")
		}
		value = d.value(key, root.Content[1], stacks.TypeOf(key))
	}
	if len(d.problems) > 0 {
		return nil, errors.New(strings.Join(d.problems, "; "))
	}
	return value, nil
}
