// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func requireContent(t *testing.T, path, want string, mode fs.FileMode) {
	t.Helper()
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, want, string(got))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, mode, info.Mode().Perm())
}

func TestARegularFileIsReplacedAndKeepsItsMode(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "f")
	require.NoError(t, To(file)([]byte("new"), 0o600))
	requireContent(t, file, "new", 0o600)
	require.NoError(t, os.Chmod(file, 0o640)) //nolint:gosec // a mode that is no default
	before, err := os.Open(file)
	require.NoError(t, err)
	defer before.Close()
	require.NoError(t, To(file)([]byte("newer"), 0o600))
	requireContent(t, file, "newer", 0o640)
	old := make([]byte, 3)
	_, err = before.Read(old)
	require.NoError(t, err)
	require.Equal(t, "new", string(old), "who reads sees the old content")
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1)
}

func TestALinkStaysALink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "real"), 0o700))
	target := filepath.Join(dir, "real", "f")
	links := map[string]string{"absolute": target, "relative": "real/f", "twice": "relative"}
	for link, to := range links {
		require.NoError(t, os.Symlink(to, filepath.Join(dir, link)))
	}
	for link := range links {
		path := filepath.Join(dir, link)
		_ = os.Remove(target) // a link to nothing makes what it points to
		for _, content := range []string{"one", "two"} {
			require.NoError(t, To(path)([]byte(content), 0o600))
			requireContent(t, target, content, 0o600)
			info, err := os.Lstat(path)
			require.NoError(t, err)
			require.NotZero(t, info.Mode()&fs.ModeSymlink)
		}
	}
	loop := filepath.Join(dir, "loop")
	require.NoError(t, os.Symlink("loop", loop))
	require.ErrorContains(t, To(loop)(nil, 0o600), "too many links")
}

func TestAFolderIsNoFile(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, To(t.TempDir())(nil, 0o600), "it is a folder")
	require.ErrorIs(t, To(filepath.Join(t.TempDir(), "no", "f"))(nil, 0o600), fs.ErrNotExist)
}
