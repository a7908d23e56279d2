// SPDX-License-Identifier: Apache-2.0

package componenttest_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"emrflink/components/componenttest"
	"emrflink/components/deployment"
	"emrflink/components/network"
)

func TestParseCidr(t *testing.T) {
	t.Parallel()
	for cidr, problem := range map[string]string{
		"10.0.0.0/16":    "",
		"100.64.0.0/18":  "",
		"10.0.0.0/21":    "too small",
		"10.0.0.0/8":     "too large",
		"10.0.1.0/16":    "does not start",
		"8.8.0.0/16":     "not private",
		"172.20.0.0/16":  "overlaps",
		"172.20.16.0/20": "overlaps",
		"fd00::/16":      "not an IPv4",
		"ten":            "not an IPv4",
	} {
		_, err := network.ParseCidr(cidr)
		if problem == "" {
			require.NoError(t, err, cidr)
		} else {
			require.ErrorContains(t, err, problem, cidr)
		}
	}
}

func TestPlanOfTheDefault(t *testing.T) {
	t.Parallel()
	plan, err := network.Plan("10.0.0.0/16", 3)
	require.NoError(t, err)
	require.Equal(t, "[{10.0.0.0/19 10.0.192.0/22} {10.0.32.0/19 10.0.196.0/22} {10.0.64.0/19 10.0.200.0/22}]", fmt.Sprint(plan))
}

func TestPlanNeverOverlapsAndNeverMoves(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		bits := rapid.IntRange(network.MinPrefix, network.MaxPrefix).Draw(t, "bits")
		vpc := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(rapid.IntRange(0, 255).Draw(t, "second")), 0, 0}), bits)
		zones := rapid.IntRange(2, network.MaxZones).Draw(t, "zones")
		plan, err := network.Plan(vpc.String(), zones)
		require.NoError(t, err)
		var all []netip.Prefix
		for _, s := range plan {
			all = append(all, s.Private, s.Public)
		}
		for i, a := range all {
			require.True(t, vpc.Contains(a.Addr()) && a.Bits() > vpc.Bits() && a.Bits() <= 28, a)
			for _, b := range all[:i] {
				require.False(t, a.Overlaps(b), "%s %s", a, b)
			}
		}
		fewer, err := network.Plan(vpc.String(), zones-1)
		require.NoError(t, err)
		require.Equal(t, plan[:zones-1], fewer)
	})
}

func runNetwork(t *testing.T, nat string, zones int) (*componenttest.Graph, error) {
	t.Helper()
	return componenttest.TryRun(func(ctx *pulumi.Context) error {
		z, err := network.Zones(ctx, zones)
		if err != nil {
			return err
		}
		_, err = network.NewNetwork(ctx, "net", &network.Args{
			Deployment: &deployment.Deployment{Name: "demo", Region: "us-west-2", AccountID: "1", Partition: "aws"},
			VpcCidr:    "10.0.0.0/16", Zones: z, NatGateways: nat,
		})
		return err
	})
}

func TestNetworkWithOneNatGateway(t *testing.T) {
	t.Parallel()
	g, err := runNetwork(t, network.NatSingle, 3)
	require.NoError(t, err)
	require.Equal(t, []string{"net-nat-usw2-az1"}, g.Names("aws:ec2/natGateway:NatGateway"))
	require.Equal(t, []string{
		"net-private-usw2-az1", "net-private-usw2-az2", "net-private-usw2-az3",
		"net-public-usw2-az1", "net-public-usw2-az2", "net-public-usw2-az3",
	}, g.Names("aws:ec2/subnet:Subnet"))
	private := g.Find(t, "net-private-usw2-az1")
	require.Equal(t, "us-west-2b", private.Inputs["availabilityZone"], "by ID, whatever the letter")
	require.Equal(t, "1", private.Tags()["kubernetes.io/role/internal-elb"])
	require.Equal(t, "demo", private.Tags()["karpenter.sh/discovery"])
	require.Equal(t, "shared", private.Tags()["kubernetes.io/cluster/demo"])
	require.Nil(t, g.Find(t, "net-public-usw2-az1").Tags()["karpenter.sh/discovery"])
	require.True(t, g.DependsOn("net-nat-usw2-az1-eip", "net-igw"), "an address keeps the gateway attached")
	require.True(t, g.DependsOn("net-private-usw2-az3-routes-default", "net-nat-usw2-az1"))
	require.Len(t, g.Find(t, "net-s3").Inputs["routeTableIds"], 4)
}

func TestNetworkWithNatGatewaysPerZone(t *testing.T) {
	t.Parallel()
	g, err := runNetwork(t, network.NatPerZone, 2)
	require.NoError(t, err)
	require.Len(t, g.Names("aws:ec2/natGateway:NatGateway"), 2)
	require.Contains(t, g.Find(t, "net-private-usw2-az2-routes-default").Dependencies, "net-nat-usw2-az2")
}

func TestNetworkRefuses(t *testing.T) {
	t.Parallel()
	_, err := runNetwork(t, "several", 3)
	require.ErrorContains(t, err, "NAT gateways")
	_, err = runNetwork(t, network.NatSingle, 1)
	require.ErrorContains(t, err, "at least 2")
	_, err = runNetwork(t, network.NatSingle, 5)
	require.ErrorContains(t, err, "EKS supports 4")
}
