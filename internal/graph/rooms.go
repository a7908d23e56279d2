// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
)

// Sizes of a room, in units of the picture.
const (
	padding    = 12
	header     = 34
	itemHeight = 22
	itemGap    = 6
	itemFont   = 12
	titleFont  = 14
	subFont    = 11
	minRoom    = 150
	maxItem    = 260
	cellWidth  = 172
	headGap    = 8  // between the two words of the header
	numberRoom = 40 // for the number at the right of it
)

// rooms finds the component of each node. The rooms are in the order of their titles; what belongs to no component
// comes last.
func rooms(nodes []Node, s Style) []Room {
	tops := TopComponents(nodes)
	parents := map[string]bool{}
	for _, n := range nodes {
		parents[n.Parent] = true
	}
	members := map[int][]int{}
	for i, n := range nodes {
		switch {
		case n.Internal() && !s.Internal:
		case tops[i] == i:
			members[i] = append(members[i], []int{}...) // a component without children that are drawn is a room too
		case tops[i] < 0 || s.Internal || !parents[n.URN]:
			members[tops[i]] = append(members[tops[i]], i)
		}
	}
	var out []Room
	for _, top := range slices.Sorted(maps.Keys(members)) {
		r := Room{Node: top, Title: "stack", Nodes: members[top]}
		if top >= 0 {
			r.Title, r.Sub = nodes[top].Name, Kind(nodes[top].Type)
		}
		out = append(out, r)
	}
	slices.SortStableFunc(out, func(a, b Room) int {
		if (a.Node < 0) != (b.Node < 0) {
			return cmp.Compare(b.Node, a.Node)
		}
		return cmp.Compare(a.Title, b.Title)
	})
	return out
}

// TopComponents finds, for each node, the index of the component directly below the stack that the node belongs to,
// which may be the node itself; -1 if it belongs to none.
func TopComponents(nodes []Node) []int {
	index := make(map[string]int, len(nodes))
	parents := map[string]bool{}
	for i, n := range nodes {
		index[n.URN] = i
		parents[n.Parent] = true
	}
	out := make([]int, len(nodes))
	for i := range nodes {
		top := i
		for range nodes { // a chain cannot be longer; a broken document with a ring of parents ends here too
			up, ok := index[nodes[top].Parent]
			if !ok || nodes[up].stack() {
				break
			}
			top = up
		}
		if out[i] = top; !parents[nodes[top].URN] || nodes[top].stack() {
			out[i] = -1
		}
	}
	return out
}

// TypeName is the short form of a Pulumi type: "ec2 Subnet".
func TypeName(typ string) string {
	if s := Service(typ); s != "" {
		return s + " " + Kind(typ)
	}
	return Kind(typ)
}

// Kind is the last part of a type: "Subnet".
func Kind(typ string) string { return typ[strings.LastIndexByte(typ, ':')+1:] }

// Service is what a type belongs to: the module of an AWS type, "kubernetes" with its group left out, else the package
// that defines it.
func Service(typ string) string {
	parts := strings.Split(typ, ":")
	if len(parts) < 3 {
		return ""
	}
	module, _, _ := strings.Cut(parts[1], "/")
	switch parts[0] {
	case "aws", "emrflink":
		return module
	case "kubernetes":
		return "k8s"
	case "pulumi":
		return "pulumi"
	}
	return parts[0]
}

// arrange makes the items of a room and places them, relative to the room.
func (r *Room) arrange(nodes []Node, s Style) {
	r.Items = r.items(nodes, s)
	if s.Fold {
		r.flow()
	} else {
		r.grid()
	}
	title, sub := textWidth(r.Title, titleFont, true), textWidth(r.Sub, subFont, false)
	r.W = max(r.W, min(title+headGap+sub+2*padding+numberRoom, minRoom+maxItem))
	free := r.W - 2*padding - numberRoom
	r.Title = cut(r.Title, free, titleFont, true)
	r.Sub = cut(r.Sub, free-headGap-textWidth(r.Title, titleFont, true), subFont, false)
	if r.Sub == ellipsis {
		r.Sub = ""
	}
}

