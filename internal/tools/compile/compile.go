// SPDX-License-Identifier: Apache-2.0

// Package compile builds the project's programs and shows the progress. One go command builds all of them, so that
// shared packages are compiled once. It uses the flags of a plain `go build`, so that nothing is compiled again for an
// editor or a single test.
package compile

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

// heartbeat is the longest silence of a build that goes on.
const heartbeat = 10 * time.Second

// kubeVersion is what the control plane reports at /version; it follows
// k8s.io/kubernetes in localkube/go.mod.
const kubeVersion = "v1.35.3"

// Program is one of the programs, and where its package main is.
type Program struct{ Name, Package string }

// Programs are built in this order: what the first needs is compiled first.
func Programs() []Program {
	return []Program{{"emrflink", "./cmd/emrflink"}, {"localkube", "./localkube"}}
}

// alongside are what the tests import and no program does, so that a test compiles nothing but the project itself.
func alongside() []string {
	return []string{
		"github.com/stretchr/testify/require", "pgregory.net/rapid", "net/http/httptest", "image/png",
		"testing/internal/testdeps",
	}
}

// mains are the packages of the programs.
func mains() []string {
	var packages []string
	for _, p := range Programs() {
		packages = append(packages, p.Package)
	}
	return packages
}

// Fetch brings the modules of a build onto the machine while something else is compiled. What it cannot do, the build
// itself will say.
func Fetch(ctx context.Context) {
	// #nosec G204 -- our own arguments
	cmd := exec.CommandContext(ctx, "go", append([]string{"list", "-deps"}, append(mains(), alongside()...)...)...)
	_ = cmd.Run()
}

// Build is one run of the compiler in the checkout's root.
type Build struct {
	Out     string // folder of the programs
	Version string // version that emrflink reports
	W       io.Writer
	// Ready is called when a program is linked, while others may still be compiled; nil: nobody waits.
	Ready func(p Program)
	// Quiet is held by whoever shows something else meanwhile: no progress is printed then.
	Quiet sync.Mutex
}

// Run builds all programs. It stops the compiler when ctx ends.
func (b *Build) Run(ctx context.Context) error {
	out, err := filepath.Abs(b.Out)
	if err != nil {
		return err
	}
	start := time.Now()
	packages := mains()
	programs := int64(len(packages))
	work, err := measure(ctx, b.W, nil, packages)
	if err != nil {
		return err
	}
	if err := room(ctx, b.W, "the build", uint64(work.total*cachePerSource+programs*programBytes)); err != nil {
		return err
	}
	work.total += programs * linking
	args := []string{"build", "-v", "-o", out + string(filepath.Separator), "-ldflags",
		"-s -w -X emrflink/internal/cli/version.Version=" + b.Version +
			" -X k8s.io/component-base/version.gitVersion=" + kubeVersion}
	args = append(args, packages...)
	cmd := exec.CommandContext(ctx, "go", args...) // #nosec G204 -- our own arguments
	cmd.Env = Environ()
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the compiler: %w", err)
	}
	finished := make(chan struct{})
	waiting := Programs()
	var watch sync.WaitGroup
	watch.Go(func() { b.watch(work, &waiting, out, start, finished) })
	tail := work.follow(stderr)
	err = cmd.Wait()
	close(finished)
	watch.Wait()
	if err != nil {
		for _, l := range tail {
			_, _ = fmt.Fprintln(b.W, " ", l)
		}
		return errors.Join(fmt.Errorf("build: %w", err), ctx.Err())
	}
	b.report(&waiting, out, time.Time{}) // what was up to date, too
	// With -o, go builds nothing but programs.
	rest := exec.CommandContext(ctx, "go", append([]string{"build"}, alongside()...)...) // #nosec G204 -- our own arguments
	if out, err := rest.CombinedOutput(); err != nil {
		return fmt.Errorf("build what the tests import: %w\n%s", err, out)
	}
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	_, _ = fmt.Fprintf(b.W, "built %s in %s (%.0f CPU seconds)\n", b.Out,
		time.Since(start).Round(100*time.Millisecond), cpu.Seconds())
	return nil
}

// watch prints progress and reports the waiting programs as they are linked, until all is finished.
func (b *Build) watch(work *work, waiting *[]Program, out string, start time.Time, finished <-chan struct{}) {
	look := time.NewTicker(250 * time.Millisecond)
	defer look.Stop()
	said := time.Now()
	for {
		select {
		case <-finished:
			return
		case <-look.C:
			b.report(waiting, out, start)
		}
		if time.Since(said) >= heartbeat && b.Quiet.TryLock() {
			_, _ = fmt.Fprintln(b.W, work.progress(time.Since(start)))
			b.Quiet.Unlock()
			said = time.Now()
		}
	}
}

// settled is how long nobody has written to a program that is complete: it may be copied from another disk.
const settled = time.Second

// report calls Ready for the programs that were written since a time.
func (b *Build) report(waiting *[]Program, out string, since time.Time) {
	var still []Program
	for _, p := range *waiting {
		info, err := os.Stat(filepath.Join(out, p.Name))
		if err != nil || !since.IsZero() && (info.ModTime().Before(since) || time.Since(info.ModTime()) < settled) {
			still = append(still, p)
		} else if b.Ready != nil {
			b.Ready(p)
		}
	}
	*waiting = still
}

// follow reads what the compiler says it compiles, and returns the last lines.
func (w *work) follow(r io.Reader) (tail []string) {
	for sc := bufio.NewScanner(r); sc.Scan(); {
		w.compiling(sc.Text())
		if tail = append(tail, sc.Text()); len(tail) > 40 {
			tail = tail[1:]
		}
	}
	return tail
}
