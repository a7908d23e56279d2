// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// deployed is a stack with the things a and b, and the options that open it again.
func deployed(t *testing.T) (*fakeAWS, Options) {
	t.Helper()
	return deployedBy(t, open)
}

// deployedBy is a deployed stack that was opened in one of two ways: open or openWithPassphrase.
func deployedBy(t *testing.T, open func(*testing.T, Options) *Engine) (*fakeAWS, Options) {
	t.Helper()
	f := serveFakeAWS(t)
	o := Options{Home: t.TempDir(), Env: f.env(), Program: chain(nil)}
	_, err := open(t, o).Deploy(t.Context(), nil)
	require.NoError(t, err)
	return f, o
}

// lockBy writes the lock of a process of a host.
func lockBy(t *testing.T, home, host string, pid int) string {
	t.Helper()
	lock := filepath.Join(home, "backend", ".pulumi", "locks", "organization", "emrflink", "local", "0.json")
	require.NoError(t, os.MkdirAll(filepath.Dir(lock), 0o700))
	require.NoError(t, os.WriteFile(lock, fmt.Appendf(nil, `{"pid":%d,"username":"ann","hostname":%q,"timestamp":%q}`,
		pid, host, time.Now().Add(-time.Hour).Format(time.RFC3339)), 0o600))
	return lock
}

// everything is the content of each file below a folder.
func everything(t *testing.T, folder string) map[string]string {
	t.Helper()
	found := map[string]string{}
	require.NoError(t, filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		found[strings.TrimPrefix(path, folder)] = string(raw)
		return err
	}))
	return found
}

func TestReadyTellsWhetherAnOperationCouldStartAndChangesNothing(t *testing.T) {
	t.Parallel()
	host, err := os.Hostname()
	require.NoError(t, err)
	for name, c := range map[string]struct {
		break_ func(t *testing.T, o *Options)
		code   string
		says   []string
	}{
		"everything is in order": {func(*testing.T, *Options) {}, "", nil},
		"another run works on it": {func(t *testing.T, o *Options) { lockBy(t, o.Home, "elsewhere", 1) }, CodeLocked,
			[]string{"ann on elsewhere, pid 1"}},
		"the run that worked on it is gone": {func(t *testing.T, o *Options) { lockBy(t, o.Home, host, 1<<22+1) }, "", nil},
		"the passphrase is another one": {func(_ *testing.T, o *Options) { o.Env[passphraseVar] = "another one" }, CodePassphrase,
			[]string{"incorrect passphrase", `stack "local"`}},
		"the passphrase in a file is another one": {func(t *testing.T, o *Options) {
			o.Env[passphraseFileVar] = filepath.Join(t.TempDir(), "phrase")
			require.NoError(t, os.WriteFile(o.Env[passphraseFileVar], []byte("another one\n"), 0o600))
		}, CodePassphrase, []string{"incorrect passphrase"}},
		"the file with the passphrase is not there": {func(_ *testing.T, o *Options) { o.Env[passphraseFileVar] = "/not/there" },
			CodePassphrase, []string{"/not/there"}},
		"the passphrase is lost": {func(t *testing.T, o *Options) {
			require.NoError(t, os.Remove(filepath.Join(o.Home, "passphrase")))
		}, CodePassphrase, []string{"there is no file ", "nothing was changed"}},
		"the state cannot be read": {func(t *testing.T, o *Options) {
			replace(t, filepath.Join(o.Home, "backend/.pulumi/stacks/emrflink/local.json"), "{")
		}, CodeStateCorrupt, []string{"local.json"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, o := deployedBy(t, openWithPassphrase)
			c.break_(t, &o)
			before := everything(t, o.Home)
			err := openWithPassphrase(t, o).Ready(t.Context(), nil)
			require.Equal(t, before, everything(t, o.Home))
			require.Equal(t, []string{"create a", "create b"}, f.called())
			if c.code == "" {
				require.NoError(t, err)
				return
			}
			var failure *Failure
			require.ErrorAs(t, err, &failure)
			require.Equal(t, c.code, failure.Code)
			require.NotEmpty(t, failure.Hint)
			for _, words := range c.says {
				require.Contains(t, failure.Message, words)
			}
		})
	}
}

func TestReadyOfAStackThatWasNeverDeployed(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	require.NoError(t, open(t, Options{Home: home, Program: chain(nil)}).Ready(t.Context(), nil))
	require.Empty(t, everything(t, home))
}

func TestALostPassphraseIsNotReplacedInSilence(t *testing.T) {
	t.Parallel()
	_, o := deployedBy(t, openWithPassphrase)
	path := filepath.Join(o.Home, "passphrase")
	require.NoError(t, os.Remove(path))
	require.NoError(t, os.RemoveAll(filepath.Join(o.Home, "work")))
	_, deployErr := openWithPassphrase(t, o).Deploy(t.Context(), nil)
	_, destroyErr := openWithPassphrase(t, o).Destroy(t.Context(), nil)
	_, previewErr := openWithPassphrase(t, o).Preview(t.Context())
	for _, err := range []error{deployErr, destroyErr, previewErr} {
		var failure *Failure
		require.ErrorAs(t, err, &failure)
		require.Equal(t, CodePassphrase, failure.Code)
		require.Contains(t, failure.Message, path)
		require.Contains(t, failure.Hint, passphraseVar)
	}
	require.NoFileExists(t, path)
}

func TestAStateThatCannotBeLookedAtIsNotOneThatThereIsNot(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	e := open(t, Options{Home: t.TempDir(), BackendURL: "file://" + filepath.Join(file, "state"), Program: chain(nil)})
	_, err := e.Resources(t.Context())
	var failure *Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, CodeStateHidden, failure.Code)
	require.Equal(t, 2, failure.ExitCode())
	require.NotErrorIs(t, err, ErrNoStack)
	require.Equal(t, 3, fileState{}.hidden("x", os.ErrPermission).ExitCode())
}

func TestALostPassphraseOfAnotherStackIsNotReplacedEither(t *testing.T) {
	t.Parallel()
	_, o := deployedBy(t, openWithPassphrase)
	path := filepath.Join(o.Home, "passphrase")
	require.NoError(t, os.Remove(path))
	o.Stack = "second"
	_, err := openWithPassphrase(t, o).Deploy(t.Context(), nil)
	var failure *Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, CodePassphrase, failure.Code)
	require.Contains(t, failure.Message, `the passphrase of stack "local" is gone`)
	require.NoFileExists(t, path)
}
