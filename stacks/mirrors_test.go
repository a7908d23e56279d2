// SPDX-License-Identifier: Apache-2.0

package stacks_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/components/componenttest"
	"emrflink/components/network"
	"emrflink/components/versions"
	"emrflink/internal/localcloud/chart"
	"emrflink/stacks"
)

const mirrorHost = "111122223333.dkr.ecr.us-west-2.amazonaws.com"

// everything turns all options on.
func everything(c *stacks.Config) {
	c.InterfaceEndpoints, c.NatGateways = network.EndpointServices(), network.NatPerZone
	c.KmsKey.Enabled, c.ClusterAutoscaler, c.PrefixDelegation, c.PodIdentity = true, true, true, true
	c.Observability.Prometheus, c.Observability.Grafana, c.Observability.Alerts = stacks.InCluster, stacks.InCluster, true
}

// mirrored pulls everything from one registry.
func mirrored(c *stacks.Config) {
	c.Mirrors = stacks.Mirrors{
		Images: map[string]string{"*": mirrorHost + "/all"}, Charts: map[string]string{"*": "oci://" + mirrorHost + "/charts"},
	}
}

// texts are all texts in a value.
func texts(v any) []string {
	var out []string
	switch v := v.(type) {
	case string:
		out = append(out, v)
	case []any:
		for _, inner := range v {
			out = append(out, texts(inner)...)
		}
	case map[string]any:
		for _, inner := range v {
			out = append(out, texts(inner)...)
		}
	}
	return out
}

// images are those of all containers in an object.
func images(v any) []string {
	var out []string
	switch v := v.(type) {
	case []any:
		for _, inner := range v {
			out = append(out, images(inner)...)
		}
	case map[string]any:
		for key, inner := range v {
			if image, ok := inner.(string); ok && key == "image" {
				out = append(out, image)
			}
			out = append(out, images(inner)...)
		}
	}
	return out
}

// rendered are the images that the stand-ins of the charts of a graph run.
func rendered(t *testing.T, g *componenttest.Graph) []string {
	t.Helper()
	crd := []byte("apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: x}\n")
	charts := chart.Charts{KarpenterCRDs: func() ([]byte, error) { return crd, nil }}
	var out []string
	for _, name := range g.Names("kubernetes:helm.sh/v3:Release") {
		r := g.Find(t, name)
		text := func(path ...any) string { s, _ := r.At(path...).(string); return s }
		values, _ := r.Inputs["values"].(map[string]any)
		made, err := charts.Render(chart.Request{
			Chart: text("chart"), Repo: text("repositoryOpts", "repo"), Version: text("version"), Release: text("name"),
			Namespace: text("namespace"), Values: values,
		})
		require.NoError(t, err, name)
		for _, o := range made.Objects {
			out = append(out, images(o.Object)...)
		}
	}
	return out
}

// releaseOf is the resource that installs a chart.
func releaseOf(t *testing.T, g *componenttest.Graph, c versions.Chart) string {
	t.Helper()
	for _, name := range g.Names("kubernetes:helm.sh/v3:Release") {
		of, _ := g.Find(t, name).Inputs["chart"].(string)
		if strings.HasSuffix("/"+of, "/"+c.Name[strings.LastIndex(c.Name, "/")+1:]) {
			return name
		}
	}
	t.Fatalf("no release of %s", c.Name)
	return ""
}

