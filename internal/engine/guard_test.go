// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
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
	waitFor(t, "the engine to stop", f.wasTold)
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

// guardOf guards a stack whose state is one that was written by hand.
func guardOf(t *testing.T, content string) (g *guard, path string, log *strings.Builder) {
	t.Helper()
	log = &strings.Builder{}
	e := open(t, Options{
		Home: t.TempDir(), Program: chain(nil),
		Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	path, _ = e.files.path()
	put(t, content, path)
	return &guard{e: e, reserve: filepath.Join(e.files.root, ".reserve-local"), safe: e.files.safePath()}, path, log
}

const (
	wholeState = `{"version":3,"checkpoint":{"stack":"organization/emrflink/local","latest":{"manifest":{}}}}`
	otherState = `{"version":3,"checkpoint":{"stack":"organization/emrflink/local","latest":{"manifest":{},"resources":[]}}}`
)

func TestOnlyANewAndWholeStateIsKept(t *testing.T) {
	t.Parallel()
	g, path, _ := guardOf(t, wholeState)
	kept := func() string {
		raw, err := os.ReadFile(g.safe)
		require.NoError(t, err)
		return string(raw)
	}
	g.keep()
	require.Equal(t, wholeState, kept())
	require.NoFileExists(t, g.safe+".new")
	for _, spoilt := range []string{"", wholeState[:40]} {
		replace(t, path, spoilt)
		g.keep()
		require.Equal(t, wholeState, kept(), "what is not whole is not kept")
		require.NoFileExists(t, g.safe+".new")
	}
	replace(t, path, otherState)
	g.keep()
	require.Equal(t, otherState, kept())

	require.NoError(t, os.Remove(g.safe))
	g.keep()
	require.NoFileExists(t, g.safe, "a state that was seen is not read again")
	require.NoError(t, os.Chtimes(path, time.Time{}, time.Now().Add(time.Minute)))
	g.keep()
	require.Equal(t, otherState, kept(), "one that was written since is")
	require.NoError(t, os.Remove(path))
	g.keep()
	require.Equal(t, otherState, kept())
	require.NoError(t, os.Remove(g.safe))
	put(t, "", g.safe, "a folder is in its place")
	replace(t, path, wholeState)
	g.keep()
	require.NoFileExists(t, g.safe+".new")
}

func TestTheLastWholeStateTakesThePlaceOfASpoiltOne(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		state, safe, backup string
		want                string // "" when it cannot be restored
		warned              bool
	}{
		"a whole one stays":                {wholeState, otherState, otherState, wholeState, false},
		"the one that was kept":            {"", wholeState, otherState, wholeState, true},
		"the backup when it is spoilt too": {"", "", wholeState, wholeState, true},
		"nothing":                          {"", "", "", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, path, log := guardOf(t, c.state)
			put(t, "room", g.reserve)
			put(t, c.safe, g.safe)
			put(t, c.backup, path+".bak")
			err := g.finish()
			require.NoFileExists(t, g.reserve)
			if c.want == "" {
				var failure *Failure
				require.ErrorAs(t, err, &failure)
				require.Equal(t, CodeStateCorrupt, failure.Code)
				return
			}
			require.NoError(t, err)
			after, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, c.want, string(after))
			require.Equal(t, c.warned, strings.Contains(log.String(), "the last saved state is restored"))
			if !c.warned {
				require.NoFileExists(t, g.safe)
			}
		})
	}
}

func TestADiskIsFullWhenLessIsFreeThanASaveNeeds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		free uint64
		err  error
		full bool
	}{
		"enough":            {lowWater, nil, false},
		"less":              {lowWater - 1, nil, true},
		"nobody can tell":   {0, errors.New("no answer"), false},
		"a gigabyte":        {1 << 30, nil, false},
		"nothing":           {0, nil, true},
		"as much as we ask": {4 << 20, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, _, log := guardOf(t, wholeState)
			var looks atomic.Int64
			g.e.free = func(string) (uint64, error) { looks.Add(1); return c.free, c.err }
			ctx, stop := g.e.guarded(t.Context())
			if c.full {
				<-ctx.Done()
				require.ErrorIs(t, context.Cause(ctx), errDiskFull)
			} else {
				waitFor(t, "a second look", func() bool { return looks.Load() > 1 })
				require.NoError(t, ctx.Err())
				reserve, err := os.Stat(g.reserve)
				require.NoError(t, err)
				require.EqualValues(t, 8<<20, reserve.Size())
			}
			full, err := stop()
			require.NoError(t, err)
			require.Equal(t, c.full, full)
			require.Error(t, ctx.Err(), "it ends with the operation")
			require.Empty(t, log.String())
		})
	}
	g, _, log := guardOf(t, wholeState)
	put(t, "", g.reserve, "a folder is in its place")
	_, stop := g.e.guarded(t.Context())
	_, err := stop()
	require.NoError(t, err)
	require.Contains(t, log.String(), "keep room for the state")
	g.e.files = nil // a state in a bucket
	ctx, stop := g.e.guarded(t.Context())
	full, err := stop()
	require.NoError(t, err)
	require.False(t, full)
	require.NoError(t, ctx.Err())
}

func TestWhatTheEngineSaidOfAFullDiskIsKept(t *testing.T) {
	t.Parallel()
	g, _, _ := guardOf(t, wholeState)
	require.Equal(t, "no space left on device", g.e.diskFull("deploy", errors.New("no space left on device")).Raw)
	require.Equal(t, "all of it", g.e.diskFull("deploy", &Failure{Message: "short", Raw: "all of it"}).Raw)
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
