// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func opened(t *testing.T, dir string) *Ledger {
	t.Helper()
	l, err := Open(dir, nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l
}

func put(l *Ledger, key, value string) error {
	return l.Do(func(t *Tx) error { t.Set(Logs.Key(key), value); return nil })
}

func TestTheJournalIsCompacted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := opened(t, dir)
	for range 60 {
		require.NoError(t, put(l, "one", strings.Repeat("x", 100_000)))
	}
	info, err := os.Stat(l.store.journal.Name())
	require.NoError(t, err)
	require.Less(t, info.Size(), int64(compactAt))
	raw, err := os.ReadFile(filepath.Join(dir, snapshotFile))
	require.NoError(t, err)
	var snap snapshot
	require.NoError(t, json.Unmarshal(raw, &snap))
	require.Greater(t, snap.Generation, uint64(1))
}

// The journal is replaced by one that cannot be written: every write fails from then on, as on a full disk.
func TestAFailedWriteIsTakenBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := opened(t, dir)
	require.NoError(t, put(l, "a", "1"))
	good := l.store.journal
	readOnly, err := os.Open(good.Name())
	require.NoError(t, err)
	l.store.journal = readOnly
	memory := "before"
	err = l.Do(func(t *Tx) error {
		t.Apply(func() { memory = "after" }, func() { memory = "before" })
		t.Set(Logs.Key("b"), "2")
		t.After(func() { memory = "after the commit" })
		return nil
	})
	var state *StateError
	require.ErrorAs(t, err, &state)
	require.Equal(t, good.Name(), state.File)
	require.Equal(t, "before", memory)
	require.Equal(t, []string{"log/a"}, l.store.keys())
	require.Error(t, put(l, "c", "3"), "a journal that could not be repaired takes no more")
	l.store.journal, l.store.broken = good, nil
	require.NoError(t, readOnly.Close())
	require.NoError(t, put(l, "d", "4"))
	require.Equal(t, []string{"log/a", "log/d"}, l.store.keys())
}

func TestAnEntryOfAnotherVersionIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l, err := Open(dir, nil)
	require.NoError(t, err)
	require.NoError(t, l.Do(func(t *Tx) error { t.Set("later/x", "1"); return nil }))
	require.NoError(t, l.Close())
	_, err = Open(dir, nil)
	require.ErrorContains(t, err, `unknown entry "later/x"`)
}

// TestFilesComeToTheDiskBeforeWhatNamesThem breaks the files: then the journal waits for them.
func TestFilesComeToTheDiskBeforeWhatNamesThem(t *testing.T) {
	t.Parallel()
	l := opened(t, t.TempDir())
	broken, calls := errors.New("no space left on device"), 0
	l.BeforeSync(func() error {
		calls++
		return broken
	})
	require.NoError(t, put(l, "a", "1"))
	require.ErrorIs(t, l.Sync(), broken)
	require.True(t, l.store.dirty, "the journal is still to be synced")
	broken = nil
	require.NoError(t, l.Sync())
	require.False(t, l.store.dirty)
	require.Positive(t, calls)
}

// TestAFirstStartThatWasKilledIsMadeAgain: the first journal comes before the first snapshot; a kill between them loses nothing.
func TestAFirstStartThatWasKilledIsMadeAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		journal, content, fails string
	}{
		"the first journal, empty": {"journal-1.jsonl", "", ""},
		"with something in it":     {"journal-1.jsonl", "{}\n", "missing, although other files of the state exist"},
		"a later one":              {"journal-2.jsonl", "", "missing, although other files of the state exist"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, c.journal), []byte(c.content), 0o600))
			l, err := Open(dir, nil)
			if c.fails != "" {
				require.ErrorContains(t, err, c.fails)
				return
			}
			require.NoError(t, err)
			require.NoError(t, put(l, "a", "1"))
			require.NoError(t, l.Close())
		})
	}
}
