// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"emrflink/internal/golden"
)

const stackURN = "urn:stack"

func component(name string) Node {
	return Node{URN: "urn:" + name, Type: "emrflink:" + name + ":Component", Name: name, Parent: stackURN}
}

func in(parent, typ, name string, needs ...string) Node {
	return Node{URN: "urn:" + name, Type: typ, Name: name, Parent: "urn:" + parent, DependsOn: needs}
}

// small is a stack with a chain, an implied dependency, a component in a component and something outside of all.
func small() []Node {
	return []Node{
		{URN: stackURN, Type: "pulumi:pulumi:Stack", Name: "dev"},
		{URN: "urn:aws", Type: "pulumi:providers:aws", Name: "aws"},
		component("network"), in("network", "aws:ec2/vpc:Vpc", "network-vpc"),
		in("network", "aws:ec2/subnet:Subnet", "network-a", "urn:network-vpc"),
		in("network", "aws:ec2/subnet:Subnet", "network-b", "urn:network-vpc"),
		component("cluster"), in("cluster", "aws:eks/cluster:Cluster", "cluster-eks", "urn:network-a", "urn:network-b"),
		in("cluster", "emrflink:irsa:Role", "cluster-role"), in("cluster-role", "aws:iam/role:Role", "cluster-role-role"),
		component("bucket"), in("bucket", "aws:s3/bucketV2:BucketV2", "bucket-<&\">"),
		component("team"), in("team", "kubernetes:core/v1:Namespace", "team-ns", "urn:cluster-eks", "urn:network-vpc",
			"urn:bucket-<&\">", "urn:cluster-role"),
		{URN: "urn:loose", Type: "aws:sqs/queue:Queue", Name: "loose", Parent: stackURN},
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	d := Draw(small(), Style{Fold: true, Width: 600, Top: TopSpace, Bottom: BottomSpace})
	var svg, mermaid bytes.Buffer
	require.NoError(t, d.SVG(&svg, "stack dev"))
	require.NoError(t, d.Mermaid(&mermaid))
	golden.Equal(t, "testdata/small.svg", svg.String())
	golden.Equal(t, "testdata/small.mmd", mermaid.String())
}

func TestArrowsAreThoseThatOthersDoNotImply(t *testing.T) {
	t.Parallel()
	d := Draw(small(), Style{Fold: true})
	var got []string
	for _, a := range d.Arrows {
		got = append(got, fmt.Sprintf("%s>%s %d", d.Rooms[a.From].Title, d.Rooms[a.To].Title, a.Weight))
	}
	require.Equal(t, []string{"bucket>team 1", "network>cluster 2", "cluster>team 2"}, got)
	require.Equal(t, 1, d.Implied, "the team needs the network, and the cluster does")
}

func TestARingOfRoomsIsDrawn(t *testing.T) {
	t.Parallel()
	ring := []Node{
		component("a"), in("a", "x:y:Z", "a1", "urn:c1"), component("b"), in("b", "x:y:Z", "b1", "urn:a1"),
		in("b", "x:y:Z", "b2"), component("c"), in("c", "x:y:Z", "c1", "urn:b1"),
	}
	for name, c := range map[string]struct {
		nodes       []Node
		backs, both int
	}{
		"one arrow of a ring leads up":           {ring, 1, 0},
		"two that need each other have one line": {append(slices.Clone(ring), in("a", "x:y:Z", "a2", "urn:b2")), 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := Draw(c.nodes, Style{})
			check(t, d)
			require.Len(t, d.Arrows, 3)
			backs, both := 0, 0
			for _, a := range d.Arrows {
				if a.Back {
					backs++
				}
				if a.Both {
					both++
				}
			}
			require.Equal(t, c.backs, backs)
			require.Equal(t, c.both, both)
		})
	}
}

