// SPDX-License-Identifier: Apache-2.0

package cleanup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"emrflink/internal/awsapi"
)

// States of a phase in a Progress.
const (
	StateStart   = "start"
	StateWait    = "wait"
	StateDone    = "done"
	StateSkipped = "skipped"
	StateFailed  = "failed"
	StateStopped = "stopped" // by an interrupt
)

// Progress is one line of the teardown's display.
type Progress struct {
	Phase   Phase
	Index   int // from 1
	Count   int
	State   string
	Cause   string        // what is waited for, in AWS's or Kubernetes' words
	Elapsed time.Duration // of this phase
}

// run is one teardown under way.
type run struct {
	Cleanup
	cluster   Cluster
	noCluster string // why cluster is nil
	gone      bool   // AWS said that the cluster does not exist
	before    []awsapi.Resource
	unknown   []Unknown // of the last look at the account
	report    Report
	deleting  map[string]time.Time // what the engine deletes now, and since when
	started   time.Time
	begun     map[string]func() error // waits for a step that runs beside the others
	unhooked  map[string]bool         // webhooks that nobody asks any more

	mu      sync.Mutex // of the fields below and of the callback
	tell    func(Progress)
	current Progress
	since   time.Time
	told    time.Time
}

func newRun(c Cleanup, tell func(Progress)) *run {
	if tell == nil {
		tell = func(Progress) {}
	}
	return &run{Cleanup: c, tell: tell, started: time.Now(), report: emptyReport(c.Scope),
		deleting: map[string]time.Time{}, begun: map[string]func() error{}, unhooked: map[string]bool{}}
}

func (c Cleanup) at(name string) Progress {
	all := Phases(c.Scope.Choices)
	i := slices.IndexFunc(all, func(p Phase) bool { return p.Name == name })
	p := Progress{Phase: all[i], Index: i + 1, Count: len(all)}
	if t := c.Timeouts[name]; t > 0 {
		p.Phase.Timeout = t
	}
	return p
}

// phase runs one step under its own timeout, with a line at its start and end
// and one at least every heartbeat.
func (r *run) phase(ctx context.Context, name string, do func(context.Context) error) error {
	if ctx.Err() != nil {
		return nil // interrupted: finish says so, and later phases do not start
	}
	p := r.at(name)
	r.mu.Lock()
	r.current, r.since = p, time.Now()
	r.emit(StateStart, p.Phase.Title)
	r.mu.Unlock()

	caller := ctx
	ctx, cancel := context.WithTimeout(ctx, p.Phase.Timeout)
	defer cancel()
	stop := make(chan struct{})
	var beating sync.WaitGroup
	beating.Go(func() { r.beat(stop) })
	err := do(ctx)
	close(stop)
	beating.Wait()

	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		r.emit(StateDone, p.Phase.Title)
		return nil
	}
	if caller.Err() != nil {
		r.emit(StateStopped, "interrupted")
		return fmt.Errorf("phase %s: %w", name, err)
	}
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil {
		err = fmt.Errorf("timed out after %s: %w", p.Phase.Timeout, err)
	}
	err = fmt.Errorf("phase %s: %w", name, err)
	r.emit(StateFailed, err.Error())
	return err
}

func (r *run) beat(stop <-chan struct{}) {
	silence := time.NewTimer(r.Heartbeat)
	defer silence.Stop()
	for {
		select {
		case <-stop:
			return
		case <-silence.C:
			r.mu.Lock()
			if time.Since(r.told) >= r.Heartbeat {
				r.emit(StateWait, cmp.Or(r.underWay(), r.current.Cause))
			}
			silence.Reset(time.Until(r.told.Add(r.Heartbeat)))
			r.mu.Unlock()
		}
	}
}

// say sets what the phase waits for; a new cause is told at once.
func (r *run) say(cause string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if cause != r.current.Cause {
		r.emit(StateWait, cause)
	}
}

// emit calls back; the caller holds the lock, so calls never overlap.
func (r *run) emit(state, cause string) {
	r.current.State, r.current.Cause = state, cause
	r.current.Elapsed = time.Since(r.since)
	r.told = time.Now()
	r.tell(r.current)
}

func (r *run) skip(name, why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.current, r.since = r.at(name), time.Now()
	r.report.Skipped = append(r.report.Skipped, Skipped{Phase: name, Why: why})
	r.emit(StateSkipped, why)
}

func (r *run) warn(err error) {
	if err != nil {
		r.report.Warnings = append(r.report.Warnings, err.Error())
	}
}

func (r *run) sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
