// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"emrflink/internal/plans"
	"emrflink/internal/untyped"
)

// relisted is a step whose lists are compared anew, with the reasons of a replacement that go with it.
func relisted(s plans.Step) plans.Step {
	if s.Op != plans.OpUpdate && s.Op != plans.OpReplace {
		return s
	}
	diffs := lists(s)
	reasons := []string{}
	for _, r := range s.ReplaceReasons {
		if listOf(r) == "" || slices.ContainsFunc(diffs, func(d plans.PropertyDiff) bool { return d.Path == r }) {
			reasons = append(reasons, r)
		}
	}
	for _, d := range diffs {
		if strings.HasSuffix(d.Kind, replaceSuffix) && s.Op == plans.OpReplace && listOf(d.Path) != "" {
			reasons = append(reasons, d.Path)
		}
	}
	slices.Sort(reasons)
	s.Diff, s.ReplaceReasons = diffs, slices.Compact(reasons)
	return s
}

// lists compares the lists anew of which a provider reports elements: it numbers the elements of a set in an order of its
// own, and one element less at the front changes all that follow. A list that only changed its order stays as reported.
func lists(s plans.Step) []plans.PropertyDiff {
	found := map[string][]plans.PropertyDiff{}
	for _, d := range s.Diff {
		if at := listOf(d.Path); at != "" && found[at] == nil {
			found[at] = compareList(s, at)
		}
	}
	var out []plans.PropertyDiff
	done := map[string]bool{}
	for _, d := range s.Diff {
		at := listOf(d.Path)
		switch {
		case len(found[at]) == 0:
			out = append(out, d)
		case !done[at]:
			done[at] = true
			out = append(out, marked(s, at, found[at])...)
		}
	}
	return out
}

// listOf is the path of the list that a path names an element of, "" for any other path.
func listOf(path string) string {
	if !strings.HasSuffix(path, "]") || strings.HasSuffix(path, `"]`) {
		return ""
	}
	return path[:strings.LastIndexByte(path, '[')]
}

// compareList compares a list of plain values in the inputs; nothing for any other list.
func compareList(s plans.Step, path string) []plans.PropertyDiff {
	before, wasList := inputAt(s.Old, path)
	after, isList := inputAt(s.New, path)
	if !wasList || !isList || untyped.HasUnknown(before) || untyped.HasUnknown(after) {
		return nil
	}
	d := differ{}
	d.members(path, before, after, true)
	return d.out
}

// inputAt is the list of plain values at a path.
func inputAt(in map[string]any, path string) ([]any, bool) {
	keys, err := resource.ParsePropertyPath(path)
	if err != nil {
		return nil, false
	}
	var v any = in
	for _, key := range keys {
		switch at := v.(type) {
		case map[string]any:
			name, _ := key.(string)
			v = at[name]
		case []any:
			i, ok := key.(int)
			if !ok || i < 0 || i >= len(at) {
				return nil, false
			}
			v = at[i]
		default:
			return nil, false
		}
	}
	list, ok := v.([]any)
	for _, e := range list {
		switch e.(type) {
		case map[string]any, []any:
			return nil, false
		}
	}
	return list, ok
}

// marked gives the differences of a list the mark that the provider gave one of its elements.
func marked(s plans.Step, at string, diffs []plans.PropertyDiff) []plans.PropertyDiff {
	for _, d := range s.Diff {
		if listOf(d.Path) == at && strings.HasSuffix(d.Kind, replaceSuffix) {
			for i := range diffs {
				diffs[i].Kind += replaceSuffix
			}
			return diffs
		}
	}
	return diffs
}
