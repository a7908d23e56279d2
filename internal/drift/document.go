// SPDX-License-Identifier: Apache-2.0

package drift

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// document reads a text that is a JSON object or list, as policies are.
func document(v any) (any, bool) {
	text, ok := v.(string)
	if !ok || !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "[") {
		return nil, false
	}
	var out any
	return out, json.Unmarshal([]byte(text), &out) == nil
}

// changedInside says that both sides are documents, of which the reader wants to see the part that differs.
func (d Diff) changedInside() bool {
	_, okA := document(d.Expected)
	_, okB := document(d.Actual)
	return okA && okB
}

// inside lists what differs within two documents, a line each.
func (d Diff) inside() []string {
	a, _ := document(d.Expected)
	b, _ := document(d.Actual)
	return differences("", a, b)
}

func differences(path string, a, b any) []string {
	if reflect.DeepEqual(a, b) {
		return nil
	}
	if x, ok := a.(map[string]any); ok {
		if y, ok := b.(map[string]any); ok {
			keys := maps.Clone(x)
			maps.Copy(keys, y)
			var out []string
			for _, k := range slices.Sorted(maps.Keys(keys)) {
				out = append(out, differences(strings.TrimPrefix(path+"."+k, "."), x[k], y[k])...)
			}
			return out
		}
	}
	if x, ok := a.([]any); ok {
		if y, ok := b.([]any); ok {
			var out []string
			for i := range max(len(x), len(y)) {
				out = append(out, differences(fmt.Sprintf("%s[%d]", path, i), element(x, i), element(y, i))...)
			}
			return out
		}
	}
	return []string{fmt.Sprintf("%s: expected %s, actual %s", path, value(a), value(b))}
}

func element(list []any, i int) any {
	if i < len(list) {
		return list[i]
	}
	return nil
}
