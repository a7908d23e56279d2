// SPDX-License-Identifier: Apache-2.0

package save

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pulumi/pulumi/pkg/v3/engine"
	pkgresource "github.com/pulumi/pulumi/pkg/v3/resource"
	"github.com/pulumi/pulumi/pkg/v3/resource/deploy"
	"github.com/pulumi/pulumi/pkg/v3/resource/stack/snapshot"
	"github.com/pulumi/pulumi/pkg/v3/secrets/b64"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// disk is where a committer of a test saves.
type disk struct {
	mu     sync.Mutex
	states []apitype.TypedDeployment
	before func() error // runs at the begin of each write
}

func (d *disk) save(state apitype.TypedDeployment) error {
	if d.before != nil {
		if err := d.before(); err != nil {
			return err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.states = append(d.states, state)
	return nil
}

func (d *disk) writes() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.states)
}

// job reports the operations of one resource, as the engine does.
type job struct {
	c   *committer
	id  int64
	urn resource.URN
}

func newJob(c *committer, id int) job {
	return job{c: c, id: int64(id), urn: resource.URN(fmt.Sprintf("urn:pulumi:dev::p::aws:s3/bucket:Bucket::b%d", id))}
}

func (j job) state(after ...job) *pkgresource.State {
	s := &pkgresource.State{
		URN: j.urn, Type: j.urn.Type(), Custom: true, ID: resource.ID(fmt.Sprint(j.id)), Inputs: resource.PropertyMap{},
	}
	for _, a := range after {
		s.Dependencies = append(s.Dependencies, a.urn)
	}
	return s
}

func (j job) begin(after ...job) error {
	op := pkgresource.NewOperation(j.state(after...), pkgresource.OperationTypeCreating)
	return j.c.AddJournalEntry(
		engine.JournalEntry{SequenceID: 1, Kind: engine.JournalEntryBegin, OperationID: j.id, Operation: &op})
}

func (j job) end(after ...job) error {
	return j.c.AddJournalEntry(
		engine.JournalEntry{SequenceID: 1, Kind: engine.JournalEntrySuccess, OperationID: j.id, State: j.state(after...)})
}

func start(t *testing.T, d *disk, base *deploy.Snapshot, pause time.Duration) *committer {
	t.Helper()
	return startIn(t.Context(), t, d, base, pause)
}

func startIn(ctx context.Context, t require.TestingT, d *disk, base *deploy.Snapshot, pause time.Duration) *committer {
	c, err := newCommitter(ctx, base, b64.NewBase64SecretsManager(), pause, d.save)
	require.NoError(t, err)
	return c
}

func TestChangesThatWaitShareAWrite(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		entered, hold := make(chan struct{}, 100), make(chan struct{})
		d := &disk{before: func() error { entered <- struct{}{}; <-hold; return nil }}
		c := start(t, d, nil, 0)
		var all sync.WaitGroup
		var answered atomic.Int32
		report := func(id int) {
			all.Go(func() {
				if newJob(c, id).begin() == nil {
					answered.Add(1)
				}
			})
		}
		report(1)
		<-entered
		for id := 2; id <= 16; id++ {
			report(id)
		}
		synctest.Wait()
		require.Zero(t, answered.Load(), "nothing is answered that is on no disk")
		close(hold)
		all.Wait()
		require.EqualValues(t, 16, answered.Load())
		require.Equal(t, 2, d.writes(), "fifteen waited for the first write")
		require.NoError(t, c.Close())
		require.Len(t, d.states[len(d.states)-1].Deployment.PendingOperations, 16)
		require.ErrorIs(t, newJob(c, 17).begin(), errClosed)
	})
}

func TestOneChangeAloneIsNotKeptWaitingAndManyAre(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &disk{}
		c := start(t, d, nil, longestPause)
		begin := time.Now()
		require.NoError(t, newJob(c, 1).begin())
		require.Zero(t, time.Since(begin))
		var all sync.WaitGroup
		for id := 2; id < 50; id++ {
			all.Go(func() {
				time.Sleep(time.Duration(id) * time.Millisecond)
				_ = newJob(c, id).begin()
			})
		}
		all.Wait()
		require.Equal(t, 2, d.writes())
		require.NoError(t, c.Close())
		require.Equal(t, 2, d.writes(), "all is saved already")
	})
}

