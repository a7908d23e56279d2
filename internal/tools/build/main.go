// SPDX-License-Identifier: Apache-2.0

// Command build compiles the programs and shows its progress: the first build of the AWS SDKs and of Kubernetes takes
// minutes, and without output it would look like a hang. It needs only Go, and no C compiler.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"

	"emrflink/internal/tools/compile"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	out := flag.String("o", "bin", "folder of the binaries")
	version := flag.String("version", "dev", "version that emrflink reports")
	raced := flag.String("tests", "", "build nothing; say what the tests of these packages with the race detector will take")
	samples := flag.Bool("samples", false, "build only the jars of the sample jobs that are named, or of all, with Maven")
	flag.Parse()
	b := compile.Build{Out: *out, Version: *version, W: os.Stdout}
	run := b.Run
	if *raced != "" {
		run = func(ctx context.Context) error { return compile.TestRoom(ctx, os.Stdout, strings.Fields(*raced)) }
	}
	if *samples {
		run = func(ctx context.Context) error { return compile.Samples(ctx, ".", *out, os.Stdout, flag.Args()...) }
	}
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}
