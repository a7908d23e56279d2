// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/flinkhome"
	"emrflink/internal/tools/compile"
)

// A job runs in Flink itself: it checkpoints, loses processes and a node but no event, stops with a savepoint, leaves nothing.
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
	if _, err := exec.LookPath("javac"); err != nil {
		t.Skip("no job is run in Flink: a JDK builds its jar: " + err.Error())
	}
	require.NoError(t, compile.Samples(t.Context(), repository, filepath.Dir(binary(t, "emrflink")), t.Output(), "counting"))
	u.ok("local flink install")
	u.ok("deploy --yes")
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(u.exec(context.Background(), "job", "status", "basic"), u.exec(context.Background(), "job", "events", "basic"))
		}
	})
	r := u.ok("sample-job run counting --name basic --output json")
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

	const workers, masters = "TaskExecutorRunner", "ApplicationClusterEntrypoint"
	kill := func(pids []int) []int {
		for _, pid := range pids {
			require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
		}
		return pids
	}
	for _, loss := range []struct {
		class string              // of the processes
		take  func() (pids []int) // that are lost
	}{
		{workers, func() []int { return kill(u.javas(workers)[:1]) }},
		{masters, func() []int { return kill(u.javas(masters)) }}, // the leader and its standby
		{workers, func() []int {
			all := u.javas(workers)
			for _, node := range u.spotNodes() {
				u.ok("local fault set instance:Termination --match " + node)
			}
			return all
		}},
	} {
		lost := loss.take()
		require.Eventually(t, func() bool {
			now := u.javas(loss.class)
			return len(now) == 2 && !slices.ContainsFunc(now, func(pid int) bool { return slices.Contains(lost, pid) })
		}, 3*time.Minute, time.Second, "others take the place of what was lost: %s", loss.class)
		reached(u.checkpoint() + 1)
	}
	var verified struct{ Events, Lost, Twice, Wrong int64 }
	u.json("sample-job verify basic", &verified) // it fails when an event was lost or counted twice
	require.Greater(t, verified.Events, int64(1000))

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

// spotNodes are the nodes of the sample's TaskManagers: after a loss they can be on two.
func (u *user) spotNodes() (names []string) {
	u.t.Helper()
	var status struct {
		Nodes []struct{ Name, CapacityType string }
	}
	u.json("sample-job status basic", &status)
	for _, n := range status.Nodes {
		if n.CapacityType == "spot" {
			names = append(names, n.Name)
		}
	}
	require.NotEmpty(u.t, names, "no node of the job is a spot instance: %v", status)
	return names
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
