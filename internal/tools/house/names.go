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

// wrongNames lists what a page in docs/ names in backticks and the repository does not have.
func wrongNames(root, page string) ([]string, error) {
	links, err := wrongLinks(root, page)
	if err != nil {
		return nil, err
	}
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		return nil, fmt.Errorf("read the targets of make: %w", err)
	}
	return append(links, wrongQuotes(root, string(makefile), link.ReplaceAllString(page, ""))...), nil
}

// wrongLinks looks at links: the text of one to a Go file is a declaration of that file.
func wrongLinks(root, page string) (wrong []string, err error) {
	declared := map[string]map[string]bool{}
	for _, m := range link.FindAllStringSubmatch(page, -1) {
		text, file := m[1], filepath.Join(root, "docs", m[2])
		if !exists(file) {
			wrong = append(wrong, fmt.Sprintf("%s: the link goes to %s, which does not exist", text, m[2]))
			continue
		}
		if !strings.HasSuffix(file, ".go") || !ident.MatchString(text) {
			continue
		}
		if declared[file] == nil {
			if declared[file], err = declarations(file); err != nil {
				return nil, err
			}
		}
		if !declared[file][text] {
			wrong = append(wrong, fmt.Sprintf("%s: %s does not declare it", text, m[2]))
		}
	}
	return wrong, nil
}

// wrongQuotes looks at what is no link: what has a slash is a path, in which NAME stands for any word, and after make
// stands a target.
func wrongQuotes(root, makefile, text string) (wrong []string) {
	for _, m := range quote.FindAllStringSubmatch(text, -1) {
		target, isMake := strings.CutPrefix(m[1], "make ")
		path, _, _ := strings.Cut(m[1], "NAME")
		switch {
		case isMake && !strings.Contains(makefile, "\n"+target+":"):
			wrong = append(wrong, m[1]+": there is no such target")
		case goName.MatchString(m[1]):
			wrong = append(wrong, m[1]+": make it a link to its file")
		case strings.Contains(m[1], "/") && !strings.Contains(m[1], " ") && !exists(filepath.Join(root, path)):
			wrong = append(wrong, m[1]+": there is no such path")
		}
	}
	return wrong
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
