// SPDX-License-Identifier: Apache-2.0

package account

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"emrflink/internal/iam"
	"emrflink/internal/localcloud/ledger"
	"emrflink/internal/localcloud/logs"
	"emrflink/internal/localcloud/objects"
	"emrflink/internal/localcloud/queues"
	"emrflink/internal/localcloud/sessions"
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

// syncEvery bounds what a power failure can take; the death of the process takes nothing.
const syncEvery = 500 * time.Millisecond

// Account is a simulated AWS account. All methods are safe for concurrent use.
type Account struct {
	// The services with data of their own.
	Objects  *objects.Store  // of S3
	Queues   *queues.Store   // of SQS
	Logs     *logs.Store     // of CloudWatch Logs
	Sessions *sessions.Store // of STS

	opts  Options
	log   *slog.Logger
	kinds map[Kind]*spec // read only
	types map[string]InstanceType

	ctx    context.Context // the lifetime of operations that outlive their callers
	cancel context.CancelFunc
	wg     sync.WaitGroup

	ledger *ledger.Ledger // its lock guards what follows

	tables   map[Kind]map[string]*Resource
	byARN    map[string]resKey
	inflight map[resKey]*operation
	flushes  map[string]*logFlush
	quotas   map[string]float64
	parsed   map[string]iam.Document // policy documents by their text
	unlinked map[string]bool         // services whose service-linked role is missing
	faults   []*ActiveFault
	subs     map[*subscriber]struct{}
}

// Open loads the state of an account. A corrupt or unreadable state is a *ledger.StateError that names the file
// and its backup; nothing is overwritten. Without a Runtime, what was under way when the state was left is
// completed at once; with one, Resume does it.
func Open(o Options) (*Account, error) {
	o.AccountID, o.Region = orElse(o.AccountID, DefaultAccountID), orElse(o.Region, DefaultRegion)
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
	l, err := ledger.Open(o.Dir, o.Clock)
	if err != nil {
		return nil, err
	}
	a := &Account{
		opts:     o,
		log:      o.Logger,
		kinds:    allKinds(),
		types:    types,
		ledger:   l,
		inflight: map[resKey]*operation{},
		quotas:   defaultQuotas(),
		unlinked: map[string]bool{}, parsed: map[string]iam.Document{},
		subs: map[*subscriber]struct{}{},
	}
	a.ctx, a.cancel = context.WithCancel(context.Background())
	if err := a.restore(); err != nil {
		return nil, errors.Join(err, l.Abandon())
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
	a.flushes = map[string]*logFlush{}
}

// restore reads what the ledger holds.
func (a *Account) restore() (err error) {
	a.clear()
	if err = a.ledger.Restore(ledger.Resources, a.restoreResource, a.clear); err != nil {
		return err
	}
	if err = a.ledger.Restore(ledger.Flushes, a.restoreFlush, nil); err != nil {
		return err
	}
	read := &tx{a: a}
	if a.Objects, err = objects.New(a.ledger, read.bucket); err != nil {
		return err
	}
	if a.Queues, err = queues.New(a.ledger, read.queue); err != nil {
		return err
	}
	logGroup := func(name string) bool { return read.get(KindLogGroup, name) != nil }
	if a.Logs, err = logs.New(a.ledger, logGroup); err != nil {
		return err
	}
	a.Sessions, err = sessions.New(a.ledger)
	return err
}

// Ledger is where the account keeps its state, for services that are built on top of it.
func (a *Account) Ledger() *ledger.Ledger { return a.ledger }

func (a *Account) restoreResource(raw json.RawMessage) error {
	var r Resource
	if err := json.Unmarshal(raw, &r); err != nil {
		return err
	}
	if a.kinds[r.Kind] == nil {
		return fmt.Errorf("unknown kind %q", r.Kind)
	}
	a.index(&r)
	a.ledger.Seen(r.Seq)
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
			if err := a.ledger.Sync(); err != nil {
				a.log.Error("sync account state", "error", err)
			}
		}
	}
}

// Close stops what is under way (it is completed after the next Open) and writes the state. It is safe to
// call twice.
func (a *Account) Close() error {
	if !a.ledger.Stop() { // no transaction, so no new operation, from here on
		return nil
	}
	a.cancel()
	a.wg.Wait()
	a.ledger.Lock()
	for s := range a.subs {
		s.stop()
	}
	a.subs = nil
	a.ledger.Unlock()
	return a.ledger.Close()
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
		t.Reset()
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
func (a *Account) Partition() string { return PartitionOf(a.opts.Region) }

func (a *Account) arn(service, region, resource string) string {
	return "arn:" + PartitionOf(region) + ":" + service + ":" + region + ":" + a.opts.AccountID + ":" + resource
}

// scaled is how long something takes that takes d on AWS.
func (a *Account) scaled(d time.Duration) time.Duration {
	if a.opts.Speed <= 0 {
		return 0
	}
	return time.Duration(float64(d) / a.opts.Speed)
}
