// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// running is what of `local status` tells the processes.
type running struct {
	PID      int
	Clusters []struct {
		Endpoint, State string
		PID             int
	}
}

// lostPort kills the daemon with its control plane, gives the port to another program, and then kills the control plane
// alone: a deploy finds the cluster every time.
func lostPort(t *testing.T, u *user) {
	t.Helper()
	var before, after running
	u.json("local status", &before)
	require.NoError(t, syscall.Kill(before.PID, syscall.SIGKILL))
	require.NoError(t, syscall.Kill(before.Clusters[0].PID, syscall.SIGKILL))
	address := strings.TrimPrefix(before.Clusters[0].Endpoint, "https://")
	var ln net.Listener
	require.Eventually(t, func() (ok bool) {
		var err error
		ln, err = net.Listen("tcp", address)
		return err == nil
	}, 20*time.Second, 20*time.Millisecond)
	defer ln.Close()
	u.ok("deploy --yes")
	u.json("local status", &after)
	require.NotEqual(t, before.Clusters[0].Endpoint, after.Clusters[0].Endpoint)
	require.NoError(t, syscall.Kill(after.Clusters[0].PID, syscall.SIGKILL))
	u.ok("status")
	before, after = after, running{}
	u.json("local status", &after)
	require.Equal(t, "running", after.Clusters[0].State)
	require.Equal(t, before.Clusters[0].Endpoint, after.Clusters[0].Endpoint)
	require.Equal(t, before.PID, after.PID, "the daemon lives on")
}
