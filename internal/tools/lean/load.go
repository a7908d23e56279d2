// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// listed is what `go list` says about a package.
type listed struct {
	ImportPath, Dir string
	Standard        bool
	GoFiles         []string
	Imports         []string
	ImportMap       map[string]string
	Module          *struct{ Path, Version string }
}

// program is emrflink with the original modules.
type program struct {
	fset    *token.FileSet
	list    map[string]*listed
	types   map[string]*types.Package
	info    map[string]*types.Info // of the packages that mention a module to leave out
	modules []module
	stays   map[string]bool // packages that are still there without the modules
	needed  map[types.Object]bool
}

// load asks for the packages of the program as they were without the stand-ins, and type-checks them from source.
func load(root string, modules []module) (*program, error) {
	p := &program{
		fset: token.NewFileSet(), list: map[string]*listed{}, types: map[string]*types.Package{"unsafe": types.Unsafe},
		info: map[string]*types.Info{}, modules: modules, stays: map[string]bool{}, needed: map[types.Object]bool{},
	}
	out, err := listOriginals(root, modules)
	if err != nil {
		return nil, err
	}
	var order []*listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var l listed
		err := dec.Decode(&l)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read the list of packages: %w", err)
		}
		p.list[l.ImportPath] = &l
		order = append(order, &l)
	}
	p.reach("emrflink/cmd/emrflink")
	for _, l := range order { // go list -deps lists what is imported before what imports it
		if err := p.check(l); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// listOriginals lists all packages of emrflink with a go.mod in which the modules are themselves.
func listOriginals(root string, modules []module) ([]byte, error) {
	tmp, err := os.MkdirTemp("", "emrflink-lean-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	for _, name := range []string{"go.mod", "go.sum"} {
		body, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(tmp, name), body, 0o600); err != nil {
			return nil, err
		}
	}
	mod := filepath.Join(tmp, "go.mod")
	edit := []string{"mod", "edit"}
	for _, m := range modules {
		edit = append(edit, "-dropreplace="+m.path, "-require="+m.path+"@"+m.version)
	}
	abs, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	body, err := os.ReadFile(mod)
	if err != nil {
		return nil, err
	}
	// The stand-ins that stay are named by paths that the copy does not share.
	body = bytes.ReplaceAll(body, []byte("=> ./"), []byte("=> "+abs+"/"))
	if err := os.WriteFile(mod, body, 0o600); err != nil {
		return nil, err
	}
	if _, err := goCommand(root, append(edit, mod)...); err != nil {
		return nil, err
	}
	return goCommand(root, "list", "-modfile="+mod, "-mod=mod", "-deps",
		"-json=ImportPath,Dir,Standard,GoFiles,Imports,ImportMap,Module", "./cmd/emrflink")
}

func goCommand(dir string, args ...string) ([]byte, error) {
	cmd := exec.Command("go", args...) // #nosec G204 -- our own arguments
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0", "GOFLAGS=")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", args[0], err, stderr.Bytes())
	}
	return out, nil
}

// check type-checks one package; bodies only where they may mention what is left out.
func (p *program) check(l *listed) error {
	if l.ImportPath == "unsafe" {
		return nil
	}
	mentions := p.stays[l.ImportPath] && slices.ContainsFunc(l.Imports, p.leftOut)
	var files []*ast.File
	for _, name := range l.GoFiles {
		f, err := parser.ParseFile(p.fset, filepath.Join(l.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files = append(files, f)
	}
	info := &types.Info{
		Uses: map[*ast.Ident]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{},
		Types: map[ast.Expr]types.TypeAndValue{},
	}
	var first error
	conf := types.Config{
		Importer: importer{p, l}, IgnoreFuncBodies: !mentions, FakeImportC: true,
		Sizes: types.SizesFor("gc", "amd64"),
		Error: func(err error) {
			if first == nil {
				first = err
			}
		},
	}
	// What has no body to check is read leniently: assembler and cgo are not understood here.
	pkg, _ := conf.Check(l.ImportPath, p.fset, files, info)
	if mentions {
		if first != nil {
			return fmt.Errorf("check %s: %w", l.ImportPath, first)
		}
		p.info[l.ImportPath] = info
	}
	p.types[l.ImportPath] = pkg
	return nil
}

// reach notes what is imported, directly or not, without going through what is left out.
func (p *program) reach(path string) {
	l := p.list[path]
	if l == nil || p.stays[path] || p.leftOut(path) {
		return
	}
	p.stays[path] = true
	for _, imp := range l.Imports {
		p.reach(imp)
	}
}

// leftOut reports whether a package belongs to a module of the list.
func (p *program) leftOut(path string) bool { return p.moduleOf(path) != nil }

func (p *program) moduleOf(path string) *module {
	l := p.list[path]
	if l == nil || l.Module == nil {
		return nil
	}
	for i := range p.modules {
		if p.modules[i].path == l.Module.Path {
			return &p.modules[i]
		}
	}
	return nil
}

// importer finds what a package imports among those that were checked before it.
type importer struct {
	p *program
	l *listed
}

func (i importer) Import(path string) (*types.Package, error) {
	if mapped := i.l.ImportMap[path]; mapped != "" {
		path = mapped
	}
	if pkg := i.p.types[path]; pkg != nil {
		return pkg, nil
	}
	return nil, fmt.Errorf("%s is not listed", strings.TrimSpace(path))
}
