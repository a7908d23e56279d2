// SPDX-License-Identifier: Apache-2.0

package componenttest_test

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"emrflink/components/componenttest"
	"emrflink/components/deployment"
)

func TestLookupAsksTheProvider(t *testing.T) {
	t.Parallel()
	componenttest.Run(t, func(ctx *pulumi.Context) error {
		d, err := deployment.Lookup(ctx, "demo", map[string]string{"a": "b", deployment.TagDeployment: "forged"})
		if err != nil {
			return err
		}
		require.Equal(t, "arn:aws:eks:us-west-2:111122223333:cluster/demo", d.ClusterARN())
		require.Equal(t, "demo-us-west-2-x", d.AccountName("x"))
		require.Equal(t, "demo-x", d.ResourceName("x"))
		require.Equal(t, "arn:aws:iam::aws:policy/P", d.ManagedPolicyARN("P"))
		require.Equal(t, map[string]string{
			"a": "b", "emrflink:deployment": "demo", "emrflink:managed-by": "emrflink",
		}, d.PlainTags())
		return nil
	})
}

func TestLookupRefusesNamesThatBreakOthers(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "a-name-of-21-letters-"} {
		_, err := componenttest.TryRun(func(ctx *pulumi.Context) error {
			_, err := deployment.Lookup(ctx, name, nil)
			return err
		})
		require.ErrorContains(t, err, "1 to 20 characters")
	}
}

func TestValidateNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, (&deployment.Deployment{Name: "d"}).Validate(), "no Region, AccountID, Partition")
	var none *deployment.Deployment
	require.Error(t, none.Validate())
}
