// SPDX-License-Identifier: Apache-2.0

// Package queues keeps the messages of the simulated account's SQS queues. Whether a queue exists, and its times, it asks the
// account.
package queues

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"emrflink/internal/localcloud/awserror"
	"emrflink/internal/localcloud/awsid"
	"emrflink/internal/localcloud/ledger"
)

// Message is a received SQS message. Receipt is valid until the message becomes visible again.
type Message struct {
	ID, Body, Receipt string
	SentAt, FirstAt   time.Time // when it was sent, and first received
	Attempt           int       // how often it has been received, this time included
}

// Queue is what the messages need to know of their queue.
type Queue struct {
	Delay       time.Duration // before a message can be received
	Retention   time.Duration // how long a message is kept
	Visibility  time.Duration // how long a received message is hidden
	ReceiveWait time.Duration // of a call that does not say how long it waits
}

// Store holds the messages of all queues. It is safe for concurrent use.
type Store struct {
	ledger *ledger.Ledger
	queue  func(url string) (q Queue, exists bool) // called with the ledger's lock held
	queues map[string]*queue
	wake   chan struct{} // closed and replaced when a message arrives
}

// New reads the messages of a ledger.
func New(l *ledger.Ledger, of func(url string) (Queue, bool)) (*Store, error) {
	s := &Store{ledger: l, queue: of, wake: make(chan struct{})}
	s.clear()
	return s, l.Restore(ledger.Messages, s.restore, s.clear)
}

func (s *Store) clear() { s.queues = map[string]*queue{} }

// maxMessageBody is SQS's limit in bytes.
const maxMessageBody = 262144

// message is a message in a queue. Only what is exported is kept in the state: after a restart every
// message is visible again, which at-least-once delivery allows.
type message struct {
	Queue string    `json:"queue"`
	ID    string    `json:"id"`
	Body  string    `json:"body"`
	Sent  time.Time `json:"sent"`
	Seq   uint64    `json:"seq"`

	visible  time.Time // not to be received before
	first    time.Time // received
	receipt  string
	attempts int
}

type queue struct{ messages []*message } // oldest first

func (m *message) storeKey() string { return ledger.Messages.Key(m.Queue + "/" + m.ID) }

func (s *Store) restore(raw json.RawMessage) error {
	var m message
	if err := json.Unmarshal(raw, &m); err != nil {
		return err
	}
	s.queueOf(m.Queue).add(&m)
	s.ledger.Seen(m.Seq)
	return nil
}

func (s *Store) queueOf(url string) *queue {
	q := s.queues[url]
	if q == nil {
		q = &queue{}
		s.queues[url] = q
	}
	return q
}

func (q *queue) add(m *message) {
	q.messages = append(q.messages, m)
	slices.SortFunc(q.messages, func(x, y *message) int { return cmp.Compare(x.Seq, y.Seq) })
}

func (q *queue) drop(m *message) {
	q.messages = slices.DeleteFunc(q.messages, func(x *message) bool { return x == m })
}

