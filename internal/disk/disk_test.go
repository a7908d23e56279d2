// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

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
