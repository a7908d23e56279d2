// SPDX-License-Identifier: Apache-2.0

package stacks_test

import (
	"testing"

	"emrflink/components/componenttest"
	"emrflink/internal/golden"
	"emrflink/stacks"
)

func TestBlueprintGolden(t *testing.T) {
	t.Parallel()
	g := componenttest.Run(t, stacks.Blueprint)
	golden.Equal(t, "testdata/default.golden", g.Render())
}