// generated draws any graph: names in all scripts, rings, unknown parents.
func generated(t *rapid.T) []Node {
	text := rapid.OneOf(rapid.StringMatching(`[a-z][a-z-]{0,40}`), rapid.String(),
		rapid.SampledFrom([]string{
			"名前が長い資源の例名前が長い資源の例", "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW", "", "<b>&\"'",
		}))
	types := []string{"aws:ec2/subnet:Subnet", "aws:iam/role:Role", "kubernetes:core/v1:Namespace", "a:b", "odd",
		"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2"}
	nodes := []Node{{URN: stackURN, Type: "pulumi:pulumi:Stack", Name: "s"}}
	rooms := rapid.IntRange(0, 14).Draw(t, "rooms")
	for r := range rooms {
		nodes = append(nodes, Node{
			URN: fmt.Sprint("room", r), Type: "emrflink:x:" + text.Draw(t, "kind"), Name: text.Draw(t, "room"), Parent: stackURN,
		})
	}
	for i := range rapid.IntRange(0, 60).Draw(t, "nodes") {
		n := Node{
			URN: fmt.Sprint("n", i), Type: rapid.SampledFrom(types).Draw(t, "type"), Name: text.Draw(t, "name"),
			Parent: fmt.Sprint("room", rapid.IntRange(0, rooms).Draw(t, "parent")),
			Op:     rapid.SampledFrom([]string{"", "same", "create", "update", "replace", "delete"}).Draw(t, "op"),
			May:    rapid.Bool().Draw(t, "may"),
		}
		for range rapid.IntRange(0, 3).Draw(t, "needs") {
			n.DependsOn = append(n.DependsOn, fmt.Sprint("n", rapid.IntRange(0, 60).Draw(t, "need")))
		}
		nodes = append(nodes, n)
	}
	return nodes
}

func TestNoBoxOverlapsAndEveryLabelFits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		nodes := generated(rt)
		style := Style{
			Fold: rapid.Bool().Draw(rt, "fold"), Internal: rapid.Bool().Draw(rt, "internal"),
			Width: rapid.SampledFrom([]int{0, 500, 2000}).Draw(rt, "width"), Top: 44,
		}
		d := Draw(nodes, style)
		check(rt, d)
		mixed := slices.Clone(nodes)
		slices.Reverse(mixed)
		require.Equal(rt, render(rt, d), render(rt, Draw(mixed, style)), "the order of the nodes makes no difference")
	})
}

func render(t require.TestingT, d Drawing) string {
	var b bytes.Buffer
	require.NoError(t, d.SVG(&b, "a <title> & more"))
	for dec := xml.NewDecoder(bytes.NewReader(b.Bytes())); ; {
		_, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err, "the picture is XML")
	}
	require.NoError(t, d.Mermaid(&b))
	return b.String()
}

// Few renderers but browsers know variables, media queries, scripts or HTML in a picture.
func TestThePictureNeedsNoBrowser(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	require.NoError(t, Draw(large(3, "same", "create", "update", "replace", "delete"), Style{Fold: true}).SVG(&b, "a"))
	plain, more, found := strings.Cut(stylesheet(), "@media")
	require.True(t, found)
	require.Equal(t, 1, strings.Count(stylesheet(), "@"), "what some cannot read is at the end")
	require.Regexp(t, `^ \(prefers-color-scheme: dark\) \{\n(  .+\n)+\}\n$`, more)
	require.NotContains(t, plain+more, "var(")
	require.Equal(t, strings.Count(rules, "var("), strings.Count(plain, "#"), "every colour is known")
	require.Equal(t, strings.Count(rules, "var("), strings.Count(more, "#"))
	drawn := map[string]bool{}
	for dec := xml.NewDecoder(&b); ; {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		e, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		require.Contains(t, []string{"svg", "title", "desc", "style", "rect", "text", "tspan", "g", "path"}, e.Name.Local)
		drawn[e.Name.Local] = true
		for _, a := range e.Attr {
			require.NotEqual(t, "style", a.Name.Local)
			if a.Name.Local == "class" && slices.Contains([]string{"rect", "path"}, e.Name.Local) {
				class, _, _ := strings.Cut(a.Value, " ")
				require.Regexp(t, `(?m)^[^{]*\.`+class+`\b[^{]*\{[^}]*fill: (#[0-9a-f]{6}|none);`, plain, "else it is black")
			}
		}
	}
	require.Len(t, drawn, 9)
}

func apart(a, b Box) bool {
	return a.X+a.W <= b.X || b.X+b.W <= a.X || a.Y+a.H <= b.Y || b.Y+b.H <= a.Y
}

