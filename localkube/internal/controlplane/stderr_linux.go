// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"os"

	"golang.org/x/sys/unix"
)

// redirectStderr points descriptor 2 at a file and returns the way back.
func redirectStderr(f *os.File) (restore func(), err error) {
	saved, err := unix.FcntlInt(2, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, err
	}
	if err := unix.Dup3(int(f.Fd()), 2, 0); err != nil {
		return nil, err
	}
	return func() {
		_ = unix.Dup3(saved, 2, 0)
		_ = unix.Close(saved)
	}, nil
}
