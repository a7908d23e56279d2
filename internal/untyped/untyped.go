// SPDX-License-Identifier: Apache-2.0

// Package untyped reads values that have no Go type: the properties of resources as JSON, with placeholders for secrets
// and values that are not known yet, and the URNs of the resources.
//
// Invariants: no function fails. A value that is missing or of another type is read as the zero value. Nothing is
// changed.
//
// Place: below everything; it imports the standard library.
package untyped

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Stand-ins for values that must not or cannot be shown.
const (
	// Secret stands for a value that is secret.
	Secret = "[secret]"
	// Unknown stands for a value that is known only after something else was deployed. It may be a part of a text.
	Unknown = "[unknown]"
)

// At follows names and indices down into a value; nil when there is nothing. What is below an unknown value is unknown.
func At(v any, keys ...any) any {
	for _, k := range keys {
		if IsUnknown(v) {
			return v
		}
		switch k := k.(type) {
		case string:
			v = Object(v)[k]
		case int:
			l := List(v)
			if k < 0 || k >= len(l) {
				return nil
			}
			v = l[k]
		}
	}
	return v
}

// Path finds "a.b.c"; a list is entered at its first element, because the AWS provider writes some single blocks as lists.
func Path(m map[string]any, path string) any {
	var v any = m
	for key := range strings.SplitSeq(path, ".") {
		if l := List(v); len(l) > 0 {
			v = l[0]
		}
		v = Object(v)[key]
	}
	return v
}

// First is the first text that is not empty among named properties.
func First(m map[string]any, names ...string) string {
	for _, n := range names {
		if s := Text(m[n]); s != "" {
			return s
		}
	}
	return ""
}

// IsUnknown says whether a value, or a part of a text, is not known yet.
func IsUnknown(v any) bool { return strings.Contains(Text(v), Unknown) }

// HasUnknown also looks into lists and objects.
func HasUnknown(v any) bool {
	if IsUnknown(v) || slices.ContainsFunc(List(v), HasUnknown) {
		return true
	}
	for _, e := range Object(v) {
		if HasUnknown(e) {
			return true
		}
	}
	return false
}

// Text is a text.
func Text(v any) string {
	s, _ := v.(string)
	return s
}

// Known is a text of which no part is unknown.
func Known(v any) string {
	if IsUnknown(v) {
		return ""
	}
	return Text(v)
}

// Texts are the texts of a list that are not empty; a single text is a list of one.
func Texts(v any) []string {
	if s := Text(v); s != "" {
		return []string{s}
	}
	var out []string
	for _, e := range List(v) {
		if s := Text(e); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// KnownTexts are the Texts of which no part is unknown.
func KnownTexts(v any) []string {
	return slices.DeleteFunc(Texts(v), func(s string) bool { return IsUnknown(s) })
}

// List is a list.
func List(v any) []any {
	l, _ := v.([]any)
	return l
}

// Object is an object.
func Object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// Objects are the objects of a list; a single object is a list of one.
func Objects(v any) []map[string]any {
	if m := Object(v); m != nil {
		return []map[string]any{m}
	}
	var out []map[string]any
	for _, e := range List(v) {
		if m := Object(e); m != nil {
			out = append(out, m)
		}
	}
	return out
}

// IsTrue reads a boolean, which some providers spell as text.
func IsTrue(v any) bool { return v == true || v == "true" }

// IsFalse says whether a boolean is there and false.
func IsFalse(v any) bool { return v == false || v == "false" }

// Number reads a number, which a manifest may spell as text.
func Number(v any) (float64, bool) {
	switch n := v.(type) {
	case float64:
		return n, true
	case int:
		return float64(n), true
	case json.Number:
		f, err := n.Float64()
		return f, err == nil
	case string:
		f, err := strconv.ParseFloat(n, 64)
		return f, err == nil
	}
	return 0, false
}

// Line shows a value on one line of at most so many characters: stand-ins as they are, the rest as JSON.
func Line(v any, most int) string {
	if v == Secret || v == Unknown {
		return Text(v)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	text := strings.TrimSpace(b.String())
	if utf8.RuneCountInString(text) > most {
		return string([]rune(text)[:most-3]) + "..."
	}
	return text
}

// JoinPath appends a name to a Pulumi property path, quoted when it would not read back as one.
func JoinPath(path, name string) string {
	if name == "" || strings.ContainsAny(name, `.[]"`) {
		return path + `["` + strings.ReplaceAll(name, `"`, `\"`) + `"]`
	}
	if path == "" {
		return name
	}
	return path + "." + name
}
