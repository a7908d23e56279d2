// SPDX-License-Identifier: Apache-2.0

// Command reference writes the reference of the packages that other people import, a page for each: the documentation
// in their source (go/doc), and what each component makes in the default blueprint (the graph of its tests). Run it in
// the folder of the module.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"emrflink/components/componenttest"
	"emrflink/stacks"
)

const header = "<!-- Written by `make docs` from the Go source; do not edit. -->\n\n"

func main() {
	out := flag.String("out", "docs/reference/components", "folder to write")
	flag.Parse()
	if err := run(".", *out); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(root, out string) error {
	pages, err := pagesOf(root)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o750); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	old, err := filepath.Glob(filepath.Join(out, "*.md"))
	if err != nil {
		return fmt.Errorf("list %q: %w", out, err)
	}
	for _, path := range old {
		text, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("read old page: %w", err)
		}
		if _, keep := pages[filepath.Base(path)]; !keep && bytes.HasPrefix(text, []byte(header)) {
			if err := os.Remove(path); err != nil {
				return fmt.Errorf("remove old page: %w", err)
			}
		}
	}
	for name, text := range pages {
		if err := os.WriteFile(filepath.Join(out, name), []byte(text), 0o644); err != nil {
			return fmt.Errorf("write page: %w", err)
		}
	}
	return nil
}

// pagesOf makes the pages of the module in a folder: file name to text.
func pagesOf(root string) (map[string]string, error) {
	packages, err := load(root)
	if err != nil {
		return nil, err
	}
	graph, err := componenttest.TryRun(stacks.Blueprint)
	if err != nil {
		return nil, fmt.Errorf("run the blueprint: %w", err)
	}
	makes := childrenOf(graph)
	pages := map[string]string{"README.md": header + index(packages)}
	for _, p := range packages {
		pages[p.file()] = header + page(p, makes)
	}
	return pages, nil
}
