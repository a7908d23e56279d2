// SPDX-License-Identifier: Apache-2.0

package stackconfig

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

func TestTextIsWhatIsWritten(t *testing.T) {
	t.Parallel()
	file, err := parseFile("f", []byte(`config:
  emrflink:kubernetesVersion: 1.30
  emrflink:name: 2026-01-01
  emrflink:region: no
  emrflink:availabilityZones: 2
  emrflink:podIdentity: yes
  emrflink:teams: [1.50, on, "2"]
  emrflink:tags: {cost: 0x10, on: 2026-01-01, quoted: "1"}
  emrflink:nodePools:
    - {name: 7.0, minVcpu: 4}
`))
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(map[string]any{
		"kubernetesVersion": "1.30", "name": "2026-01-01", "region": "no", "availabilityZones": 2, "podIdentity": true,
		"teams": []any{"1.50", "on", "2"}, "tags": map[string]any{"cost": "0x10", "on": "2026-01-01", "quoted": "1"},
		"nodePools": []any{map[string]any{"name": "7.0", "minVcpu": 4}},
	}, file.Values))
	require.Empty(t, cmp.Diff([]string{
		`line 2: emrflink:kubernetesVersion = 1.30 is taken as text; quotes make it text for every tool: "1.30"`,
		`line 3: emrflink:name = 2026-01-01 is taken as text; quotes make it text for every tool: "2026-01-01"`,
		`line 7: emrflink:teams[0] = 1.50 is taken as text; quotes make it text for every tool: "1.50"`,
		`line 8: emrflink:tags.cost = 0x10 is taken as text; quotes make it text for every tool: "0x10"`,
		`line 8: emrflink:tags.on = 2026-01-01 is taken as text; quotes make it text for every tool: "2026-01-01"`,
		`line 10: emrflink:nodePools[0].name = 7.0 is taken as text; quotes make it text for every tool: "7.0"`,
	}, file.Hints))
}

func TestMistakesOfYAMLHaveTheirLines(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"a key twice": {
			"config:\n  emrflink:region: a\n  emrflink:region: b\n",
			[]string{"line 3: emrflink:region is set twice; it was set in line 2 already"},
		},
		"with and without its namespace": {
			"config:\n  region: a\n\n  emrflink:region: b\n",
			[]string{"line 4: emrflink:region is set twice; it was set in line 2 already"},
		},
		"config twice": {"config:\nconfig:\n", []string{"line 2: config is set twice; it was set in line 1 already"}},
		"a key of an object twice": {
			"config:\n  emrflink:tags:\n    a: 1\n    a: 2\n", []string{"line 4: a is set twice; it was set in line 3 already"},
		},
		"a list instead of keys": {"- a\n", []string{`line 1: keys with values are expected, beginning with "config:"`}},
		"a word":                 {"hello", []string{`line 1: keys with values are expected, beginning with "config:"`}},
		"two documents": {
			"config: {}\n---\nconfig: {}\n", []string{"line 2: one document is expected; take the line --- away"},
		},
		"a tab": {"config:\n\tregion: a\n", []string{"line 2: found character that cannot start any token"}},
		"an open bracket": {
			"config:\n  emrflink:teams: [a\n", []string{"line 2: did not find expected ',' or ']'"},
		},
		"a key that is a list": {"config:\n  ? [a]\n  : b\n", []string{"line 2: a key is expected, not a list or an object"}},
		"an alias that grows": {
			"config:\n  a: &a [x,x,x,x,x,x,x,x,x]\n  b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n  c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n" +
				"  d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n  e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\n" +
				"  f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n" +
				"  g: [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n",
			[]string{"document contains excessive aliasing"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parseFile("f", []byte(c.text))
			var problem *FileProblem
			require.ErrorAs(t, err, &problem)
			require.Empty(t, cmp.Diff(c.want, problem.Lines))
			require.NotContains(t, strings.ToLower(err.Error()), "json")
			require.Equal(t, "mend the file, then: emrflink config validate f", problem.Hint())
		})
	}
}

func TestAnchorsAndMergedKeysAreRead(t *testing.T) {
	t.Parallel()
	file, err := parseFile("f", []byte(`config:
  emrflink:coreNodes: &n {min: 1, max: 3}
  emrflink:tags: &t {a: "1", b: "2"}
  emrflink:kmsKey: {<<: [*n, *t], min: 2}
`))
	require.NoError(t, err)
	require.Equal(t, map[string]any{"min": 2, "max": 3, "a": "1", "b": "2"}, file.Values["kmsKey"])
}

func TestAValueOfTheCommandLineIsReadAsInAFile(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]any{"1.30": "1.30", "a b": "a b", `"x"`: "x", "": nil} {
		got, err := ReadValue("kubernetesVersion", text)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, text := range []string{"{", "a\nb: c", "a: b"} {
		_, err := ReadValue("name", text)
		require.Error(t, err, text)
	}
}
