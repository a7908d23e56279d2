// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"emrflink/internal/cost"
	"emrflink/internal/engine"
)

// TextOptions say how the text is to look. Width is the terminal's in columns; 0 means that lines are not cut.
type TextOptions struct {
	Color bool
	Width int
}

// maxNames is how many names of new resources of one type are listed, maxDiffs how many properties of one resource.
const (
	maxNames = 8
	maxDiffs = 25
)

// printer collects the text, with or without colour.
type printer struct {
	b    bytes.Buffer
	opts TextOptions
}

// Text writes the plan for a reader: counts first, then what is deleted or replaced and why, then the other changes,
// then the cost.
func (r Report) Text(w io.Writer, o TextOptions) error {
	p := &printer{opts: o}
	p.summary(r.Document)
	p.loud(r.plan)
	p.updates(r.plan)
	p.creates(r.plan)
	p.diagnostics(r.plan)
	p.cost(r)
	_, err := w.Write(p.b.Bytes())
	return err
}

// Colours by operation, as ANSI codes.
func colour(op engine.Op) string {
	switch op {
	case engine.OpCreate:
		return "32"
	case engine.OpUpdate:
		return "33"
	case engine.OpReplace:
		return "35"
	case engine.OpDelete:
		return "31"
	}
	return "0"
}

func mark(op engine.Op) string {
	switch op {
	case engine.OpCreate:
		return "+"
	case engine.OpUpdate:
		return "~"
	case engine.OpReplace:
		return "+-"
	case engine.OpDelete:
		return "-"
	}
	return " "
}

// line writes one line, cut to the width, in a colour unless code is "".
func (p *printer) line(code, format string, args ...any) {
	text := strings.TrimRight(fmt.Sprintf(format, args...), " ")
	if w := p.opts.Width; w > 3 && utf8.RuneCountInString(text) > w {
		text = string([]rune(text)[:w-3]) + "..."
	}
	if p.opts.Color && code != "" && text != "" {
		text = "\x1b[" + code + "m" + text + "\x1b[0m"
	}
	p.b.WriteString(text + "\n")
}

func (p *printer) summary(d Document) {
	s := d.Summary
	if s.Create+s.Update+s.Replace+s.Delete == 0 {
		p.line("", "Stack %s: no change, %d resources stay as they are", d.Stack, s.Same)
		return
	}
	p.line("1", "Stack %s: %d changes", d.Stack, s.Create+s.Update+s.Replace+s.Delete)
	for _, row := range []struct {
		op engine.Op
		n  int
	}{
		{engine.OpCreate, s.Create}, {engine.OpUpdate, s.Update}, {engine.OpReplace, s.Replace}, {engine.OpDelete, s.Delete}, {engine.OpSame, s.Same},
	} {
		code := ""
		if row.n > 0 && row.op != engine.OpSame {
			code = colour(row.op)
		}
		p.line(code, "  %-2s %-8s %4d", mark(row.op), row.op, row.n)
	}
}

// loud shows what is lost: replacements with the properties that force them, and deletions.
func (p *printer) loud(plan engine.Plan) {
	first := true
	for _, op := range []engine.Op{engine.OpReplace, engine.OpDelete} {
		for _, s := range plan.Steps {
			if s.Op != op {
				continue
			}
			if first {
				first = false
				p.line("", "")
				p.line("1;31", "!! These resources are deleted; what they hold is lost:")
			}
			why := "DELETE "
			if op == engine.OpReplace {
				why = "REPLACE"
			}
			p.line(colour(op), "  %s %s %q%s", why, s.Type, s.Name, reasons(s))
			if op == engine.OpReplace {
				p.diff(s)
			}
		}
	}
}

func reasons(s engine.Step) string {
	if len(s.ReplaceReasons) == 0 {
		return ""
	}
	return ", forced by " + strings.Join(s.ReplaceReasons, ", ")
}

