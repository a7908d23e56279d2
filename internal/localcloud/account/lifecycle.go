// SPDX-License-Identifier: Apache-2.0

package account

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"emrflink/internal/awskind"
	"emrflink/internal/localcloud/awserror"
	"emrflink/internal/localcloud/ledger"
	"emrflink/internal/replacement"
)

// operation is a creation or deletion under way. err is set before done is closed.
type operation struct {
	done chan struct{}
	err  error
}

// Create makes a resource and returns when it is usable. When ctx ends first, the creation goes on and
// ctx's error is returned; Wait joins it again. Refusals are *awserror.Error.
func (a *Account) Create(ctx context.Context, c Caller, k Kind, p Props) (Resource, error) {
	s, err := a.spec(k)
	if err != nil {
		return Resource{}, err
	}
	props, err := normalise(p)
	if err != nil {
		return Resource{}, err
	}
	if err := a.fault(ctx, "create", k, nameOf(props)); err != nil {
		return Resource{}, err
	}
	if k == KindInstance {
		return a.createInstance(ctx, c, props)
	}
	var id string
	var op *operation
	err = a.do(c, func(t *tx) error {
		r, err := t.begin(k, s, props)
		if err != nil {
			return err
		}
		id = r.ID
		wait := a.createTime(s, r)
		if wait <= 0 && s.start == nil {
			return t.complete(s, r, nil)
		}
		t.After(func() {
			op = a.launch(resKey{k, id},
				func() error { return a.finishCreate(s, *r.clone(), wait) })
		})
		return nil
	})
	if err != nil {
		return Resource{}, err
	}
	return a.outcome(ctx, op, k, id)
}

// outcome waits for an operation (nil: none) and reads the resource.
func (a *Account) outcome(ctx context.Context, op *operation, k Kind, id string) (Resource, error) {
	if op != nil {
		select {
		case <-op.done:
			if op.err != nil {
				return Resource{}, op.err
			}
		case <-ctx.Done():
			return Resource{}, fmt.Errorf("wait for %s %q: %w", k, id, ctx.Err())
		}
	}
	r, ok := a.Get(k, id)
	if !ok {
		return Resource{}, a.missing(k, id)
	}
	return r, nil
}

// launch runs an operation on the account's own time. It is called under the lock.
func (a *Account) launch(key resKey, f func() error) *operation {
	op := &operation{done: make(chan struct{})}
	a.inflight[key] = op
	a.wg.Go(func() {
		err := f()
		a.ledger.Lock()
		op.err = err
		if a.inflight[key] == op {
			delete(a.inflight, key)
		}
		a.ledger.Unlock()
		close(op.done)
	})
	return op
}

func (a *Account) createTime(s *spec, r *Resource) time.Duration {
	if s.creates == nil {
		return 0
	}
	return a.scaled(s.creates(r))
}

// finishCreate does the work of a creation and takes AWS's time for it.
func (a *Account) finishCreate(s *spec, r Resource, wait time.Duration) error {
	began := a.ledger.Clock.Now()
	var outcome func(*tx, *Resource)
	var workErr error
	if s.start != nil {
		outcome, workErr = s.start(a.ctx, a, r)
	}
	if a.ctx.Err() != nil {
		return ledger.ErrClosed // left in its transitional state: completed after the next Open
	}
	if workErr == nil {
		if err := a.ledger.Clock.Sleep(a.ctx, wait-a.ledger.Clock.Now().Sub(began)); err != nil {
			return ledger.ErrClosed
		}
	}
	err := a.do(Caller{Via: r.CreatedBy, Region: r.Region}, func(t *tx) error {
		now := t.get(r.Kind, r.ID)
		if now == nil {
			return a.missing(r.Kind, r.ID)
		}
		if workErr == nil {
			return t.complete(s, now, outcome)
		}
		t.edit(r.Kind, r.ID, func(n *Resource) { n.fail(s, workErr) })
		return nil
	})
	return errors.Join(workErr, err)
}

