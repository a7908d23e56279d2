// SPDX-License-Identifier: Apache-2.0

package account

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// resKey identifies a resource.
type resKey struct {
	kind Kind
	id   string
}

// The prefixes of the store's keys.
const (
	keyResource   = "resource/"
	keyObject     = "object/"
	keyMessage    = "message/"
	keyLog        = "log/"
	keyCredential = "credential/"
	keyFlush      = "flush/"
)

// String is the key in the store.
func (k resKey) String() string { return keyResource + string(k.kind) + "/" + k.id }

// tx is one atomic change of the account, made under its lock. Changes are visible at once to the code
// that makes them and are taken back when the transaction fails. Resources in the account's maps are never
// modified in place: put replaces them.
type tx struct {
	a       *Account
	c       Caller
	now     time.Time
	order   []string       // store keys in the order of their first change
	writes  map[string]any // nil deletes
	undo    []func()
	changes []Change
	after   []func() // run after the commit, under the lock
}

// do runs f as a transaction.
func (a *Account) do(c Caller, f func(t *tx) error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return errClosed
	}
	t := &tx{a: a, c: c, now: a.clock.Now().UTC(), writes: map[string]any{}}
	err := f(t)
	if err == nil {
		err = t.commit()
	}
	if err != nil {
		for _, u := range slices.Backward(t.undo) {
			u()
		}
		return err
	}
	a.publish(t.changes)
	for _, f := range t.after {
		f()
	}
	return nil
}

func (t *tx) commit() error {
	writes := make([]write, 0, len(t.order))
	for _, key := range t.order {
		w := write{Key: key}
		if v := t.writes[key]; v != nil && t.a.store.dir != "" {
			raw, err := json.Marshal(v)
			if err != nil {
				return fmt.Errorf("encode %s: %w", key, err)
			}
			w.Value = raw
		}
		writes = append(writes, w)
	}
	return t.a.store.append(writes)
}

// set records a document for the store; nil deletes it.
func (t *tx) set(key string, v any) {
	if _, seen := t.writes[key]; !seen {
		t.order = append(t.order, key)
	}
	t.writes[key] = v
}

// apply changes the account's memory and knows how to take it back.
func (t *tx) apply(do, undo func()) {
	do()
	t.undo = append(t.undo, undo)
}

// put inserts or replaces a resource. The caller must not modify it afterwards.
func (t *tx) put(r *Resource) {
	key := resKey{r.Kind, r.ID}
	old := t.a.lookup(key)
	op := ChangeUpdate
	if old == nil {
		op = ChangeCreate
		t.a.seq++
		r.Seq = t.a.seq
	} else {
		r.Seq = old.Seq
	}
	t.apply(func() { t.a.index(r) }, func() {
		t.a.unindex(r)
		if old != nil {
			t.a.index(old)
		}
	})
	t.set(key.String(), r)
	t.changes = append(t.changes, Change{Kind: r.Kind, ID: r.ID, Op: op, Resource: *r})
}

// edit replaces a resource by a copy that f has changed, if it exists.
func (t *tx) edit(k Kind, id string, f func(r *Resource)) {
	old := t.get(k, id)
	if old == nil {
		return
	}
	r := old.clone()
	f(r)
	t.put(r)
}

func (t *tx) remove(k Kind, id string) {
	key := resKey{k, id}
	old := t.a.lookup(key)
	if old == nil {
		return
	}
	t.apply(func() { t.a.unindex(old) }, func() { t.a.index(old) })
	t.set(key.String(), nil)
	t.changes = append(t.changes, Change{Kind: k, ID: id, Op: ChangeDelete, Resource: *old})
}

func (t *tx) get(k Kind, id string) *Resource { return t.a.lookup(resKey{k, id}) }

// usable is get for references: what is being deleted or has failed cannot be referred to any more.
func (t *tx) usable(k Kind, id string) *Resource {
	r := t.get(k, id)
	if r == nil || r.dying() {
		return nil
	}
	return r
}

// where returns the resources of a kind that match, oldest first.
func (t *tx) where(k Kind, match func(*Resource) bool) []*Resource {
	var out []*Resource
	for _, r := range t.a.tables[k] {
		if match == nil || match(r) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b *Resource) int {
		if a.Seq < b.Seq {
			return -1
		}
		return 1
	})
	return out
}

// first returns any resource of a kind that matches, or nil.
func (t *tx) first(k Kind, match func(*Resource) bool) *Resource {
	for _, r := range t.a.tables[k] {
		if match(r) {
			return r
		}
	}
	return nil
}

func (t *tx) count(k Kind, match func(*Resource) bool) int {
	n := 0
	for _, r := range t.a.tables[k] {
		if match == nil || match(r) {
			n++
		}
	}
	return n
}

func (t *tx) region() string { return orElse(t.c.Region, t.a.opts.Region) }

// arn builds "arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE" in the region of the call.
func (t *tx) arn(service, resource string) string {
	return t.a.arn(service, t.region(), resource)
}

// iamARN builds the ARN of a global IAM entity.
func (t *tx) iamARN(resource string) string {
	return "arn:" + partition(t.region()) + ":iam::" + t.a.opts.AccountID + ":" + resource
}

// made is a resource that AWS itself makes along with another.
func (t *tx) made(k Kind, id, arn, by string, props, attrs Props, tags map[string]string) *Resource {
	return &Resource{
		Kind: k, ID: id, ARN: arn, Name: tags["Name"], Region: t.region(), Props: props, Attrs: attrs, Tags: tags,
		CreatedBy: by, CreatedAt: t.now, State: stateAvailable,
	}
}

// dying reports whether the resource is being deleted or is gone already.
func (r *Resource) dying() bool {
	switch r.State {
	case stateDeleting, stateDELETING, stateShuttingDown, stateTerminated, StatePendingDeletion:
		return true
	}
	return false
}

// live reports whether an instance still exists for AWS's dependency rules.
func (r *Resource) live() bool { return r.State != stateTerminated }
