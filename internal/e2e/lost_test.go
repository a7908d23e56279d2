// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/localcloud/account"
)

// The state is lost, with every copy of it: a cleanup finds the deployment by its tags and names, and nothing else.
func TestADeploymentWhoseStateIsLostIsDeletedByItsTags(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	u.ok("deploy --yes")
	u.ok("sample-job run basic")
	refused := u.exec(t.Context(), "cleanup", "--stack", "local", "--from-tags", "--yes")
	require.Equal(t, 2, refused.code)
	require.Contains(t, refused.stderr, "emrflink cleanup --stack local", "the state is whole")

	decoys, group := u.decoys(t)
	require.NoError(t, os.RemoveAll(filepath.Join(u.home, "backend")))
	lost := u.exec(t.Context(), "cleanup", "--stack", "local", "--yes")
	require.Equal(t, 2, lost.code)
	require.Contains(t, lost.stderr, "emrflink cleanup --from-tags --stack local")

	plan := u.ok("cleanup --from-tags --dry-run").stdout
	require.NoDirExists(t, filepath.Join(u.home, "backend"), "a dry run makes no state")
	for _, decoy := range decoys {
		require.NotContains(t, plan, "\n"+decoy+"\t")
	}
	require.Contains(t, plan, `the rule "emr-eks-flink-karpenter-health" exists and is not of this deployment`)

	r := u.exec(t.Context(), "cleanup", "--from-tags", "--stack", "local", "--yes", "--output", "json")
	require.Equal(t, 7, r.code, r.stderr)
	var report struct {
		Unexpected []struct{ Type, ID, Command string }
	}
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &report))
	var kept []string // what holds the VPC of somebody else's security group
	for _, left := range report.Unexpected {
		require.NotEmpty(t, left.Command)
		kept = append(kept, left.Type)
	}
	require.ElementsMatch(t, []string{"vpc", "security-group"}, kept, r.stdout)
	require.Subset(t, u.ids(), append(decoys, group))

	u.account(t, func(a *account.Account) {
		require.NoError(t, a.Delete(t.Context(), a.Administrator(), account.KindSecurityGroup, group))
	})
	u.ok("cleanup --stack local --yes")
	require.ElementsMatch(t, decoys, u.ids())
	require.Contains(t, u.ok("cleanup --stack local --yes").stdout, "nothing is left",
		"the record is gone, and the account was asked")
	require.Contains(t, u.ok("cleanup --stack local --from-tags --yes").stdout, "nothing is left")

	u.account(t, func(a *account.Account) { // its name is the deployment's
		require.NoError(t, a.Delete(t.Context(), a.Administrator(), account.KindEventRule, "emr-eks-flink-karpenter-health"))
	})
	t.Run("its name can be used again, under the printed policies", u.lifeUnderThePrintedPolicies)
}

// ids are those of what is in the account.
func (u *user) ids() []string {
	var out []string
	for _, r := range u.inventory().Resources {
		out = append(out, r.ID)
	}
	return out
}

// account works on the simulated account behind the back of everybody.
func (u *user) account(t *testing.T, change func(*account.Account)) {
	t.Helper()
	u.ok("local stop")
	a, err := account.Open(account.Options{Dir: filepath.Join(u.home, "local", "account")})
	require.NoError(t, err)
	change(a)
	require.NoError(t, a.Close())
}

// decoys makes what controllers leave behind, and what is nearly the deployment's: its ids are returned, that of the security
// group in its VPC apart.
func (u *user) decoys(t *testing.T) (ids []string, group string) {
	t.Helper()
	const name = "emr-eks-flink"
	other := map[string]any{"emrflink:deployment": name + "2", "emrflink:managed-by": "emrflink"}
	half := map[string]any{"emrflink:deployment": name}
	trust := `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, ` +
		`"Action": "sts:AssumeRole"}]}`
	u.account(t, func(a *account.Account) {
		create := func(k account.Kind, p account.Props) string {
			r, err := a.Create(t.Context(), a.Administrator(), k, p)
			require.NoError(t, err, "%s %v", k, p)
			return r.ID
		}
		var vpc string
		for _, r := range a.List(account.KindVPC) {
			if r.Tags["emrflink:deployment"] == name {
				vpc = r.ID
			}
		}
		owned := map[string]any{"kubernetes.io/cluster/" + name: "owned"}
		create(account.KindVolume, account.Props{"availabilityZone": "us-west-2a", "size": 1.0, "tags": owned})

		all := map[string]any{"emrflink:deployment": name, "emrflink:managed-by": "emrflink"}
		create(account.KindLogGroup, account.Props{"name": "/aws/of-an-older-stack-file", "tags": all})
		rule, found := a.Get(account.KindEventRule, name+"-karpenter-health")
		require.True(t, found)
		targets := a.List(account.KindEventTarget)
		i := slices.IndexFunc(targets, func(r account.Resource) bool { return r.Props["rule"] == rule.ID })
		require.NoError(t, a.Delete(t.Context(), a.Administrator(), account.KindEventTarget, targets[i].ID))
		require.NoError(t, a.SetTags(account.KindEventRule, rule.ID, nil, []string{"emrflink:managed-by"}))
		ids = []string{
			rule.ID,
			create(account.KindBucket, account.Props{"bucket": name + "2-111122223333-us-west-2-checkpoints", "tags": other}),
			create(account.KindBucket, account.Props{"bucket": name + "-111122223333-us-west-2-checkpoint", "tags": half}),
			create(account.KindRole, account.Props{
				"name": name + "-us-west-2-karpenter2", "assumeRolePolicy": trust, "tags": half,
			}),
			create(account.KindRole, account.Props{
				"name": "cluster-" + name + "-eksRole-role-0000000", "assumeRolePolicy": trust, "tags": other,
			}),
			create(account.KindLogGroup, account.Props{"name": "/aws/emr-flink/" + name + "/operator2", "tags": half}),
			create(account.KindVolume, account.Props{"availabilityZone": "us-west-2a", "size": 1.0, "tags": other}),
			create(account.KindInstanceProfile, account.Props{"name": name + "-us-west-2-karpenter-node2", "tags": half}),
		}
		group = create(account.KindSecurityGroup, account.Props{"vpcId": vpc, "name": "somebody-elses", "tags": other})
	})
	return ids, group
}
