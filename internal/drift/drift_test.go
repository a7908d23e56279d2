// SPDX-License-Identifier: Apache-2.0

package drift

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/plans"
)

func changed(typ, path string, expected, actual any) plans.Observed {
	return plans.Observed{URN: "u", Type: typ, Name: "n", ID: "i", Diff: []plans.PropertyDiff{{Path: path, Kind: "update", Old: expected, New: actual}}}
}

func TestNoiseIsShownWithItsReasonAndDoesNotCount(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		observed plans.Observed
		ignored  bool
	}{
		"an autoscaler's size":              {changed("aws:eks/nodeGroup:NodeGroup", "scalingConfig.desiredSize", 3.0, 5.0), true},
		"the bounds of that size are ours":  {changed("aws:eks/nodeGroup:NodeGroup", "scalingConfig.maxSize", 9.0, 90.0), false},
		"a tag that Karpenter added":        {changed("aws:ec2/subnet:Subnet", `tags["karpenter.sh/discovery"]`, nil, "c"), true},
		"a tag of ours that changed":        {changed("aws:ec2/subnet:Subnet", `tags["karpenter.sh/discovery"]`, "c", "d"), false},
		"a tag that a person added":         {changed("aws:ec2/subnet:Subnet", "tags.owner", nil, "me"), false},
		"when an add-on was touched":        {changed("aws:eks/addon:Addon", "modifiedAt", "a", "b"), true},
		"the version of an add-on":          {changed("aws:eks/addon:Addon", "addonVersion", "v1", "v2"), false},
		"a policy in another spelling":      {changed("aws:iam/policy:Policy", "policy", `{"a":1,"b":[2]}`, `{"b": [2], "a": 1}`), true},
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

func TestTheDocumentHasTheRepairOfADriftAndNoNullList(t *testing.T) {
	t.Parallel()
	s := Subject{Stack: "dev", Target: "aws", Region: "us-west-2", Repair: "put it back"}
	d := New(nil).Of(s)
	require.False(t, d.Drifted)
	require.Empty(t, d.Repair)
	raw, err := json.Marshal(d)
	require.NoError(t, err)
	require.NotContains(t, string(raw), "null")
	d = New([]plans.Observed{{URN: "c", Missing: true}}).Of(s)
	require.True(t, d.Drifted)
	require.Equal(t, "put it back", d.Repair)
	require.Equal(t, "dev aws us-west-2", d.Stack+" "+d.Target+" "+d.Region)
}
