// SPDX-License-Identifier: Apache-2.0

package save

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pulumi/pulumi/pkg/v3/backend"
	"github.com/pulumi/pulumi/pkg/v3/engine"
	"github.com/pulumi/pulumi/pkg/v3/resource/deploy"
	"github.com/pulumi/pulumi/pkg/v3/resource/stack"
	"github.com/pulumi/pulumi/pkg/v3/secrets"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
)

// errClosed refuses a change that is reported after the end of the operation.
var errClosed = errors.New("the operation has ended: its state is not written any more")

// committer is the journal of one operation. Each change that the engine reports is added to the state in memory; the
// changes that wait while a state is written are all in the next one.
//
// A write takes as long as the state is large. So that a large stack does not spend its time on that, the next write waits for
// twice the time that the last one took, and collects changes meanwhile. A change that comes alone waits for nothing, nor does
// the one after it: of steps that follow each other, no two could share a write.
//
// Where there is a pause between writes, an outcome is answered at once and saved by the next write: of the operation that builds
// on it, or after the pause. A kill in between leaves the operation pending, as one before its end does.
type committer struct {
	ctx      context.Context // of the operation: the engine's interface has none
	secrets  secrets.Manager
	replayer *backend.JournalReplayer
	save     func(apitype.TypedDeployment) error
	pause    time.Duration  // between two writes, at least
	next     time.Time      // when the next write may begin
	unsent   map[int64]bool // operations that only compare or read
	owed     time.Time      // when outcomes are saved that were answered already; zero for none

	queue  chan change
	closed chan struct{}
	ended  chan error
}

// longestPause limits what a change waits for after a write that took unusually long.
const longestPause = uploadPause

var _ engine.Journal = (*committer)(nil)

// change is one that waits for its answer.
type change struct {
	entry apitype.JournalEntry
	// later is set when the change need not be saved before it is answered: the next state has it.
	later  bool
	answer chan error
}

// newCommitter begins with the state base, which may be nil. The secrets manager encrypts what is added.
func newCommitter(ctx context.Context, base *deploy.Snapshot, manager secrets.Manager, pause time.Duration,
	save func(apitype.TypedDeployment) error) (*committer, error) {
	state := &apitype.DeploymentV3{}
	if base != nil {
		whole := *base
		if whole.SecretsManager == nil {
			whole.SecretsManager = manager
		}
		var err error
		if state, _, _, err = stack.SerializeDeploymentWithMetadata(ctx, &whole, false); err != nil {
			return nil, fmt.Errorf("encode the state: %w", err)
		}
	}
	c := &committer{
		ctx: ctx, secrets: manager, replayer: backend.NewJournalReplayer(state), save: save, pause: pause,
		unsent: map[int64]bool{}, queue: make(chan change), closed: make(chan struct{}), ended: make(chan error, 1),
	}
	go c.run()
	return c, nil
}

// AddJournalEntry returns when a state with the change is saved.
func (c *committer) AddJournalEntry(e engine.JournalEntry) error {
	entry, err := stack.BatchEncrypt(c.ctx, c.secrets,
		func(ctx context.Context, enc config.Encrypter) (apitype.JournalEntry, error) {
			return backend.SerializeJournalEntry(ctx, e, enc)
		})
	if err != nil {
		return fmt.Errorf("encode a change of the state: %w", err)
	}
	answer := make(chan error, 1)
	select {
	case c.queue <- change{entry: entry, later: e.ElideWrite, answer: answer}:
		return <-answer
	case <-c.closed:
		return errClosed
	}
}

// Close saves what was not saved yet.
func (c *committer) Close() error {
	close(c.closed)
	return <-c.ended
}

// run is the only one that touches the state.
func (c *committer) run() {
	unsaved := true // an operation that changes nothing saves once, too
	for {
		var due <-chan time.Time
		if !c.owed.IsZero() {
			due = time.After(max(time.Until(c.owed), time.Until(c.next)))
		}
		select {
		case <-due:
			unsaved = c.write(0) != nil // the next change that waits is told, or the end of the operation
		case first := <-c.queue:
			if waiting := c.gather(first); len(waiting) > 0 {
				err := c.write(len(waiting))
				unsaved = err != nil
				for _, answer := range waiting {
					answer <- err
				}
			} else {
				unsaved = true
			}
		case <-c.closed:
			var err error
			if unsaved {
				err = c.write(0)
			}
			c.ended <- err
			return
		}
	}
}

// gather adds a change to the state, with all that come until the next write may begin, and returns the answers that are due
// after it.
func (c *committer) gather(next change) (waiting []chan error) {
	due := time.NewTimer(time.Until(c.next))
	defer due.Stop()
	for {
		if err := c.replayer.Add(next.entry); err != nil || c.harmless(next.entry) || next.later || c.deferred(next.entry) {
			next.answer <- err
		} else {
			waiting = append(waiting, next.answer)
		}
		select {
		case next = <-c.queue:
			continue
		default:
		}
		if len(waiting) == 0 {
			return nil
		}
		select {
		case next = <-c.queue:
		case <-due.C:
			return waiting
		}
	}
}

// harmless tells that a change need not be saved by itself, because nobody was asked to change anything: a kill loses what the
// next run finds out again. Every write has all changes before it, so whatever builds on this one has it with it. Without
// this, a deploy that changes nothing writes once for each resource whose dependencies came in another order.
func (c *committer) harmless(e apitype.JournalEntry) bool {
	switch e.Kind {
	case apitype.JournalEntryKindBegin:
		if e.Operation == nil {
			c.unsent[e.OperationID] = true
		}
		return e.Operation == nil
	case apitype.JournalEntryKindSuccess, apitype.JournalEntryKindRefreshSuccess:
		return c.unsent[e.OperationID]
	case apitype.JournalEntryKindOutputs: // of a component, which exists in the state only, or of the stack
		return true
	default:
		return false
	}
}

// deferred tells that a change is an outcome that need not be waited for, and sees to it that it is saved soon.
func (c *committer) deferred(e apitype.JournalEntry) bool {
	if c.pause == 0 || e.Kind != apitype.JournalEntryKindSuccess {
		return false
	}
	if c.owed.IsZero() {
		c.owed = time.Now().Add(c.pause)
	}
	return true
}

// write saves the state, which a number of changes wait for.
func (c *committer) write(waiting int) error {
	begin := time.Now()
	defer func() {
		now, pause := time.Now(), c.pause
		if waiting > 1 {
			pause = max(2*now.Sub(begin), pause)
		}
		c.next = now.Add(min(pause, longestPause))
	}()
	state, err := c.replayer.GenerateDeployment()
	if err != nil {
		return fmt.Errorf("make the state: %w", err)
	}
	if err = c.save(state); err == nil {
		c.owed = time.Time{}
	}
	return err
}
