// SPDX-License-Identifier: Apache-2.0

package main

import (
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

	change, outcome string
	commands        int
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
		commands, err := strconv.Atoi(cells[7])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", table, err)
		}
		_, change, _ := strings.Cut(cells[6], " ") // without its number, which the case has
		all = append(all, line{c, change, cells[8], commands})
	}
	slices.SortFunc(all, func(a, b line) int { return strings.Compare(a.place(), b.place()) })
	return all, nil
}

// place orders lines: by what was ended, how, and at which change.
func (l line) place() string {
	return strings.Join([]string{l.Command, l.Then, l.Who, l.Signal, fmt.Sprintf("%06d", l.Step), l.When}, "\t")
}

func (l line) clean() bool { return l.outcome == isClean }

// sum is of the lines that differ in their change only.
type sum struct{ tried, clean, commands int }

func render(all []line) string {
	var b strings.Builder
	b.WriteString(head)
	total, sums, order := sum{}, map[string]sum{}, []string{}
	for _, l := range all {
		key := fmt.Sprintf("| %s | %s | SIG%s | %s |", l.Command, l.Who, l.Signal, l.Then)
		if _, seen := sums[key]; !seen {
			order = append(order, key)
		}
		sums[key], total = sums[key].with(l), total.with(l)
	}
	fmt.Fprintf(&b, "**%d of %d clean**, after at most %d %s.\n\n", total.clean, total.tried, total.commands,
		map[bool]string{true: "command", false: "commands"}[total.commands == 1])
	b.WriteString("| stopped | program | signal | then | kills | clean | commands, at most |\n|---|---|---|---|---:|---:|---:|\n")
	for _, key := range order {
		s := sums[key]
		fmt.Fprintf(&b, "%s %d | %d | %d |\n", key, s.tried, s.clean, s.commands)
	}
	b.WriteString("\n## Each kill\n\n| stopped | program | signal | moment | change | resource | then | outcome |\n" +
		"|---|---|---|---|---:|---|---|---|\n")
	for _, l := range all {
		op, urn, _ := strings.Cut(l.change, " ")
		fmt.Fprintf(&b, "| %s | %s | SIG%s | %s | %d | %s `%s` | %s | %s |\n",
			l.Command, l.Who, l.Signal, l.When, l.Step, op, short(urn), l.Then, strings.ReplaceAll(l.outcome, "|", "/"))
	}
	return b.String()
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
