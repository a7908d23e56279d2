// SPDX-License-Identifier: Apache-2.0

package drift

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/plans"
	"emrflink/internal/stack"
)

func changed(typ, path string, expected, actual any) plans.Observed {
	return plans.Observed{
		URN: "u", Type: typ, Name: "n", ID: "i", Diff: []plans.PropertyDiff{
			{Path: path, Kind: "update", Old: expected, New: actual},
		},
	}
}

const (
	subnet      = "aws:ec2/subnet:Subnet"
	nodeGroup   = "aws:eks/nodeGroup:NodeGroup"
	cluster     = "aws:eks/cluster:Cluster"
	association = "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"
	quota       = "kubernetes:core/v1:ResourceQuota"
	release     = "kubernetes:helm.sh/v3:Release"
	policy      = "aws:iam/policy:Policy"
	revision    = `metadata.annotations["deployment.kubernetes.io/revision"]`
)

// noise has a difference for each entry of the list.
func noise() map[string]plans.Observed {
	return map[string]plans.Observed{
		"a tag that Karpenter added":           changed(subnet, `tags["karpenter.sh/discovery"]`, nil, "c"),
		"a tag that EKS added":                 changed(subnet, `tags["kubernetes.io/role/elb"]`, nil, "1"),
		"a tag that AWS added":                 changed(subnet, `tags["aws:cloudformation:stack-id"]`, nil, "s"),
		"the tags once more":                   changed("aws:iam/role:Role", "tagsAll.owner", "a", "b"),
		"an autoscaler's size":                 changed(nodeGroup, "scalingConfig.desiredSize", 3.0, 5.0),
		"the groups behind a node group":       changed(nodeGroup, "resources[0].autoscalingGroups[0].name", "a", "b"),
		"the status of a node group":           changed(nodeGroup, "status", "ACTIVE", "UPDATING"),
		"the platform of a cluster":            changed(cluster, "platformVersion", "eks.1", "eks.2"),
		"the status of a cluster":              changed(cluster, "status", "ACTIVE", "UPDATING"),
		"when an add-on was touched":           changed("aws:eks/addon:Addon", "modifiedAt", "a", "b"),
		"when an access entry was touched":     changed("aws:eks/accessEntry:AccessEntry", "modifiedAt", "a", "b"),
		"when an access policy was associated": changed(association, "modifiedAt", "a", "b"),
		"a policy in another spelling":         changed(policy, "policy", `{"a":1,"b":[2]}`, `{"b": [2], "a": 1}`),
		"the status of an object":              changed(quota, "status.used.pods", "1", "2"),
		"the version of an object":             changed(quota, "metadata.resourceVersion", "1", "2"),
		"the generation of an object":          changed(quota, "metadata.generation", 1.0, 2.0),
		"who wrote an object":                  changed(quota, "metadata.managedFields[0].manager", "a", "b"),
		"the revision of a Deployment":         changed("kubernetes:apps/v1:Deployment", revision, nil, "1"),
		"what a release rendered":              changed(release, "resourceNames.ConfigMap[0]", "a", "b"),
		"the checksum of a release":            changed(release, "checksum", "a", "b"),
	}
}

func TestNoiseIsShownWithItsReasonAndDoesNotCount(t *testing.T) {
	t.Parallel()
	reasons := map[string]int{}
	for name, observed := range noise() {
		r := New([]plans.Observed{observed})
		require.False(t, r.Drifted(), name)
		require.Equal(t, Summary{Checked: 1, Ignored: 1}, r.Summary, name)
		require.Empty(t, r.Resources[0].Kind, name)
		reasons[r.Resources[0].Ignored[0].Reason]++
	}
	want := map[string]int{}
	for _, n := range KnownNoise() {
		require.NotEmpty(t, n.Reason)
		want[n.Reason]++
	}
	require.Equal(t, want, reasons, "each entry of the list ignores one difference above")
}

func TestWhatIsNoNoiseCounts(t *testing.T) {
	t.Parallel()
	for name, observed := range map[string]plans.Observed{
		"the bounds of a node group":        changed(nodeGroup, "scalingConfig.maxSize", 9.0, 90.0),
		"a tag of Karpenter's that changed": changed(subnet, `tags["karpenter.sh/discovery"]`, "c", "d"),
		"a tag of EKS's that changed":       changed(subnet, `tags["kubernetes.io/role/elb"]`, "1", "0"),
		"a tag of EKS's outside EC2":        changed("aws:iam/role:Role", `tags["kubernetes.io/role/elb"]`, nil, "1"),
		"a tag of AWS's that changed":       changed(subnet, `tags["aws:cloudformation:stack-id"]`, "s", "t"),
		"a tag that a person added":         changed(subnet, "tags.owner", nil, "me"),
		"the version of an add-on":          changed("aws:eks/addon:Addon", "addonVersion", "v1", "v2"),
		"a policy that says something else": changed(policy, "policy", `{"a":1}`, `{"a":2}`),
		"a text that is no document":        changed(policy, "description", "a", "b"),
		"the spec of an object":             changed(quota, "spec.hard.pods", "1", "2"),
		"a revision that changed":           changed("kubernetes:apps/v1:Deployment", revision, "1", "2"),
	} {
		require.Equal(t, Summary{Checked: 1, Drifted: 1}, New([]plans.Observed{observed}).Summary, name)
	}
}

func TestTheDocumentHasTheRepairOfADriftAndNoNullList(t *testing.T) {
	t.Parallel()
	s := stack.Info{Stack: "dev", Target: "aws", Region: "us-west-2"}
	d := New(nil).Of(s, "put it back")
	require.False(t, d.Drifted)
	require.Empty(t, d.Repair)
	raw, err := json.Marshal(d)
	require.NoError(t, err)
	require.NotContains(t, string(raw), "null")
	d = New([]plans.Observed{{URN: "c", Missing: true}}).Of(s, "put it back")
	require.True(t, d.Drifted)
	require.Equal(t, "put it back", d.Repair)
	require.Equal(t, "dev aws us-west-2", d.Stack+" "+d.Target+" "+d.Region)
}

func TestValuesOfEachKindAreShown(t *testing.T) {
	t.Parallel()
	r := New([]plans.Observed{
		changed(nodeGroup, "labels", nil, map[string]any{"a": "<b>"}),
		changed(nodeGroup, "subnetIds", "[unknown]", strings.Repeat("x", 98)),
		changed(nodeGroup, "version", "[1, {}]", strings.Repeat("x", 99)),
		changed(nodeGroup, "scalingConfig.desiredSize", 3.0, 5.0),
	})
	var b strings.Builder
	require.NoError(t, r.Text(&b, "local"))
	require.Equal(t, `changed aws:eks/nodeGroup:NodeGroup "n" (i)
  labels: expected nothing, actual {"a":"<b>"}
changed aws:eks/nodeGroup:NodeGroup "n" (i)
  subnetIds: expected [unknown], actual "`+strings.Repeat("x", 98)+`"
changed aws:eks/nodeGroup:NodeGroup "n" (i)
  version: expected "[1, {}]", actual "`+strings.Repeat("x", 96)+`...
ignored aws:eks/nodeGroup:NodeGroup "n" scalingConfig.desiredSize: expected 3, actual 5: `+
		`an autoscaler sets the desired size between minSize and maxSize
stack local: drift: 4 checked, 3 changed, 0 missing, 1 ignored, 0 unmanaged
`, b.String())
}
