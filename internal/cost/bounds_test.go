// SPDX-License-Identifier: Apache-2.0

package cost

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestHowManyPodsANodeHolds(t *testing.T) {
	t.Parallel()
	node := shape{vcpus: 4, memoryMiB: 8192}
	for name, c := range map[string]struct {
		pods Pods
		want int
	}{
		"bounded by the processors":     {Pods{MilliCPU: 1000, MemoryMiB: 1000}, 4},
		"bounded by the memory":         {Pods{MilliCPU: 100, MemoryMiB: 4000}, 2},
		"of which one takes most":       {Pods{MilliCPU: 3999, MemoryMiB: 8191}, 1},
		"that fill the processors":      {Pods{MilliCPU: 4000, MemoryMiB: 1}, 0},
		"that fill the memory":          {Pods{MilliCPU: 1, MemoryMiB: 8192}, 0},
		"that ask for nothing in words": {Pods{}, 4000},
	} {
		require.Equal(t, c.want, perNode(node, c.pods), name)
	}
}

func TestARequirementIsMetAsKubernetesSays(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		operator, label string
		values          []any
		want            bool
	}{
		"less":                  {"Lt", "8", []any{"9"}, true},
		"as much is not less":   {"Lt", "9", []any{"9"}, false},
		"more is not less":      {"Lt", "10", []any{"9"}, false},
		"more":                  {"Gt", "10", []any{"9"}, true},
		"as much is not more":   {"Gt", "9", []any{"9"}, false},
		"less is not more":      {"Gt", "8", []any{"9"}, false},
		"no number":             {"Lt", "x", []any{"9"}, false},
		"no bound":              {"Gt", "1", []any{"x"}, false},
		"two bounds":            {"Gt", "9", []any{"1", "2"}, false},
		"that it is there":      {"Exists", "x", nil, true},
		"that it is not there":  {"DoesNotExist", "x", nil, false},
		"one of several":        {"In", "x", []any{"y", "x"}, true},
		"none of several":       {"NotIn", "x", []any{"y", "x"}, false},
		"another than several":  {"NotIn", "z", []any{"y", "x"}, true},
		"that it is in nothing": {"In", "x", nil, false},
	} {
		require.Equal(t, c.want, meets(c.operator, c.label, c.values), name)
	}
}

func TestPodsThatFitNoNodeHaveNoPrice(t *testing.T) {
	t.Parallel()
	nodes, unpriced, err := NodesFor(easy(), []Resource{pool(requirement("karpenter.k8s.aws/instance-family", "In", "c5d"))},
		taskManagers(1, 100, 1<<30))
	require.NoError(t, err)
	require.Empty(t, nodes)
	require.Empty(t, unpriced)
	r, err := NewReport(Subject{Resources: []Resource{pool()}}, easy())
	require.NoError(t, err)
	require.NotContains(t, r.NotIncluded, "the nodes of other jobs than the sample job", "there is none of the sample job")
}

func TestWhatAControlPlaneCosts(t *testing.T) {
	t.Parallel()
	for version, over := range map[string]bool{"1.31": true, "1.35": false, "0.9": false} {
		end, now := StandardSupport(version)
		require.Equal(t, over, now, version)
		day, known := StandardSupportEnds(version)
		require.Equal(t, end != "", known, version)
		if known {
			require.Equal(t, end, day.Format(time.DateOnly))
		}
	}
	standard, extended, known := ControlPlane("us-west-2")
	require.True(t, known)
	require.Equal(t, []float64{0.1, 0.6}, []float64{standard, extended})
	_, _, known = ControlPlane("eu-west-9")
	require.False(t, known)
	require.Equal(t, "of the default version", orUnknown(""))
	require.Equal(t, "1.35", orUnknown("1.35"))
}

func TestNumbersAreReadAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	for _, v := range []any{20.0, 20, json.Number("20"), "20"} {
		require.InDelta(t, 20, number(v), 0)
	}
	for _, v := range []any{json.Number("x"), "x", "", nil, true} {
		require.Zero(t, number(v))
	}
}

func TestAColumnIsFoundByItsRegion(t *testing.T) {
	t.Parallel()
	got, err := column("what,here\nx,1.5\n", "here")
	require.NoError(t, err)
	require.Equal(t, map[string]float64{"x": 1.5}, got)
	_, err = column("what,here\nx,1.5\n", "there")
	require.ErrorContains(t, err, `no column "there"`)
	_, err = column("what,here\nx,1.5\n", "what")
	require.ErrorContains(t, err, `row "x"`)
}
