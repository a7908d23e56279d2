// SPDX-License-Identifier: Apache-2.0

package drift

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/awsapi"
	"emrflink/internal/plans"
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

// TestWhatIsRecordedUnderAnyNameIsManaged: the inventory names a resource as its service does, the state by one of these.
func TestWhatIsRecordedUnderAnyNameIsManaged(t *testing.T) {
	t.Parallel()
	tags := map[string]string{"k": "v", "l": "w"}
	made := awsapi.Resource{Service: "s", Type: "t", ID: "x", ARN: "arn:x", CreatedBy: "user", Tags: tags}
	unmanaged := func(recorded []plans.StateResource, inventory ...awsapi.Resource) []string {
		r := New(nil)
		r.Compare(recorded, inventory, tags)
		require.Equal(t, len(r.Unmanaged), r.Summary.Unmanaged)
		ids := []string{}
		for _, u := range r.Unmanaged {
			ids = append(ids, u.Service+" "+u.Type+" "+u.ID)
		}
		return ids
	}
	for _, key := range []string{"arn", "name", "url", "id", "allocationId", "nodeGroupName"} {
		require.Empty(t, unmanaged([]plans.StateResource{{ID: "y", Outputs: map[string]any{key: "x"}}}, made), key)
	}
	require.Equal(t, []string{"s t x"}, unmanaged([]plans.StateResource{{ID: "y"}}, made))
	require.Empty(t, unmanaged([]plans.StateResource{{ID: "x"}}, made))
	require.Empty(t, unmanaged([]plans.StateResource{{ID: "arn:x"}}, made))

	other := func(service, typ, id string) awsapi.Resource {
		return awsapi.Resource{Service: service, Type: typ, ID: id, CreatedBy: "user", Tags: tags}
	}
	half := other("a", "a", "half")
	half.Tags = map[string]string{"k": "v"}
	require.Equal(t, []string{"a t 2", "s r 2", "s t 1", "s t 2"},
		unmanaged(nil, other("s", "t", "2"), other("s", "r", "2"), half, other("a", "t", "2"), other("s", "t", "1")))
}

func TestTheReportNamesWhatDiffers(t *testing.T) {
	t.Parallel()
	r := New([]plans.Observed{
		{URN: "a", Type: "aws:s3/bucketV2:BucketV2", Name: "b", ID: "bucket", Diff: []plans.PropertyDiff{}},
		changed(policy, "policy", `{"Statement":[{"Action":"s3:GetObject"}]}`,
			`{"Statement":[{"Action":"s3:*"}]}`),
		{URN: "c", Type: "aws:cloudwatch/logGroup:LogGroup", Name: "l", ID: "/logs", Missing: true},
		changed(nodeGroup, "labels", nil, map[string]any{"a": "<b>"}),
		changed(nodeGroup, "subnetIds", "[unknown]", strings.Repeat("x", 98)),
		changed(nodeGroup, "version", "[1, {}]", strings.Repeat("x", 99)),
		changed(nodeGroup, "scalingConfig.desiredSize", 3.0, 5.0),
	})
	r.Compare([]plans.StateResource{{ID: "sg-1"}}, []awsapi.Resource{
		{Service: "ec2", Type: "security-group", ID: "sg-1", CreatedBy: "user", Tags: map[string]string{"k": "v"}},
		{Service: "ec2", Type: "security-group", ID: "sg-2", CreatedBy: "user", Tags: map[string]string{"k": "v"}},
		{Service: "ec2", Type: "instance", ID: "i-1", CreatedBy: "karpenter", Tags: map[string]string{"k": "v"}},
		{Service: "ec2", Type: "vpc", ID: "vpc-1", CreatedBy: "user"},
	}, map[string]string{"k": "v"})
	var b bytes.Buffer
	require.NoError(t, r.Text(&b, "local"))
	require.Equal(t, strings.TrimPrefix(`
changed aws:iam/policy:Policy "n" (i)
  policy: the documents differ
    Statement[0].Action: expected "s3:GetObject", actual "s3:*"
missing aws:cloudwatch/logGroup:LogGroup "l" (/logs)
changed aws:eks/nodeGroup:NodeGroup "n" (i)
  labels: expected nothing, actual {"a":"<b>"}
changed aws:eks/nodeGroup:NodeGroup "n" (i)
  subnetIds: expected [unknown], actual "`+strings.Repeat("x", 98)+`"
changed aws:eks/nodeGroup:NodeGroup "n" (i)
  version: expected "[1, {}]", actual "`+strings.Repeat("x", 96)+`...
unmanaged ec2 security-group sg-2: it carries the deployment's tags and is not in its state
ignored aws:eks/nodeGroup:NodeGroup "n" scalingConfig.desiredSize: expected 3, actual 5: `+
		`an autoscaler sets the desired size between minSize and maxSize
stack local: drift: 7 checked, 4 changed, 1 missing, 1 ignored, 1 unmanaged
`, "\n"), b.String())
}
