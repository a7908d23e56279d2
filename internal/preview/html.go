// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"emrflink/internal/graph"
	"emrflink/internal/untyped"
)

// The parts of the page.
//
//go:embed page/page.html
var pageHTML string

//go:embed page/page.css
var pageCSS string

//go:embed page/page.js
var pageJS string

// mostLines is how many lines of one diff the page carries: more is in the JSON document.
const mostLines = 2_000

// pageData is what the template shows; the rest is in Data, for the script.
type pageData struct {
	Doc            Document
	Mode           string
	Changes        int
	Counts         []pageCount
	Loss           string
	Loud           []pageLoud
	Cost           []amount
	Billed         []position
	Findings       []pageFinding
	Open, Accepted int
	Policy         string
	Style          template.CSS
	Script         template.JS
	Data           template.JS
	Graph          template.HTML
	Width, Height  int
}

// pageCount is a button that filters by what happens.
type pageCount struct {
	Op, Mark, Word string
	N              int
}

// pageLoud is a resource that goes away. Node is its place in the data of the script.
type pageLoud struct {
	Node                         int
	Op, Word, Name, Type, Reason string
	Destroys                     string
	Nothing                      bool // is lost
}

type pageFinding struct {
	Finding

	Name string
	Node int // -1 for a resource that is not in the plan
}

// pageNode is a resource for the script. The names are short because there may be thousands.
type pageNode struct {
	URN      string   `json:"u"`
	Type     string   `json:"t"`
	Name     string   `json:"n"`
	Op       string   `json:"o"`
	Room     string   `json:"r"`
	Reasons  []string `json:"w"`
	Destroys string   `json:"x"`
	Needs    []int    `json:"d"`
	Lines    []string `json:"l"`
}

// HTML writes the plan as one page that needs nothing else: no request leaves it, and only its own script and style
// may run.
func (r Report) HTML(w io.Writer) error { return writePage(w, r.Document, r.positions()) }

func writePage(w io.Writer, d Document, billed []position) error {
	drawing := graph.Draw(graphNodes(d), graph.Style{Internal: true})
	page := pageData{
		Doc: d, Mode: modeSentence(d), Loss: lossSentence(d), Style: template.CSS(pageCSS), Script: template.JS(pageJS),
		Changes: d.Summary.Create + d.Summary.Update + d.Summary.Replace + d.Summary.Delete,
		Width:   drawing.Width, Height: drawing.Height, Cost: amounts(d.Cost), Billed: billed,
	}
	page.Policy = fmt.Sprintf("default-src 'none'; script-src '%s'; style-src '%s'; base-uri 'none'; form-action 'none'",
		allowed(pageJS), allowed(pageCSS))
	var svg strings.Builder
	drawing.Fragment(&svg)
	page.Graph = template.HTML(svg.String()) // made of escaped text
	steps, index := ordered(d, drawing)
	data, err := json.Marshal(scriptData(drawing, steps, index, rowsOf(d))) // < and > and & are escaped by default
	if err != nil {
		return fmt.Errorf("encode the data of the page: %w", err)
	}
	page.Data = template.JS(data)
	page.fill(steps, index)
	t, err := template.New("page").Funcs(template.FuncMap{
		"thousands": thousands, "some": some, "hour": costHour, "month": costMonth, "what": costWhat,
	}).Parse(pageHTML)
	if err != nil {
		return fmt.Errorf("read the template of the page: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, page); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	_, err = w.Write(b.Bytes())
	return err
}

// allowed names exactly this text in a content security policy.
func allowed(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// ordered returns the steps in the order of the drawing's nodes, and where each URN is.
func ordered(d Document, drawing graph.Drawing) ([]Step, map[string]int) {
	byURN := make(map[string]Step, len(d.Steps))
	for _, s := range d.Steps {
		byURN[s.URN] = s
	}
	steps := make([]Step, 0, len(d.Steps))
	index := make(map[string]int, len(d.Steps))
	for i, n := range drawing.Nodes {
		steps = append(steps, byURN[n.URN])
		index[n.URN] = i
	}
	return steps, index
}

// scriptData is what the script works with: nodes, the nodes behind each item of the picture, and the component of
// each room.
func scriptData(drawing graph.Drawing, steps []Step, index map[string]int, known map[string]row) any {
	nodes := make([]pageNode, len(steps))
	for i, s := range steps {
		n := pageNode{URN: clean(s.URN), Type: clean(s.Type), Name: clean(s.Name), Op: "same", Reasons: []string{},
			Destroys: clean(s.Destroys), Needs: []int{}, Lines: []string{}}
		if g := actOf(s); g < len(acts) {
			n.Op = acts[g].op
		}
		for _, r := range forcedBy(s) {
			n.Reasons = append(n.Reasons, clean(r))
		}
		for _, urn := range s.DependsOn {
			if k, ok := index[urn]; ok {
				n.Needs = append(n.Needs, k)
			}
		}
		lines := stepLines(s, known)
		for k, l := range lines {
			if k == mostLines {
				n.Lines = append(n.Lines, "  ... "+some(len(lines)-k, "more line"))
				break
			}
			n.Lines = append(n.Lines, l.String())
		}
		nodes[i] = n
	}
	items := [][]int{}
	rooms := []int{}
	for _, r := range drawing.Rooms {
		rooms = append(rooms, r.Node)
		for _, i := range r.Nodes {
			nodes[i].Room = r.Title
		}
		for _, i := range r.Items {
			items = append(items, i.Nodes)
		}
	}
	return map[string]any{"nodes": nodes, "items": items, "rooms": rooms, "order": listOrder(steps)}
}

// listOrder is the order of the list, see graver.
func listOrder(steps []Step) []int {
	order := make([]int, len(steps))
	for i := range steps {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return graver(steps[a], steps[b]) })
	return order
}

// fill makes what the template shows without the script.
func (p *pageData) fill(steps []Step, index map[string]int) {
	n := countActs(steps)
	for i, a := range acts {
		p.Counts = append(p.Counts, pageCount{a.op, strings.NewReplacer("+-", "±", "-", "−").Replace(a.mark), a.word, n[i]})
	}
	p.Counts = append(p.Counts, pageCount{"same", "=", "unchanged", n[len(acts)]})
	for _, s := range lossSteps(steps) {
		var reasons []string
		for _, r := range forcedBy(s) {
			reasons = append(reasons, clean(r))
		}
		a := acts[actOf(s)]
		p.Loud = append(p.Loud, pageLoud{
			Node: index[s.URN], Op: a.op, Word: a.word, Name: clean(s.Name), Type: clean(s.Type),
			Reason:   strings.Join(reasons, ", "),
			Destroys: clean(s.Destroys), Nothing: s.Destroys == nothingLost,
		})
	}
	for _, f := range p.Doc.Findings {
		node, ok := index[f.URN]
		if !ok {
			node = -1
		}
		if f.Accepted {
			p.Accepted++
		} else {
			p.Open++
		}
		f.Rule, f.Path, f.Message, f.Reason = clean(f.Rule), clean(f.Path), clean(f.Message), clean(f.Reason)
		p.Findings = append(p.Findings, pageFinding{Finding: f, Name: clean(untyped.URNName(f.URN)), Node: node})
	}
}
