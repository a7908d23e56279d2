// SPDX-License-Identifier: Apache-2.0

package main

import (
	"html"
	"strings"

	"emrflink/internal/pattern"
)

var (
	keyRow   = pattern.Lazy(`(?s)<tr>\s*<td><h5>(.*?)</h5>.*?</td>\s*<td[^>]*>(.*?)</td>\s*<td>(.*?)</td>\s*<td>(.*?)</td>`)
	tag      = pattern.Lazy(`<[^>]*>`)
	possible = pattern.Lazy(`<li>"?([A-Za-z0-9_-]+)"?`)
)

// readKeys reads a page of the operator's generated reference: a row is a key, its default, its type and a description,
// which lists the values of an enum.
func readKeys(page string, t table, release, reference, section string) {
	for _, m := range keyRow().FindAllStringSubmatch(page, -1) {
		var choices []string
		typ := plain(m[3])
		if typ == "Enum" {
			for _, c := range possible().FindAllStringSubmatch(m[4], -1) {
				choices = append(choices, c[1])
			}
		}
		t.see(release, reference, section, plain(m[1]), typ, plain(m[2]), choices)
	}
}

// plain is the text of a cell.
func plain(cell string) string {
	text := strings.TrimSpace(html.UnescapeString(tag().ReplaceAllString(cell, "")))
	if text == "(none)" {
		return ""
	}
	return strings.Trim(text, `"`)
}
