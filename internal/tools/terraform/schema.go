// SPDX-License-Identifier: Apache-2.0

package terraform

import (
	"context"
	"encoding/json"
	"fmt"
)

// Schema is a resource type as `terraform providers schema -json` has it.
type Schema struct {
	Version int   `json:"version"`
	Block   Block `json:"block"`
}

// Block is a resource or a block in it.
type Block struct {
	Attributes map[string]Attribute `json:"attributes"`
	Blocks     map[string]Nested    `json:"block_types"`
}

// Attribute is a property. Type is a text, or a list such as ["list", "string"] and ["object", {...}].
type Attribute struct {
	Type     any  `json:"type"`
	Required bool `json:"required"`
	Optional bool `json:"optional"`
	Computed bool `json:"computed"`
}

// Input tells whether a configuration may set the attribute.
func (a Attribute) Input() bool { return a.Required || a.Optional }

// Nested is a block and how often it may appear.
type Nested struct {
	Mode     string `json:"nesting_mode"` // list, set or single
	MinItems int    `json:"min_items"`
	Block    Block  `json:"block"`
}

// Schemas are the provider's resource types.
func (t *Terraform) Schemas(ctx context.Context) (map[string]Schema, error) {
	out, err := t.run(ctx, "providers", "schema", "-json")
	if err != nil {
		return nil, err
	}
	var all struct {
		Providers map[string]struct {
			Resources map[string]Schema `json:"resource_schemas"`
		} `json:"provider_schemas"`
	}
	if err := json.Unmarshal(out, &all); err != nil {
		return nil, fmt.Errorf("read the provider's schema: %w", err)
	}
	p, ok := all.Providers[providerAddress]
	if !ok {
		return nil, fmt.Errorf("terraform has no schema of %s", providerAddress)
	}
	return p.Resources, nil
}

// objectOf is an attribute's type as a block, when it is an object or a list or set of objects: what older resources have
// in place of blocks.
func objectOf(typ any) (block Block, many, ok bool) {
	list, isList := typ.([]any)
	if !isList || len(list) != 2 {
		return Block{}, false, false
	}
	switch list[0] {
	case "list", "set":
		b, _, ok := objectOf(list[1])
		return b, true, ok
	case "object":
		fields, isMap := list[1].(map[string]any)
		if !isMap {
			return Block{}, false, false
		}
		b := Block{Attributes: map[string]Attribute{}}
		for name, t := range fields {
			b.Attributes[name] = Attribute{Type: t, Optional: true}
		}
		return b, false, true
	}
	return Block{}, false, false
}

// many tells whether a type is a list or a set.
func many(typ any) bool {
	list, ok := typ.([]any)
	return ok && len(list) == 2 && (list[0] == "list" || list[0] == "set")
}
