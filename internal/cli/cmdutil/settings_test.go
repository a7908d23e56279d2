// SPDX-License-Identifier: Apache-2.0

package cmdutil_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdutil"
	"emrflink/stacks/setting"
)

func env(m map[string]string) func(string) string { return func(k string) string { return m[k] } }

func TestGlobalsComeFromFlagThenVariableThenDefault(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		env  map[string]string
		want cmdutil.Globals
	}{
		"defaults": {nil, nil, cmdutil.Globals{Stack: "local"}},
		"flags": {
			[]string{"--stack", "dev", "--state", "s3://a", "--color", "never"}, nil,
			cmdutil.Globals{Stack: "dev", State: "s3://a", Color: "never", StackNamed: true},
		},
		"variables": {
			nil, map[string]string{
				"EMRFLINK_STACK": "dev", "EMRFLINK_STATE": "s3://b", "EMRFLINK_COLOR": "always", "EMRFLINK_CONFIG_FILE": "x.yaml",
			},
			cmdutil.Globals{Stack: "dev", State: "s3://b", Color: "always", ConfigFile: "x.yaml"},
		},
		"Pulumi's variable": {
			nil, map[string]string{"PULUMI_BACKEND_URL": "s3://c"}, cmdutil.Globals{Stack: "local", State: "s3://c"},
		},
		"ours wins over it": {
			nil, map[string]string{"PULUMI_BACKEND_URL": "s3://c", "EMRFLINK_STATE": "s3://b"},
			cmdutil.Globals{Stack: "local", State: "s3://b"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var g cmdutil.Globals
			apply := func(cmd *cobra.Command, _ []string) error { return g.ApplyEnvironment(cmd.Flags(), env(c.env)) }
			cmd := &cobra.Command{Use: "x", RunE: apply}
			g.Bind(cmd)
			cmd.SetArgs(c.args)
			require.NoError(t, cmd.Execute())
			if g.Color == "auto" {
				g.Color = ""
			}
			require.Empty(t, cmp.Diff(c.want, g))
		})
	}
}

func TestAWrongVariableIsNamed(t *testing.T) {
	t.Parallel()
	var g cmdutil.Globals
	cmd := &cobra.Command{Use: "x"}
	g.Bind(cmd)
	err := g.ApplyEnvironment(cmd.PersistentFlags(), env(map[string]string{"EMRFLINK_COLOR": "pink"}))
	require.ErrorContains(t, err, `EMRFLINK_COLOR="pink": must be one of`)
	require.Equal(t, 2, cmdutil.ExitCode(t.Context(), err))
}

func TestEveryVariableIsInTheHelp(t *testing.T) {
	t.Parallel()
	text := cmdutil.EnvironmentHelp([]setting.Key{{Name: "region", Type: "text", Default: "us-west-2", Doc: "AWS region"}})
	for _, v := range cmdutil.Variables() {
		require.Contains(t, text, v.Name)
		require.Contains(t, text, v.Doc)
	}
	require.Contains(t, text, "  emrflink:region (text)\n      AWS region\n      default: us-west-2\n")
}

func TestHome(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env  map[string]string
		want string
	}{
		"our own variable wins":          {map[string]string{"EMRFLINK_HOME": "/a", "XDG_STATE_HOME": "/b", "HOME": "/c"}, "/a"},
		"then XDG":                       {map[string]string{"XDG_STATE_HOME": "/b", "HOME": "/c"}, "/b/emrflink"},
		"a relative XDG counts as unset": {map[string]string{"XDG_STATE_HOME": "b", "HOME": "/c"}, "/c/.local/state/emrflink"},
		"nothing is an error":            {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := cmdutil.Home(env(c.env))
			require.Equal(t, c.want, got)
			require.Equal(t, c.want == "", err != nil)
		})
	}
}
