// SPDX-License-Identifier: Apache-2.0

package dashboards

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/kube"
	"emrflink/observability"
)

// Cluster is where the pods are.
type Cluster interface {
	List(ctx context.Context, k kube.Kind, o kube.ListOptions) ([]unstructured.Unstructured, error)
	DialPod(ctx context.Context, namespace, pod string, port int) (net.Conn, error)
}

// collector offers to a Prometheus on this machine what a cluster's own would find and read by itself: at /targets/TARGET the
// pods, and at /metrics/TARGET/NAMESPACE/POD what one of them offers.
type collector struct {
	cluster Cluster
	targets []observability.Target
	pods    *http.Transport // its hosts are POD.NAMESPACE
}

func newCollector(c Cluster, targets []observability.Target) *collector {
	return &collector{c, targets, &http.Transport{
		DisableKeepAlives: true, // a connection through the API server is not worth keeping for half a minute
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			host, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			n, err := strconv.Atoi(port)
			if err != nil {
				return nil, err
			}
			dot := strings.LastIndex(host, ".") // a pod's name may have dots, a namespace has none
			return c.DialPod(ctx, host[dot+1:], host[:dot], n)
		},
	}}
}

func (c *collector) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /targets/{target}", c.list)
	mux.HandleFunc("GET /metrics/{target}/{namespace}/{pod}", c.read)
}

func (c *collector) target(r *http.Request) (observability.Target, bool) {
	i := slices.IndexFunc(c.targets, func(t observability.Target) bool { return t.Name == r.PathValue("target") })
	if i < 0 {
		return observability.Target{}, false
	}
	return c.targets[i], true
}

// list answers as Prometheus' discovery over HTTP asks.
func (c *collector) list(w http.ResponseWriter, r *http.Request) {
	t, ok := c.target(r)
	if !ok {
		http.NotFound(w, r)
		return
	}
	groups := []group{}
	for _, namespace := range t.Namespaces {
		pods, err := c.cluster.List(r.Context(), kube.KindPod, kube.ListOptions{Namespace: namespace})
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway) // Prometheus keeps the targets that it has
			return
		}
		for i := range pods {
			groups = append(groups, discovered(&pods[i])...)
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(groups) // nobody is left to tell
}

// group is a list of targets with the same labels.
type group struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

var noLabel = regexp.MustCompile(`[^a-zA-Z0-9_]`)

// discovered are the targets of a pod, as Prometheus' discovery in Kubernetes makes them: one for each container.
func discovered(pod *unstructured.Unstructured) []group {
	const meta = "__meta_kubernetes_pod_"
	text := func(fields ...string) string {
		s, _, _ := unstructured.NestedString(pod.Object, fields...)
		return s
	}
	labels := map[string]string{
		"__meta_kubernetes_namespace": pod.GetNamespace(), meta + "name": pod.GetName(),
		meta + "ip": text("status", "podIP"), meta + "phase": text("status", "phase"),
	}
	for k, v := range pod.GetLabels() {
		labels[meta+"label_"+noLabel.ReplaceAllString(k, "_")] = v
	}
	var out []group
	containers, _, _ := unstructured.NestedSlice(pod.Object, "spec", "containers")
	for _, raw := range containers {
		container, _ := raw.(map[string]any)
		of := maps.Clone(labels)
		of[meta+"container_name"], _ = container["name"].(string)
		out = append(out, group{[]string{pod.GetName() + "." + pod.GetNamespace()}, of})
	}
	return out
}

// read passes on what a pod offers at the port of its target.
func (c *collector) read(w http.ResponseWriter, r *http.Request) {
	t, ok := c.target(r)
	namespace := r.PathValue("namespace")
	if !ok || !slices.Contains(t.Namespaces, namespace) {
		http.NotFound(w, r)
		return
	}
	at := "http://" + net.JoinHostPort(r.PathValue("pod")+"."+namespace, strconv.Itoa(t.Port)) + "/metrics"
	req, err := http.NewRequestWithContext(r.Context(), http.MethodGet, at, nil)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	req.Header.Set("Accept", r.Header.Get("Accept"))
	res, err := c.pods.RoundTrip(req)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer res.Body.Close()
	w.Header().Set("Content-Type", res.Header.Get("Content-Type"))
	w.WriteHeader(res.StatusCode)
	_, _ = io.Copy(w, res.Body) // Prometheus notices what is cut off
}

// config is that of a Prometheus which finds everything at address.
func (c *collector) config(address, rules string) ([]byte, error) {
	type object = map[string]any
	jobs := []any{}
	for _, t := range c.targets {
		job := t.Job()
		delete(job, "kubernetes_sd_configs")
		job["http_sd_configs"] = []any{object{"url": "http://" + address + "/targets/" + t.Name, "refresh_interval": "5s"}}
		relabel, _ := job["relabel_configs"].([]any)
		job["relabel_configs"] = append(relabel,
			object{
				"source_labels": []any{"__meta_kubernetes_namespace", "__meta_kubernetes_pod_name"}, "separator": "/",
				"target_label": "__metrics_path__", "replacement": "/metrics/" + t.Name + "/$1",
			},
			// Without a name of its own a pod would be another one after each start, and counted twice for some minutes.
			object{"source_labels": []any{"__meta_kubernetes_pod_name"}, "target_label": "instance"},
			object{"target_label": "__address__", "replacement": address})
		jobs = append(jobs, job)
	}
	return json.Marshal(object{
		"global":         object{"scrape_interval": "5s", "evaluation_interval": "5s"},
		"scrape_configs": jobs, "rule_files": []any{rules},
	})
}
