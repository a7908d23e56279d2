// SPDX-License-Identifier: Apache-2.0

// Package enginetest runs the engine in the tests of other packages.
package enginetest

import (
	"os"
	"path/filepath"
	"testing"

	"emrflink/internal/engine"
)

// Main is what a TestMain does, and returns its exit code: the test binary can be the engine's process, as the real binary
// is by running itself again.
func Main(m *testing.M) int {
	if len(os.Args) > 1 && os.Args[1] == "pulumi" {
		return engine.Main(os.Args[2:])
	}
	return m.Run()
}

// Command is an engine's Options.Command: the built binary where EMRFLINK_BIN says where it is, so that the race detector
// watches our side of the pipe only. Without it the test binary is the engine's process too.
func Command() []string {
	if dir := os.Getenv("EMRFLINK_BIN"); dir != "" {
		return []string{filepath.Join(dir, "emrflink"), "pulumi"}
	}
	return nil
}
