// SPDX-License-Identifier: Apache-2.0

// Package mask hides secrets in what is shown, logged and saved.
//
// A secret is recognised by its key (`password`, `apiKey`, `client-key-data`), by its form (an access key, a private
// key, a token, a signature in a URL, a password in a URL), or because the caller marks it. A value that only names a
// secret stays readable: `secretName`, `tokenPath`, an ARN.
//
// Invariants: masking is idempotent; a masked value has nothing of the secret left, not even its length; a value
// without secrets is returned unchanged. If the end of a secret is uncertain, more is hidden rather than less.
//
// Place: below everything that prints. It imports the standard library only.
package mask

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"emrflink/internal/untyped"
)

// Secret stands in place of a secret.
const Secret = untyped.Secret

// Value hides the secrets in a plain value (what encoding/json makes of JSON) and returns where they were, as Pulumi
// property paths: `env[2].value`. The value itself is not changed.
func Value(v any) (masked any, found []string) {
	w := &walker{}
	masked = w.value("", v)
	return masked, w.found
}

// Map is Value for a map. A nil map stays nil.
func Map(m map[string]any) (masked map[string]any, found []string) {
	if m == nil {
		return nil, nil
	}
	w := &walker{}
	masked = w.object("", m)
	return masked, w.found
}

// At hides the secrets in the value at a path; keys are the names on the way to it, without indices.
func At(keys []string, v any) any {
	w := &walker{}
	for i := len(keys) - 1; i >= 0; i-- {
		if Key(keys[i]) && !slices.ContainsFunc(keys[i+1:], reference) {
			return w.below("", v)
		}
	}
	return w.value("", v)
}

// walker goes through a value.
type walker struct{ found []string }

// hide replaces a secret, and remembers where it was.
func (w *walker) hide(path string) string {
	w.found = append(w.found, path)
	return Secret
}

func (w *walker) value(path string, v any) any {
	switch v := v.(type) {
	case string:
		return w.text(path, v)
	case []any:
		return w.list(path, v)
	case map[string]any:
		return w.object(path, v)
	}
	return v
}

// text masks a string that may be a document in JSON.
func (w *walker) text(path, s string) string {
	if out, ok := document(s); ok {
		if out != s {
			return w.changed(path, out)
		}
		return s
	}
	if out := Text(s); out != s {
		return w.changed(path, out)
	}
	return s
}

func (w *walker) changed(path, out string) string {
	w.found = append(w.found, path)
	return out
}

// document masks a JSON object or array in a string; false when it is none. Without secrets the text stays as it was
// written.
func document(s string) (string, bool) {
	trimmed := strings.TrimSpace(s)
	if !strings.HasPrefix(trimmed, "{") && !strings.HasPrefix(trimmed, "[") {
		return s, false
	}
	dec := json.NewDecoder(strings.NewReader(trimmed))
	dec.UseNumber() // a number that is no secret comes back as it was
	var v any
	if dec.Decode(&v) != nil || dec.More() {
		return s, false
	}
	masked, found := Value(v)
	if len(found) == 0 {
		return s, true
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(masked) != nil {
		return Secret, true // what cannot be written again is not shown
	}
	return strings.TrimSpace(b.String()), true
}

// list masks a list; the element after an option such as --password is its value.
func (w *walker) list(path string, in []any) []any {
	out := make([]any, len(in))
	after := false
	for i, e := range in {
		at := path + "[" + strconv.Itoa(i) + "]"
		s, isText := e.(string)
		switch {
		case after && isText && !strings.HasPrefix(s, "-"):
			out[i] = w.below(at, s)
		default:
			out[i] = w.value(at, e)
		}
		after = isText && strings.HasPrefix(s, "-") && !strings.Contains(s, "=") && Key(strings.TrimLeft(s, "-"))
	}
	return out
}

// object masks a map. A Kubernetes Secret is one by its kind; the value of a pair such as {name: DB_PASSWORD, value: x}
// by its name.
func (w *walker) object(path string, in map[string]any) map[string]any {
	out := make(map[string]any, len(in))
	secretKind := SecretObject(in)
	named := pair(in)
	for _, k := range sorted(in) {
		v, at := in[k], join(path, k)
		switch {
		case secretKind && (k == "data" || k == "stringData"), named && strings.EqualFold(k, "value"):
			out[k] = w.all(at, v)
		case Key(k):
			out[k] = w.below(at, v)
		default:
			out[k] = w.value(at, v)
		}
	}
	return out
}

// SecretObject tells whether a manifest is a Kubernetes Secret.
func SecretObject(m map[string]any) bool {
	version, known := m["apiVersion"].(string)
	return m["kind"] == "Secret" && (!known || version == "v1")
}

// pair tells whether a map is a name and a value, and the name that of a secret.
func pair(m map[string]any) bool {
	for _, k := range []string{"name", "Name", "key", "Key"} {
		if name, ok := m[k].(string); ok && Key(name) {
			return true
		}
	}
	return false
}

// below masks what stands under the key of a secret: all of it, but for what refers to a secret that is elsewhere.
func (w *walker) below(path string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for _, k := range sorted(v) {
			if reference(k) {
				out[k] = w.value(join(path, k), v[k])
				continue
			}
			out[k] = w.below(join(path, k), v[k])
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = w.below(path+"["+strconv.Itoa(i)+"]", v[i])
		}
		return out
	case string:
		if !harmless(v) {
			return w.hide(path)
		}
		return v
	case float64, int, int64, json.Number:
		return w.hide(path)
	}
	return v
}

// all masks every text and number.
func (w *walker) all(path string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for _, k := range sorted(v) {
			out[k] = w.all(join(path, k), v[k])
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = w.all(path+"["+strconv.Itoa(i)+"]", v[i])
		}
		return out
	case nil, bool:
		return v
	case string:
		if v == "" || v == Secret || v == untyped.Unknown {
			return v
		}
	}
	return w.hide(path)
}

// harmless are values that a key like `token` may have without being one.
func harmless(s string) bool {
	switch s {
	case "", Secret, untyped.Unknown, "true", "false", "required", "optional", "enabled", "disabled", "null", "none":
		return true
	}
	return strings.HasPrefix(s, "arn:") && !strings.ContainsAny(s, " \n")
}

func sorted(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// join appends a key to a Pulumi property path.
func join(path, key string) string {
	if key == "" || strings.ContainsAny(key, `.[]"`) {
		return path + "[" + strconv.Quote(key) + "]"
	}
	if path == "" {
		return key
	}
	return path + "." + key
}
