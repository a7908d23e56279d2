// SPDX-License-Identifier: Apache-2.0

//go:build linux || darwin

package disk

import (
	"fmt"
	"syscall"
)

// Free returns how many bytes an ordinary user may still write to the file system of a path that exists.
func Free(path string) (uint64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(path, &st); err != nil {
		return 0, fmt.Errorf("read file system of %q: %w", path, err)
	}
	return st.Bavail * uint64(st.Bsize), nil // a block size is positive
}
