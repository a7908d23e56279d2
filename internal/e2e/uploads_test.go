// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/tools/uploads"
)

// A state in S3 is uploaded once for many changes. Each resource is two changes: it is begun, and it has ended.
func TestFewUploadsOfAStateInS3(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	require.NoError(t, os.WriteFile(filepath.Join(u.work, "Pulumi.local.yaml"),
		[]byte("config:\n  emrflink:target: local\n  emrflink:teams: [a, b, c, d, e]\n"), 0o600))
	u.ok("preview") // it starts the account
	count, err := uploads.Count(t.Context(), u.home)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, count.Close()) })
	u.env = append(u.env, count.Env...)
	var deployed struct{ Summary struct{ Create int } }
	began := time.Now()
	u.json("deploy --yes", &deployed)
	sent, changes := count.Take(), 2*deployed.Summary.Create
	t.Logf("deploy: %d changes, %d uploads, %d bytes", changes, sent.Requests, sent.Bytes)
	require.Greater(t, changes, 300)
	require.Positive(t, sent.Requests)
	// Uploads are a second apart: on a slow machine there are more of them, each with fewer changes.
	const besides = 8 // lock, copy, history and backup
	require.LessOrEqual(t, sent.Requests, max(changes/10, int(time.Since(began).Seconds()))+besides)
	require.Less(t, sent.Bytes, int64(10<<20))
	began = time.Now()
	u.ok("cleanup --stack local --yes")
	sent = count.Take()
	t.Logf("cleanup: %d uploads, %d bytes", sent.Requests, sent.Bytes)
	require.LessOrEqual(t, sent.Requests, max(changes/10, int(time.Since(began).Seconds()))+2*besides)
}

// A deploy whose state is in S3 is killed three times on its way; the next ends it, and nothing is there twice or forgotten.
func TestAKilledDeployWithItsStateInS3IsEnded(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	u.ok("preview")
	count, err := uploads.Count(t.Context(), u.home)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, count.Close()) })
	u.env = append(u.env, count.Env...)
	for _, n := range []int{12, 40, 90} {
		cmd := u.cmd(t.Context(), "deploy", "--yes")
		require.NoError(t, cmd.Start())
		require.Eventually(t, func() bool { return u.accountHolds(n) }, 3*time.Minute, 20*time.Millisecond)
		require.NoError(t, cmd.Process.Kill())
		_ = cmd.Wait()
		// Its engine dies a moment later. Until then it holds the lock in the bucket, and the next deploy is told to wait.
		require.Eventually(t, func() bool {
			engine := func(line string) bool { return strings.Contains(line, "pulumi --non-interactive") }
			return !slices.ContainsFunc(u.processes(), engine)
		}, time.Minute, 100*time.Millisecond)
	}
	u.ok("deploy --yes")
	u.ok("preview --exit-code")
	u.ok("cleanup --stack local --yes")
	left := u.inventory().Resources
	require.Len(t, left, 1, "%v", left)
	require.Equal(t, "bucket", left[0].Type, "that of the states")
}
