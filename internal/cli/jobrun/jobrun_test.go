// SPDX-License-Identifier: Apache-2.0

package jobrun

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdtest"
	"emrflink/internal/flinkjob"
)

func TestAWaitMayFallBack(t *testing.T) {
	t.Parallel()
	r := cmdtest.New(t)
	w := NewWait(r.Factory.IO)
	for _, phase := range []string{"nodes", "starting", "nodes", "starting", "checkpoint"} {
		w.Follow(flinkjob.Progress{Phase: phase, Cause: "cause of " + phase})
	}
	w.End(nil)
	require.Empty(t, cmp.Diff(`nodes: started
nodes: cause of nodes
nodes: done in 0s
starting: started
starting: cause of starting
nodes: done in 0s
starting: done in 0s
checkpoint: started
checkpoint: cause of checkpoint
checkpoint: done in 0s
`, r.Err.String()))
}
