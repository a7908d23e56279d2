// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"emrflink/internal/awskind"
)

// row is one of the table: the cells of awskind.Call.
type row struct {
	terraform, action, when, source string
	phases                          []string
}

// documented says that the row is about what AWS asks for beside a call.
func (r row) documented() bool { return strings.HasPrefix(r.source, "https://") }

var phases = []string{awskind.PhaseCreate, awskind.PhaseRead, awskind.PhaseUpdate, awskind.PhaseDelete}

func (r row) String() string {
	in := slices.DeleteFunc(slices.Clone(phases), func(p string) bool { return !slices.Contains(r.phases, p) })
	return strings.Join([]string{r.terraform, strings.Join(in, " "), r.action, r.when, r.source}, "\t")
}

// parse reads the table: its heading, and its rows.
func parse(raw string) (heading string, rows []row, err error) {
	for line := range strings.Lines(raw) {
		if strings.HasPrefix(line, "#") {
			heading += line
			continue
		}
		cells := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(cells) != 5 {
			return "", nil, fmt.Errorf("read %s: %q has not five cells", table, line)
		}
		rows = append(rows, row{cells[0], cells[2], cells[3], cells[4], strings.Fields(cells[1])})
	}
	return heading, rows, nil
}

// replaced says that a call of an update belongs to a replacement: some answers of an emulator force one, and what it could not
// make is tried again.
func replaced(c call) bool {
	verb := c.action[strings.IndexByte(c.action, ':')+1:]
	return c.phase == awskind.PhaseUpdate && strings.HasPrefix(c.terraform, "aws_eks_") &&
		slices.ContainsFunc([]string{"Associate", "Create", "Delete"}, func(p string) bool { return strings.HasPrefix(verb, p) })
}

// mark notes in the rows what was seen, and returns what they lacked.
func mark(rows []row, seen map[call]bool) (marked []row, lacked []string) {
	for i, r := range rows {
		if !r.documented() {
			rows[i].source = awskind.FromSource
		}
	}
	for c := range seen {
		if replaced(c) {
			continue
		}
		i := slices.IndexFunc(rows, func(r row) bool {
			return r.terraform == c.terraform && r.action == c.action && !r.documented()
		})
		if i < 0 {
			rows = append(rows, row{terraform: c.terraform, action: c.action, when: "-"})
			i = len(rows) - 1
		}
		rows[i].source = awskind.Measured
		if !slices.Contains(rows[i].phases, c.phase) {
			rows[i].phases = append(rows[i].phases, c.phase)
			lacked = append(lacked, c.terraform+" "+c.phase+" "+c.action)
		}
	}
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.terraform, b.terraform), cmp.Compare(a.action, b.action), cmp.Compare(a.when, b.when))
	})
	slices.Sort(lacked)
	return rows, lacked
}

// compare says what the table lacks, which is an error, or writes it there.
func compare(seen map[call]bool, write bool) error {
	raw, err := os.ReadFile(table)
	if err != nil {
		return err
	}
	heading, rows, err := parse(string(raw))
	if err != nil {
		return err
	}
	rows, lacked := mark(rows, seen)
	measured := 0
	for _, r := range rows {
		heading += r.String() + "\n"
		if r.source == awskind.Measured {
			measured++
		}
	}
	fmt.Printf("%d calls seen; %d of %d rows are measured\n", len(seen), measured, len(rows))
	switch {
	case write:
		for _, l := range lacked {
			fmt.Println("added:", l)
		}
		return os.WriteFile(table, []byte(heading), 0o644)
	case len(lacked) > 0:
		return errors.New("the provider calls what the table lacks; write it with -write:\n" + strings.Join(lacked, "\n"))
	}
	return nil
}
