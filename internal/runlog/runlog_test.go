// SPDX-License-Identifier: Apache-2.0

package runlog_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/iostreams"
	"emrflink/internal/runlog"
)

func TestTheLogFileIsMadeByTheFirstRecord(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	ios, _, out, errOut := iostreams.Test()
	l := runlog.New(runlog.Options{IO: ios, Home: home, Command: "sample-job run", Now: time.Unix(0, 0)})
	require.Empty(t, l.Path())
	require.NoDirExists(t, filepath.Join(home, "logs"))
	l.With("stack", "local").Debug("opened")
	l.Warn("clock is off", "by", "3 minutes")
	require.Contains(t, l.Path(), "19700101T000000Z-sample-job-run-")
	raw, err := os.ReadFile(l.Path())
	require.NoError(t, err)
	info, err := os.Stat(l.Path())
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.NoError(t, l.Close())
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	require.Len(t, lines, 2)
	var first struct{ Level, Msg, Stack string }
	require.NoError(t, json.Unmarshal([]byte(lines[0]), &first))
	require.Equal(t, "DEBUG opened local", first.Level+" "+first.Msg+" "+first.Stack)
	require.Equal(t, "warning: clock is off by=\"3 minutes\"\n", errOut.String())
	require.Empty(t, out.String())
}

func TestAFolderThatCannotBeWrittenCostsOnlyTheLog(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	ios, _, _, errOut := iostreams.Test()
	l := runlog.New(runlog.Options{IO: ios, Home: file, Command: "x", Now: time.Unix(0, 0), Quiet: true})
	l.Error("lost")
	require.Empty(t, l.Path())
	require.NoError(t, l.Close())
	require.Empty(t, errOut.String())
}

func TestOldLogsGo(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	ios, _, _, _ := iostreams.Test()
	for i := range 50 {
		l := runlog.New(runlog.Options{IO: ios, Home: home, Command: "x", Now: time.Unix(int64(i), 0)})
		l.Info("x")
		require.NoError(t, l.Close())
	}
	files, err := filepath.Glob(filepath.Join(home, "logs", "*.jsonl"))
	require.NoError(t, err)
	require.Len(t, files, 40)
	require.Contains(t, files[39], "000049Z")
}
