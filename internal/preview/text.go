// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"emrflink/internal/iostreams"
	"emrflink/internal/plans"
)

// TextOptions say how the text is to look. Width is the terminal's in columns; 0 means that lines are not cut.
type TextOptions struct {
	Color bool
	Width int
	// Verbose lists what is in no sum of prices.
	Verbose bool
}

// maxNames is how many names of resources are listed together, maxDiffs how many properties of one resource.
const (
	maxNames = 8
	maxDiffs = 25
)

// printer collects the text, with or without colour.
type printer struct {
	b    bytes.Buffer
	opts TextOptions
	rows []row
	// brief leaves out which properties change.
	brief bool
}

// row is one step as the text shows it.
type row struct {
	Step
	custom bool
}

// InStateOnly counts the changes of components and providers, which exist in the state and in no account.
func (r Report) InStateOnly() int { return r.printer(TextOptions{}).inStateOnly() }

func (p *printer) inStateOnly() int {
	n := 0
	for _, r := range p.rows {
		if !r.custom && r.Op != string(plans.OpSame) && r.Op != string(plans.OpRead) {
			n++
		}
	}
	return n
}

// Losses writes what is deleted or replaced and what is lost by it, the gravest first: nothing when nothing is.
func (r Report) Losses(w io.Writer, o TextOptions) error {
	p := r.printer(o)
	p.brief = true
	p.loud()
	text := bytes.TrimLeft(p.b.Bytes(), "\n")
	if len(text) > 0 {
		text = append(text, '\n')
	}
	_, err := w.Write(text)
	return err
}

func (r Report) printer(o TextOptions) *printer {
	p := &printer{opts: o}
	for i, s := range r.plan.Steps {
		p.rows = append(p.rows, row{Step: r.Document.Steps[i], custom: !s.Component && !s.Internal()})
	}
	return p
}

// Text writes the plan for a reader: counts first, then what is deleted or replaced, why, and what is lost by it, then
// the other changes, the findings, and the cost.
func (r Report) Text(w io.Writer, o TextOptions) error {
	p := r.printer(o)
	p.summary(r.Document)
	p.loud()
	p.updates()
	p.creates()
	p.folded(r.Document)
	p.diagnostics(r.plan)
	r.findingsText(p)
	p.cost(r)
	_, err := w.Write(p.b.Bytes())
	return err
}

// Colours by operation, as ANSI codes.
func colour(op plans.Op) string {
	switch op {
	case plans.OpCreate:
		return "32"
	case plans.OpUpdate:
		return "33"
	case plans.OpReplace:
		return "35"
	case plans.OpDelete:
		return "31"
	}
	return "0"
}

func mark(op plans.Op) string {
	switch op {
	case plans.OpCreate:
		return "+"
	case plans.OpUpdate:
		return "~"
	case plans.OpReplace:
		return "+-"
	case plans.OpDelete:
		return "-"
	}
	return " "
}

// line writes one line, cut to the width, in a colour unless code is "".
func (p *printer) line(code, format string, args ...any) {
	text := strings.TrimRight(fmt.Sprintf(format, args...), " ")
	text = iostreams.Truncate(text, p.opts.Width)
	if p.opts.Color && code != "" && text != "" {
		text = "\x1b[" + code + "m" + text + "\x1b[0m"
	}
	p.b.WriteString(text + "\n")
}

// heading writes an empty line and a title.
func (p *printer) heading(code, format string, args ...any) {
	p.line("", "")
	p.line(code, format, args...)
}

func (p *printer) summary(d Document) {
	s, against := d.Summary, ""
	if d.Mode == ModeBaseline {
		against = " against the baseline"
	}
	if s.Create+s.Update+s.Replace+s.Delete == 0 {
		p.line("", "Stack %s: no change%s, %d resources stay as they are", d.Stack, against, s.Same)
		return
	}
	may := 0
	for _, step := range d.Steps {
		if step.MayReplace {
			may++
		}
	}
	p.line("1", "Stack %s: %s%s", d.Stack, counted(s.Create+s.Update+s.Replace+s.Delete, "change", "changes"), against)
	for _, row := range []struct {
		op plans.Op
		n  int
	}{
		{plans.OpCreate, s.Create}, {plans.OpUpdate, s.Update}, {plans.OpReplace, s.Replace}, {plans.OpDelete, s.Delete},
		{plans.OpSame, s.Same},
	} {
		code, note := "", ""
		if row.n > 0 && row.op != plans.OpSame {
			code = colour(row.op)
		}
		if row.op == plans.OpUpdate && may > 0 {
			note = fmt.Sprintf("  (%d of them may turn into a replacement)", may)
		}
		p.line(code, "  %-2s %-8s %4d%s", mark(row.op), row.op, row.n, note)
	}
}

// loud shows what is lost: deletions, replacements and what may become one, each with what is destroyed.
func (p *printer) loud() {
	first := true
	for _, kind := range []struct {
		word string
		op   plans.Op
		is   func(row) bool
	}{
		{"DELETE", plans.OpDelete, func(r row) bool { return r.Op == string(plans.OpDelete) }},
		{"REPLACE", plans.OpReplace, func(r row) bool { return r.Op == string(plans.OpReplace) }},
		{"MAY REPLACE", plans.OpReplace, func(r row) bool { return r.MayReplace }},
	} {
		rows := p.take(kind.is)
		if len(rows) == 0 {
			continue
		}
		if first {
			first = false
			p.heading("1;31", "!! Deleted, replaced, or replaced if a value that is not known yet turns out to be another:")
		}
		p.losses(kind.word, colour(kind.op), rows)
	}
}

