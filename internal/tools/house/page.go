// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// written are the parts of the page that are made from the source: name to text.
func written(root string) (map[string]string, error) {
	packages, err := load(root)
	if err != nil {
		return nil, err
	}
	all, err := arrange(packages)
	if err != nil {
		return nil, err
	}
	picture, err := mermaid(all)
	if err != nil {
		return nil, err
	}
	index, err := decisions(filepath.Join(root, "docs", "adr"))
	if err != nil {
		return nil, err
	}
	return map[string]string{"picture": picture, "packages": tables(all), "decisions": index}, nil
}

// fill puts the parts between their markers.
func fill(page string, parts map[string]string) (string, error) {
	for name, text := range parts {
		begin, end := "<!-- "+name+": written by `make docs` -->\n", "<!-- end of "+name+" -->\n"
		before, rest, ok := strings.Cut(page, begin)
		_, after, closed := strings.Cut(rest, end)
		if !ok || !closed {
			return "", fmt.Errorf("the page has no place for %q: it needs the lines %q and %q", name, begin, end)
		}
		page = before + begin + text + end + after
	}
	return page, nil
}

// mermaid draws the rooms, with the names of the packages that are in them.
func mermaid(all []room) (string, error) {
	needs, err := arrows(all)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("```mermaid\nflowchart TB\n")
	for i, r := range all {
		inside := strings.Join(wrap(names(r), 48), "<br/>")
		fmt.Fprintf(&b, "  subgraph r%d[\"%s\"]\n    p%d[\"%s\"]\n  end\n", i, r.title, i, inside)
	}
	for i, to := range needs {
		for _, j := range to {
			fmt.Fprintf(&b, "  r%d --> r%d\n", i, j)
		}
	}
	for i, r := range all {
		for _, title := range r.starts {
			j := slices.IndexFunc(all, func(o room) bool { return o.title == title })
			if j < 0 {
				return "", fmt.Errorf("room %q starts %q, which is no room", r.title, title)
			}
			fmt.Fprintf(&b, "  r%d -.-> r%d\n", i, j)
		}
	}
	b.WriteString("```\n")
	return b.String(), nil
}

// names are the packages of a room as short as they are clear. What is inside another package of the room is not named
// beside it; what is inside a package of another room has that one's name in front.
func names(r room) []string {
	var out []string
	for _, p := range r.packages {
		inside := func(o pkg) bool { return o.path == path.Dir(p.path) && o.path != "internal" }
		if p.path == "internal" || slices.ContainsFunc(r.packages, inside) {
			continue
		}
		name := path.Base(p.path)
		if slices.Contains(r.folders, p.path) {
			name = strings.TrimPrefix(p.path, "internal/")
		}
		out = append(out, name)
	}
	return out
}

// wrap joins names to lines of a width.
func wrap(names []string, width int) []string {
	var lines []string
	for _, n := range names {
		last := len(lines) - 1
		if last < 0 || len(lines[last])+len(n)+1 > width {
			lines = append(lines, n)
			continue
		}
		lines[last] += " " + n
	}
	return lines
}

// tables say what each package is for, room by room.
func tables(all []room) string {
	var b strings.Builder
	for _, r := range all {
		fmt.Fprintf(&b, "\n### %s\n\n%s\n\n| package | what it is for |\n|---|---|\n", r.title, r.purpose)
		for _, p := range r.packages {
			fmt.Fprintf(&b, "| [`%s`](../%s) | %s |\n", p.path, p.path, purpose(p))
		}
	}
	b.WriteString("\n")
	return b.String()
}

// purpose is the first sentence of a package comment without the words that every one begins with.
func purpose(p pkg) string {
	text := p.doc
	if words := strings.SplitN(text, " ", 3); len(words) == 3 && (words[0] == "Package" || words[0] == "Command") {
		text = words[2]
	}
	return strings.ReplaceAll(text, "|", "\\|")
}

// short begins the line of a decision record that says what was decided.
const short = "In short: "

// decisions is the index of the decision records in a folder.
func decisions(folder string) (string, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.md"))
	if err != nil {
		return "", fmt.Errorf("list %q: %w", folder, err)
	}
	var b strings.Builder
	b.WriteString("\n| number | title | in short |\n|---|---|---|\n")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("read a decision record: %w", err)
		}
		heading, rest, _ := strings.Cut(strings.TrimPrefix(string(text), "# "), "\n")
		number, title, numbered := strings.Cut(heading, ". ")
		_, line, said := strings.Cut(rest, "\n"+short)
		line, _, _ = strings.Cut(line, "\n")
		if !numbered || !said {
			return "", fmt.Errorf("%s: a decision record begins with \"# NUMBER. TITLE\" and has a line that begins with %q",
				file, short)
		}
		fmt.Fprintf(&b, "| [%s](adr/%s) | %s | %s |\n", number, filepath.Base(file), title, line)
	}
	b.WriteString("\n")
	return b.String(), nil
}
