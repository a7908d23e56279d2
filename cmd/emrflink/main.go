// SPDX-License-Identifier: Apache-2.0

// Command emrflink provisions Amazon EMR on EKS with Apache Flink.
package main

import (
	"context"
	"os"

	"emrflink/internal/cli"
	"emrflink/internal/iostreams"
)

func main() {
	os.Exit(cli.Run(context.Background(), iostreams.System(), os.Args[1:]))
}
