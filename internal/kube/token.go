// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// renewBefore is how long before its end a token is replaced. EKS tokens live
// for 15 minutes and the server refuses them a little early when clocks differ.
const renewBefore = 2 * time.Minute

// tokenSource hands out one token until shortly before it expires.
type tokenSource struct {
	fetch TokenFunc
	now   func() time.Time

	mu      sync.Mutex
	token   string
	expires time.Time
}

func newTokenSource(fetch TokenFunc) *tokenSource {
	return &tokenSource{fetch: fetch, now: time.Now}
}

func (s *tokenSource) get(ctx context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token != "" && s.now().Add(renewBefore).Before(s.expires) {
		return s.token, nil
	}
	token, expires, err := s.fetch(ctx)
	if err != nil {
		return "", fmt.Errorf("get cluster token: %w", err)
	}
	s.token, s.expires = token, expires
	return token, nil
}

// drop forgets the token if it is still the one that was refused.
func (s *tokenSource) drop(refused string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token == refused {
		s.token = ""
	}
}

// bearer adds the token to each request, and asks once more with a new one when
// the server answers 401: a laptop that slept holds an expired token.
type bearer struct {
	next   http.RoundTripper
	tokens *tokenSource
}

var _ http.RoundTripper = (*bearer)(nil)

// RoundTrip implements http.RoundTripper.
func (b *bearer) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, token, err := b.send(req, req.Body)
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}
	if req.Body != nil && req.GetBody == nil {
		return resp, nil
	}
	b.tokens.drop(token)
	var body io.ReadCloser
	if req.GetBody != nil {
		if body, err = req.GetBody(); err != nil {
			return resp, nil // the 401 is the answer; the body cannot be sent again
		}
	}
	_ = resp.Body.Close()
	resp, _, err = b.send(req, body)
	return resp, err
}

func (b *bearer) send(req *http.Request, body io.ReadCloser) (*http.Response, string, error) {
	token, err := b.tokens.get(req.Context())
	if err != nil {
		if body != nil {
			_ = body.Close()
		}
		return nil, "", err
	}
	out := req.Clone(req.Context())
	out.Body = body
	out.Header.Set("Authorization", "Bearer "+token)
	resp, err := b.next.RoundTrip(out)
	return resp, token, err
}
