// SPDX-License-Identifier: Apache-2.0

package stackconfig

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"emrflink/internal/exitcode"
)

func requireUsage(t *testing.T, err error) {
	t.Helper()
	var code interface{ ExitCode() int }
	require.ErrorAs(t, err, &code)
	require.Equal(t, exitcode.Usage, code.ExitCode())
}

func TestStackFile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text   string
		values map[string]any
		says   []string
	}{
		"settings lose their namespace": {
			"config:\n  emrflink:region: eu-west-1\n  emrflink:teams: [a, b]\n  aws:profile: x\nencryptionsalt: v1\n",
			map[string]any{"region": "eu-west-1", "teams": []any{"a", "b"}}, nil},
		"a bare key is the project's": {"config:\n  region: eu-west-1\n", map[string]any{"region": "eu-west-1"}, nil},
		"an empty file":               {"", map[string]any{}, nil},
		"no settings":                 {"config: {}\n", map[string]any{}, nil},
		"an unknown top-level key":    {"region: x\n", nil, []string{`unknown key "region" at the top`}},
		"an unknown namespace": {
			"config:\n  emrflnk:region: x\n", nil,
			[]string{`unknown namespace in "emrflnk:region"; did you mean emrflink:region?`},
		},
		"all problems at once": {
			"x: 1\nconfig:\n  y:z: 1\n  region: a\n  emrflink:region: b\n", nil,
			[]string{`"x"`, `"y:z"`, "emrflink:region is set twice"},
		},
		"config is no map": {"config: [a]\n", nil, []string{"not a map"}},
		"no YAML":          {"config: {\n", nil, []string{"yaml"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.dev.yaml"), []byte(c.text), 0o600))
			got, err := ReadFile(dir, "dev", "")
			if c.says == nil {
				require.NoError(t, err)
				require.Empty(t, cmp.Diff(c.values, got.Values))
				require.Equal(t, filepath.Join(dir, "Pulumi.dev.yaml"), got.Path)
				return
			}
			requireUsage(t, err)
			for _, s := range c.says {
				require.ErrorContains(t, err, s)
			}
		})
	}
}

func TestOnlyTheDefaultStackNeedsNoFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, f := range []string{"Pulumi.dev.yaml", "Pulumi.dev.example.yaml", "Pulumi.yaml"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, f), nil, 0o600))
	}
	got, err := ReadFile(dir, "local", "")
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(File{Values: map[string]any{}}, got))

	_, err = ReadFile(dir, "prod", "")
	require.ErrorContains(t, err, `no such stack "prod": there is no file Pulumi.prod.yaml`)
	require.ErrorContains(t, err, "the stacks here are dev, local")
	requireUsage(t, err)
	var next interface{ Hint() string }
	require.ErrorAs(t, err, &next)
	require.Equal(t, "emrflink init --stack prod", next.Hint())

	_, err = ReadFile(dir, "local", filepath.Join(dir, "missing.yaml"))
	requireUsage(t, err)
}
