// SPDX-License-Identifier: Apache-2.0

package account

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// AWS's words for the states of resources.
const (
	statePending      = "pending"
	stateAvailable    = "available"
	stateDeleting     = "deleting"
	stateInUse        = "in-use"
	stateRunning      = "running"
	stateShuttingDown = "shutting-down"
	stateTerminated   = "terminated"
	stateCREATING     = "CREATING"
	stateACTIVE       = "ACTIVE"
	stateDELETING     = "DELETING"
	stateFAILED       = "FAILED"
	stateCREATEFAILED = "CREATE_FAILED"
)

var errClosed = errors.New("the account is closed")

// syncEvery bounds what a power failure can take; the death of the process takes nothing.
const syncEvery = 500 * time.Millisecond

// Account is a simulated AWS account. All methods are safe for concurrent use.
type Account struct {
	opts  Options
	clock Clock
	log   *slog.Logger
	kinds map[Kind]*spec // read only
	types map[string]InstanceType

	ctx    context.Context // the lifetime of operations that outlive their callers
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	store    *store
	tables   map[Kind]map[string]*Resource
	byARN    map[string]resKey
	seq      uint64
	inflight map[resKey]*operation
	buckets  map[string]map[string][]*objectVersion // bucket, key, versions oldest first
	bodies   bodies
	queues   map[string]*queue
	logs     map[string][]*logBatch
	creds    map[string]*credential
	flushes  map[string]*logFlush
	quotas   map[string]float64
	unlinked map[string]bool // services whose service-linked role is missing
	faults   []*ActiveFault
	subs     map[*subscriber]struct{}
	wake     chan struct{} // closed and replaced when a message arrives
}

