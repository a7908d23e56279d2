// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/golden"
)

// TestTheFindingsOfTheDefault are those that we decided to leave; docs/ci.md says why.
func TestTheFindingsOfTheDefault(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	var doc struct {
		Findings []struct{ Rule, Severity, URN, Path, Message string }
	}
	u.json("preview --offline", &doc)
	require.NotContains(t, u.shown.String(), "[secret]", "nothing of the default is taken for a secret")
	var b strings.Builder
	for _, f := range doc.Findings {
		fmt.Fprintf(&b, "%s %s\n  %s %s\n  %s\n", f.Severity, f.Rule, f.URN[strings.LastIndex(f.URN, ":")+1:], f.Path, f.Message)
	}
	golden.Equal(t, "testdata/default-findings.txt", b.String())
}

func TestAStackFileAcceptsFindings(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	preview := func(settings string) result {
		require.NoError(t, os.WriteFile(filepath.Join(u.work, stackFile), []byte("config:\n"+settings), 0o600))
		return u.exec(t.Context(), "preview", "--offline", "--exit-code")
	}
	r := preview(`  emrflink:acceptedFindings:
    - {rule: single-nat, resource: "network-*", reason: one zone is enough here}
    - {rule: iam-user, reason: none is made}
`)
	require.Equal(t, 5, r.code, "findings are no changes")
	require.Contains(t, r.stdout,
		"  accepted single-nat: network-nat-usw2-az1: 3 zones leave through this one gateway (one zone is enough here)\n")
	require.Contains(t, r.stdout, "acceptedFindings[1] accepts iam-user, which is not found")
	r = preview("  emrflink:acceptedFindings: [{rule: singel-nat, reason: x}]\n")
	require.Equal(t, 2, r.code)
	require.Contains(t, r.stderr, `acceptedFindings[0].rule = "singel-nat": no such rule (did you mean "single-nat"?)`)
}