func TestWhatChangesNothingIsSavedOnceAtTheEnd(t *testing.T) {
	t.Parallel()
	d := &disk{}
	c := start(t, d, nil, 0)
	j := newJob(c, 1)
	for range 3 {
		require.NoError(t, c.AddJournalEntry(
			engine.JournalEntry{Kind: engine.JournalEntrySuccess, OperationID: 1, State: j.state(), ElideWrite: true}))
	}
	require.Zero(t, d.writes())
	require.NoError(t, c.Close())
	require.Equal(t, 1, d.writes())
}

func TestWhatIsSentToNobodyWaitsForTheNextWrite(t *testing.T) {
	t.Parallel()
	d := &disk{}
	c := start(t, d, nil, 0)
	compared := newJob(c, 1)
	require.NoError(t, c.AddJournalEntry(engine.JournalEntry{Kind: engine.JournalEntryBegin, OperationID: 1, ElideWrite: true}))
	require.NoError(t, compared.end())
	registered, replaced := compared.state(), compared.id
	registered.Outputs = resource.PropertyMap{"url": resource.NewProperty("u")}
	require.NoError(t, c.AddJournalEntry(
		engine.JournalEntry{Kind: engine.JournalEntryOutputs, OperationID: 3, State: registered, RemoveNew: &replaced}))
	require.Zero(t, d.writes())
	require.NoError(t, newJob(c, 2).begin(compared))
	require.Equal(t, 1, d.writes())
	require.Len(t, d.states[0].Deployment.Resources, 1, "what builds on it is saved with it")
	require.Equal(t, map[string]any{"url": "u"}, d.states[0].Deployment.Resources[0].Outputs)
	require.NoError(t, c.AddJournalEntry(engine.JournalEntry{Kind: engine.JournalEntryFailure, OperationID: 1}))
	require.Equal(t, 2, d.writes(), "a failure is saved at once")
	require.NoError(t, newJob(c, 2).end(compared))
	require.NoError(t, c.Close())
	require.Equal(t, 3, d.writes())
}

func TestEveryChangeOfAWriteThatFailedIsToldSo(t *testing.T) {
	t.Parallel()
	full := errors.New("no space left on device")
	var free atomic.Bool
	d := &disk{before: func() error {
		if free.Load() {
			return nil
		}
		return full
	}}
	c := start(t, d, nil, 0)
	var all sync.WaitGroup
	for id := 1; id < 9; id++ {
		all.Go(func() {
			if err := newJob(c, id).begin(); !errors.Is(err, full) {
				t.Errorf("%d was told %v", id, err)
			}
		})
	}
	all.Wait()
	free.Store(true)
	require.NoError(t, c.Close())
	require.Len(t, d.states[0].Deployment.PendingOperations, 8, "what could not be saved is saved at the end")
}

// moment is a point in time at which a kill is as good as at any other until the next moment.
type moment struct {
	saved int // how many states were on the disk
	sent  int // the job whose operation is sent now, 0 = none
	done  int // the job after which others may begin, 0 = none
}

// A kill at any moment leaves a state in which each operation that was sent is pending or recorded, and each that others were
// built on is recorded.
func TestAKillAtAnyMomentForgetsNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d, after, delay := draw(t)
		jobs := len(after) - 1
		moments := schedule(t, d, after, delay, 0)
		for _, m := range moments {
			require.NoError(t, snapshot.VerifyIntegrity(d.states[m.saved-1].Deployment))
		}
		for at, m := range moments {
			for _, before := range moments[:at+1] {
				pending, recorded := found(d.states[m.saved-1], before.sent+before.done)
				require.True(t, recorded || pending && before.done == 0, "%+v is not in the state of %+v", before, m)
				require.False(t, recorded && pending, "%+v is twice in the state of %+v", before, m)
			}
		}
		last := d.states[len(d.states)-1].Deployment
		require.Len(t, last.Resources, jobs)
		require.Empty(t, last.PendingOperations)
	})
}

// Where there is a pause between writes, an outcome may come to the disk late, but never after what is built on it was sent.
func TestAKillBetweenUploadsForgetsNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d, after, delay := draw(t)
		moments := schedule(t, d, after, delay, time.Duration(rapid.IntRange(1, 500).Draw(t, "pause"))*time.Microsecond)
		for at, m := range moments {
			require.NoError(t, snapshot.VerifyIntegrity(d.states[m.saved-1].Deployment))
			for _, before := range moments[:at+1] {
				pending, recorded := found(d.states[m.saved-1], before.sent+before.done)
				require.True(t, recorded != pending, "%+v is lost, or twice, in the state of %+v", before, m)
			}
			for _, need := range after[m.sent] {
				_, recorded := found(d.states[m.saved-1], need)
				require.True(t, recorded, "%d was sent and needs %d, which is not recorded", m.sent, need)
			}
		}
		last := d.states[len(d.states)-1].Deployment
		require.Len(t, last.Resources, len(after)-1)
		require.Empty(t, last.PendingOperations)
	})
}

