// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func constant(token string) TokenFunc {
	return func(context.Context) (string, time.Time, error) { return token, time.Now().Add(time.Hour), nil }
}

func job() *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment",
		"metadata": map[string]any{"name": "basic", "namespace": "team"}, "spec": map[string]any{"flinkVersion": "v1_20"},
	}}
}

func TestApplyIsAStrictServerSideApply(t *testing.T) {
	t.Parallel()
	s := newAPIServer(t)
	c, err := Connect(t.Context(), s.source(constant("good")))
	require.NoError(t, err)
	s.answer(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPatch {
			return false
		}
		writeJSON(w, job().Object)
		return true
	})
	_, err = c.Apply(t.Context(), job())
	require.NoError(t, err)
	sent := s.seen(http.MethodPatch)
	require.Len(t, sent, 1)
	require.Equal(t, "/apis/flink.apache.org/v1beta1/namespaces/team/flinkdeployments/basic", sent[0].path)
	require.Equal(t, "application/apply-patch+yaml", sent[0].contentType)
	q, err := url.ParseQuery(sent[0].query)
	require.NoError(t, err)
	require.Equal(t, "emrflink", q.Get("fieldManager"))
	require.Equal(t, "Strict", q.Get("fieldValidation"))
	require.Contains(t, sent[0].body, `"flinkVersion":"v1_20"`)
}

func TestAnExpiredTokenIsReplacedAndTheRequestSentAgain(t *testing.T) {
	t.Parallel()
	s := newAPIServer(t)
	var n atomic.Int32
	c, err := Connect(t.Context(), s.source(func(context.Context) (string, time.Time, error) {
		if n.Add(1) == 1 {
			return "good", time.Now().Add(time.Hour), nil
		}
		return "better", time.Now().Add(time.Hour), nil
	}))
	require.NoError(t, err)
	s.accept("better") // what the server thinks of the first token changes
	s.answer(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPatch {
			writeJSON(w, job().Object)
		}
		return r.Method == http.MethodPatch
	})
	_, err = c.Apply(t.Context(), job())
	require.NoError(t, err)
	require.EqualValues(t, 2, n.Load())
	sent := s.seen(http.MethodPatch)
	require.Equal(t, "better", sent[len(sent)-1].token)
	require.NotEmpty(t, sent[len(sent)-1].body, "the body is sent again too")
}

func TestATokenIsRenewedBeforeItEnds(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	calls := 0
	src := newTokenSource(func(context.Context) (string, time.Time, error) {
		calls++
		return "t" + strconv.Itoa(calls), now.Add(15 * time.Minute), nil
	})
	src.now = func() time.Time { return now }
	for _, step := range []struct {
		after time.Duration
		want  string
	}{{0, "t1"}, {12 * time.Minute, "t1"}, {90 * time.Second, "t2"}, {time.Minute, "t2"}} {
		now = now.Add(step.after)
		got, err := src.get(t.Context())
		require.NoError(t, err)
		require.Equal(t, step.want, got, "after %s", step.after)
	}
}

func TestConnectSaysWhyItCannot(t *testing.T) {
	t.Parallel()
	s := newAPIServer(t)
	for name, tc := range map[string]struct {
		change func(*Source)
		reason string
		text   string
		exit   int
	}{
		"a refused token is Unauthorized and exits 3": {func(src *Source) { src.Token = constant("bad") }, "Unauthorized",
			"access entry", 3},
		"no listener is Unreachable": {func(src *Source) { src.Endpoint = "https://127.0.0.1:1" },
			ReasonUnreachable, "endpoint", 1},
		"a cluster without endpoint is named": {func(src *Source) { src.Endpoint = "" }, "", "no endpoint", 0},
		"a broken CA is named":                {func(src *Source) { src.CABase64 = "%" }, "", "certificate authority", 0},
		"a failing token source is not hidden": {func(src *Source) {
			src.Token = func(context.Context) (string, time.Time, error) { return "", time.Time{}, errors.New("no credentials") }
		}, ReasonUnreachable, "no credentials", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src := s.source(constant("good"))
			tc.change(&src)
			_, err := Connect(t.Context(), src)
			require.Error(t, err)
			require.Equal(t, tc.reason, ReasonOf(err))
			var e *Error
			text := err.Error()
			if errors.As(err, &e) {
				require.Equal(t, tc.exit, e.ExitCode())
				text += " " + e.Hint()
			}
			require.Contains(t, text, tc.text)
		})
	}
}

func TestAKindThatComesLaterIsFoundWithoutAReconnect(t *testing.T) {
	t.Parallel()
	s := newAPIServer(t)
	s.serves(false)
	c, err := Connect(t.Context(), s.source(constant("good")))
	require.NoError(t, err)
	ref := KindFlinkDeployment.Ref("team", "basic")
	_, err = c.Get(t.Context(), ref)
	require.True(t, IsNoKind(err), "%v", err)
	s.serves(true)
	_, err = c.Get(t.Context(), ref)
	require.True(t, IsNotFound(err), "%v", err)
}

func TestServiceAccountTokenAsksForTheAudience(t *testing.T) {
	t.Parallel()
	s := newAPIServer(t)
	c, err := Connect(t.Context(), s.source(constant("good")))
	require.NoError(t, err)
	s.answer(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost {
			return false
		}
		writeJSON(w, map[string]any{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
			"status": map[string]any{"token": "jwt", "expirationTimestamp": "2026-01-01T00:00:00Z"}})
		return true
	})
	token, expires, err := c.ServiceAccountToken(t.Context(), "team", "sa", []string{"sts.amazonaws.com"}, time.Hour)
	require.NoError(t, err)
	require.Equal(t, "jwt", token)
	require.Equal(t, 2026, expires.Year())
	sent := s.seen(http.MethodPost)
	require.Equal(t, "/api/v1/namespaces/team/serviceaccounts/sa/token", sent[0].path)
	require.Contains(t, sent[0].body, `"audiences":["sts.amazonaws.com"]`)
	require.Contains(t, sent[0].body, `"expirationSeconds":3600`)
}
