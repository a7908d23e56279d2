// SPDX-License-Identifier: Apache-2.0

package stackconfig

import (
	"testing"

	"emrflink/internal/awsapi"
	"emrflink/internal/preflight"
	"emrflink/internal/stack"
	"emrflink/karpenter"
	"emrflink/stacks"

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
