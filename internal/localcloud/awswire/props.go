// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"maps"
	"slices"
	"strconv"

	"emrflink/internal/localcloud/account"
	"emrflink/internal/untyped"
)

// str is the first non-empty text among paths; numbers and booleans are
// written out.
func str(p account.Props, paths ...string) string {
	for _, path := range paths {
		switch v := account.Value(p, path).(type) {
		case string:
			if v != "" {
				return v
			}
		case bool:
			return strconv.FormatBool(v)
		case float64:
			return strconv.FormatFloat(v, 'f', -1, 64)
		}
	}
	return ""
}

// truthy reads a boolean property, which the provider may hold as text.
func truthy(p account.Props, path string) bool { return str(p, path) == "true" }

// whole reads an integral number, or def.
func whole(p account.Props, path string, def int) int {
	if n, err := strconv.ParseFloat(str(p, path), 64); err == nil {
		return int(n)
	}
	return def
}

// strs are the texts of the first list property that has any; a single text is a list of one.
func strs(p account.Props, paths ...string) []string {
	for _, path := range paths {
		if out := untyped.Texts(account.Value(p, path)); len(out) > 0 {
			return out
		}
	}
	return nil
}

// objects are those of a list property; a single object is a list of one.
func blocks(p account.Props, path string) []account.Props {
	return untyped.Objects(account.Value(p, path))
}

// anys makes a JSON list of strings.
func anys(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

// tagMap makes a JSON object of tags.
func tagMap(tags map[string]string) account.Props {
	p := account.Props{}
	for k, v := range tags {
		p[k] = v
	}
	return p
}

// tagNodes are the Key and Value elements of tags in lower (EC2) or upper case,
// sorted by key.
func tagNodes(tags map[string]string, key, value string) []node {
	rows := make([]node, 0, len(tags))
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		rows = append(rows, el("", txt(key, k), txt(value, tags[k])))
	}
	return rows
}

// namedTags are tags as the JSON services that have a list of them spell it, sorted by key.
func namedTags(tags map[string]string, key, value string) []any {
	out := []any{}
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, map[string]any{key: k, value: tags[k]})
	}
	return out
}

// ec2Tags is EC2's tagSet.
func ec2Tags(tags map[string]string) node {
	return list("tagSet", "item", tagNodes(tags, "key", "value"))
}
