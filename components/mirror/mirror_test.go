// SPDX-License-Identifier: Apache-2.0

package mirror_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/components/mirror"
	"emrflink/components/versions"
)

const ecr = "111122223333.dkr.ecr.us-west-2.amazonaws.com"

func TestReferencesAreRewritten(t *testing.T) {
	t.Parallel()
	byRule := mirror.Mirrors{Images: map[string]string{"quay.io": ecr + "/quay", "docker.io": ecr + "/docker-hub"}}
	one := mirror.Mirrors{Images: map[string]string{"*": "harbor.example.com:8443/hub", "quay.io": "harbor.example.com:8443/q"}}
	named := mirror.Mirrors{Images: map[string]string{"*": "harbor.example.com/{registry}"}}
	for name, c := range map[string]struct {
		mirrors   mirror.Mirrors
		ref, want string
	}{
		"by its registry":      {byRule, "quay.io/prometheus/prometheus:v3", ecr + "/quay/prometheus/prometheus:v3"},
		"without a mirror":     {byRule, "registry.k8s.io/pause:3", "registry.k8s.io/pause:3"},
		"of Docker Hub":        {byRule, "docker.io/grafana/grafana", ecr + "/docker-hub/grafana/grafana"},
		"with no registry":     {byRule, "grafana/grafana:12", ecr + "/docker-hub/grafana/grafana:12"},
		"with no path":         {byRule, "busybox@sha256:00", ecr + "/docker-hub/library/busybox@sha256:00"},
		"one for all":          {one, "public.ecr.aws/a/b:1", "harbor.example.com:8443/hub/a/b:1"},
		"its own before all":   {one, "quay.io/a:1", "harbor.example.com:8443/q/a:1"},
		"with the name":        {named, "registry.k8s.io/a/b:1", "harbor.example.com/registry.k8s.io/a/b:1"},
		"rewritten already":    {named, "harbor.example.com/quay.io/a:1", "harbor.example.com/quay.io/a:1"},
		"of another registry":  {named, "ghcr.io/me/job:1", "ghcr.io/me/job:1"},
		"of AWS in the region": {named, "602401143452.dkr.ecr.us-west-2.amazonaws.com/eks/coredns:1", ""},
	} {
		if c.want == "" {
			c.want = c.ref
		}
		require.Equal(t, c.want, c.mirrors.Image(c.ref), name)
		require.Equal(t, c.want, c.mirrors.Image(c.mirrors.Image(c.ref)), "%s, twice", name)
	}
}

func TestChartsAreRewritten(t *testing.T) {
	t.Parallel()
	m := mirror.Mirrors{
		Images: map[string]string{"public.ecr.aws": ecr + "/ecr-public"},
		Charts: map[string]string{"charts.jetstack.io": "oci://" + ecr + "/charts", "*": "https://charts.example.com/all"},
	}
	for _, c := range []struct{ name, repo, wantName, wantRepo string }{
		{"oci://public.ecr.aws/karpenter/karpenter", "", "oci://" + ecr + "/ecr-public/karpenter/karpenter", ""},
		{"cert-manager", "https://charts.jetstack.io", "oci://" + ecr + "/charts/cert-manager", ""},
		{"metrics-server", "https://kubernetes-sigs.github.io/metrics-server/", "metrics-server",
			"https://charts.example.com/all"},
	} {
		name, repo := m.Chart(c.name, c.repo)
		require.Equal(t, [2]string{c.wantName, c.wantRepo}, [2]string{name, repo})
		name, repo = mirror.Mirrors{}.Chart(c.name, c.repo)
		require.Equal(t, [2]string{c.name, c.repo}, [2]string{name, repo})
	}
	require.Equal(t, []string{ecr}, m.ChartHosts())
	require.Equal(t, []string{"public.ecr.aws"}, mirror.Mirrors{}.ChartHosts())
}

