// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The provider dies while the cluster is made, and Pulumi drops what it had begun. AWS goes on: a cleanup deletes the
// cluster, a deploy takes it up.
func TestACreationWhoseProviderDiedIsDeletedOrTakenUp(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	u.killProvider(t)
	u.ok("cleanup --stack local --yes")
	require.Empty(t, u.inventory().Resources)

	u.killProvider(t)
	u.ok("deploy --yes")
	var planned summary
	u.json("preview", &planned)
	require.Zerof(t, planned.changes(), "%+v", planned)
}

// killProvider kills the local target, whose part the provider is, in the middle of the creation of the cluster.
func (u *user) killProvider(t *testing.T) {
	t.Helper()
	cmd := u.cmd(t.Context(), "deploy", "--yes")
	require.NoError(t, cmd.Start())
	journal := filepath.Join(u.home, "work", "local", "creations.jsonl")
	require.Eventually(t, func() bool {
		begun, _ := os.ReadFile(journal)
		return bytes.Contains(begun, []byte("aws:eks/cluster:Cluster::"))
	}, 2*time.Minute, 20*time.Millisecond)
	var status struct{ PID int }
	u.json("local status", &status)
	require.NoError(t, syscall.Kill(status.PID, syscall.SIGKILL))
	require.Error(t, cmd.Wait())
	require.Eventually(t, func() bool { return len(u.processes()) == 0 }, time.Minute, 50*time.Millisecond)
}
