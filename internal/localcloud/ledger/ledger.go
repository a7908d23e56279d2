// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// ErrClosed is the answer of a ledger that takes no more transactions.
var ErrClosed = errors.New("the account is closed")

// Section is whose document a key belongs to: the part of the key before the first slash. The names are part of the format of
// the files.
type Section string

// The sections of a state.
const (
	Resources   Section = "resource"
	Objects     Section = "object"
	Messages    Section = "message"
	Logs        Section = "log"
	Credentials Section = "credential"
	Flushes     Section = "flush"
	Uploads     Section = "upload"
	Parts       Section = "part"
)

// Key is the key of a document of the section.
func (s Section) Key(id string) string { return string(s) + "/" + id }

// Ledger is safe for concurrent use. Whoever reads what transactions change takes its lock; within a transaction it is held.
type Ledger struct {
	sync.Mutex
	Clock Clock

	stopped bool
	done    chan struct{} // closed when no more transactions are taken
	store   *store
	seq     uint64
	resets  []func()
}

// Open reads the state of a directory; an empty one keeps nothing beyond the life of the process. A state that is corrupt,
// unreadable or in use is a [*StateError]; nothing is overwritten then.
func Open(dir string, c Clock) (*Ledger, error) {
	if c == nil {
		c = realClock{}
	}
	st, err := openStore(dir)
	if err != nil {
		return nil, err
	}
	l := &Ledger{Clock: c, store: st, done: make(chan struct{})}
	known := []Section{Resources, Objects, Messages, Logs, Credentials, Flushes, Uploads, Parts}
	for _, key := range st.keys() {
		if section, _, _ := strings.Cut(key, "/"); !slices.Contains(known, Section(section)) {
			return nil, errors.Join(l.unreadable(fmt.Errorf("unknown entry %q", key)), st.closeFiles())
		}
	}
	return l, nil
}

// Restore gives load every document of a section, in the order of the keys. reset, which may be nil, is called when the ledger
// is emptied.
func (l *Ledger) Restore(s Section, load func(raw json.RawMessage) error, reset func()) error {
	if reset != nil {
		l.resets = append(l.resets, reset)
	}
	for _, key := range l.store.keys() {
		if !strings.HasPrefix(key, s.Key("")) {
			continue
		}
		if err := load(l.store.data[key]); err != nil {
			return l.unreadable(fmt.Errorf("entry %q: %w", key, err))
		}
	}
	return nil
}

func (l *Ledger) unreadable(err error) error { return l.store.bad(l.store.path(snapshotFile), err) }

// Seen tells the ledger of a number that [Tx.Next] gave before the last restart.
func (l *Ledger) Seen(seq uint64) { l.seq = max(l.seq, seq) }

// Dir is the directory of the state, empty when it is kept in memory only.
func (l *Ledger) Dir() string { return l.store.dir }

// Stopped reports whether no more transactions are taken. The caller holds the lock.
func (l *Ledger) Stopped() bool { return l.stopped }

// Stopping is closed when no more transactions are taken, for those who wait for something that a transaction would bring.
func (l *Ledger) Stopping() <-chan struct{} { return l.done }

// Stop refuses transactions from now on. It reports whether it was the first call that did so.
func (l *Ledger) Stop() bool {
	l.Lock()
	defer l.Unlock()
	if l.stopped {
		return false
	}
	l.stopped = true
	close(l.done)
	return true
}

// Break makes every transaction fail with an error, as a disk that is full does; nil mends it.
func (l *Ledger) Break(err error) {
	l.Lock()
	defer l.Unlock()
	l.store.broken = err
}

// BeforeSync has f called before what was written comes to the disk, so that files which documents name come there first.
func (l *Ledger) BeforeSync(f func() error) { l.store.before = f }

// Sync brings the journal to the disk: what was written before survives a power failure, too.
func (l *Ledger) Sync() error {
	if err := l.store.syncFiles(); err != nil { // most of them without holding everybody up
		return err
	}
	l.Lock()
	defer l.Unlock()
	return l.store.sync()
}

// Close writes a snapshot and gives the directory free.
func (l *Ledger) Close() error {
	l.Lock()
	defer l.Unlock()
	return l.store.close()
}

// Abandon gives the directory free and leaves its files as they are.
func (l *Ledger) Abandon() error { return l.store.closeFiles() }

// Tx is one atomic change, made under the ledger's lock. Changes in memory are visible at once to the code that makes them and
// are taken back when the transaction fails.
type Tx struct {
	Now time.Time

	l      *Ledger
	order  []string       // keys in the order of their first change
	writes map[string]any // nil deletes
	undo   []func()
	after  []func()
}

// Do runs f as a transaction. When f fails, or its documents cannot be written, everything is as before.
func (l *Ledger) Do(f func(t *Tx) error) error {
	l.Lock()
	defer l.Unlock()
	if l.stopped {
		return ErrClosed
	}
	t := &Tx{l: l, Now: l.Clock.Now().UTC(), writes: map[string]any{}}
	err := f(t)
	if err == nil {
		err = t.commit()
	}
	if err != nil {
		for _, undo := range slices.Backward(t.undo) {
			undo()
		}
		return err
	}
	for _, then := range t.after {
		then()
	}
	return nil
}

func (t *Tx) commit() error {
	writes := make([]write, 0, len(t.order))
	for _, key := range t.order {
		w := write{Key: key}
		if v := t.writes[key]; v != nil && t.l.store.dir != "" {
			raw, err := json.Marshal(v)
			if err != nil {
				return fmt.Errorf("encode %s: %w", key, err)
			}
			w.Value = raw
		}
		writes = append(writes, w)
	}
	return t.l.store.append(writes)
}

// Next is a number larger than all before, for the order of what is made.
func (t *Tx) Next() uint64 {
	t.l.seq++
	return t.l.seq
}

// Set records the document of a key; nil deletes it.
func (t *Tx) Set(key string, v any) {
	if _, seen := t.writes[key]; !seen {
		t.order = append(t.order, key)
	}
	t.writes[key] = v
}

// Apply changes memory, and knows how to take the change back.
func (t *Tx) Apply(do, undo func()) {
	do()
	t.undo = append(t.undo, undo)
}

// After runs f once the transaction is written, still under the lock.
func (t *Tx) After(f func()) { t.after = append(t.after, f) }

// Reset deletes every document, and empties the memory of all sections once that is written.
func (t *Tx) Reset() {
	for _, key := range t.l.store.keys() {
		t.Set(key, nil)
	}
	for _, reset := range t.l.resets {
		t.After(reset)
	}
}
