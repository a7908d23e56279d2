// SPDX-License-Identifier: Apache-2.0

package mask

import (
	"strings"

	"emrflink/internal/pattern"
)

var (
	// keyForm is a key and what separates it from its value: `key=`, `key: `, `"key":`, `\"key\":`, `--key `.
	keyForm = pattern.Lazy(`--([A-Za-z][A-Za-z0-9_.-]*) +|([A-Za-z_][A-Za-z0-9_.-]*)(\\*["'])?( ?= ?|: ?)`)
	// nextForm is where the next parameter of a query begins.
	nextForm = pattern.Lazy(`&[A-Za-z0-9_.-]+=`)
	// keyWords are in every key that Key takes for one.
	keyWords = []string{"pass", "pwd", "secret", "token", "key", "credential", "auth", "docker", "connection"}
)

// assignments masks the values of assignments.
func assignments(s string, yaml func(string) string) string {
	if !hinted(s, []string{"=", ":", "--"}) || !hinted(strings.ToLower(s), keyWords) {
		return s
	}
	s = yaml(s)
	var b strings.Builder
	at := 0
	for {
		m := keyForm().FindStringSubmatchIndex(s[at:])
		if m == nil {
			break
		}
		key, sep := group(s[at:], m, 1)+group(s[at:], m, 2), group(s[at:], m, 4)
		value := at + m[1]
		b.WriteString(s[at:value])
		at = value
		if !Key(key) || sep == ":" && inARN(s, value-len(sep)-len(key)) {
			continue // its value may hold an assignment
		}
		quotedKey := m[6] != -1
		v := readValue(s[value:], quotedKey)
		text := s[value+v.from : value+v.to]
		if v.nested || strings.HasPrefix(s[value:], Secret) || shownAlready(text) {
			continue
		}
		// In prose a colon ends a clause: "token: expired".
		if bare := v.from == 0 && !quotedKey; bare && spaced(sep) && prose(text) {
			continue
		}
		b.WriteString(s[value : value+v.from])
		b.WriteString(Secret)
		at = value + v.to
	}
	b.WriteString(s[at:])
	return b.String()
}

// shownAlready tells whether there is nothing in a value to hide.
func shownAlready(text string) bool { return harmless(text) || strings.HasPrefix(text, Secret) }

// spaced tells whether a separator is one of prose: a colon and a space, or the space behind an option.
func spaced(sep string) bool { return sep == ": " || sep == "" }

// inARN tells whether a key that starts at i is a part of an ARN: `arn:aws:secretsmanager:...:secret:name`.
func inARN(s string, i int) bool { return i > 0 && s[i-1] == ':' }

func group(s string, m []int, n int) string {
	if m[2*n] < 0 {
		return ""
	}
	return s[m[2*n]:m[2*n+1]]
}

// span is where a value is in a text, without its quotes. Nested says that it is an object or a list.
type span struct {
	from, to int
	nested   bool
}

// readValue finds the value at the start of s.
func readValue(s string, quotedKey bool) span {
	slashes := 0
	for slashes < len(s) && s[slashes] == '\\' {
		slashes++
	}
	if slashes < len(s) && (s[slashes] == '"' || s[slashes] == '\'') {
		from := slashes + 1
		return span{from: from, to: from + closing(s[from:], s[slashes], slashes)}
	}
	if quotedKey && s != "" && (s[0] == '{' || s[0] == '[') && !strings.HasPrefix(s, Secret) {
		return span{nested: true}
	}
	return span{to: bareEnd(s, quotedKey)}
}

// bareEnd finds the end of a value without quotes: white space, what closes the object around it, the next parameter of a
// query.
func bareEnd(s string, quotedKey bool) int {
	to := strings.IndexAny(s, " \t\r\n")
	if to < 0 {
		to = len(s)
	}
	for i := range to {
		if quotedKey && strings.IndexByte(",}]", s[i]) >= 0 || s[i] == '"' && closes(s[i+1:to]) {
			to = i
			break
		}
	}
	if next := nextForm().FindStringIndex(s[:to]); next != nil {
		to = next[0]
	}
	return to
}

// closes tells whether what follows a quote shows that it was a closing one.
func closes(rest string) bool { return rest == "" || strings.IndexByte(",}])", rest[0]) >= 0 }

// closing finds the quote that ends a value. One that was opened behind backslashes ends behind as many, before something
// that can follow a value.
func closing(s string, quote byte, slashes int) int {
	run := 0
	for i := range len(s) {
		switch {
		case s[i] == '\\':
			run++
			continue
		case s[i] != quote:
		case slashes == 0 && run%2 == 0:
			return i
		case run == slashes && (i+1 == len(s) || strings.IndexByte(",}]: \n\\", s[i+1]) >= 0):
			return i - run
		}
		run = 0
	}
	return len(s)
}

// lines masks assignments of a text that looks like YAML, where a value goes on to the end of its line, or is a block of
// lines that are indented further.
func lines(s string) string {
	if !strings.Contains(s, "\n") {
		return s
	}
	all := strings.Split(s, "\n")
	out := make([]string, 0, len(all))
	block := -1 // indentation of the key whose block is left out
	for _, line := range all {
		body := strings.TrimLeft(line, " -")
		indent := len(line) - len(body)
		if block >= 0 && (strings.TrimSpace(line) == "" || indent > block) {
			continue
		}
		block = -1
		key, value := secretLine(body)
		if value == "" {
			out = append(out, line)
			continue
		}
		if value[0] == '|' || value[0] == '>' {
			block = indent
		}
		out = append(out, line[:indent]+key+": "+Secret)
	}
	return strings.Join(out, "\n")
}

// secretLine takes a line apart that assigns a secret; the value is "" when it does not, or when it is an object or a list of
// JSON.
func secretLine(body string) (key, value string) {
	key, value, _ = strings.Cut(body, ":")
	if !strings.HasPrefix(value, " ") || strings.ContainsAny(key, " \t") || !Key(strings.Trim(key, `"'`)) {
		return key, ""
	}
	if strings.Contains(key, Secret) { // a secret was there, not the name of one
		return key, ""
	}
	value = strings.TrimSpace(value)
	if harmless(value) || strings.HasSuffix(key, `"`) && (value[0] == '{' || value[0] == '[') {
		return key, ""
	}
	return key, value
}
