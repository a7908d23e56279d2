// SPDX-License-Identifier: Apache-2.0

package iam

import "strings"

// escape marks the next byte of a pattern as literal. It cannot occur in a policy: JSON strings of IAM
// policies are limited to printable characters.
const escape = '\x00'

// quoteIf makes the wildcards of s literal when quote is set.
func quoteIf(s string, quote bool) string {
	if !quote || !strings.ContainsAny(s, "*?") {
		return s
	}
	return strings.NewReplacer("*", "\x00*", "?", "\x00?").Replace(s)
}

// Match reports whether s matches a pattern in which * stands for any sequence of bytes and ? for exactly
// one. It is linear in practice: on a mismatch only the last * is tried again.
func Match(pattern, s string) bool {
	p, i := 0, 0
	star, mark := -1, 0
	for i < len(s) {
		if p < len(pattern) && pattern[p] == '*' {
			star, mark = p, i
			p++
			continue
		}
		if n, ok := matchByte(pattern[p:], s[i]); ok {
			p += n
			i++
			continue
		}
		if star < 0 {
			return false
		}
		mark++
		p, i = star+1, mark
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// matchByte matches one byte against the start of a pattern and returns how much of the pattern it used.
func matchByte(pattern string, c byte) (int, bool) {
	switch {
	case pattern == "":
		return 0, false
	case pattern[0] == escape && len(pattern) > 1:
		return 2, pattern[1] == c
	case pattern[0] == '?':
		return 1, true
	default:
		return 1, pattern[0] == c
	}
}
