// SPDX-License-Identifier: Apache-2.0

// Command smoke deploys, runs a Flink job and cleans up in an AWS account that is named, with the commands that a user would
// run, and writes a report as JSON. It refuses another account, and a deployment that would cost more than a cap; once a deploy
// has begun, it always cleans up, also after a failure and after Ctrl-C. With -target local it is rehearsed on the local target.
//
// Its state is in a folder that outlives it: run again after a crash, it goes on with what is there, and cleans that up.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx)
	stop()
	os.Exit(code)
}

func run(ctx context.Context) int {
	bin := flag.String("bin", "bin", "folder of the programs")
	target := flag.String("target", "aws", "aws, or local for a rehearsal")
	account := flag.String("account", "", "the AWS account that the credentials must be of")
	region := flag.String("region", "", "AWS region")
	most := flag.Float64("max-usd", 10, "the most that the run may cost at list prices, in US dollars")
	lasts := flag.Duration("lasts", 90*time.Minute, "how long the run may take before it cleans up")
	home := flag.String("home", "", "state folder (default: one in the user's cache, by account and region)")
	report := flag.String("report", "smoke.json", "file of the report")
	flag.Parse()
	program, err := filepath.Abs(filepath.Join(*bin, "emrflink"))
	if err == nil && *home == "" {
		*home, err = os.UserCacheDir()
		*home = filepath.Join(*home, "emrflink-smoke", *target+"-"+*account+"-"+*region)
	}
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return 1
	}
	s := smoke{
		program: program, home: *home, out: os.Stdout, Report: Report{
			Target: *target, Account: *account, Region: *region, CapUSD: *most, StartedAt: time.Now().UTC(), Steps: []Step{},
		},
	}
	err = s.run(ctx, *lasts)
	if werr := s.write(*report); werr != nil {
		_, _ = fmt.Fprintln(os.Stderr, werr)
	}
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "smoke:", err)
		return s.ExitCode
	}
	return 0
}
