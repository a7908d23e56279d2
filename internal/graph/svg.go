// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"cmp"
	_ "embed"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// rules is the style sheet of a picture in a file of its own, with names in the place of colours.
//
//go:embed picture.css
var rules string

// light and dark have the colours of the rules.
var (
	light = colours("paper #ffffff wall #f6f8fa edge #d0d7de ink #1f2328 dim #59636e box #ffffff line #818b98 " +
		"net #bc4c00 iam #bf3989 eks #0969da k8s #6639ba s3 #1a7f37 obs #9a6700 other #6e7781")
	dark = colours("paper #0d1117 wall #151b23 edge #3d444d ink #f0f6fc dim #9198a1 box #0d1117 line #767f8a " +
		"net #f0883e iam #db61a2 eks #4493f8 k8s #ab7df8 s3 #3fb950 obs #d29922 other #9198a1")
)

func colours(table string) *strings.Replacer {
	words := strings.Fields(table)
	for i := 0; i < len(words); i += 2 {
		words[i] = "var(--" + words[i] + ")"
	}
	return strings.NewReplacer(words...)
}

// stylesheet has literal colours, because few renderers but browsers know variables. A browser follows the reader's colour
// scheme; what does not know that passes over the end.
func stylesheet() string {
	var coloured strings.Builder
	for line := range strings.Lines(rules) {
		if strings.Contains(line, "var(") {
			coloured.WriteString("  " + line)
		}
	}
	return light.Replace(rules) + "@media (prefers-color-scheme: dark) {\n" + dark.Replace(coloured.String()) + "}\n"
}

// Heights of what surrounds the rooms of a picture in a file of its own.
const (
	TopSpace    = 50
	BottomSpace = 40
)

// escaper makes a text harmless in an element or a quoted attribute.
var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;")

// Escape makes a text harmless in an element or a quoted attribute. What XML cannot say at all becomes U+FFFD.
func Escape(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' || r == 0xFFFE || r == 0xFFFF || r >= 0x7F && r < 0xA0 {
			return 0xFFFD
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return escaper.Replace(s)
}

// SVG writes a picture for a file of its own, with a title and a legend.
func (d Drawing) SVG(w io.Writer, title string) error {
	var b strings.Builder
	width := max(d.Width, 640)
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d"`+
		` role="img" aria-labelledby="title about">`+"\n",
		width, d.Height, width, d.Height)
	about := d.about()
	fmt.Fprintf(&b, "<title id=\"title\">%s</title>\n<desc id=\"about\">%s</desc>\n<style>\n%s</style>\n", Escape(title),
		Escape(about), stylesheet())
	fmt.Fprintf(&b, `<rect class="paper" width="%d" height="%d"/>`+"\n", width, d.Height)
	fmt.Fprintf(&b, `<text class="heading" x="%d" y="32">%s</text>`+"\n", margin, Escape(cut(title, width-2*margin, 18, true)))
	fmt.Fprintf(&b, `<text class="note" x="%d" y="52">%s</text>`+"\n", margin, Escape(about))
	fmt.Fprintf(&b, `<g transform="translate(%d 0)">`+"\n", (width-d.Width)/2)
	d.Fragment(&b)
	b.WriteString("</g>\n")
	d.legend(&b, width)
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// about says in words what the picture shows.
func (d Drawing) about() string {
	n, components := 0, 0
	for _, r := range d.Rooms {
		for _, i := range r.Items {
			n += len(i.Nodes)
		}
		if r.Node >= 0 {
			components++
		}
	}
	text := fmt.Sprintf("%d resources in %d components. An arrow leads to what needs it.", n, components)
	if d.Implied > 0 {
		text += " Not drawn, because others imply them: " + plural(d.Implied, "arrow", "arrows") + "."
	}
	return text
}

// legend names the services by colour and counts their resources.
func (d Drawing) legend(b *strings.Builder, width int) {
	count := map[string]int{}
	for _, r := range d.Rooms {
		for _, i := range r.Items {
			count[i.Service] += len(i.Nodes)
		}
	}
	names := slices.SortedFunc(maps.Keys(count), func(x, y string) int {
		return cmp.Or(cmp.Compare(count[y], count[x]), cmp.Compare(x, y))
	})
	x, y := margin, d.Height-22
	for n, name := range names {
		text := fmt.Sprintf("%s %d", cmp.Or(name, "other"), count[name])
		step := 14 + textWidth(text, subFont, false) + 14
		if x+step > width-margin-60 && n < len(names)-1 {
			fmt.Fprintf(b, `<text class="note" x="%d" y="%d">and %d more</text>`+"\n", x, y, len(names)-n)
			return
		}
		fmt.Fprintf(b, `<rect class="%s swatch" x="%d" y="%d" width="10" height="10" rx="2"/>`+
			`<text class="note" x="%d" y="%d">%s</text>`+"\n",
			family(name), x, y-9, x+14, y, Escape(text))
		x += step
	}
}

// Fragment writes arrows, rooms and items, without style. Rooms carry their index as data-r, items theirs in the
// order of the rooms as data-i.
func (d Drawing) Fragment(b *strings.Builder) {
	for _, a := range d.Arrows {
		d.arrow(b, a)
	}
	n := 0
	for i, r := range d.Rooms {
		d.room(b, i, r)
		for _, item := range r.Items {
			d.item(b, n, item)
			n++
		}
		b.WriteString("</g>\n")
	}
}

