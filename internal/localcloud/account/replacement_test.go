// SPDX-License-Identifier: Apache-2.0

package account

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/awskind"
	"emrflink/internal/replacement"
)

// The account and the catalogue speak of the same kinds.
func TestEveryKindHasARow(t *testing.T) {
	t.Parallel()
	kinds := allKinds()
	for k, s := range kinds {
		row, known := awskind.OfSimulated(string(k))
		require.True(t, known, k)
		require.Equal(t, row.Made == awskind.ByProgram, replacement.Known(row.Type), "%s: the replacement table", k)
		require.False(t, len(s.fixed) > 0 && row.Made == awskind.ByProgram, "%s: what is fixed is in the replacement table", k)
		require.Equal(t, s.pending != "" || k == KindInstance, row.Create > 0, "%s: what takes time has a state for it", k)
	}
	require.Len(t, awskind.All(), len(kinds))
}

// A preview and the account give the same answer to a change: an update, or a new resource.
func TestAChangeIsRefusedWhereAPreviewReplaces(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	n := w.network()
	cluster := w.cluster(n)
	role := w.make(KindRole, Props{"name": "other", "assumeRolePolicy": trust("eks.amazonaws.com")})
	other := w.make(KindSubnet, Props{"vpcId": n.vpc.ID, "cidrBlock": "10.0.9.0/24", "availabilityZone": DefaultRegion + "a"})
	for path, c := range map[string]struct {
		r  Resource
		to any
	}{
		"cidrBlock":           {n.vpc, "10.1.0.0/16"},
		"enableDnsHostnames":  {n.vpc, true},
		"availabilityZone":    {n.subnets[0], DefaultRegion + "b"},
		"mapPublicIpOnLaunch": {n.subnets[0], true},
		"vpcId":               {n.gateway, "vpc-none"},
		"roleArn":             {cluster, role.ARN},
		"vpcConfig":           {cluster, Props{"subnetIds": []any{other.ID, n.subnets[1].ID, n.subnets[2].ID}}},
		"accessConfig":        {cluster, Props{"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": true}},
		"path":                {role, "/other/"},
		"maxSessionDuration":  {role, 7200.0},
		"securityGroupId":     {w.rule(n), "sg-none"},
		"cidrBlocks":          {w.rule(n), []any{"10.0.0.0/9"}},
	} {
		t.Run(path, func(t *testing.T) {
			now, _ := w.Get(c.r.Kind, c.r.ID)
			props := cloneProps(now.Props)
			props[path] = c.to
			_, err := w.Update(t.Context(), Caller{}, c.r.Kind, c.r.ID, props)
			forces := replacement.Covers(replacement.Rows(rowOf(c.r.Kind).Type), path, Value(now.Props, path) == nil, false)
			if forces {
				require.ErrorContains(t, err, "cannot be changed in place")
				return
			}
			if err != nil {
				require.NotContains(t, err.Error(), "cannot be changed in place")
			}
		})
	}
}

// rule is an ingress rule of a new group.
func (w *world) rule(n network) Resource {
	w.t.Helper()
	group := w.make(KindSecurityGroup, Props{"vpcId": n.vpc.ID, "name": fmt.Sprintf("g%d", len(w.List(KindSecurityGroup))),
		"description": "d"})
	return w.make(KindSecurityGroupRule, Props{
		"securityGroupId": group.ID, "type": "ingress", "protocol": "tcp", "fromPort": 443, "toPort": 443,
		"cidrBlocks": []any{"10.0.0.0/8"},
	})
}

func TestAControlPlaneMovesToOtherSubnetsOfItsZones(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	n := w.network()
	cluster := w.cluster(n)
	group := w.make(KindSecurityGroup, Props{"vpcId": n.vpc.ID, "name": "extra", "description": "d"})
	other := w.make(KindSubnet, Props{"vpcId": n.vpc.ID, "cidrBlock": "10.0.9.0/24", "availabilityZone": DefaultRegion + "a"})
	elsewhere := w.make(KindVPC, Props{"cidrBlock": "10.7.0.0/16"})
	foreign := w.make(KindSubnet, Props{"vpcId": elsewhere.ID, "cidrBlock": "10.7.0.0/24", "availabilityZone": DefaultRegion +
		"a"})
	update := func(ids ...any) error {
		props := cloneProps(cluster.Props)
		props["vpcConfig"] = Props{"subnetIds": ids, "securityGroupIds": []any{group.ID}}
		_, err := w.Update(t.Context(), Caller{}, KindCluster, cluster.ID, props)
		return err
	}
	b, c := n.subnets[1].ID, n.subnets[2].ID
	require.ErrorContains(t, update(b, c), "exact AZs 'us-west-2a,us-west-2b,us-west-2c'")
	require.ErrorContains(t, update(b), "at least two different AZs")
	require.ErrorContains(t, update(foreign.ID, b, c), "same VPC")
	require.ErrorContains(t, update("subnet-none", b, c), "does not exist")

	require.NoError(t, update(other.ID, b, c))
	in := map[string]bool{}
	for _, eni := range w.List(KindNetworkInterface) {
		in[str(eni.Props, "subnetId")] = true
		require.Contains(t, strs(eni.Props, "securityGroups"), group.ID)
	}
	require.Equal(t, map[string]bool{other.ID: true, b: true, c: true}, in, "the interfaces moved along")
	require.NoError(t, w.Delete(t.Context(), Caller{}, KindSubnet, n.subnets[0].ID), "the former subnet is free")
}

func TestTheTypeOfAnInstanceDoesNotChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	r := w.run(w.network(), false)
	props := cloneProps(r.Props)
	props["instanceType"] = "c5d.2xlarge"
	_, err := w.Update(t.Context(), Caller{}, KindInstance, r.ID, props)
	w.refused("NotImplemented", err)
}
