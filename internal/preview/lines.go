// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"emrflink/internal/plans"
)

// Limits of one diff: how long a line may get, how long a value stays on one line, in how many lines two values may differ to be
// compared, and how many equal lines surround a change.
const (
	maxLine    = 400
	maxInline  = 80
	maxCompare = 300
	around     = 3
)

// diffLine is a line of a diff as it is shown. Mark is '+', '-', '!' for a remark, or ' '.
type diffLine struct {
	mark byte
	text string
}

func (l diffLine) String() string { return string(l.mark) + " " + l.text }

// stepLines shows what changes in a resource, a value of several lines as the lines that differ. known are the
// resources of the plan, by URN: those that an unknown value waits for are named.
func stepLines(s Step, known map[string]row) []diffLine {
	var out []diffLine
	for _, d := range s.Diff {
		kind, force := strings.CutSuffix(d.Kind, replaceSuffix)
		d.Kind = kind
		switch {
		case force && s.MayReplace:
			out = append(out, diffLine{'!', clean(d.Path) + " forces a replacement if it changes"})
		case force:
			out = append(out, diffLine{'!', clean(d.Path) + " forces the replacement"})
		}
		before, now := valueLines(d.Old), valueLines(d.New)
		if kind == "update" && sameDocument(d) && slices.Equal(before, now) {
			out = append(out, diffLine{'!', clean(d.Path) + " is the same document, written in another way"})
			continue
		}
		if len(now) == 1 && kind != "delete" {
			now[0] += clean(waits(d, waitedFor(d, known)))
		}
		switch kind {
		case "add":
			out = append(out, oneSide('+', d.Path, now)...)
		case "delete":
			out = append(out, oneSide('-', d.Path, before)...)
		default:
			out = append(out, twoSides(d.Path, before, now)...)
		}
	}
	return out
}

// waitedFor finds the resources that give an unknown value.
func waitedFor(d Diff, known map[string]row) []row {
	var out []row
	for _, urn := range d.WaitsFor {
		if r, ok := known[urn]; ok {
			out = append(out, r)
		}
	}
	return out
}

// rowsOf are the steps of a document by URN. A component is known by what belongs to it.
func rowsOf(d Document) map[string]row {
	parents := map[string]bool{}
	for _, s := range d.Steps {
		parents[s.Parent] = true
	}
	out := make(map[string]row, len(d.Steps))
	for _, s := range d.Steps {
		out[s.URN] = row{Step: s, custom: !parents[s.URN]}
	}
	return out
}

func oneSide(mark byte, path string, lines []string) []diffLine {
	if len(lines) == 1 {
		return []diffLine{{mark, clean(path) + ": " + lines[0]}}
	}
	out := []diffLine{{mark, clean(path) + ":"}}
	for _, l := range lines {
		out = append(out, diffLine{mark, "  " + l})
	}
	return out
}

func twoSides(path string, old, now []string) []diffLine {
	if len(old) == 1 || len(now) == 1 {
		return append(oneSide('-', path, old), oneSide('+', path, now)...)
	}
	out := []diffLine{{' ', clean(path) + ":"}}
	for _, l := range foldLines(compareLines(old, now)) {
		out = append(out, diffLine{l.mark, "  " + l.text})
	}
	return out
}

// compareLines finds the lines that two texts have in common.
func compareLines(old, now []string) []diffLine {
	var head, tail []diffLine
	for len(old) > 0 && len(now) > 0 && old[0] == now[0] {
		head = append(head, diffLine{' ', old[0]})
		old, now = old[1:], now[1:]
	}
	n := 0
	for n < len(old) && n < len(now) && old[len(old)-1-n] == now[len(now)-1-n] {
		n++
	}
	for _, l := range old[len(old)-n:] {
		tail = append(tail, diffLine{' ', l})
	}
	return append(append(head, middle(old[:len(old)-n], now[:len(now)-n])...), tail...)
}

