// SPDX-License-Identifier: Apache-2.0

package cmdutil

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPoliciesAreReadFromAFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	read := func(value string) ([]string, error) {
		return LocalPolicies(func(name string) string { return map[string]string{"EMRFLINK_LOCAL_POLICIES": value}[name] })
	}
	none, err := read("")
	require.NoError(t, err)
	require.Empty(t, none)
	_, err = read(dir)
	require.ErrorContains(t, err, "no file NAME.json")
	for name, text := range map[string]string{"b.json": "second", "a.json": "first", "a.txt": "no policy"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	got, err := read(dir)
	require.NoError(t, err)
	require.Equal(t, []string{"first", "second"}, got)
}
