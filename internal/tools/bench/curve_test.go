// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func points(cpu func(resources float64) float64) []point {
	var out []point
	for teams, resources := range map[int]int{1: 156, 20: 403, 60: 923} {
		out = append(out, point{Teams: teams, Resources: resources, CPUSeconds: cpu(float64(resources))})
	}
	return out
}

func TestTheExponentIsThatOfThePowerLaw(t *testing.T) {
	t.Parallel()
	for want, cpu := range map[float64]func(float64) float64{
		0:   func(float64) float64 { return 3 },
		1:   func(n float64) float64 { return n / 100 },
		1.2: func(n float64) float64 { return 7 * math.Pow(n, 1.2) },
		2:   func(n float64) float64 { return n * n },
	} {
		require.InDelta(t, want, exponent(points(cpu)), 1e-9)
	}
	require.Less(t, exponent(points(func(n float64) float64 { return 1000 + n })), 0.5, "what every run costs grows with nothing")
	require.Zero(t, exponent([]point{{Resources: 156, CPUSeconds: 1}}), "one size has no curve")
	require.Zero(t, exponent(nil))
}

func TestWhatIsOverTheBudgetIsTold(t *testing.T) {
	t.Parallel()
	limits, err := parseBudget("# why\ncommand\tquantity\tteams\tmost\n*\texponent\t\t1.2\ndeploy\tseconds\t60\t10\n")
	require.NoError(t, err)
	require.Empty(t, passed(limits, []curve{
		{Command: "deploy", Exponent: 1.2, Points: []point{{Teams: 20, WallSeconds: 90}, {Teams: 60, WallSeconds: 10}}},
		{Command: "cleanup", Points: []point{{Teams: 60, WallSeconds: 90}}},
	}))
	over := []curve{
		{Command: "deploy", Exponent: 0.8, Points: []point{{Teams: 60, WallSeconds: 11}}},
		{Command: "cleanup", Exponent: 1.21},
	}
	require.Equal(t,
		[]string{"cleanup: exponent 1.21, at most 1.2", "deploy, teams: 60: 11.0 s, at most 10"}, passed(limits, over))
}

func TestABudgetThatLimitsNothingIsRefused(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"deploy\texponent\t1.2", "deploi\texponent\t\t1.2", "deploy\tminutes\t60\t1", "deploy\tseconds\t\t1",
		"deploy\tseconds\t60\tx",
	} {
		_, err := parseBudget(line)
		require.Error(t, err, line)
	}
}

// The exponents of the documentation keep the budget. Its times are of a machine that may have had other things to do.
func TestTheDocumentedExponentsKeepTheBudget(t *testing.T) {
	t.Parallel()
	limits, err := parseBudget(budgetText)
	require.NoError(t, err)
	limits = slices.DeleteFunc(limits, func(l limit) bool { return l.quantity != limitsExponent })
	require.NotEmpty(t, limits)
	raw, err := os.ReadFile("../../../docs/bench.json")
	require.NoError(t, err)
	var r report
	require.NoError(t, json.Unmarshal(raw, &r))
	require.Len(t, r.Curves, len(works()))
	require.Empty(t, passed(limits, r.Curves))
	for _, c := range r.Curves {
		require.InDelta(t, exponent(c.Points), c.Exponent, 1e-9, c.Command)
	}
}

func TestSizesAreReadInOrderAndOnce(t *testing.T) {
	t.Parallel()
	sizes, err := parseSizes("60,1,20,20")
	require.NoError(t, err)
	require.Equal(t, []int{1, 20, 60}, sizes)
	for _, wrong := range []string{"", "1,", "0", "a"} {
		_, err := parseSizes(wrong)
		require.Error(t, err, wrong)
	}
}
