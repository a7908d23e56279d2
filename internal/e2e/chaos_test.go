// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/chaos"
)

// A sample of what `make chaos` does at every change.
func TestAKilledDeployIsCleanedUp(t *testing.T) {
	t.Parallel()
	bench := chaos.Bench{Bin: filepath.Dir(binary(t, "emrflink"))}
	for _, c := range []chaos.Case{
		{Command: "deploy", Then: "cleanup", Who: chaos.Daemon, When: "after", Step: 20},
		{Command: "deploy", Then: "cleanup", Who: chaos.Engine, When: "before", Step: 60},
	} {
		t.Run(c.Who, func(t *testing.T) {
			t.Parallel()
			o, err := bench.Run(t.Context(), c)
			require.NoError(t, err)
			require.Empty(t, o.Why, "%s %s", c.When, o.Change)
		})
	}
}
