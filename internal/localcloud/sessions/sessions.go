// SPDX-License-Identifier: Apache-2.0

// Package sessions keeps the temporary credentials that the simulated account's STS has given out. Who may have them decides
// package sts.
package sessions

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"time"

	"emrflink/internal/localcloud/awserror"
	"emrflink/internal/localcloud/awsid"
	"emrflink/internal/localcloud/ledger"
)

// Session is a session of an assumed role and its credentials.
type Session struct {
	AccessKey string    `json:"accessKey"`
	Secret    string    `json:"secret"`
	Token     string    `json:"token"`
	Role      string    `json:"role"`   // name
	RoleID    string    `json:"roleID"` // AWS's unique id
	Name      string    `json:"session"`
	Expires   time.Time `json:"expires"`
}

// Store holds the sessions. It is safe for concurrent use.
type Store struct {
	ledger *ledger.Ledger
	byKey  map[string]*Session // by access key
}

// New reads the sessions of a ledger.
func New(l *ledger.Ledger) (*Store, error) {
	s := &Store{ledger: l}
	s.clear()
	return s, l.Restore(ledger.Credentials, s.restore, s.clear)
}

func (s *Store) clear() { s.byKey = map[string]*Session{} }

func (s *Store) restore(raw json.RawMessage) error {
	var one Session
	if err := json.Unmarshal(raw, &one); err != nil {
		return err
	}
	s.byKey[one.AccessKey] = &one
	return nil
}

// Issue makes a session of a role.
func (s *Store) Issue(role, roleID, name string, life time.Duration) (Session, error) {
	one := &Session{
		AccessKey: awsid.IAM("ASIA")[:20], Secret: awsid.Hex(40),
		Token: base64.StdEncoding.EncodeToString([]byte(awsid.Hex(96))), Role: role, RoleID: roleID, Name: name,
	}
	err := s.ledger.Do(func(t *ledger.Tx) error {
		one.Expires = t.Now.Add(life)
		s.forgetOld(t)
		t.Apply(func() { s.byKey[one.AccessKey] = one }, func() { delete(s.byKey, one.AccessKey) })
		t.Set(ledger.Credentials.Key(one.AccessKey), one)
		return nil
	})
	return *one, err
}

// forgetOld forgets sessions that ended an hour ago or earlier.
func (s *Store) forgetOld(t *ledger.Tx) {
	for key, one := range maps.Clone(s.byKey) {
		if t.Now.Sub(one.Expires) > time.Hour {
			t.Apply(func() { delete(s.byKey, key) }, func() { s.byKey[key] = one })
			t.Set(ledger.Credentials.Key(key), nil)
		}
	}
}

// Find returns the session of an access key. The errors are AWS's for an unknown key, a wrong token and a session that has
// ended.
func (s *Store) Find(accessKey, token string) (Session, error) {
	s.ledger.Lock()
	defer s.ledger.Unlock()
	one := s.byKey[accessKey]
	if one == nil || subtle.ConstantTimeCompare([]byte(one.Token), []byte(token)) != 1 {
		return Session{}, awserror.Status(http.StatusForbidden, "InvalidClientTokenId",
			"The security token included in the request is invalid.")
	}
	if !s.ledger.Clock.Now().Before(one.Expires) {
		return Session{}, awserror.Status(http.StatusForbidden, "ExpiredToken",
			"The security token included in the request is expired")
	}
	return *one, nil
}
