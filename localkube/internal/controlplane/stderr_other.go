// SPDX-License-Identifier: Apache-2.0

//go:build unix && !linux

package controlplane

import (
	"os"

	"golang.org/x/sys/unix"
)

// redirectStderr points descriptor 2 at a file and returns the way back.
func redirectStderr(f *os.File) (restore func(), err error) {
	saved, err := unix.Dup(2)
	if err != nil {
		return nil, err
	}
	if err := unix.Dup2(int(f.Fd()), 2); err != nil {
		return nil, err
	}
	return func() {
		_ = unix.Dup2(saved, 2)
		_ = unix.Close(saved)
	}, nil
}