// items folds nodes into one item, as far as the style wants it: those of one type, or all that stay the same beside
// some that do not.
func (r *Room) items(nodes []Node, s Style) []Item {
	order := slices.Clone(r.Nodes)
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(rank(nodes[a].Type), rank(nodes[b].Type)), cmp.Compare(nodes[a].Type, nodes[b].Type),
			cmp.Compare(a, b))
	})
	var out []Item
	var rest []int
	for _, i := range order {
		n := nodes[i]
		if s.quiet && !n.changed() {
			rest = append(rest, i)
			continue
		}
		last := len(out) - 1
		if last >= 0 && nodes[out[last].Nodes[0]].Type == n.Type && (s.Fold || !n.changed()) {
			out[last].Nodes = append(out[last].Nodes, i)
			continue
		}
		out = append(out, Item{Service: Service(n.Type), Nodes: []int{i}, folded: s.Fold})
	}
	for k := range out {
		n := nodes[out[k].Nodes[0]]
		switch {
		case s.Fold || len(out[k].Nodes) > 1:
			out[k].Label = Kind(n.Type)
		case r.Node >= 0:
			out[k].Label = strings.TrimPrefix(n.Name, nodes[r.Node].Name+"-")
		default:
			out[k].Label = n.Name
		}
	}
	if len(rest) > 0 {
		slices.Sort(rest)
		out = append(out, Item{Label: "unchanged", Nodes: rest})
	}
	return out
}

// rank puts what a reader looks for first: the things themselves, before what is attached to them.
func rank(typ string) int {
	kind := Kind(typ)
	for _, suffix := range []string{"Attachment", "Association", "Rule", "Target", "Policy", "PolicyDocument"} {
		if strings.HasSuffix(kind, suffix) {
			return 1
		}
	}
	return 0
}

// Number is the count that an item shows, "" for one node.
func (i Item) Number() string {
	if len(i.Nodes) < 2 {
		return ""
	}
	return "×" + number(len(i.Nodes))
}

// flow places the items one after the other, as words in a paragraph.
func (r *Room) flow() {
	total, widest := 0, 0
	for k := range r.Items {
		i := &r.Items[k]
		fixed := 2*9 + textWidth(i.Service, itemFont, false) + 5
		if n := i.Number(); n != "" {
			fixed += 5 + textWidth(n, itemFont, true)
		}
		i.Label = cut(i.Label, maxItem-fixed, itemFont, false)
		i.W, i.H = fixed+textWidth(i.Label, itemFont, false), itemHeight
		total += i.W + itemGap
		widest = max(widest, i.W)
	}
	// About six times as wide as high; never narrower than the widest item.
	lines := max(1, int(math.Round(math.Sqrt(float64(total)/float64(6*(itemHeight+itemGap))))))
	limit := max(widest, total/lines+40)
	x, y, right := 0, 0, 0
	for k := range r.Items {
		i := &r.Items[k]
		if x > 0 && x+i.W > limit {
			x, y = 0, y+itemHeight+itemGap
		}
		i.X, i.Y = padding+x, header+y
		x += i.W + itemGap
		right = max(right, x-itemGap)
	}
	r.W, r.H = right+2*padding, header+y+itemHeight+padding
	if len(r.Items) == 0 {
		r.H = header
	}
}

// grid places the items in columns of one width.
func (r *Room) grid() {
	n := len(r.Items)
	if n == 0 {
		r.W, r.H = minRoom, header
		return
	}
	// About four times as wide as high: most pictures are deep and have few rooms beside each other.
	columns := max(1, int(math.Round(math.Sqrt(float64(n)*4*float64(itemHeight+4)/float64(cellWidth+itemGap)))))
	rows := (n + columns - 1) / columns
	columns = (n + rows - 1) / rows
	for k := range r.Items {
		i := &r.Items[k]
		i.X = padding + k/rows*(cellWidth+itemGap)
		i.Y = header + k%rows*(itemHeight+4)
		i.W, i.H = cellWidth, itemHeight
		free := cellWidth - 22 - 8
		if number := i.Number(); number != "" {
			free -= textWidth(number, itemFont, true) + 5
		}
		i.Label = cut(i.Label, free, itemFont, false)
	}
	r.W = columns*(cellWidth+itemGap) - itemGap + 2*padding
	r.H = header + rows*(itemHeight+4) - 4 + padding
}
