// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"emrflink/internal/plans"
	"emrflink/internal/untyped"
)

// propertyDiffs turns what the provider said about a change into sorted property diffs. A provider that names no
// details gets a comparison of the inputs.
func propertyDiffs(m apitype.StepEventMetadata, oldIn, newIn map[string]any) []plans.PropertyDiff {
	var out []plans.PropertyDiff
	if len(m.DetailedDiff) > 0 {
		oldOut := map[string]any{}
		if m.Old != nil {
			oldOut = cleanMap(m.Old.Outputs)
		}
		for _, path := range slices.Sorted(maps.Keys(m.DetailedDiff)) {
			out = append(out, detailed(path, m.DetailedDiff[path], oldIn, oldOut, newIn))
		}
		return out
	}
	compare("", oldIn, newIn, &out)
	for i := range out {
		if slices.Contains(m.Keys, rootOf(out[i].Path)) {
			out[i].Kind += "-replace"
		}
	}
	return out
}

// detailed looks the values of one reported difference up. The old value is an input when the provider compared
// inputs, or when the outputs have nothing at that path.
func detailed(path string, d apitype.PropertyDiff, oldIn, oldOut, newIn map[string]any) plans.PropertyDiff {
	diff := plans.PropertyDiff{Path: path, Kind: string(d.Kind)}
	p, err := resource.ParsePropertyPath(path)
	if err != nil {
		return diff
	}
	first, second := oldOut, oldIn
	if d.InputDiff {
		first, second = oldIn, oldOut
	}
	if !strings.HasPrefix(diff.Kind, "add") {
		v, ok := lookup(first, p)
		if !ok {
			v, _ = lookup(second, p)
		}
		diff.Old = v
	}
	if !strings.HasPrefix(diff.Kind, "delete") {
		diff.New, _ = lookup(newIn, p)
	}
	return diff
}

// compare lists the differences between two plain values, in the order of their paths.
func compare(path string, before, after any, out *[]plans.PropertyDiff) {
	if b, ok := before.(map[string]any); ok {
		if a, ok := after.(map[string]any); ok {
			compareMaps(path, b, a, out)
			return
		}
	}
	if b, ok := before.([]any); ok {
		if a, ok := after.([]any); ok {
			for i := range max(len(a), len(b)) {
				compareAt(path+"["+strconv.Itoa(i)+"]", untyped.At(b, i), i < len(b), untyped.At(a, i), i < len(a), out)
			}
			return
		}
	}
	if !reflect.DeepEqual(before, after) {
		*out = append(*out, plans.PropertyDiff{Path: path, Kind: "update", Old: before, New: after})
	}
}

func compareMaps(path string, before, after map[string]any, out *[]plans.PropertyDiff) {
	keys := slices.Sorted(maps.Keys(before))
	for _, k := range slices.Sorted(maps.Keys(after)) {
		if _, both := before[k]; !both {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		b, inBefore := before[k]
		a, inAfter := after[k]
		compareAt(untyped.JoinPath(path, k), b, inBefore, a, inAfter, out)
	}
}

func compareAt(path string, b any, inBefore bool, a any, inAfter bool, out *[]plans.PropertyDiff) {
	switch {
	case !inBefore:
		*out = append(*out, plans.PropertyDiff{Path: path, Kind: "add", New: a})
	case !inAfter:
		*out = append(*out, plans.PropertyDiff{Path: path, Kind: "delete", Old: b})
	default:
		compare(path, b, a, out)
	}
}

// rootOf returns the first key of a property path.
func rootOf(path string) string {
	p, err := resource.ParsePropertyPath(path)
	if err != nil || len(p) == 0 {
		return path
	}
	name, _ := p[0].(string)
	return name
}
