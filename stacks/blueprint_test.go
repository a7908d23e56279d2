// SPDX-License-Identifier: Apache-2.0

package stacks_test

import (
	"flag"
	"testing"

	"emrflink/components/componenttest"
	"emrflink/stacks"
)

var update = flag.Bool("update", false, "write the golden files")

func TestBlueprintGolden(t *testing.T) {
	t.Parallel()
	g := componenttest.Run(t, stacks.Blueprint)
	componenttest.Golden(t, "default.golden", g.Render(), *update)
}
