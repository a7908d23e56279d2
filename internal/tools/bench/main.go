// SPDX-License-Identifier: Apache-2.0

// Command bench measures, in one run on one machine, the figures that the documentation contains, and writes them as
// bench.md and bench.json. It measures whole commands as a user runs them, in a state folder of its own.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// figure is one measured value.
type figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	// Unit is "" for a figure that could not be measured; Note says why.
	Unit string `json:"unit"`
	Note string `json:"note,omitempty"`
}

// report is what bench.json holds.
type report struct {
	SchemaVersion int       `json:"schemaVersion"`
	At            time.Time `json:"at"`
	OS            string    `json:"os"`
	Arch          string    `json:"arch"`
	CPUs          int       `json:"cpus"`
	Go            string    `json:"go"`
	Figures       []figure  `json:"figures"`
	// Curves are how the cost of the commands grows with the stack; CurvesNote says when that was measured.
	CurvesNote string  `json:"curvesNote"`
	Curves     []curve `json:"curves"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	bin := flag.String("bin", "bin", "folder of the binaries")
	out := flag.String("out", "docs", "folder of bench.md and bench.json")
	cold := flag.Bool("cold", true, "also compile the programs and their tests with an empty build cache")
	only := flag.String("only", "", "print the figures of these steps, comma-separated, and write nothing")
	add := flag.Bool("add", false, "with -only: put the figures into the files, beside those of the last whole run")
	sizes := flag.String("sizes", "1,20,60", "numbers of teams of the step curve; remote takes the largest")
	flag.Parse()
	numbers, err := parseSizes(*sizes)
	if err == nil {
		err = run(ctx, *bin, *out, *only, numbers, *cold, *add)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, bin, out, only string, sizes []int, cold, add bool) (err error) {
	abs, err := filepath.Abs(bin)
	if err != nil {
		return err
	}
	root, err := os.MkdirTemp("", "emrflink-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(root)) }()
	b := &bench{bin: abs, root: root, home: filepath.Join(root, "home"), sizes: sizes}
	for _, step := range b.steps() {
		if step.name == "cold" && !cold || only != "" && !slices.Contains(strings.Split(only, ","), step.name) {
			continue
		}
		if err := step.run(ctx); err != nil {
			return err
		}
	}
	now := time.Now().UTC().Truncate(time.Second)
	r := report{
		SchemaVersion: 1, At: now, OS: runtime.GOOS, Arch: runtime.GOARCH,
		CPUs: runtime.NumCPU(), Go: runtime.Version(), Figures: b.figures, Curves: b.curves,
		CurvesNote: fmt.Sprintf("Measured on %s; load of the machine before it: %s", now.Format("2006-01-02"), b.load),
	}
	switch {
	case only == "":
		err = write(out, r)
	case add:
		err = insert(out, r)
	}
	if err == nil && len(b.passed) > 0 {
		err = fmt.Errorf("over the budget of internal/tools/bench/budget.tsv: %s", strings.Join(b.passed, "; "))
	}
	return err
}

// step measures some of the figures.
type step struct {
	name string
	run  func(context.Context) error
}

func (b *bench) steps() []step {
	return []step{
		{"cold", b.coldBuild},
		{"localkube", b.localkubeStart},
		{"starts", b.starts},
		{"offline", b.offline},
		{"teams", b.teams},
		{"terraform", b.terraform},
		{"lifecycle", b.lifecycle},
		{"flink", b.flink},
		{"jobs", b.jobsOfTeams},
		{"curve", b.measureCurves},
		{"remote", b.remote},
		{"modelled", b.modelled},
	}
}

func write(dir string, r report) error {
	j, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	var md strings.Builder
	fmt.Fprintf(&md, "# Measured\n\nMade by `make bench` on %s, %s/%s, %d CPUs, %s, in one run. Times are of whole commands.\n\n",
		r.At.Format("2006-01-02 15:04 UTC"), r.OS, r.Arch, r.CPUs, r.Go)
	md.WriteString("| what | value | |\n|---|---:|---|\n")
	for _, f := range r.Figures {
		value := "-"
		if f.Unit != "" {
			value = number(f.Value) + " " + f.Unit
		}
		fmt.Fprintf(&md, "| %s | %s | %s |\n", f.Name, value, f.Note)
	}
	if len(r.Curves) > 0 {
		md.WriteString(curvesText(r))
	}
	if err := os.WriteFile(filepath.Join(dir, "bench.json"), append(j, '\n'), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "bench.md"), []byte(md.String()), 0o644)
}

// insert puts what was measured into the files of an earlier run; the notes say when.
func insert(dir string, measured report) error {
	var r report
	raw, err := os.ReadFile(filepath.Join(dir, "bench.json"))
	if err == nil {
		err = json.Unmarshal(raw, &r)
	}
	if err != nil {
		return fmt.Errorf("read the figures of the last run: %w", err)
	}
	if len(measured.Curves) > 0 {
		r.Curves, r.CurvesNote = measured.Curves, measured.CurvesNote
	}
	for _, f := range measured.Figures {
		f.Note += time.Now().UTC().Format(" (measured by itself on 2006-01-02)")
		r.Figures = slices.DeleteFunc(r.Figures, func(old figure) bool { return old.Name == f.Name })
		r.Figures = append(r.Figures, f)
	}
	return write(dir, r)
}

// number keeps three significant digits of small values and none behind the point of large ones.
func number(v float64) string {
	if v >= 100 || v == float64(int64(v)) {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}
