// SPDX-License-Identifier: Apache-2.0

// Command lean writes the modules of internal/leanstart that stand in for dependencies which emrflink links and never
// calls: other clouds' clients, an OpenAPI differ, a Git implementation. It reads the list in
// internal/leanstart/lean.txt, loads the program with the original modules from source, finds which of their names the
// rest of the program mentions, and writes the declarations of only those names. A function that can return an error
// returns one that says which module is left out; the others return zero values.
//
// Only declarations are derived; no body of an original is read. docs/adr/0005-lean-start.md says why.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	root := flag.String("root", ".", "checkout")
	check := flag.Bool("check", false, "write nothing; fail when a module would change")
	flag.Parse()
	if err := run(*root, *check); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// module is one dependency to leave out: a line of lean.txt.
type module struct {
	path, version, folder string
	empty                 []string // packages that only tests of dependencies import: `go mod tidy` looks for them
}

func run(root string, check bool) error {
	dir := filepath.Join(root, "internal", "leanstart")
	modules, err := readList(filepath.Join(dir, "lean.txt"))
	if err != nil {
		return err
	}
	prog, err := load(root, modules)
	if err != nil {
		return err
	}
	prog.collect()
	files, err := prog.render()
	if err != nil {
		return err
	}
	if check {
		return compare(dir, modules, files)
	}
	for _, m := range modules {
		if err := os.RemoveAll(filepath.Join(dir, m.folder)); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, files[name], 0o600); err != nil {
			return err
		}
	}
	return nil
}

// readList reads lines of "module version", or of a package of the module above that stays empty; the rest of a line after
// # is a comment.
func readList(path string) ([]module, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var all []module
	sc := bufio.NewScanner(f)
	for sc.Scan() {
		line, _, _ := strings.Cut(sc.Text(), "#")
		fields := strings.Fields(line)
		switch len(fields) {
		case 0:
		case 1:
			if len(all) == 0 || !strings.HasPrefix(fields[0], all[len(all)-1].path+"/") {
				return nil, fmt.Errorf("read %s: %q is not a package of the module above it", path, fields[0])
			}
			last := &all[len(all)-1]
			last.empty = append(last.empty, fields[0])
		case 2:
			all = append(all, module{path: fields[0], version: fields[1], folder: folderOf(fields[0])})
		default:
			return nil, fmt.Errorf("read %s: %q is not a module and its version", path, sc.Text())
		}
	}
	return all, sc.Err()
}

// folderOf is the folder of a module's stand-in: its path without the host's dots and slashes.
func folderOf(path string) string { return strings.NewReplacer("/", "-", ".", "-").Replace(path) }

// compare says which files of the stand-ins differ from what would be written.
func compare(dir string, modules []module, files map[string][]byte) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(files)) {
		have, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || string(have) != string(files[name]) {
			errs = append(errs, fmt.Errorf("%s is stale; run: make lean", filepath.Join(dir, name)))
		}
	}
	for _, m := range modules {
		err := filepath.WalkDir(filepath.Join(dir, m.folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			rel, err := filepath.Rel(dir, path)
			if err == nil && files[rel] == nil {
				errs = append(errs, fmt.Errorf("%s is not needed any more; run: make lean", path))
			}
			return err
		})
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
