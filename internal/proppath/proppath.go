// SPDX-License-Identifier: Apache-2.0

// Package proppath edits JSON values at Pulumi property paths: `tags.owner`, `cidrBlocks[0]`, `spec.hard["limits.cpu"]`.
//
// Place: a helper of the packages that change a resource outside emrflink on purpose.
package proppath

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Change is one edit. Value is text as a person types it: it becomes what the present value is, text or another JSON
// value; where nothing is, JSON when it reads as such, else text.
type Change struct {
	Path  string `json:"path"`
	Value string `json:"value"`
	// Unset removes the value at the path.
	Unset bool `json:"unset"`
}

// Parse reads "path=value".
func Parse(text string) (Change, error) {
	at := strings.Index(text, "=")
	if at <= 0 {
		return Change{}, fmt.Errorf("%q is not PATH=VALUE", text)
	}
	c := Change{Path: text[:at], Value: text[at+1:]}
	_, err := c.parsed()
	return c, err
}

func (c Change) parsed() (resource.PropertyPath, error) {
	p, err := resource.ParsePropertyPathStrict(c.Path)
	if err != nil {
		return nil, fmt.Errorf("%q is no property path: %w", c.Path, err)
	}
	if len(p) == 0 {
		return nil, fmt.Errorf("%q is no property path: it is empty", c.Path)
	}
	return p, nil
}

// Edit returns a copy of an object with changes. A path that leads through something that is no object or list, and one
// to unset that has no value, are errors.
func Edit(object map[string]any, changes []Change) (map[string]any, error) {
	root := resource.NewProperty(resource.NewPropertyMapFromMap(object))
	for _, c := range changes {
		p, err := c.parsed()
		if err != nil {
			return nil, err
		}
		was, exists := p.Get(root)
		switch {
		case c.Unset && (!exists || !p.Delete(root)):
			return nil, fmt.Errorf("there is nothing at %q", c.Path)
		case c.Unset:
		default:
			next, ok := p.Add(root, c.value(was))
			if !ok {
				return nil, fmt.Errorf("%q leads through a value that has no parts", c.Path)
			}
			root = next
		}
	}
	out, ok := root.Mappable().(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the result is no object")
	}
	return out, nil
}

// value reads the text as the kind of value that is there.
func (c Change) value(was resource.PropertyValue) resource.PropertyValue {
	var v any
	if was.IsString() || json.Unmarshal([]byte(c.Value), &v) != nil {
		return resource.NewProperty(c.Value)
	}
	return resource.NewPropertyValue(v)
}
