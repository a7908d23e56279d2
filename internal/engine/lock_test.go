// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// goneProcess is a number that no process has.
const goneProcess = 1<<22 + 1

// lockContentOf is a lock as a process writes it now.
func lockContentOf(pid int, host string) string {
	return fmt.Sprintf(`{"pid":%d,"username":"ann","hostname":%q,"timestamp":%q}`, pid, host,
		time.Now().Format(time.RFC3339Nano))
}

func TestTheOwnerOfALockIsJudged(t *testing.T) {
	t.Parallel()
	host, err := os.Hostname()
	require.NoError(t, err)
	mine := fmt.Sprintf("ann on %s, process %d", host, os.Getpid())
	for name, c := range map[string]struct {
		content          string
		age              time.Duration
		stale, finishing bool
		held             bool
		by               string
	}{
		"a process that lives":          {lockContentOf(os.Getpid(), host), 0, false, false, true, mine},
		"one that is gone":              {lockContentOf(goneProcess, host), 0, true, false, false, ""},
		"one of another machine":        {lockContentOf(1, "elsewhere"), 0, false, false, true, "ann on elsewhere, process 1"},
		"half a lock, four seconds old": {`{"pid":`, 4 * time.Second, false, true, true, " on , process 0"},
		"half a lock, six seconds old":  {`{"pid":`, 6 * time.Second, true, false, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := open(t, Options{Home: t.TempDir(), Program: chain(nil)})
			path := put(t, c.content, lockBy(t, e.opts.Home, "x", 1))
			put(t, "{", filepath.Dir(path), "0.json.attrs")
			require.NoError(t, os.Chtimes(path, time.Time{}, time.Now().Add(-c.age)))
			info, err := e.Lock(t.Context())
			require.NoError(t, err)
			require.Len(t, info.Owners, 1, "attributes are no lock")
			require.Equal(t, c.stale, info.Owners[0].Stale)
			require.Equal(t, c.finishing, info.Owners[0].Finishing)
			require.Equal(t, c.held, info.Held())
			by, err := e.LockedBy(t.Context())
			require.NoError(t, err)
			require.Equal(t, c.by, by)
		})
	}
}

func TestWithoutALockNobodyHoldsTheStack(t *testing.T) {
	t.Parallel()
	e := open(t, Options{Home: t.TempDir(), Program: chain(nil)})
	info, err := e.Lock(t.Context())
	require.NoError(t, err)
	require.False(t, info.Held())
	locks := filepath.Dir(lockBy(t, e.opts.Home, "x", 1))
	require.NoError(t, os.RemoveAll(locks))
	put(t, "", locks)
	_, err = e.Lock(t.Context())
	require.ErrorContains(t, err, "read the locks")
	_, err = e.LockedBy(t.Context())
	require.Error(t, err, "not known is not free")
	require.NoError(t, os.Remove(locks))
	require.NoError(t, os.MkdirAll(filepath.Join(locks, "0.json"), 0o700))
	_, err = e.Lock(t.Context())
	require.ErrorContains(t, err, "read the lock")

	e.files = nil // a state in a bucket
	info, err = e.Lock(t.Context())
	require.NoError(t, err)
	require.Empty(t, info.Owners)
	release, err := e.claim(1)
	require.NoError(t, err)
	release()
}

// runOf is what is recorded of an engine process that serves the process command.
func runOf(engine, command int) string {
	return fmt.Sprintf(`{"engine":%d,"command":%d,"started":%q}`, engine, command, time.Now().Format(time.RFC3339))
}

// An engine of ours whose command was killed comes to its end by itself.
func TestTheEngineOfAKilledCommandIsFinishing(t *testing.T) {
	t.Parallel()
	host, err := os.Hostname()
	require.NoError(t, err)
	for pid, finishing := range map[int]bool{goneProcess: true, os.Getpid(): false} {
		e := open(t, Options{Home: t.TempDir(), Program: chain(nil)})
		put(t, lockContentOf(os.Getpid(), host), lockBy(t, e.opts.Home, "x", 1))
		put(t, runOf(os.Getpid(), pid), e.runPath(strconv.Itoa(os.Getpid())))
		info, err := e.Lock(t.Context())
		require.NoError(t, err)
		require.False(t, info.Owners[0].Stale)
		require.Equal(t, finishing, info.Owners[0].Finishing)
	}
}

