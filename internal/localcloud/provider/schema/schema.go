// SPDX-License-Identifier: Apache-2.0

// Package schema learns the shape of a resource from the Go SDK type that describes it, and checks property maps
// against it. The SDK's plain structs have a `pulumi:"name"` tag on every property; a pointer, slice, map or interface
// is optional, everything else is required. The caller adds what reflection cannot see (a required list, a default, a
// name that the provider chooses).
package schema

import (
	"fmt"
	"reflect"
	"slices"
)

// Kind is the JSON shape of a value.
type Kind string

// The shapes. Any is anything, such as a policy given as text or as an object.
const (
	Any    Kind = "any value"
	Bool   Kind = "a boolean"
	Int    Kind = "a whole number"
	Number Kind = "a number"
	String Kind = "a string"
	List   Kind = "a list"
	Map    Kind = "a map"
	Object Kind = "an object"
)

// Type is the shape of a value: of a list's or map's elements by Elem, of an
// object's properties by Fields.
type Type struct {
	Kind   Kind
	Elem   *Type
	Fields map[string]*Field
}

// Field is one property of an object.
type Field struct {
	Type     *Type
	Required bool
}

// Names returns the properties of an object, sorted.
func (t *Type) Names() []string {
	out := make([]string, 0, len(t.Fields))
	for name := range t.Fields {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// Has says whether the object has the property.
func (t *Type) Has(name string) bool { return t.Fields[name] != nil }

// tagged is what every Args, State and output type of an SDK is: it names the
// plain struct whose tags are the schema.
type tagged interface{ ElementType() reflect.Type }

// Of returns the schema of an SDK type: of a value such as ec2.VpcArgs{}, which
// names its plain struct, or of a plain struct.
func Of(sdk any) (*Type, error) {
	t := reflect.TypeOf(sdk)
	if named, ok := sdk.(tagged); ok {
		t = named.ElementType()
	}
	if t == nil {
		return nil, fmt.Errorf("schema of nil")
	}
	b := builder{seen: map[reflect.Type]*Type{}}
	out, err := b.build(t)
	if err != nil {
		return nil, fmt.Errorf("schema of %s: %w", t, err)
	}
	if out.Kind != Object {
		return nil, fmt.Errorf("schema of %s: %s, not an object", t, out.Kind)
	}
	return out, nil
}

type builder struct{ seen map[reflect.Type]*Type }

func (b builder) build(t reflect.Type) (*Type, error) {
	if done, ok := b.seen[t]; ok {
		return done, nil
	}
	switch t.Kind() {
	case reflect.Pointer:
		return b.build(t.Elem())
	case reflect.Interface:
		return &Type{Kind: Any}, nil
	case reflect.Bool:
		return &Type{Kind: Bool}, nil
	case reflect.String:
		return &Type{Kind: String}, nil
	case reflect.Int, reflect.Int32, reflect.Int64:
		return &Type{Kind: Int}, nil
	case reflect.Float32, reflect.Float64:
		return &Type{Kind: Number}, nil
	case reflect.Slice, reflect.Array:
		return b.container(t, List)
	case reflect.Map:
		return b.container(t, Map)
	case reflect.Struct:
		if _, isResource := reflect.PointerTo(t).MethodByName("URN"); isResource {
			return &Type{Kind: Any}, nil // a reference, or the resource's id
		}
		return b.object(t)
	}
	return nil, fmt.Errorf("%s has no schema", t)
}

func (b builder) container(t reflect.Type, k Kind) (*Type, error) {
	out := &Type{Kind: k}
	b.seen[t] = out
	elem, err := b.build(t.Elem())
	out.Elem = elem
	return out, err
}

func (b builder) object(t reflect.Type) (*Type, error) {
	out := &Type{Kind: Object, Fields: map[string]*Field{}}
	b.seen[t] = out
	for i := range t.NumField() {
		f := t.Field(i)
		name, ok := f.Tag.Lookup("pulumi")
		if !ok {
			continue
		}
		ft, err := b.build(f.Type)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out.Fields[name] = &Field{Type: ft, Required: required(f.Type)}
	}
	if len(out.Fields) == 0 {
		// A struct without tags is a resource or an asset: its content is not ours to check.
		out.Kind, out.Fields = Any, nil
	}
	return out, nil
}

func required(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		return false
	}
	return true
}
