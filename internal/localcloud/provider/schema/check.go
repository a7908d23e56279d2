// SPDX-License-Identifier: Apache-2.0

package schema

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"emrflink/stacks/nearest"
)

// Problem is one thing that is wrong with a property map.
type Problem struct {
	// Path is where, in Pulumi's notation: vpcConfig.subnetIds[0].
	Path resource.PropertyPath
	// Reason is what, with the nearest known name of an unknown property.
	Reason string
}

// String returns "path: reason".
func (p Problem) String() string { return p.Path.String() + ": " + p.Reason }

// Check compares m with the schema of an object and returns every problem:
// unknown properties, values of the wrong type, required properties that are
// missing. also are properties that are required beyond what the type says.
// Values that are not known yet pass. Properties that start with two
// underscores are the engine's own.
func (t *Type) Check(m resource.PropertyMap, also ...string) []Problem {
	c := checker{}
	c.object(nil, t, m)
	for _, name := range also {
		if v, ok := m[resource.PropertyKey(name)]; !ok || v.IsNull() {
			c.add(resource.PropertyPath{name}, "required, and missing")
		}
	}
	return c.problems
}

type checker struct{ problems []Problem }

func (c *checker) add(path resource.PropertyPath, format string, args ...any) {
	c.problems = append(c.problems, Problem{Path: slices.Clone(path), Reason: fmt.Sprintf(format, args...)})
}

func (c *checker) object(path resource.PropertyPath, t *Type, m resource.PropertyMap) {
	for _, key := range m.StableKeys() {
		name := string(key)
		if strings.HasPrefix(name, "__") || m[key].IsNull() {
			continue
		}
		at := append(slices.Clone(path), name)
		f := t.Fields[name]
		if f == nil {
			c.add(at, "no such property%s", nearest.Suggest(name, t.Names()))
			continue
		}
		c.value(at, f.Type, m[key])
	}
	for _, name := range t.Names() {
		if v, ok := m[resource.PropertyKey(name)]; t.Fields[name].Required && (!ok || v.IsNull()) {
			c.add(append(slices.Clone(path), name), "required, and missing")
		}
	}
}

func (c *checker) value(path resource.PropertyPath, t *Type, v resource.PropertyValue) {
	if t.Kind == Any || v.IsComputed() || v.IsNull() {
		return
	}
	switch {
	case v.IsSecret():
		c.value(path, t, v.SecretValue().Element)
	case t.Kind == List && v.IsArray():
		for i, e := range v.ArrayValue() {
			c.value(append(slices.Clone(path), i), t.Elem, e)
		}
	case t.Kind == Map && v.IsObject():
		m := v.ObjectValue()
		for _, k := range m.StableKeys() {
			c.value(append(slices.Clone(path), string(k)), t.Elem, m[k])
		}
	case t.Kind == Object && v.IsObject():
		c.object(path, t, v.ObjectValue())
	case !scalar(t.Kind, v):
		c.add(path, "want %s, got %s", t.Kind, v.TypeString())
	}
}

func scalar(k Kind, v resource.PropertyValue) bool {
	switch k {
	case Bool:
		return v.IsBool()
	case String:
		return v.IsString()
	case Number:
		return v.IsNumber()
	case Int:
		return v.IsNumber() && v.NumberValue() == math.Trunc(v.NumberValue())
	}
	return false
}
