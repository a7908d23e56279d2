// SPDX-License-Identifier: Apache-2.0

// Command traps runs the tests that docs/traps.md and docs/cleanup.md name and prints, for each trap, the results of its tests.
// It ends with exit code 1 if one failed or did not run.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
)

// localkube is the folder of the second module.
const localkube = "localkube"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	bin := flag.String("bin", "bin", "folder of the binaries")
	flag.Parse()
	if err := run(ctx, *bin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, bin string, w io.Writer) error {
	var traps []trap
	for _, page := range pages() {
		text, err := os.ReadFile(page)
		if err != nil {
			return err
		}
		traps = append(traps, parse(string(text))...)
	}
	var tests []test
	for _, t := range traps {
		tests = append(tests, t.tests...)
	}
	inLocalkube := func(t test) bool { return strings.HasPrefix(t.dir, localkube+"/") }
	results := map[test]string{}
	for _, module := range []struct {
		dir   string
		tests []test
	}{
		{".", slices.DeleteFunc(slices.Clone(tests), inLocalkube)},
		{localkube, slices.DeleteFunc(slices.Clone(tests), func(t test) bool { return !inLocalkube(t) })},
	} {
		if err := execute(ctx, module.dir, bin, module.tests, results); err != nil {
			return err
		}
	}
	return report(w, traps, results)
}

// execute runs tests of one module and notes what became of them.
func execute(ctx context.Context, module, bin string, tests []test, results map[test]string) error {
	abs, err := filepath.Abs(bin)
	if err != nil {
		return err
	}
	names, dirs := map[string]bool{}, map[string]string{}
	for _, t := range tests {
		names[t.name] = true
		dirs["./"+strings.TrimPrefix(t.dir, localkube+"/")] = t.dir
	}
	args := []string{
		"test", "-json", "-vet=off", "-ldflags=-s", "-count=1", "-run",
		"^(" + strings.Join(slices.Sorted(maps.Keys(names)), "|") + ")$",
	}
	cmd := exec.CommandContext(ctx, "go", append(args, slices.Sorted(maps.Keys(dirs))...)...)
	cmd.Dir, cmd.Env, cmd.Stderr = module, append(os.Environ(), "EMRFLINK_BIN="+abs), os.Stderr
	out, err := cmd.Output()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		return fmt.Errorf("run the tests of %s: %w", module, err)
	}
	for line := range bytes.Lines(out) {
		var e struct{ Action, Package, Test string }
		if json.Unmarshal(line, &e) != nil || !slices.Contains([]string{"pass", "fail", "skip"}, e.Action) {
			continue
		}
		for _, dir := range dirs {
			if e.Package == "emrflink/"+dir {
				results[test{dir, e.Test}] = e.Action
			}
		}
	}
	return nil
}

// report prints the table.
func report(w io.Writer, traps []trap, results map[test]string) error {
	count := map[string]int{}
	for _, t := range traps {
		_, _ = fmt.Fprintln(w, t.text)
		for _, test := range t.tests {
			result := results[test]
			if result == "" {
				result = "not run"
			}
			count[result]++
			_, _ = fmt.Fprintf(w, "  %-8s %s\n", result, test)
		}
		for _, r := range t.reasons {
			count["not proved"]++
			_, _ = fmt.Fprintf(w, "  %-8s docs/verified.md: %s\n", "-", r)
		}
	}
	_, _ = fmt.Fprintf(w, "\n%d traps; tests named: %d passed, %d failed, %d skipped, %d not run; %d rows without a proof\n",
		len(traps), count["pass"], count["fail"], count["skip"], count["not run"], count["not proved"])
	if bad := count["fail"] + count["skip"] + count["not run"]; bad > 0 {
		return fmt.Errorf("%d tests did not pass; run one: go test -run NAME ./PACKAGE", bad)
	}
	return nil
}
