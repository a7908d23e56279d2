// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/doc"
	"go/doc/comment"
	"go/printer"
	"maps"
	"slices"
	"strings"

	"emrflink/components/componenttest"
)

// child is a type of resource that a component makes, with the names of those that the default blueprint has.
type child struct {
	typ   string
	names []string
}

// childrenOf lists what each component of a graph makes, by the component's Pulumi type: its own children, not those of
// the components inside it.
func childrenOf(g *componenttest.Graph) map[string][]child {
	types := map[string]string{}
	for _, r := range g.Resources {
		types[r.Name] = r.Type
	}
	found := map[string]map[string][]string{}
	for _, r := range g.Resources {
		owner := types[r.Parent]
		if r.Parent == "" || owner == "" {
			continue
		}
		if found[owner] == nil {
			found[owner] = map[string][]string{}
		}
		found[owner][r.Type] = append(found[owner][r.Type], r.Name)
	}
	out := map[string][]child{}
	for owner, byType := range found {
		for _, typ := range slices.Sorted(maps.Keys(byType)) {
			names := byType[typ]
			slices.Sort(names)
			out[owner] = append(out[owner], child{typ, names})
		}
	}
	return out
}

// index lists the pages.
func index(packages []pkg) string {
	var b strings.Builder
	b.WriteString("# Components\n\nThe packages that a Pulumi program of your own imports. " +
		"[examples/custom-stack](../../../examples/custom-stack/README.md) composes them into something else than\n" +
		"the blueprint; `stacks` is the blueprint.\n\n| package | Pulumi types | what it is |\n|---|---|---|\n")
	for _, p := range packages {
		var tokens []string
		for _, c := range p.components {
			tokens = append(tokens, code(c.token))
		}
		fmt.Fprintf(&b, "| [`%s`](%s) | %s | %s |\n", strings.TrimPrefix(p.path, module+"/"), p.file(),
			strings.Join(tokens, ", "), cell(p.doc.Synopsis(p.doc.Doc)))
	}
	return b.String()
}

// page is the page of a package.
func page(p pkg, makes map[string][]child) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n```go\nimport %q\n```\n\n%s\n", p.doc.Name, p.path, p.prose(p.doc.Doc))
	done := map[string]bool{}
	for _, c := range p.components {
		p.component(&b, c, makes[c.token])
		done[c.typ.Name] = true
		if c.args != nil {
			done[c.args.Name] = true
		}
	}
	p.rest(&b, done)
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// component writes one component: how it is made, of what, what comes of it.
func (p pkg) component(b *strings.Builder, c component, children []child) {
	fmt.Fprintf(b, "\n## %s\n\nPulumi type `%s`. %s\n", c.typ.Name, c.token, p.prose(c.typ.Doc))
	if c.constructor != nil {
		fmt.Fprintf(b, "\n%s\n\n```go\n%s\n```\n", p.prose(c.constructor.Doc), p.source(signature(c.constructor)))
	}
	if c.args != nil {
		fmt.Fprintf(b, "\n### %s\n\n%s\n", c.args.Name, p.prose(c.args.Doc))
		table(b, "argument", p.fields(c.args))
	}
	if out := p.fields(c.typ); len(out) > 0 {
		b.WriteString("\n### What it gives\n\nA name in the second column is an output of the Pulumi resource too.\n\n| field " +
			"| output | type | meaning |\n|---|---|---|---|\n")
		for _, f := range out {
			fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", f.name, code(f.tag), code(f.typ), cell(f.doc))
		}
	}
	if len(children) > 0 {
		b.WriteString("\n### What it makes in the default blueprint\n\n| resource | names |\n|---|---|\n")
		for _, ch := range children {
			var names []string
			for _, n := range ch.names {
				names = append(names, code(n))
			}
			fmt.Fprintf(b, "| `%s` | %s |\n", ch.typ, strings.Join(names, ", "))
		}
	}
}

// table lists the fields of a struct.
func table(b *strings.Builder, what string, fields []field) {
	if len(fields) == 0 {
		return
	}
	fmt.Fprintf(b, "\n| %s | type | meaning |\n|---|---|---|\n", what)
	for _, f := range fields {
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", f.name, code(f.typ), cell(f.doc))
	}
}

// rest writes what belongs to no component: other types, functions, constants.
func (p pkg) rest(b *strings.Builder, done map[string]bool) {
	values := append(slices.Clone(p.doc.Consts), p.doc.Vars...)
	funcs := slices.Clone(p.doc.Funcs)
	var types []*doc.Type
	for _, t := range p.doc.Types {
		values = append(append(values, t.Consts...), t.Vars...)
		for _, f := range t.Funcs {
			if !done[t.Name] || f.Name != "New"+t.Name {
				funcs = append(funcs, f)
			}
		}
		if !done[t.Name] {
			types = append(types, t)
		}
		for _, m := range t.Methods {
			funcs = append(funcs, m)
		}
	}
	slices.SortStableFunc(funcs, func(x, y *doc.Func) int {
		return cmp.Or(cmp.Compare(x.Recv, y.Recv), cmp.Compare(x.Name, y.Name))
	})
	for _, t := range types {
		fmt.Fprintf(b, "\n## type %s\n\n%s\n", t.Name, p.prose(t.Doc))
		table(b, "field", p.fields(t))
	}
	if len(funcs) > 0 {
		b.WriteString("\n## Functions\n")
	}
	for _, f := range funcs {
		p.block(b, signature(f), f.Doc)
	}
	if len(values) > 0 {
		b.WriteString("\n## Constants\n")
	}
	for _, v := range values {
		p.block(b, v.Decl, v.Doc)
	}
}

// signature is a function without its body and comment.
func signature(f *doc.Func) *ast.FuncDecl {
	d := *f.Decl
	d.Doc, d.Body = nil, nil
	return &d
}

// source prints a piece of the source.
func (p pkg) source(node any) string {
	var b strings.Builder
	if d, ok := node.(*ast.GenDecl); ok {
		c := *d
		c.Doc = nil
		node = &c
	}
	if err := (&printer.Config{Mode: printer.UseSpaces, Tabwidth: 4}).Fprint(&b, p.fset, node); err != nil {
		return err.Error() // a node that was parsed is printed
	}
	return b.String()
}

// prose is a comment as Markdown. Its links name other parts of the same page.
func (p pkg) prose(text string) string {
	printer := p.doc.Printer()
	printer.HeadingLevel = 3
	printer.HeadingID = func(*comment.Heading) string { return "" }
	printer.DocLinkURL = func(*comment.DocLink) string { return "" }
	return strings.TrimSpace(string(printer.Markdown(p.doc.Parser().Parse(text))))
}

// block writes a piece of Go with its comment.
func (p pkg) block(b *strings.Builder, node any, text string) {
	fmt.Fprintf(b, "\n```go\n%s\n```\n", p.source(node))
	if text != "" {
		fmt.Fprintf(b, "\n%s\n", p.prose(text))
	}
}

func cell(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "|", "\\|")
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "|", "\\|") + "`"
}
