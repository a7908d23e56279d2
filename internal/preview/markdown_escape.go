// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"html"
	"strings"
	"unicode/utf8"
)

// Everything that comes from a resource is shown as code: neither GitHub nor GitLab looks into code for mentions,
// references, links, HTML or Markdown.

// codeSpan shows a text as code within a line: between more backticks than the text has in a row.
func codeSpan(s string) string {
	s = first(clean(s), maxName)
	if strings.TrimSpace(s) == "" {
		s = `""`
	}
	fence := strings.Repeat("`", longestRun(s, '`')+1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") || strings.HasPrefix(s, " ") && strings.HasSuffix(s, " ") {
		s = " " + s + " " // one space at each side is taken off again
	}
	return fence + s + fence
}

// cellSpan is a codeSpan for the cell of a table, where a pipe needs a backslash even in code.
func cellSpan(s string) string { return strings.ReplaceAll(codeSpan(s), "|", `\|`) }

// prose shows a sentence: as text when it has nothing that could mean something, else as code.
func prose(s string) string {
	s = first(clean(s), maxRemark)
	if s == "" || strings.HasPrefix(s, "-") || strings.HasPrefix(s, "+") {
		return cellEmpty(s)
	}
	lower := strings.ToLower(s)
	for _, link := range []string{"://", "www.", "gh-", "mailto:", "xmpp:"} {
		if strings.Contains(lower, link) {
			return cellSpan(s)
		}
	}
	for _, r := range s {
		plain := r == ' ' || strings.ContainsRune(`,.;:'"()/-=?`, r) ||
			r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !plain {
			return cellSpan(s)
		}
	}
	return s
}

func cellEmpty(s string) string {
	if s == "" {
		return ""
	}
	return cellSpan(s)
}

// codeTag shows a text as code where Markdown is not read: in the summary of a details element.
func codeTag(s string) string {
	return "<code>" + html.EscapeString(first(clean(s), maxName)) + "</code>"
}

// fenced shows lines in a block of code that none of them can end. What does not fit into limit bytes is counted.
func fenced(lines []diffLine, limit int) string {
	var body strings.Builder
	for i, l := range lines {
		if body.Len()+len(l.text)+3 > limit && i > 0 {
			body.WriteString("  ... " + some(len(lines)-i, "more line") + "\n")
			break
		}
		body.WriteString(l.String() + "\n")
	}
	fence := strings.Repeat("`", max(3, longestRun(body.String(), '`')+1))
	return fence + "diff\n" + body.String() + fence + "\n"
}

// longestRun is how often a character stands in a row at most.
func longestRun(s string, c byte) int {
	longest, run := 0, 0
	for i := range len(s) {
		if s[i] != c {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

// first cuts a text to a number of characters.
func first(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-3]) + "..."
}
