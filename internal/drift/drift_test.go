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

func TestNoiseIsShownWithItsReasonAndDoesNotCount(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		observed plans.Observed
		ignored  bool
	}{
		"an autoscaler's size": {
			changed("aws:eks/nodeGroup:NodeGroup", "scalingConfig.desiredSize", 3.0, 5.0), true,
		},
		"the bounds of that size are ours": {changed("aws:eks/nodeGroup:NodeGroup", "scalingConfig.maxSize", 9.0, 90.0), false},
		"a tag that Karpenter added":       {changed("aws:ec2/subnet:Subnet", `tags["karpenter.sh/discovery"]`, nil, "c"), true},
		"a tag of ours that changed": {
			changed("aws:ec2/subnet:Subnet", `tags["karpenter.sh/discovery"]`, "c", "d"), false,
		},
		"a tag that a person added":  {changed("aws:ec2/subnet:Subnet", "tags.owner", nil, "me"), false},
		"when an add-on was touched": {changed("aws:eks/addon:Addon", "modifiedAt", "a", "b"), true},
		"the version of an add-on":   {changed("aws:eks/addon:Addon", "addonVersion", "v1", "v2"), false},
		"a policy in another spelling": {
			changed("aws:iam/policy:Policy", "policy", `{"a":1,"b":[2]}`, `{"b": [2], "a": 1}`), true,
		},
		"a policy that says something else": {changed("aws:iam/policy:Policy", "policy", `{"a":1}`, `{"a":2}`), false},
		"the status of an object":           {changed("kubernetes:core/v1:ResourceQuota", "status.used.pods", "1", "2"), true},
		"the spec of an object":             {changed("kubernetes:core/v1:ResourceQuota", "spec.hard.pods", "1", "2"), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := New([]plans.Observed{c.observed})
			require.Len(t, r.Resources, 1)
			require.Equal(t, !c.ignored, r.Drifted())
			if c.ignored {
				require.Equal(t, Summary{Checked: 1, Ignored: 1}, r.Summary)
				require.NotEmpty(t, r.Resources[0].Ignored[0].Reason)
				require.Empty(t, r.Resources[0].Kind)
			} else {
				require.Equal(t, Summary{Checked: 1, Drifted: 1}, r.Summary)
			}
		})
	}
}

func TestTheReportNamesWhatDiffers(t *testing.T) {
	t.Parallel()
	r := New([]plans.Observed{
		{URN: "a", Type: "aws:s3/bucketV2:BucketV2", Name: "b", ID: "bucket", Diff: []plans.PropertyDiff{}},
		changed("aws:iam/policy:Policy", "policy", `{"Statement":[{"Action":"s3:GetObject"}]}`,
			`{"Statement":[{"Action":"s3:*"}]}`),
		{URN: "c", Type: "aws:cloudwatch/logGroup:LogGroup", Name: "l", ID: "/logs", Missing: true},
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
unmanaged ec2 security-group sg-2: it carries the deployment's tags and is not in its state
stack local: drift: 3 checked, 1 changed, 1 missing, 0 ignored, 1 unmanaged
`, "\n"), b.String())
}
