// SPDX-License-Identifier: Apache-2.0

package metricsserver

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// group is the API that is served.
var group = schema.GroupVersion{Group: "metrics.k8s.io", Version: "v1beta1"} //nolint:gochecknoglobals // a constant

// The objects of the API (github.com/kubernetes/metrics, pkg/apis/metrics/v1beta1).
type (
	header struct {
		metav1.TypeMeta   `json:",inline"`
		metav1.ObjectMeta `json:"metadata"`

		Timestamp metav1.Time     `json:"timestamp"`
		Window    metav1.Duration `json:"window"`
	}
	podMetrics struct {
		header

		Containers []containerMetrics `json:"containers"`
	}
	containerMetrics struct {
		Name  string              `json:"name"`
		Usage corev1.ResourceList `json:"usage"`
	}
	nodeMetrics struct {
		header

		Usage corev1.ResourceList `json:"usage"`
	}
	list[T any] struct {
		metav1.TypeMeta `json:",inline"`
		metav1.ListMeta `json:"metadata"`

		Items []T `json:"items"`
	}
)

func (h header) name() string { return h.Name }

func headerOf(kind string, o metav1.Object, at time.Time, window time.Duration) header {
	return header{
		TypeMeta: metav1.TypeMeta{APIVersion: group.String(), Kind: kind},
		ObjectMeta: metav1.ObjectMeta{
			Name: o.GetName(), Namespace: o.GetNamespace(), Labels: o.GetLabels(), CreationTimestamp: metav1.NewTime(at),
		},
		Timestamp: metav1.NewTime(at), Window: metav1.Duration{Duration: window},
	}
}

func (u podUsage) list() corev1.ResourceList {
	return corev1.ResourceList{
		corev1.ResourceCPU:    *resource.NewScaledQuantity(u.nanoCores, resource.Nano),
		corev1.ResourceMemory: *resource.NewQuantity(u.memory, resource.BinarySI),
	}
}

// handler serves the API.
func (m *server) handler() http.Handler {
	mux := http.NewServeMux()
	at := "GET /apis/" + group.String()
	mux.HandleFunc(at, func(w http.ResponseWriter, _ *http.Request) {
		verbs := metav1.Verbs{"get", "list"}
		write(w, metav1.APIResourceList{
			TypeMeta:     metav1.TypeMeta{APIVersion: "v1", Kind: "APIResourceList"},
			GroupVersion: group.String(),
			APIResources: []metav1.APIResource{
				{Name: "nodes", Kind: "NodeMetrics", Verbs: verbs},
				{Name: "pods", Kind: "PodMetrics", Namespaced: true, Verbs: verbs},
			},
		})
	})
	pods := func(w http.ResponseWriter, q *http.Request) {
		found, err := m.pods(q.Context(), q.PathValue("namespace"), selection(q))
		answer(w, q, "PodMetrics", found, err)
	}
	nodes := func(w http.ResponseWriter, q *http.Request) {
		found, err := m.nodes(q.Context(), selection(q))
		answer(w, q, "NodeMetrics", found, err)
	}
	mux.HandleFunc(at+"/pods", pods)
	mux.HandleFunc(at+"/namespaces/{namespace}/pods", pods)
	mux.HandleFunc(at+"/namespaces/{namespace}/pods/{name}", pods)
	mux.HandleFunc(at+"/nodes", nodes)
	mux.HandleFunc(at+"/nodes/{name}", nodes)
	return mux
}

// selection is what a request selects; the API server of the objects judges it.
func selection(q *http.Request) metav1.ListOptions {
	return metav1.ListOptions{
		LabelSelector: q.URL.Query().Get("labelSelector"), FieldSelector: q.URL.Query().Get("fieldSelector"),
	}
}

// answer writes all that was found, or the one that was asked for.
func answer[T interface{ name() string }](w http.ResponseWriter, q *http.Request, kind string, found []T, err error) {
	name := q.PathValue("name")
	found = slices.DeleteFunc(found, func(o T) bool { return name != "" && o.name() != name })
	switch {
	case err != nil:
		refuse(w, err)
	case name == "":
		write(w, list[T]{TypeMeta: metav1.TypeMeta{APIVersion: group.String(), Kind: kind + "List"}, Items: found})
	case len(found) == 0:
		refuse(w, apierrors.NewNotFound(group.WithResource(kind).GroupResource(), name))
	default:
		write(w, found[0])
	}
}

func refuse(w http.ResponseWriter, err error) {
	var known apierrors.APIStatus
	if !errors.As(err, &known) {
		known = apierrors.NewInternalError(err)
	}
	status := known.Status()
	status.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(int(status.Code))
	_ = json.NewEncoder(w).Encode(status) // the client may be gone
}

func write(w http.ResponseWriter, o any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(o) // the client may be gone
}
