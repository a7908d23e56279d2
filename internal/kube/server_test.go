// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// apiServer is a TLS server with the discovery documents of two groups, one
// accepted token, and a record of what arrived.
type apiServer struct {
	*httptest.Server
	mu       sync.Mutex
	token    string
	crd      bool // whether flink.apache.org is served
	requests []request
	respond  func(w http.ResponseWriter, r *http.Request) bool
}

type request struct{ method, path, query, contentType, token, body string }

func newAPIServer(t *testing.T) *apiServer {
	t.Helper()
	s := &apiServer{token: "good", crd: true}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *apiServer) source(token TokenFunc) Source {
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	return Source{
		ClusterName: "c", Region: "us-west-2", Endpoint: s.URL, CABase64: base64.StdEncoding.EncodeToString(ca), Token: token,
	}
}

func (s *apiServer) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	s.requests = append(s.requests, request{
		r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Get("Content-Type"), token, string(body),
	})
	if token != s.token {
		writeStatus(w, http.StatusUnauthorized, "Unauthorized", "Unauthorized")
		return
	}
	if s.respond != nil && s.respond(w, r) {
		return
	}
	switch r.URL.Path {
	case "/version":
		writeJSON(w, map[string]any{"major": "1", "minor": "35"})
	case "/api":
		writeJSON(w, map[string]any{"kind": "APIVersions", "versions": []string{"v1"}})
	case "/apis":
		groups := []any{}
		if s.crd {
			v := map[string]any{"groupVersion": "flink.apache.org/v1beta1", "version": "v1beta1"}
			groups = append(groups, map[string]any{"name": "flink.apache.org", "versions": []any{v}, "preferredVersion": v})
		}
		writeJSON(w, map[string]any{"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
	case "/api/v1":
		writeJSON(w, resourceList("v1", "pods", "Pod", true, "nodes", "Node", false, "serviceaccounts", "ServiceAccount", true))
	case "/apis/flink.apache.org/v1beta1":
		writeJSON(w, resourceList("flink.apache.org/v1beta1", "flinkdeployments", "FlinkDeployment", true))
	default:
		writeStatus(w, http.StatusNotFound, "NotFound", r.URL.Path+" not found")
	}
}

// answer sets who answers before the built-in documents.
func (s *apiServer) answer(f func(w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.respond = f
}

// accept changes the one token that is accepted.
func (s *apiServer) accept(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
}

// serves switches flink.apache.org on or off.
func (s *apiServer) serves(crd bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.crd = crd
}

func (s *apiServer) seen(method string) []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []request
	for _, r := range s.requests {
		if r.method == method {
			out = append(out, r)
		}
	}
	return out
}

func resourceList(gv string, triples ...any) map[string]any {
	var list []any
	for i := 0; i < len(triples); i += 3 {
		list = append(list, map[string]any{
			"name": triples[i], "kind": triples[i+1], "namespaced": triples[i+2], "verbs": []string{"get", "list", "patch"},
		})
	}
	return map[string]any{"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": gv, "resources": list}
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func writeStatus(w http.ResponseWriter, code int, reason, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "message": message, "code": code,
	})
}
