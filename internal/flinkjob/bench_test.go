// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/kube"
	"emrflink/internal/kube/kubetest"
)

// manyJobs are 200 jobs in 20 namespaces, with three pods each, as an API server answers them.
func manyJobs(b *testing.B) kube.Source {
	b.Helper()
	var jobs, pods []unstructured.Unstructured
	for i := range 200 {
		ns, name := fmt.Sprintf("flink-team-%d", i%20), fmt.Sprintf("job-%d", i)
		jobs = append(jobs, *flink(kube.KindFlinkDeployment.Ref(ns, name), "savepoint", stable))
		for n := range 3 {
			pods = append(pods, *kubetest.Object(kube.KindPod, ns, fmt.Sprintf("%s-%d", name, n), obj{
				"metadata": obj{"labels": obj{"app": name, "type": "flink-native-kubernetes", "component": RoleTaskManager}},
				"spec": obj{"nodeName": "n1", "containers": []any{
					obj{"resources": obj{"requests": obj{"cpu": "1", "memory": "2Gi"}}},
				}},
				"status": running,
			}))
		}
	}
	nodes := []unstructured.Unstructured{*kubetest.Object(kube.KindNode, "", "n1", obj{"metadata": obj{"labels": obj{
		"node.kubernetes.io/instance-type": "c5d.xlarge",
	}}})}
	resources := func(gv string, kinds ...string) any {
		var list []any
		for _, k := range kinds {
			list = append(list, obj{"name": map[string]string{"Pod": "pods", "Node": "nodes",
				"FlinkDeployment": "flinkdeployments",
				"FlinkSessionJob": "flinksessionjobs"}[k], "kind": k, "namespaced": k != "Node", "verbs": []string{"list"}})
		}
		return obj{"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": gv, "resources": list}
	}
	items := func(kind string, all []unstructured.Unstructured) any {
		var list []any
		for i := range all {
			list = append(list, all[i].Object)
		}
		return obj{"kind": kind + "List", "apiVersion": "v1", "metadata": obj{}, "items": list}
	}
	const flinks = "/apis/flink.apache.org/v1beta1"
	version := obj{"groupVersion": flinks[6:], "version": "v1beta1"}
	docs := map[string][]byte{}
	for path, doc := range map[string]any{
		"/version": obj{}, "/api": obj{"kind": "APIVersions", "versions": []string{"v1"}},
		"/apis": obj{"kind": "APIGroupList", "apiVersion": "v1", "groups": []any{
			obj{"name": "flink.apache.org", "versions": []any{version}, "preferredVersion": version},
		}},
		"/api/v1": resources("v1", "Pod", "Node"), flinks: resources(flinks[6:], "FlinkDeployment", "FlinkSessionJob"),
		"/api/v1/pods": items("Pod", pods), "/api/v1/nodes": items("Node", nodes),
		flinks + "/flinkdeployments": items("FlinkDeployment", jobs), flinks + "/flinksessionjobs": items("FlinkSessionJob", nil),
	} {
		raw, err := json.Marshal(doc)
		require.NoError(b, err)
		docs[path] = raw
	}
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(docs[r.URL.Path])
	}))
	b.Cleanup(s.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	return kube.Source{
		ClusterName: "c", Endpoint: s.URL, CABase64: base64.StdEncoding.EncodeToString(ca),
		Token: func(context.Context) (string, time.Time, error) { return "t", time.Now().Add(time.Hour), nil },
	}
}

// BenchmarkJobs is one look at 200 jobs: what `job list` costs after its start, and `job list --watch` after a change.
func BenchmarkJobs(b *testing.B) {
	c, err := kube.Connect(b.Context(), manyJobs(b))
	require.NoError(b, err)
	r := Runner{Kube: c, Objects: &bucket{}, Region: "us-west-2"}.withDefaults()
	for b.Loop() {
		all, err := r.Jobs(b.Context(), "")
		require.NoError(b, err)
		require.Len(b, all, 200)
		require.NotNil(b, all[0].HourlyUSD)
	}
}
