// SPDX-License-Identifier: Apache-2.0

//go:build unix

package disk

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDevicesAndPipesAreWrittenToAndStay(t *testing.T) {
	t.Parallel()
	require.NoError(t, To(os.DevNull)([]byte("x"), 0o600))
	info, err := os.Stat(os.DevNull)
	require.NoError(t, err)
	require.NotZero(t, info.Mode()&fs.ModeDevice)

	dir := t.TempDir()
	pipe, link := filepath.Join(dir, "pipe"), filepath.Join(dir, "link")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	require.NoError(t, os.Symlink("pipe", link))
	for _, path := range []string{pipe, link} {
		read := make(chan string)
		go func() {
			got, err := os.ReadFile(pipe)
			if err != nil {
				got = []byte(err.Error())
			}
			read <- string(got)
		}()
		require.NoError(t, To(path)([]byte("through"), 0o600))
		require.Equal(t, "through", <-read)
		info, err := os.Lstat(path)
		require.NoError(t, err)
		require.NotZero(t, info.Mode()&(fs.ModeNamedPipe|fs.ModeSymlink))
	}
}

func TestAnOpenFileByItsNumberIsWrittenTo(t *testing.T) {
	t.Parallel()
	out, in, err := os.Pipe()
	require.NoError(t, err)
	defer out.Close()
	path := "/dev/fd/" + strconv.Itoa(int(in.Fd())) //nolint:gosec // a file's number is small
	if _, err := os.Stat(path); err != nil {
		t.Skip(path, "is not here:", err)
	}
	require.NoError(t, To(path)([]byte("through"), 0o600))
	require.NoError(t, in.Close())
	got, err := io.ReadAll(out)
	require.NoError(t, err)
	require.Equal(t, "through", string(got))
}
