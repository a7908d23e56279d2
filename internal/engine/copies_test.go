// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// losses are ways to lose a state of which there are copies.
var losses = map[string]func(t *testing.T, path string){
	"the file is gone":  func(t *testing.T, path string) { require.NoError(t, os.Remove(path)) },
	"the file is empty": func(t *testing.T, path string) { replace(t, path, "") },
	"an empty stack was made in its place": func(t *testing.T, path string) {
		replace(t, path, `{"version":3,"checkpoint":{"stack":"organization/emrflink/local"}}`)
	},
	"half of it is left": func(t *testing.T, path string) {
		raw, err := os.ReadFile(path)
		require.NoError(t, err)
		replace(t, path, string(raw[:len(raw)/2]))
	},
}

func TestAStateThatWasLostIsNotTakenForAStackThatWasNeverDeployed(t *testing.T) {
	t.Parallel()
	for name, lose := range losses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, o := deployed(t)
			path, _ := open(t, o).files.path()
			whole, err := os.ReadFile(path)
			require.NoError(t, err)
			lose(t, path)

			e := open(t, o)
			_, resources := e.Resources(t.Context())
			_, outputs := e.Outputs(t.Context())
			_, deploy := e.Deploy(t.Context(), nil)
			_, destroy := e.Destroy(t.Context(), nil)
			_, preview := e.Preview(t.Context())
			_, drift := e.Observe(t.Context())
			for i, err := range []error{
				resources, outputs, deploy, destroy, preview, drift, e.Check(), e.Ready(t.Context(), nil), e.Remove(t.Context()),
			} {
				require.NotErrorIs(t, err, ErrNoStack)
				var failure *Failure
				require.ErrorAs(t, err, &failure, i)
				require.Contains(t, []string{CodeStateLost, CodeStateCorrupt}, failure.Code)
				require.Equal(t, 2, failure.ExitCode())
				require.Contains(t, failure.Message, path)
				require.Contains(t, failure.Hint, "emrflink state restore --stack local")
			}
			require.Equal(t, []string{"create a", "create b"}, f.called(), "nothing was done without it")

			copies, err := e.Copies(t.Context())
			require.NoError(t, err)
			require.NotEmpty(t, copies)
			taken, err := e.Restore(t.Context(), "")
			require.NoError(t, err)
			require.Equal(t, copies[0], taken)
			require.Equal(t, 2, taken.Resources)
			after, err := os.ReadFile(path)
			require.NoError(t, err)
			require.JSONEq(t, string(whole), string(after))
			_, err = e.Destroy(t.Context(), nil)
			require.NoError(t, err)
			require.Empty(t, f.names())
			require.NoError(t, e.Remove(t.Context()))
			_, err = e.Resources(t.Context())
			require.ErrorIs(t, err, ErrNoStack)
		})
	}
}

func TestAStateThatWasLostWithAllItsCopies(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(t *testing.T, o Options){
		"gone": func(t *testing.T, o Options) {
			require.NoError(t, os.RemoveAll(filepath.Join(o.Home, "backend")))
		},
		"not readable": func(t *testing.T, o Options) {
			files := openWithPassphrase(t, o).files
			for _, copy := range files.copies() {
				replace(t, copy.Path, "{")
			}
			path, _ := files.path()
			replace(t, path, "{")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, o := deployedBy(t, openWithPassphrase)
			lose(t, o)
			e := openWithPassphrase(t, o)
			_, resources := e.Resources(t.Context())
			_, deploy := e.Deploy(t.Context(), nil)
			_, restore := e.Restore(t.Context(), "")
			for i, err := range []error{resources, deploy, restore, e.Remove(t.Context())} {
				var failure *Failure
				require.ErrorAs(t, err, &failure, i)
				require.Contains(t, failure.Hint, "emrflink cleanup --from-tags --stack local")
			}
			// Who has looked in the account and found nothing is rid of it.
			require.NoError(t, e.Forget(t.Context()))
			_, err := e.Resources(t.Context())
			require.ErrorIs(t, err, ErrNoStack)
		})
	}
}

func TestWhatIsNoLoss(t *testing.T) {
	t.Parallel()
	f, o := deployed(t)
	e := open(t, o)
	_, err := e.Destroy(t.Context(), nil)
	require.NoError(t, err)
	path, _ := e.files.path()
	require.NoError(t, os.Remove(path))
	require.NoError(t, os.RemoveAll(e.workDir()))
	require.NotEmpty(t, e.files.copies())
	_, err = e.Resources(t.Context())
	require.ErrorIs(t, err, ErrNoStack, "nothing was deployed when it was saved last")
	_, err = e.Deploy(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, f.names())
	taken, err := e.Restore(t.Context(), "")
	require.NoError(t, err)
	require.Empty(t, taken, "the state is whole")
}

func TestACopyThatIsNamedIsPutInPlaceAndTheStateKept(t *testing.T) {
	t.Parallel()
	_, o := deployed(t)
	e := open(t, o)
	path, _ := e.files.path()
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	bak := path + ".bak"
	for name, content := range map[string]string{
		"not.json": "{", "no-state.json": `{"version":1}`,
		"other.json": `{"version":3,"checkpoint":{"latest":{"resources":[{"urn":"urn:pulumi:other::emrflink::a:b:c::d"}]}}}`,
	} {
		var failure *Failure
		_, err := e.Restore(t.Context(), put(t, content, t.TempDir(), name))
		require.ErrorAs(t, err, &failure, name)
		require.Equal(t, CodeConfig, failure.Code)
		require.Contains(t, failure.Message, name)
	}
	lock := lockBy(t, o.Home, "elsewhere", 1)
	_, err = e.Restore(t.Context(), bak)
	require.ErrorContains(t, err, CodeLocked)
	require.NoError(t, os.Remove(lock))

	taken, err := e.Restore(t.Context(), bak)
	require.NoError(t, err)
	require.Equal(t, bak, taken.Path)
	after, errA := os.ReadFile(path)
	copied, errB := os.ReadFile(bak)
	require.NoError(t, errors.Join(errA, errB))
	require.Equal(t, string(copied), string(after))
	kept := 0
	for _, c := range e.files.copies() {
		raw, err := os.ReadFile(c.Path)
		require.NoError(t, err)
		if string(raw) == string(before) {
			kept++
		}
	}
	require.Positive(t, kept)
}
