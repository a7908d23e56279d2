// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/disk"
)

func TestProgressIsOfWhatHasToBeCompiled(t *testing.T) {
	t.Parallel()
	w := &work{packages: map[string]int64{"a": 600, "b": 300}, total: 1000}
	require.Equal(t, "   1s  compiling:  0 %, 0 of 2 packages", w.progress(time.Second))
	tail := w.follow(strings.NewReader("a\nsomething else\n  b  \n"))
	require.Equal(t, []string{"a", "something else", "  b  "}, tail)
	require.Equal(t, "1m30s  compiling: 90 %, 2 of 2 packages, about 10 s left", w.progress(90*time.Second))
	require.Equal(t, "15m0s  compiling: 90 %, 2 of 2 packages, about 2 min left", w.progress(15*time.Minute))
}

func TestAProgramIsReadyWhenNobodyWritesToItAnyMore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	start := time.Now().Add(-time.Hour)
	var ready []string
	b := Build{Ready: func(p Program) { ready = append(ready, p.Name) }}
	file := filepath.Join(dir, "emrflink")
	require.NoError(t, os.WriteFile(file, nil, 0o600))

	waiting := Programs()
	b.report(&waiting, dir, start)
	require.Empty(t, ready, "it may still be copied")
	require.NoError(t, os.Chtimes(file, start.Add(-time.Hour), start.Add(-time.Hour)))
	b.report(&waiting, dir, start)
	require.Empty(t, ready, "it is of an earlier build")
	require.NoError(t, os.Chtimes(file, start.Add(time.Minute), start.Add(time.Minute)))
	b.report(&waiting, dir, start)
	b.report(&waiting, dir, start)
	require.Equal(t, []string{"emrflink"}, ready, "once")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "localkube"), nil, 0o600))
	b.report(&waiting, dir, time.Time{})
	require.Equal(t, []string{"emrflink", "localkube"}, ready)
	require.Empty(t, waiting)
}

func TestRoomIsCheckedWhenMuchIsNeeded(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, room(t.Context(), &out, "it", 1<<20))
	require.Empty(t, out.String())
	require.NoError(t, room(t.Context(), &out, "it", 600<<20))
	require.Contains(t, out.String(), "it will take about 0.6 GB of disk")
	if _, err := disk.Free(t.TempDir()); !errors.Is(err, disk.ErrUnknown) {
		err := room(t.Context(), &out, "it", 1<<60)
		require.ErrorContains(t, err, "free some, or set GOCACHE")
	}
}

func TestTheMemoryThatIsFreeIsRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"MemTotal:       24000000 kB\nMemFree:  1 kB\nMemAvailable:   20000 kB\n": 20000 << 10,
		"MemTotal:       24000000 kB\n":                                           0,
		"MemAvailable:   many\n":                                                  0,
	} {
		require.Equal(t, want, memAvailable(bufio.NewScanner(strings.NewReader(text))))
	}
}

func TestGOGCIsTheUsers(t *testing.T) {
	t.Setenv("GOGC", "50")
	require.Equal(t, os.Environ(), Environ())
}

func TestCompilersTakeTheMemoryThatIsFree(t *testing.T) {
	t.Parallel()
	for free, want := range map[int64][]string{
		0: nil, 10<<30 - 1: nil, 10 << 30: {"GOGC=400"}, 14<<30 - 1: {"GOGC=400"}, 14 << 30: {"GOGC=800"},
		18<<30 - 1: {"GOGC=800"}, 18 << 30: {"GOGC=off", "GOMEMLIMIT=6GiB"},
	} {
		require.Equal(t, want, relaxed(free, 2), free)
	}
	require.Equal(t, []string{"GOGC=800"}, relaxed(64<<30, 8), "eight compilers at once")
}
