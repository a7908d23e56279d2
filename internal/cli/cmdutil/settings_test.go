// SPDX-License-Identifier: Apache-2.0

package cmdutil_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/iostreams"
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
			got, err := cmdutil.ReadStackFile(dir, "dev", "")
			if c.says == nil {
				require.NoError(t, err)
				require.Empty(t, cmp.Diff(c.values, got.Values))
				require.Equal(t, filepath.Join(dir, "Pulumi.dev.yaml"), got.Path)
				return
			}
			require.Equal(t, 2, cmdutil.ExitCode(t.Context(), err))
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
	got, err := cmdutil.ReadStackFile(dir, "local", "")
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(cmdutil.StackFile{Values: map[string]any{}}, got))

	_, err = cmdutil.ReadStackFile(dir, "prod", "")
	r := cmdutil.Describe(err)
	require.Equal(t, `no such stack "prod"`, r.Error)
	require.Contains(t, r.Cause, "the stacks here are dev, local")
	require.Equal(t, 2, r.Exit)

	_, err = cmdutil.ReadStackFile(dir, "local", filepath.Join(dir, "missing.yaml"))
	require.Equal(t, 2, cmdutil.ExitCode(t.Context(), err))
}

func TestTheLogFileIsMadeByTheFirstRecord(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	ios, _, out, errOut := iostreams.Test()
	l := cmdutil.NewLog(cmdutil.LogOptions{IO: ios, Home: home, Command: "sample-job run", Now: time.Unix(0, 0)})
	require.Empty(t, l.Path())
	require.NoDirExists(t, filepath.Join(home, "logs"))
	l.With("stack", "local").Debug("opened")
	l.Warn("clock is off", "by", "3 minutes")
	require.Contains(t, l.Path(), "19700101T000000Z-sample-job-run-")
	raw, err := os.ReadFile(l.Path())
	require.NoError(t, err)
	info, err := os.Stat(l.Path())
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.NoError(t, l.Close())
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	require.Len(t, lines, 2)
	var first struct{ Level, Msg, Stack string }
	require.NoError(t, json.Unmarshal([]byte(lines[0]), &first))
	require.Equal(t, "DEBUG opened local", first.Level+" "+first.Msg+" "+first.Stack)
	require.Equal(t, "warning: clock is off by=\"3 minutes\"\n", errOut.String())
	require.Empty(t, out.String())
}

func TestAFolderThatCannotBeWrittenCostsOnlyTheLog(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	ios, _, _, errOut := iostreams.Test()
	l := cmdutil.NewLog(cmdutil.LogOptions{IO: ios, Home: file, Command: "x", Now: time.Unix(0, 0), Quiet: true})
	l.Error("lost")
	require.Empty(t, l.Path())
	require.NoError(t, l.Close())
	require.Empty(t, errOut.String())
}

func TestOldLogsGo(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	ios, _, _, _ := iostreams.Test()
	for i := range 50 {
		l := cmdutil.NewLog(cmdutil.LogOptions{IO: ios, Home: home, Command: "x", Now: time.Unix(int64(i), 0)})
		l.Info("x")
		require.NoError(t, l.Close())
	}
	files, err := filepath.Glob(filepath.Join(home, "logs", "*.jsonl"))
	require.NoError(t, err)
	require.Len(t, files, 40)
	require.Contains(t, files[39], "000049Z")
}
