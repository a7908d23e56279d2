// SPDX-License-Identifier: Apache-2.0

package cost

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheShareOfANodeIsTheLargerOfCPUAndMemory(t *testing.T) {
	t.Parallel()
	p, err := Table("us-west-2")
	require.NoError(t, err)
	const kind = "c5d.xlarge" // 4 vCPUs, 8 GiB
	whole := p.EC2[kind]
	for want, ask := range map[float64][2]int64{
		.25: {1000, 1024}, .5: {1000, 4096}, 1: {1000, 16384},
	} {
		got, known := Share(p, kind, ask[0], ask[1])
		require.True(t, known)
		require.InDelta(t, want*whole, got, 1e-9)
	}
	_, known := Share(p, "x99.nano", 1, 1)
	require.False(t, known)
	_, known = Share(Prices{}, kind, 1, 1)
	require.False(t, known)
}
