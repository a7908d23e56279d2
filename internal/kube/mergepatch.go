// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"maps"
	"reflect"
)

// MergePatch is the JSON merge patch (RFC 7396) that makes after of before.
func MergePatch(before, after map[string]any) map[string]any {
	out := map[string]any{}
	keys := maps.Clone(before)
	maps.Copy(keys, after)
	for k := range keys {
		v, there := after[k]
		switch {
		case !there:
			out[k] = nil
		case !reflect.DeepEqual(plain(before[k]), plain(v)):
			out[k] = patchOf(before[k], v)
		}
	}
	return out
}

// patchOf is the patch of one value: what is no object on both sides is replaced.
func patchOf(before, after any) any {
	b, okB := before.(map[string]any)
	a, okA := after.(map[string]any)
	if !okA || !okB {
		return after
	}
	return MergePatch(b, a)
}

// plain makes numbers comparable: the API server's are integers, those of an edit are not.
func plain(v any) any {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = plain(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = plain(e)
		}
		return out
	}
	return v
}
