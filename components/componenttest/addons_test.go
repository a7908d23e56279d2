// SPDX-License-Identifier: Apache-2.0

package componenttest_test

import (
	"testing"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"emrflink/components/addons"
	"emrflink/components/componenttest"
	"emrflink/components/deployment"
)

func testDeployment() *deployment.Deployment {
	return &deployment.Deployment{Name: "demo", Region: "us-west-2", AccountID: componenttest.Account, Partition: "aws"}
}

func TestBootstrap(t *testing.T) {
	t.Parallel()
	g := componenttest.Run(t, func(ctx *pulumi.Context) error {
		_, err := addons.NewBootstrap(ctx, "boot", &addons.BootstrapArgs{
			Deployment: testDeployment(), ClusterName: pulumi.String("demo"),
		})
		return err
	})
	require.Equal(t, []string{"boot-eks-pod-identity-agent", "boot-kube-proxy", "boot-vpc-cni"}, g.Names("aws:eks/addon:Addon"))
	require.Equal(t, `{"enableNetworkPolicy":"true"}`, g.Find(t, "boot-vpc-cni").Inputs["configurationValues"])
	for _, name := range g.Names("aws:eks/addon:Addon") {
		addon := g.Find(t, name)
		require.Equal(t, "OVERWRITE", addon.Inputs["resolveConflictsOnCreate"])
		require.Equal(t, "PRESERVE", addon.Inputs["resolveConflictsOnUpdate"])
		require.Nil(t, addon.Inputs["addonVersion"], "EKS knows which build fits")
	}
}

func workload(change func(*addons.Args)) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		provider, err := kubernetes.NewProvider(ctx, "k8s", &kubernetes.ProviderArgs{})
		if err != nil {
			return err
		}
		a := &addons.Args{
			Deployment: testDeployment(), ClusterName: pulumi.String("demo"), OidcProviderArn: pulumi.String("arn:provider"),
			OidcIssuer: pulumi.String(componenttest.Issuer), Kubernetes: provider, Nodes: []pulumi.CustomResource{provider},
		}
		change(a)
		_, err = addons.NewAddons(ctx, "addons", a)
		return err
	}
}

func TestAddons(t *testing.T) {
	t.Parallel()
	g := componenttest.Run(t, workload(func(*addons.Args) {}))
	for _, name := range []string{"addons-coredns", "addons-aws-ebs-csi-driver", "addons-cert-manager", "addons-metrics-server"} {
		require.True(t, g.DependsOn(name, "k8s"), "%s waits for nodes", name)
	}
	ebs := g.Find(t, "addons-aws-ebs-csi-driver")
	require.Contains(t, ebs.Inputs["configurationValues"], `"emrflink:deployment":"demo"`)
	require.Equal(t, "arn:aws:iam::111122223333:role/demo-us-west-2-ebs-csi", ebs.Inputs["serviceAccountRoleArn"])
	require.Contains(t, g.Find(t, "addons-ebs-csi-role").Inputs["assumeRolePolicy"],
		"system:serviceaccount:kube-system:ebs-csi-controller-sa")
	require.True(t, g.DependsOn("addons-cert-manager", "addons-cert-manager-namespace"))
	require.Equal(t, true, g.Find(t, "addons-cert-manager").At("values", "crds", "enabled"))
	class := g.Find(t, "addons-gp3")
	require.Equal(t, "true", class.At("parameters", "encrypted"))
	require.Equal(t, "WaitForFirstConsumer", class.Inputs["volumeBindingMode"])
}

func TestAddonsRefuse(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*addons.Args){
		"no nodes to wait for": func(a *addons.Args) { a.Nodes = nil },
		"no provider":          func(a *addons.Args) { a.Kubernetes = nil },
		"no cluster":           func(a *addons.Args) { a.ClusterName = nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := componenttest.TryRun(workload(change))
			require.Error(t, err)
		})
	}
}
