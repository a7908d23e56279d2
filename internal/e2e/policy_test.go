// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/iam"
	"emrflink/internal/policy"
)

// printed are the actions of a printed policy, and whether each is there only because emrflink calls it.
func printed(t *testing.T, u *user, purpose policy.Purpose) map[string]bool {
	t.Helper()
	var d policy.Document
	u.json("policy --for "+string(purpose), &d)
	table, err := iam.Actions()
	require.NoError(t, err)
	out := map[string]bool{}
	for _, p := range d.Policies {
		require.Empty(t, table.Check(iam.KindManaged, string(p.Document)), "%s", p.Name)
	}
	for _, a := range d.Actions {
		out[a.Action] = slices.Equal(a.Known, []string{policy.ByUs})
	}
	return out
}

// checkCalls compares what the user's identity called in a whole life, as the log of the local target has it, with what the
// policies allow: nothing is missing.
func checkCalls(t *testing.T, u *user) {
	t.Helper()
	allowed := map[string]bool{}
	for _, p := range policy.Purposes() {
		for action := range printed(t, u, p) {
			allowed[action] = true
		}
	}
	called := calls(t, u)
	require.Greater(t, len(called), 20, "%v", called)
	for _, action := range called {
		open := action == "sts:GetCallerIdentity" // nobody can be refused it
		require.True(t, open || allowed[action], "no policy allows %s, which a command has called", action)
	}
	t.Logf("%d actions were called: %s", len(called), strings.Join(called, " "))
}

// calls are the actions that the account's administrator, as whom the commands run, has called, sorted.
func calls(t *testing.T, u *user) []string {
	t.Helper()
	f, err := os.Open(filepath.Join(u.home, "local", "daemon.log"))
	require.NoError(t, err)
	defer f.Close()
	found := map[string]bool{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var l struct{ Msg, Operation, Caller string }
		if json.Unmarshal(lines.Bytes(), &l) == nil && l.Msg == "aws api" && strings.Contains(l.Caller, ":user/") {
			found[iam.ActionOf(l.Operation)] = true
		}
	}
	require.NoError(t, lines.Err())
	var out []string
	for a := range found {
		out = append(out, a)
	}
	slices.Sort(out)
	return out
}

// lifeUnderThePrintedPolicies is the life of a new deployment, made by a role that has only the policies that emrflink prints:
// each command runs under its own. In the middle, the operator gets another release, and its definitions with it.
func (u *user) lifeUnderThePrintedPolicies(t *testing.T) {
	u = u.beside(t)
	before := u.ids()
	under := func(purpose policy.Purpose) *user {
		dir := filepath.Join(u.work, string(purpose))
		u.ok("policy --for " + string(purpose) + " --dir " + dir)
		role := u.beside(t)
		role.env = append(role.env, "EMRFLINK_LOCAL_POLICIES="+dir)
		return role
	}
	release := func(emr string) {
		require.NoError(t, os.WriteFile(filepath.Join(u.work, "Pulumi.local.yaml"),
			[]byte("config:\n  emrflink:target: local\n  emrflink:emrRelease: "+emr+"\n"), 0o600))
	}
	release("7.12.0")
	refused := under(policy.Preview).exec(t.Context(), "deploy", "--yes")
	require.NotZero(t, refused.code)
	require.Contains(t, refused.stderr, "may not make roles")
	require.Contains(t, under(policy.Deploy).ok("deploy --yes").stderr, "policies and no other rights")
	under(policy.Preview).ok("preview --exit-code")
	release("7.13.0")
	require.Contains(t, under(policy.Deploy).ok("deploy --yes").stderr,
		"3 custom resource definitions are as the new versions of their charts have them")
	under(policy.Job).ok("sample-job run basic")
	under(policy.Cleanup).ok("cleanup --stack local --yes")
	for _, id := range u.ids() {
		require.True(t, strings.Contains(id, "tried") || slices.Contains(before, id), "%s is left", id)
	}
}
