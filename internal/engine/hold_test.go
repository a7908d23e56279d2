// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"os"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
)

// requireLocked wants that a stack is refused because somebody works on it, and returns who.
func requireLocked(t *testing.T, err error) string {
	t.Helper()
	var f *Failure
	require.ErrorAs(t, err, &f)
	require.Equal(t, CodeLocked, f.Code)
	require.Contains(t, f.Hint, "wait for it")
	require.NotContains(t, f.Hint, "cleanup")
	return f.Message
}

func TestWhoHoldsAStackWorksOnItAndNobodyElse(t *testing.T) {
	t.Parallel()
	f := serveFakeAWS(t)
	mine := Options{
		Home: t.TempDir(), Env: f.env(), Program: chain(pulumi.Map{"size": pulumi.Int(1)}), Hold: &Hold{}, Doing: "cleanup",
	}
	others := mine
	others.Hold, others.Doing = &Hold{}, "deploy"

	require.NoError(t, open(t, mine).Hold(t.Context(), nil), "a stack that was never deployed can be held")
	require.NoError(t, open(t, mine).Hold(t.Context(), nil), "by one command it is held once")
	require.Contains(t, requireLocked(t, open(t, others).Hold(t.Context(), nil)), "cleanup by ")
	by, err := open(t, others).LockedBy(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, by)
	_, err = open(t, mine).Deploy(t.Context(), nil)
	require.NoError(t, err)
	requireLocked(t, open(t, others).Ready(t.Context(), nil))
	_, err = open(t, others).Destroy(t.Context(), nil)
	requireLocked(t, err)
	require.NoError(t, open(t, mine).Ready(t.Context(), nil))

	mine.Hold.Release()
	mine.Hold.Release()
	by, err = open(t, mine).LockedBy(t.Context())
	require.NoError(t, err)
	require.Empty(t, by)
	require.NoError(t, open(t, others).Hold(t.Context(), nil))
	require.Equal(t, []string{"local"}, Claimed(mine.Home, ""))
}

func TestALockOfTheEngineIsRespectedByWhoWantsToHold(t *testing.T) {
	t.Parallel()
	o := Options{Home: t.TempDir(), Program: chain(nil), Hold: &Hold{}}
	lockBy(t, o.Home, "elsewhere", 1)
	require.Contains(t, requireLocked(t, open(t, o).Hold(t.Context(), nil)), "elsewhere")
	release, err := open(t, o).claim(1)
	require.NoError(t, err, "who was refused holds nothing")
	release()
}

func TestAStateInABucketIsHeldByNobodyThatTheBucketKnows(t *testing.T) {
	t.Parallel()
	f := serveFakeAWS(t)
	folder := t.TempDir()
	o := Options{Home: t.TempDir(), BackendURL: "file://" + folder, Env: f.env(), Program: chain(nil), Hold: &Hold{}}
	e := open(t, o)
	_, err := e.Deploy(t.Context(), nil)
	require.NoError(t, err)
	e.files = nil // a bucket
	require.NoError(t, e.Hold(t.Context(), nil))
	host, err := os.Hostname()
	require.NoError(t, err)
	locks := fileState{root: folder, project: "emrflink", stack: "local"}.books("locks", "organization", "emrflink", "local")
	require.NoError(t, os.MkdirAll(locks, 0o700))
	put(t, lockContentOf(goneProcess, host), locks+"/a.json")
	require.NoError(t, e.Hold(t.Context(), nil), "its owner is gone")
	put(t, lockContentOf(1, "elsewhere"), locks+"/b.json")
	require.Contains(t, requireLocked(t, e.Hold(t.Context(), nil)), "elsewhere")
	requireLocked(t, e.Ready(t.Context(), nil))
}
