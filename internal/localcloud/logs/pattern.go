// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"net/http"
	"slices"
	"strings"

	"emrflink/internal/localcloud/awserror"
	"emrflink/internal/pattern"
)

// terms are those of a pattern: a word or a text in quotes, after a mark or none.
var terms = pattern.Lazy(`^\s*([?-]?)(?:"((?:[^"\\]|\\.)*)"|([\w-]+))(?:\s+|$)`)

// Pattern reads a filter pattern of terms, which are compared letter by letter: every term must be in the message, none that has
// a minus; where all have a question mark, one is enough. Patterns of JSON, of columns and of regular expressions are not
// simulated.
func Pattern(text string) (matches func(message string) bool, err error) {
	var all, some, none []string
	for rest := strings.TrimSpace(text); rest != ""; {
		m := terms().FindStringSubmatch(rest)
		switch {
		case m == nil && strings.ContainsAny(rest[:1], "{[%"):
			return nil, awserror.Status(http.StatusNotImplemented, "NotImplemented",
				"filter patterns of JSON, columns and regular expressions are not simulated: %s", text)
		case m == nil:
			return nil, awserror.Bad("InvalidParameterException", "Invalid filter pattern: a term that has more than letters, "+
				"digits and underscores must be in double quotes: %s", text)
		}
		term := strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(m[2] + m[3])
		into := map[string]*[]string{"": &all, "?": &some, "-": &none}[m[1]]
		*into = append(*into, term)
		rest = rest[len(m[0]):]
	}
	return func(message string) bool {
		in := func(term string) bool { return strings.Contains(message, term) }
		if slices.ContainsFunc(none, in) || slices.ContainsFunc(all, func(term string) bool { return !in(term) }) {
			return false
		}
		return len(some) == 0 || len(all) > 0 || slices.ContainsFunc(some, in)
	}, nil
}
