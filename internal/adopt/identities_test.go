// SPDX-License-Identifier: Apache-2.0

package adopt_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"emrflink/components/cluster"
	"emrflink/components/deployment"
	"emrflink/components/versions"
	"emrflink/internal/engine"
	"emrflink/internal/engine/enginetest"
	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/provider"
	"emrflink/internal/plans"
)

// boundary and rolePath are the permissions boundary and the path of the cluster's role, which the provider of pulumi-eks
// registers.
const (
	boundary = "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"
	rolePath = "/data-platform/"
)

// controlPlane makes a cluster in a network of two subnets.
func controlPlane(admins []string, protect bool) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		d, err := deployment.Lookup(ctx, "demo", nil)
		if err != nil {
			return err
		}
		d.PermissionsBoundary, d.RolePath = boundary, rolePath
		d.Protect = protect
		vpc, err := ec2.NewVpc(ctx, "vpc", &ec2.VpcArgs{CidrBlock: pulumi.String("10.0.0.0/16")})
		if err != nil {
			return err
		}
		var subnets pulumi.StringArray
		for i, zone := range []string{"us-west-2a", "us-west-2b"} {
			s, err := ec2.NewSubnet(ctx, zone, &ec2.SubnetArgs{
				VpcId: vpc.ID(), CidrBlock: pulumi.String(fmt.Sprintf("10.0.%d.0/24", i)), AvailabilityZone: pulumi.String(zone),
			})
			if err != nil {
				return err
			}
			subnets = append(subnets, s.ID())
		}
		_, err = cluster.NewCluster(ctx, "cluster", &cluster.Args{
			Deployment: d, Version: "1.35", VpcId: vpc.ID(), PrivateSubnetIds: subnets, PublicSubnetIds: subnets,
			PrivateEndpoint: true, LogRetentionDays: 7, Admins: admins,
		})
		return err
	}
}

// engineAs opens an engine on the account, over providers with the options.
func engineAs(t *testing.T, a *account.Account, home string, program pulumi.RunFunc, o provider.Options) *engine.Engine {
	t.Helper()
	o.Account = a
	s, err := provider.Serve(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	e, err := engine.Open(t.Context(), engine.Options{
		Stack: "dev", Home: home, Program: program, Command: enginetest.Command(), Env: map[string]string{
			"PULUMI_DEBUG_PROVIDERS": fmt.Sprintf("aws:%d,eks:%d,kubernetes:%d", s.AWS, s.EKS, s.Kubernetes),

			"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true", "AWS_REGION": "us-west-2",
			"AWS_ACCESS_KEY_ID": account.StaticAccessKey, "AWS_SECRET_ACCESS_KEY": account.StaticSecretKey,
		},
	})
	require.NoError(t, err)
	return e
}

// TestAProtectedClusterIsNotDeleted: the state says that the cluster is protected, as long as the settings do, and EKS does not
// delete it while its own protection is on.
func TestAProtectedClusterIsNotDeleted(t *testing.T) {
	t.Parallel()
	a, err := account.Open(account.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	home, caller := t.TempDir(), a.Administrator()
	admins := []string{caller.ARN}
	open := func(protect bool) *engine.Engine {
		return engineAs(t, a, home, controlPlane(admins, protect), provider.Options{Caller: &caller})
	}
	deploy := func(protect bool) {
		_, err := open(protect).Deploy(t.Context(), nil)
		require.NoError(t, err)
	}
	deploy(true)
	protected := func() (out []string) {
		recorded, err := open(true).Resources(t.Context())
		require.NoError(t, err)
		for _, r := range recorded {
			if r.Protect {
				out = append(out, r.Type)
			}
		}
		return out
	}
	require.Equal(t, []string{"aws:eks/cluster:Cluster"}, protected(), "a cleanup reads it before it touches anything")
	deploy(false)
	require.Empty(t, protected())
	require.NoError(t, a.SetDeletionProtection("demo", true))
	_, err = open(false).Destroy(t.Context(), nil)
	require.ErrorContains(t, err, "deletion protection")
	require.Len(t, a.List(account.KindCluster), 1)
	require.NoError(t, a.SetDeletionProtection("demo", false))
	_, err = open(false).Destroy(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, a.List(account.KindCluster))
}

// TestThreeIdentitiesOneGraph: whoever of the administrators deploys, previews and deletes, the graph is the same, and nobody
// loses the access to the cluster.
func TestThreeIdentitiesOneGraph(t *testing.T) {
	t.Parallel()
	a, err := account.Open(account.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	var admins []string
	for _, name := range []string{"ana", "ben", "ci"} {
		admins = append(admins, "arn:aws:iam::"+a.ID()+":user/"+name)
	}
	home := t.TempDir()
	as := func(identity string, previewOnly bool) *engine.Engine {
		caller := a.Administrator()
		caller.ARN = identity
		return engineAs(t, a, home, controlPlane(admins, false), provider.Options{Caller: &caller, PreviewOnly: previewOnly})
	}
	entries := func() (principals []string) {
		standard := func(r account.Resource) bool { return r.Props["type"] == "STANDARD" }
		for _, r := range a.Find(account.KindAccessEntry, standard) {
			principals = append(principals, r.Props["principalArn"].(string))
		}
		slices.Sort(principals)
		return principals
	}
	var plan plans.Plan
	for i, who := range admins {
		same, err := as(who, true).Preview(t.Context())
		require.NoError(t, err)
		if i == 0 {
			plan = same
		}
		require.Equal(t, plan, same, who)
	}
	var plugins []versions.Plugin
	for _, s := range plan.Steps {
		if name, is := strings.CutPrefix(s.Type, "pulumi:providers:"); is && name != "pulumi" {
			plugins = append(plugins, versions.Plugin{Name: name, Version: s.New["version"].(string)})
		}
	}
	slices.SortFunc(plugins, func(a, b versions.Plugin) int { return strings.Compare(a.String(), b.String()) })
	require.Equal(t, versions.Plugins(), slices.Compact(plugins), "what is fetched beforehand is what runs")
	for i, who := range admins {
		_, err := as(who, false).Deploy(t.Context(), nil)
		require.NoError(t, err)
		require.Equal(t, admins, entries())
		for _, r := range a.Find(account.KindRole, func(account.Resource) bool { return true }) {
			require.Equal(t, boundary, r.Props["permissionsBoundary"], r.ID)
			require.Equal(t, rolePath, r.Props["path"], r.ID)
		}
		plan, err := as(admins[(i+1)%3], false).Preview(t.Context())
		require.NoError(t, err)
		require.Zero(t, plan.Summary.Changes(), "%s deployed: %+v", who, plan.Steps)
		_, err = as(admins[(i+2)%3], false).Destroy(t.Context(), nil)
		require.NoError(t, err)
		require.Empty(t, entries())
	}
}
