// SPDX-License-Identifier: Apache-2.0

// Package propdiff compares the inputs that a resource has with the inputs that it should have, property by property,
// and reports the result as a provider does: which paths are added, changed and removed, and which of these changes
// need a replacement.
package propdiff

import (
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// Op is what happens to a property.
type Op int

// The operations.
const (
	Add Op = iota
	Update
	Delete
)

// Change is one difference.
type Change struct {
	Path resource.PropertyPath
	Op   Op
	// Replace says that the change needs a new resource.
	Replace  bool
	Old, New resource.PropertyValue
}

// Rules say what is equal and what forces a replacement. The pattern of a path
// is its property names joined by dots, list indexes left out: "vpcConfig.subnetIds".
type Rules struct {
	// Equal says that two values, known and different, mean the same. Nil: never.
	Equal func(pattern string, was, is resource.PropertyValue) bool
	// Replace says that a change at the path needs a new resource. Nil: never. An object that comes or goes is asked for as
	// a whole, and for what is in it.
	Replace func(pattern string, op Op) bool
	// Keep says that the property keeps its value when it is no longer given. Nil: never.
	Keep func(pattern string) bool
	// Set says that the order of the list does not matter. Nil: never.
	Set func(pattern string) bool
}

// Diff returns the changes from old to new in the order of their paths.
// Properties that start with two underscores are not compared.
func Diff(was, is resource.PropertyMap, r Rules) []Change {
	d := differ{rules: r}
	d.object(nil, "", was, is)
	return d.changes
}

type differ struct {
	rules   Rules
	changes []Change
}

func (d *differ) add(c Change, pattern string) {
	changed := c.New
	if c.Op == Delete {
		changed = c.Old
	}
	c.Replace = d.rules.Replace != nil && d.replaces(pattern, c.Op, changed)
	c.Path = slices.Clone(c.Path)
	d.changes = append(d.changes, c)
}

// replaces asks for a pattern, and for all below it when an object comes or goes.
func (d *differ) replaces(pattern string, op Op, v resource.PropertyValue) bool {
	if d.rules.Replace(pattern, op) {
		return true
	}
	switch {
	case op == Update:
	case v.IsObject():
		for k, inner := range v.ObjectValue() {
			if !empty(inner) && d.replaces(pattern+"."+string(k), op, inner) {
				return true
			}
		}
	case v.IsArray():
		return slices.ContainsFunc(v.ArrayValue(), func(inner resource.PropertyValue) bool {
			return d.replaces(pattern, op, inner)
		})
	}
	return false
}

func (d *differ) object(path resource.PropertyPath, pattern string, was, is resource.PropertyMap) {
	keys := map[resource.PropertyKey]bool{}
	for k := range was {
		keys[k] = true
	}
	for k := range is {
		keys[k] = true
	}
	sorted := make([]resource.PropertyKey, 0, len(keys))
	for k := range keys {
		if !strings.HasPrefix(string(k), "__") {
			sorted = append(sorted, k)
		}
	}
	slices.Sort(sorted)
	for _, k := range sorted {
		at, p := append(slices.Clone(path), string(k)), string(k)
		if pattern != "" {
			p = pattern + "." + p
		}
		d.value(at, p, was[k], is[k])
	}
}

func (d *differ) value(path resource.PropertyPath, pattern string, was, is resource.PropertyValue) {
	had, has := !empty(was), !empty(is)
	switch {
	case !had && !has:
	case !had:
		d.add(Change{Path: path, Op: Add, New: is}, pattern)
	case !has:
		if !d.keeps(path, pattern) {
			d.add(Change{Path: path, Op: Delete, Old: was}, pattern)
		}
	case was.DeepEquals(is):
	case !is.ContainsUnknowns() && d.rules.Equal != nil && d.rules.Equal(pattern, was, is):
	case was.IsObject() && is.IsObject():
		d.object(path, pattern, was.ObjectValue(), is.ObjectValue())
	case was.IsArray() && is.IsArray():
		d.list(path, pattern, was.ArrayValue(), is.ArrayValue())
	default:
		d.add(Change{Path: path, Op: Update, Old: was, New: is}, pattern)
	}
}

// keeps says whether what is no longer given stays as it is. An element of a list does not: the list is given.
func (d *differ) keeps(path resource.PropertyPath, pattern string) bool {
	_, element := path[len(path)-1].(int)
	return !element && d.rules.Keep != nil && d.rules.Keep(pattern)
}

func (d *differ) list(path resource.PropertyPath, pattern string, was, is []resource.PropertyValue) {
	if d.rules.Set != nil && d.rules.Set(pattern) {
		was, is = sorted(was), sorted(is)
	}
	for i := range max(len(was), len(is)) {
		d.value(append(slices.Clone(path), i), pattern, at(was, i), at(is, i))
	}
}

// at is an element of a list, null beyond its end.
func at(list []resource.PropertyValue, i int) resource.PropertyValue {
	if i < len(list) {
		return list[i]
	}
	return resource.PropertyValue{}
}

// sorted orders the elements of a set by what they print as; what is not known
// yet comes last.
func sorted(in []resource.PropertyValue) []resource.PropertyValue {
	out := slices.Clone(in)
	slices.SortStableFunc(out, func(a, b resource.PropertyValue) int {
		if ua, ub := a.ContainsUnknowns(), b.ContainsUnknowns(); ua != ub {
			if ua {
				return 1
			}
			return -1
		}
		return strings.Compare(a.String(), b.String())
	})
	return out
}

// empty says that a value is not there: null, or a list or map of nothing, which
// the providers do not tell apart.
func empty(v resource.PropertyValue) bool {
	switch {
	case v.IsNull():
		return true
	case v.IsArray():
		return len(v.ArrayValue()) == 0
	case v.IsObject():
		return len(v.ObjectValue()) == 0
	}
	return false
}

// Response is the changes as the engine takes them.
func Response(changes []Change) *pulumirpc.DiffResponse {
	out := &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_NONE, HasDetailedDiff: true}
	if len(changes) == 0 {
		return out
	}
	out.Changes = pulumirpc.DiffResponse_DIFF_SOME
	out.DetailedDiff = map[string]*pulumirpc.PropertyDiff{}
	for _, c := range changes {
		out.DetailedDiff[c.Path.String()] = &pulumirpc.PropertyDiff{Kind: wireKind(c), InputDiff: true}
		top, _ := c.Path[0].(string)
		if !slices.Contains(out.Diffs, top) {
			out.Diffs = append(out.Diffs, top)
		}
		if c.Replace && !slices.Contains(out.Replaces, top) {
			out.Replaces = append(out.Replaces, top)
		}
	}
	return out
}

func wireKind(c Change) pulumirpc.PropertyDiff_Kind {
	plain := [...]pulumirpc.PropertyDiff_Kind{
		Add: pulumirpc.PropertyDiff_ADD, Update: pulumirpc.PropertyDiff_UPDATE, Delete: pulumirpc.PropertyDiff_DELETE,
	}
	replace := [...]pulumirpc.PropertyDiff_Kind{
		Add: pulumirpc.PropertyDiff_ADD_REPLACE, Update: pulumirpc.PropertyDiff_UPDATE_REPLACE,
		Delete: pulumirpc.PropertyDiff_DELETE_REPLACE,
	}
	if c.Replace {
		return replace[c.Op]
	}
	return plain[c.Op]
}
