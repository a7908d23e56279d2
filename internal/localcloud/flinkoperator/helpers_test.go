// SPDX-License-Identifier: Apache-2.0

package flinkoperator

import (
	"context"
	"errors"
	"io"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/awsapi"
	"emrflink/internal/kube"
	"emrflink/internal/kube/kubetest"
)

const (
	team = "flink-team-a"
	role = "arn:aws:iam::021732063925:role/emr-on-eks-test-execution-role"
	// The two names are what EMR 7.9 made for that role.
	masterSA = "emr-containers-sa-flink-jobmanager-021732063925-1sseqknnoni14bdu6yyw9n3ft32986beoj10gadqfez009x"
	workerSA = "emr-containers-sa-flink-taskmanager-021732063925-1sseqknnoni14bdu6yyw9n3ft32986beoj10gadqfez009x"
)

var jobRef = kube.KindFlinkDeployment.Ref(team, "basic")

// s3 is a bucket and a log group behind one role.
type s3 struct {
	mu      sync.Mutex
	objects map[string]string // bucket/key -> body
	logs    []string
	assumed []string
	deny    map[string]error // "assume", "put <part of the key>"
}

func (s *s3) cloud(_ context.Context, roleARN, session, token string) (Session, error) {
	if err := s.deny["assume"]; err != nil {
		return nil, err
	}
	s.assumed = append(s.assumed, roleARN+" "+session+" "+token)
	return s, nil
}

func (s *s3) PutObject(_ context.Context, bucket, key string, body io.Reader, _ string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for part, err := range s.deny {
		if p, ok := strings.CutPrefix(part, "put "); ok && strings.Contains(key, p) && err != nil {
			return err
		}
	}
	raw, err := io.ReadAll(body)
	s.objects[bucket+"/"+key] = string(raw)
	return err
}

func (s *s3) ListObjects(_ context.Context, bucket, prefix string) ([]awsapi.Object, error) {
	var out []awsapi.Object
	for k, body := range s.objects {
		if key, ok := strings.CutPrefix(k, bucket+"/"); ok && strings.HasPrefix(key, prefix) {
			out = append(out, awsapi.Object{Key: key, Size: int64(len(body))})
		}
	}
	return out, nil
}

func (s *s3) DeleteObjects(_ context.Context, bucket string, keys ...string) error {
	for _, k := range keys {
		delete(s.objects, bucket+"/"+k)
	}
	return nil
}

func (s *s3) PutLogEvents(_ context.Context, group, stream string, events []awsapi.LogEvent) error {
	for _, e := range events {
		s.logs = append(s.logs, group+" "+stream+" "+e.Message)
	}
	return nil
}

func (s *s3) keys(part string) []string {
	var out []string
	for k := range s.objects {
		if strings.Contains(k, part) {
			out = append(out, k)
		}
	}
	sort.Strings(out)
	return out
}

type testClock struct{ t time.Time }

func (c *testClock) Now() time.Time { return c.t }

// world is a cluster with a deployment controller and a kubelet that start every
// pod at once, the operator, and the bucket.
type world struct {
	*kubetest.Store
	t     *testing.T
	op    *Operator
	s3    *s3
	clock *testClock
	asked []string // service accounts that acted as a job
	hold  bool     // pods stay Pending
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Store: kubetest.New(), t: t, clock: &testClock{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)},
		s3: &s3{objects: map[string]string{}, deny: map[string]error{}}}
	w.React(w.controllers)
	op, err := New(Options{Cluster: w.Store, Tokens: w.Store, Cloud: w.s3.cloud, Clock: w.clock, Speed: 1,
		AsJob: func(_ context.Context, ns, sa string) (Cluster, error) {
			w.asked = append(w.asked, ns+"/"+sa)
			return w.Store, nil
		}})
	require.NoError(t, err)
	w.op = op
	return w
}

