// SPDX-License-Identifier: Apache-2.0

package replacement

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestForces(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		typ, path string
		want      bool
	}{
		"a property":                          {"aws:ec2/vpc:Vpc", "cidrBlock", true},
		"tags never":                          {"aws:ec2/vpc:Vpc", `tags["a.b"]`, false},
		"an element of a list":                {"aws:eks/nodeGroup:NodeGroup", "subnetIds[0]", true},
		"below an element":                    {"aws:eks/nodeGroup:NodeGroup", "instanceTypes[1]", true},
		"a nested property":                   {"aws:eks/cluster:Cluster", "kubernetesNetworkConfig.serviceIpv4Cidr", true},
		"its neighbour":                       {"aws:eks/cluster:Cluster", "vpcConfig.publicAccessCidrs[0]", false},
		"a name that begins like another one": {"aws:sqs/queue:Queue", "nameless", false},
		"any Kubernetes object's name":        {"kubernetes:karpenter.sh/v1:NodePool", "metadata.name", true},
		"a custom resource's spec":            {"kubernetes:karpenter.sh/v1:NodePool", "spec.limits.cpu", false},
		"a map below a property": {
			"kubernetes:apps/v1:Deployment", `spec.selector.matchLabels["app.kubernetes.io/name"]`, true,
		},
		"a container of a pod":           {"kubernetes:core/v1:Pod", "spec.containers[0].image", true},
		"a toleration of a pod":          {"kubernetes:core/v1:Pod", "spec.tolerations[0].key", false},
		"a selector of a DaemonSet":      {"kubernetes:apps/v1:DaemonSet", "spec.selector.matchLabels.a", true},
		"a release's name":               {"kubernetes:helm.sh/v3:Release", "name", true},
		"a release's values":             {"kubernetes:helm.sh/v3:Release", "values.metadata.name", false},
		"an object that has a property":  {"aws:ec2/launchTemplate:LaunchTemplate", "metadataOptions", false},
		"an object with one that forces": {"aws:eks/nodeGroup:NodeGroup", "launchTemplate", true},
		"what goes as a whole":           {"aws:eks/cluster:Cluster", "encryptionConfig", true},
		"what is in it":                  {"aws:eks/cluster:Cluster", "encryptionConfig.provider.keyArn", false},
		"an unknown type":                {"aws:rds/instance:Instance", "engine", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, Forces(c.typ, c.path))
		})
	}
}

func TestCovers(t *testing.T) {
	t.Parallel()
	rows := []Row{
		{Property: "a.b"}, {Property: "c", Note: OnlyRemoved}, {Property: "d", Note: OnlyAdded}, {Property: "e", Note: OnlyWhole},
	}
	for pattern, want := range map[string][3]bool{ // added, changed, removed
		"a": {}, "a.b": {true, true, true}, "a.b.c": {true, true, true}, "a.bc": {},
		"c": {false, false, true}, "c.x": {}, "d": {true, false, false}, "e": {true, false, true},
	} {
		got := [3]bool{
			Covers(rows, pattern, true, false), Covers(rows, pattern, false, false), Covers(rows, pattern, false, true),
		}
		require.Equal(t, want, got, pattern)
	}
}

func TestKnown(t *testing.T) {
	t.Parallel()
	require.True(t, Known("aws:ec2/internetGateway:InternetGateway"), "a type with no such property")
	require.True(t, Known("kubernetes:karpenter.sh/v1:NodePool"))
	require.False(t, Known("aws:rds/instance:Instance"))
	require.False(t, Known("emrflink:team:Team"))
}

func TestPattern(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"a": "a", "a[0]": "a", "a[0].b": "a.b", "a.b[1][2].c": "a.b.c", `a["x.y"]`: "a.x.y", "a[": "a[", `["b"].c`: "b.c",
	} {
		require.Equal(t, want, Pattern(path), path)
	}
}

func TestTablesAreSortedAndHaveNoRowTwice(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"aws.tsv": awsTable, "other.tsv": otherTable} {
		rows, err := Parse(text)
		require.NoError(t, err, name)
		var keys []string
		for _, r := range rows {
			keys = append(keys, r.Type+"\t"+r.Property)
		}
		require.True(t, slices.IsSorted(keys), name)
		require.Len(t, slices.Compact(keys), len(rows), name)
	}
}

// The rows "provider" of Kubernetes' kinds are the provider's own list, no less and no more.
func TestTheRowsOfKubernetesAreThoseOfTheProvider(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/pulumi-kubernetes.tsv")
	require.NoError(t, err)
	theirs := map[string][]Row{}
	for line := range strings.Lines(string(text)) {
		if typ, path, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok {
			pattern := strings.ReplaceAll(strings.TrimPrefix(path, "."), "[*]", "")
			theirs[kubernetes+typ] = append(theirs[kubernetes+typ], Row{Property: pattern})
		}
	}
	// The data of these is in a branch of the provider's code, not in its list.
	theirs["kubernetes:core/v1:ConfigMap"] = []Row{{Property: "binaryData"}, {Property: "data"}}
	theirs["kubernetes:core/v1:Secret"] = append(
		theirs["kubernetes:core/v1:Secret"], Row{Property: "data"}, Row{Property: "stringData"})
	theirs[helmRelease] = []Row{{Property: "name"}, {Property: "namespace"}}
	theirs[anyKubernetes] = []Row{{Property: "metadata.name"}, {Property: "metadata.namespace"}}

	ours := map[string][]Row{}
	rows, err := Parse(otherTable)
	require.NoError(t, err)
	for _, r := range rows {
		if r.How == "provider" && r.Property != known {
			ours[r.Type] = append(ours[r.Type], r)
		}
	}
	for typ, list := range theirs {
		for _, r := range list {
			require.True(t, Covers(ours[typ], r.Property, false, false), "%s %s is missing", typ, r.Property)
		}
	}
	for typ, list := range ours {
		for _, r := range list {
			require.True(t, slices.ContainsFunc(theirs[typ], func(o Row) bool { return o.Property == r.Property }),
				"the provider does not replace a %s for %s", typ, r.Property)
		}
	}
}

func TestABrokenTableNamesItsLine(t *testing.T) {
	t.Parallel()
	_, err := Parse("# head\ntype\tproperty\thow\tnote\na\tb\n")
	require.ErrorContains(t, err, "line 3")
}