func inside(a, b Box) bool {
	return a.X >= b.X && a.Y >= b.Y && a.X+a.W <= b.X+b.W && a.Y+a.H <= b.Y+b.H
}

// check holds a picture against the promises of the package.
func check(t require.TestingT, d Drawing) {
	paper := Box{0, 0, d.Width, d.Height}
	for i, r := range d.Rooms {
		require.True(t, inside(r.Box, paper), "room %q is on the paper", r.Title)
		for _, other := range d.Rooms[i+1:] {
			require.True(t, apart(r.Box, other.Box), "rooms %q and %q", r.Title, other.Title)
		}
		require.LessOrEqual(t, textWidth(r.Title, titleFont, true)+headGap+textWidth(r.Sub, subFont, false)+2*padding,
			r.W+headGap, "header of %q", r.Title)
		for k, item := range r.Items {
			require.True(t, inside(item.Box, r.Box), "item %q is in its room", item.Label)
			for _, other := range r.Items[k+1:] {
				require.True(t, apart(item.Box, other.Box), "items %q and %q", item.Label, other.Label)
			}
			used := 22 + textWidth(item.Label, itemFont, false)
			if item.folded {
				used = 2*9 + textWidth(item.Service, itemFont, false) + 5 + textWidth(item.Label, itemFont, false)
			}
			if n := item.Number(); n != "" {
				used += 5 + textWidth(n, itemFont, true)
			}
			require.LessOrEqual(t, used, item.W, "label %q", item.Label)
		}
	}
	for _, a := range d.Arrows {
		require.Less(t, d.Rooms[a.From].Y, d.Rooms[a.To].Y, "arrows lead down")
		for i := 1; i < len(a.Points); i++ {
			for _, p := range along(a.Points[i-1], a.Points[i], i%2 == 1) {
				for _, r := range d.Rooms {
					hit := p.X > r.X && p.X < r.X+r.W && p.Y > r.Y && p.Y < r.Y+r.H
					require.False(t, hit, "an arrow crosses room %q", r.Title)
				}
			}
		}
	}
}

// along samples a straight line or the curve that the picture has there.
func along(a, b Point, straight bool) []Point {
	var out []Point
	for n := range 21 {
		u := float64(n) / 20
		v := 1 - u
		p := Point{a.X + (b.X-a.X)*n/20, a.Y + (b.Y-a.Y)*n/20}
		if !straight {
			p.X = int(float64(a.X)*(v*v*v+3*v*v*u) + float64(b.X)*(u*u*u+3*u*u*v))
			p.Y = int(float64(a.Y)*v*v*v + float64(a.Y+bend)*3*v*v*u + float64(b.Y-bend)*3*v*u*u + float64(b.Y)*u*u*u)
		}
		out = append(out, p)
	}
	return out
}

func TestTwoThousandResourcesKeepThePromisesToo(t *testing.T) {
	t.Parallel()
	nodes := []Node{{URN: stackURN, Type: "pulumi:pulumi:Stack", Name: "big"}}
	for r := range 40 {
		room := fmt.Sprintf("team-%02d", r)
		nodes = append(nodes, component(room))
		for i := range 50 {
			n := in(room, fmt.Sprintf("aws:iam/thing%d:Thing%d", i%9, i%9), fmt.Sprintf("%s-thing-%d", room, i))
			n.Op = []string{"create", "same", "update", "delete"}[i%4]
			if r > 2 {
				n.DependsOn = []string{
					fmt.Sprintf("urn:team-%02d-thing-%d", r%7, i), fmt.Sprintf("urn:team-%02d-thing-%d", r/2, i),
				}
			}
			nodes = append(nodes, n)
		}
	}
	for _, fold := range []bool{true, false} {
		check(t, Draw(nodes, Style{Fold: fold}))
	}
}

func TestALabelIsCutToItsRoom(t *testing.T) {
	t.Parallel()
	require.Equal(t, "short", cut("short", 100, 12, false))
	long := cut("a-very-long-name-of-a-resource", 100, 12, false)
	require.True(t, strings.HasSuffix(long, ellipsis))
	require.LessOrEqual(t, textWidth(long, 12, false), 100)
	require.Equal(t, ellipsis, cut("名前", 5, 12, false))
}
