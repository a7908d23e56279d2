// SPDX-License-Identifier: Apache-2.0

package stackconfig

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"emrflink/internal/findings"
	"emrflink/stacks"
)

// accepting are settings that accept the findings of a rule.
func accepting(rules ...string) map[string]any {
	var all []any
	for _, r := range rules {
		all = append(all, map[string]any{"rule": r, "resource": "network-*", "reason": "a development stack"})
	}
	return map[string]any{"acceptedFindings": all}
}

func TestAFindingIsAcceptedByAKnownRule(t *testing.T) {
	t.Parallel()
	c, err := Parse("Pulumi.dev.yaml", accepting("single-nat"))
	require.NoError(t, err)
	want := []findings.Acceptance{{Rule: "single-nat", Resource: "network-*", Reason: "a development stack"}}
	require.Empty(t, cmp.Diff(want, Accepted(c)))
}

func TestEveryUnknownRuleIsAProblemWithItsPlace(t *testing.T) {
	t.Parallel()
	_, err := Parse("Pulumi.dev.yaml", accepting("single-net", "single-nat", "x"))
	var wrong *stacks.ConfigError
	require.ErrorAs(t, err, &wrong)
	require.Empty(t, cmp.Diff([]stacks.Problem{
		{
			File: "Pulumi.dev.yaml", Key: "acceptedFindings[0].rule", Value: `"single-net"`, Why: "no such rule",
			Nearest: "single-nat",
		},
		{File: "Pulumi.dev.yaml", Key: "acceptedFindings[2].rule", Value: `"x"`, Why: "no such rule"},
	}, wrong.Problems))
}

func TestWhatTheProgramRefusesIsRefused(t *testing.T) {
	t.Parallel()
	_, err := Parse("Pulumi.dev.yaml", map[string]any{"region": "mars-1"})
	var wrong *stacks.ConfigError
	require.ErrorAs(t, err, &wrong)
	require.Len(t, wrong.Problems, 1)
}
