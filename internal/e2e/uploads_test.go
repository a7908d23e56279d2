// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/tools/uploads"
)

// A deploy whose state is in S3 is killed three times on its way; the next ends it, and nothing is there twice or forgotten. The
// state is uploaded once for many changes. Each resource is two changes: it is begun, and it has ended.
func TestADeployWithItsStateInS3(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	require.NoError(t, os.WriteFile(filepath.Join(u.work, "Pulumi.local.yaml"),
		[]byte("config:\n  emrflink:target: local\n  emrflink:teams: [a, b, c, d, e]\n"), 0o600))
	u.ok("preview") // it starts the account
	count, err := uploads.Count(t.Context(), u.home)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, count.Close()) })
	u.env = append(u.env, count.Env...)
	began, killed := time.Now(), []int{12, 40, 90}
	for _, n := range killed {
		cmd := u.cmd(t.Context(), "deploy", "--yes")
		require.NoError(t, cmd.Start())
		require.Eventually(t, func() bool { return u.accountHolds(n) }, 3*time.Minute, 20*time.Millisecond)
		require.NoError(t, cmd.Process.Kill())
		if n == killed[len(killed)-1] {
			u.killEngine() // nobody is left to give the lock in the bucket back
		}
		_ = cmd.Wait() // else its engine ends a moment later, and still has the lock in the bucket
	}
	said := u.ok("deploy --yes").stderr
	require.Contains(t, said, "cleared the lock of a run that is gone")
	var deployed summary
	u.json("preview", &deployed)
	require.Zerof(t, deployed.changes(), "%+v", deployed)

	changes := 2 * deployed.Summary.Same
	require.Greater(t, changes, 300)
	// Uploads are a second apart: on a slow machine there are more of them, each with fewer changes.
	fewUploads := func(what string, runs int) {
		const besides = 16 // lock, copies, history and backup of a run
		sent := count.Take()
		t.Logf("%s: %d changes, %d uploads, %d bytes", what, changes, sent.Requests, sent.Bytes)
		require.Positive(t, sent.Requests)
		require.LessOrEqual(t, sent.Requests, max(changes/10, int(time.Since(began).Seconds()))+runs*besides)
		require.Less(t, sent.Bytes, int64(10<<20))
	}
	fewUploads("deploy", len(killed)+1)
	u.respectsLockInBucket(count)
	count.Take()
	began = time.Now()
	u.ok("cleanup --stack local --yes")
	fewUploads("cleanup", 1)
	left := u.inventory().Resources
	require.Len(t, left, 1, "%v", left)
	require.Equal(t, "bucket", left[0].Type, "that of the states")
}

// killEngine kills the engine of the user's command, and whatever it started of ours, but for the local target.
func (u *user) killEngine() {
	u.t.Helper()
	envs, err := filepath.Glob("/proc/[0-9]*/environ")
	require.NoError(u.t, err)
	killed := 0
	for _, path := range envs {
		env, _ := os.ReadFile(path)
		line, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		if !bytes.Contains(env, []byte("EMRFLINK_HOME="+u.home)) || !bytes.Contains(line, []byte("\x00pulumi\x00")) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		require.NoError(u.t, err)
		if syscall.Kill(pid, syscall.SIGKILL) == nil {
			killed++
		}
	}
	require.Positive(u.t, killed, "the engine ended before it was killed")
}

// respectsLockInBucket: a lock that may be of another machine is nobody's to clear but the user's, with the command that the
// refusal names.
func (u *user) respectsLockInBucket(count *uploads.Counter) {
	u.t.Helper()
	lock := `{"pid":1,"username":"ann","hostname":"elsewhere","timestamp":"` + time.Now().UTC().Format(time.RFC3339) + `"}`
	require.NoError(u.t, count.Put(u.t.Context(), ".pulumi/locks/organization/emrflink/local/of-ann.json", lock))
	for _, line := range []string{"deploy --yes", "cleanup --stack local --yes"} {
		r := u.exec(u.t.Context(), strings.Fields(line)...)
		require.NotZero(u.t, r.code, line)
		require.Contains(u.t, r.stderr, "ann", line)
		require.Contains(u.t, r.stderr, "elsewhere", line)
		require.Contains(u.t, r.stderr, "emrflink pulumi cancel --yes --stack local", line)
	}
	u.ok("pulumi cancel --yes --stack local")
	u.ok("deploy --yes")
}
