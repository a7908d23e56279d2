// SPDX-License-Identifier: Apache-2.0

// Command mutate changes one operator of a package after the other, runs the package's own tests on each of these mutants
// (by gremlins), and compares those that lived with alive.tsv, which says of each why it may live. It ends with exit code 1
// when a mutant lives without a line, or when a line is of no use any more.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// listed is the list of the mutants that may live.
const listed = "internal/tools/mutate/alive.tsv"

// suite says what of a package is mutated, and with which of its tests. Without a suite it is everything, with all of them.
type suite struct {
	files []string // empty: all of the package
	tests string   // a flag of go test that chooses them
}

// suites are those of packages whose tests take too long to run all of them on each mutant.
var suites = map[string]suite{
	"internal/adopt": {tests: "-skip=IsTakenIntoTheStack|IsPutRight"}, // they run the engine
	"internal/engine": {
		files: []string{"forget.go", "guard.go", "journal.go", "lock.go", "pending.go"},
		tests: "-run=Alive|Claim|Cleared|Cleanup|Disk|EngineOf|Forgotten|Journal|LostAnswer|Lock|Looked|Made|OwnerOf|Replaces|" +
			"Somebody|Spoilt|WholeState|Interrupted",
	},
}

// floors are the packages of which only a share of the mutants must be noticed. Others decide what is deleted, adopted, waited
// for, masked or allowed: each mutant of theirs that lives has a line.
var floors = map[string]float64{
	"internal/cost": 0.95, "internal/graph": 0.95, "internal/plans": 0.95, "internal/preflight": 0.95,
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	gremlins := flag.String("gremlins", "gremlins", "program to run")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "error: one package is mutated at a time; next: make mutate PKG=./internal/cleanup")
		os.Exit(2)
	}
	if err := run(ctx, *gremlins, path.Clean(flag.Arg(0))); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, gremlins, pkg string) error {
	raw, err := os.ReadFile(listed)
	if err != nil {
		return err
	}
	allowed, err := parse(string(raw))
	if err != nil {
		return err
	}
	all, err := filepath.Glob(filepath.Join(pkg, "*.go"))
	if err != nil {
		return err
	}
	s := suites[pkg]
	sources := map[string]string{}
	for _, file := range all {
		name := filepath.Base(file)
		if strings.HasSuffix(name, "_test.go") || len(s.files) > 0 && !slices.Contains(s.files, name) {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		sources[name] = string(text)
	}
	if len(sources) == 0 {
		return fmt.Errorf("mutate %q: it has no Go files; name a package of this module, such as ./internal/cleanup", pkg)
	}
	found, err := mutate(ctx, gremlins, pkg, s, sources)
	if err != nil {
		return err
	}
	return judge(os.Stdout, pkg, found, allowed, sources)
}

// mutate runs gremlins. It takes about as long as the package's tests with the linking of their program, for each mutant.
func mutate(ctx context.Context, gremlins, pkg string, s suite, sources map[string]string) ([]mutant, error) {
	dir, err := os.MkdirTemp("", "mutate-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	excluded, err := others(pkg, sources)
	if err != nil {
		return nil, err
	}
	out := filepath.Join(dir, "mutants.json")
	args := []string{"unleash", "--workers=1", "--timeout-coefficient=5", "--output=" + out}
	for _, file := range excluded {
		args = append(args, "--exclude-files=^"+regexp.QuoteMeta(file)+"$")
	}
	cmd := exec.CommandContext(ctx, gremlins, append(args, "./"+pkg)...)
	// A result from the cache would make the first run, by whose time the others are limited, too short. Without the workspace,
	// gremlins does not fetch every module that the control plane names.
	flags := strings.Join([]string{os.Getenv("GOFLAGS"), "-count=1 -vet=off -ldflags=-s", s.tests}, " ")
	cmd.Env = append(os.Environ(), "GOWORK=off", "TMPDIR="+dir, "GOFLAGS="+strings.TrimSpace(flags))
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("mutate %q: %w", pkg, err)
	}
	raw, err := os.ReadFile(out)
	if err != nil {
		return nil, fmt.Errorf("gremlins found nothing to mutate in %q: %w", pkg, err)
	}
	return read(raw, sources)
}

// others are the Go files in the folder of a package, and below it, that are not mutated.
func others(pkg string, sources map[string]string) ([]string, error) {
	var out []string
	err := filepath.WalkDir(pkg, func(file string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(file) != ".go" || strings.HasSuffix(file, "_test.go") {
			return err
		}
		rel, err := filepath.Rel(pkg, file)
		if _, mutated := sources[rel]; !mutated {
			out = append(out, rel)
		}
		return err
	})
	return out, err
}

// read is what gremlins wrote about the files of sources.
func read(raw []byte, sources map[string]string) ([]mutant, error) {
	var result struct {
		Files []struct {
			Name      string `json:"file_name"`
			Mutations []struct {
				Type, Status string
				Line, Column int
			}
		}
	}
	if err := json.Unmarshal(raw, &result); err != nil {
		return nil, fmt.Errorf("read the result of gremlins: %w", err)
	}
	var out []mutant
	for _, f := range result.Files {
		source, mutated := sources[f.Name]
		if !mutated {
			continue
		}
		lines := strings.Split(source, "\n")
		for _, m := range f.Mutations {
			if m.Line < 1 || m.Line > len(lines) || m.Column < 1 || m.Column > len(lines[m.Line-1]) {
				return nil, errors.New("the source was changed while it was mutated; run make mutate again")
			}
			text := lines[m.Line-1]
			out = append(out, mutant{
				key:    key{f.Name, m.Type, strings.TrimSpace(text[:m.Column-1] + mark + text[m.Column-1:])},
				status: m.Status, line: m.Line,
			})
		}
	}
	return out, nil
}
