// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	manyJobs  = 200
	manyTeams = 20
	// watched is how long `job list --watch` is measured, and allJobsTake the longest that the jobs are waited for.
	watched     = 2 * time.Minute
	allJobsTake = 30 * time.Minute
)

// small is how the sample is made small: many of it are to fit on few nodes. JobManagers of ours do not need the memory.
var small = strings.NewReplacer("replicas: 2", "replicas: 1", "memory: 2048m", "memory: 1024m", "cpu: 2", "cpu: 0.25",
	"cpu: 1", "cpu: 0.25")

// jobsOfTeams measures many jobs at once with simulated JobManagers, and what looking at all of them costs.
func (b *bench) jobsOfTeams(ctx context.Context) (err error) {
	name := fmt.Sprintf("jobs: %d of %d teams at once, until all are RUNNING", manyJobs, manyTeams)
	kubectl, err := exec.LookPath("kubectl")
	if err != nil {
		b.absent(name, "no kubectl on the PATH that submits them without a wait")
		return nil
	}
	own := *b
	own.root = filepath.Join(b.root, "jobs")
	own.home = filepath.Join(own.root, "home") // no Flink is installed there
	if err := os.MkdirAll(own.home, 0o700); err != nil {
		return err
	}
	if err := writeTeams(filepath.Join(own.root, "Pulumi.local.yaml"), teamNames(manyTeams)); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, own.stop(ctx)) }()
	if _, _, err := timed(own.cmd(ctx, "deploy", "--yes")); err != nil {
		return err
	}
	manifests, err := own.manyManifests(ctx)
	if err != nil {
		return err
	}
	config := filepath.Join(own.root, "kubeconfig")
	if _, _, err := timed(own.cmd(ctx, "kubeconfig", "--file", config)); err != nil {
		return err
	}
	peak := watchMemory(ctx, own.home, time.Second, localTarget)
	before, began := processorTime(own.home), time.Now()
	apply := exec.CommandContext(ctx, kubectl, "--kubeconfig", config, "apply", "-f", "-")
	apply.Stdin = bytes.NewReader(manifests)
	apply.Env = append(os.Environ(), "EMRFLINK_HOME="+own.home, "PATH="+own.bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	if _, _, err := timed(apply); err != nil {
		return err
	}
	if err := own.untilAllRun(ctx); err != nil {
		return err
	}
	b.add(name, time.Since(began).Seconds(), "s", fmt.Sprintf("with simulated JobManagers; the local target used %.0f s of "+
		"CPU and "+
		"%.0f MiB at most", processorTime(own.home)-before, peak()/(1<<20)))
	return own.looks(ctx, b)
}

// manyManifests are the jobs as YAML.
func (b *bench) manyManifests(ctx context.Context) ([]byte, error) {
	var all bytes.Buffer
	for _, team := range teamNames(manyTeams) {
		const one = "one-of-many"
		_, out, err := timed(b.cmd(ctx, "sample-job", "render", "basic", "--team", team, "--name", one, "--parallelism", "1"))
		if err != nil {
			return nil, err
		}
		for i := range manyJobs / manyTeams {
			_, _ = fmt.Fprintf(&all, "---\n%s\n", strings.ReplaceAll(small.Replace(string(out)), one, fmt.Sprintf("job-%d", i)))
		}
	}
	return all.Bytes(), nil
}

// untilAllRun waits until all jobs are RUNNING.
func (b *bench) untilAllRun(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, allJobsTake)
	defer cancel()
	for {
		_, out, err := timed(b.cmd(ctx, "job", "list", "--output", "json"))
		if err != nil {
			return err
		}
		var list struct{ Jobs []struct{ State string } }
		if err := json.Unmarshal(out, &list); err != nil {
			return err
		}
		run := 0
		for _, j := range list.Jobs {
			if j.State == "RUNNING" {
				run++
			}
		}
		if run == manyJobs {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d of %d jobs are RUNNING: %w", run, manyJobs, ctx.Err())
		case <-time.After(2 * time.Second):
		}
	}
}

// looks measures the commands that look at all jobs.
func (b *bench) looks(ctx context.Context, into *bench) error {
	took, err := b.median(ctx, 5, "job", "list")
	if err != nil {
		return err
	}
	into.add(fmt.Sprintf("job list, %d jobs of %d teams", manyJobs, manyTeams), took.Seconds(), "s", "median of 5 after one more")
	watch := b.cmd(ctx, "job", "list", "--watch")
	if err := watch.Start(); err != nil {
		return err
	}
	time.AfterFunc(watched, func() { _ = watch.Process.Signal(syscall.SIGINT) })
	if err := watch.Wait(); err != nil && watch.ProcessState.ExitCode() > 130 {
		return fmt.Errorf("job list --watch: %w", err)
	}
	used := watch.ProcessState.UserTime() + watch.ProcessState.SystemTime()
	into.add(fmt.Sprintf("job list --watch, %d jobs", manyJobs), 100*used.Seconds()/watched.Seconds(), "% of a CPU",
		fmt.Sprintf("of %s, with its start", watched))
	return nil
}
