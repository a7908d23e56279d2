// SPDX-License-Identifier: Apache-2.0

package findings

import (
	"strconv"
	"strings"
)

// at follows names and indices down into a value; nil when there is nothing. What is below an unknown value is unknown.
func at(v any, keys ...any) any {
	for _, k := range keys {
		if isUnknown(v) {
			return v
		}
		switch k := k.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[k]
		case int:
			l, _ := v.([]any)
			if k >= len(l) {
				return nil
			}
			v = l[k]
		}
	}
	return v
}

// isUnknown tells whether a value, or a part of a text, is not known yet.
func isUnknown(v any) bool {
	s, ok := v.(string)
	return ok && strings.Contains(s, unknown)
}

// anyUnknown looks into lists, too.
func anyUnknown(v any) bool {
	for _, e := range list(v) {
		if isUnknown(e) {
			return true
		}
	}
	return isUnknown(v)
}

// text is a known text, "" when there is none.
func text(v any) string {
	s, ok := v.(string)
	if !ok || isUnknown(v) {
		return ""
	}
	return s
}

// texts are the known texts of a list; a single text is a list of one.
func texts(v any) []string {
	if s := text(v); s != "" {
		return []string{s}
	}
	var out []string
	for _, e := range list(v) {
		if s := text(e); s != "" {
			out = append(out, s)
		}
	}
	return out
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

func object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// isTrue reads a boolean, which some providers spell as text.
func isTrue(v any) bool { return v == true || v == "true" }

// isFalse tells whether a boolean is there and false.
func isFalse(v any) bool { return v == false || v == "false" }

// number reads a number, which a manifest may spell as text.
func number(v any) (float64, bool) {
	switch n := v.(type) {
	case float64:
		return n, true
	case int:
		return float64(n), true
	case string:
		f, err := strconv.ParseFloat(n, 64)
		return f, err == nil
	}
	return 0, false
}

// world are the ranges of everybody.
func world(cidrs []string) (string, bool) {
	for _, c := range cidrs {
		if c == "0.0.0.0/0" || c == "::/0" {
			return c, true
		}
	}
	return "", false
}
