// SPDX-License-Identifier: Apache-2.0

package account

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"
)

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
	receipt  string
	attempts int
}

type queue struct{ messages []*message } // oldest first

func (m *message) storeKey() string { return keyMessage + m.Queue + "/" + m.ID }

func (a *Account) restoreMessage(raw json.RawMessage) error {
	var m message
	if err := json.Unmarshal(raw, &m); err != nil {
		return err
	}
	a.queueOf(m.Queue).add(&m)
	a.seq = max(a.seq, m.Seq)
	return nil
}

func (a *Account) queueOf(url string) *queue {
	q := a.queues[url]
	if q == nil {
		q = &queue{}
		a.queues[url] = q
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

// send puts a message into a queue within a transaction.
func (t *tx) send(url, body string) {
	a := t.a
	a.seq++
	m := &message{Queue: url, ID: uuid(), Body: body, Sent: t.now, Seq: a.seq}
	if delay, ok := number(t.get(KindQueue, url).Props, "delaySeconds"); ok {
		m.visible = t.now.Add(time.Duration(delay) * time.Second)
	}
	t.apply(func() { a.queueOf(url).add(m) }, func() { a.queueOf(url).drop(m) })
	t.set(m.storeKey(), m)
	t.after = append(t.after, func() {
		close(a.wake)
		a.wake = make(chan struct{})
	})
}

func (t *tx) discard(m *message) {
	a := t.a
	t.apply(func() { a.queueOf(m.Queue).drop(m) }, func() { a.queueOf(m.Queue).add(m) })
	t.set(m.storeKey(), nil)
}

func (t *tx) purge(url string) {
	for _, m := range slices.Clone(t.a.queueOf(url).messages) {
		t.discard(m)
	}
	t.after = append(t.after, func() { delete(t.a.queues, url) })
}

// SendMessage puts a message into a queue.
func (a *Account) SendMessage(queueURL, body string) error {
	if body == "" || len(body) > maxMessageBody {
		return errBad("InvalidParameterValue", "The message must have 1 to %d bytes, not %d", maxMessageBody, len(body))
	}
	return a.do(Caller{}, func(t *tx) error {
		if t.get(KindQueue, queueURL) == nil {
			return noSuchQueue(queueURL)
		}
		t.send(queueURL, body)
		return nil
	})
}

// ReceiveMessages takes up to limit messages, oldest first, and hides them for the queue's visibility
// timeout. Without a message it waits up to wait (at most twenty seconds) for the first one; a negative
// wait takes the queue's own. When ctx ends while it waits, it returns ctx's error.
func (a *Account) ReceiveMessages(ctx context.Context, queueURL string, limit int, wait time.Duration) ([]Message, error) {
	if limit < 1 || limit > 10 {
		return nil, errBad("InvalidParameterValue",
			"Value %d for parameter MaxNumberOfMessages is invalid. Must be between 1 and 10.", limit)
	}
	var deadline <-chan time.Time
	for {
		got, q, again, next, err := a.take(queueURL, limit)
		if err != nil || len(got) > 0 {
			return got, err
		}
		if deadline == nil {
			if wait < 0 {
				seconds, _ := number(q.All(), "receiveWaitTimeSeconds")
				wait = time.Duration(seconds) * time.Second
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
		case <-a.ctx.Done():
			return nil, errClosed
		}
	}
}

// take receives what is visible. Without a message it returns the channel that closes when one arrives,
// and in how long a hidden one reappears (0: none).
func (a *Account) take(url string, limit int) (got []Message, q Resource, again <-chan struct{}, next time.Duration, err error) {
	err = a.do(Caller{}, func(t *tx) error {
		r := t.get(KindQueue, url)
		if r == nil {
			return noSuchQueue(url)
		}
		q, again = *r, a.wake
		retention, _ := number(r.All(), "messageRetentionSeconds")
		hide, _ := number(r.All(), "visibilityTimeoutSeconds")
		for _, m := range slices.Clone(a.queueOf(url).messages) {
			if t.now.Sub(m.Sent) > time.Duration(retention)*time.Second {
				t.discard(m)
				continue
			}
			if left := m.visible.Sub(t.now); left > 0 {
				if next == 0 || left < next {
					next = left
				}
				continue
			}
			if len(got) == limit {
				break
			}
			m.attempts++
			m.visible = t.now.Add(time.Duration(hide) * time.Second)
			m.receipt = uuid()
			got = append(got, Message{ID: m.ID, Body: m.Body, Receipt: m.receipt, SentAt: m.Sent, Attempt: m.attempts})
		}
		return nil
	})
	return got, q, again, next, err
}

// DeleteMessage removes a received message. A receipt that is no longer valid is no error, as on SQS.
func (a *Account) DeleteMessage(queueURL, receipt string) error {
	if receipt == "" {
		return errStatus(http.StatusNotFound, "ReceiptHandleIsInvalid", "The input receipt handle is invalid.")
	}
	return a.do(Caller{}, func(t *tx) error {
		if t.get(KindQueue, queueURL) == nil {
			return noSuchQueue(queueURL)
		}
		for _, m := range slices.Clone(a.queueOf(queueURL).messages) {
			if m.receipt == receipt {
				t.discard(m)
			}
		}
		return nil
	})
}

// MessageCount returns how many messages a queue holds, hidden ones included.
func (a *Account) MessageCount(queueURL string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	if q := a.queues[queueURL]; q != nil {
		return len(q.messages)
	}
	return 0
}
