// SPDX-License-Identifier: Apache-2.0

package componenttest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Render writes a graph as text for reviewers: one block per resource, inputs one per line, documents in JSON spread out.
func (g *Graph) Render() string {
	var b strings.Builder
	for _, r := range g.Resources {
		fmt.Fprintf(&b, "%s\n  type: %s\n", r.Name, r.Type)
		line := func(key, value string) {
			if value != "" {
				fmt.Fprintf(&b, "  %s: %s\n", key, value)
			}
		}
		line("parent", r.Parent)
		line("provider", r.Provider)
		line("delete timeout", r.DeleteTimeout)
		line("depends on", strings.Join(r.Dependencies, " "))
		if len(r.Inputs) > 0 {
			b.WriteString("  inputs:\n")
			render(&b, r.Inputs, "    ")
		}
		b.WriteString("\n")
	}
	if len(g.Outputs) > 0 {
		b.WriteString("outputs\n")
		render(&b, g.Outputs, "  ")
	}
	return b.String()
}

func render(b *strings.Builder, v any, indent string) {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			entry(b, indent+k+":", v[k], indent)
		}
	case []any:
		for _, e := range v {
			entry(b, indent+"-", e, indent)
		}
	}
}

// entry writes a scalar behind its key, and anything larger below it.
func entry(b *strings.Builder, key string, v any, indent string) {
	if s, ok := v.(string); ok && strings.HasPrefix(s, "{") {
		var document any
		if json.Unmarshal([]byte(s), &document) == nil {
			fmt.Fprintf(b, "%s (JSON)\n", key)
			render(b, document, indent+"  ")
			return
		}
	}
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 {
			fmt.Fprintf(b, "%s {}\n", key)
			return
		}
		fmt.Fprintln(b, key)
		render(b, v, indent+"  ")
	case []any:
		if scalars(v) {
			fmt.Fprintf(b, "%s %s\n", key, strings.Join(texts(v), ", "))
			return
		}
		fmt.Fprintln(b, key)
		render(b, v, indent+"  ")
	default:
		fmt.Fprintf(b, "%s %v\n", key, v)
	}
}

func scalars(list []any) bool {
	for _, e := range list {
		switch e.(type) {
		case map[string]any, []any:
			return false
		}
	}
	return true
}

func texts(list []any) []string {
	out := make([]string, 0, len(list))
	for _, e := range list {
		out = append(out, fmt.Sprint(e))
	}
	return out
}
