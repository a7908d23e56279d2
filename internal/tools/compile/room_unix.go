// SPDX-License-Identifier: Apache-2.0

//go:build unix

package compile

import (
	"path/filepath"
	"syscall"
)

// freeBytes is what a folder's disk has left; the folder, or some of its parents, may not exist yet.
func freeBytes(dir string) (int64, bool) {
	for {
		var fs syscall.Statfs_t
		if syscall.Statfs(dir, &fs) == nil {
			return int64(fs.Bavail) * int64(fs.Bsize), true //nolint:unconvert // Bsize is an int32 on some systems
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return 0, false
		}
		dir = parent
	}
}
