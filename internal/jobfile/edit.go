// SPDX-License-Identifier: Apache-2.0

package jobfile

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// tree changes a YAML document in place: comments and what is not touched stay.
type tree struct{ root *yaml.Node }

// steps takes a path of a Problem apart: the names of fields, "[0]" of items. A key of flinkConfiguration has dots of its own.
func steps(path string) []string {
	var out []string
	for _, whole := range []string{configuration, "spec.logConfiguration."} {
		if key, below := strings.CutPrefix(path, whole); below {
			return append(strings.Split(strings.TrimSuffix(whole, "."), "."), key)
		}
	}
	for _, part := range strings.Split(path, ".") {
		name, index, indexed := strings.Cut(part, "[")
		out = append(out, name)
		for indexed {
			var i string
			i, index, _ = strings.Cut(index, "]")
			out = append(out, "["+i+"]")
			_, index, indexed = strings.Cut(index, "[")
		}
	}
	return out
}

// at is where a field's value stands in its parent; -1 if it is not there.
func at(parent *yaml.Node, step string) int {
	if i, err := strconv.Atoi(strings.Trim(step, "[]")); err == nil && strings.HasPrefix(step, "[") {
		if parent.Kind == yaml.SequenceNode && i < len(parent.Content) {
			return i
		}
		return -1
	}
	if parent.Kind != yaml.MappingNode {
		return -1
	}
	for i := 0; i+1 < len(parent.Content); i += 2 {
		if parent.Content[i].Value == step {
			return i + 1
		}
	}
	return -1
}

// parent is the node around a field, and where the field is in it. What is missing on the way is made when it is asked for.
func (t tree) parent(path string, create bool) (n *yaml.Node, last string) {
	all := steps(path)
	n = t.root
	for _, s := range all[:len(all)-1] {
		i := at(n, s)
		if i < 0 {
			if !create || n.Kind != yaml.MappingNode {
				return nil, ""
			}
			n.Style &^= yaml.FlowStyle // what is made is more than fits on a line
			n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: s}, &yaml.Node{Kind: yaml.MappingNode})
			i = len(n.Content) - 1
		}
		n = n.Content[i]
		for n.Kind == yaml.AliasNode {
			n = n.Alias
		}
		if create && n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
			*n = yaml.Node{Kind: yaml.MappingNode}
		}
	}
	return n, all[len(all)-1]
}

func (t tree) get(path string) *yaml.Node {
	n, last := t.parent(path, false)
	if n == nil {
		return nil
	}
	if i := at(n, last); i >= 0 {
		return n.Content[i]
	}
	return nil
}

// text is a scalar that YAML reads as a text.
func text(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: value}
}

// plain is a scalar without quotes.
func plain(value string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: value} }

// set writes a field; its comments stay.
func (t tree) set(path string, value *yaml.Node) bool {
	n, last := t.parent(path, true)
	if n == nil {
		return false
	}
	if i := at(n, last); i >= 0 {
		old := n.Content[i]
		value.HeadComment, value.LineComment, value.FootComment = old.HeadComment, old.LineComment, old.FootComment
		value.Line = old.Line
		n.Content[i] = value
		return true
	}
	if n.Kind != yaml.MappingNode {
		return false
	}
	key := plain(last)
	key.Line, value.Line = n.Line, n.Line // what is said of it is said of the object around it
	n.Content = append(n.Content, key, value)
	return true
}

func (t tree) remove(path string) bool {
	n, last := t.parent(path, false)
	if n == nil {
		return false
	}
	i := at(n, last)
	switch {
	case i < 0:
		return false
	case n.Kind == yaml.SequenceNode:
		n.Content = append(n.Content[:i], n.Content[i+1:]...)
	default:
		n.Content = append(n.Content[:i-1], n.Content[i+1:]...)
	}
	return true
}

// rename gives a key another name; one that is there already wins.
func (t tree) rename(path, name string) bool {
	n, last := t.parent(path, false)
	if n == nil || n.Kind != yaml.MappingNode {
		return false
	}
	if at(n, name) >= 0 {
		return t.remove(path)
	}
	i := at(n, last)
	if i < 0 {
		return false
	}
	n.Content[i-1].Value = name
	return true
}
