// SPDX-License-Identifier: Apache-2.0

package componenttest_test

import (
	"math/big"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"emrflink/components/componenttest"
	"emrflink/components/deployment"
	"emrflink/components/irsa"
)

// The first four vectors are those of the AWS CLI's own unit test; the fifth is the algorithm's answer where AWS's
// documentation prints another.
func TestBase36(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"abcdefghijkl":                   "2x6xx5ubcrus4bplmr0",
		"+=,.@-_":                        "3bu5b0xg4tb",
		"abcdefghijkl+=,.@-_":            "1ll75jdngh5gbk11wbh7h35ji05wtb",
		"emr-on-eks-test-execution-role": "1sseqknnoni14bdu6yyw9n3ft32986beoj10gadqfez009x",
		"JobExecutionRoleIRSAv2":         "c7ohmynrs14q04uudoef8n97xdufwajzua",
		"":                               "0",
	} {
		require.Equal(t, want, irsa.Base36(name), name)
	}
}

func TestBase36CanBeReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[\w+=,.@-]{1,64}`).Draw(t, "name")
		n, ok := new(big.Int).SetString(irsa.Base36(name), 36)
		require.True(t, ok)
		require.Equal(t, name, string(n.Bytes()))
	})
}

func TestServiceAccountNamesFitKubernetes(t *testing.T) {
	t.Parallel()
	names := irsa.FlinkServiceAccounts(componenttest.Account, strings.Repeat("~", deployment.MaxRoleName))
	require.Len(t, names, 2)
	for _, name := range names {
		require.LessOrEqual(t, len(name), 253)
	}
}

func roleArgs() *irsa.Args {
	return &irsa.Args{
		Deployment: &deployment.Deployment{Name: "demo", Region: "us-west-2", AccountID: componenttest.Account, Partition: "aws"},
		RoleName:   "demo-us-west-2-x", Description: "test", OidcProviderArn: pulumi.String("arn:provider"),
		OidcIssuer: pulumi.String(componenttest.Issuer), Namespace: "ns", ServiceAccounts: []string{"one", "two"},
		Policies:          []irsa.Policy{{Suffix: "data", Document: pulumi.String("{}")}},
		ManagedPolicyArns: []string{"arn:aws:iam::aws:policy/ReadOnlyAccess"},
	}
}

func TestNewRole(t *testing.T) {
	t.Parallel()
	g := componenttest.Run(t, func(ctx *pulumi.Context) error {
		_, err := irsa.NewRole(ctx, "x", roleArgs())
		return err
	})
	require.Equal(t, []string{"x", "x-data", "x-data-attachment", "x-managed-0", "x-role"}, g.Names(""))
	for _, name := range g.Names("")[1:] {
		require.Equal(t, "x", g.Find(t, name).Parent)
	}
	require.Equal(t, "demo-us-west-2-x-data", g.Find(t, "x-data").Inputs["name"])
	trust := g.Find(t, "x-role").Inputs["assumeRolePolicy"]
	require.Contains(t, trust, `["system:serviceaccount:ns:one","system:serviceaccount:ns:two"]`)
}

func TestNewRoleRefuses(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*irsa.Args){
		"a name longer than IAM takes": func(a *irsa.Args) { a.RoleName = strings.Repeat("x", 65) },
		"nobody to trust":              func(a *irsa.Args) { a.ServiceAccounts = nil },
		"no issuer":                    func(a *irsa.Args) { a.OidcIssuer = nil },
		"no deployment":                func(a *irsa.Args) { a.Deployment = nil },
		"a policy without a document":  func(a *irsa.Args) { a.Policies[0].Document = nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := componenttest.TryRun(func(ctx *pulumi.Context) error {
				a := roleArgs()
				change(a)
				_, err := irsa.NewRole(ctx, "x", a)
				return err
			})
			require.Error(t, err)
		})
	}
}
