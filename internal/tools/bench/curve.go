// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// curve is how the cost of one command grows with the stack.
type curve struct {
	Command string  `json:"command"`
	Points  []point `json:"points"`
	// Exponent is that of the CPU time over the resources: 1 is proportional, 2 is quadratic.
	Exponent float64 `json:"exponent"`
}

// point is a command at one size of the stack.
type point struct {
	Teams       int     `json:"teams"`
	Resources   int     `json:"resources"`
	WallSeconds float64 `json:"wallSeconds"`
	// CPUSeconds, PeakMiB and WrittenMB are of the command with its engine, LocalCPUSeconds and LocalPeakMiB of the processes
	// that stand in for AWS and Kubernetes.
	CPUSeconds      float64 `json:"cpuSeconds"`
	PeakMiB         float64 `json:"peakMiB"`
	WrittenMB       float64 `json:"writtenMB"`
	LocalCPUSeconds float64 `json:"localCpuSeconds"`
	LocalPeakMiB    float64 `json:"localPeakMiB"`
}

// exponent is the slope of the CPU time over the resources where both are logarithms, by least squares.
func exponent(points []point) float64 {
	var n, x, y, xx, xy float64
	for _, p := range points {
		lx, ly := math.Log(float64(p.Resources)), math.Log(p.CPUSeconds)
		n, x, y, xx, xy = n+1, x+lx, y+ly, xx+lx*lx, xy+lx*ly
	}
	if spread := n*xx - x*x; spread > 0 {
		return (n*xy - x*y) / spread
	}
	return 0
}

// work is a command of the curve. The names stand in the budget, too.
type work struct {
	name, line string
	renames    bool // one team gets another name before it
}

func works() []work {
	return []work{
		{name: "preview --offline", line: "preview --offline --output json"},
		{name: "deploy", line: "deploy --yes"},
		{name: "preview", line: "preview --output json"},
		{name: "deploy, nothing changed", line: "deploy --yes"},
		{name: "drift", line: "drift --output json"},
		{name: "status", line: "status --output json"},
		{name: "local inventory", line: "local inventory --output json"},
		{name: "deploy, one team renamed", line: "deploy --yes", renames: true},
		{name: "cleanup", line: "cleanup --stack local --yes"},
	}
}

// measureCurves measures each command at each number of teams, and fails when the budget is passed.
func (b *bench) measureCurves(ctx context.Context) error {
	limits, err := parseBudget(budgetText)
	if err != nil {
		return err
	}
	b.load = load()
	for _, w := range works() {
		b.curves = append(b.curves, curve{Command: w.name})
	}
	for _, teams := range b.sizes {
		if err := b.measureSize(ctx, teams); err != nil {
			return fmt.Errorf("teams: %d: %w", teams, err)
		}
	}
	for i := range b.curves {
		b.curves[i].Exponent = exponent(b.curves[i].Points)
		fmt.Printf("%-50s exponent %.2f\n", b.curves[i].Command, b.curves[i].Exponent)
	}
	b.passed = passed(limits, b.curves)
	return nil
}

// measureSize runs the commands one after the other on a stack of their own.
func (b *bench) measureSize(ctx context.Context, teams int) (err error) {
	own := *b
	own.root = filepath.Join(b.root, fmt.Sprintf("teams-%d", teams))
	own.home = filepath.Join(own.root, "home")
	defer func() { err = errors.Join(err, own.stop(ctx)) }()
	names := teamNames(teams)
	if err := os.MkdirAll(own.home, 0o700); err != nil {
		return err
	}
	resources := 0
	for i, w := range works() {
		if w.renames {
			names[len(names)-1] = "renamed"
		}
		if err := writeTeams(filepath.Join(own.root, "Pulumi.local.yaml"), names); err != nil {
			return err
		}
		p, out, err := own.measure(ctx, strings.Fields(w.line))
		if err != nil {
			return err
		}
		if resources == 0 {
			if resources, err = planned(out); err != nil {
				return err
			}
		}
		p.Teams, p.Resources = teams, resources
		fmt.Printf("%-30s teams %3d, %5.1f s, CPU %5.1f s, peak %4.0f MiB, written %5.1f MB, local target %5.1f s, %4.0f MiB\n",
			w.name, teams, p.WallSeconds, p.CPUSeconds, p.PeakMiB, p.WrittenMB, p.LocalCPUSeconds, p.LocalPeakMiB)
		b.curves[i].Points = append(b.curves[i].Points, p)
	}
	return nil
}

