// SPDX-License-Identifier: Apache-2.0

package kubeprov_test

import (
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

type object = map[string]any

// api is as much of a Kubernetes API server as the provider's calls need: it
// keeps what is applied, and records how it was asked. Readiness and finalizers
// are up to the test.
type api struct {
	*httptest.Server

	mu       sync.Mutex
	objects  map[string]object // by path
	queries  []string          // "METHOD path?query" of every change
	onApply  func(path string, obj object)
	onDelete func(path string) (keep bool)
	refuse   func(path string) string
}

// resources are the kinds that the server has, by group version.
func resources() map[string][]object {
	kind := func(name, kind string, namespaced bool) object {
		return object{"name": name, "kind": kind, "namespaced": namespaced, "verbs": []string{"get", "list", "patch", "delete"}}
	}
	return map[string][]object{
		"v1": {
			kind("configmaps", "ConfigMap", true), kind("secrets", "Secret", true), kind("namespaces", "Namespace", false),
			kind("services", "Service", true), kind("serviceaccounts", "ServiceAccount", true), kind("pods", "Pod", true),
		},
		"apps/v1": {kind("deployments", "Deployment", true)},
		"rbac.authorization.k8s.io/v1": {
			kind("clusterroles", "ClusterRole", false), kind("clusterrolebindings", "ClusterRoleBinding", false),
		},
		"example.org/v1": {kind("everywheres", "Everywhere", false)},
		"policy/v1":      {kind("poddisruptionbudgets", "PodDisruptionBudget", true)},
	}
}

func newAPI(t *testing.T) *api {
	t.Helper()
	a := &api{objects: map[string]object{}}
	a.Server = httptest.NewTLSServer(http.HandlerFunc(a.serve))
	t.Cleanup(a.Close)
	return a
}

// kubeconfig names the server, without credentials.
func (a *api) kubeconfig() string {
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Certificate().Raw})
	b, _ := json.Marshal(object{
		"apiVersion": "v1", "kind": "Config", "current-context": "c",
		"clusters": []object{{"name": "c", "cluster": object{"server": a.URL, "certificate-authority-data": ca}}},
		"contexts": []object{{"name": "c", "context": object{"cluster": "c", "user": "u"}}},
		"users":    []object{{"name": "u", "user": object{}}},
	})
	return string(b)
}

func (a *api) has(path string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.objects[path] != nil
}

// edit changes an object behind the provider's back.
func (a *api) edit(path string, change func(object)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change(a.objects[path])
}

func (a *api) serve(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.discovery(w, r.URL.Path) {
		return
	}
	if r.Method != http.MethodGet {
		a.queries = append(a.queries, r.Method+" "+r.URL.Path+"?"+r.URL.Query().Encode())
	}
	switch obj := a.objects[r.URL.Path]; {
	case r.Method == http.MethodPatch:
		a.apply(w, r)
	case obj == nil && r.Method == http.MethodGet && a.collection(r.URL.Path):
		a.list(w, r)
	case obj == nil:
		fail(w, http.StatusNotFound, "NotFound", "not found")
	case r.Method == http.MethodDelete:
		if a.onDelete == nil || !a.onDelete(r.URL.Path) {
			delete(a.objects, r.URL.Path)
		}
		reply(w, obj)
	default:
		reply(w, obj)
	}
}

func (a *api) apply(w http.ResponseWriter, r *http.Request) {
	if a.refuse != nil {
		if why := a.refuse(r.URL.Path); why != "" {
			fail(w, http.StatusUnprocessableEntity, "Invalid", why)
			return
		}
	}
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
	if a.onApply != nil {
		a.onApply(r.URL.Path, obj)
	}
	if r.URL.Query().Get("dryRun") == "" {
		a.objects[r.URL.Path] = obj
	}
	reply(w, obj)
}

func (a *api) collection(path string) bool {
	last := path[strings.LastIndex(path, "/")+1:]
	for _, kinds := range resources() {
		for _, k := range kinds {
			if k["name"] == last {
				return true
			}
		}
	}
	return false
}

func (a *api) list(w http.ResponseWriter, r *http.Request) {
	items := []object{}
	for path, obj := range a.objects {
		if rest, ok := strings.CutPrefix(path, r.URL.Path+"/"); ok && !strings.Contains(rest, "/") &&
			matches(obj, r.URL.Query().Get("labelSelector")) {
			items = append(items, obj)
		}
	}
	reply(w, object{"apiVersion": "v1", "kind": "List", "metadata": object{}, "items": items})
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

func (a *api) discovery(w http.ResponseWriter, path string) bool {
	switch path {
	case "/api":
		reply(w, object{"kind": "APIVersions", "versions": []string{"v1"}})
		return true
	case "/apis":
		groups := []object{}
		for gv := range resources() {
			if group, version, ok := strings.Cut(gv, "/"); ok {
				v := object{"groupVersion": gv, "version": version}
				groups = append(groups, object{"name": group, "versions": []object{v}, "preferredVersion": v})
			}
		}
		reply(w, object{"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
		return true
	}
	for gv, kinds := range resources() {
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
