// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"emrflink/internal/plans"
)

// direct runs a subcommand as a person would: nothing in the environment but the state directory.
func direct(t *testing.T, home string, args ...string) (string, error) {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(exe, append([]string{"pulumi"}, args...)...)
	cmd.Dir = t.TempDir()
	cmd.Env = []string{"EMRFLINK_HOME=" + home, "HOME=" + cmd.Dir}
	out, err := cmd.Output()
	return string(out), err
}

func TestPulumisOwnCommandsWorkOnTheSameState(t *testing.T) {
	t.Parallel()
	f := serveFakeAWS(t)
	home := t.TempDir()
	version, err := direct(t, home, "version")
	require.NoError(t, err)
	require.Equal(t, "v3.255.0\n", version)
	_, err = open(t, Options{Home: home, Env: f.env(), Program: chain(pulumi.Map{"size": pulumi.Int(1)})}).
		Deploy(t.Context(), nil)
	require.NoError(t, err)

	raw, err := direct(t, home, "stack", "export")
	require.NoError(t, err)
	var state struct {
		Deployment struct{ Resources []any }
	}
	require.NoError(t, json.Unmarshal([]byte(raw), &state))
	require.Len(t, state.Deployment.Resources, 4)
	_, err = direct(t, home, "stack", "export", "--file", "exported.json")
	require.NoError(t, err)
	require.NoFileExists(t, filepath.Join(home, "work", "local", "exported.json"), "a file is one of the user's folder")
	token, err := direct(t, home, "stack", "output", "token", "--show-secrets", "--stack", "local")
	require.NoError(t, err)
	require.Equal(t, "swordfish\n", token)
	_, err = direct(t, home, "stack", "export", "--stack", "nobody")
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	require.NotZero(t, exit.ExitCode())
}

func TestAnyOtherBackendIsReadThroughTheEngine(t *testing.T) {
	t.Parallel()
	f := serveFakeAWS(t)
	home := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(home, "elsewhere"), 0o700))
	env := f.env()
	env[passphraseVar] = "of the team"
	e := openWithPassphrase(t, Options{
		Home: home, BackendURL: "file://" + filepath.Join(home, "elsewhere"), Env: env, Program: chain(nil),
	})
	require.NotNil(t, e.files)
	e.files = nil // from here on the backend is what an S3 bucket is: something that only the engine can read
	exists, err := e.Exists(t.Context())
	require.NoError(t, err)
	require.False(t, exists)
	_, err = e.Outputs(t.Context())
	require.ErrorIs(t, err, ErrNoStack)
	res, err := e.Deploy(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, plans.Output{Value: "swordfish", Secret: true}, res.Outputs["token"])
	plan, err := e.Preview(t.Context())
	require.NoError(t, err)
	require.Equal(t, plans.Summary{Same: 4}, plan.Summary)
	require.NoError(t, e.Ready(t.Context(), nil))

	// Another machine has neither the passphrase nor our copy of the stack file.
	o := e.opts
	o.Home, o.Env = t.TempDir(), f.env()
	other := openWithPassphrase(t, o)
	other.files = nil
	require.ErrorContains(t, other.Ready(t.Context(), nil), CodeNoPassphrase)
	require.NoFileExists(t, filepath.Join(o.Home, "passphrase"))

	_, err = e.Destroy(t.Context(), nil)
	require.NoError(t, err)
	require.NoError(t, e.Remove(t.Context()))
}
