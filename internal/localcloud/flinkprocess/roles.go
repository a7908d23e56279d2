// SPDX-License-Identifier: Apache-2.0

package flinkprocess

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// roleServer serves the credentials of pods' roles to their processes, as the agents of ECS and EKS do: to whoever has the
// token of a pod, which is in a file of its folder that only the user can read. The SDK asks again before they expire.
type roleServer struct {
	url         string
	credentials func(ctx context.Context, namespace, serviceAccount string) (Credentials, error)
	log         *slog.Logger
	server      *http.Server

	mu   sync.Mutex
	pods map[string]identity // token
	of   map[string]string   // pod UID -> token
}

type identity struct{ namespace, account string }

// roleTime is how long one request may take.
const roleTime = 30 * time.Second

func serveRoles(credentials func(context.Context, string, string) (Credentials, error), log *slog.Logger) (*roleServer, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serve the credentials of roles: %w", err)
	}
	s := &roleServer{
		url: "http://" + l.Addr().String() + "/role", credentials: credentials, log: log,
		pods: map[string]identity{}, of: map[string]string{},
	}
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: roleTime}
	go func() {
		if err := s.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the credentials of roles are not served any more", "error", err)
		}
	}()
	return s, nil
}

func (s *roleServer) close() error { return s.server.Close() }

// admit gives a pod its token and returns the file with it.
func (s *roleServer) admit(b *box) (file string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	uid := string(b.Pod.UID)
	delete(s.pods, s.of[uid])
	token := rand.Text()
	s.pods[token], s.of[uid] = identity{b.Pod.Namespace, serviceAccount(b.Pod)}, token
	file = b.in(roleToken)
	return file, os.WriteFile(file, []byte(token), 0o600)
}

// dismiss makes the token of a pod worthless.
func (s *roleServer) dismiss(uid string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.pods, s.of[uid])
	delete(s.of, uid)
}

// ServeHTTP answers as the SDKs expect it (docs.aws.amazon.com/sdkref, Container credential provider).
func (s *roleServer) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	s.mu.Lock()
	who, known := s.pods[q.Header.Get("Authorization")]
	s.mu.Unlock()
	if !known {
		deny(w, http.StatusUnauthorized, "AccessDenied", "the token is of no pod that runs")
		return
	}
	if s.credentials == nil {
		deny(w, http.StatusBadRequest, "NoRole", "no credentials are given to pods")
		return
	}
	ctx, cancel := context.WithTimeout(q.Context(), roleTime)
	defer cancel()
	c, err := s.credentials(ctx, who.namespace, who.account)
	if err != nil {
		s.log.Warn("no credentials for a pod", "namespace", who.namespace, "account", who.account, "error", err)
		deny(w, http.StatusBadRequest, "AccessDenied", err.Error())
		return
	}
	answer(w, http.StatusOK, map[string]string{
		"AccessKeyId": c.Key, "SecretAccessKey": c.Secret, "Token": c.Token, "Expiration": c.Expires.UTC().Format(time.RFC3339),
	})
}

func deny(w http.ResponseWriter, status int, code, message string) {
	answer(w, status, map[string]string{"code": code, "message": message})
}

func answer(w http.ResponseWriter, status int, body map[string]string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a caller that went away asks again
}
