// SPDX-License-Identifier: Apache-2.0

package initcmd

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdtest"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/stackconfig"
	"emrflink/stacks/setting"
)

func keys() []setting.Key {
	return []setting.Key{
		{Name: "target", Type: "local|aws", Default: "local", Doc: "where to deploy"},
		{Name: "region", Type: "string", Default: "us-west-2", Doc: "AWS region"},
		{Name: "tags", Type: "map", Doc: "more tags", Example: "{team: data}"},
	}
}

func setup(t *testing.T) (*cmdtest.Run, *Options) {
	t.Helper()
	r := cmdtest.New(t)
	return r, &Options{
		IO: r.Factory.IO, Globals: &cmdutil.Globals{Stack: "dev"}, Keys: keys, Dir: t.TempDir(),
		Value: stackconfig.ReadValue, Check: func(string, map[string]any) error { return nil },
	}
}

func TestTheFileIsWrittenAndReadBack(t *testing.T) {
	t.Parallel()
	r, opts := setup(t)
	opts.Target, opts.Set = "aws", []string{"emrflink:region=eu-west-1", "teams=[a, b]"}
	require.NoError(t, run(opts))
	path := filepath.Join(opts.Dir, "Pulumi.dev.yaml")
	require.Equal(t, path+" is written; next: emrflink preview --stack dev\n", r.Out.String())
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(`# Settings of the stack "dev". A key without a line takes its default.
config:
  emrflink:region: eu-west-1
  emrflink:target: aws
  emrflink:teams:
  - a
  - b

  # more tags (map)
  # emrflink:tags: {team: data}
`, string(raw)))
	file, err := stackconfig.ReadFile(opts.Dir, "dev", "")
	require.NoError(t, err)
	require.Equal(t, map[string]any{"region": "eu-west-1", "target": "aws", "teams": []any{"a", "b"}}, file.Values)
}

func TestAFileWithoutSettingsIsValid(t *testing.T) {
	t.Parallel()
	_, opts := setup(t)
	require.NoError(t, run(opts))
	file, err := stackconfig.ReadFile(opts.Dir, "dev", "")
	require.NoError(t, err)
	require.Empty(t, file.Values)
}

func TestTheFileNamesTheSchemaOfItsFolder(t *testing.T) {
	t.Parallel()
	_, opts := setup(t)
	require.NoError(t, os.Mkdir(filepath.Join(opts.Dir, "docs"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(opts.Dir, "docs", "schema.json"), nil, 0o600))
	require.NoError(t, run(opts))
	raw, err := os.ReadFile(filepath.Join(opts.Dir, "Pulumi.dev.yaml"))
	require.NoError(t, err)
	require.Contains(t, string(raw), "# yaml-language-server: $schema=docs/schema.json\n# Settings of the stack \"dev\".")
}

func TestAnExistingFileIsLeftAlone(t *testing.T) {
	t.Parallel()
	_, opts := setup(t)
	path := filepath.Join(opts.Dir, "Pulumi.dev.yaml")
	require.NoError(t, os.WriteFile(path, []byte("mine"), 0o600))
	require.Equal(t, 2, cmdtest.Code(run(opts)))
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "mine", string(raw))
}

func TestWrongSettingsWriteNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		set   []string
		check error
		says  string
	}{
		"no value":        {[]string{"region"}, nil, `--set "region": want KEY=VALUE`},
		"given twice":     {[]string{"a=1", "a=2"}, nil, "--set a: given twice"},
		"no YAML":         {[]string{"a={"}, nil, `--set "a={"`},
		"refused by name": {[]string{"a=1"}, &cmdutil.UsageError{Err: errors.New("unknown key a")}, "unknown key a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, opts := setup(t)
			opts.Set = c.set
			opts.Check = func(string, map[string]any) error { return c.check }
			err := run(opts)
			require.ErrorContains(t, err, c.says)
			require.Equal(t, 2, cmdtest.Code(err))
			require.Empty(t, r.Out.String())
			files, err := os.ReadDir(opts.Dir)
			require.NoError(t, err)
			require.Empty(t, files)
		})
	}
}
