// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/plans"
)

func TestACertainReplacementIsToldFromAPossibleOne(t *testing.T) {
	t.Parallel()
	known := plans.PropertyDiff{Path: "cidrBlock", Kind: "update-replace", Old: "10.0.0.0/24", New: "10.1.0.0/24"}
	open := plans.PropertyDiff{Path: "vpcId", Kind: "update-replace", Old: "vpc-1", New: plans.Unknown}
	tags := plans.PropertyDiff{Path: "tags.a", Kind: "add", New: "b"}
	gone := plans.PropertyDiff{Path: "vpcId", Kind: "delete-replace", Old: "vpc-1"}
	unmarked := plans.PropertyDiff{Path: "vpcId", Kind: "update", Old: "vpc-1", New: plans.Unknown}
	for name, c := range map[string]struct {
		typ     string
		op      plans.Op
		reasons []string
		diff    []plans.PropertyDiff
		wantOp  string
		will    []string
		may     []string
	}{
		"a known value": {"aws:ec2/subnet:Subnet", plans.OpReplace, []string{"cidrBlock"},
			[]plans.PropertyDiff{known, tags}, "replace", []string{"cidrBlock"}, nil},
		"an unknown value, the provider says": {"aws:ec2/subnet:Subnet", plans.OpReplace, []string{"vpcId"},
			[]plans.PropertyDiff{open, tags}, "update", nil, []string{"vpcId"}},
		"both": {"aws:ec2/subnet:Subnet", plans.OpReplace,
			[]string{"cidrBlock", "vpcId"}, []plans.PropertyDiff{known, open}, "replace", []string{"cidrBlock"}, nil},
		"a value that goes": {"aws:ec2/subnet:Subnet", plans.OpReplace, []string{"vpcId"},
			[]plans.PropertyDiff{gone}, "replace", []string{"vpcId"}, nil},
		"the engine has a reason of its own": {"kubernetes:core/v1:Namespace", plans.OpReplace, []string{"provider"},
			nil, "replace", []string{"provider"}, nil},
		"an unknown value and the provider": {"aws:ec2/subnet:Subnet", plans.OpReplace,
			[]string{"provider", "vpcId"}, []plans.PropertyDiff{open}, "replace", []string{"provider"}, nil},
		"the table knows what the provider does not say": {"aws:ec2/subnet:Subnet", plans.OpUpdate, nil,
			[]plans.PropertyDiff{unmarked}, "update", nil, []string{"vpcId"}},
		"an unknown value that forces nothing": {"aws:ec2/internetGateway:InternetGateway", plans.OpUpdate, nil,
			[]plans.PropertyDiff{unmarked}, "update", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := plans.Step{URN: "urn", Type: c.typ, Name: "x", Op: c.op, ReplaceReasons: c.reasons, Diff: c.diff,
				Old: map[string]any{}, New: map[string]any{}}
			plan := plans.Plan{Steps: []plans.Step{s}, Summary: plans.Summarize([]plans.Step{s})}
			r, err := New(plan, regionUsed)
			require.NoError(t, err)
			got := r.Document.Steps[0]
			require.Equal(t, c.wantOp, got.Op)
			require.Equal(t, append([]string{}, c.will...), got.ReplaceReasons)
			require.Equal(t, append([]string{}, c.may...), got.MayReplaceReasons)
			require.Equal(t, len(c.may) > 0, got.MayReplace)
			require.Equal(t, c.wantOp == "replace" || got.MayReplace, got.Destroys != "")
			require.Equal(t, c.wantOp == "replace", r.Document.Summary.Replace == 1)
			require.Equal(t, c.op, s.Op, "the plan of the caller stays")
		})
	}
}

func TestAnotherClusterIsTheKubernetesProvidersRule(t *testing.T) {
	t.Parallel()
	with := plans.Step{Type: kubernetesProvider, New: map[string]any{"clusterIdentifier": "arn"}}
	require.True(t, forces(with, "clusterIdentifier"))
	require.False(t, forces(with, "kubeconfig"))
	require.True(t, forces(plans.Step{Type: kubernetesProvider}, "kubeconfig"))
}
