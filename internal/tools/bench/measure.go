// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"emrflink/internal/tools/compile"
)

// bench collects the figures of one run.
type bench struct {
	bin, root, home string
	figures         []figure

	sizes  []int // of the curves, in teams
	curves []curve
	load   string   // of the machine before them
	passed []string // where they are over the budget
}

func (b *bench) add(name string, value float64, unit, note string) {
	b.figures = append(b.figures, figure{name, value, unit, note})
	fmt.Printf("%-50s %s %s\n", name, number(value), unit)
}

// absent is the row of a figure that cannot be measured here, and why.
func (b *bench) absent(name, why string) {
	b.figures = append(b.figures, figure{Name: name, Note: why})
	fmt.Printf("%-50s %s\n", name, why)
}

func (b *bench) cmd(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(b.bin, "emrflink"), args...)
	cmd.Dir = b.root
	cmd.Env = append(os.Environ(), "EMRFLINK_HOME="+b.home)
	return cmd
}

// preview is the offline preview of the default blueprint, or of what args name.
func (b *bench) preview(ctx context.Context, args ...string) *exec.Cmd {
	return b.cmd(ctx, append([]string{"preview", "--offline", "--output", "json"}, args...)...)
}

// timed runs a command and returns its wall time; a failure carries its output.
func timed(cmd *exec.Cmd) (time.Duration, []byte, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	start := time.Now()
	err := cmd.Run()
	if err != nil {
		err = fmt.Errorf("%s: %w\n%s%s", strings.Join(cmd.Args, " "), err, stdout.Bytes(), stderr.Bytes())
	}
	return time.Since(start), stdout.Bytes(), err
}

// median runs a command n times after one run that warms the page cache.
func (b *bench) median(ctx context.Context, n int, args ...string) (time.Duration, error) {
	var all []time.Duration
	for i := range n + 1 {
		d, _, err := timed(b.cmd(ctx, args...))
		if err != nil {
			return 0, err
		}
		if i > 0 {
			all = append(all, d)
		}
	}
	slices.Sort(all)
	return all[len(all)/2], nil
}

// coldBuild compiles the programs, and then their tests, with an empty build cache, as make does.
func (b *bench) coldBuild(ctx context.Context) (err error) {
	cache := filepath.Join(b.root, "cache")
	defer func() { err = errors.Join(err, os.RemoveAll(cache)) }()
	out := filepath.Join(b.root, "bin")
	for _, step := range []struct {
		what, note string
		cmd        *exec.Cmd
	}{
		{"cold build of both programs", "one go command",
			exec.CommandContext(ctx, "go", "run", "./internal/tools/build", "-o", out)},
		{"compiling the tests after it", "those with the race detector alone compile what they import again",
			exec.CommandContext(ctx, "make", "--no-print-directory", "test-plain", "test-race",
				"TESTFLAGS=-run=^$ -vet=off -ldflags=-s")},
	} {
		step.cmd.Env = append(os.Environ(), "GOCACHE="+cache)
		wall, _, err := timed(step.cmd)
		if err != nil {
			return err
		}
		cpu := step.cmd.ProcessState.UserTime() + step.cmd.ProcessState.SystemTime()
		b.add(step.what, cpu.Seconds(), "CPU s", fmt.Sprintf("%.0f s of wall time; %s", wall.Seconds(), step.note))
	}
	for _, p := range compile.Programs() {
		info, err := os.Stat(filepath.Join(out, p.Name))
		if err != nil {
			return err
		}
		b.add("size of "+p.Name, float64(info.Size())/1e6, "MB", "")
	}
	return nil
}

// localkubeStart times the control plane alone, from nothing to serving.
func (b *bench) localkubeStart(ctx context.Context) error {
	dir := filepath.Join(b.root, "kube")
	cmd := exec.CommandContext(ctx, filepath.Join(b.bin, "localkube"), "serve", "--dir", dir,
		"--version", "1.35", "--issuer", "https://oidc.example.com", "--token-webhook", "http://127.0.0.1:9/none")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	line := bufio.NewScanner(out)
	ok := line.Scan()
	ready := time.Since(start)
	err = errors.Join(cmd.Process.Signal(syscall.SIGTERM), cmd.Wait())
	if !ok {
		return fmt.Errorf("localkube printed no ready line: %w", err)
	}
	b.add("start of localkube", ready.Seconds(), "s", "etcd, API server, controllers and scheduler")
	return nil
}

// starts times commands that do nothing but start.
func (b *bench) starts(ctx context.Context) error {
	for _, args := range [][]string{{"--help"}, {"version"}, {"completion", "bash"}} {
		d, err := b.median(ctx, 9, args...)
		if err != nil {
			return err
		}
		b.add("emrflink "+strings.Join(args, " "), float64(d.Microseconds())/1000, "ms", "median of 9")
	}
	return nil
}

func (b *bench) offline(ctx context.Context) error {
	d, err := b.median(ctx, 5, "preview", "--offline", "--output", "json")
	if err == nil {
		b.add("offline preview", d.Seconds(), "s", "median of 5, default blueprint")
	}
	return err
}

// lifecycle deploys, runs the sample job and cleans up, and watches the memory
// of everything that the local target runs meanwhile.
func (b *bench) lifecycle(ctx context.Context) error {
	watch := watchMemory(ctx, b.home, 250*time.Millisecond, localTarget)
	defer func() { _ = b.stop(ctx) }()
	for _, step := range []struct{ name, args string }{
		{"deploy", "deploy --yes"},
		{"second preview", "preview --output json"},
		{"sample-job to checkpoint", "sample-job run basic --output json"},
		{"cleanup", "cleanup --stack local --yes"},
	} {
		d, out, err := timed(b.cmd(ctx, strings.Fields(step.args)...))
		if err != nil {
			return err
		}
		note := ""
		if step.name == "second preview" {
			if note, err = changes(out); err != nil {
				return err
			}
		}
		b.add(step.name, d.Seconds(), "s", note)
	}
	b.add("peak memory of the local target", watch()/(1<<20), "MiB", "resident, all its processes together")
	return nil
}

// changes fails unless a preview plans none.
func changes(out []byte) (string, error) {
	var p struct {
		Summary struct{ Create, Update, Replace, Delete, Same int }
	}
	if err := json.Unmarshal(out, &p); err != nil {
		return "", fmt.Errorf("read the second preview: %w", err)
	}
	if n := p.Summary.Create + p.Summary.Update + p.Summary.Replace + p.Summary.Delete; n != 0 {
		return "", fmt.Errorf("the second preview plans %d changes", n)
	}
	return fmt.Sprintf("no change, %d resources", p.Summary.Same), nil
}