// middle finds the shortest way from one text to the other (E. Myers, "An O(ND) difference algorithm and its
// variations", 1986). Texts that differ in more than maxCompare lines are shown one after the other.
func middle(old, now []string) []diffLine {
	most := min(len(old)+len(now), maxCompare)
	far := make([]int, 2*most+3) // by diagonal: how far in old the ways of so many changes get
	var trace [][]int
	for changes := 0; changes <= most; changes++ {
		trace = append(trace, append([]int{}, far...))
		for k := -changes; k <= changes; k += 2 {
			x := far[most+1+k-1] + 1
			if k == -changes || k != changes && far[most+1+k-1] < far[most+1+k+1] {
				x = far[most+1+k+1]
			}
			for x < len(old) && x-k < len(now) && old[x] == now[x-k] {
				x++
			}
			far[most+1+k] = x
			if x >= len(old) && x-k >= len(now) {
				return walk(old, now, trace, most)
			}
		}
	}
	out := make([]diffLine, 0, len(old)+len(now))
	for _, l := range old {
		out = append(out, diffLine{'-', l})
	}
	for _, l := range now {
		out = append(out, diffLine{'+', l})
	}
	return out
}

// walk goes back the way that middle found.
func walk(old, now []string, trace [][]int, most int) []diffLine {
	var out []diffLine
	x, y := len(old), len(now)
	for changes := len(trace) - 1; changes >= 0; changes-- {
		far, k := trace[changes], x-y
		from := k - 1
		if k == -changes || k != changes && far[most+1+k-1] < far[most+1+k+1] {
			from = k + 1
		}
		px := far[most+1+from]
		py := px - from
		if changes == 0 {
			px, py = 0, 0
		}
		for x > px && y > py {
			x, y = x-1, y-1
			out = append(out, diffLine{' ', old[x]})
		}
		if changes == 0 {
			break
		}
		if x == px {
			y--
			out = append(out, diffLine{'+', now[y]})
		} else {
			x--
			out = append(out, diffLine{'-', old[x]})
		}
	}
	slices.Reverse(out)
	return out
}

// foldLines leaves out equal lines that are far from a change.
func foldLines(lines []diffLine) []diffLine {
	near := make([]bool, len(lines))
	for i, l := range lines {
		if l.mark != ' ' {
			for k := max(0, i-around); k <= min(len(lines)-1, i+around); k++ {
				near[k] = true
			}
		}
	}
	var out []diffLine
	for i := 0; i < len(lines); i++ {
		if near[i] {
			out = append(out, lines[i])
			continue
		}
		from := i
		for i+1 < len(lines) && !near[i+1] {
			i++
		}
		if n := i - from + 1; n > 2 {
			out = append(out, diffLine{' ', fmt.Sprintf("... %d lines are the same", n)})
		} else {
			out = append(out, lines[from:i+1]...)
		}
	}
	return out
}

// valueLines shows a value: a short one on one line, a text or a JSON document on as many as it has.
func valueLines(v any) []string {
	if s, ok := v.(string); ok {
		if s == plans.Secret || s == plans.Unknown {
			return []string{s}
		}
		if doc, ok := document(s); ok {
			v = doc
		} else if strings.Contains(s, "\n") {
			return cleanLines(s)
		}
	}
	text := encode(v, "")
	if utf8.RuneCountInString(text) <= maxInline || !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "[") {
		return []string{clean(text)}
	}
	return cleanLines(encode(v, "  "))
}

func encode(v any, indent string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	return strings.TrimSpace(b.String())
}

func cleanLines(s string) []string {
	lines := strings.Split(strings.TrimSuffix(s, "\n"), "\n")
	for i, l := range lines {
		lines[i] = clean(l)
	}
	return lines
}

// clean makes one harmless line of a text: what would break the line or show it in another order is written as an
// escape, and a line that is too long is cut.
func clean(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		if n++; n > maxLine {
			fmt.Fprintf(&b, "... (%d more characters)", utf8.RuneCountInString(s)-maxLine)
			break
		}
		switch {
		case r == '\t':
			b.WriteString("  ")
		case r < ' ' || r >= 0x7F && r < 0xA0 || r == 0x2028 || r == 0x2029 || r == 0xFEFF,
			r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 || r == 0x200E || r == 0x200F: // turn the order of reading
			fmt.Fprintf(&b, "\\u%04x", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