// fail leaves a resource in its failed state with the reason.
func (r *Resource) fail(s *spec, cause error) {
	r.become(orElse(s.failed, stateFAILED))
	code := orElse(awserror.Code(cause), "InternalFailure")
	r.Attrs["healthIssues"] = []any{Props{"code": code, "message": cause.Error()}}
}

// Update changes a resource in place: p are all of its properties, as in Create.
func (a *Account) Update(ctx context.Context, c Caller, k Kind, id string, p Props) (Resource, error) {
	s, err := a.spec(k)
	if err != nil {
		return Resource{}, err
	}
	props, err := normalise(p)
	if err != nil {
		return Resource{}, err
	}
	if err := a.fault(ctx, "update", k, id); err != nil {
		return Resource{}, err
	}
	var before, after *Resource
	err = a.do(c, func(t *tx) error {
		before = t.usable(k, id)
		if before == nil {
			return a.missing(k, id)
		}
		t.c.Region = before.Region
		after, err = t.change(s, before, props)
		return err
	})
	if err != nil {
		return Resource{}, err
	}
	if s.change != nil {
		if err := s.change(ctx, a, *before.clone(), *after.clone()); err != nil {
			return Resource{}, err
		}
	}
	return a.outcome(ctx, nil, k, id)
}

// sameValue compares JSON values; lists of strings are compared as sets.
func sameValue(x, y any) bool {
	a, b := strs(Props{"v": x}, "v"), strs(Props{"v": y}, "v")
	if len(a) > 1 && len(a) == len(b) {
		slices.Sort(a)
		slices.Sort(b)
		return slices.Equal(a, b)
	}
	return reflect.DeepEqual(x, y)
}

// immutable names a property that AWS cannot change in place and that p changes, "" when there is none. Previews read the
// same table. What p leaves out stays as it is.
func (s *spec) immutable(old *Resource, p Props) string {
	rows := replacement.Rows(rowOf(old.Kind).Type)
	for _, name := range s.fixed {
		rows = append(rows, replacement.Row{Property: name})
	}
	for _, row := range rows {
		was, is := Value(old.Props, row.Property), Value(p, row.Property)
		if isZero(is) || sameValue(was, is) || sameValue(Value(old.Attrs, row.Property), is) {
			continue
		}
		if replacement.Covers([]replacement.Row{row}, row.Property, isZero(was), false) {
			return row.Property
		}
	}
	return ""
}

func (t *tx) change(s *spec, old *Resource, p Props) (*Resource, error) {
	if name := s.immutable(old, p); name != "" {
		return nil, awserror.Bad("InvalidParameterValue", "%s of %s %q cannot be changed in place", name, old.Kind, old.ID)
	}
	if err := t.checkProps(old.Kind, s, p, old.ID); err != nil {
		return nil, err
	}
	r := old.clone()
	r.Tags = tagsOf(p)
	r.Props = p
	if rowOf(r.Kind).Tags == awskind.NamedByTag {
		r.Name = r.Tags["Name"]
	}
	if s.update != nil {
		if err := s.update(t, old, r); err != nil {
			return nil, err
		}
	}
	t.put(r)
	return r, nil
}

// Delete removes a resource and returns when it is gone. A deletion that is under way already is joined;
// a creation under way is waited for first. When ctx ends first, the deletion goes on.
func (a *Account) Delete(ctx context.Context, c Caller, k Kind, id string) error {
	s, err := a.spec(k)
	if err != nil {
		return err
	}
	if err := a.fault(ctx, "delete", k, id); err != nil {
		return err
	}
	if err := a.settle(ctx, resKey{k, id}); err != nil {
		return err
	}
	if k == KindInstance {
		return a.deleteInstance(ctx, c, id)
	}
	var op *operation
	err = a.do(c, func(t *tx) error {
		r := t.get(k, id)
		if r == nil {
			return a.missing(k, id)
		}
		if op = a.inflight[resKey{k, id}]; op != nil {
			return nil
		}
		t.c.Region = r.Region
		return a.beginDelete(t, s, r, &op)
	})
	if err != nil || op == nil {
		return err
	}
	select {
	case <-op.done:
		return op.err
	case <-ctx.Done():
		return fmt.Errorf("wait for the deletion of %s %q: %w", k, id, ctx.Err())
	}
}

