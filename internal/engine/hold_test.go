// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"emrflink/internal/plans"
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
	dead := put(t, lockContentOf(goneProcess, host), locks+"/a.json")
	require.Contains(t, requireLocked(t, e.Hold(t.Context(), nil)), host, "another machine may have this one's name")
	run := put(t, runOf(goneProcess, os.Getpid()), e.runPath(strconv.Itoa(goneProcess)))
	put(t, runOf(goneProcess, os.Getpid()), e.runPath("other-"+strconv.Itoa(goneProcess)))
	require.NoError(t, e.Hold(t.Context(), nil), "its owner was an engine of this machine, and is gone")
	require.FileExists(t, dead, "a look changes nothing")
	other := put(t, lockContentOf(1, "elsewhere"), locks+"/b.json")
	require.Contains(t, requireLocked(t, e.Hold(t.Context(), nil)), "elsewhere")
	requireLocked(t, e.Ready(t.Context(), nil))
	require.NoError(t, os.Remove(other))

	var said []plans.Event
	_, err = e.Deploy(t.Context(), notices(&said))
	require.NoError(t, err)
	require.Len(t, said, 1)
	require.Contains(t, said[0].Message, "cleared the lock of a run that is gone: ann on "+host)
	require.NoFileExists(t, dead)
	require.NoFileExists(t, run)
}

// The engine of a killed command still has its lock in the bucket, or will have it in a moment.
func TestTheEngineOfAKilledCommandIsWaitedForInABucketToo(t *testing.T) {
	t.Parallel()
	e := open(t, Options{Home: t.TempDir(), Program: chain(nil), Hold: &Hold{}})
	e.files = nil // a bucket, which is not asked while the engine lives
	run := put(t, runOf(os.Getpid(), goneProcess), e.runPath(strconv.Itoa(os.Getpid())))
	for name, wait := range map[string]func(context.Context, func(string)) error{
		"hold": e.Hold,
		"acquire": func(ctx context.Context, notice func(string)) error {
			_, err := e.acquire(ctx, notice)
			return err
		},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		var said []string
		err := wait(ctx, func(text string) {
			said = append(said, text)
			cancel()
		})
		require.ErrorContains(t, err, "waiting for the lock", name)
		require.Len(t, said, 1)
		require.Contains(t, said[0], "waiting for the engine of an interrupted run")
		require.Contains(t, said[0], fmt.Sprintf("pid %d", os.Getpid()))
	}
	require.FileExists(t, run)
}

func TestTheRecordOfAnEngineThatFailedProvesWhoseALockInABucketIs(t *testing.T) {
	t.Parallel()
	e := open(t, Options{Home: t.TempDir(), Program: chain(nil)})
	for _, c := range []struct {
		bucket bool
		err    error
		kept   bool
	}{{false, nil, false}, {false, errKilled, false}, {true, nil, false}, {true, errKilled, true}} {
		if c.bucket {
			e.files = nil
		}
		e.recordStart(goneProcess)
		require.FileExists(t, e.runPath(strconv.Itoa(goneProcess)))
		e.recordStop(goneProcess, c.err)
		e.sweep(t.Context())
		_, gone := e.abandonedRuns()
		require.Equal(t, c.kept, len(gone) == 1, c)
	}
}
