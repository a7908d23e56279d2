// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// A process that is being started has all open files for an instant: it does not keep a stack that was given free.
func TestAClaimEndsWithItsReleaseWhoeverHasTheFileOpen(t *testing.T) {
	t.Parallel()
	e := open(t, Options{Home: t.TempDir(), Program: chain(nil)})
	require.NoError(t, os.MkdirAll(e.files.root, 0o700))
	release, err := e.claim(1)
	require.NoError(t, err)
	held, err := filepath.Glob("/proc/self/fd/*")
	require.NoError(t, err)
	copied := -1
	for _, fd := range held {
		if path, err := os.Readlink(fd); err == nil && path == filepath.Join(e.files.root, claimPrefix+e.opts.Stack) {
			n, err := strconv.Atoi(filepath.Base(fd))
			require.NoError(t, err)
			copied, err = syscall.Dup(n)
			require.NoError(t, err)
		}
	}
	require.NotEqual(t, -1, copied)
	t.Cleanup(func() { _ = syscall.Close(copied) })
	_, err = e.claim(1)
	require.ErrorContains(t, err, CodeLocked)
	release()
	again, err := e.claim(1)
	require.NoError(t, err)
	again()
}
