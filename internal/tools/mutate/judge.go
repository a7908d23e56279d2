// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"text/tabwriter"
)

// mark stands in the text of a line before the operator that is changed.
const mark = "¦"

// key finds a mutant again after the lines above it have moved.
type key struct{ file, mutator, text string }

// mutant is one change and what became of it.
type mutant struct {
	key
	status string
	line   int
}

// Statuses, as gremlins spells them, and those that are counted apart.
const (
	killed     = "KILLED"
	timedOut   = "TIMED OUT"
	lived      = "LIVED"
	excused    = "LIVED WITH A REASON"
	notCovered = "NOT COVERED"
	notViable  = "NOT VIABLE" // does not compile
)

// parse reads the list: file, mutator, the line with its mark and the reason, separated by tabs. A line excuses one mutant:
// two that look the same need two.
func parse(text string) ([]key, error) {
	var out []key
	for n, line := range strings.Split(text, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != 4 || strings.Count(f[2], mark) != 1 || f[3] == "" {
			return nil, fmt.Errorf("%s:%d: want file, mutator, the line with %s before the operator, and a reason, "+
				"separated by tabs", listed, n+1, mark)
		}
		out = append(out, key{f[0], f[1], f[2]})
	}
	return out, nil
}

// judge prints what became of the mutants of a package, and fails when one lives that may not, or when a line is stale.
func judge(w io.Writer, pkg string, found []mutant, allowed []key, sources map[string]string) error {
	unused := slices.DeleteFunc(slices.Clone(allowed), func(k key) bool {
		_, mutated := sources[path.Base(k.file)]
		return path.Dir(k.file) != pkg || !mutated
	})
	counts, total := map[string]map[string]int{}, map[string]int{}
	var alive, uncovered []mutant
	for _, m := range found {
		m.file = path.Join(pkg, m.file)
		// What takes too long on a busy machine lives on another: its line is no lie.
		if i := slices.Index(unused, m.key); i >= 0 && slices.Contains([]string{lived, notCovered, timedOut}, m.status) {
			unused = slices.Delete(unused, i, i+1)
			m.status = excused
		}
		switch m.status {
		case lived:
			alive = append(alive, m)
		case notCovered:
			uncovered = append(uncovered, m)
		}
		if counts[m.file] == nil {
			counts[m.file] = map[string]int{}
		}
		counts[m.file][m.status]++
		total[m.status]++
	}
	table(w, counts, total)
	show(w, "not covered: no test runs the line (gremlins cannot tell for the conditions of a switch)", uncovered)
	show(w, "lived: a test is missing, or a line in "+listed, alive)

	var errs []error
	noticed := total[killed] + total[timedOut]
	tested := noticed + len(alive)
	if floor, only := floors[pkg]; only && float64(noticed) >= floor*float64(tested) {
		_, _ = fmt.Fprintf(w, "\n%d of %d were noticed; %.0f %% are enough here\n", noticed, tested, 100*floor)
	} else if len(alive) > 0 {
		errs = append(errs, fmt.Errorf("%d mutants of %s live without a reason; strengthen its tests, or add their lines to %s",
			len(alive), pkg, listed))
	}
	for _, k := range unused {
		errs = append(errs, fmt.Errorf("%s: no mutant lives that is %s of %q in %s; remove the line", listed, k.mutator, k.text,
			k.file))
	}
	return errors.Join(errs...)
}

// table prints the counts, a line for each file.
func table(w io.Writer, counts map[string]map[string]int, total map[string]int) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	columns := []string{killed, timedOut, lived, excused, notCovered, notViable}
	_, _ = fmt.Fprintln(t, "FILE\t"+strings.Join(columns, "\t"))
	row := func(name string, c map[string]int) {
		_, _ = fmt.Fprint(t, name)
		for _, column := range columns {
			_, _ = fmt.Fprintf(t, "\t%d", c[column])
		}
		_, _ = fmt.Fprintln(t)
	}
	for _, file := range slices.Sorted(maps.Keys(counts)) {
		row(file, counts[file])
	}
	row("total", total)
	_ = t.Flush()
}

// show lists mutants as the list wants them, without the reason.
func show(w io.Writer, title string, mutants []mutant) {
	if len(mutants) == 0 {
		return
	}
	_, _ = fmt.Fprintf(w, "\n%s\n", title)
	for _, m := range mutants {
		_, _ = fmt.Fprintf(w, "%d\t%s\t%s\t%s\n", m.line, m.file, m.mutator, m.text)
	}
}
