// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// params is the tree that the dotted names of the query protocol spell:
// Filter.1.Value.2, Tags.member.1.Key. All methods work on a nil tree.
type params struct {
	value string
	kids  map[string]*params
}

func parseParams(form url.Values) *params {
	root := &params{}
	for name, values := range form {
		p := root
		for _, part := range strings.Split(name, ".") {
			if p.kids == nil {
				p.kids = map[string]*params{}
			}
			next := p.kids[part]
			if next == nil {
				next = &params{}
				p.kids[part] = next
			}
			p = next
		}
		if len(values) > 0 {
			p.value = values[0]
		}
	}
	return root
}

// at is the subtree below a path.
func (p *params) at(path ...string) *params {
	for _, part := range path {
		if p == nil {
			return nil
		}
		p = p.kids[part]
	}
	return p
}

// has says whether a parameter was sent.
func (p *params) has(path ...string) bool { return p.at(path...) != nil }

// str is the value at a path, "" when absent.
func (p *params) str(path ...string) string {
	if n := p.at(path...); n != nil {
		return n.value
	}
	return ""
}

// boolean is the value at a path; absent is false.
func (p *params) boolean(path ...string) bool { return strings.EqualFold(p.str(path...), "true") }

// integer is the value at a path, or def.
func (p *params) integer(def int, path ...string) int {
	if n, err := strconv.Atoi(p.str(path...)); err == nil {
		return n
	}
	return def
}

// items are the elements of a list in their order; IAM puts a level "member"
// in between.
func (p *params) items(path ...string) []*params {
	n := p.at(path...)
	if n == nil {
		return nil
	}
	if m := n.kids["member"]; m != nil {
		n = m
	}
	var order []int
	for k := range n.kids {
		if i, err := strconv.Atoi(k); err == nil {
			order = append(order, i)
		}
	}
	slices.Sort(order)
	out := make([]*params, 0, len(order))
	for _, i := range order {
		out = append(out, n.kids[strconv.Itoa(i)])
	}
	return out
}

// strings are the values of a list.
func (p *params) strings(path ...string) []string {
	var out []string
	for _, i := range p.items(path...) {
		out = append(out, i.value)
	}
	return out
}

// tags reads a list of Key and Value pairs.
func (p *params) tags(path ...string) map[string]string {
	m := map[string]string{}
	for _, t := range p.items(path...) {
		m[t.str("Key")] = t.str("Value")
	}
	return m
}

// tagSpecs reads EC2's TagSpecification list: tags by resource type.
func (p *params) tagSpecs(name string) map[string]map[string]string {
	m := map[string]map[string]string{}
	for _, s := range p.items(name) {
		typ := s.str("ResourceType")
		if m[typ] == nil {
			m[typ] = map[string]string{}
		}
		for k, v := range s.tags("Tag") {
			m[typ][k] = v
		}
	}
	return m
}
