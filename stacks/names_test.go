// SPDX-License-Identifier: Apache-2.0

package stacks_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"emrflink/components/componenttest"
	"emrflink/components/network"
	"emrflink/stacks"
)

// word draws a legal name of a deployment or a team: what is legal is asked of the configuration, not said again here.
func word(t *rapid.T, label string, most int) string {
	return rapid.StringMatching(`[a-z]([a-z0-9-]{0,`+map[int]string{20: "18", 24: "22"}[most]+`}[a-z0-9])?`).Draw(t, label)
}

// TestNamesFitAndAreTheDeploymentsOwn: of two different legal deployments, in one account, no two resources of a type
// have one name, and every name is within AWS's limits.
func TestNamesFitAndAreTheDeploymentsOwn(t *testing.T) {
	t.Parallel()
	// Each pair is two whole graphs: few pairs, the same ones every time.
	pairs := rapid.Custom(drawPair)
	for seed := range 16 {
		requireOwnNames(t, pairs.Example(seed))
	}
}

// pair is two legal configurations of one region with different names.
type pair [2]stacks.Config

func drawPair(t *rapid.T) pair {
	region := rapid.SampledFrom([]string{"us-west-2", "ap-southeast-2", "us-gov-west-1", "eu-west-1"}).Draw(t, "region")
	one := func(label string) stacks.Config {
		return rapid.Custom(func(t *rapid.T) stacks.Config {
			config := stacks.Default()
			config.Name, config.Region = word(t, "name", 20), region
			config.Teams = stacks.NamedTeams(rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) string {
				return word(t, "team", 24)
			}), 1, 3, rapid.ID[string]).Draw(t, "teams")...)
			config.InterfaceEndpoints = network.EndpointServices()
			config.KmsKey.Enabled, config.ClusterAutoscaler, config.PodIdentity = true, true, true
			config.Observability.Prometheus, config.Observability.Grafana = stacks.InCluster, stacks.InCluster
			return config
		}).Filter(func(c stacks.Config) bool {
			values := map[string]any{}
			for key, value := range c.Encode() {
				values[strings.TrimPrefix(key, "emrflink:")] = value
			}
			_, err := stacks.Parse("f", values)
			return err == nil
		}).Draw(t, label)
	}
	out := pair{one("first"), one("second")}
	if out[0].Name == out[1].Name {
		out[1].Name = out[0].Name[:1] + "2"
	}
	return out
}

func requireOwnNames(t *testing.T, configs pair) {
	t.Helper()
	names := map[string]string{}
	for _, config := range configs {
		g, err := componenttest.TryRun(compose(func(c *stacks.Config) { *c = config }),
			componenttest.Options{Region: config.Region})
		require.NoError(t, err)
		own := map[string]string{}
		for _, name := range ownNames(t, g) {
			require.NotContains(t, names, name, "%q has it too", config.Name)
			own[name] = config.Name
			if bucket, ok := strings.CutPrefix(name, "aws:s3/bucketV2:BucketV2 "); ok {
				require.LessOrEqual(t, len(bucket), 63)
			}
		}
		maps.Copy(names, own)
	}
}

func TestANameThatHoldsARegionCouldBeAnothersRole(t *testing.T) {
	t.Parallel()
	role := func(name, team string) string {
		g := componenttest.Run(t, compose(func(c *stacks.Config) { c.Name, c.Teams = name, stacks.NamedTeams(team) }))
		return g.Find(t, "team-"+team+"-job-role").Inputs["name"].(string)
	}
	require.Equal(t, role("a", "us-west-2-t"), role("a-us-west-2", "t"), "why such a name is refused")
	_, err := stacks.Parse("f", map[string]any{"name": "a-us-west-2"})
	require.ErrorContains(t, err, "contains the region us-west-2")
}
