// SPDX-License-Identifier: Apache-2.0

package stackconfig

import (
	"testing"

	"emrflink/components/componenttest"
	"emrflink/internal/awsapi"
	"emrflink/internal/preflight"
	"emrflink/internal/stack"
	"emrflink/karpenter"
	"emrflink/stacks"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
)

func TestWhatADeployNeedsFollowsFromTheSettings(t *testing.T) {
	t.Parallel()
	config := stacks.Default()
	config.NatGateways, config.Teams = "perZone", stacks.NamedTeams("a", "b")
	d := Needs(config, stack.Info{Speed: 200}, preflight.Recorded{VPCs: 1})
	require.Equal(t, []string{
		"/aws/eks/emr-eks-flink/cluster", "/aws/emr-flink/emr-eks-flink/operator",
		"/aws/containerinsights/emr-eks-flink/performance",
		"/aws/emr-flink/emr-eks-flink/a", "/aws/emr-flink/emr-eks-flink/b",
	}, d.LogGroups)
	require.Equal(t, "emr-eks-flink-1-us-west-2-checkpoints", d.Bucket(awsapi.Identity{Account: "1"}))
	require.True(t, d.PerZone)
	require.Equal(t, 3, d.CoreNodes)
	require.Equal(t, 4, d.SpotVCPUs, "the smallest node of the catalogue")
	require.Equal(t, preflight.DeployLasts/200, d.Lasts, "at the pace of the target")
	require.InDelta(t, 0.10, d.StandardSupportUSD, 0)
	require.InDelta(t, 0.60, d.ExtendedSupportUSD, 0)
	require.Equal(t, preflight.Recorded{VPCs: 1}, d.Recorded)
}

func TestADeployIntoAnExistingVPCNeedsNoNetwork(t *testing.T) {
	t.Parallel()
	config := stacks.Default()
	config.ExistingVpc.ID = "vpc-0123456789abcdef0"
	d := Needs(config, stack.Info{}, preflight.Recorded{})
	require.Zero(t, d.Networks, "neither a VPC nor NAT gateways nor addresses")
	require.Equal(t, 2, d.Zones)
	require.Equal(t, config.ExistingVpc.ID, d.Recorded.VPC, "it is no other network with our addresses")
}

func TestPoolsOnDemandNeedNoSpot(t *testing.T) {
	t.Parallel()
	require.Zero(t, spotVCPUs([]karpenter.Pool{{CapacityTypes: []string{karpenter.OnDemand}}}))
	require.Equal(t, 2, spotVCPUs([]karpenter.Pool{{MinVcpu: 8}, {MinVcpu: 2}}))
}

// What IAM must have room for are numbers; they are those of the graph, but for the role of the cluster, which pulumi-eks
// makes.
func TestTheIAMEntitiesAreThoseOfTheGraph(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*stacks.Config){
		"the defaults": func(*stacks.Config) {},
		"every option": func(c *stacks.Config) { c.KmsKey.Enabled, c.ClusterAutoscaler, c.PodIdentity = true, true, true },
		"teams": func(c *stacks.Config) {
			c.Teams = append(stacks.NamedTeams("a", "b"), stacks.Team{Name: "c", Policies: []stacks.TeamPolicy{
				"arn:aws:iam::aws:policy/P", `{"Statement":[]}`, `{"Statement":{}}`,
			}})
		},
	} {
		config := stacks.Default()
		change(&config)
		g := componenttest.Run(t, func(ctx *pulumi.Context) error { return stacks.Compose(ctx, config) })
		require.Equal(t, preflight.Entities{
			Roles: len(g.Names("aws:iam/role:Role")) + 1, Policies: len(g.Names("aws:iam/policy:Policy")),
			Profiles: len(g.Names("aws:iam/instanceProfile:InstanceProfile")),
		}, Needs(config, stack.Info{}, preflight.Recorded{}).IAM, name)
	}
}
