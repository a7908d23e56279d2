// SPDX-License-Identifier: Apache-2.0

// Command build compiles both binaries side by side and says what it does: the
// first build of the AWS SDKs and of Kubernetes takes minutes, and a silent
// terminal looks like a hang. It needs Go and nothing else, no C compiler.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// heartbeat is the longest silence of a build that goes on.
const heartbeat = 10 * time.Second

// kubeVersion is what the control plane reports at /version; it follows
// k8s.io/kubernetes in localkube/go.mod.
const kubeVersion = "v1.35.3"

// binary is one thing to build.
type binary struct {
	name, dir, pkg, ldflags string

	compiled atomic.Int64
	last     atomic.Value // string: the package that the compiler was given last
	done     atomic.Bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	out := flag.String("o", "bin", "folder of the binaries")
	version := flag.String("version", "dev", "version that emrflink reports")
	flag.Parse()
	if err := run(ctx, *out, *version, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out, version string, w io.Writer) error {
	abs, err := filepath.Abs(out)
	if err != nil {
		return err
	}
	binaries := []*binary{
		{name: "emrflink", dir: ".", pkg: "./cmd/emrflink", ldflags: "-s -w -X emrflink/internal/cli/version.Version=" + version},
		{name: "localkube", dir: "localkube", pkg: ".", ldflags: "-s -w -X k8s.io/component-base/version.gitVersion=" + kubeVersion},
	}
	start := time.Now()
	errs := make([]error, len(binaries))
	var wg sync.WaitGroup
	for i, b := range binaries {
		wg.Go(func() { errs[i] = b.build(ctx, abs, w) })
	}
	finished := make(chan struct{})
	go func() { wg.Wait(); close(finished) }()
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	for {
		select {
		case <-finished:
			return errors.Join(errs...)
		case <-tick.C:
			for _, b := range binaries {
				b.report(w, time.Since(start))
			}
		}
	}
}

// build runs the compiler and counts what it says it compiles.
func (b *binary) build(ctx context.Context, out string, w io.Writer) error {
	start := time.Now()
	cmd := exec.CommandContext(ctx, "go", "build", "-v", "-trimpath", "-ldflags", b.ldflags, "-o", filepath.Join(out, b.name), b.pkg)
	cmd.Dir = b.dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the compiler: %w", err)
	}
	var tail []string
	for sc := bufio.NewScanner(stderr); sc.Scan(); {
		b.compiled.Add(1)
		b.last.Store(sc.Text())
		if tail = append(tail, sc.Text()); len(tail) > 40 {
			tail = tail[1:]
		}
	}
	err = cmd.Wait()
	b.done.Store(true)
	if err != nil {
		for _, l := range tail {
			fmt.Fprintln(w, " ", l)
		}
		return fmt.Errorf("build %s: %w", b.name, err)
	}
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	fmt.Fprintf(w, "built %s in %s (%.0f CPU seconds)\n", b.name, time.Since(start).Round(100*time.Millisecond), cpu.Seconds())
	return nil
}

func (b *binary) report(w io.Writer, elapsed time.Duration) {
	if b.done.Load() {
		return
	}
	last, _ := b.last.Load().(string)
	if last == "" {
		last = "checking what has to be compiled"
	}
	fmt.Fprintf(w, "%4.0fs  %-9s %4d packages so far, at %s\n", elapsed.Seconds(), b.name, b.compiled.Load(), last)
}
