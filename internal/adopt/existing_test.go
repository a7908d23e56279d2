// SPDX-License-Identifier: Apache-2.0

package adopt_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"emrflink/internal/adopt"
	"emrflink/internal/engine"
	"emrflink/internal/engine/enginetest"
	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/provider"
	"emrflink/internal/plans"
)

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m)) }

// logs makes one log group below a component.
func logs(name string, days int) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		var parent pulumi.ResourceState
		if err := ctx.RegisterComponentResource("emrflink:test:Component", "component", &parent); err != nil {
			return err
		}
		_, err := cloudwatch.NewLogGroup(ctx, "logs", &cloudwatch.LogGroupArgs{
			Name: pulumi.String(name), RetentionInDays: pulumi.Int(days),
			Tags: pulumi.StringMap{"days": pulumi.String(fmt.Sprint(days))},
		}, pulumi.Parent(&parent))
		return err
	}
}

func TestALogGroupThatExistsIsTakenIntoTheStack(t *testing.T) {
	t.Parallel()
	const group = "/aws/eks/demo/cluster"
	a, err := account.Open(account.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	s, err := provider.Serve(t.Context(), provider.Options{Account: a})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	home := t.TempDir()
	stack := func(name string, program pulumi.RunFunc) *engine.Engine {
		e, err := engine.Open(t.Context(),
			engine.Options{Stack: name, Home: home, Program: program, Command: enginetest.Command(), Env: map[string]string{
				"PULUMI_DEBUG_PROVIDERS":                      fmt.Sprintf("aws:%d", s.AWS),
				"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true", "AWS_REGION": "us-west-2",
				"AWS_ACCESS_KEY_ID": account.StaticAccessKey, "AWS_SECRET_ACCESS_KEY": account.StaticSecretKey,
			}})
		require.NoError(t, err)
		return e
	}
	_, err = stack("earlier", logs(group, 7)).Deploy(t.Context(), nil)
	require.NoError(t, err)
	before := a.Inventory()
	require.Len(t, before, 1)

	_, err = stack("now", logs(group, 30)).Deploy(t.Context(), nil)
	require.ErrorContains(t, err, "ResourceAlreadyExistsException")

	now := stack("now", adopt.LogGroups(logs(group, 30), []string{group, "/aws/eks/other/cluster"}))
	plan, err := now.Preview(t.Context())
	require.NoError(t, err)
	require.Equal(t, plans.OpUpdate, plan.Steps[len(plan.Steps)-1].Op, "it is not made: %+v", plan.Steps)
	res, err := now.Deploy(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, 1, res.Summary.Update)
	after := a.Inventory()
	require.Len(t, after, 1)
	require.Equal(t, before[0].CreatedAt, after[0].CreatedAt, "it is the same group")
	require.Equal(t, "30", after[0].Tags["days"])

	plan, err = stack("now", logs(group, 30)).Preview(t.Context())
	require.NoError(t, err)
	require.Zero(t, plan.Summary.Changes(), "%+v", plan.Steps)
	_, err = stack("now", logs(group, 30)).Destroy(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, a.Inventory(), "the stack deletes what it took over")
}
