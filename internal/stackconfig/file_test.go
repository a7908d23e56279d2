// SPDX-License-Identifier: Apache-2.0

package stackconfig

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/stretchr/testify/require"

	"emrflink/internal/exitcode"
	"emrflink/stacks"
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
			"config:\n  emrflink:region: eu-west-1\n  emrflink:teams: [a, b]\n  aws:maxRetries: 9\nencryptionsalt: v1\n",
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

// What Pulumi.yaml has for all stacks holds as it does for Pulumi's own commands.
func TestTheProjectFileHoldsForEveryStack(t *testing.T) {
	t.Parallel()
	const name, keys = "name: emrflink\nruntime: go\n", "name: emrflink\nruntime: go\nconfig:\n  emrflink:"
	for about, c := range map[string]struct {
		project string
		differs map[string]any
		says    string
	}{
		"a default": {
			keys + "region: {type: string, default: eu-west-1}\n", map[string]any{"emrflink:region": "eu-west-1"}, "",
		},
		"the value itself, and a bare key": {
			name + "config:\n  kubernetesVersion: 1.34\n", map[string]any{"emrflink:kubernetesVersion": "1.34"}, "",
		},
		"a list":                 {keys + "teams: [a]\n", map[string]any{"emrflink:teams": []any{"a"}}, ""},
		"what the tool has too":  {keys + "region: us-west-2\n", map[string]any{}, ""},
		"what the stack sets":    {keys + "name: {default: all}\n", map[string]any{}, ""},
		"a setting of providers": {name + "config:\n  aws:retryMode: {value: dev}\n", map[string]any{"aws:retryMode": "dev"}, ""},
		"another identity": {
			name + "config:\n  aws:profile: {value: dev}\n", nil, `line 4: only the providers would honour "aws:profile"`,
		},
		"a key without a value":  {keys + "region: {type: string}\n", map[string]any{}, ""},
		"no settings":            {name + "config:\n", map[string]any{}, ""},
		"another project":        {"name: other\nconfig:\n  emrflink:region: {default: eu-west-1}\n", map[string]any{}, ""},
		"no file":                {"", map[string]any{}, ""},
		"an unknown key":         {keys + "regoin: x\n", nil, `Pulumi.yaml: emrflink:regoin = "x": unknown key`},
		"a wrong value":          {keys + "region: {default: mars}\n", nil, `Pulumi.yaml: emrflink:region = "mars"`},
		"a secret":               {keys + "region: {secret: true}\n", nil, "line 4: emrflink:region cannot be secret"},
		"another folder":         {name + "stackConfigDir: cfg\n", nil, `line 3: "stackConfigDir" moves the stack files`},
		"another folder by text": {name + "config: cfg\n", nil, `line 3: "config" moves the stack files`},
		"a list of settings":     {name + "config: [a]\n", nil, `line 3: "config" is not a map`},
		"a key twice":            {keys + "name: a\n  emrflink:name: b\n", nil, "is set twice"},
		"no YAML":                {"name: [\n", nil, "line 2"},
	} {
		t.Run(about, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if c.project != "" {
				require.NoError(t, os.WriteFile(filepath.Join(dir, ProjectFile), []byte(c.project), 0o600))
			}
			require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.dev.yaml"), []byte("config: {name: mine}\n"), 0o600))
			file, err := ReadFile(dir, "dev", "")
			config := stacks.Config{}
			if err == nil {
				config, err = file.Parse()
			}
			if c.says != "" {
				requireUsage(t, err)
				require.ErrorContains(t, err, c.says)
				return
			}
			require.NoError(t, err)
			require.Equal(t, "mine", config.Name)
			require.Equal(t, c.differs, file.Differing(config))
		})
	}
}

// Every setting of the AWS provider either has a meaning for the providers alone, or is refused with what the whole tool honours.
func TestAProviderSettingThatTheToolWouldNotHonourIsRefused(t *testing.T) {
	t.Parallel()
	alone := strings.Fields(`allowedAccountIds defaultTags forbiddenAccountIds ignoreTags maxRetries region retryMode
		s3UsEast1RegionalEndpoint s3UsePathStyle skipCredentialsValidation skipMetadataApiCheck skipRegionValidation
		skipRequestingAccountId stsRegion tokenBucketRateLimiterCapacity`)
	dir, args := t.TempDir(), reflect.TypeFor[aws.ProviderArgs]()
	path := filepath.Join(dir, "Pulumi.dev.yaml")
	for i := range args.NumField() {
		// The type of the arguments has no tags; a provider's settings are its fields in camel case.
		name := strings.ToLower(args.Field(i).Name[:1]) + args.Field(i).Name[1:]
		require.NoError(t, os.WriteFile(path, []byte("config:\n  aws:"+name+": s3cret\n"), 0o600))
		_, err := ReadFile(dir, "dev", "")
		if slices.Contains(alone, name) {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorContains(t, err, `only the providers would honour "aws:`+name+`"`)
		require.ErrorContains(t, err, "instead, ")
		require.NotContains(t, err.Error(), "s3cret")
	}
	require.NoError(t, os.WriteFile(path, []byte("config:\n  aws:assumeRole.roleArn: x\n"), 0o600))
	_, err := ReadFile(dir, "dev", "")
	require.ErrorContains(t, err, "export AWS_PROFILE=NAME")
}

func TestTheProjectFileSaysWhereStatesAre(t *testing.T) {
	t.Parallel()
	const name = "name: emrflink\nruntime: go\n"
	for about, c := range map[string]struct{ project, url, says string }{
		"a bucket":             {name + "backend:\n  url: s3://states?region=eu-west-1\n", "s3://states?region=eu-west-1", ""},
		"a folder":             {name + "backend: {url: \"file://./states\"}\n", "file://./states", ""},
		"an anchor":            {name + "x: &b {url: s3://a}\nbackend: *b\n", "s3://a", ""},
		"nothing about it":     {name, "", ""},
		"an empty one":         {name + "backend:\n", "", ""},
		"another project":      {"name: other\nbackend: {url: s3://states}\n", "", ""},
		"no file":              {"", "", ""},
		"text":                 {name + "backend: s3://states\n", "", `line 3: "backend" is not a map with the key url`},
		"another key":          {name + "backend: {uri: s3://a}\n", "", `line 3: unknown key "uri" in "backend"`},
		"no text":              {name + "backend:\n  url: [a]\n", "", `line 4: the url of "backend" is not text`},
		"an empty text":        {name + "backend:\n  url: \"\"\n", "", `line 4: the url of "backend" is not text`},
		"what is no YAML":      {"name: [\n", "", "line 2"},
		"twice":                {name + "backend: {url: a, url: b}\n", "", "is set twice"},
		"with wrong settings":  {name + "config: {region: 1}\nbackend: {url: s3://a}\n", "s3://a", ""},
		"with unknown entries": {name + "plugins: {}\nbackend: {url: s3://a}\n", "s3://a", ""},
	} {
		t.Run(about, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if c.project != "" {
				require.NoError(t, os.WriteFile(filepath.Join(dir, ProjectFile), []byte(c.project), 0o600))
			}
			url, err := Backend(dir)
			if c.says != "" {
				requireUsage(t, err)
				require.ErrorContains(t, err, c.says)
				_, err = ReadFile(dir, "local", "")
				require.ErrorContains(t, err, c.says, "and where the settings are read")
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.url, url)
		})
	}
}
