// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/chaos"
)

// A sample of what `make chaos` does at every change.
func TestAKilledDeployIsCleanedUp(t *testing.T) {
	t.Parallel()
	const create = "create urn:pulumi:local::emrflink::emrflink:"
	bench := chaos.Bench{Bin: filepath.Dir(binary(t, "emrflink"))}
	for _, c := range []chaos.Case{
		{Command: "deploy", Then: "cleanup", Who: chaos.Daemon, When: "after",
			Change: create + "network:Network$aws:ec2/routeTable:RouteTable::network-private-usw2-az2-routes"},
		{Command: "deploy", Then: "cleanup", Who: chaos.Engine, When: "before",
			Change: create + "cluster:Cluster$eks:index:Cluster$aws:eks/cluster:Cluster::cluster-emr-eks-flink-eksCluster"},
	} {
		t.Run(c.Who, func(t *testing.T) {
			t.Parallel()
			o, err := bench.Run(t.Context(), c)
			require.NoError(t, err)
			require.Empty(t, o.Why, "%s %s", c.When, o.Change)
		})
	}
}
