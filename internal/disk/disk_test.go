// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Two that replace a file in the same moment do not take each other's new one away.
func TestAFileIsReplacedByManyAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	done := make(chan error)
	for range 50 {
		go func() { done <- Replace(path, []byte("whole")) }()
	}
	for range 50 {
		require.NoError(t, <-done)
	}
	requireContent(t, path, "whole", 0o600)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1)
}

func TestRoomIsThatOfTheNearestFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	there, err := Existing(filepath.Join(dir, "not", "yet"))
	require.NoError(t, err)
	require.Equal(t, dir, there)
	free, err := Free(there)
	if errors.Is(err, ErrUnknown) {
		return
	}
	require.NoError(t, err)
	require.NotZero(t, free)
	_, err = Free(filepath.Join(dir, "not"))
	require.ErrorIs(t, err, os.ErrNotExist)
}