func (w *world) controllers(verb string, o *unstructured.Unstructured) {
	switch {
	case verb == "apply" && o.GetKind() == "Deployment":
		n, _, _ := unstructured.NestedFloat64(o.Object, "spec", "replicas")
		for i := range int(n) {
			tmpl, _, _ := unstructured.NestedMap(o.Object, "spec", "template")
			pod := kubetest.Object(kube.KindPod, team, o.GetName()+"-"+string(rune('a'+i)), tmpl)
			pod.SetOwnerReferences(nil)
			_ = unstructured.SetNestedSlice(pod.Object, []any{
				map[string]any{"uid": string(o.GetUID()), "kind": "Deployment", "name": o.GetName(), "apiVersion": "apps/v1"},
			}, "metadata", "ownerReferences")
			w.start(pod)
		}
	case verb == "create" && o.GetKind() == "Pod":
		w.start(o)
	}
}

func (w *world) start(pod *unstructured.Unstructured) {
	if !w.hold {
		_ = unstructured.SetNestedField(pod.Object, "node-1", "spec", "nodeName")
		_ = unstructured.SetNestedMap(pod.Object, map[string]any{"phase": "Running",
			"conditions": []any{map[string]any{"type": "Ready", "status": "True"}}}, "status")
	}
	w.Put(pod)
}

// pass lets the operator look n times, a second apart.
func (w *world) pass(n int) {
	w.t.Helper()
	for range n {
		require.NoError(w.t, w.op.Reconcile(w.t.Context()))
		w.clock.t = w.clock.t.Add(time.Second)
	}
}

func (w *world) get(ref kube.Ref) *unstructured.Unstructured {
	w.t.Helper()
	o, err := w.Get(w.t.Context(), ref)
	require.NoError(w.t, err)
	return o
}

func (w *world) status(path ...string) string {
	w.t.Helper()
	s, _, _ := unstructured.NestedString(w.get(jobRef).Object, append([]string{"status"}, path...)...)
	return s
}

func (w *world) spec(patch object) {
	w.t.Helper()
	_, err := w.Patch(w.t.Context(), jobRef, "", object{"spec": patch})
	require.NoError(w.t, err)
}

func flink(change object) *unstructured.Unstructured {
	o := kubetest.Object(kube.KindFlinkDeployment, team, "basic", object{"spec": object{
		"emrReleaseLabel": "emr-7.13.0-flink-latest", "executionRoleArn": role, "flinkVersion": "v1_20",
		"flinkConfiguration": object{
			"taskmanager.numberOfTaskSlots": "2", "taskmanager.data.port": "6121", "execution.checkpointing.interval": "2 s",
			"state.checkpoints.dir": "s3p://b/team/checkpoints/basic", "state.savepoints.dir": "s3://b/team/savepoints/basic",
		},
		"jobManager": object{"storageDir": "s3://b/team/jobmanager/basic", "resource": object{"memory": "2048m", "cpu": 0.5},
			"podTemplate": object{"metadata": object{"annotations": object{"karpenter.sh/do-not-disrupt": "true"}},
				"spec": object{"nodeSelector": object{"FlinkRole": "jobmanager"},
					"containers": []any{
						object{"name": "flink-main-container", "env": []any{object{"name": "A", "value": "b"}}},
					}}}},
		"taskManager": object{"resource": object{"memory": "2g", "cpu": 1}},
		"job":         object{"jarURI": "local:///x.jar", "parallelism": 3, "upgradeMode": "savepoint", "state": "running"},
		"monitoringConfiguration": object{
			"cloudWatchMonitoringConfiguration": object{"logGroupName": "/g", "logStreamNamePrefix": "basic"},
			"sideCarResources":                  object{"limits": object{"cpuLimit": "500m", "memoryLimit": "250Mi"}},
		},
	}})
	mergeTemplate(o.Object, object{"spec": change})
	return kubetest.Object(kube.KindFlinkDeployment, team, "basic", o.Object)
}

func denied(action string) error {
	return errors.New("AccessDenied: not authorized to perform: " + action)
}
