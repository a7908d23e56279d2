// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// put writes a file and the folders above it.
func put(t *testing.T, content string, path ...string) string {
	t.Helper()
	name := filepath.Join(path...)
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o700))
	require.NoError(t, os.WriteFile(name, []byte(content), 0o600))
	return name
}

func TestAKillWhileAttributesAreWrittenHurtsNobody(t *testing.T) {
	t.Parallel()
	f, o := deployed(t)
	attributes := func() []string { return open(t, o).files.own("*.attrs") }
	require.Empty(t, attributes(), "no attributes are written")
	state := open(t, o).files.books("stacks", "emrflink", "local.json")
	history := matching(open(t, o).files.books("history", "emrflink", "local", "*.json"))
	require.NotEmpty(t, history)
	// What an earlier version left: whole ones, and the one that it was killed at.
	half := func() {
		for _, path := range append(history, state, state+".bak", open(t, o).files.books("meta.yaml")) {
			put(t, "", path+".attrs")
		}
	}
	half()
	plan, err := open(t, o).Preview(t.Context())
	require.NoError(t, err)
	require.Zero(t, plan.Summary.Changes())
	require.Empty(t, attributes())
	half()
	_, err = direct(t, o.Home, "stack", "history")
	require.NoError(t, err)
	half()
	put(t, `{"user.cache_control":"","user.content_type":"text/plain; charset=utf-8","md5":"AAAA"}`, state+".attrs")
	_, err = open(t, o).Destroy(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, f.names())
	require.NoError(t, open(t, o).Remove(t.Context()))
}

func TestTwoRunsAtTheSameInstant(t *testing.T) {
	t.Parallel()
	f := serveFakeAWS(t)
	o := Options{Home: t.TempDir(), Env: f.env(), Program: chain(nil)}
	const runs = 6
	done := make(chan error, runs)
	start := make(chan struct{})
	for range runs {
		e := open(t, o)
		go func() {
			<-start
			_, err := e.Deploy(t.Context(), nil)
			done <- err
		}()
	}
	close(start)
	ended := 0
	for range runs {
		var failure *Failure
		switch err := <-done; {
		case err == nil:
			ended++
		case errors.As(err, &failure):
			require.Equal(t, CodeLocked, failure.Code, failure.Message)
			require.Contains(t, failure.Message, fmt.Sprintf("pid %d", os.Getpid()))
		default:
			require.NoError(t, err)
		}
	}
	require.Positive(t, ended)
	require.Equal(t, []string{"create a", "create b"}, f.called())
	_, err := open(t, o).Deploy(t.Context(), nil)
	require.NoError(t, err)
}

func TestALockThatWasBeingWrittenHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	host, err := os.Hostname()
	require.NoError(t, err)
	whole := fmt.Sprintf(`{"pid":%d,"hostname":%q,"timestamp":"2026-01-02T03:04:05Z"}`, 1<<22+1, host)
	for name, c := range map[string]struct {
		file, content string
		age           time.Duration
	}{
		"nothing was written":           {"0.json.18f.tmp", "", time.Hour},
		"nothing was written, just now": {"0.json.18f.tmp", "", unwritten - time.Second},
		"a part was written":            {"0.json.18f.tmp", `{"pid":`, time.Hour},
		"everything, but not moved yet": {"0.json.18f.tmp", whole, 0},
		"a power cut emptied a lock":    {"0.json", "", time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, o := deployed(t)
			lock := put(t, c.content, o.Home, "backend/.pulumi/locks/organization/emrflink/local", c.file)
			require.NoError(t, os.Chtimes(lock, time.Time{}, time.Now().Add(-c.age)))
			_, err := open(t, o).Destroy(t.Context(), nil)
			require.NoError(t, err)
			require.Empty(t, f.names())
			require.NoFileExists(t, lock)
		})
	}
}

func TestWhatAKilledRunLeftLyingAboutIsRemoved(t *testing.T) {
	t.Parallel()
	_, o := deployed(t)
	stale := []string{
		put(t, fmt.Sprintf(`{"engine":%d,"command":1,"started":"2026-01-02T03:04:05Z"}`, 1<<22+1), o.Home, "run/other-1.json"),
		put(t, "room", o.Home, "backend/.reserve-local"),
		put(t, "{}", o.Home, "backend/.last-local.json.new"),
		put(t, "{", o.Home, "backend/.pulumi/stacks/emrflink/local.json.18f.tmp"),
		put(t, "{", o.Home, "backend/.pulumi/stacks/emrflink/.local.json-77"),
		put(t, "{", o.Home, "backend/.pulumi/history/emrflink/local/local-1.history.json.18f.tmp"),
		put(t, "{", o.Home, "work/local/.Pulumi.local.yaml-77"),
		put(t, "{", o.Home, "work/local/.Pulumi.yaml-77"),
		put(t, "{", o.Home, "work/local/import.json"),
		put(t, "{", o.Home, "work/local/plan-77.json"),
	}
	for _, path := range stale {
		if filepath.Base(filepath.Dir(path)) == "local" || filepath.Base(path)[0] == '.' {
			require.NoError(t, os.Chtimes(path, time.Time{}, time.Now().Add(-2*abandoned)))
		}
	}
	preview := put(t, "{", o.Home, "work/local/plan-78.json") // it claims nothing
	ours := put(t, fmt.Sprintf(`{"engine":%d,"command":1,"started":%q}`, os.Getpid(), time.Now().Format(time.RFC3339)),
		o.Home, "run/local-2.json")
	others := put(t, "room", o.Home, "backend/.reserve-other")
	lock := lockBy(t, o.Home, "elsewhere", 1)
	e := open(t, o)
	for _, path := range stale[1:] {
		require.FileExists(t, path, "another run works on the stack")
	}
	require.NoError(t, os.Remove(lock))
	release, err := e.claim(1)
	require.NoError(t, err)
	open(t, o)
	require.FileExists(t, stale[1], "another command is about to start")
	release()
	open(t, o)
	for _, path := range stale {
		require.NoFileExists(t, path)
	}
	require.FileExists(t, preview)
	require.FileExists(t, ours)
	require.FileExists(t, others)
}
