// SPDX-License-Identifier: Apache-2.0

package account

import (
	"cmp"
	"slices"
	"sync"
)

// Get returns a resource by kind and id.
func (a *Account) Get(k Kind, id string) (Resource, bool) {
	a.ledger.Lock()
	defer a.ledger.Unlock()
	return found(a.lookup(resKey{k, id}))
}

// found is what a caller gets of a resource, nil when there is none.
func found(r *Resource) (Resource, bool) {
	if r == nil {
		return Resource{}, false
	}
	return *r.clone(), true
}

// ByARN returns the resource with an ARN.
func (a *Account) ByARN(arn string) (Resource, bool) {
	a.ledger.Lock()
	defer a.ledger.Unlock()
	key, ok := a.byARN[arn]
	if !ok {
		return Resource{}, false
	}
	return *a.lookup(key).clone(), true
}

// List returns the resources of a kind in the order of their creation, terminated instances included.
func (a *Account) List(k Kind) []Resource { return a.Find(k, nil) }

// Find returns the resources of a kind that match, in the order of their creation. A nil match takes all;
// match must not call the account.
func (a *Account) Find(k Kind, match func(Resource) bool) []Resource {
	a.ledger.Lock()
	defer a.ledger.Unlock()
	out := make([]Resource, 0, len(a.tables[k]))
	for _, r := range a.tables[k] {
		if match == nil || match(*r) {
			out = append(out, *r.clone())
		}
	}
	sortBySeq(out)
	return out
}

func sortBySeq(list []Resource) {
	slices.SortFunc(list, func(x, y Resource) int { return cmp.Compare(x.Seq, y.Seq) })
}

// Inventory returns everything that exists, sorted by kind and id. Terminated instances, which AWS still
// shows for an hour, are not part of it.
func (a *Account) Inventory() []Resource {
	a.ledger.Lock()
	defer a.ledger.Unlock()
	out := []Resource{}
	for _, table := range a.tables {
		for _, r := range table {
			if r.live() {
				out = append(out, *r.clone())
			}
		}
	}
	slices.SortFunc(out, func(x, y Resource) int {
		return cmp.Or(cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.ID, y.ID))
	})
	return out
}

// Subscribe reports changes from now on. The returned function ends the subscription and closes the
// channel, as Close does.
func (a *Account) Subscribe() (<-chan Change, func()) {
	s := newSubscriber()
	a.ledger.Lock()
	defer a.ledger.Unlock()
	if a.ledger.Stopped() {
		s.stop()
		return s.out, func() {}
	}
	a.subs[s] = struct{}{}
	return s.out, func() {
		a.ledger.Lock()
		delete(a.subs, s)
		a.ledger.Unlock()
		s.stop()
	}
}

func (a *Account) publish(changes []Change) {
	for s := range a.subs {
		for _, c := range changes {
			c.Resource = *c.Resource.clone()
			s.add(c)
		}
	}
}

// subscriber queues changes without bound, one per resource: a later change of a resource that has not
// been taken yet replaces the earlier one.
type subscriber struct {
	out  chan Change
	quit chan struct{}
	once sync.Once

	mu     sync.Mutex
	queue  []resKey
	latest map[resKey]Change
	signal chan struct{}
}

func newSubscriber() *subscriber {
	s := &subscriber{
		out: make(chan Change), quit: make(chan struct{}), latest: map[resKey]Change{}, signal: make(chan struct{}, 1),
	}
	go s.pump()
	return s
}

func (s *subscriber) stop() { s.once.Do(func() { close(s.quit) }) }

func (s *subscriber) add(c Change) {
	key := resKey{c.Kind, c.ID}
	s.mu.Lock()
	if old, waiting := s.latest[key]; !waiting {
		s.queue = append(s.queue, key)
	} else if old.Op == ChangeCreate && c.Op == ChangeUpdate {
		c.Op = ChangeCreate
	}
	s.latest[key] = c
	s.mu.Unlock()
	select {
	case s.signal <- struct{}{}:
	default:
	}
}

func (s *subscriber) next() (Change, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		return Change{}, false
	}
	key := s.queue[0]
	s.queue = s.queue[1:]
	c := s.latest[key]
	delete(s.latest, key)
	return c, true
}

func (s *subscriber) pump() {
	defer close(s.out)
	for {
		c, ok := s.next()
		if !ok {
			select {
			case <-s.signal:
				continue
			case <-s.quit:
				return
			}
		}
		select {
		case s.out <- c:
		case <-s.quit:
			return
		}
	}
}
