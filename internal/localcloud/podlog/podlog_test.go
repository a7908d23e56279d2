// SPDX-License-Identifier: Apache-2.0

package podlog

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func read(t *testing.T, path string, o Options) string {
	t.Helper()
	var out strings.Builder
	require.NoError(t, Copy(t.Context(), &out, path, o))
	return out.String()
}

func write(t *testing.T, l *Log, stream, text string) {
	t.Helper()
	_, err := io.WriteString(l.Stream(stream), text)
	require.NoError(t, err)
}

func TestALogIsReadAsTheAPIAsks(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "folder", "0.log")
	l, err := Open(path)
	require.NoError(t, err)
	write(t, l, Stdout, "one\ntw")
	write(t, l, Stderr, "oops\n")
	time.Sleep(5 * time.Millisecond)
	half := time.Now()
	write(t, l, Stdout, "o\nthree\nno end")
	require.NoError(t, l.Close())
	for name, c := range map[string]struct {
		o    Options
		want string
	}{
		"all of it":            {Options{}, "one\noops\ntwo\nthree\nno end\n"},
		"the last lines":       {Options{Tail: new(int64(2))}, "three\nno end\n"},
		"more than there are":  {Options{Tail: new(int64(20))}, "one\noops\ntwo\nthree\nno end\n"},
		"none":                 {Options{Tail: new(int64(0))}, ""},
		"from a time on":       {Options{Since: half}, "two\nthree\nno end\n"},
		"one stream":           {Options{Stream: Stderr}, "oops\n"},
		"some bytes":           {Options{Limit: new(int64(6))}, "one\noo"},
		"of something stopped": {Options{Running: func() bool { return false }}, "one\noops\ntwo\nthree\nno end\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, read(t, path, c.o))
		})
	}
	require.Regexp(t, regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z three\n\S+ no end\n$`),
		read(t, path, Options{Tail: new(int64(2)), Timestamps: true}))
}

func TestALongLineStaysOneLine(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "0.log")
	l, err := Open(path)
	require.NoError(t, err)
	long := strings.Repeat("x", 3*mostLine+5) + "\n"
	write(t, l, Stdout, long)
	require.NoError(t, l.Close())
	require.Equal(t, long, read(t, path, Options{}))
	require.Len(t, read(t, path, Options{Timestamps: true}), len(long)+len("2026-11-28T05:00:00.000000000Z "))
}

func TestALogIsFollowedThroughItsRotation(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "0.log")
	l, err := Open(path)
	require.NoError(t, err)
	l.most = 500
	var want strings.Builder
	var over atomic.Bool
	r, w := io.Pipe()
	go func() {
		_ = w.CloseWithError(Copy(t.Context(), w, path, Options{Running: func() bool { return !over.Load() }}))
	}()
	got := make(chan string)
	go func() { all, _ := io.ReadAll(r); got <- string(all) }()
	for i := range 60 {
		line := fmt.Sprintf("line %d\n", i)
		want.WriteString(line)
		write(t, l, Stdout, line)
		if i%10 == 0 {
			time.Sleep(2 * lookAgain)
		}
	}
	require.NoError(t, l.Close())
	over.Store(true)
	require.Equal(t, want.String(), <-got)
	_, err = os.Stat(path + ".1")
	require.NoError(t, err)
}

func TestFollowingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "0.log")
	l, err := Open(path)
	require.NoError(t, err)
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), lookAgain)
	defer cancel()
	require.NoError(t, Copy(ctx, io.Discard, path, Options{Running: func() bool { return true }}))
}
