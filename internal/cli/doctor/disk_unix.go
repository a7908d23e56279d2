// SPDX-License-Identifier: Apache-2.0

//go:build linux || darwin

package doctor

import (
	"fmt"
	"syscall"
)

// freeBytes returns the space that an ordinary user may still take on the file system of a path.
func freeBytes(path string) (uint64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(path, &st); err != nil {
		return 0, fmt.Errorf("read file system of %q: %w", path, err)
	}
	return st.Bavail * uint64(st.Bsize), nil // a block size is positive
}
