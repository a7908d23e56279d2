// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheProgramsKeepToTheBudget(t *testing.T) {
	t.Parallel()
	require.NoError(t, run("../../..", false))
}

func TestWhatIsNewIsSaid(t *testing.T) {
	t.Parallel()
	allowed, err := parse("# a comment\nprogram\tmodule\tpackages\nx\ta\t1\nx\tb\t100\ny\ta\t3\n")
	require.NoError(t, err)
	for name, c := range map[string]struct {
		now  counts
		want []string
	}{
		"the same":                {counts{"x": {"a": 1, "b": 100}, "y": {"a": 3}}, nil},
		"less":                    {counts{"x": {"b": 90}}, nil},
		"twenty packages more":    {counts{"x": {"a": 1, "b": 120}}, nil},
		"twenty-one":              {counts{"x": {"a": 2, "b": 120}}, []string{"x links 122 packages, 21 more"}},
		"a module":                {counts{"x": {"a": 1, "b": 100, "c": 1}}, []string{"x links a new module: c (1 packages)"}},
		"a module of the other":   {counts{"y": {"a": 3, "b": 1}}, []string{"y links a new module: b"}},
		"a program without lines": {counts{"z": {"a": 30}}, []string{"z links a new module: a", "z links 30 packages"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := compare(allowed, c.now)
			if c.want == nil {
				require.NoError(t, err)
			}
			for _, want := range c.want {
				require.ErrorContains(t, err, want)
			}
		})
	}
}

func TestTheTableIsReadAsItIsWritten(t *testing.T) {
	t.Parallel()
	c := counts{"x": {"a": 1, "b/c": 20}, "y": {"std": 3}}
	again, err := parse(c.table())
	require.NoError(t, err)
	require.Equal(t, c, again)
	for _, wrong := range []string{"x\ta", "x\ta\tmany"} {
		_, err := parse(wrong)
		require.Error(t, err)
	}
}
