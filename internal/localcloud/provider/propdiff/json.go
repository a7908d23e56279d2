// SPDX-License-Identifier: Apache-2.0

package propdiff

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// SameJSON says whether two texts are the same JSON document.
func SameJSON(was, is resource.PropertyValue) bool {
	a, okA := document(was)
	b, okB := document(is)
	return okA && okB && reflect.DeepEqual(a, b)
}

// SamePolicy says whether two texts are the same IAM policy: as JSON, where a
// list of one element equals the element and the order of a list of texts does
// not matter.
func SamePolicy(was, is resource.PropertyValue) bool {
	a, okA := document(was)
	b, okB := document(is)
	return okA && okB && reflect.DeepEqual(canonical(a), canonical(b))
}

func document(v resource.PropertyValue) (any, bool) {
	if !v.IsString() {
		return nil, false
	}
	var out any
	if err := json.Unmarshal([]byte(v.StringValue()), &out); err != nil {
		return nil, false
	}
	return out, true
}

func canonical(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = canonical(e)
		}
		return out
	case []any:
		return canonicalList(v)
	}
	return v
}

func canonicalList(v []any) any {
	if len(v) == 1 {
		return canonical(v[0])
	}
	out, texts := make([]any, 0, len(v)), true
	for _, e := range v {
		_, text := e.(string)
		texts = texts && text
		out = append(out, canonical(e))
	}
	if texts {
		slices.SortFunc(out, func(a, b any) int {
			x, _ := a.(string)
			y, _ := b.(string)
			return strings.Compare(x, y)
		})
	}
	return out
}
