// SPDX-License-Identifier: Apache-2.0

package findings_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/findings"
)

func TestAccept(t *testing.T) {
	t.Parallel()
	found := findings.Check(graph(t, []one{
		{logGroup, "a-logs", `{}`, ""}, {logGroup, "b-logs", `{}`, ""},
		{"aws:iam/user:User", "u", `{}`, ""},
	}))
	got := findings.Accept(found, []findings.Acceptance{
		{Rule: "log-retention", Resource: "a-*", Reason: "kept by law"},
		{Rule: "log-retention", Reason: "later"},
		{Rule: "iam-user", Resource: "urn:pulumi:t::*::u", Reason: "legacy"},
		{Rule: "single-nat", Resource: "network-*", Reason: "gone"},
	})
	var lines []string
	for _, f := range got {
		lines = append(lines, strings.Join([]string{f.Rule, f.Name, f.Reason}, "|"))
	}
	require.Equal(t, []string{
		"iam-user|u|legacy", "log-retention|a-logs|kept by law", "log-retention|b-logs|later", "unused-acceptance||",
	}, lines)
	require.Equal(t, "acceptedFindings[3] accepts single-nat of network-*, which is not found", got[3].Message)
	require.False(t, got[3].Accepted)
	require.False(t, found[0].Accepted, "what was given stays as it is")
}

func TestRulesAreDocumented(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	seen := map[string]bool{}
	for _, r := range findings.Rules() {
		require.Regexp(t, form, r.ID)
		require.False(t, seen[r.ID], r.ID)
		seen[r.ID] = true
		require.Contains(t, []string{"high", "medium", "low"}, r.Severity)
		for _, s := range []string{r.Title, r.Why, r.Fix} {
			require.NotEmpty(t, s, r.ID)
		}
		require.False(t, strings.HasSuffix(r.Title, "."), r.ID)
		require.True(t, strings.HasSuffix(r.Why, "."), r.ID)
		u, err := url.Parse(r.Source)
		require.NoError(t, err)
		require.Equal(t, "https", u.Scheme, r.ID)
	}
	require.Equal(t, len(seen), len(findings.IDs()))
}
