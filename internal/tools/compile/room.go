// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"

	"emrflink/internal/disk"
)

// What a build writes, measured (docs/bench.md): bytes of build cache for a byte of source, and a program.
const (
	cachePerSource = 19
	programBytes   = 160 << 20
)

// TestRoom says how much disk the tests of packages will take that run with the race detector, for which everything is
// compiled once more, and fails when there is less.
func TestRoom(ctx context.Context, out io.Writer, packages []string) error {
	work, err := measure(ctx, out, []string{"-race", "-test"}, packages)
	if err != nil {
		return err
	}
	return room(ctx, out, "the tests", uint64(work.total)*cachePerSource) // #nosec G115 -- sizes of files
}

// room says how much disk something will take in the build cache, unless it is little, and fails when there is less.
func room(ctx context.Context, out io.Writer, what string, need uint64) error {
	const little = 512 << 20
	if need < little {
		return nil
	}
	cache, err := exec.CommandContext(ctx, "go", "env", "GOCACHE").Output()
	if err != nil {
		return fmt.Errorf("find the build cache: %w", err)
	}
	dir := strings.TrimSpace(string(cache))
	there, err := disk.Existing(dir)
	if err != nil {
		return fmt.Errorf("look for free space: %w", err)
	}
	free, err := disk.Free(there)
	if errors.Is(err, disk.ErrUnknown) {
		_, _ = fmt.Fprintf(out, "%s will take about %s of disk\n", what, gigabytes(need))
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for free space: %w", err)
	}
	if free < need {
		return fmt.Errorf("%s will take about %s of disk and %s has %s: free some, or set GOCACHE to a folder on another disk",
			what, gigabytes(need), dir, gigabytes(free))
	}
	_, _ = fmt.Fprintf(out, "%s will take about %s of disk; %s has %s\n", what, gigabytes(need), dir, gigabytes(free))
	return nil
}

func gigabytes(n uint64) string { return fmt.Sprintf("%.1f GB", float64(n)/1e9) }
