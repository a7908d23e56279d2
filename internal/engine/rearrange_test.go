// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/stretchr/testify/require"

	"emrflink/internal/plans"
)

// small is a state with a resource for each row: its "type/name", and those that it depends on.
func small(rows ...[]string) *savedState {
	urn := func(row string) resource.URN {
		return resource.URN("urn:pulumi:s::p::" + row)
	}
	d := &apitype.DeploymentV3{}
	for _, row := range rows {
		r := apitype.ResourceV3{URN: urn(row[0]), Custom: true}
		r.Type = tokens.Type(row[0][:slices.Index([]byte(row[0]), '/')] + ":x:Y")
		for _, on := range row[1:] {
			r.Dependencies = append(r.Dependencies, urn(on))
		}
		r.PropertyDependencies = map[resource.PropertyKey][]resource.URN{"p": slices.Clone(r.Dependencies)}
		d.Resources = append(d.Resources, r)
	}
	return &savedState{DeploymentV3: d}
}

// waves are the names of what the engine deletes together, the last wave first.
func waves(d *savedState) [][]string {
	left := map[resource.URN]apitype.ResourceV3{}
	for _, r := range d.Resources {
		left[r.URN] = r
	}
	var out [][]string
	for len(left) > 0 {
		var wave []string
		for urn, r := range left {
			if !slices.ContainsFunc(r.Dependencies, func(on resource.URN) bool { _, waits := left[on]; return waits }) {
				wave = append(wave, string(urn)[len("urn:pulumi:s::p::"):])
			}
		}
		for _, name := range wave {
			delete(left, resource.URN("urn:pulumi:s::p::"+name))
		}
		slices.Sort(wave)
		out = append(out, wave)
	}
	return out
}

func TestWhatIsSlowToDeleteIsPutBesideOthers(t *testing.T) {
	t.Parallel()
	d := small(
		[]string{"net/vpc"}, []string{"nat/nat", "net/vpc"}, []string{"route/way-out", "nat/nat"},
		[]string{"role/of-cluster", "net/vpc"}, []string{"eks/cluster", "role/of-cluster"},
		[]string{"addon/cni", "eks/cluster"}, []string{"nodes/core", "eks/cluster", "addon/cni", "nat/nat"},
		[]string{"addon/dns", "nodes/core"}, []string{"role/of-job"},
	)
	changed := rearrange(d, plans.Order{
		Apart:  [][2]string{{"nodes:x:Y", "addon:x:Y"}, {"addon:x:Y", "nodes:x:Y"}, {"route:x:Y", "nat:x:Y"}},
		Beside: map[string]string{"nat:x:Y": "eks:x:Y", "addon:x:Y": "nodes:x:Y", "role:x:Y": "eks:x:Y"},
	})
	require.Positive(t, changed)
	require.Equal(t, [][]string{
		{"net/vpc", "route/way-out"}, {"role/of-cluster"}, {"eks/cluster", "nat/nat", "role/of-job"},
		{"addon/cni", "addon/dns", "nodes/core"},
	}, waves(d))
	seen := map[resource.URN]bool{}
	for _, r := range d.Resources {
		for _, on := range r.Dependencies {
			require.True(t, seen[on], "%s stands before %s, which it needs", r.URN, on)
		}
		seen[r.URN] = true
	}
	for _, r := range d.Resources {
		if r.Type == "route:x:Y" {
			require.Empty(t, r.PropertyDependencies["p"])
		}
	}
	require.Zero(t, rearrange(small([]string{"net/vpc"}), plans.Order{}))
	with := small([]string{"eks/cluster"}, []string{"addon/dns", "eks/cluster"}, []string{"net/vpc"})
	require.Equal(t, 1, rearrange(with, plans.Order{With: map[string]string{"addon:x:Y": "eks:x:Y"}}))
	for _, r := range with.Resources {
		require.Equal(t, r.Type == "addon:x:Y", r.DeletedWith == "urn:pulumi:s::p::eks/cluster")
	}
}

func TestWhatIsInTheClusterGoesWithIt(t *testing.T) {
	t.Parallel()
	aws, cluster := serveFakeAWS(t), serveFakeAWS(t)
	cluster.plugin = "4.23.0"
	env := aws.env()
	env["PULUMI_DEBUG_PROVIDERS"] += cluster.attach("kubernetes")
	e := open(t, Options{Home: t.TempDir(), Env: env, Program: mixed})
	require.ErrorIs(t, e.Rearrange(t.Context(), plans.Order{Kubernetes: true}), ErrNoStack)
	_, err := e.Deploy(t.Context(), nil)
	require.NoError(t, err)
	require.NoError(t, e.Rearrange(t.Context(), plans.Order{Kubernetes: true}))
	_, err = e.Destroy(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, aws.names())
	require.Equal(t, []string{"o", "p"}, cluster.names(), "nobody asked for them")
}
