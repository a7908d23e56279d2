// SPDX-License-Identifier: Apache-2.0

package upgrade

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/components/versions"
	"emrflink/internal/awsapi"
	"emrflink/internal/plans"
	"emrflink/internal/stack"
	"emrflink/stacks"
)

type offers struct{ refused error }

func (o offers) ClusterVersions(context.Context) ([]awsapi.ClusterVersion, error) {
	return []awsapi.ClusterVersion{
		{Version: "1.29", Status: "UNSUPPORTED"}, {Version: "1.35", Status: "STANDARD_SUPPORT"},
		{Version: "1.37", Status: "STANDARD_SUPPORT"},
	}, o.refused
}

func (o offers) AddonVersions(_ context.Context, kubernetes string) ([]awsapi.AddonVersion, error) {
	return []awsapi.AddonVersion{
		{Addon: "coredns", Version: "v1.12.4-eksbuild.2"},
		{Addon: "coredns", Version: "v1.12.4-eksbuild.1", Default: kubernetes == "1.35"},
		{Addon: "somebody-elses", Version: "v1.0.0-eksbuild.1"},
	}, o.refused
}

func parts(t *testing.T, c stacks.Config, recorded ...plans.StateResource) map[string]Part {
	t.Helper()
	d := Read(t.Context(), offers{}, c, recorded, stack.Info{Stack: "dev"})
	require.Empty(t, d.NotKnown)
	out := map[string]Part{}
	for _, p := range d.Parts {
		require.NotEmpty(t, p.Upgrade, p.Name)
		out[p.Name] = p
	}
	return out
}

func TestEachPartHasItsVersions(t *testing.T) {
	t.Parallel()
	c := stacks.Default()
	fresh := parts(t, c)
	require.Len(t, fresh, 1+len(versions.Addons())+2+4)
	require.Equal(t, []string{"1.37", "1.35"}, fresh["kubernetes"].Offered, "the newest first, and none that has no support")
	require.Contains(t, fresh["kubernetes"].HeldBack, "Karpenter "+versions.Karpenter().Version+" supports")
	require.Equal(t, "a deploy installs EKS's default, v1.12.4-eksbuild.1", fresh["addon coredns"].HeldBack)
	require.Equal(t, []string{"v1.12.4-eksbuild.2", "v1.12.4-eksbuild.1"}, fresh["addon coredns"].Offered)
	require.Equal(t, "7.13.0", fresh["emr release"].Offered[0])
	require.Equal(t, versions.AMIAlias, fresh["node image"].Pinned)
	require.Equal(t, versions.CertManager().Version, fresh["chart cert-manager"].Pinned)
	require.NotContains(t, fresh, "chart cluster-autoscaler")

	c.AddonVersions, c.ClusterAutoscaler = map[string]string{"coredns": "v1.12.4-eksbuild.2"}, true
	used := parts(t, c,
		plans.StateResource{Type: "aws:eks/cluster:Cluster", Outputs: map[string]any{"version": "1.34"}},
		plans.StateResource{Type: "aws:eks/addon:Addon", Inputs: map[string]any{"addonName": "vpc-cni"},
			Outputs: map[string]any{"addonVersion": "v1.1.1-eksbuild.1"}},
		plans.StateResource{Type: "aws:eks/addon:Addon", Inputs: map[string]any{"addonName": "coredns"},
			Outputs: map[string]any{"addonVersion": "v1.12.4-eksbuild.1"}},
		plans.StateResource{Type: "kubernetes:helm.sh/v3:Release", Inputs: map[string]any{
			"chart": "oci://public.ecr.aws/emr-on-eks/flink-kubernetes-operator", "version": "7.12.0"}},
		plans.StateResource{Type: "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass", Inputs: map[string]any{
			"spec": map[string]any{"amiSelectorTerms": []any{map[string]any{"alias": "al2023@v20260930"}}}}},
	)
	require.Equal(t, "1.34", used["kubernetes"].Deployed)
	require.Equal(t, "v1.12.4-eksbuild.2", used["addon coredns"].Pinned)
	require.Equal(t, "v1.12.4-eksbuild.1", used["addon coredns"].Deployed)
	require.Empty(t, used["addon coredns"].HeldBack)
	require.Equal(t, "7.12.0", used["emr release"].Deployed)
	require.Equal(t, "al2023@v20260930", used["node image"].Deployed)
	require.Contains(t, used, "chart cluster-autoscaler")
}

func TestWhatAWSDoesNotSayIsNotGuessed(t *testing.T) {
	t.Parallel()
	d := Read(t.Context(), offers{errors.New("AccessDenied: no")}, stacks.Default(), nil, stack.Info{})
	require.Equal(t, []string{
		"the Kubernetes versions of EKS: AccessDenied: no", "the versions of addons: AccessDenied: no",
	}, d.NotKnown)
	require.NotEmpty(t, d.Parts)
}