// losses lists what is lost, by type, reason and loss, the gravest first.
func (p *printer) losses(word, code string, rows []row) {
	groups := map[string][]row{}
	for _, r := range rows {
		rank := typeGravity(r.Type)
		if rank < 0 {
			rank = 999
		}
		key := fmt.Sprintf("%03d\x00%s\x00%s\x00%s", rank, r.Type, forcedNote(r), r.Destroys)
		groups[key] = append(groups[key], r)
	}
	for _, key := range slices.Sorted(maps.Keys(groups)) {
		group := groups[key]
		first := group[0]
		if len(group) == 1 {
			p.line(code, "  %s %s %q%s", word, first.Type, first.Name, forcedNote(first))
		} else {
			p.line(code, "  %s %d x %s%s: %s", word, len(group), first.Type, forcedNote(first), list(names(group)))
		}
		if first.Destroys != nothingLost {
			p.line("1", "      lost: %s", first.Destroys)
		}
		switch {
		case p.brief, typeGravity(first.Type) < 0:
		case len(group) == 1:
			p.diff(first)
		default:
			p.reasons(group)
		}
	}
}

// reasons shows of several resources what forces their replacement, once where it is the same.
func (p *printer) reasons(group []row) {
	byLine := map[string][]string{}
	var order []string
	for _, r := range group {
		for i, text := range propertyLines(r, p.rows) {
			if !strings.HasSuffix(r.Diff[i].Kind, replaceSuffix) || !r.MayReplace &&
				!slices.Contains(r.ReplaceReasons, r.Diff[i].Path) {
				continue
			}
			if byLine[text] == nil {
				order = append(order, text)
			}
			byLine[text] = append(byLine[text], r.Name)
		}
	}
	for i, text := range order {
		if i == maxDiffs {
			p.line("", "      and %s", counted(len(order)-maxDiffs, "more property", "more properties"))
			return
		}
		if len(byLine[text]) == len(group) {
			p.line("", "      %s", text)
			continue
		}
		p.line("", "      %s  %s", text, list(byLine[text]))
	}
}

func names(rows []row) []string {
	out := make([]string, 0, len(rows))
	for _, r := range rows {
		out = append(out, r.Name)
	}
	return out
}

func forcedNote(r row) string {
	reasons := forcedBy(r.Step)
	if len(reasons) == 0 {
		return ""
	}
	return ", forced by " + strings.Join(reasons, ", ")
}

// take selects the resources that exist outside the state.
func (p *printer) take(is func(row) bool) []row {
	var out []row
	for _, r := range p.rows {
		if is(r) && r.custom {
			out = append(out, r)
		}
	}
	return out
}

// updates shows changes in place. Resources with the very same change are shown together.
func (p *printer) updates() {
	rows := p.take(func(r row) bool { return r.Op == string(plans.OpUpdate) && !r.MayReplace })
	if len(rows) == 0 {
		return
	}
	p.heading("1", "Updated in place:")
	groups := map[string][]row{}
	var order []string
	for _, r := range rows {
		key := strings.Join(append(propertyLines(r, p.rows), disturbs(r)), "\n")
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], r)
	}
	for _, key := range order {
		group := groups[key]
		p.line(colour(plans.OpUpdate), "  ~ %s", title(group))
		if text := disturbs(group[0]); text != "" {
			p.line("1", "      note: %s", text)
		}
		p.diff(group[0])
	}
}

// title names one resource, or several with the same change.
func title(group []row) string {
	if len(group) == 1 {
		return fmt.Sprintf("%s %q", group[0].Type, group[0].Name)
	}
	types := map[string][]string{}
	for _, r := range group {
		types[r.Type] = append(types[r.Type], r.Name)
	}
	sorted := slices.Sorted(maps.Keys(types))
	if len(sorted) == 1 {
		return fmt.Sprintf("%d x %s: %s", len(group), sorted[0], list(types[sorted[0]]))
	}
	for i, t := range sorted {
		sorted[i] = fmt.Sprintf("%d x %s", len(types[t]), t)
	}
	return fmt.Sprintf("%d resources, all alike: %s", len(group), list(sorted))
}

// list joins names, the first of many.
func list(names []string) string {
	if len(names) > maxNames {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNames], ", "), len(names)-maxNames)
	}
	return strings.Join(names, ", ")
}

// creates folds new resources by type.
func (p *printer) creates() {
	byType := map[string][]string{}
	var types []string
	for _, r := range p.take(func(r row) bool { return r.Op == string(plans.OpCreate) }) {
		if byType[r.Type] == nil {
			types = append(types, r.Type)
		}
		byType[r.Type] = append(byType[r.Type], r.Name)
	}
	if len(types) == 0 {
		return
	}
	p.heading("1", "Created:")
	for _, t := range types {
		p.line(colour(plans.OpCreate), "  + %3d  %s: %s", len(byType[t]), t, list(byType[t]))
	}
}

// folded says what the lists above leave out.
func (p *printer) folded(d Document) {
	hidden := p.inStateOnly()
	if hidden == 0 && d.NotCompared == 0 {
		return
	}
	p.line("", "")
	if hidden > 0 {
		p.line("", "not listed: %s of components and providers, which exist in the state only (--output json has them)",
			counted(hidden, "change", "changes"))
	}
	if d.NotCompared > 0 {
		p.line("", "not compared: %s that only a deployment gives, from the same resources as before; taken as unchanged",
			counted(d.NotCompared, "value", "values"))
	}
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func (p *printer) diagnostics(plan plans.Plan) {
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
