// SPDX-License-Identifier: Apache-2.0

// Package logs keeps the events of the simulated account's CloudWatch log groups. Whether a group exists, it asks the account.
package logs

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"emrflink/internal/localcloud/awserror"
	"emrflink/internal/localcloud/ledger"
)

// Event is one line of a CloudWatch log stream.
type Event struct {
	Stream    string
	Timestamp time.Time
	Message   string
	Ingested  time.Time `json:"-"` // when the call was that brought it; zero in older states
}

// KeepEvents bounds what a log group keeps; older events are dropped.
const KeepEvents = 20_000

// Store holds the events of all log groups. It is safe for concurrent use.
type Store struct {
	ledger  *ledger.Ledger
	exists  func(group string) bool // called with the ledger's lock held
	batches map[string][]*batch     // by group, oldest first
}

// New reads the events of a ledger.
func New(l *ledger.Ledger, exists func(group string) bool) (*Store, error) {
	s := &Store{ledger: l, exists: exists}
	s.clear()
	if err := l.Restore(ledger.Logs, s.restore, s.clear); err != nil {
		return nil, err
	}
	for _, batches := range s.batches {
		slices.SortFunc(batches, func(x, y *batch) int { return cmp.Compare(x.Seq, y.Seq) })
	}
	return s, nil
}

func (s *Store) clear() { s.batches = map[string][]*batch{} }

// NoSuchGroup is CloudWatch Logs' answer for a log group that does not exist.
func NoSuchGroup(string) *awserror.Error {
	return awserror.Bad("ResourceNotFoundException", "The specified log group does not exist.")
}

// batch is what one call put into a stream.
type batch struct {
	Group  string    `json:"group"`
	Stream string    `json:"stream"`
	Events []Event   `json:"events"`
	Seq    uint64    `json:"seq"`
	At     time.Time `json:"at,omitzero"` // when the call was; older states do not say
}

func (b *batch) storeKey() string { return ledger.Logs.Key(fmt.Sprintf("%s/%020d", b.Group, b.Seq)) }

func (s *Store) restore(raw json.RawMessage) error {
	var b batch
	if err := json.Unmarshal(raw, &b); err != nil {
		return err
	}
	s.batches[b.Group] = append(s.batches[b.Group], &b)
	s.ledger.Seen(b.Seq)
	return nil
}

// Put appends events to a stream, which is made when it is new. The group must exist.
func (s *Store) Put(group, stream string, events []Event) error {
	if err := checkName(stream); err != nil || len(events) == 0 {
		return err
	}
	return s.put(group, stream, events, false)
}

func checkName(stream string) error {
	if stream == "" || strings.ContainsAny(stream, ":*") {
		return awserror.Bad("InvalidParameterException", "Value %q at 'logStreamName' is not valid", stream)
	}
	return nil
}

// Create makes a stream without events.
func (s *Store) Create(group, stream string) error {
	if err := checkName(stream); err != nil {
		return err
	}
	return s.put(group, stream, nil, true)
}

// Has tells whether a group has a stream. One whose last events were dropped is gone.
func (s *Store) Has(group, stream string) bool {
	s.ledger.Lock()
	defer s.ledger.Unlock()
	return s.has(group, stream)
}

func (s *Store) has(group, stream string) bool {
	return slices.ContainsFunc(s.batches[group], func(b *batch) bool { return b.Stream == stream })
}

func (s *Store) put(group, stream string, events []Event, create bool) error {
	return s.ledger.Do(func(t *ledger.Tx) error {
		if !s.exists(group) {
			return NoSuchGroup(group)
		}
		if create && s.has(group, stream) {
			return awserror.Bad("ResourceAlreadyExistsException", "The specified log stream already exists")
		}
		b := &batch{Group: group, Stream: stream, Events: slices.Clone(events), Seq: t.Next(), At: t.Now}
		old := s.batches[group]
		kept := append(slices.Clone(old), b)
		for total := countEvents(kept); total > KeepEvents && len(kept) > 1; kept = kept[1:] {
			total -= len(kept[0].Events)
			t.Set(kept[0].storeKey(), nil)
		}
		t.Apply(func() { s.batches[group] = kept }, func() { s.batches[group] = old })
		t.Set(b.storeKey(), b)
		return nil
	})
}

func countEvents(batches []*batch) int {
	n := 0
	for _, b := range batches {
		n += len(b.Events)
	}
	return n
}

// Events returns the events of the streams with a prefix, oldest first. At most the last 20,000 events
// of a group are kept.
func (s *Store) Events(group, streamPrefix string) ([]Event, error) {
	s.ledger.Lock()
	defer s.ledger.Unlock()
	if !s.exists(group) {
		return nil, NoSuchGroup(group)
	}
	out := []Event{}
	for _, b := range s.batches[group] {
		if !strings.HasPrefix(b.Stream, streamPrefix) {
			continue
		}
		for _, e := range b.Events {
			e.Stream, e.Ingested = b.Stream, b.At
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, func(x, y Event) int { return x.Timestamp.Compare(y.Timestamp) })
	return out, nil
}

// Stream is a log stream with the times of its calls and events; those of a stream without events are zero.
type Stream struct {
	Name              string
	Created, Ingested time.Time // its first call, and the last that brought events
	First, Last       time.Time // its events
}

// Streams returns the streams of a group whose names have a prefix, in the order of their names.
func (s *Store) Streams(group, prefix string) ([]Stream, error) {
	s.ledger.Lock()
	defer s.ledger.Unlock()
	if !s.exists(group) {
		return nil, NoSuchGroup(group)
	}
	found := map[string]*Stream{}
	for _, b := range s.batches[group] {
		if !strings.HasPrefix(b.Stream, prefix) {
			continue
		}
		if found[b.Stream] == nil {
			found[b.Stream] = &Stream{Name: b.Stream, Created: b.At}
		}
		found[b.Stream].add(b)
	}
	out := make([]Stream, 0, len(found))
	for _, name := range slices.Sorted(maps.Keys(found)) {
		out = append(out, *found[name])
	}
	return out, nil
}

func (s *Stream) add(b *batch) {
	for _, e := range b.Events {
		s.Ingested = b.At
		if s.First.IsZero() || e.Timestamp.Before(s.First) {
			s.First = e.Timestamp
		}
		if e.Timestamp.After(s.Last) {
			s.Last = e.Timestamp
		}
	}
}

// Drop removes the events of a group that is deleted.
func (s *Store) Drop(t *ledger.Tx, group string) {
	old := s.batches[group]
	for _, b := range old {
		t.Set(b.storeKey(), nil)
	}
	t.Apply(func() { delete(s.batches, group) }, func() { s.batches[group] = old })
}
