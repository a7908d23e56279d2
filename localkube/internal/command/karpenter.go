// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"
	"io"
	"os"
	"slices"

	"emrflink/localkube/internal/controlplane"
	"emrflink/localkube/internal/karpenter"
)

// exitOnEOF is ours, not Karpenter's: it is taken out of the arguments before Karpenter parses them.
const exitOnEOF = "--exit-on-stdin-eof"

func runKarpenter(args []string, s Streams) error {
	if i := slices.Index(args, exitOnEOF); i >= 0 {
		args = slices.Delete(slices.Clone(args), i, i+1)
		go func() {
			_, _ = io.Copy(io.Discard, s.In)
			fmt.Fprintln(s.Err, "localkube karpenter: standard input ended, stopping")
			os.Exit(exitDone)
		}()
	}
	karpenter.Run(args)
	return nil
}

func crds(args []string, s Streams) error {
	if len(args) > 1 || (len(args) == 1 && args[0] != "karpenter") {
		return usageError{fmt.Errorf("crds knows only %q, got %q", "karpenter", args)}
	}
	return karpenter.WriteCRDs(s.Out)
}

func printVersion(args []string, s Streams) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("version takes no argument, got %q", args[0])}
	}
	_, err := fmt.Fprintf(s.Out, "kubernetes %s\nkarpenter-provider-aws v%s\n",
		controlplane.BinaryVersion(), karpenter.Version)
	return err
}
