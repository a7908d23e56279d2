// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/iostreams"
)

// TestTheStateOfAProjectIsWhereItsFileSays: every command asks in the same order, Pulumi's own ones too.
func TestTheStateOfAProjectIsWhereItsFileSays(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	project := "name: emrflink\nruntime: go\nbackend:\n  url: file://./states\n"
	require.NoError(t, os.WriteFile("Pulumi.yaml", []byte(project), 0o600))
	const saved = "states/.pulumi/stacks/emrflink"
	require.NoError(t, os.MkdirAll(saved, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(saved, "left.json"), []byte("{}"), 0o600))

	ios, _, _, _ := iostreams.Test()
	env := map[string]string{"EMRFLINK_HOME": filepath.Join(dir, "home")}
	ios.SetEnv(func(k string) string { return env[k] })
	f, operations := New(Options{IO: ios, Interrupt: cmdutil.NewInterrupt(), Version: "v1", Command: "test"})
	f.Globals.Stack = "local"
	absolute := "file://" + filepath.ToSlash(dir) + "/states"
	info, err := f.Info()
	require.NoError(t, err)
	require.Equal(t, absolute, info.State)
	all, err := operations.Stacks(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Equal(t, []string{"left", absolute}, []string{all[0].Stack, all[0].State})

	a := &app{io: ios, globals: f.Globals}
	t.Setenv("PULUMI_BACKEND_URL", "")
	require.NoError(t, a.exportState(t.Context()))
	require.Equal(t, absolute, os.Getenv("PULUMI_BACKEND_URL"))

	f.Globals.State = "file://elsewhere?no_tmp_dir=true" // of --state or of the environment
	state, err := a.state()
	require.NoError(t, err)
	require.Equal(t, "file://"+filepath.ToSlash(dir)+"/elsewhere?no_tmp_dir=true", state)

	f.Globals.State = ""
	require.NoError(t, os.WriteFile("Pulumi.yaml", []byte("name: emrflink\nbackend: s3://states\n"), 0o600))
	_, err = operations.Stacks(t.Context())
	require.ErrorContains(t, err, `"backend" is not a map with the key url`)
	require.ErrorContains(t, a.exportState(t.Context()), `"backend" is not a map`)
}
