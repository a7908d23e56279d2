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

// A document that IAM would refuse when half of a deployment is made is refused before anything is contacted.
func TestATeamsDocumentIsOneThatIAMTakes(t *testing.T) {
	t.Parallel()
	for document, why := range map[string]string{
		`{"Effect":"allow","Action":"s3:GetObject","Resource":"*"}`:                 "Effect must be Allow or Deny",
		`{"Effect":"Allow","Action":"GetObject","Resource":"*"}`:                    "not of the form service:Name",
		`{"Effect":"Allow","Action":"s3:GetObject"}`:                                "Resource is missing",
		`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Principal":"*"}`: "must not have a Principal",
		`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Conditions":{}}`: "unknown field",
		`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}`:  "",
	} {
		_, err := Parse("Pulumi.dev.yaml", map[string]any{"teams": `["a",{"name":"b","policies":["arn:aws:iam::aws:policy/P",` +
			`{"Version":"2012-10-17","Statement":[` + document + `]}]}]`})
		if why == "" {
			require.NoError(t, err)
			continue
		}
		var wrong *stacks.ConfigError
		require.ErrorAs(t, err, &wrong, document)
		require.Len(t, wrong.Problems, 1)
		require.Equal(t, "teams[1].policies[1]", wrong.Problems[0].Key)
		require.Contains(t, wrong.Problems[0].Why, "MalformedPolicyDocument")
		require.Contains(t, wrong.Problems[0].Why, why)
	}
}

func TestWhatTheProgramRefusesIsRefused(t *testing.T) {
	t.Parallel()
	_, err := Parse("Pulumi.dev.yaml", map[string]any{"region": "mars-1"})
	var wrong *stacks.ConfigError
	require.ErrorAs(t, err, &wrong)
	require.Len(t, wrong.Problems, 1)
}
