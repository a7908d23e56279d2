// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// module is the path of the module that the packages are in.
const module = "emrflink"

// pkg is one package of the source.
type pkg struct {
	path string // import path
	doc  *doc.Package
	fset *token.FileSet
	// components are the types with a Pulumi type of their own, in the order of the source.
	components []component
}

// component is a type that embeds pulumi.ResourceState.
type component struct {
	token       string // Pulumi type
	typ, args   *doc.Type
	constructor *doc.Func
}

// file is the name of the package's page.
func (p pkg) file() string { return p.doc.Name + ".md" }

// public lists the folders of the packages that other people import.
func public(root string) ([]string, error) {
	dirs, err := filepath.Glob(filepath.Join(root, "components", "*"))
	if err != nil {
		return nil, err
	}
	dirs = slices.DeleteFunc(dirs, func(d string) bool { return filepath.Base(d) == "componenttest" })
	return append(dirs, filepath.Join(root, "karpenter"), filepath.Join(root, "stacks")), nil
}

// load reads the packages.
func load(root string) ([]pkg, error) {
	dirs, err := public(root)
	if err != nil {
		return nil, fmt.Errorf("list packages: %w", err)
	}
	var out []pkg
	for _, dir := range dirs {
		rel, err := filepath.Rel(root, dir)
		if err != nil {
			return nil, fmt.Errorf("name package: %w", err)
		}
		p, err := parse(dir, module+"/"+filepath.ToSlash(rel))
		if err != nil {
			return nil, fmt.Errorf("read package %s: %w", rel, err)
		}
		out = append(out, p)
	}
	return out, nil
}

func parse(dir, path string) (pkg, error) {
	p := pkg{path: path, fset: token.NewFileSet()}
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return p, err
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		src, err := os.ReadFile(name)
		if err != nil {
			return p, err
		}
		f, err := parser.ParseFile(p.fset, name, src, parser.ParseComments)
		if err != nil {
			return p, err
		}
		files = append(files, f)
	}
	tokens, err := tokensOf(files)
	if err != nil {
		return p, err
	}
	// The bodies of constructors were read above; go/doc drops them.
	if p.doc, err = doc.NewFromFiles(p.fset, files, path); err != nil {
		return p, err
	}
	types := map[string]*doc.Type{}
	for _, t := range p.doc.Types {
		types[t.Name] = t
	}
	for _, t := range p.doc.Types {
		if tok, ok := tokens["New"+t.Name]; ok {
			c := component{token: tok, typ: t}
			for _, f := range t.Funcs {
				if f.Name == "New"+t.Name {
					c.constructor, c.args = f, types[argument(f)]
				}
			}
			p.components = append(p.components, c)
		}
	}
	return p, nil
}

// tokensOf finds the Pulumi type that each constructor registers: it is a constant.
func tokensOf(files []*ast.File) (map[string]string, error) {
	constants, out := constantsOf(files), map[string]string{}
	var problem error
	for _, f := range files {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Body == nil || fn.Recv != nil {
				continue
			}
			for _, name := range registered(fn) {
				if constants[name] == "" {
					problem = fmt.Errorf("%s registers a type that is no constant of the package", fn.Name.Name)
					continue
				}
				out[fn.Name.Name], problem = unquoted(constants[name], problem)
			}
		}
	}
	return out, problem
}

// constantsOf are the names that stand for one text, with the text as it is written.
func constantsOf(files []*ast.File) map[string]string {
	out := map[string]string{}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok && len(v.Names) == 1 && len(v.Values) == 1 {
				if lit, ok := v.Values[0].(*ast.BasicLit); ok && lit.Kind == token.STRING {
					out[v.Names[0].Name] = lit.Value
				}
			}
			return true
		})
	}
	return out
}

// registered are the names of the types that a function registers components of; "" for one without a name.
func registered(fn *ast.FuncDecl) []string {
	var out []string
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		if sel, ok := call.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "RegisterComponentResource" {
			name := ""
			if id, ok := call.Args[0].(*ast.Ident); ok {
				name = id.Name
			}
			out = append(out, name)
		}
		return true
	})
	return out
}

func unquoted(text string, before error) (string, error) {
	s, err := strconv.Unquote(text)
	if before != nil {
		return s, before
	}
	return s, err
}

// argument is the name of the type behind the pointer that a constructor takes third.
func argument(f *doc.Func) string {
	params := f.Decl.Type.Params.List
	if len(params) < 3 {
		return ""
	}
	star, _ := params[2].Type.(*ast.StarExpr)
	if star == nil {
		return ""
	}
	name, _ := star.X.(*ast.Ident)
	if name == nil {
		return ""
	}
	return name.Name
}

// field is a documented field of a struct.
type field struct {
	name, typ, doc, tag string
}

// fields are the exported fields of a struct type. A field without a comment of its own is documented by that of a field
// before it when the comment names it.
func (p pkg) fields(t *doc.Type) []field {
	var out []field
	spec, _ := t.Decl.Specs[0].(*ast.TypeSpec)
	if spec == nil {
		return nil
	}
	str, _ := spec.Type.(*ast.StructType)
	if str == nil {
		return nil
	}
	shared := ""
	for _, f := range str.Fields.List {
		text := strings.TrimSpace(f.Doc.Text())
		if text == "" {
			text = strings.TrimSpace(f.Comment.Text())
		}
		if text != "" {
			shared = text
		}
		tag := ""
		if f.Tag != nil {
			if raw, err := strconv.Unquote(f.Tag.Value); err == nil {
				tag = reflect.StructTag(raw).Get("pulumi")
			}
		}
		for _, n := range f.Names {
			if !n.IsExported() {
				continue
			}
			own := text
			if own == "" && strings.Contains(shared, n.Name) {
				own = shared
			}
			out = append(out, field{name: n.Name, typ: p.source(f.Type), doc: own, tag: tag})
		}
	}
	return out
}
