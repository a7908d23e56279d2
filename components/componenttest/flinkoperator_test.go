// SPDX-License-Identifier: Apache-2.0

package componenttest_test

import (
	"testing"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"emrflink/components/componenttest"
	"emrflink/components/deployment"
	"emrflink/components/flinkoperator"
	"emrflink/components/versions"
)

func operatorProgram(t *testing.T, change func(*flinkoperator.Args)) pulumi.RunFunc {
	t.Helper()
	release, ok := versions.EMR(versions.DefaultEMRRelease)
	require.True(t, ok)
	return func(ctx *pulumi.Context) error {
		provider, err := kubernetes.NewProvider(ctx, "k8s", &kubernetes.ProviderArgs{})
		if err != nil {
			return err
		}
		a := &flinkoperator.Args{
			Deployment: &deployment.Deployment{
				Name: "demo", Region: "us-west-2", AccountID: componenttest.Account, Partition: "aws",
			},
			Release: release, OidcProviderArn: pulumi.String("arn:provider"), OidcIssuer: pulumi.String(componenttest.Issuer),
			BucketArn: pulumi.String("arn:aws:s3:::bucket"), LogRetentionDays: 30, Kubernetes: provider,
			After: []pulumi.CustomResource{provider},
		}
		change(a)
		_, err = flinkoperator.NewOperator(ctx, "op", a)
		return err
	}
}

func TestOperator(t *testing.T) {
	t.Parallel()
	g := componenttest.Run(t, operatorProgram(t, func(*flinkoperator.Args) {}))
	chart := g.Find(t, "op-chart")
	require.Equal(t, "oci://public.ecr.aws/emr-on-eks/flink-kubernetes-operator", chart.Inputs["chart"])
	require.Equal(t, "7.13.0", chart.Inputs["version"])
	require.Equal(t, flinkoperator.Namespace, chart.Inputs["namespace"])
	require.Equal(t, "arn:aws:iam::111122223333:role/demo-us-west-2-flink-operator",
		chart.At("values", "emrContainers", "operatorExecutionRoleArn"))
	require.Equal(t, g.Find(t, "op-logs").Inputs["name"], chart.At("values", "monitoringConfiguration",
		"cloudWatchMonitoringConfiguration", "logGroupName"), "else the group stays empty")
	require.Nil(t, chart.At("values", "emrContainers", "emrReleaseLabel"), "the chart knows its own image")
	conf, _ := chart.At("values", "defaultConfiguration", "flink-conf.yaml").(string)
	for _, line := range []string{
		"metrics.reporter.prom.factory.class: org.apache.flink.metrics.prometheus.PrometheusReporterFactory\n",
		"metrics.reporter.prom.port: 9249\n", "kubernetes.operator.metrics.reporter.prom.port: 9999\n",
	} {
		require.Contains(t, conf, line)
	}
	require.EqualValues(t, 9999, chart.At("values", "metrics", "port"), "the container declares it")
	require.Contains(t, g.Find(t, "op-irsa-role").Inputs["assumeRolePolicy"],
		"system:serviceaccount:flink-kubernetes-operator:emr-containers-sa-flink-operator")
	for _, outlives := range []string{"op-namespace", "op-logs", "op-irsa-data-attachment", "k8s"} {
		require.True(t, g.DependsOn("op-chart", outlives), outlives)
	}
}

func TestOperatorRefuses(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*flinkoperator.Args){
		"no release":          func(a *flinkoperator.Args) { a.Release = versions.EMRRelease{} },
		"nothing to wait for": func(a *flinkoperator.Args) { a.After = nil },
		"no bucket":           func(a *flinkoperator.Args) { a.BucketArn = nil },
		"no retention":        func(a *flinkoperator.Args) { a.LogRetentionDays = 0 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := componenttest.TryRun(operatorProgram(t, change))
			require.Error(t, err)
		})
	}
}
