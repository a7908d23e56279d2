// SPDX-License-Identifier: Apache-2.0

package metricsserver

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"

	"emrflink/internal/localcloud/kubelet"
)

// measured is a server that has seen two pods on one node for ten seconds; a third is only simulated.
func measured() *server {
	pod := func(name, app string) *corev1.Pod {
		return &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{
				Name: name, Namespace: "team", UID: types.UID(name), Labels: map[string]string{"app": app},
			},
			Spec: corev1.PodSpec{NodeName: "worker"},
		}
	}
	client := fake.NewClientset(pod("one", "job"), pod("two", "job"), pod("other", "sidecar"),
		&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "worker"}}, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "idle"}})
	now := time.Now()
	return &server{
		Options: Options{Client: client, Container: "main"},
		before:  sample{now.Add(-10 * time.Second), map[string]Usage{"one": {CPU: time.Second}, "two": {}}},
		last: sample{now, map[string]Usage{
			"one": {CPU: 6 * time.Second, Memory: 3 << 20}, "two": {CPU: time.Second, Memory: 1 << 20}, "new": {CPU: time.Second},
		}},
	}
}

func get(t *testing.T, s *server, path string) (code int, body string) {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/apis/metrics.k8s.io/v1beta1"+path, nil)
	s.handler().ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func TestPodsAreWhatTheirProcessesTake(t *testing.T) {
	t.Parallel()
	var all list[podMetrics]
	code, body := get(t, measured(), "/namespaces/team/pods?labelSelector=app%3Djob")
	require.Equal(t, http.StatusOK, code, body)
	require.NoError(t, json.Unmarshal([]byte(body), &all))
	require.Equal(t, "PodMetricsList", all.Kind)
	took := map[string]string{}
	for _, p := range all.Items {
		require.Len(t, p.Containers, 1)
		require.Equal(t, "main", p.Containers[0].Name)
		took[p.Name] = p.Containers[0].Usage.Cpu().String() + " " + p.Containers[0].Usage.Memory().String()
	}
	require.Equal(t, map[string]string{"one": "500m 3Mi", "two": "100m 1Mi"}, took)
}

func TestNodesAreTheSumOfTheirPods(t *testing.T) {
	t.Parallel()
	code, body := get(t, measured(), "/nodes/worker")
	require.Equal(t, http.StatusOK, code, body)
	var one nodeMetrics
	require.NoError(t, json.Unmarshal([]byte(body), &one))
	require.Equal(t, "600m 4Mi", one.Usage.Cpu().String()+" "+one.Usage.Memory().String())
	code, body = get(t, measured(), "/nodes/idle")
	require.Equal(t, http.StatusNotFound, code)
	require.Contains(t, body, `"reason":"NotFound"`)
}

func TestAProcessThatWasStartedAgainHasNoRateYet(t *testing.T) {
	t.Parallel()
	s := measured()
	s.last.of["one"] = Usage{CPU: time.Millisecond}
	of, _, _ := s.usage()
	require.NotContains(t, of, "one")
	require.NotContains(t, of, "new")
	require.Contains(t, of, "two")
}

func TestItsOwnPodsAreTaken(t *testing.T) {
	t.Parallel()
	pod := func(image string) *corev1.Pod {
		return &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "metrics-server", Image: image}}}}
	}
	take, ok := New(Options{}).Takes(pod(Image + ":v0.8.0"))
	require.True(t, ok)
	require.Equal(t, kubelet.Take{Container: "metrics-server"}, take)
	_, ok = New(Options{}).Takes(pod("registry.k8s.io/pause:3"))
	require.False(t, ok)
}
