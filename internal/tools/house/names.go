// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

var (
	link  = regexp.MustCompile("\\[`([^`]+)`\\]\\(([^)#]+)\\)")
	quote = regexp.MustCompile("`([^`\n]+)`")
	ident = regexp.MustCompile(`^\w+(\.\w+)?$`)
	// goName is a name that only source has: a test, or a type with a method.
	goName = regexp.MustCompile(`^(Test[A-Z]\w*|[A-Z]\w*\.[A-Z]\w*)$`)
)

// wrongNames lists what a page in docs/ names in backticks and the repository does not have. The text of a link to a Go
// file is a declaration of it; what has a slash is a path, in which NAME stands for any word; after make stands a target.
func wrongNames(root, page string) ([]string, error) {
	var wrong []string
	add := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	declared := map[string]map[string]bool{}
	for _, m := range link.FindAllStringSubmatch(page, -1) {
		text, file := m[1], filepath.Join(root, "docs", m[2])
		switch {
		case !exists(file):
			add("%s: the link goes to %s, which does not exist", text, m[2])
		case strings.HasSuffix(file, ".go") && ident.MatchString(text):
			if declared[file] == nil {
				names, err := declarations(file)
				if err != nil {
					return nil, err
				}
				declared[file] = names
			}
			if !declared[file][text] {
				add("%s: %s does not declare it", text, m[2])
			}
		}
	}
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		return nil, fmt.Errorf("read the targets of make: %w", err)
	}
	for _, m := range quote.FindAllStringSubmatch(link.ReplaceAllString(page, ""), -1) {
		words := strings.Fields(m[1])
		target, isMake := strings.CutPrefix(m[1], "make ")
		switch {
		case isMake && !strings.Contains(string(makefile), "\n"+target+":"):
			add("%s: there is no such target", m[1])
		case goName.MatchString(m[1]):
			add("%s: make it a link to its file", m[1])
		case len(words) == 1 && strings.Contains(m[1], "/"):
			path, _, _ := strings.Cut(m[1], "NAME")
			if !exists(filepath.Join(root, strings.TrimSuffix(path, "..."))) {
				add("%s: there is no such path", m[1])
			}
		}
	}
	return wrong, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// declarations are the names that a Go file declares: functions, types, constants and variables, Type.Method and
// Type.field.
func declarations(file string) (map[string]bool, error) {
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("read the names of a Go file: %w", err)
	}
	names := map[string]bool{}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			names[receiver(d)+d.Name.Name] = true
		case *ast.GenDecl:
			for _, s := range d.Specs {
				specNames(names, s)
			}
		}
	}
	return names, nil
}

// receiver is the type of a method with a dot behind it, "" for a function.
func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return ""
	}
	typ := d.Recv.List[0].Type
	if p, ok := typ.(*ast.StarExpr); ok {
		typ = p.X
	}
	if id, ok := typ.(*ast.Ident); ok {
		return id.Name + "."
	}
	return ""
}

func specNames(names map[string]bool, s ast.Spec) {
	switch s := s.(type) {
	case *ast.ValueSpec:
		for _, n := range s.Names {
			names[n.Name] = true
		}
	case *ast.TypeSpec:
		names[s.Name.Name] = true
		if st, ok := s.Type.(*ast.StructType); ok {
			for _, f := range st.Fields.List {
				for _, n := range f.Names {
					names[s.Name.Name+"."+n.Name] = true
				}
			}
		}
	}
}
