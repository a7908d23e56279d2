// SPDX-License-Identifier: Apache-2.0

package terraform

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"emrflink/internal/localcloud/provider/schema"
)

// Field pairs a Pulumi property with the attribute or block that it becomes.
type Field struct {
	Pulumi, Terraform string
	// Fields are those of an object; nil for anything else.
	Fields []Field
	// Wrap says that Pulumi has one value where Terraform has a list of at most one.
	Wrap bool
	// Exact says that the object is an attribute, not a block: all its fields have to be given, be it as null.
	Exact bool
}

// Resource is a resource type under both names.
type Resource struct {
	Type
	Schema Schema
	Fields []Field
}

// Resources pairs the properties of all types. The rule is pulumi's: camel case, the plural for lists; a property that the
// SDK has and the provider has not is an error, so that the pairs are complete.
func Resources(schemas map[string]Schema) (map[string]Resource, error) {
	out := map[string]Resource{}
	var problems []error
	for _, t := range Types() {
		s, ok := schemas[t.Terraform]
		if !ok {
			return nil, fmt.Errorf("the provider has no %s", t.Terraform)
		}
		sdk, err := schema.Of(t.Args)
		if err != nil {
			return nil, err
		}
		fields, err := pair(s.Block, sdk, t.Pulumi)
		problems = append(problems, err)
		out[t.Pulumi] = Resource{Type: t, Schema: s, Fields: fields}
	}
	return out, errors.Join(problems...)
}

// pulumiOwn are properties that pulumi-aws adds to its provider (its patches/ folder).
func pulumiOwn() []string { return []string{"aws:eks/cluster:Cluster.defaultAddonsToRemoves"} }

// pair finds the attribute or block of every property.
func pair(b Block, sdk *schema.Type, at string) ([]Field, error) {
	byPulumi := map[string]string{}
	for _, name := range names(b) {
		for _, candidate := range candidates(name) {
			if _, taken := byPulumi[candidate]; !taken && sdk.Has(candidate) {
				byPulumi[candidate] = name
				break
			}
		}
	}
	var out []Field
	var problems []error
	for _, property := range sdk.Names() {
		name, ok := byPulumi[property]
		if property == "timeouts" || slices.Contains(pulumiOwn(), at+"."+property) {
			continue
		}
		if !ok {
			problems = append(problems, fmt.Errorf("%s.%s: the provider has no such attribute", at, property))
			continue
		}
		f, err := pairOne(b, name, property, sdk.Fields[property].Type, at)
		problems, out = append(problems, err), append(out, f)
	}
	return out, errors.Join(problems...)
}

func pairOne(b Block, name, property string, sdk *schema.Type, at string) (Field, error) {
	f := Field{Pulumi: property, Terraform: name}
	var block Block
	var list bool
	if nested, ok := b.Blocks[name]; ok {
		block, list = nested.Block, nested.Mode != "single"
	} else {
		attribute := b.Attributes[name]
		f.Wrap = many(attribute.Type) && sdk.Kind != schema.List && sdk.Kind != schema.Any
		object, isMany, ok := objectOf(attribute.Type)
		if !ok {
			return f, nil
		}
		block, list, f.Exact = object, isMany, true
	}
	elem := sdk
	for elem.Kind == schema.List {
		elem = elem.Elem
	}
	f.Wrap = list && sdk.Kind != schema.List
	if elem.Kind != schema.Object {
		return f, nil // a block of nothing, or one that the SDK leaves open
	}
	var err error
	f.Fields, err = pair(block, elem, at+"."+property)
	return f, err
}

// names are the attributes and the blocks, sorted. The SDK's arguments have also what is only computed within a block.
func names(b Block) []string {
	var out []string
	for name := range b.Attributes {
		out = append(out, name)
	}
	for name := range b.Blocks {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// candidates are the names that Pulumi may give an attribute.
func candidates(name string) []string {
	c := camel(name)
	out := []string{c, c + "s", c + "es"}
	if stem, ok := strings.CutSuffix(c, "y"); ok {
		out = append(out, stem+"ies")
	}
	return out
}

func camel(name string) string {
	var b strings.Builder
	for i, part := range strings.Split(name, "_") {
		if i > 0 && part != "" {
			part = strings.ToUpper(part[:1]) + part[1:]
		}
		b.WriteString(part)
	}
	return b.String()
}
