// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"io"
	"strings"
)

// Mermaid writes the picture as a flowchart, which GitHub, GitLab and many wikis draw themselves. The layout is then
// theirs.
func (d Drawing) Mermaid(w io.Writer) error {
	var b strings.Builder
	b.WriteString("flowchart TB\n")
	n := 0
	for r, room := range d.Rooms {
		if len(room.Items) == 0 {
			fmt.Fprintf(&b, "  r%d[\"%s\"]\n", r, quoted(d.fullTitle(room)))
			continue
		}
		fmt.Fprintf(&b, "  subgraph r%d[\"%s\"]\n", r, quoted(d.fullTitle(room)))
		for _, i := range room.Items {
			text := d.fullLabel(i)
			if count := i.Number(); count != "" {
				text += " " + count
			}
			fmt.Fprintf(&b, "    i%d[\"%s\"]\n", n, quoted(text))
			n++
		}
		b.WriteString("  end\n")
	}
	for _, a := range d.Arrows {
		switch {
		case a.Both:
			fmt.Fprintf(&b, "  r%d <--> r%d\n", a.From, a.To)
		case a.Back:
			fmt.Fprintf(&b, "  r%d --> r%d\n", a.To, a.From)
		default:
			fmt.Fprintf(&b, "  r%d --> r%d\n", a.From, a.To)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// fullTitle and fullLabel are the texts before they were cut to their boxes.
func (d Drawing) fullTitle(r Room) string {
	if r.Node < 0 {
		return r.Title
	}
	return d.Nodes[r.Node].Name
}

func (d Drawing) fullLabel(i Item) string {
	n := d.Nodes[i.Nodes[0]]
	switch {
	case i.Service == "" && len(i.Nodes) > 1:
		return i.Label
	case i.folded || len(i.Nodes) > 1:
		return TypeName(n.Type)
	}
	return Kind(n.Type) + " " + n.Name
}

// quoted makes a text harmless in a quoted Mermaid label: its entities are HTML's, written with # for &.
func quoted(s string) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case r == ' ' || r == '-' || r == '.' || r == '/' || r == ':' || r == '_' || r == '×' ||
			r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z':
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "#%d;", r)
		}
	}
	return b.String()
}
