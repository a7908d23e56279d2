// SPDX-License-Identifier: Apache-2.0

package examples

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"emrflink/components/addons"
	"emrflink/components/checkpoints"
	"emrflink/components/cluster"
	"emrflink/components/deployment"
	"emrflink/components/network"
	"emrflink/components/versions"
	"emrflink/internal/engine"
	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/provider"
)

// half is what a deployment has in AWS, without what is inside its cluster.
func half(name string) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		d, err := deployment.Lookup(ctx, name, nil)
		if err != nil {
			return err
		}
		zones, err := network.Zones(ctx, 2)
		if err != nil {
			return err
		}
		n, err := network.NewNetwork(ctx, "network", &network.Args{Deployment: d, VpcCidr: "10.0.0.0/16", Zones: zones, NatGateways: network.NatSingle})
		if err != nil {
			return err
		}
		c, err := cluster.NewCluster(ctx, "cluster", &cluster.Args{
			Deployment: d, Version: versions.Kubernetes, VpcId: n.VpcId, PrivateSubnetIds: n.PrivateSubnetIds, PublicSubnetIds: n.PublicSubnetIds,
			PrivateEndpoint: true, LogRetentionDays: 7,
		})
		if err != nil {
			return err
		}
		b, err := addons.NewBootstrap(ctx, "bootstrap", &addons.BootstrapArgs{Deployment: d, ClusterName: c.Name})
		if err != nil {
			return err
		}
		if _, err := cluster.NewNodes(ctx, "core", &cluster.NodesArgs{
			Deployment: d, ClusterName: c.Name, Version: versions.Kubernetes, SubnetIds: n.PrivateSubnetIds, InstanceTypes: []string{"m5.large"},
			Desired: 2, Min: 2, Max: 3, DiskGiB: 20, After: append(append([]pulumi.Resource{}, n.Egress...), b.Addons...),
		}); err != nil {
			return err
		}
		_, err = checkpoints.NewBucket(ctx, "checkpoints", &checkpoints.Args{Deployment: d, LogRetentionDays: 7})
		return err
	}
}

// left counts the resources of the account that carry a deployment's tag or its name.
func left(a *account.Account, name string) (n int) {
	for _, r := range a.Inventory() {
		if r.Tags[deployment.TagDeployment] == name || strings.HasPrefix(r.Name, name+"-") {
			n++
		}
	}
	return n
}

func TestTwoDeploymentsLiveInOneAccountAndOneGoesAlone(t *testing.T) {
	t.Parallel()
	a, err := account.Open(account.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	s, err := provider.Serve(t.Context(), provider.Options{Account: a})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	access, secret := a.StaticCredentials()
	home := t.TempDir()
	stack := func(name string) *engine.Engine {
		e, err := engine.Open(t.Context(), engine.Options{Stack: name, Home: home, Program: half(name), Env: map[string]string{
			"PULUMI_DEBUG_PROVIDERS":                      fmt.Sprintf("aws:%d,eks:%d,kubernetes:%d", s.AWS, s.EKS, s.Kubernetes),
			"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true", "AWS_REGION": "us-west-2",
			"AWS_ACCESS_KEY_ID": access, "AWS_SECRET_ACCESS_KEY": secret,
		}})
		require.NoError(t, err)
		return e
	}
	ignore := func(engine.Event) {}
	for _, name := range []string{"first", "second"} {
		res, err := stack(name).Deploy(t.Context(), ignore)
		require.NoError(t, err, name)
		require.Greater(t, res.Summary.Create, 40)
		require.Greater(t, left(a, name), 20)
	}
	before := left(a, "first")
	unchanged := func(when string) {
		plan, err := stack("first").Preview(t.Context())
		require.NoError(t, err)
		require.Zero(t, plan.Summary.Changes(), "%s: %+v", when, plan.Summary)
	}
	unchanged("beside the second")
	_, err = stack("second").Destroy(t.Context(), ignore)
	require.NoError(t, err)
	require.Zero(t, left(a, "second"))
	require.Equal(t, before, left(a, "first"), "the other's resources are all there")
	unchanged("after the second is gone")
}