// NoSuchQueue is SQS's answer for a queue that does not exist.
func NoSuchQueue(string) *awserror.Error {
	return awserror.Bad("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
}

// Deliver puts a message into a queue as part of a transaction.
func (s *Store) Deliver(t *ledger.Tx, url, body string) {
	m := &message{Queue: url, ID: awsid.UUID(), Body: body, Sent: t.Now, Seq: t.Next()}
	if q, ok := s.queue(url); ok {
		m.visible = t.Now.Add(q.Delay)
	}
	t.Apply(func() { s.queueOf(url).add(m) }, func() { s.queueOf(url).drop(m) })
	t.Set(m.storeKey(), m)
	t.After(s.wakeAll)
}

func (s *Store) discard(t *ledger.Tx, m *message) {
	t.Apply(func() { s.queueOf(m.Queue).drop(m) }, func() { s.queueOf(m.Queue).add(m) })
	t.Set(m.storeKey(), nil)
}

// Purge removes the messages of a queue that is deleted.
func (s *Store) Purge(t *ledger.Tx, url string) {
	for _, m := range slices.Clone(s.queueOf(url).messages) {
		s.discard(t, m)
	}
	t.After(func() { delete(s.queues, url) })
}

// Send puts a message into a queue.
func (s *Store) Send(queueURL, body string) error {
	if body == "" || len(body) > maxMessageBody {
		return awserror.Bad("InvalidParameterValue",
			"One or more parameters are invalid. Reason: Message must have 1 to %d bytes, not %d.", maxMessageBody, len(body))
	}
	return s.ledger.Do(func(t *ledger.Tx) error {
		if _, ok := s.queue(queueURL); !ok {
			return NoSuchQueue(queueURL)
		}
		s.Deliver(t, queueURL, body)
		return nil
	})
}

// Receive takes up to limit messages, oldest first, and hides them for the queue's visibility
// timeout. Without a message it waits up to wait (at most twenty seconds) for the first one; a negative
// wait takes the queue's own. When ctx ends while it waits, it returns ctx's error.
func (s *Store) Receive(ctx context.Context, queueURL string, limit int, wait time.Duration) ([]Message, error) {
	if limit < 1 || limit > 10 {
		return nil, awserror.Bad("InvalidParameterValue",
			"Value %d for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.", limit)
	}
	var deadline <-chan time.Time
	for {
		got, q, again, next, err := s.take(queueURL, limit)
		if err != nil || len(got) > 0 {
			return got, err
		}
		if deadline == nil {
			if wait < 0 {
				wait = q.ReceiveWait
			}
			if wait <= 0 {
				return []Message{}, nil
			}
			timer := time.NewTimer(min(wait, 20*time.Second))
			defer timer.Stop()
			deadline = timer.C
		}
		var reappear <-chan time.Time // nil blocks for ever
		if next > 0 {
			t := time.NewTimer(next)
			defer t.Stop()
			reappear = t.C
		}
		select {
		case <-again:
		case <-reappear:
		case <-deadline:
			return []Message{}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-s.ledger.Stopping():
			return nil, ledger.ErrClosed
		}
	}
}

// take receives what is visible. Without a message it returns the channel that closes when one arrives,
// and in how long a hidden one reappears (0: none).
func (s *Store) take(url string, limit int) (got []Message, q Queue, again <-chan struct{}, next time.Duration, err error) {
	err = s.ledger.Do(func(t *ledger.Tx) error {
		var ok bool
		if q, ok = s.queue(url); !ok {
			return NoSuchQueue(url)
		}
		again = s.wake
		for _, m := range slices.Clone(s.queueOf(url).messages) {
			if t.Now.Sub(m.Sent) > q.Retention {
				s.discard(t, m)
				continue
			}
			if left := m.visible.Sub(t.Now); left > 0 {
				if next == 0 || left < next {
					next = left
				}
				continue
			}
			if len(got) == limit {
				break
			}
			if m.attempts++; m.attempts == 1 {
				m.first = t.Now
			}
			m.visible = t.Now.Add(q.Visibility)
			m.receipt = awsid.UUID()
			got = append(got, Message{
				ID: m.ID, Body: m.Body, Receipt: m.receipt, SentAt: m.Sent, FirstAt: m.first, Attempt: m.attempts,
			})
		}
		return nil
	})
	return got, q, again, next, err
}

// Delete removes a received message. A receipt that is no longer valid is no error, as on SQS.
func (s *Store) Delete(queueURL, receipt string) error {
	if receipt == "" {
		return awserror.Status(http.StatusNotFound, "ReceiptHandleIsInvalid", "The input receipt handle is invalid.")
	}
	return s.ledger.Do(func(t *ledger.Tx) error {
		if _, ok := s.queue(queueURL); !ok {
			return NoSuchQueue(queueURL)
		}
		for _, m := range slices.Clone(s.queueOf(queueURL).messages) {
			if m.receipt == receipt {
				s.discard(t, m)
			}
		}
		return nil
	})
}

// Hide changes when a received message becomes visible again: in d from now.
func (s *Store) Hide(queueURL, receipt string, d time.Duration) error {
	return s.ledger.Do(func(t *ledger.Tx) error {
		if _, ok := s.queue(queueURL); !ok {
			return NoSuchQueue(queueURL)
		}
		for _, m := range s.queueOf(queueURL).messages {
			switch {
			case receipt == "" || m.receipt != receipt:
			case !m.visible.After(t.Now):
				return awserror.Bad("MessageNotInflight", "The message referred to isn't in flight.")
			default:
				m.visible = t.Now.Add(d)
				t.After(s.wakeAll)
				return nil
			}
		}
		return awserror.Status(http.StatusNotFound, "ReceiptHandleIsInvalid", "The input receipt handle is invalid.")
	})
}

// wakeAll lets those who wait for a message look again.
func (s *Store) wakeAll() {
	close(s.wake)
	s.wake = make(chan struct{})
}

// Clear removes all messages of a queue.
func (s *Store) Clear(queueURL string) error {
	return s.ledger.Do(func(t *ledger.Tx) error {
		if _, ok := s.queue(queueURL); !ok {
			return NoSuchQueue(queueURL)
		}
		s.Purge(t, queueURL)
		return nil
	})
}

// Counts are the messages of a queue: those that can be received, those that were and are hidden, and those of which nobody may
// know yet.
type Counts struct{ Visible, Hidden, Delayed int }

// Counts counts the messages of a queue.
func (s *Store) Counts(queueURL string) (n Counts, err error) {
	return n, s.ledger.Do(func(t *ledger.Tx) error {
		q, ok := s.queue(queueURL)
		if !ok {
			return NoSuchQueue(queueURL)
		}
		for _, m := range s.queueOf(queueURL).messages {
			switch {
			case t.Now.Sub(m.Sent) > q.Retention:
			case !m.visible.After(t.Now):
				n.Visible++
			case m.attempts > 0:
				n.Hidden++
			default:
				n.Delayed++
			}
		}
		return nil
	})
}

// Count returns how many messages a queue holds, hidden ones included.
func (s *Store) Count(queueURL string) int {
	s.ledger.Lock()
	defer s.ledger.Unlock()
	if q := s.queues[queueURL]; q != nil {
		return len(q.messages)
	}
	return 0
}
