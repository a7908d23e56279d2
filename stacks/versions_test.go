// SPDX-License-Identifier: Apache-2.0

package stacks_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/components/componenttest"
	"emrflink/components/versions"
	"emrflink/stacks"
)

// TestEveryVersionIsFromTheTable: what a deployment installs is what package versions says, chart by chart.
func TestEveryVersionIsFromTheTable(t *testing.T) {
	t.Parallel()
	known := map[string]string{}
	release, ok := versions.EMR(versions.DefaultEMRRelease)
	require.True(t, ok)
	for _, c := range []versions.Chart{
		versions.Karpenter(), versions.KarpenterCRD(), versions.CertManager(), versions.MetricsServer(),
		versions.CloudWatchMetrics(), versions.ClusterAutoscaler(), versions.PrometheusStack(), release.OperatorChart,
	} {
		known[c.Name] = c.Version
	}
	g := componenttest.Run(t, compose(func(c *stacks.Config) {
		c.ClusterAutoscaler, c.Observability.Prometheus = true, stacks.InCluster
	}))
	charts := g.Names("kubernetes:helm.sh/v3:Release")
	require.Len(t, charts, len(known))
	for _, name := range charts {
		r := g.Find(t, name)
		require.Equal(t, known[r.Inputs["chart"].(string)], r.Inputs["version"], name)
	}
	require.Equal(t, versions.Kubernetes, g.Find(t, "cluster-emr-eks-flink").Inputs["version"])
	require.Equal(t, versions.Kubernetes, g.Find(t, "core-group").Inputs["version"])
	require.Equal(t, versions.AMIAlias, g.Find(t, "pools-nodeclass").At("spec", "amiSelectorTerms", 0, "alias"))
	require.Equal(t, release.Label, g.Outputs["emrReleaseLabel"])
}

// TestOnlyVersionsThatGoTogetherAreAccepted: every pair of a Kubernetes version and an EMR release around the table, by
// the rules of the table.
func TestOnlyVersionsThatGoTogetherAreAccepted(t *testing.T) {
	t.Parallel()
	for minor := 28; minor <= 39; minor++ {
		for _, emr := range []string{"7.8.0", "7.9.0", "7.10.0", "7.12.0", "7.13.0", "7.14.0"} {
			for _, autoscaler := range []bool{false, true} {
				rules := versions.KubernetesRules()
				if autoscaler {
					rules = append(rules, versions.ClusterAutoscalerRule())
				}
				_, want := versions.EMR(emr)
				var reasons []string
				for _, r := range rules {
					if minor < r.Min || minor > r.Max {
						want = false
						reasons = append(reasons, fmt.Sprintf("%s supports 1.%d to 1.%d", r.Part, r.Min, r.Max))
					}
				}
				_, err := stacks.Parse("f", map[string]any{
					"kubernetesVersion": fmt.Sprintf("1.%d", minor), "emrRelease": emr, "clusterAutoscaler": autoscaler,
				})
				require.Equal(t, want, err == nil, "Kubernetes 1.%d, EMR %s: %v", minor, emr, err)
				for _, reason := range reasons {
					require.ErrorContains(t, err, reason)
				}
			}
		}
	}
}