// TestNothingOfTheGraphEscapesItsMirrors: with every option on, no text of any resource names a public registry or a public
// repository of charts, and the charts run no image of one. The one exception is the image of EMR's operator, which EMR
// chooses in its own registry of the region.
func TestNothingOfTheGraphEscapesItsMirrors(t *testing.T) {
	t.Parallel()
	public := slices.Concat(versions.Registries(), versions.ChartRepositories())
	escaped := func(text string) bool {
		return slices.ContainsFunc(public, func(p string) bool { return strings.Contains(text, p) })
	}
	count := func(g *componenttest.Graph) (n int) {
		for _, r := range g.Resources {
			for _, text := range texts(r.Inputs) {
				if escaped(text) {
					n++
				}
			}
		}
		return n
	}
	plainGraph := componenttest.Run(t, compose(everything))
	require.GreaterOrEqual(t, count(plainGraph), len(versions.Charts()), "the search finds them where there is no mirror")
	g := componenttest.Run(t, compose(func(c *stacks.Config) { everything(c); mirrored(c) }))
	for _, r := range g.Resources {
		for _, text := range texts(r.Inputs) {
			require.False(t, escaped(text), "%s: %s", r.Name, text)
		}
	}
	for _, c := range versions.Charts() {
		for _, image := range c.Images {
			path := []any{"values"}
			for _, key := range strings.Split(image.Value+image.Registry, ".") {
				path = append(path, key)
			}
			require.Contains(t, g.Find(t, releaseOf(t, g, c)).At(path...), mirrorHost+"/all", image.Repository)
		}
	}
	all := rendered(t, g)
	require.Len(t, all, len(rendered(t, plainGraph)))
	require.Greater(t, len(all), 12)
	for _, image := range all {
		if !strings.HasPrefix(image, chart.OperatorImages) {
			require.True(t, strings.HasPrefix(image, mirrorHost+"/all/"), image)
		}
	}
}

// TestEveryImageOfAChartIsRewrittenByItsOwnMirror: registries that have mirrors of their own.
func TestEveryImageOfAChartIsRewrittenByItsOwnMirror(t *testing.T) {
	t.Parallel()
	g := componenttest.Run(t, compose(func(c *stacks.Config) {
		everything(c)
		c.Mirrors.Images = map[string]string{}
		for i, registry := range versions.Registries() {
			c.Mirrors.Images[registry] = fmt.Sprintf("%s/m%d", mirrorHost, i)
		}
	}))
	for i, registry := range versions.Registries() {
		was := slices.DeleteFunc(rendered(t, componenttest.Run(t, compose(everything))), func(image string) bool {
			return !strings.HasPrefix(image, registry+"/") || strings.HasPrefix(image, chart.OperatorImages)
		})
		is := slices.DeleteFunc(rendered(t, g), func(image string) bool {
			return !strings.HasPrefix(image, fmt.Sprintf("%s/m%d/", mirrorHost, i))
		})
		require.NotEmpty(t, was)
		require.Len(t, is, len(was), registry)
	}
	require.Equal(t, "https://charts.jetstack.io", g.Find(t, "addons-cert-manager").At("repositoryOpts", "repo"))
}

func TestMirrorsChangeOnlyCharts(t *testing.T) {
	t.Parallel()
	g, added, removed, changed := delta(t, mirrored)
	require.Empty(t, removed)
	require.Equal(t, []string{
		"core-node-mirrors", "core-node-mirrors-attachment", "karpenter-node-mirrors", "karpenter-node-mirrors-attachment",
	}, added)
	require.Equal(t, []string{
		"addons-cert-manager", "addons-metrics-server", "flink-operator-chart", "karpenter-chart", "karpenter-crds",
		"metrics-chart",
	}, changed)
	for _, node := range []string{"core", "karpenter"} {
		statement := g.Find(t, node+"-node-mirrors").JSON(t, "policy")["Statement"].([]any)[0].(map[string]any)
		require.Equal(t, []any{"ecr:BatchImportUpstreamImage", "ecr:CreateRepository"}, statement["Action"])
		require.Equal(t, "arn:aws:ecr:us-west-2:111122223333:repository/all/*", statement["Resource"])
	}
	require.True(t, g.DependsOn("core-group", "core-node-mirrors-attachment"), "a node that starts before pulls nothing")
	require.Equal(t, map[string]any{"*": mirrorHost + "/all"}, g.Outputs["imageMirrors"])
	_, added, _, _ = delta(t, func(c *stacks.Config) { c.Mirrors.Images = map[string]string{"*": "harbor.example.com/all"} })
	require.Empty(t, added, "only ECR asks for permissions")
}

