// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/flinkhome"
)

// A job runs in Flink itself: it checkpoints, loses a TaskManager, stops with a savepoint, and leaves nothing.
func TestAJobRunsInFlink(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	var have flinkhome.Status
	u.json("local flink status", &have)
	for _, p := range []flinkhome.Program{have.Java, have.Maven} {
		if p.Problem != "" {
			t.Skip("no job is run in Flink: " + p.Problem)
		}
	}
	u.ok("local flink install")
	u.ok("deploy --yes")
	r := u.ok("sample-job run basic --output json")
	checkJob(t, r.stdout)
	require.Contains(t, r.stdout, "Flink "+flinkhome.Version+" are the real ones")
	reached := func(number int) {
		t.Helper()
		require.Eventually(t, func() bool { return u.checkpoint() >= number }, 3*time.Minute, time.Second, "checkpoint %d",
			number)
	}
	reached(3)
	if k, ok := u.kubectl(); ok {
		checkFlinkByKubectl(t, k)
	}
	checkSidecar(t, u)

	workers := u.javas("TaskExecutorRunner")
	require.Len(t, workers, 2)
	before := u.checkpoint()
	require.NoError(t, syscall.Kill(workers[0], syscall.SIGKILL))
	require.Eventually(t, func() bool { now := u.javas("TaskExecutorRunner"); return len(now) == 2 && now[0] != workers[0] },
		3*time.Minute, time.Second, "a TaskManager takes the place of the one that was lost")
	reached(before + 2)

	var done struct {
		Savepoints []struct {
			Job, Path string
		}
		Verified bool
	}
	u.json("cleanup --stack local --yes --stop-with-savepoint", &done)
	require.True(t, done.Verified)
	require.Len(t, done.Savepoints, 1)
	require.Contains(t, done.Savepoints[0].Path, "/savepoints/basic/savepoint-")
	require.Empty(t, u.inventory().Resources)
	require.Empty(t, u.javas(""))
}

// checkpoint is the number of the sample's last checkpoint, 0 before the first.
func (u *user) checkpoint() int {
	u.t.Helper()
	r := u.exec(u.t.Context(), "sample-job", "status", "basic", "--output", "json")
	var status struct{ Checkpoint struct{ URI string } }
	if r.code != 0 || json.Unmarshal([]byte(r.stdout), &status) != nil {
		return 0
	}
	n, _ := strconv.Atoi(strings.TrimPrefix(path.Base(status.Checkpoint.URI), "chk-")) // 0 for none
	return n
}

// javas are the processes of Flink below the user's state folder whose command line has a word, oldest first.
func (u *user) javas(word string) []int {
	var pids []int
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range lines {
		line, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(line, []byte(u.home)) || !bytes.Contains(line, []byte("org.apache.flink")) ||
			!bytes.Contains(line, []byte(word)) {
			continue
		}
		if pid, err := strconv.Atoi(path.Base(filepath.Dir(file))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}
