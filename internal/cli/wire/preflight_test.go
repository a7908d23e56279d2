// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/awsapi"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/preflight"
	"emrflink/karpenter"
	"emrflink/stacks"
)

// stackOf is a stack with settings that no file holds.
func stackOf(t *testing.T, config stacks.Config) *onTarget {
	t.Helper()
	f, home := newApp(t, "")
	a := &app{
		io:        f.IO,
		globals:   f.Globals,
		interrupt: cmdutil.NewInterrupt(),
		version:   "v1",
		command:   "test",
		now:       time.Now,
		log:       f.Log,
	}
	s := settings{config: config}
	s.info.Stack, s.info.Home, s.info.Speed = "local", home, 1
	return &onTarget{app: a, settings: s}
}

func TestWhatADeployNeedsFollowsFromTheSettings(t *testing.T) {
	t.Parallel()
	config := stacks.Default()
	config.NatGateways, config.Teams = "perZone", []string{"a", "b"}
	s := stackOf(t, config)
	s.settings.info.Speed = 200
	d, err := s.needs(t.Context(), false)
	require.NoError(t, err)
	require.Equal(t, []string{
		"/aws/eks/emr-eks-flink/cluster", "/aws/emr-flink/emr-eks-flink/operator",
		"/aws/containerinsights/emr-eks-flink/performance", "/aws/emr-flink/emr-eks-flink/a", "/aws/emr-flink/emr-eks-flink/b",
	}, d.LogGroups)
	require.Equal(t, "emr-eks-flink-1-us-west-2-checkpoints", d.Bucket(awsapi.Identity{Account: "1"}))
	require.True(t, d.PerZone)
	require.Equal(t, 3, d.CoreNodes)
	require.Equal(t, 4, d.SpotVCPUs, "the smallest node of the catalogue")
	require.Equal(t, preflight.DeployLasts/200, d.Lasts, "at the pace of the target")
	require.InDelta(t, 0.10, d.StandardSupportUSD, 0)
	require.InDelta(t, 0.60, d.ExtendedSupportUSD, 0)
	require.Equal(t, preflight.Recorded{}, d.Recorded, "the stack was never deployed")
}

func TestADeployIntoAnExistingVPCNeedsNoNetwork(t *testing.T) {
	t.Parallel()
	config := stacks.Default()
	config.ExistingVpc.ID = "vpc-0123456789abcdef0"
	d, err := stackOf(t, config).needs(t.Context(), false)
	require.NoError(t, err)
	require.Zero(t, d.Networks, "neither a VPC nor NAT gateways nor addresses")
	require.Equal(t, 2, d.Zones)
	require.Equal(t, config.ExistingVpc.ID, d.Recorded.VPC, "it is no other network with our addresses")
}

func TestPoolsOnDemandNeedNoSpot(t *testing.T) {
	t.Parallel()
	require.Zero(t, spotVCPUs([]karpenter.Pool{{CapacityTypes: []string{karpenter.OnDemand}}}))
	require.Equal(t, 2, spotVCPUs([]karpenter.Pool{{MinVcpu: 8}, {MinVcpu: 2}}))
}
