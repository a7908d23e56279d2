// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"emrflink/internal/mask"
	"emrflink/internal/plans"
)

// hide replaces what looks like a secret in a step. It comes after the comparison, so that a secret that changed is seen
// to change.
func hide(s plans.Step) plans.Step {
	secretObject := mask.SecretObject(s.New) || mask.SecretObject(s.Old)
	s.Old, _ = mask.Map(s.Old)
	s.New, s.Exposed = mask.Map(s.New)
	for i, d := range s.Diff {
		keys := names(d.Path)
		if secretObject && len(keys) > 0 && (keys[0] == "data" || keys[0] == "stringData") {
			keys = []string{"secret"}
		}
		if isPair(keys) && hiddenAt(s, d.Path) {
			keys = []string{"secret"}
		}
		s.Diff[i].Old, s.Diff[i].New = mask.At(keys, d.Old), mask.At(keys, d.New)
	}
	return s
}

// isPair tells whether a path ends at the value of a name and a value: what it is, the name beside it says.
func isPair(keys []string) bool {
	return len(keys) > 0 && strings.EqualFold(keys[len(keys)-1], "value")
}

// hiddenAt tells whether an input at a path was hidden.
func hiddenAt(s plans.Step, path string) bool {
	p, err := resource.ParsePropertyPath(path)
	if err != nil {
		return false
	}
	after, _ := lookup(s.New, p)
	before, _ := lookup(s.Old, p)
	return slices.Contains([]any{before, after}, any(plans.Secret))
}

// shown is a cleaned map in which nothing looks like a secret any more.
func shown(m map[string]any) map[string]any {
	out, _ := mask.Map(cleanMap(m))
	return out
}

// names are the keys of a property path, without indices.
func names(path string) []string {
	p, err := resource.ParsePropertyPath(path)
	if err != nil {
		return []string{path}
	}
	var out []string
	for _, k := range p {
		if name, ok := k.(string); ok {
			out = append(out, name)
		}
	}
	return out
}
