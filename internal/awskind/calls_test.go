// SPDX-License-Identifier: Apache-2.0

package awskind

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every kind that the program makes can be made, read and deleted by the table, and the table has nothing else.
func TestEveryKindHasItsCalls(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, k := range All() {
		known[k.Terraform] = true
		if k.Made != ByProgram || slices.Contains(notMade, k.Terraform) {
			continue
		}
		for _, phase := range []string{PhaseCreate, PhaseRead, PhaseDelete} {
			has := slices.ContainsFunc(k.Calls(), func(c Call) bool { return c.In(phase) })
			require.True(t, has, "%s: %s", k.Terraform, phase)
		}
	}
	rows := 0
	for terraform, list := range calls() {
		require.True(t, known[terraform], "calls.tsv has %s, which is no kind", terraform)
		for _, c := range list {
			rows++
			require.Regexp(t, `^[a-z0-9]+:[A-Z]\w+$`, c.Action)
			require.NotEmpty(t, c.Phases, "%s %s", terraform, c.Action)
			for _, p := range c.Phases {
				require.Contains(t, []string{PhaseCreate, PhaseRead, PhaseUpdate, PhaseDelete}, p)
			}
			require.Regexp(t, `^(measured|source|https://docs\.aws\.amazon\.com/.+)$`, c.Source, "%s %s", terraform, c.Action)
		}
	}
	lines := 0
	for line := range strings.Lines(callRows) {
		if !strings.HasPrefix(line, "#") {
			lines++
		}
	}
	require.Equal(t, lines, rows, "every line of calls.tsv is read")
}

// notMade are kinds that the local AWS provider has and no configuration makes.
var notMade = []string{"aws_network_interface", "aws_instance"}
