// SPDX-License-Identifier: Apache-2.0

package awsprov

import (
	"reflect"
	"sync"
	"time"

	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/provider/plug"
	"emrflink/internal/localcloud/provider/propdiff"
)

// answerTime is how long after a creation the engine may still be about to
// write it into its state: an engine that dies in that time has lost it.
const answerTime = 5 * time.Second

// made is a resource that was created here, and for whom.
type made struct {
	id      string
	inputs  property
	at      time.Time
	session *plug.Session
}

// losses remembers creations whose engine may have died before it wrote them
// down. AWS goes on without it, and the next engine, which knows nothing of
// them, would run into them: so the creation for the same URN takes them up, as
// AWS's idempotency tokens let a client that asks again. Any later call for the
// resource shows that the engine knows it.
type losses struct {
	mu    sync.Mutex
	byURN map[string]made
}

func (l *losses) remember(urn string, m made) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byURN == nil {
		l.byURN = map[string]made{}
	}
	l.byURN[urn] = m
}

func (l *losses) forget(urn string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.byURN, urn)
}

// of returns what was lost for a URN.
func (l *losses) of(urn string) (made, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m, ok := l.byURN[urn]
	if !ok {
		return made{}, false
	}
	closed, gone := m.session.Closed()
	return m, gone && closed.Sub(m.at) < answerTime
}

// takeUp returns the id of the lost resource that a creation asks for again:
// one that an update can make what is asked now.
func (s *Server) takeUp(urn string, k *kind, inputs property) (string, bool) {
	m, ok := s.lost.of(urn)
	if !ok {
		return "", false
	}
	if _, exists := s.opts.Account.Get(k.kind, m.id); !exists {
		return "", false
	}
	for _, c := range propdiff.Diff(m.inputs, inputs, k.rules()) {
		if c.Replace {
			return "", false
		}
	}
	return m.id, true
}

// newest is the sequence number of the kind's newest resource.
func (s *Server) newest(k account.Kind) uint64 {
	var out uint64
	for _, r := range s.opts.Account.List(k) {
		out = max(out, r.Seq)
	}
	return out
}

// begun finds the resource that a creation which did not answer has made: the
// one that is younger than since and was asked for with props.
func (s *Server) begun(k account.Kind, since uint64, props account.Props) (account.Resource, bool) {
	found := s.opts.Account.Find(k, func(r account.Resource) bool {
		return r.Seq > since && r.CreatedBy == account.ByPulumi && reflect.DeepEqual(r.Props, props)
	})
	if len(found) != 1 {
		return account.Resource{}, false
	}
	return found[0], true
}