// Open loads the state of an account. A corrupt or unreadable state is a *StateError that names the file
// and its backup; nothing is overwritten. Without a Runtime, what was under way when the state was left is
// completed at once; with one, Resume does it.
func Open(o Options) (*Account, error) {
	o.AccountID, o.Region = orElse(o.AccountID, DefaultAccountID), orElse(o.Region, DefaultRegion)
	if o.Clock == nil {
		o.Clock = realClock{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if regionZones(o.Region) == nil {
		return nil, fmt.Errorf("open account: unknown region %q", o.Region)
	}
	types, err := loadInstanceTypes()
	if err != nil {
		return nil, fmt.Errorf("open account: %w", err)
	}
	st, err := openStore(o.Dir)
	if err != nil {
		return nil, err
	}
	a := &Account{
		opts:     o,
		clock:    o.Clock,
		log:      o.Logger,
		kinds:    allKinds(),
		types:    types,
		store:    st,
		quotas:   defaultQuotas(),
		unlinked: map[string]bool{},
	}
	a.ctx, a.cancel = context.WithCancel(context.Background())
	a.subs, a.inflight, a.wake = map[*subscriber]struct{}{}, map[resKey]*operation{}, make(chan struct{})
	a.bodies = newBodies(o.Dir)
	a.clear()
	if err := a.restore(); err != nil {
		return nil, errors.Join(err, st.closeFiles())
	}
	if o.Dir != "" {
		a.wg.Go(a.syncLoop)
	}
	if o.Runtime == nil {
		if err := a.Resume(a.ctx); err != nil {
			return nil, errors.Join(err, a.Close())
		}
	}
	return a, nil
}

func (a *Account) clear() {
	a.tables, a.byARN = map[Kind]map[string]*Resource{}, map[string]resKey{}
	a.buckets, a.queues = map[string]map[string][]*objectVersion{}, map[string]*queue{}
	a.logs, a.creds, a.flushes = map[string][]*logBatch{}, map[string]*credential{}, map[string]*logFlush{}
}

// restore fills the account's maps from the store.
func (a *Account) restore() error {
	keys := make([]string, 0, len(a.store.data))
	for k := range a.store.data {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	loaders := map[string]func(raw json.RawMessage) error{
		keyResource:   a.restoreResource,
		keyObject:     a.restoreObject,
		keyMessage:    a.restoreMessage,
		keyLog:        a.restoreLog,
		keyCredential: a.restoreCredential,
		keyFlush:      a.restoreFlush,
	}
	for _, k := range keys {
		prefix, _, _ := strings.Cut(k, "/")
		load := loaders[prefix+"/"]
		if load == nil {
			return a.store.bad(a.store.path(snapshotFile), fmt.Errorf("unknown entry %q", k))
		}
		if err := load(a.store.data[k]); err != nil {
			return a.store.bad(a.store.path(snapshotFile), fmt.Errorf("entry %q: %w", k, err))
		}
	}
	a.sortRestored()
	return a.bodies.sweep(a.keptBodies())
}

func (a *Account) restoreResource(raw json.RawMessage) error {
	var r Resource
	if err := json.Unmarshal(raw, &r); err != nil {
		return err
	}
	if a.kinds[r.Kind] == nil {
		return fmt.Errorf("unknown kind %q", r.Kind)
	}
	a.index(&r)
	a.seq = max(a.seq, r.Seq)
	return nil
}

func (a *Account) syncLoop() {
	tick := time.NewTicker(syncEvery)
	defer tick.Stop()
	for {
		select {
		case <-a.ctx.Done():
			return
		case <-tick.C:
			a.mu.Lock()
			err := a.store.sync()
			a.mu.Unlock()
			if err != nil {
				a.log.Error("sync account state", "error", err)
			}
		}
	}
}

// Close stops what is under way (it is completed after the next Open) and writes the state. It is safe to
// call twice.
func (a *Account) Close() error {
	a.mu.Lock()
	if a.closed {
		a.mu.Unlock()
		return nil
	}
	a.closed = true // no transaction, so no new operation, from here on
	a.mu.Unlock()
	a.cancel()
	a.wg.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	for s := range a.subs {
		s.stop()
	}
	a.subs = nil
	return a.store.close()
}

// Reset empties the account: every resource, object, message and log line. Clusters of the Runtime are
// stopped first.
func (a *Account) Reset() error {
	var errs []error
	if a.opts.Runtime != nil {
		for _, c := range a.List(KindCluster) {
			if err := a.opts.Runtime.StopCluster(a.ctx, c.ID); err != nil {
				errs = append(errs, fmt.Errorf("stop cluster %q: %w", c.ID, err))
			}
		}
	}
	err := a.do(Caller{}, func(t *tx) error {
		for _, table := range a.tables {
			for _, r := range table {
				t.changes = append(t.changes, Change{Kind: r.Kind, ID: r.ID, Op: ChangeDelete, Resource: *r})
			}
		}
		for k := range a.store.data {
			t.set(k, nil)
		}
		t.after = append(t.after, func() {
			a.clear()
			if err := a.bodies.sweep(nil); err != nil {
				a.log.Error("remove object bodies", "error", err)
			}
		})
		return nil
	})
	return errors.Join(append(errs, err)...)
}

func (a *Account) lookup(k resKey) *Resource { return a.tables[k.kind][k.id] }

func (a *Account) index(r *Resource) {
	table := a.tables[r.Kind]
	if table == nil {
		table = map[string]*Resource{}
		a.tables[r.Kind] = table
	}
	table[r.ID] = r
	if r.ARN != "" {
		a.byARN[r.ARN] = resKey{r.Kind, r.ID}
	}
}

func (a *Account) unindex(r *Resource) {
	delete(a.tables[r.Kind], r.ID)
	if key := (resKey{r.Kind, r.ID}); a.byARN[r.ARN] == key {
		delete(a.byARN, r.ARN)
	}
}

// ID returns the account's twelve digits.
func (a *Account) ID() string { return a.opts.AccountID }

// Region returns the account's default region.
func (a *Account) Region() string { return a.opts.Region }

// Partition returns the partition of the default region, "aws".
func (a *Account) Partition() string { return partition(a.opts.Region) }

func (a *Account) arn(service, region, resource string) string {
	return "arn:" + partition(region) + ":" + service + ":" + region + ":" + a.opts.AccountID + ":" + resource
}

// scaled is how long something takes that takes d on AWS.
func (a *Account) scaled(d time.Duration) time.Duration {
	if a.opts.Speed <= 0 {
		return 0
	}
	return time.Duration(float64(d) / a.opts.Speed)
}
