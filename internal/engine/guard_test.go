// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// smallDisk is a disk of which a test says how much is free.
func smallDisk(e *Engine, free int64) *atomic.Int64 {
	var left atomic.Int64
	left.Store(free)
	e.free = func(string) (uint64, error) { return uint64(left.Load()), nil }
	return &left
}

func TestADiskThatFillsUpStopsTheDeployAndNothingIsLost(t *testing.T) {
	t.Parallel()
	f := holding(t)
	o := Options{Home: t.TempDir(), Env: f.env(), Program: slowChain()}
	e := open(t, o)
	left := smallDisk(e, 1<<30)
	done := make(chan error, 1)
	go func() { _, err := e.Deploy(t.Context(), nil); done <- err }()
	<-f.creating
	reserve := filepath.Join(e.files.root, ".reserve-local")
	require.FileExists(t, reserve)
	left.Store(lowWater - 1)
	waitFor(t, "the reserve to be given back", func() bool {
		_, err := os.Stat(reserve)
		return os.IsNotExist(err)
	})
	close(f.hold)
	var failure *Failure
	require.ErrorAs(t, <-done, &failure)
	require.Equal(t, CodeDiskFull, failure.Code)
	require.Equal(t, 1, failure.ExitCode(), "something was done")
	require.Contains(t, failure.Message, e.files.root)
	require.Equal(t, []string{"a"}, f.names())
	resources, err := e.Resources(t.Context())
	require.NoError(t, err)
	require.Len(t, resources, 1, "what was in flight is recorded")

	left.Store(1 << 30)
	_, err = e.Deploy(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, []string{"create a", "create b"}, f.called())
	hidden, err := filepath.Glob(filepath.Join(e.files.root, ".[rl]*"))
	require.NoError(t, err)
	require.Empty(t, hidden)
}

func TestAStateThatAFullDiskSpoiltIsPutBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(t *testing.T, path string)
	}{
		"the state is empty": {func(t *testing.T, path string) { replace(t, path, "") }},
		"only its beginning was written": {func(t *testing.T, path string) {
			whole, err := os.ReadFile(path)
			require.NoError(t, err)
			replace(t, path, string(whole[:len(whole)/2]))
			time.Sleep(10 * guardEvery) // the guard sees it and does not take it
		}},
		"its backup, too": {func(t *testing.T, path string) {
			replace(t, path, "")
			replace(t, path+".bak", "")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := serveFakeAWS(t)
			e := open(t, Options{Home: t.TempDir(), Env: f.env(), Program: chain(nil)})
			_, err := e.Deploy(t.Context(), nil)
			require.NoError(t, err)
			path, _ := e.files.path()
			before, err := os.ReadFile(path)
			require.NoError(t, err)

			_, stop := e.guarded(t.Context())
			waitFor(t, "the state to be kept", func() bool {
				kept, err := os.ReadFile(e.files.safePath())
				return err == nil && string(kept) == string(before)
			})
			c.spoil(t, path)
			full, err := stop()
			require.NoError(t, err)
			require.False(t, full)
			after, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, string(before), string(after))
			require.NoFileExists(t, e.files.safePath())
		})
	}
}

// replace writes as the engine's backend does: beside the file, then over it.
func replace(t *testing.T, path, content string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path+".tmp", []byte(content), 0o600))
	require.NoError(t, os.Rename(path+".tmp", path))
}

// waitFor polls until ok, for at most ten seconds.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	require.Eventually(t, ok, time.Minute, 10*time.Millisecond, what)
}
