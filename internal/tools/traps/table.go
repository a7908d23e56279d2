// SPDX-License-Identifier: Apache-2.0

package main

import (
	"regexp"
	"strings"
)

// pages are those whose tables name tests.
func pages() []string { return []string{"docs/traps.md", "docs/cleanup.md"} }

// trap is one row of a page.
type trap struct {
	text    string
	tests   []test
	reasons []string // rows of docs/verified.md that say why there is no test
}

// test is a test function and the folder of its package, from the project's root.
type test struct{ dir, name string }

func (t test) String() string { return t.dir + "." + t.name }

var (
	testName = regexp.MustCompile("`([a-z0-9/]+)\\.(Test[A-Za-z0-9]+)`")
	reason   = regexp.MustCompile(`not proved: \[([^\]]+)\]\(verified\.md\)`)
)

// parse reads the rows of the page's tables: the first cell is the trap, the last one its tests.
func parse(page string) []trap {
	var out []trap
	for line := range strings.Lines(page) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if !strings.HasPrefix(line, "| ") || len(cells) < 2 {
			continue
		}
		last := cells[len(cells)-1]
		if strings.HasPrefix(last, " test") {
			continue
		}
		row := trap{text: strings.TrimSpace(cells[0])}
		for _, m := range testName.FindAllStringSubmatch(last, -1) {
			row.tests = append(row.tests, test{m[1], m[2]})
		}
		for _, m := range reason.FindAllStringSubmatch(last, -1) {
			row.reasons = append(row.reasons, m[1])
		}
		out = append(out, row)
	}
	return out
}
