// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/golden"
)

// large is a graph with all that a layout has to care for: rings, arrows over several layers, rooms of many and of long
// names, every operation. It is the same at each run.
func large(seed uint64, ops ...string) []Node {
	r := rand.New(rand.NewPCG(seed, 0))
	types := []string{
		"aws:ec2/subnet:Subnet", "aws:iam/role:Role", "kubernetes:core/v1:Namespace", "aws:s3/bucketV2:BucketV2", "odd",
		"aws:eks/cluster:Cluster", "aws:sqs/queue:Queue", "aws:cloudwatch/logGroup:LogGroup", "random:index/id:Id",
		"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
	}
	names := []string{"a", "a-name-of-the-usual-length", strings.Repeat("W", 46), "名前が長い資源の例"}
	const rooms, resources = 12, 60
	nodes := []Node{
		{URN: stackURN, Type: "pulumi:pulumi:Stack", Name: "s"},
		{URN: "loose", Type: types[6], Name: "loose.of/all:9_zZ×", Parent: stackURN},
	}
	for i := range rooms {
		nodes = append(nodes, Node{
			URN: fmt.Sprint("room", i), Type: "emrflink:x:" + names[i%2], Name: strings.Repeat(names[r.IntN(4)], 1+i%3),
			Parent: stackURN,
		})
	}
	for i := range resources {
		home := min(r.IntN(rooms), r.IntN(rooms)) // some rooms have many, some none
		n := Node{
			URN: fmt.Sprintf("n%02d", i), Type: types[r.IntN(len(types))], Name: fmt.Sprint(names[r.IntN(4)], i),
			Parent: fmt.Sprint("room", home), Op: ops[r.IntN(len(ops))], May: i%3 == 0,
		}
		for range r.IntN(3) {
			n.DependsOn = append(n.DependsOn, fmt.Sprintf("n%02d", r.IntN(i+2)))
		}
		nodes = append(nodes, n)
	}
	return nodes
}

func TestALargeGraphIsDrawnAsItWas(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		nodes []Node
		style Style
	}{
		"large-folded":  {large(1, ""), Style{Fold: true, Top: TopSpace, Bottom: BottomSpace}},
		"large-narrow":  {large(2, "same"), Style{Width: 500, Top: 7, Bottom: 11}},
		"large-changes": {large(3, "same", "create", "update", "replace", "delete"), Style{Internal: true, Top: TopSpace}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := Draw(c.nodes, c.style)
			var svg, mermaid bytes.Buffer
			require.NoError(t, d.SVG(&svg, strings.Repeat("a title ", 20)))
			require.NoError(t, d.Mermaid(&mermaid))
			golden.Equal(t, "testdata/"+name+".svg", strings.Replace(svg.String(), stylesheet(), "", 1))
			golden.Equal(t, "testdata/"+name+".mmd", mermaid.String())
		})
	}
}

func TestWhatXMLDoesNotAllowIsReplaced(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a\tb\nc d": "a\tb\nc d", "\x1f": "\uFFFD", "~": "~", "\x7f": "\uFFFD", "\u009f": "\uFFFD", "\u00a0": "\u00a0",
		"\uFFFE": "\uFFFD", "\uFFFF": "\uFFFD", "<&>\"'": "&lt;&amp;&gt;&quot;&#39;",
	} {
		require.Equal(t, want, Escape(in))
	}
}

func TestMermaidSpellsWhatItWouldRead(t *testing.T) {
	t.Parallel()
	const plain = " -./:_×09azAZ"
	require.Equal(t, plain, quoted(plain))
	require.Equal(t, "#59;#91;#96;#123;#64;#34;#44;", quoted(";[`{@\","))
}

func TestALabelIsCutAtTheLastLetterThatFits(t *testing.T) {
	t.Parallel()
	const full = "abcdefgh"
	require.Equal(t, full, cut(full, textWidth(full, 12, true), 12, true))
	for n := 1; n < len(full)-1; n++ {
		short := full[:n] + ellipsis
		require.Equal(t, short, cut(full, textWidth(short, 12, true), 12, true))
		if n > 1 {
			require.Equal(t, full[:n-1]+ellipsis, cut(full, textWidth(short, 12, true)-1, 12, true))
		}
	}
	require.Equal(t, ellipsis, cut(full, textWidth("a"+ellipsis, 12, true)-1, 12, true))
	require.Equal(t, ellipsis, cut(full, -1, 12, true))
	require.Equal(t, textWidth("é", 100, false), textWidth("#", 100, false), "Latin with marks")
	require.Equal(t, 100, textWidth("ɐ", 100, false), "the first letter behind it")
}

func TestALegendNamesAsManyServicesAsThereIsRoomFor(t *testing.T) {
	t.Parallel()
	legend := func(services int) string {
		nodes := []Node{component("a")}
		for i := range services {
			nodes = append(nodes, in("a", fmt.Sprintf("aws:service%02d/x:X", i), fmt.Sprintf("x%02d", i)))
		}
		d := Draw(nodes, Style{Fold: true})
		var b strings.Builder
		d.legend(&b, 640)
		return b.String()
	}
	require.Contains(t, legend(30), ">and 25 more<")
	require.Equal(t, 5, strings.Count(legend(30), "swatch"))
	require.NotContains(t, legend(6), "more", "the last one takes no more room than the words")
	require.Contains(t, legend(7), ">and 2 more<")
}

// A graph of which the first node is a component: its index is 0.
func TestTheFirstNodeMayBeAComponent(t *testing.T) {
	t.Parallel()
	d := Draw([]Node{
		component("a"), in("a", "x:y:Z", "a1"), component("b"), in("b", "x:y:Z", "b1", "urn:a1"),
		{URN: "urn:loose", Type: "aws:sqs/queue:Queue", Name: "loose"},
	}, Style{Fold: true, Width: 300})
	var svg, mermaid bytes.Buffer
	require.NoError(t, d.SVG(&svg, "a"))
	require.NoError(t, d.Mermaid(&mermaid))
	golden.Equal(t, "testdata/first.svg", strings.Replace(svg.String(), stylesheet(), "", 1))
	golden.Equal(t, "testdata/first.mmd", mermaid.String())
}