func (d Drawing) arrow(b *strings.Builder, a Arrow) {
	p := a.Points
	var path strings.Builder
	fmt.Fprintf(&path, "M%d,%dV%d", p[0].X, p[0].Y, p[1].Y)
	for i := 2; i < len(p); i += 2 {
		from, to := p[i-1], p[i]
		y := to.Y
		if i == len(p)-1 {
			y -= 6 // the head is drawn over the end
		}
		fmt.Fprintf(&path, "C%d,%d %d,%d %d,%d", from.X, from.Y+bend, to.X, y-bend, to.X, y)
		if i+1 < len(p) {
			fmt.Fprintf(&path, "V%d", p[i+1].Y)
		}
	}
	from, to := d.Rooms[a.From].Title, d.Rooms[a.To].Title
	if a.Back {
		from, to = to, from
	}
	heads := ""
	if first := p[0]; a.Back || a.Both {
		heads += fmt.Sprintf("M%d,%dl-5,9h10z", first.X, first.Y)
	}
	if last := p[len(p)-1]; !a.Back {
		heads += fmt.Sprintf("M%d,%dl-5,-9h10z", last.X, last.Y)
	}
	fmt.Fprintf(b, `<g class="arrow" data-from="%d" data-to="%d"><path class="line" d="%s"/><path class="head" d="%s"/>`+
		`<title>%s is needed by %s: %s</title></g>`+"\n",
		a.From, a.To, path.String(), heads, Escape(from), Escape(to), plural(a.Weight, "dependency", "dependencies"))
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + many
}

// room opens the group of a room.
func (d Drawing) room(b *strings.Builder, i int, r Room) {
	full := r.Title
	if r.Node >= 0 {
		full = d.Nodes[r.Node].Name + " (" + d.Nodes[r.Node].Type + ")"
	}
	fmt.Fprintf(b, `<g class="room" data-r="%d"><rect class="wall" x="%d" y="%d" width="%d" height="%d" rx="8"/>`+
		`<title>%s</title>`,
		i, r.X, r.Y, r.W, r.H, Escape(full))
	fmt.Fprintf(b, `<text x="%d" y="%d"><tspan class="name">%s</tspan>`, r.X+padding, r.Y+22, Escape(r.Title))
	if r.Sub != "" {
		fmt.Fprintf(b, ` <tspan class="sub" dx="2">%s</tspan>`, Escape(r.Sub))
	}
	b.WriteString("</text>")
	fmt.Fprintf(b, `<text class="count" x="%d" y="%d">%d</text>`+"\n", r.X+r.W-padding, r.Y+22, len(r.Nodes))
}

func (d Drawing) item(b *strings.Builder, n int, i Item) {
	node := d.Nodes[i.Nodes[0]]
	mark := node.Mark()
	class := family(i.Service)
	if mark != "" {
		class += " changed op-" + node.Op
		if mark == "?" {
			class += " may"
		}
	}
	title := fmt.Sprintf("%d %s", len(i.Nodes), i.Label)
	switch {
	case len(i.Nodes) == 1:
		title = node.Type + " " + node.Name
	case i.Service != "":
		title = node.Type
	}
	fmt.Fprintf(b, `<g class="item %s" data-i="%d"><rect class="box" x="%d" y="%d" width="%d" height="%d" rx="4"/>`,
		class, n, i.X, i.Y, i.W, i.H)
	y := i.Y + 15
	if i.folded {
		fmt.Fprintf(b, `<rect class="stripe" x="%d" y="%d" width="4" height="%d"/>`, i.X, i.Y+3, i.H-6)
		fmt.Fprintf(b, `<text class="label" x="%d" y="%d"><tspan class="svc">%s</tspan> %s`,
			i.X+(i.W+4)/2, y, Escape(i.Service), Escape(i.Label))
		if count := i.Number(); count != "" {
			fmt.Fprintf(b, ` <tspan class="n">%s</tspan>`, count)
		}
		b.WriteString("</text>")
	} else {
		fmt.Fprintf(b, `<rect class="sign" x="%d" y="%d" width="18" height="%d" rx="4"/>`+
			`<text class="mark" x="%d" y="%d">%s</text>`,
			i.X, i.Y, i.H, i.X+9, y, cmp.Or(mark, "="))
		fmt.Fprintf(b, `<text class="text" x="%d" y="%d">%s</text>`, i.X+23, y, Escape(i.Label))
		if count := i.Number(); count != "" {
			fmt.Fprintf(b, `<text class="many" x="%d" y="%d">%s</text>`, i.X+i.W-7, y, count)
		}
	}
	fmt.Fprintf(b, "<title>%s</title></g>\n", Escape(title))
}

// family is the class that colours a service.
func family(service string) string {
	switch service {
	case "ec2", "vpc":
		return "svc-net"
	case "iam":
		return "svc-iam"
	case "eks":
		return "svc-eks"
	case "k8s":
		return "svc-k8s"
	case "s3":
		return "svc-s3"
	case "cloudwatch", "sqs", "sns":
		return "svc-obs"
	}
	return "svc-other"
}
