// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdtest"
	"emrflink/internal/cli/cmdutil"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args           []string
		file           cmdutil.SettingsFile
		err            error
		asked          string
		stdout, stderr string
	}{
		"the file of the stack": {nil, cmdutil.SettingsFile{Path: "Pulumi.dev.yaml"}, nil, "",
			"Pulumi.dev.yaml: the settings are valid\n", ""},
		"a stack without a file": {nil, cmdutil.SettingsFile{Stack: "local"}, nil, "",
			"stack local has no file and takes the defaults: the settings are valid\n", ""},
		"a file, with a hint": {[]string{"f"}, cmdutil.SettingsFile{Path: "f", Hints: []string{"line 3: quotes"}}, nil, "f",
			"f: the settings are valid\n", "hint: f: line 3: quotes\n"},
		"a wrong one": {[]string{"f"}, cmdutil.SettingsFile{}, errors.New("no"), "f", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := cmdtest.New(t)
			asked := ""
			r.Factory.Reference.Read = func(file string) (cmdutil.SettingsFile, error) {
				asked = file
				return c.file, c.err
			}
			require.ErrorIs(t, r.Exec(t, NewValidateCmd(r.Factory, nil), c.args...), c.err)
			require.Equal(t, c.asked, asked)
			require.Equal(t, c.stdout, r.Out.String())
			require.Equal(t, c.stderr, r.Err.String())
		})
	}
}

func TestValidateAsJSONHasTheAgreedFields(t *testing.T) {
	t.Parallel()
	r := cmdtest.New(t)
	r.Factory.Reference.Read = func(string) (cmdutil.SettingsFile, error) { return cmdutil.SettingsFile{}, nil }
	require.NoError(t, r.Exec(t, NewValidateCmd(r.Factory, nil), "--output", "json"))
	cmdtest.Fields(t, r.Out.Bytes(), "schemaVersion", "stack", "file", "hints")
}

func TestSchemaIsPrinted(t *testing.T) {
	t.Parallel()
	r := cmdtest.New(t)
	r.Factory.Reference.Schema = func() map[string]any { return map[string]any{"type": "object"} }
	require.NoError(t, r.Exec(t, NewSchemaCmd(r.Factory, nil)))
	require.JSONEq(t, `{"type": "object"}`, r.Out.String())
}
