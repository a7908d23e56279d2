// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
)

func TestAStateThatOthersUseNeedsAPassphraseThatTheyHave(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	o := Options{Home: home, BackendURL: "s3://states?region=r", Program: chain(nil)}
	deploy := func() (*Failure, error) {
		_, err := openWithPassphrase(t, o).Deploy(t.Context(), nil)
		var failure *Failure
		require.ErrorAs(t, err, &failure)
		return failure, err
	}
	first, deployErr := deploy()
	require.NotContains(t, first.Hint, passphraseFileVar+"=")
	require.NoError(t, os.WriteFile(filepath.Join(home, "passphrase"), []byte("of this machine\n"), 0o600))
	_, previewErr := openWithPassphrase(t, o).Preview(t.Context())
	_, destroyErr := openWithPassphrase(t, o).Destroy(t.Context(), nil)
	_, resourcesErr := openWithPassphrase(t, o).Resources(t.Context())
	for _, err := range []error{deployErr, previewErr, destroyErr, resourcesErr} {
		var failure *Failure
		require.ErrorAs(t, err, &failure)
		require.Equal(t, CodeNoPassphrase, failure.Code)
		require.Equal(t, 2, failure.ExitCode())
		require.Contains(t, failure.Message, `the state of stack "local" is in s3://states, and no passphrase was given`)
		require.Contains(t, failure.Hint, "set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE")
		require.Contains(t, failure.Hint, "awskms://")
	}
	again, _ := deploy()
	require.Contains(t, again.Hint, passphraseFileVar+"="+filepath.Join(home, "passphrase"), "it may be that of the stack")
}

// Whatever region the stack has and whatever a command does, the bucket of the state is looked for in one place.
func TestTheBucketOfAStateIsTheSameForEveryCommand(t *testing.T) {
	t.Parallel()
	for state, want := range map[string]string{
		"s3://states":             "s3://states?region=eu-west-1",
		"s3://states/folder?a=b":  "s3://states/folder?a=b&region=eu-west-1",
		"s3://states?region=here": "s3://states?region=here",
		"file:///tmp/states":      "file:///tmp/states",
	} {
		for _, env := range []map[string]string{nil, {"AWS_REGION": "us-west-2"}} {
			e := open(t, Options{
				Home: t.TempDir(), BackendURL: state, Env: env, BucketRegion: func(context.Context) string { return "eu-west-1" },
			})
			got, _ := envValue(e.environmentOf("x"), backendVar)
			require.Equal(t, withoutAttributes(want), withoutAttributes(got))
		}
	}
	_, err := Open(t.Context(), Options{
		Stack: "local", Home: t.TempDir(), BackendURL: "s3://states", Env: map[string]string{"AWS_ENDPOINT_URL": "http://x"},
	})
	var failure *Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, 2, failure.ExitCode())
	require.Contains(t, failure.Hint, "?endpoint=URL")
}

// Pulumi's own commands say a wrong passphrase at once, too; they have nothing to wait for.
func TestAPersonsCommandWithAWrongPassphraseEnds(t *testing.T) {
	t.Parallel()
	f := serveFakeAWS(t)
	o := Options{Home: t.TempDir(), Env: f.env(), Program: chain(pulumi.Map{"size": pulumi.Int(1)})}
	_, err := openWithPassphrase(t, o).Deploy(t.Context(), nil)
	require.NoError(t, err)
	o.Env = f.env()
	o.Env[passphraseVar] = "another one"
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err = openWithPassphrase(t, o).Direct(ctx, []string{"preview"})
	var failure *Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, CodePassphrase, failure.Code)
	require.Equal(t, 3, failure.ExitCode())
	require.NotContains(t, failure.Message, "\n")
}
