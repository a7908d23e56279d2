// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"fmt"
	"slices"
	"strings"

	"emrflink/internal/cost"
	"emrflink/internal/plans"
	"emrflink/internal/untyped"
)

// diff shows the changed properties of a resource.
func (p *printer) diff(r row) {
	if r.Op == string(plans.OpDelete) {
		return
	}
	for i, text := range propertyLines(r, p.rows) {
		if i == maxDiffs {
			p.line("", "      and %s", counted(len(r.Diff)-maxDiffs, "more property", "more properties"))
			return
		}
		p.line("", "      %s", text)
	}
}

// propertyLines are the changed properties of a resource, a line each.
func propertyLines(r row, all []row) []string {
	out := make([]string, 0, len(r.Diff))
	for _, d := range r.Diff {
		note := ""
		if kind, forces := strings.CutSuffix(d.Kind, replaceSuffix); forces {
			d.Kind, note = kind, "  (forces the replacement)"
			if r.MayReplace {
				note = "  (forces a replacement if it changes)"
			}
		}
		note = waits(d, all) + note
		switch d.Kind {
		case "add":
			out = append(out, fmt.Sprintf("+ %s: %s%s", d.Path, untyped.Line(d.New, maxValue), note))
		case "delete":
			out = append(out, fmt.Sprintf("- %s: %s%s", d.Path, untyped.Line(d.Old, maxValue), note))
		default:
			if sameDocument(d) {
				note = "  (the same document, written in another way)"
			}
			out = append(out, fmt.Sprintf("~ %s: %s -> %s%s", d.Path, untyped.Line(d.Old, maxValue),
				untyped.Line(d.New, maxValue), note))
		}
	}
	return out
}

// sameDocument tells whether a change writes the same JSON document in another way.
func sameDocument(d Diff) bool {
	before, isText := d.Old.(string)
	after, isNew := d.New.(string)
	if !isText || !isNew {
		return false
	}
	_, isDoc := document(before)
	_, newDoc := document(after)
	return isDoc && newDoc // a document that differs was taken apart
}

// waits names the resources that give an unknown value, those that are new or replaced first.
func waits(d Diff, all []row) string {
	const most = 2
	var changing, others []string
	for _, urn := range d.WaitsFor {
		for _, r := range all {
			switch {
			case r.URN != urn || !r.custom:
			case r.MayReplace:
				changing = append(changing, r.Name+", which may be replaced")
			case r.Op == string(plans.OpReplace):
				changing = append(changing, r.Name+", which is replaced")
			case r.Op == string(plans.OpCreate):
				changing = append(changing, r.Name+", which is new")
			case r.Op == string(plans.OpUpdate):
				changing = append(changing, r.Name+", which is updated")
			default:
				others = append(others, r.Name)
			}
		}
	}
	names := append(changing, others...)
	if len(names) == 0 {
		return ""
	}
	if len(names) > most {
		names = append(names[:most:most], fmt.Sprintf("%d more", len(names)-most))
	}
	return "  (known after " + strings.Join(names, "; ") + ")"
}

func (p *printer) cost(r Report) {
	after := r.After
	if after.AsOf == "" {
		p.heading("", "Cost: %s", strings.Join(after.Unpriced, "; "))
		return
	}
	p.heading("1", "Cost at list prices of %s in %s, in USD:", after.AsOf, after.Region)
	h, m := r.Document.Cost.HourlyUSD, r.Document.Cost.MonthlyUSD
	p.line("", "  %-24s %10s %10s %11s", "", "before", "after", "change")
	open := ""
	if len(r.Before.Unpriced)+len(after.Unpriced) > 0 {
		open = "  (incomplete: something has no price)"
	}
	p.line("1", "  %-24s %10.4f %10.4f %+11.4f%s", "per hour", h.Before, h.After, h.Delta, open)
	p.line("1", "  %-24s %10.2f %10.2f %+11.2f%s", fmt.Sprintf("per month of %d hours", cost.HoursPerMonth), m.Before, m.After,
		m.Delta, open)
	p.positions(r)
	for _, u := range r.Before.Unpriced {
		if !slices.Contains(after.Unpriced, u) {
			p.line("33", "  not priced before: %s", u)
		}
	}
	for _, u := range after.Unpriced {
		p.line("33", "  not priced: %s", u)
	}
	if len(after.NotIncluded) > 0 && r.plan.Summary.Changes() > 0 {
		for _, n := range cost.ByUse(after.NotIncluded, p.opts.Verbose) {
			p.line("", "  not included: %s", n)
		}
	}
}

// position is what is billed by the hour before or after. Mark is "-" for what goes, "+" for what comes, "=" for what stays.
type position struct {
	Mark string
	Item cost.Item
}

// positions are those that go, those that come, and those that stay.
func (r Report) positions() []position {
	key := func(i cost.Item) string { return i.URN + "\x00" + costLine(i) }
	left := map[string]int{}
	for _, i := range r.Before.Items {
		left[key(i)]++
	}
	var gone, came, same []position
	for _, i := range r.After.Items {
		if left[key(i)] > 0 {
			left[key(i)]--
			same = append(same, position{"=", i})
			continue
		}
		came = append(came, position{"+", i})
	}
	for _, i := range r.Before.Items {
		if left[key(i)] > 0 {
			left[key(i)]--
			gone = append(gone, position{"-", i})
		}
	}
	return slices.Concat(gone, came, same)
}

// positions lists what is billed by the hour and changes, and counts the rest.
func (p *printer) positions(r Report) {
	same := 0
	for _, at := range r.positions() {
		switch at.Mark {
		case "-":
			p.line(colour(plans.OpDelete), "  - %s", costLine(at.Item))
		case "+":
			p.line(colour(plans.OpCreate), "  + %s", costLine(at.Item))
		default:
			same++
		}
	}
	if same > 0 {
		p.line("", "  %s as before", counted(same, "position", "positions"))
	}
}

// costLine is one position: its prices, what, how many, which resource, and what may change the price.
func costLine(i cost.Item) string {
	text := fmt.Sprintf("%.4f an hour %8.2f a month  %s  %s", i.HourlyUSD, cost.Monthly(i.HourlyUSD), costWhat(i), i.Name)
	if i.Note != "" {
		text += "  (" + i.Note + ")"
	}
	return text
}

// costWhat says what is billed, and how much of it.
func costWhat(i cost.Item) string {
	if i.Quantity == 1 {
		return i.What
	}
	return fmt.Sprintf("%g x %s", i.Quantity, i.What)
}

// costHour and costMonth are the prices of a position.
func costHour(i cost.Item) string  { return money(i.HourlyUSD, 4) }
func costMonth(i cost.Item) string { return money(cost.Monthly(i.HourlyUSD), 2) }

// maxValue is how many characters of a value are shown.
const maxValue = 100
