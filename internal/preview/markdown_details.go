// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"emrflink/internal/graph"
)

// Limits of the diff of one resource, in bytes: with few resources there is room for more of each.
const (
	leastDiff  = 1_500
	mostDiff   = 20_000
	namesShare = 35 // per cent of the room for details that names alone may take
	maxMisses  = 30 // diffs in a row that do not fit, until no other is tried
)

// piece is a changed resource in the details: left out, by its name alone, or with its diff.
type piece struct {
	step  Step
	group int
	line  string
	full  string // "" while it is not shown
	named bool
}

// group is a component with its pieces.
type group struct {
	head   string // opens the element
	pieces []*piece
	shown  bool
}

// groupEnd closes a component.
const groupEnd = "\n</details>\n\n"

// details shows the diffs by component, in at most room bytes: first as many names as have their share, the gravest
// changes first, then as many diffs instead of them.
func (m *comment) details(room int) {
	groups, pieces := m.pieces()
	if len(pieces) == 0 {
		return
	}
	const title = "### Changes\n\n"
	room -= len(title)
	used := 0
	take := func(p *piece, size, limit int) bool {
		if !groups[p.group].shown {
			size += len(groups[p.group].head) + len("\n") + len(groupEnd)
		}
		if used+size > limit {
			return false
		}
		used += size
		groups[p.group].shown = true
		return true
	}
	for _, p := range pieces {
		p.named = take(p, len(p.line), room*namesShare/100)
	}
	limit := min(max(room/len(pieces), leastDiff), mostDiff)
	full, named, misses := 0, 0, 0
	for _, p := range pieces {
		if misses == maxMisses { // there is hardly any room left
			if p.named {
				named++
			}
			continue
		}
		text := m.fullText(p.step, limit)
		size := len(text)
		if p.named {
			size -= len(p.line)
		}
		switch {
		case take(p, size, room):
			p.full = text
			full++
			misses = 0
		case p.named:
			named++
			fallthrough
		default:
			misses++
		}
	}
	m.add(title)
	for _, g := range groups {
		g.write(m)
	}
	m.foot(full, named, len(pieces))
}

// foot says what was left out.
func (m *comment) foot(full, named, all int) {
	if full == all {
		return
	}
	text := fmt.Sprintf("%s of %s are shown with their diff", thousands(full), some(all, "changed resource"))
	if named > 0 {
		text += fmt.Sprintf(", %s by name", thousands(named))
	}
	m.add("%s; %s\n", text, elsewhere)
}

// pieces sorts the changed resources into their components. The pieces come the gravest first.
func (m *comment) pieces() ([]*group, []*piece) {
	tops := graph.TopComponents(graphNodes(m.doc))
	members := map[int][]Step{}
	var order []int
	for i, s := range m.doc.Steps {
		if actOf(s) == len(acts) {
			continue
		}
		if members[tops[i]] == nil {
			order = append(order, tops[i])
		}
		members[tops[i]] = append(members[tops[i]], s)
	}
	var groups []*group
	var pieces []*piece
	for _, top := range order {
		g := &group{head: m.groupHead(top, members[top])}
		for _, s := range members[top] {
			p := &piece{step: s, group: len(groups), line: lineText(s)}
			g.pieces = append(g.pieces, p)
			pieces = append(pieces, p)
		}
		groups = append(groups, g)
	}
	slices.SortStableFunc(pieces, func(a, b *piece) int { return cmp.Compare(actOf(a.step), actOf(b.step)) })
	return groups, pieces
}

// groupHead opens a component and counts all of its changes, whether they are shown or not.
func (m *comment) groupHead(top int, steps []Step) string {
	title := "<b>no component</b>"
	if top >= 0 {
		title = "<b>" + codeTag(m.doc.Steps[top].Name) + "</b> " + codeTag(m.doc.Steps[top].Type)
	}
	n := countActs(steps)
	var parts []string
	for i, a := range acts {
		if n[i] > 0 {
			parts = append(parts, thousands(n[i])+" "+a.word)
		}
	}
	return "<details><summary>" + title + ": " + strings.Join(parts, ", ") + "</summary>\n\n"
}

// lineText is a resource by its name alone.
func lineText(s Step) string {
	a := acts[actOf(s)]
	return fmt.Sprintf("- %s %s %s\n", a.word, codeSpan(s.Type), codeSpan(s.Name))
}

// fullText is a resource with its diff.
func (m *comment) fullText(s Step, limit int) string {
	lines := stepLines(s, m.rows)
	if len(lines) == 0 {
		return lineText(s)
	}
	a := acts[actOf(s)]
	return fmt.Sprintf("<details><summary>%s %s %s</summary>\n\n%s\n</details>\n\n", a.word, codeTag(s.Type), codeTag(s.Name),
		fenced(lines, limit))
}

// write shows a component: the names first, since a list ends where an element begins.
func (g *group) write(m *comment) {
	if !g.shown {
		return
	}
	m.add("%s", g.head)
	for _, p := range g.pieces {
		if p.full == p.line || p.full == "" && p.named {
			m.add("%s", p.line)
		}
	}
	m.add("\n") // ends the list
	for _, p := range g.pieces {
		if p.full != "" && p.full != p.line {
			m.add("%s", p.full)
		}
	}
	m.add("%s", groupEnd)
}
