// SPDX-License-Identifier: Apache-2.0

// Command localkube is the Kubernetes side of the local target: one binary that serves a control plane on
// this machine (`serve`) and runs the Karpenter controller against it (`karpenter`). It is a child process
// of the emrflink daemon, never a library: klog, feature gates and metrics registries are process-global.
package main

import (
	"os"

	"emrflink/localkube/internal/command"
)

func main() {
	os.Exit(command.Run(os.Args[1:], command.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