// measure runs one command. Linux adds to the usage of a process that of the children it has waited for.
func (b *bench) measure(ctx context.Context, args []string) (point, []byte, error) {
	const often = 100 * time.Millisecond // each look reads the environment of every process: more would slow the command down
	own := watchMemory(ctx, b.home, often, func(cmdline string) bool { return !localTarget(cmdline) })
	local := watchMemory(ctx, b.home, often, localTarget)
	before := processorTime(b.home)
	cmd := b.cmd(ctx, args...)
	wall, out, err := timed(cmd)
	p := point{WallSeconds: wall.Seconds(), PeakMiB: own() / (1 << 20), LocalPeakMiB: local() / (1 << 20)}
	p.LocalCPUSeconds = max(0, processorTime(b.home)-before)
	if s := cmd.ProcessState; s != nil {
		p.CPUSeconds = (s.UserTime() + s.SystemTime()).Seconds()
		if usage, ok := s.SysUsage().(*syscall.Rusage); ok {
			p.WrittenMB = float64(usage.Oublock) * 512 / 1e6
		}
	}
	return p, out, err
}

// processorTime is what the processes of the local target have used so far, in seconds.
func processorTime(home string) (seconds float64) {
	const ticks = 100 // a second, on every Linux that Go runs on
	eachProcess(home, localTarget, func(dir string) {
		stat, _ := os.ReadFile(filepath.Join(dir, "stat"))
		_, rest, _ := strings.Cut(string(stat), ") ") // the name before it may have blanks
		if fields := strings.Fields(rest); len(fields) > 12 {
			user, _ := strconv.ParseFloat(fields[11], 64)
			system, _ := strconv.ParseFloat(fields[12], 64)
			seconds += (user + system) / ticks
		}
	})
	return seconds
}

// planned is how many resources a preview of a stack that does not exist yet creates.
func planned(out []byte) (int, error) {
	var p struct{ Summary struct{ Create int } }
	if err := json.Unmarshal(out, &p); err != nil {
		return 0, fmt.Errorf("read the preview: %w", err)
	}
	if p.Summary.Create == 0 {
		return 0, errors.New("the preview of a new stack creates nothing")
	}
	return p.Summary.Create, nil
}

func teamNames(n int) []string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("flink-team-%d", i))
	}
	return names
}

// writeTeams writes the settings of a stack on the local target.
func writeTeams(file string, names []string) error {
	text := "config:\n  emrflink:target: local\n  emrflink:teams: [" + strings.Join(names, ", ") + "]\n"
	return os.WriteFile(file, []byte(text), 0o600)
}

// load is what the machine did meanwhile besides, by its load average of five minutes.
func load() string {
	raw, err := os.ReadFile("/proc/loadavg")
	if fields := strings.Fields(string(raw)); err == nil && len(fields) > 1 {
		return fields[1]
	}
	return "unknown"
}

// curvesText is the part of bench.md about the curves.
func curvesText(r report) string {
	var md strings.Builder
	fmt.Fprintf(&md, "\n## How the cost grows\n\n%s. CPU time, memory and what is written are of the command with its engine; "+
		"the processes that\nstand in for AWS and Kubernetes have their own column, without those that end with the command. "+
		"The exponent is that of the CPU time over the\nresources: 1 is proportional. `make bench` fails when a command passes "+
		"[its budget](../internal/tools/bench/budget.tsv).\n\n", r.CurvesNote)
	md.WriteString("| command | teams | resources | time | CPU time | peak memory | written | local target | exponent |\n")
	md.WriteString("|---|---:|---:|---:|---:|---:|---:|---:|---:|\n")
	for _, c := range r.Curves {
		for i, p := range c.Points {
			name, exp := "", ""
			if i == 0 {
				name = c.Command
			}
			if i == len(c.Points)-1 {
				exp = fmt.Sprintf("%.2f", c.Exponent)
			}
			fmt.Fprintf(&md, "| %s | %d | %d | %.1f s | %.1f s | %.0f MiB | %.1f MB | %.1f s, %.0f MiB | %s |\n",
				name, p.Teams, p.Resources, p.WallSeconds, p.CPUSeconds, p.PeakMiB, p.WrittenMB,
				p.LocalCPUSeconds, p.LocalPeakMiB, exp)
		}
	}
	return md.String()
}

// parseSizes reads the numbers of teams, "1,20,60".
func parseSizes(text string) ([]int, error) {
	var sizes []int
	for part := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(part)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q is no number of teams: name them like 1,20,60", part)
		}
		sizes = append(sizes, n)
	}
	slices.Sort(sizes)
	return slices.Compact(sizes), nil
}
