// SPDX-License-Identifier: Apache-2.0

package iostreams

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Table prints rows: aligned columns on a terminal, tab-separated values elsewhere. Both carry the same cells and
// the same header.
type Table struct {
	w       io.Writer
	aligned bool
	palette Palette
	header  []string
	rows    [][]string
}

// NewTable starts a table on standard output.
func (s *IOStreams) NewTable(header ...string) *Table {
	return &Table{w: s.Out, aligned: s.outTTY, palette: s.OutPalette(), header: header}
}

// NewErrTable starts a table on standard error.
func (s *IOStreams) NewErrTable(header ...string) *Table {
	return &Table{w: s.ErrOut, aligned: s.errTTY, palette: s.ErrPalette(), header: header}
}

// Row adds a row. Missing cells are empty, line breaks and tabs become blanks.
func (t *Table) Row(cells ...string) {
	row := make([]string, max(len(t.header), len(cells)))
	for i, c := range cells {
		row[i] = strings.Map(func(r rune) rune {
			if r == '\n' || r == '\t' || r == '\r' {
				return ' '
			}
			return r
		}, c)
	}
	t.rows = append(t.rows, row)
}

// Len returns the number of rows.
func (t *Table) Len() int { return len(t.rows) }

// Render prints the table. A table without rows prints nothing.
func (t *Table) Render() error {
	if len(t.rows) == 0 {
		return nil
	}
	all := append([][]string{t.header}, t.rows...)
	widths := t.widths(all)
	for i, row := range all {
		line := t.line(row, widths)
		if i == 0 {
			line = t.palette.Bold(line)
		}
		if _, err := fmt.Fprintln(t.w, line); err != nil {
			return fmt.Errorf("print table: %w", err)
		}
	}
	return nil
}

func (t *Table) widths(rows [][]string) []int {
	var widths []int
	for _, row := range rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(c))
		}
	}
	return widths
}

func (t *Table) line(row []string, widths []int) string {
	if !t.aligned {
		return strings.Join(row, "\t")
	}
	var b strings.Builder
	for i, c := range row {
		b.WriteString(c)
		if i < len(row)-1 {
			b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c)+2))
		}
	}
	return strings.TrimRight(b.String(), " ")
}
