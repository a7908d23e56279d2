// SPDX-License-Identifier: Apache-2.0

// Package apitest is as much of a Kubernetes API server as the kubernetes
// provider's calls need, over HTTPS: it keeps what is applied and records how it
// was asked. Readiness and finalizers are up to the test, and it dies when it is
// told to.
package apitest

import (
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type object = map[string]any

// API is the server.
type API struct {
	*httptest.Server

	// Objects are what it keeps, by path.
	Objects map[string]map[string]any
	// Queries are the changes that were asked for: "METHOD path?query".
	Queries []string
	// OnApply sees, and may change, what is applied.
	OnApply func(path string, obj map[string]any)
	// OnDelete may keep what is deleted.
	OnDelete func(path string) (keep bool)

	mu    sync.Mutex
	kinds map[string][]object // by group version
	dies  bool
	left  int // changes until it dies
}

func kind(name, kind string, namespaced bool) object {
	return object{"name": name, "kind": kind, "namespaced": namespaced, "verbs": []string{"get", "list", "patch", "delete"}}
}

// resources are the kinds that the server has, by group version.
func resources() map[string][]object {
	return map[string][]object{
		"v1": {
			kind("configmaps", "ConfigMap", true), kind("secrets", "Secret", true), kind("namespaces", "Namespace", false),
			kind("services", "Service", true), kind("serviceaccounts", "ServiceAccount", true), kind("pods", "Pod", true),
		},
		"apps/v1": {kind("deployments", "Deployment", true)},
		"rbac.authorization.k8s.io/v1": {
			kind("clusterroles", "ClusterRole", false), kind("clusterrolebindings", "ClusterRoleBinding", false),
		},
		"apiregistration.k8s.io/v1": {kind("apiservices", "APIService", false)},
		"example.org/v1":            {kind("everywheres", "Everywhere", false)},
		"policy/v1":                 {kind("poddisruptionbudgets", "PodDisruptionBudget", true)},
	}
}

// New starts a server that ends with the test.
func New(t *testing.T) *API {
	t.Helper()
	a := &API{Objects: map[string]object{}, kinds: resources()}
	a.Server = httptest.NewTLSServer(http.HandlerFunc(a.serve))
	t.Cleanup(a.Close)
	return a
}

// Serve adds the kinds of objects, those that live in no namespace among them.
func (a *API) Serve(objs ...*unstructured.Unstructured) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, obj := range objs {
		gv, has := obj.GetAPIVersion(), func(k object) bool { return k["kind"] == obj.GetKind() }
		if !slices.ContainsFunc(a.kinds[gv], has) {
			a.kinds[gv] = append(a.kinds[gv], kind(strings.ToLower(obj.GetKind())+"s", obj.GetKind(), obj.GetNamespace() != ""))
		}
	}
}

// DieAfter lets the server take some more changes and then answer nothing any more.
func (a *API) DieAfter(changes int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.dies, a.left = true, changes
}

// Revive ends that, and tells whether the server was dead.
func (a *API) Revive() (dead bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	dead = a.dies && a.left < 0
	a.dies = false
	return dead
}

// Kubeconfig names the server, without credentials.
func (a *API) Kubeconfig() string {
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Certificate().Raw})
	b, _ := json.Marshal(object{
		"apiVersion": "v1", "kind": "Config", "current-context": "c",
		"clusters": []object{{"name": "c", "cluster": object{"server": a.URL, "certificate-authority-data": ca}}},
		"contexts": []object{{"name": "c", "context": object{"cluster": "c", "user": "u"}}},
		"users":    []object{{"name": "u", "user": object{}}},
	})
	return string(b)
}

// Has tells whether there is an object at a path.
func (a *API) Has(path string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.Objects[path] != nil
}

// Edit changes an object behind the provider's back.
func (a *API) Edit(path string, change func(object)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change(a.Objects[path])
}

