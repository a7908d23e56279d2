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
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	jobsAtOnce = 10
	// Each has two JobManagers and a TaskManager.
	roomForJobs = jobsAtOnce * 3 * 400 << 20 // bytes
	// classes is the folder of the class-data archives, in the state folder.
	classes = "local/flink"
)

// flink measures jobs in Flink itself: from apply to RUNNING, and what a process takes, with the archives of class data and
// without; then ten jobs at once.
func (b *bench) flink(ctx context.Context) (err error) {
	const running = "Flink: apply to RUNNING"
	if out, err := b.cmd(ctx, "local", "flink", "install").CombinedOutput(); err != nil {
		b.absent(running, "no Flink: "+strings.TrimSpace(string(out)))
		return nil
	}
	defer func() { err = errors.Join(err, b.stop(context.WithoutCancel(ctx))) }()
	if _, _, err := timed(b.cmd(ctx, "deploy", "--yes")); err != nil {
		return err
	}
	for _, run := range []struct{ what, note string }{
		{", the first job", "nothing is in the page cache, no class-data sharing"},
		{", warm", "with class-data sharing"},
		{", without class-data sharing", "warm"},
	} {
		archives := filepath.Join(b.home, classes, "classes-*.jsa")
		if strings.Contains(run.what, "warm") {
			err = both(ctx, archives)
		} else {
			err = forget(archives)
		}
		if err != nil {
			return err
		}
		took, err := b.runs(ctx, &sync.Mutex{}, "basic")
		if err != nil {
			return err
		}
		b.add(running+run.what, took.Seconds(), "s", run.note)
		sizes := b.flinks()
		b.add("Flink: memory of a process"+run.what, float64(slices.Max(sizes))/(1<<20), "MiB",
			fmt.Sprintf("the largest of %d after the first checkpoint, with its share of what several map (PSS)", len(sizes)))
		if _, _, err := timed(b.cmd(ctx, "sample-job", "delete", "basic")); err != nil {
			return err
		}
	}
	if err := b.jobsAtOnce(ctx); err != nil {
		return err
	}
	_, _, err = timed(b.cmd(ctx, "cleanup", "--stack", "local", "--yes"))
	return err
}

// both waits until the archives of both roles are there: they are made aside, after a job.
func both(ctx context.Context, archives string) error {
	for {
		if found, err := filepath.Glob(archives); err != nil || len(found) == 2 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

func forget(archives string) error {
	found, err := filepath.Glob(archives)
	for _, f := range found {
		err = errors.Join(err, os.Remove(f))
	}
	return err
}

// runs runs a sample until its first checkpoint, and returns the time from its submission until it was RUNNING. turn is held
// until it is submitted: one command at a time submits to a stack.
func (b *bench) runs(ctx context.Context, turn sync.Locker, name string, args ...string) (took time.Duration, err error) {
	turn.Lock()
	release := sync.OnceFunc(turn.Unlock)
	defer release()
	cmd := b.cmd(ctx, append([]string{"sample-job", "run", "basic", "--name", name}, args...)...)
	cmd.Args = append(cmd.Args, "--output", "json")
	var said bytes.Buffer
	lines, err := cmd.StderrPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	var submitted time.Time
	for in := bufio.NewScanner(lines); in.Scan(); {
		said.Write(append(in.Bytes(), '\n'))
		var line struct{ Progress string }
		_ = json.Unmarshal(in.Bytes(), &line) // an error's object has none
		switch {
		case line.Progress == "submitted: started":
			submitted = time.Now()
			release()
		case line.Progress == "checkpoint: started" && took == 0:
			took = time.Since(submitted)
		}
	}
	if err := cmd.Wait(); err != nil {
		return 0, fmt.Errorf("run job %q: %w\n%s", name, err, said.Bytes())
	}
	return took, nil
}

// flinks are the sizes of the processes of Flink, in bytes, each with its share of the memory that several map.
func (b *bench) flinks() (sizes []int64) {
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range lines {
		line, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(line, []byte(b.home)) || !bytes.Contains(line, []byte("org.apache.flink")) {
			continue
		}
		if size := field(filepath.Join(filepath.Dir(file), "smaps_rollup"), "Pss:"); size > 0 {
			sizes = append(sizes, size)
		}
	}
	return sizes
}

func (b *bench) jobsAtOnce(ctx context.Context) error {
	const name = "Flink: ten jobs at once, until each has a checkpoint"
	if free := field("/proc/meminfo", "MemAvailable:"); free < roomForJobs {
		b.absent(name, fmt.Sprintf("%d MiB of memory are free, and %d are needed", free>>20, int64(roomForJobs)>>20))
		return nil
	}
	var g errgroup.Group
	var turn sync.Mutex
	began := time.Now()
	for i := range jobsAtOnce {
		g.Go(func() error {
			_, err := b.runs(ctx, &turn, fmt.Sprintf("job-%d", i), "--parallelism", "1")
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	sizes := b.flinks()
	total := int64(0)
	for _, s := range sizes {
		total += s
	}
	b.add(name, time.Since(began).Seconds(), "s", fmt.Sprintf("submitted one after the other, a TaskManager each; %d processes "+
		"with %d MiB in all", len(sizes), total>>20))
	return nil
}

// field is a number of bytes in a file of /proc; 0 where there is none.
func field(file, name string) (n int64) {
	raw, _ := os.ReadFile(file)
	for line := range strings.Lines(string(raw)) {
		if rest, is := strings.CutPrefix(line, name); is {
			_, _ = fmt.Sscan(rest, &n)
		}
	}
	return n << 10
}