// TestTheRegistriesOfTheTable: every image of a chart has one value that names it, and a registry.
func TestTheRegistriesOfTheTable(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"docker.io", "public.ecr.aws", "quay.io", "registry.k8s.io"}, versions.Registries())
	require.Len(t, versions.ChartRepositories(), 5)
	all := mirror.Mirrors{Images: map[string]string{"*": "r.example.com/x"}}
	for _, c := range versions.Charts() {
		for _, image := range c.Images {
			require.NotEqual(t, image.Value == "", image.Registry == "", image.Repository)
			path, value := all.Value(image)
			require.Equal(t, image.Value+image.Registry, path)
			require.Contains(t, value, "r.example.com/x")
			path, _ = mirror.Mirrors{}.Value(image)
			require.Empty(t, path)
		}
	}
	require.Equal(t, []string{"aws.github.io/eks-charts", "charts.jetstack.io", "kubernetes-sigs.github.io/metrics-server",
		"kubernetes.github.io/autoscaler", "prometheus-community.github.io/helm-charts"}, all.Public(), "charts have no mirror")
}

func TestECRs(t *testing.T) {
	t.Parallel()
	m := mirror.Mirrors{Images: map[string]string{
		"quay.io": ecr + "/quay", "public.ecr.aws": ecr + "/ecr-public/deep", "registry.k8s.io": "harbor.example.com/k8s",
		"docker.io": "444455556666.dkr.ecr.cn-north-1.amazonaws.com.cn",
	}}
	require.Equal(t, []mirror.ECR{
		{Host: ecr, Account: "111122223333", Region: "us-west-2", Prefixes: []string{"ecr-public/deep/", "quay/"}},
		{Host: "444455556666.dkr.ecr.cn-north-1.amazonaws.com.cn", Account: "444455556666", Region: "cn-north-1",
			Prefixes: []string{""}},
	}, m.ECRs())
	require.Equal(t, []string{ecr, "444455556666.dkr.ecr.cn-north-1.amazonaws.com.cn", "harbor.example.com"}, m.ImageHosts())
	require.Empty(t, mirror.Mirrors{}.ECRs())
	require.Empty(t, mirror.Mirrors{}.ImageHosts())
}

func TestWrongMirrorsAreRefused(t *testing.T) {
	t.Parallel()
	for _, good := range []string{
		ecr, ecr + "/quay", "localhost:5000", "harbor.example.com:8443/a/b-c/d__e", "r.example.com/{registry}",
		"r.example.com/x/{registry}/y", "10.0.0.7:5000/all",
	} {
		require.Empty(t, mirror.Mirrors{Images: map[string]string{"*": good, "quay.io": good}}.Check(), good)
	}
	for _, bad := range []string{"", "harbor", "https://harbor.example.com", "oci://harbor.example.com/x", "harbor.example.com/",
		"harbor.example.com/a//b", "harbor.example.com/A", "harbor.example.com/a:1.2", "harbor.example.com/a@sha256:0",
		"{registry}.example.com/a", "harbor.example.com/a b", "harbor.example.com/../a", "/a/b", "user:pw@harbor.example.com/a"} {
		require.Len(t, mirror.Mirrors{Images: map[string]string{"*": bad}}.Check(), 1, bad)
	}
	for _, good := range []string{
		"oci://" + ecr + "/charts", "https://charts.example.com", "https://a.example.com:8443/api/helm/x",
	} {
		require.Empty(t, mirror.Mirrors{Charts: map[string]string{"*": good}}.Check(), good)
	}
	for _, bad := range []string{"", "charts.example.com", "http://charts.example.com", "oci://", "oci://x", "https://",
		"oci://r.example.com/{registry}", "oci://r.example.com/charts/", "https://user:pw@charts.example.com"} {
		require.Len(t, mirror.Mirrors{Charts: map[string]string{"*": bad}}.Check(), 1, bad)
	}
	problems := mirror.Mirrors{Images: map[string]string{"quay.oi": ecr, "quay.io": "quay.io"}}.Check()
	require.Len(t, problems, 2)
	require.Equal(t, "images.quay.io", problems[0].Key)
	require.Contains(t, problems[0].Why, "what it mirrors")
	require.Equal(t, "quay.oi", problems[1].Of)
}
