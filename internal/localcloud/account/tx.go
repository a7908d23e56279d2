// SPDX-License-Identifier: Apache-2.0

package account

import (
	"slices"

	"emrflink/internal/localcloud/ledger"
)

// resKey identifies a resource.
type resKey struct {
	kind Kind
	id   string
}

// String is the key in the ledger.
func (k resKey) String() string { return ledger.Resources.Key(string(k.kind) + "/" + k.id) }

// tx is one atomic change of the account. Resources in the account's maps are never modified in place: put replaces them. One
// that only reads has no ledger transaction.
type tx struct {
	*ledger.Tx
	a       *Account
	c       Caller
	changes []Change
}

// do runs f as a transaction.
func (a *Account) do(c Caller, f func(t *tx) error) error {
	return a.ledger.Do(func(changing *ledger.Tx) error {
		t := &tx{Tx: changing, a: a, c: c}
		t.After(func() { a.publish(t.changes) })
		return f(t)
	})
}

// put inserts or replaces a resource. The caller must not modify it afterwards.
func (t *tx) put(r *Resource) {
	key := resKey{r.Kind, r.ID}
	old := t.a.lookup(key)
	op := ChangeUpdate
	if old == nil {
		op = ChangeCreate
		r.Seq = t.Next()
	} else {
		r.Seq = old.Seq
	}
	t.Apply(func() { t.a.index(r) }, func() {
		t.a.unindex(r)
		if old != nil {
			t.a.index(old)
		}
	})
	t.Set(key.String(), r)
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
	t.Apply(func() { t.a.unindex(old) }, func() { t.a.index(old) })
	t.Set(key.String(), nil)
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
	return "arn:" + PartitionOf(t.region()) + ":iam::" + t.a.opts.AccountID + ":" + resource
}

// made is a resource that AWS itself makes along with another.
func (t *tx) made(k Kind, id, arn, by string, props, attrs Props, tags map[string]string) *Resource {
	return &Resource{
		Kind: k, ID: id, ARN: arn, Name: tags["Name"], Region: t.region(), Props: props, Attrs: attrs, Tags: tags,
		CreatedBy: by, CreatedAt: t.Now, State: stateAvailable,
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
