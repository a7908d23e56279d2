// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"k8s.io/apiserver/pkg/endpoints/request"
)

func TestAServerThatIsNotReadyAnswersItsOwnProcessOnly(t *testing.T) {
	t.Parallel()
	ready := make(chan struct{})
	h := hold(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }), ready,
		"admin", "loopback")
	answered := func(token string, wait time.Duration) bool {
		ctx, cancel := context.WithTimeout(t.Context(), wait)
		defer cancel()
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/api", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code == http.StatusTeapot
	}
	for _, token := range []string{"admin", "loopback"} {
		if !answered(token, time.Minute) {
			t.Errorf("the process itself, as %s, waits", token)
		}
	}
	if answered("somebody", 20*time.Millisecond) {
		t.Error("a client is answered before the server is ready")
	}
	time.AfterFunc(20*time.Millisecond, func() { close(ready) })
	if !answered("somebody", time.Minute) {
		t.Error("a client that waited is not answered")
	}
}

func TestExecAndAttachAreRefusedBeforeAnUpgrade(t *testing.T) {
	t.Parallel()
	h := refuseTerminals(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	for subresource, want := range map[string]int{
		"": http.StatusTeapot, "log": http.StatusTeapot, "portforward": http.StatusTeapot,
		"exec": http.StatusBadRequest, "attach": http.StatusBadRequest,
	} {
		info := &request.RequestInfo{Resource: "pods", Subresource: subresource}
		r := httptest.NewRequestWithContext(request.WithRequestInfo(t.Context(), info), http.MethodPost, "/", nil)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%s: %d, want %d", subresource, w.Code, want)
		}
		if reason := subresource + " is not possible on the local target"; want == http.StatusBadRequest &&
			!strings.Contains(w.Body.String(), reason) {
			t.Errorf("%q does not contain %q", w.Body.String(), reason)
		}
	}
}