func TestWithoutNAT(t *testing.T) {
	t.Parallel()
	isolated := func(c *stacks.Config) { mirrored(c); c.NatGateways = network.NatNone }
	g := componenttest.Run(t, compose(isolated))
	require.Empty(t, g.Names("aws:ec2/natGateway:NatGateway"))
	require.Empty(t, g.Names("aws:ec2/eip:Eip"))
	require.Equal(t, []string{"network-public-default"}, g.Names("aws:ec2/route:Route"), "private subnets have no way out")
	require.Len(t, g.Names("aws:ec2/vpcEndpoint:VpcEndpoint"), 1+len(network.IsolatedServices()))
	require.Equal(t, true, g.Find(t, "karpenter-chart").At("values", "settings", "isolatedVPC"))
	require.True(t, g.DependsOn("core-group", "network-endpoint-ecr-api"), "nodes pull through it")
	more := componenttest.Run(t, compose(func(c *stacks.Config) {
		isolated(c)
		c.ClusterAutoscaler, c.PodIdentity, c.InterfaceEndpoints = true, true, []string{"sts", "glue"}
	}))
	require.Len(t, more.Names("aws:ec2/vpcEndpoint:VpcEndpoint"), 4+len(network.IsolatedServices()))
	require.Nil(t, componenttest.Run(t, compose(plain)).Find(t, "karpenter-chart").At("values", "settings", "isolatedVPC"))
}

func TestMirrorProblems(t *testing.T) {
	t.Parallel()
	const all = `{"images":{"*":"` + mirrorHost + `/all"}}`
	const vpc = `{"id":"vpc-0123456789abcdef0","privateSubnetIds":["subnet-00000001","subnet-00000002"]}`
	problems := func(values map[string]any) []stacks.Problem {
		_, err := stacks.Parse("f", values)
		if err == nil {
			return nil
		}
		var found *stacks.ConfigError
		require.ErrorAs(t, err, &found)
		return found.Problems
	}
	for name, c := range map[string]struct {
		values        map[string]any
		at, why, hint string
	}{
		"a registry by a wrong name": {map[string]any{"mirrors": `{"images":{"quay.oi":"a.example.com"}}`},
			"mirrors.images.quay.oi", "nothing of the stack is there", "quay.io"},
		"an address with a scheme": {map[string]any{"mirrors": `{"images":{"*":"https://a.example.com"}}`}, "mirrors.images.*",
			"without a scheme", ""},
		"charts over plain HTTP": {map[string]any{"mirrors": `{"charts":{"*":"http://a.example.com"}}`}, "mirrors.charts.*",
			"neither", ""},
		"a kind that there is not": {map[string]any{"mirrors": `{"image":{}}`}, "mirrors.image", "unknown key", "images"},
		"a list": {map[string]any{"mirrors": `{"images":["a"]}`}, "mirrors.images", "expected: map of texts",
			""},
		"no NAT and a public API": {map[string]any{"natGateways": "none", "mirrors": all,
			"endpointAccess": `{"private":false}`}, "endpointAccess.private", "only by the private endpoint", "true"},
		"no NAT and a mirror elsewhere": {map[string]any{"natGateways": "none", "mirrors": all, "region": "eu-west-1"},
			"mirrors.images.public.ecr.aws", "no registry but ECR of eu-west-1", ""},
	} {
		found := problems(c.values)
		require.NotEmpty(t, found, name)
		require.Equal(t, c.at, found[0].Key, name)
		require.Contains(t, found[0].Why, c.why, name)
		require.Equal(t, c.hint, found[0].Nearest, name)
	}
	require.Empty(t, problems(map[string]any{"natGateways": "none", "mirrors": all}))
	require.Empty(t, problems(map[string]any{"natGateways": "none", "existingVpc": vpc,
		"mirrors": `{"images":{"*":"harbor.example.com"}}`}), "an existing VPC may reach a registry of its own")
	require.Len(t, problems(map[string]any{"natGateways": "none"}), 3, "one for each registry that is used")
	require.Len(t, problems(map[string]any{"natGateways": "none",
		"observability": `{"prometheus":"inCluster","grafana":"inCluster"}`}), 4, "Grafana is on Docker Hub")
}
