// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"go/build"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// module is the path of the main module; localkube, the other one, is below it.
const module = "emrflink"

// pkg is one package of the project.
type pkg struct {
	// path is the folder, seen from the root of the repository.
	path string
	// doc is the first sentence of the package comment.
	doc string
	// imports are the folders of the project's packages that it imports outside its tests.
	imports []string
}

// load reads the packages of both modules, sorted by folder: the comments and the imports, nothing is compiled.
func load(root string) ([]pkg, error) {
	platform := build.Default
	platform.GOOS, platform.GOARCH, platform.CgoEnabled = "linux", "amd64", false // the same page on every machine
	var all []pkg
	err := filepath.WalkDir(root, func(dir string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, dir)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if rel == "." {
			return nil
		}
		if strings.ContainsAny(d.Name()[:1], "._") || d.Name() == "testdata" || foreign(dir, rel) {
			return filepath.SkipDir
		}
		p, err := platform.ImportDir(dir, 0)
		var none *build.NoGoError
		if errors.As(err, &none) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read package %q: %w", rel, err)
		}
		found := pkg{path: rel, doc: p.Doc}
		for _, i := range p.Imports {
			if own, ok := strings.CutPrefix(i, module+"/"); ok {
				found.imports = append(found.imports, own)
			}
		}
		all = append(all, found)
		return nil
	})
	slices.SortFunc(all, func(a, b pkg) int { return strings.Compare(a.path, b.path) })
	return all, err
}

// foreign tells whether a folder is a module that is not ours: the stand-ins of internal/leanstart.
func foreign(dir, rel string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil && rel != "localkube"
}
