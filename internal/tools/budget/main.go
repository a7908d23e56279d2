// SPDX-License-Identifier: Apache-2.0

// Command budget compares what the programs link with docs/budget.tsv, which has a line for each module of each program
// with its number of packages: these decide compile time, size and start-up time. A new module, or more than 20 new
// packages, need a change of that file, which a reviewer sees; -write makes it.
package main

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"emrflink/internal/tools/compile"
)

// slack is by how many packages a program may grow without a word.
const slack = 20

func main() {
	write := flag.Bool("write", false, "write the table instead of holding the programs against it")
	flag.Parse()
	if err := run(".", *write); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// counts are numbers of packages by module, by program.
type counts map[string]map[string]int

func run(root string, write bool) error {
	path := filepath.Join(root, "docs", "budget.tsv")
	now, err := linked(root)
	if err != nil {
		return err
	}
	if write {
		return os.WriteFile(path, []byte(now.table()), 0o600)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	allowed, err := parse(string(raw))
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return compare(allowed, now)
}

// linked counts what the programs link. The standard library is the module "std".
func linked(root string) (counts, error) {
	out := counts{}
	for _, p := range compile.Programs() {
		// #nosec G204 -- our own
		cmd := exec.Command("go", "list", "-deps", "-f", "{{if .Standard}}std{{else}}{{.Module.Path}}{{end}}", p.Package)
		cmd.Dir = root
		list, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("list the packages of %s: %w", p.Name, err)
		}
		out[p.Name] = map[string]int{}
		for _, module := range strings.Fields(string(list)) {
			out[p.Name][module]++
		}
	}
	return out, nil
}

func (c counts) table() string {
	var b strings.Builder
	b.WriteString("# What the programs link; `make budget` writes this file. Say in the commit what a new line is for.\n")
	b.WriteString("program\tmodule\tpackages\n")
	for _, program := range slices.Sorted(maps.Keys(c)) {
		for _, module := range slices.Sorted(maps.Keys(c[program])) {
			fmt.Fprintf(&b, "%s\t%s\t%d\n", program, module, c[program][module])
		}
	}
	return b.String()
}

func parse(text string) (counts, error) {
	out := counts{}
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		fields := strings.Split(line, "\t")
		if strings.HasPrefix(line, "#") || fields[0] == "program" {
			continue
		}
		if len(fields) != 3 {
			return nil, fmt.Errorf("line %d has %d columns, not 3", i+1, len(fields))
		}
		n, err := strconv.Atoi(fields[2])
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		if out[fields[0]] == nil {
			out[fields[0]] = map[string]int{}
		}
		out[fields[0]][fields[1]] = n
	}
	return out, nil
}

// compare says what is new. What is gone is no error: the next write takes it out.
func compare(allowed, now counts) error {
	var errs []error
	for _, program := range slices.Sorted(maps.Keys(now)) {
		were, are := 0, 0
		for _, n := range allowed[program] {
			were += n
		}
		for _, module := range slices.Sorted(maps.Keys(now[program])) {
			are += now[program][module]
			if _, known := allowed[program][module]; !known {
				errs = append(errs, fmt.Errorf("%s links a new module: %s (%d packages)", program, module, now[program][module]))
			}
		}
		if are > were+slack {
			errs = append(errs, fmt.Errorf("%s links %d packages, %d more than docs/budget.tsv says", program, are, are-were))
		}
	}
	if len(errs) > 0 {
		errs = append(errs, errors.New("if they are worth their compile time: make budget"))
	}
	return errors.Join(errs...)
}
