// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os"
	"path/filepath"
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
		_ = cmd.Wait() // its engine ends a moment later, and still has the lock in the bucket
	}
	u.ok("deploy --yes")
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
	began = time.Now()
	u.ok("cleanup --stack local --yes")
	fewUploads("cleanup", 1)
	left := u.inventory().Resources
	require.Len(t, left, 1, "%v", left)
	require.Equal(t, "bucket", left[0].Type, "that of the states")
}
