// SPDX-License-Identifier: Apache-2.0

package componenttest_test

import (
	"testing"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"emrflink/components/componenttest"
	"emrflink/components/deployment"
	"emrflink/components/observability"
)

func metricsProgram(nodes bool) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		provider, err := kubernetes.NewProvider(ctx, "k8s", &kubernetes.ProviderArgs{})
		if err != nil {
			return err
		}
		a := &observability.Args{
			Deployment: &deployment.Deployment{
				Name: "demo", Region: "us-west-2", AccountID: componenttest.Account, Partition: "aws",
			},
			OidcProviderArn: pulumi.String("arn:provider"), OidcIssuer: pulumi.String(componenttest.Issuer),
			LogRetentionDays: 30, Kubernetes: provider,
		}
		if nodes {
			a.After = []pulumi.CustomResource{provider}
		}
		_, err = observability.NewMetrics(ctx, "metrics", a)
		return err
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	g := componenttest.Run(t, metricsProgram(true))
	require.Equal(t, "/aws/containerinsights/demo/performance", g.Find(t, "metrics-logs").Inputs["name"])
	require.Equal(t, "demo", g.Find(t, "metrics-chart").At("values", "clusterName"))
	require.Contains(t, g.Find(t, "metrics-agent-role").Inputs["assumeRolePolicy"],
		"system:serviceaccount:amazon-cloudwatch:cloudwatch-agent")
	require.True(t, g.DependsOn("metrics-chart", "metrics-agent-managed-0"))
	require.True(t, g.DependsOn("metrics-chart", "metrics-namespace"))
}

func TestMetricsWaitForNodes(t *testing.T) {
	t.Parallel()
	_, err := componenttest.TryRun(metricsProgram(false))
	require.ErrorContains(t, err, "nodes must be ready first")
}