// settle waits for the creation of a resource that is under way.
func (a *Account) settle(ctx context.Context, key resKey) error {
	a.ledger.Lock()
	op, r := a.inflight[key], a.lookup(key)
	a.ledger.Unlock()
	if op == nil || r == nil || r.dying() {
		return nil
	}
	select {
	case <-op.done: // a creation that failed can be deleted all the same
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the creation of %s %q: %w", key.kind, key.id, ctx.Err())
	}
}

func (a *Account) beginDelete(t *tx, s *spec, r *Resource, op **operation) error {
	if s.blocked != nil {
		if err := s.blocked(t, r); err != nil {
			return err
		}
	}
	var wait time.Duration
	if s.deletes != nil {
		wait = a.scaled(s.deletes(r))
	}
	if wait <= 0 && s.stop == nil {
		t.destroy(r)
		return nil
	}
	n := r.clone()
	n.become(orElse(s.deleting, stateDeleting))
	t.put(n)
	t.After(func() {
		*op = a.launch(resKey{r.Kind, r.ID}, func() error { return a.finishDelete(s, *n.clone(), wait) })
	})
	return nil
}

func (a *Account) finishDelete(s *spec, r Resource, wait time.Duration) error {
	began := a.ledger.Clock.Now()
	if s.stop != nil {
		if err := s.stop(a.ctx, a, r); err != nil && a.ctx.Err() == nil {
			return fmt.Errorf("delete %s %q: %w", r.Kind, r.ID, err)
		}
	}
	if err := a.ledger.Clock.Sleep(a.ctx, wait-a.ledger.Clock.Now().Sub(began)); err != nil {
		return ledger.ErrClosed
	}
	return a.do(Caller{Via: r.CreatedBy, Region: r.Region}, func(t *tx) error {
		if now := t.get(r.Kind, r.ID); now != nil {
			t.destroy(now)
		}
		return nil
	})
}

// Wait returns when no creation or deletion of the resource is under way, with that operation's error.
func (a *Account) Wait(ctx context.Context, k Kind, id string) error {
	a.ledger.Lock()
	op := a.inflight[resKey{k, id}]
	a.ledger.Unlock()
	if op == nil {
		return nil
	}
	select {
	case <-op.done:
		return op.err
	case <-ctx.Done():
		return fmt.Errorf("wait for %s %q: %w", k, id, ctx.Err())
	}
}

// SetTags sets and removes tags of a resource. The resource's "tags" property follows, so that a change
// made behind a tool's back shows as drift.
func (a *Account) SetTags(k Kind, id string, set map[string]string, remove []string) error {
	if _, err := a.spec(k); err != nil {
		return err
	}
	return a.do(Caller{}, func(t *tx) error {
		if t.get(k, id) == nil {
			return a.missing(k, id)
		}
		t.edit(k, id, func(r *Resource) {
			maps.Copy(r.Tags, set)
			tags, _ := r.Props["tags"].(map[string]any)
			if tags == nil {
				tags = Props{}
			}
			for key, v := range set {
				tags[key] = v
			}
			for _, key := range remove {
				delete(r.Tags, key)
				delete(tags, key)
			}
			r.Props["tags"] = tags
			if name, ok := set["Name"]; ok && rowOf(k).Tags == awskind.NamedByTag {
				r.Name = name
			}
		})
		return nil
	})
}

// nameOf is the name by which a request can be recognised before there is an id.
func nameOf(p Props) string {
	return orElse(str(p, "name"), str(p, "bucket"), str(p, "nodeGroupName"), str(p, "addonName"), str(p, "tags.Name"))
}
