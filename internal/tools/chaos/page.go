// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	_ "embed" // the head of the page
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"emrflink/internal/chaos"
)

// head begins the page.
//
//go:embed head.md
var head string

// line is a row of a table.
type line struct {
	chaos.Case

	outcome  string
	commands int
}

// writePage writes the page of a table: the sums, and every line.
func writePage(table, page string) error {
	lines, err := lines(table)
	if err != nil {
		return err
	}
	if len(lines) == 0 {
		return fmt.Errorf("table %q has no kills", table)
	}
	return os.WriteFile(page, []byte(render(lines)), 0o644) // #nosec G306 -- a page of the documentation
}

// lines reads a table, in the order of its keys.
func lines(table string) ([]line, error) {
	done, err := read(table)
	if err != nil {
		return nil, err
	}
	var all []line
	for _, r := range done {
		cells := strings.Split(r.line, "\t")
		c, err := chaos.ParseCase(cells)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", table, err)
		}
		commands, err := strconv.Atoi(cells[6])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", table, err)
		}
		all = append(all, line{c, cells[7], commands})
	}
	slices.SortFunc(all, func(a, b line) int { return strings.Compare(a.place(), b.place()) })
	return all, nil
}

// place orders lines: by what was ended, how, and at which change.
func (l line) place() string {
	return strings.Join([]string{l.Command, l.Then, l.Who, l.Signal, l.Change, l.When}, "\t")
}

func (l line) clean() bool { return l.outcome == isClean }

// sum is of the lines that differ in their change only.
type sum struct{ tried, clean, commands int }

func render(all []line) string {
	var b strings.Builder
	b.WriteString(head)
	var total sum
	for _, l := range all {
		total = total.with(l)
	}
	fmt.Fprintf(&b, "**%d of %d clean**, after at most %d %s.\n\n", total.clean, total.tried, total.commands,
		map[bool]string{true: "command", false: "commands"}[total.commands == 1])
	b.WriteString("| stopped | program | signal | then | kills | clean | commands, at most |\n|---|---|---|---|---:|---:|---:|\n")
	sums(&b, all, func(l line) string { return fmt.Sprintf("%s | %s | SIG%s | %s", l.Command, l.Who, l.Signal, l.Then) })
	b.WriteString("\n## By change\n\n| change | moment | kills | clean | commands, at most |\n|---|---|---:|---:|---:|\n")
	slices.SortStableFunc(all, func(a, b line) int {
		return cmp.Or(cmp.Compare(a.Change, b.Change), cmp.Compare(b.When, a.When))
	})
	sums(&b, all, func(l line) string {
		op, urn, _ := strings.Cut(l.Change, " ")
		return fmt.Sprintf("%s `%s` | %s", op, short(urn), l.When)
	})
	if total.clean < total.tried {
		b.WriteString("\n## Not clean\n\n")
	}
	for _, l := range all {
		if !l.clean() {
			fmt.Fprintf(&b, "- %s: %s\n", strings.ReplaceAll(l.Key(), "\t", ", "), l.outcome)
		}
	}
	return b.String()
}

// sums writes a row for all lines with the same key, in the order of their first ones.
func sums(b *strings.Builder, all []line, key func(line) string) {
	found, order := map[string]sum{}, []string{}
	for _, l := range all {
		k := key(l)
		if _, seen := found[k]; !seen {
			order = append(order, k)
		}
		found[k] = found[k].with(l)
	}
	for _, k := range order {
		fmt.Fprintf(b, "| %s | %d | %d | %d |\n", k, found[k].tried, found[k].clean, found[k].commands)
	}
}

func (s sum) with(l line) sum {
	s.tried++
	if l.clean() {
		s.clean++
	}
	s.commands = max(s.commands, l.commands)
	return s
}

// short is the type and the name of a URN, without those of its parents.
func short(urn string) string {
	parts := strings.Split(urn, "::")
	if len(parts) < 4 {
		return urn
	}
	types := strings.Split(parts[2], "$")
	return types[len(types)-1] + " " + strings.Join(parts[3:], "::")
}