func (a *API) serve(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.dies && r.Method != http.MethodGet {
		a.left--
	}
	if a.dies && a.left < 0 {
		fail(w, http.StatusServiceUnavailable, "ServiceUnavailable", "the server is gone")
		return
	}
	if a.discovery(w, r.URL.Path) {
		return
	}
	if r.Method != http.MethodGet {
		a.Queries = append(a.Queries, r.Method+" "+r.URL.Path+"?"+r.URL.Query().Encode())
	}
	switch obj := a.Objects[r.URL.Path]; {
	case r.Method == http.MethodPatch:
		a.apply(w, r)
	case obj == nil && r.Method == http.MethodGet && a.collection(r.URL.Path):
		a.list(w, r)
	case obj == nil:
		fail(w, http.StatusNotFound, "NotFound", "not found")
	case r.Method == http.MethodDelete:
		if a.OnDelete == nil || !a.OnDelete(r.URL.Path) {
			delete(a.Objects, r.URL.Path)
		}
		reply(w, obj)
	default:
		reply(w, obj)
	}
}

func (a *API) apply(w http.ResponseWriter, r *http.Request) {
	var obj object
	if err := json.NewDecoder(r.Body).Decode(&obj); err != nil {
		fail(w, http.StatusBadRequest, "BadRequest", err.Error())
		return
	}
	meta, _ := obj["metadata"].(object)
	meta["uid"] = r.URL.Path
	if i := strings.Index(r.URL.Path, "/namespaces/"); i >= 0 && strings.Count(r.URL.Path[i:], "/") > 2 {
		meta["namespace"] = strings.Split(r.URL.Path[i:], "/")[2]
	}
	if a.OnApply != nil {
		a.OnApply(r.URL.Path, obj)
	}
	if r.URL.Query().Get("dryRun") == "" {
		a.Objects[r.URL.Path] = obj
	}
	reply(w, obj)
}

func (a *API) collection(path string) bool {
	last := path[strings.LastIndex(path, "/")+1:]
	for _, kinds := range a.kinds {
		for _, k := range kinds {
			if k["name"] == last {
				return true
			}
		}
	}
	return false
}

func (a *API) list(w http.ResponseWriter, r *http.Request) {
	items := []object{}
	for path, obj := range a.Objects {
		in := path[:strings.LastIndex(path, "/")]
		if (in == r.URL.Path || everywhere(in) == r.URL.Path) && matches(obj, r.URL.Query().Get("labelSelector")) {
			items = append(items, obj)
		}
	}
	reply(w, object{"apiVersion": "v1", "kind": "List", "metadata": object{}, "items": items})
}

// everywhere is the collection of all namespaces that a collection of one belongs to.
func everywhere(collection string) string {
	before, after, namespaced := strings.Cut(collection, "/namespaces/")
	if _, kind, below := strings.Cut(after, "/"); namespaced && below {
		return before + "/" + kind
	}
	return collection
}

func matches(obj object, selector string) bool {
	meta, _ := obj["metadata"].(object)
	labels, _ := meta["labels"].(object)
	for pair := range strings.SplitSeq(selector, ",") {
		if k, v, ok := strings.Cut(pair, "="); ok && labels[k] != v {
			return false
		}
	}
	return true
}

func (a *API) discovery(w http.ResponseWriter, path string) bool {
	switch path {
	case "/api":
		reply(w, object{"kind": "APIVersions", "versions": []string{"v1"}})
		return true
	case "/apis":
		groups := []object{}
		for gv := range a.kinds {
			if group, version, ok := strings.Cut(gv, "/"); ok {
				v := object{"groupVersion": gv, "version": version}
				groups = append(groups, object{"name": group, "versions": []object{v}, "preferredVersion": v})
			}
		}
		reply(w, object{"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
		return true
	}
	for gv, kinds := range a.kinds {
		if path == "/apis/"+gv || path == "/api/"+gv {
			reply(w, object{"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": gv, "resources": kinds})
			return true
		}
	}
	return false
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func fail(w http.ResponseWriter, code int, reason, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(object{
		"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message,
	})
}