func TestAnOutcomeThatNothingFollowsIsUploadedSoon(t *testing.T) {
	t.Parallel()
	d := &disk{}
	c := start(t, d, nil, 20*time.Millisecond)
	j := newJob(c, 1)
	require.NoError(t, j.begin())
	require.NoError(t, j.end())
	require.Equal(t, 1, d.writes(), "it is not waited for")
	require.Eventually(t, func() bool { return d.writes() == 2 }, 5*time.Second, time.Millisecond)
	require.NoError(t, c.Close())
	require.Equal(t, 2, d.writes())
	_, recorded := found(d.states[1], 1)
	require.True(t, recorded)
}

func TestAnOutcomeThatCouldNotBeUploadedIsTriedAgain(t *testing.T) {
	t.Parallel()
	gone := errors.New("no route to host")
	var broken atomic.Bool
	tried := make(chan struct{}, 1000)
	d := &disk{before: func() error {
		if !broken.Load() {
			return nil
		}
		tried <- struct{}{}
		return gone
	}}
	c := start(t, d, nil, time.Millisecond)
	j := newJob(c, 1)
	require.NoError(t, j.begin())
	broken.Store(true)
	require.NoError(t, j.end())
	<-tried
	<-tried
	require.ErrorIs(t, newJob(c, 2).begin(j), gone, "nothing is sent after it")
	broken.Store(false)
	require.NoError(t, c.Close())
	_, recorded := found(d.states[len(d.states)-1], 1)
	require.True(t, recorded)
}

// draw makes jobs with random needs and durations, and a disk that is slow at random.
func draw(t *rapid.T) (d *disk, after [][]int, delay []time.Duration) {
	jobs := rapid.IntRange(1, 20).Draw(t, "jobs")
	after, delay = make([][]int, jobs+1), make([]time.Duration, jobs+1)
	for id := 1; id <= jobs; id++ {
		delay[id] = time.Duration(rapid.IntRange(0, 300).Draw(t, "delay")) * time.Microsecond
		if id > 1 {
			after[id] = rapid.SliceOfNDistinct(rapid.IntRange(1, id-1), 0, min(3, id-1), rapid.ID).Draw(t, "after")
		}
	}
	slow := time.Duration(rapid.IntRange(0, 300).Draw(t, "write")) * time.Microsecond
	return &disk{before: func() error { time.Sleep(slow); return nil }}, after, delay
}

// schedule runs jobs side by side, each after those that it needs, and returns what happened in its order.
func schedule(t *rapid.T, d *disk, after [][]int, delay []time.Duration, pause time.Duration) []moment {
	c := startIn(context.Background(), t, d, nil, pause)
	var mu sync.Mutex
	var moments []moment
	note := func(m moment) {
		mu.Lock()
		defer mu.Unlock()
		m.saved = d.writes()
		moments = append(moments, m)
	}
	done := make([]chan struct{}, len(after))
	for id := range done {
		done[id] = make(chan struct{})
	}
	var all sync.WaitGroup
	for id := 1; id < len(after); id++ {
		all.Go(func() {
			defer close(done[id])
			var needs []job
			for _, need := range after[id] {
				<-done[need]
				needs = append(needs, newJob(c, need))
			}
			j := newJob(c, id)
			if err := j.begin(needs...); err != nil {
				t.Errorf("begin %d: %v", id, err)
			}
			note(moment{sent: id})
			time.Sleep(delay[id])
			if err := j.end(needs...); err != nil {
				t.Errorf("end %d: %v", id, err)
			}
			note(moment{done: id})
		})
	}
	all.Wait()
	require.NoError(t, c.Close())
	return moments
}

// found looks for a job in a state.
func found(d apitype.TypedDeployment, id int) (pending, recorded bool) {
	urn := newJob(nil, id).urn
	pending = slices.ContainsFunc(d.Deployment.PendingOperations,
		func(o apitype.OperationV2) bool { return o.Resource.URN == urn })
	recorded = slices.ContainsFunc(d.Deployment.Resources, func(r apitype.ResourceV3) bool { return r.URN == urn })
	return pending, recorded
}
