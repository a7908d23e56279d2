// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/engine"
)

func TestACertainReplacementIsToldFromAPossibleOne(t *testing.T) {
	t.Parallel()
	known := engine.PropertyDiff{Path: "cidrBlock", Kind: "update-replace", Old: "10.0.0.0/24", New: "10.1.0.0/24"}
	open := engine.PropertyDiff{Path: "vpcId", Kind: "update-replace", Old: "vpc-1", New: engine.Unknown}
	tags := engine.PropertyDiff{Path: "tags.a", Kind: "add", New: "b"}
	gone := engine.PropertyDiff{Path: "vpcId", Kind: "delete-replace", Old: "vpc-1"}
	unmarked := engine.PropertyDiff{Path: "vpcId", Kind: "update", Old: "vpc-1", New: engine.Unknown}
	for name, c := range map[string]struct {
		typ     string
		op      engine.Op
		reasons []string
		diff    []engine.PropertyDiff
		wantOp  string
		will    []string
		may     []string
	}{
		"a known value":                                  {"aws:ec2/subnet:Subnet", engine.OpReplace, []string{"cidrBlock"}, []engine.PropertyDiff{known, tags}, "replace", []string{"cidrBlock"}, nil},
		"an unknown value, the provider says":            {"aws:ec2/subnet:Subnet", engine.OpReplace, []string{"vpcId"}, []engine.PropertyDiff{open, tags}, "update", nil, []string{"vpcId"}},
		"both":                                           {"aws:ec2/subnet:Subnet", engine.OpReplace, []string{"cidrBlock", "vpcId"}, []engine.PropertyDiff{known, open}, "replace", []string{"cidrBlock"}, nil},
		"a value that goes":                              {"aws:ec2/subnet:Subnet", engine.OpReplace, []string{"vpcId"}, []engine.PropertyDiff{gone}, "replace", []string{"vpcId"}, nil},
		"the engine has a reason of its own":             {"kubernetes:core/v1:Namespace", engine.OpReplace, []string{"provider"}, nil, "replace", []string{"provider"}, nil},
		"an unknown value and the provider":              {"aws:ec2/subnet:Subnet", engine.OpReplace, []string{"provider", "vpcId"}, []engine.PropertyDiff{open}, "replace", []string{"provider"}, nil},
		"the table knows what the provider does not say": {"aws:ec2/subnet:Subnet", engine.OpUpdate, nil, []engine.PropertyDiff{unmarked}, "update", nil, []string{"vpcId"}},
		"an unknown value that forces nothing":           {"aws:ec2/internetGateway:InternetGateway", engine.OpUpdate, nil, []engine.PropertyDiff{unmarked}, "update", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := engine.Step{URN: "urn", Type: c.typ, Name: "x", Op: c.op, ReplaceReasons: c.reasons, Diff: c.diff, Old: map[string]any{}, New: map[string]any{}}
			plan := engine.Plan{Steps: []engine.Step{s}, Summary: count([]engine.Step{s})}
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
	with := engine.Step{Type: kubernetesProvider, New: map[string]any{"clusterIdentifier": "arn"}}
	require.True(t, forces(with, "clusterIdentifier"))
	require.False(t, forces(with, "kubeconfig"))
	require.True(t, forces(engine.Step{Type: kubernetesProvider}, "kubeconfig"))
}
