// SPDX-License-Identifier: Apache-2.0

// Command emrflink provisions Amazon EMR on EKS with Apache Flink.
package main

import (
	"context"
	"os"
	"runtime/debug"

	"emrflink/internal/cli"
	"emrflink/internal/iostreams"
)

// gcPercent is what the heap may grow by between two collections. A command of a large stack, which lives for seconds, needs a
// tenth less CPU with it than with Go's 100, and a tenth more memory.
const gcPercent = 200

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	os.Exit(cli.Run(context.Background(), iostreams.System(), os.Args[1:]))
}
