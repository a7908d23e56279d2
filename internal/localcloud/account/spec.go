// SPDX-License-Identifier: Apache-2.0

package account

import (
	"context"
	"emrflink/internal/localcloud/awserror"
	"maps"
	"net/http"
	"slices"
	"time"
)

// spec is the rule of a kind. Functions with a tx run under the account's lock; start and stop do not.
type spec struct {
	missing func(id string) *awserror.Error // the answer when there is none with that id

	refs    []ref
	refused []string // properties that are not simulated: refused unless empty
	fixed   []string // properties that AWS cannot change in place, of a kind that the replacement table does not have

	// check refuses bad values, duplicates and exceeded quotas. self is the id on update, else empty.
	check func(t *tx, p Props, self string) error
	// make sets ID, ARN, Name and Attrs, HourlyUSD where more than the kind decides it, and makes what comes along at once.
	make func(t *tx, r *Resource) error
	// ready runs when the resource has become usable.
	ready func(t *tx, r *Resource) error
	// update runs on the new version of the resource; its Props are the requested ones.
	update func(t *tx, old, r *Resource) error
	// blocked says why AWS refuses the deletion.
	blocked func(t *tx, r *Resource) error
	// gone takes along what AWS deletes with the resource. The resource itself is removed afterwards.
	gone func(t *tx, r *Resource)
	// lingers makes of a deleted resource what AWS keeps of it for days, in place of its removal.
	lingers func(t *tx, r *Resource)

	// start does the work of creation outside the account; what it returns is applied when done.
	start func(ctx context.Context, a *Account, r Resource) (func(t *tx, r *Resource), error)
	// change does the work of an update outside the account.
	change func(ctx context.Context, a *Account, old, r Resource) error
	// stop does the work of deletion outside the account.
	stop func(ctx context.Context, a *Account, r Resource) error

	pending, usable, deleting, failed string                          // AWS's words; empty when there is no such state
	creates, deletes                  func(r *Resource) time.Duration // what the catalogue says, unless set
}

// ref is a property that names other resources.
type ref struct {
	path     string // may be nested, may be a list
	kind     Kind
	required bool
	byARN    bool                               // the value is an ARN (or, for roles, a name)
	weak     bool                               // AWS lets the target be deleted before this resource
	lost     func(value string) *awserror.Error // the answer when it does not exist; the kind's own when nil
}

// lasts is a constant duration.
func lasts(d time.Duration) func(*Resource) time.Duration {
	return func(*Resource) time.Duration { return d }
}

// allKinds is the rule book.
func allKinds() map[Kind]*spec {
	out := map[Kind]*spec{}
	for _, group := range []map[Kind]*spec{
		networkKinds(), routeKinds(), securityKinds(), computeKinds(), roleKinds(), policyKinds(),
		clusterKinds(), nodeKinds(), accessKinds(), podIdentityKinds(), bucketKinds(), messagingKinds(), balancerKinds(),
		keyKinds(), tagKinds(),
	} {
		maps.Copy(out, group)
	}
	for k, s := range out {
		if s.pending == "" {
			continue
		}
		if s.creates == nil {
			s.creates = lasts(rowOf(k).Create)
		}
		s.deletes = lasts(rowOf(k).Delete)
	}
	return out
}

func (a *Account) spec(k Kind) (*spec, error) {
	if s := a.kinds[k]; s != nil {
		return s, nil
	}
	return nil, awserror.Status(http.StatusNotImplemented, "NotImplemented",
		"the local account does not simulate resources of kind %q", k)
}

// missing is the AWS error for an id that does not exist.
func (a *Account) missing(k Kind, id string) error { return a.kinds[k].missing(id) }

// resolve finds the target of a reference.
func (t *tx) resolve(rf ref, v string) *Resource {
	if rf.byARN {
		if rf.kind == KindRole {
			return t.role(v)
		}
		key, ok := t.a.byARN[v]
		if !ok || key.kind != rf.kind {
			return nil
		}
		return t.usable(key.kind, key.id)
	}
	return t.usable(rf.kind, v)
}

func (t *tx) checkProps(k Kind, s *spec, p Props, self string) error {
	for _, name := range s.refused {
		if !isZero(Value(p, name)) {
			return awserror.Status(http.StatusNotImplemented, "NotImplemented",
				"the local account does not simulate property %q of %s", name, k)
		}
	}
	for _, rf := range s.refs {
		values := strs(p, rf.path)
		if rf.required && len(values) == 0 {
			return awserror.Bad("MissingParameter", "The request must contain the parameter %s", rf.path)
		}
		for _, v := range values {
			if t.resolve(rf, v) != nil {
				continue
			}
			if rf.lost != nil {
				return rf.lost(v)
			}
			return t.a.missing(rf.kind, v)
		}
	}
	if s.check == nil {
		return nil
	}
	return s.check(t, p, self)
}

// begin makes a resource in its transitional state.
func (t *tx) begin(k Kind, s *spec, p Props) (*Resource, error) {
	if err := t.checkProps(k, s, p, ""); err != nil {
		return nil, err
	}
	r := &Resource{
		Kind: k, Region: t.region(), Props: p, Attrs: Props{}, Tags: tagsOf(p),
		CreatedBy: orElse(t.c.Via, ByUser), CreatedAt: t.Now, State: s.pending, HourlyUSD: hourly(k),
	}
	if err := s.make(t, r); err != nil {
		return nil, err
	}
	if r.Name == "" {
		r.Name = r.Tags["Name"]
	}
	t.put(r)
	return r, nil
}

// complete turns a resource from its transitional into its usable state.
func (t *tx) complete(s *spec, r *Resource, outcome func(*tx, *Resource)) error {
	n := r.clone()
	if outcome != nil {
		outcome(t, n)
	}
	if s.usable != "" {
		n.become(s.usable)
	}
	if s.ready != nil {
		if err := s.ready(t, n); err != nil {
			return err
		}
	}
	t.put(n)
	return nil
}

// become sets the state, also where reads show it.
func (r *Resource) become(state string) {
	r.State = state
	for _, name := range []string{"status", "state", "instanceState"} {
		if r.Attrs[name] != nil {
			r.Attrs[name] = state
		}
	}
}

// destroy removes a resource and what goes with it.
func (t *tx) destroy(r *Resource) {
	s := t.a.kinds[r.Kind]
	if s.gone != nil {
		s.gone(t, r)
	}
	if s.lingers != nil {
		n := r.clone()
		s.lingers(t, n)
		t.put(n)
		return
	}
	t.remove(r.Kind, r.ID)
}

// destroyWhere destroys all resources of a kind that match.
func (t *tx) destroyWhere(k Kind, match func(*Resource) bool) {
	for _, r := range t.where(k, match) {
		t.destroy(r)
	}
}

// tagsOf reads the tags of a request: the provider's "tagsAll" when it is there, else "tags".
func tagsOf(p Props) map[string]string {
	tags := stringMap(p, "tagsAll")
	if tags == nil {
		tags = stringMap(p, "tags")
	}
	delete(p, "tagsAll")
	if tags == nil {
		tags = map[string]string{}
	}
	return tags
}

// uses reports whether a list property of r has v.
func (r *Resource) uses(path, v string) bool { return slices.Contains(strs(r.Props, path), v) }

// dependency is EC2's refusal to delete what others need.
func dependency(format string, args ...any) *awserror.Error {
	return awserror.Bad("DependencyViolation", format, args...)
}
