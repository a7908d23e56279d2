// SPDX-License-Identifier: Apache-2.0

package account

import (
	"encoding/json"
	"fmt"

	"emrflink/internal/awskind"
	"emrflink/internal/untyped"
)

// normalise returns a deep copy of p that holds JSON types only.
func normalise(p Props) (Props, error) {
	raw, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("encode properties: %w", err)
	}
	out := Props{}
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, fmt.Errorf("decode properties: %w", err)
	}
	for k, v := range out {
		if v == nil {
			delete(out, k)
		}
	}
	return out, nil
}

// cloneValue copies a JSON value deeply.
func cloneValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		return cloneProps(v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = cloneValue(v[i])
		}
		return out
	default:
		return v
	}
}

func cloneProps(p Props) Props {
	out := make(Props, len(p))
	for k, v := range p {
		out[k] = cloneValue(v)
	}
	return out
}

// clone is a deep copy in which no map is nil.
func (r *Resource) clone() *Resource {
	out := *r
	out.Props, out.Attrs, out.Tags = cloneProps(r.Props), cloneProps(r.Attrs), copyTags(r.Tags)
	return &out
}

// All is what a read of the resource shows: Props overlaid with Attrs, nested objects merged, and "id",
// "arn", "tags" and "tagsAll".
func (r Resource) All() Props {
	out := cloneProps(r.Props)
	overlay(out, r.Attrs)
	out["id"] = r.ID
	if r.ARN != "" && out["arn"] == nil {
		out["arn"] = r.ARN
	}
	if rowOf(r.Kind).Tags != awskind.Untagged {
		out["tagsAll"] = tagProps(r.Tags)
	}
	return out
}

func overlay(into, from Props) {
	for k, v := range from {
		a, ok1 := into[k].(map[string]any)
		b, ok2 := v.(map[string]any)
		if ok1 && ok2 {
			overlay(a, b)
			continue
		}
		into[k] = cloneValue(v)
	}
}

func tagProps(tags map[string]string) Props {
	out := Props{}
	for k, v := range tags {
		out[k] = v
	}
	return out
}

// Value finds "a.b.c"; see untyped.Path.
func Value(p Props, path string) any { return untyped.Path(p, path) }

func str(p Props, path string) string { return untyped.Text(Value(p, path)) }

func flag(p Props, path string) bool { return untyped.IsTrue(Value(p, path)) }

func number(p Props, path string) (float64, bool) {
	n, ok := Value(p, path).(float64)
	return n, ok
}

func strs(p Props, path string) []string { return untyped.Texts(Value(p, path)) }

func blocks(p Props, path string) []Props { return untyped.Objects(Value(p, path)) }

func stringMap(p Props, path string) map[string]string {
	m, _ := Value(p, path).(map[string]any)
	if len(m) == 0 {
		return nil
	}
	out := make(map[string]string, len(m))
	for k, v := range m {
		if s, ok := v.(string); ok {
			out[k] = s
		}
	}
	return out
}

// isZero reports whether a property is as good as not given.
func isZero(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case bool:
		return !v
	case float64:
		return v == 0
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

func anyStrings(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

// orElse returns the first of its arguments that is not empty.
func orElse(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
