// SPDX-License-Identifier: Apache-2.0

// Package graph draws the resources of a stack: components as rooms, resources as boxes in them, and an arrow from a
// room to each room that depends on it. It computes the layout itself, in layers by depth of dependency, and writes SVG
// or Mermaid.
//
// Invariants: the same nodes give the same bytes, in whatever order they come; boxes do not overlap, labels fit into
// their boxes, and no arrow crosses a room that it does not belong to.
//
// Place: domain; it knows no engine and no cloud.
package graph

import (
	"cmp"
	"slices"
	"strings"
)

// Node is one resource.
type Node struct {
	URN, Type, Name string
	// Parent is the URN of the component that it belongs to, "" = none.
	Parent string
	// DependsOn are the URNs of the resources that it needs.
	DependsOn []string
	// Op is what happens to it: create, update, replace, delete, same, or "" where nothing is compared.
	Op string
	// May says that an update may turn into a replacement.
	May bool
}

// Internal tells whether a node is the engine's own bookkeeping: a provider, or the stack itself.
func (n Node) Internal() bool { return strings.HasPrefix(n.Type, "pulumi:providers:") || n.stack() }

func (n Node) stack() bool { return n.Type == "pulumi:pulumi:Stack" }

// Mark is the sign of what happens to the node, so that colour is never the only one.
func (n Node) Mark() string {
	switch {
	case n.May && n.Op == "update":
		return "?"
	case n.Op == "create":
		return "+"
	case n.Op == "update":
		return "~"
	case n.Op == "replace":
		return "±"
	case n.Op == "delete":
		return "−"
	}
	return ""
}

// changed tells whether something happens to the node.
func (n Node) changed() bool { return n.Mark() != "" }

// Box is a rectangle; X and Y are its upper left corner.
type Box struct{ X, Y, W, H int }

// Point is a place in the picture.
type Point struct{ X, Y int }

// Item is a box in a room: one node, or several of one type.
type Item struct {
	Box
	// Service is what the type belongs to ("ec2"), Label what the box says, Count how many nodes stand behind it.
	Service, Label string
	// Nodes are indices into the nodes that were drawn.
	Nodes []int
	// folded says that the box names the type and the service, in a room that folds all of its nodes.
	folded bool
}

// Room is a component with what belongs to it.
type Room struct {
	Box
	// Node is the index of the component, -1 for the room of what belongs to no component.
	Node int
	// Title and Sub are the lines of the header, as they fit.
	Title, Sub string
	Items      []Item
	// Nodes are the indices of all nodes of the room, drawn or folded, without the component itself.
	Nodes []int
	layer int
}

// Arrow leads from a room to one that needs it. Its line is vertical at the points and curved between them.
type Arrow struct {
	From, To int // indices of rooms
	// Weight is how many dependencies between resources it stands for.
	Weight int
	// Back says that the need goes the other way round, Both that it goes both ways.
	Back, Both bool
	Points     []Point
}

// Drawing is a finished picture.
type Drawing struct {
	Width, Height int
	Nodes         []Node
	Rooms         []Room
	Arrows        []Arrow
	// Implied is how many arrows are left out because others imply them.
	Implied int
}

// Style says what is drawn.
type Style struct {
	// Fold stands for all nodes of one type in a room with one box, changed or not. Without it each changed node has a
	// box of its own; what stays the same is one box for the room, or one for each type when nothing changes at all.
	Fold bool
	// Internal draws providers, components within components and the stack's own resources too.
	Internal bool
	// Width is how wide the picture is to be; 0 chooses one that suits a screen. A room that is wider wins.
	Width int
	// Top is the space that is left free above the rooms, Bottom below them.
	Top, Bottom int
	// quiet says that what stays the same is not told apart by type.
	quiet bool
}

// Draw lays out a picture.
func Draw(nodes []Node, s Style) Drawing {
	nodes = slices.Clone(nodes)
	slices.SortStableFunc(nodes, func(a, b Node) int { return cmp.Compare(a.URN, b.URN) })
	s.quiet = !s.Fold && slices.ContainsFunc(nodes, Node.changed)
	d := Drawing{Nodes: nodes}
	d.Rooms = rooms(nodes, s)
	for i := range d.Rooms {
		d.Rooms[i].arrange(nodes, s)
	}
	needs := between(nodes, d.Rooms)
	d.Arrows, d.Implied = reduce(len(d.Rooms), needs)
	place(&d, s)
	return d
}