func TestAClaimIsOfOneCommand(t *testing.T) {
	t.Parallel()
	e := open(t, Options{Home: t.TempDir(), Program: chain(nil)})
	require.NoError(t, os.RemoveAll(e.files.root))
	release, err := e.claim(1)
	require.NoError(t, err, "there is no folder in which anybody could work")
	release()
	require.NoError(t, os.MkdirAll(e.files.root, 0o700))

	release, err = e.claim(1)
	require.NoError(t, err)
	host, err := os.Hostname()
	require.NoError(t, err)
	_, err = e.claim(1)
	var failure *Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, CodeLocked, failure.Code)
	me, err := user.Current()
	require.NoError(t, err)
	require.Contains(t, failure.Message, fmt.Sprintf("%s on %s, pid %d", me.Username, host, os.Getpid()))
	_, err = e.claim(3)
	require.ErrorAs(t, err, &failure, "who holds it is not waited for without an end")
	claimed := make(chan error, 1)
	go func() {
		again, err := e.claim(2000) // twenty seconds
		if err == nil {
			again()
		}
		claimed <- err
	}()
	time.Sleep(30 * time.Millisecond)
	release()
	require.NoError(t, <-claimed, "it is asked for until it is free")
	left, err := os.ReadFile(filepath.Join(e.files.root, ".in-use-local"))
	require.NoError(t, err)
	require.Empty(t, left, "whose it was is not said of the next")

	require.NoError(t, os.Remove(filepath.Join(e.files.root, ".in-use-local")))
	require.NoError(t, os.Mkdir(filepath.Join(e.files.root, ".in-use-local"), 0o700))
	_, err = e.claim(1)
	require.ErrorContains(t, err, "claim the stack")
}

func TestStaleLocksAreClearedAndOthersWaitedFor(t *testing.T) {
	t.Parallel()
	host, err := os.Hostname()
	require.NoError(t, err)
	e := open(t, Options{Home: t.TempDir(), Program: chain(nil)})
	require.NoError(t, os.MkdirAll(e.files.root, 0o700))
	stale := lockBy(t, e.opts.Home, host, goneProcess)
	var said []string
	notice := func(text string) { said = append(said, text) }
	gone, err := e.unlocked(t.Context(), notice)
	require.NoError(t, err)
	require.Len(t, gone, 1)
	require.FileExists(t, stale, "a look changes nothing")
	release, err := e.acquire(t.Context(), notice)
	require.NoError(t, err)
	require.NoFileExists(t, stale)
	require.Len(t, said, 1)
	require.Contains(t, said[0], "cleared the lock of a run that is gone: ann on "+host)
	release()

	said = nil
	half := put(t, "{", filepath.Dir(stale), "0.json.18f.tmp")
	go func() {
		time.Sleep(250 * time.Millisecond) // two looks are waited for
		_ = os.Remove(half)
	}()
	release, err = e.acquire(t.Context(), notice)
	require.NoError(t, err)
	release()
	require.Len(t, said, 1, "it is said once")
	require.Contains(t, said[0], "waiting for the engine of an interrupted run")

	put(t, "{", half)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = e.unlocked(ctx, notice)
	require.ErrorContains(t, err, "waiting for the lock")
	require.NoError(t, os.Remove(half))

	lockBy(t, e.opts.Home, "elsewhere", 1)
	_, err = e.acquire(t.Context(), notice)
	var failure *Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, CodeLocked, failure.Code)
	require.NoError(t, os.Remove(stale))
	release, err = e.acquire(t.Context(), notice)
	require.NoError(t, err, "what was refused claims nothing")
	release()
}
