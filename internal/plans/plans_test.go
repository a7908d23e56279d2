// SPDX-License-Identifier: Apache-2.0

package plans

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStepsAreCountedByTheirOperation(t *testing.T) {
	t.Parallel()
	var steps []Step
	for n, op := range []Op{OpCreate, OpUpdate, OpReplace, OpDelete, OpSame, OpRead} {
		for range n + 1 {
			steps = append(steps, Step{Op: op})
		}
	}
	sum := Summarize(steps)
	require.Equal(t, Summary{Create: 1, Update: 2, Replace: 3, Delete: 4, Same: 5}, sum)
	require.Equal(t, 1+2+3+4, sum.Changes())
}

func TestParentsComeBeforeTheirChildren(t *testing.T) {
	t.Parallel()
	step := func(urn, parent string) Step { return Step{URN: urn, Parent: parent} }
	var got []string
	for _, s := range InTreeOrder([]Step{
		step("c", "b"), step("z", ""), step("b", ""), step("a", "b"), step("itself", "itself"), step("lost", "nowhere"),
		step("b", ""), step("deep", "a"),
	}) {
		got = append(got, s.URN)
	}
	require.Equal(t, []string{"b", "a", "deep", "c", "b", "itself", "lost", "z"}, got,
		"siblings by name, each step once, also of one that has two")
}

func TestTheEnginesOwnBookkeepingIsInternal(t *testing.T) {
	t.Parallel()
	for typ, internal := range map[string]bool{
		"pulumi:pulumi:Stack": true, "pulumi:providers:aws": true, "aws:iam/role:Role": false,
		"pulumi:pulumi:StackReference": false,
	} {
		require.Equal(t, internal, Step{Type: typ}.Internal(), typ)
	}
}
