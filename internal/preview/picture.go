// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"io"

	"emrflink/internal/graph"
)

// pictureWidth is how wide a picture in a file of its own gets, if its rooms let it: three rooms beside each other.
const pictureWidth = 1_440

// SVG draws what there is once the plan is carried out.
func SVG(w io.Writer, d Document) error { return architecture(d).SVG(w, "stack "+clean(d.Stack)) }

// Mermaid writes the same as a flowchart.
func Mermaid(w io.Writer, d Document) error { return architecture(d).Mermaid(w) }

// architecture is the desired graph: what is deleted is not part of it, and what changes makes no difference.
func architecture(d Document) graph.Drawing {
	var nodes []graph.Node
	for _, n := range graphNodes(d) {
		if n.Op != "delete" {
			n.Op, n.May = "", false
			nodes = append(nodes, n)
		}
	}
	return graph.Draw(nodes, graph.Style{Fold: true, Width: pictureWidth, Top: graph.TopSpace, Bottom: graph.BottomSpace})
}