func (p *printer) updates(plan engine.Plan) {
	first := true
	for _, s := range plan.Steps {
		if s.Op != engine.OpUpdate {
			continue
		}
		if first {
			first = false
			p.line("", "")
			p.line("1", "Updated in place:")
		}
		p.line(colour(s.Op), "  ~ %s %q", s.Type, s.Name)
		p.diff(s)
	}
}

func (p *printer) diff(s engine.Step) {
	for i, d := range s.Diff {
		if i == maxDiffs {
			p.line("", "      and %d more properties", len(s.Diff)-maxDiffs)
			return
		}
		force := ""
		if strings.HasSuffix(d.Kind, "-replace") {
			force = "  (forces the replacement)"
		}
		switch strings.TrimSuffix(d.Kind, "-replace") {
		case "add":
			p.line("", "      + %s: %s%s", d.Path, value(d.New), force)
		case "delete":
			p.line("", "      - %s: %s%s", d.Path, value(d.Old), force)
		default:
			p.line("", "      ~ %s: %s -> %s%s", d.Path, value(d.Old), value(d.New), force)
		}
	}
}

// value shows a property value on one line.
func value(v any) string {
	if s, ok := v.(string); ok && (s == engine.Secret || s == engine.Unknown) {
		return s
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	const limit = 100
	text := strings.TrimSpace(b.String())
	if utf8.RuneCountInString(text) > limit {
		return string([]rune(text)[:limit-3]) + "..."
	}
	return text
}

// creates folds new resources by type.
func (p *printer) creates(plan engine.Plan) {
	names := map[string][]string{}
	var types []string
	for _, s := range plan.Steps {
		if s.Op != engine.OpCreate || s.Internal() {
			continue
		}
		if names[s.Type] == nil {
			types = append(types, s.Type)
		}
		names[s.Type] = append(names[s.Type], s.Name)
	}
	if len(types) == 0 {
		return
	}
	p.line("", "")
	p.line("1", "Created:")
	for _, t := range types {
		list, rest := names[t], ""
		if len(list) > maxNames {
			list, rest = list[:maxNames], fmt.Sprintf(" and %d more", len(list)-maxNames)
		}
		p.line(colour(engine.OpCreate), "  + %3d  %s: %s%s", len(names[t]), t, strings.Join(list, ", "), rest)
	}
}

func (p *printer) diagnostics(plan engine.Plan) {
	first := true
	for _, d := range plan.Diagnostics {
		if d.Severity != "warning" && d.Severity != "error" {
			continue
		}
		if first {
			first = false
			p.line("", "")
		}
		p.line("33", "%s: %s", d.Severity, strings.ReplaceAll(d.Message, "\n", " "))
	}
}

func (p *printer) cost(r Report) {
	after := r.After
	p.line("", "")
	if after.AsOf == "" {
		p.line("", "Cost: %s", strings.Join(after.Unpriced, "; "))
		return
	}
	p.line("1", "Cost per hour, list prices of %s in %s:", after.AsOf, after.Region)
	for _, i := range after.Items {
		p.line("", "  %s", costLine(i))
	}
	m := r.Document.Cost.MonthlyUSD
	p.line("1", "  $%8.4f  in all; $%.2f a month of %d hours (before: $%.2f, change: %s)",
		after.HourlyUSD, m.After, cost.HoursPerMonth, m.Before, signed(m.Delta))
	for _, u := range after.Unpriced {
		p.line("33", "  not priced: %s", u)
	}
	for _, n := range after.NotIncluded {
		p.line("", "  not included: %s", n)
	}
}

// costLine is one position: price, what, how many, which resource, and what may change the price.
func costLine(i cost.Item) string {
	text := fmt.Sprintf("$%8.4f  %s", i.HourlyUSD, i.What)
	if i.Quantity != 1 {
		text = fmt.Sprintf("$%8.4f  %g x %s", i.HourlyUSD, i.Quantity, i.What)
	}
	text += "  " + i.Name
	if i.Note != "" {
		text += "  (" + i.Note + ")"
	}
	return text
}

func signed(v float64) string {
	if v < 0 {
		return fmt.Sprintf("-$%.2f", -v)
	}
	return fmt.Sprintf("+$%.2f", v)
}
