// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// watchMemory samples, until its result is called, the resident memory of the
// processes that carry home in their environment, as the daemon and every
// command with its children do, and that keep chooses by their command line. It
// returns the peak in bytes.
func watchMemory(ctx context.Context, home string, every time.Duration, keep func(cmdline string) bool) func() float64 {
	ctx, cancel := context.WithCancel(ctx)
	result := make(chan float64, 1)
	go func() {
		peak := 0.0
		for tick := time.NewTicker(every); ; {
			select {
			case <-ctx.Done():
				tick.Stop()
				result <- peak
				return
			case <-tick.C:
				peak = max(peak, resident(home, keep))
			}
		}
	}()
	return func() float64 { cancel(); return <-result }
}

func resident(home string, keep func(string) bool) (total float64) {
	pageSize := float64(os.Getpagesize())
	eachProcess(home, keep, func(dir string) {
		if statm, err := os.ReadFile(filepath.Join(dir, "statm")); err == nil {
			if f := strings.Fields(string(statm)); len(f) > 1 {
				pages, _ := strconv.ParseFloat(f[1], 64)
				total += pages * pageSize
			}
		}
	})
	return total
}

// eachProcess visits, by their folders in /proc, the processes that carry home in their environment and that keep chooses.
func eachProcess(home string, keep func(cmdline string) bool, visit func(dir string)) {
	envs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range envs {
		env, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(env, []byte("EMRFLINK_HOME="+home)) {
			continue // not ours, or gone meanwhile
		}
		dir := filepath.Dir(path)
		if cmdline, err := os.ReadFile(filepath.Join(dir, "cmdline")); err == nil && keep(string(cmdline)) {
			visit(dir)
		}
	}
}

// localTarget tells the long-lived processes from the commands that use them.
func localTarget(cmdline string) bool {
	args := strings.Split(cmdline, "\x00")
	return filepath.Base(args[0]) == "localkube" || len(args) > 2 && args[1] == "local" && args[2] == "serve"
}
