// SPDX-License-Identifier: Apache-2.0

package flinkoperator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"emrflink/internal/awsapi"
	"emrflink/internal/kube"
	"emrflink/internal/kube/kubetest"
	"emrflink/internal/localcloud/flinkconf"
	"emrflink/internal/localcloud/flinksim"
)

const (
	team = "flink-team-a"
	role = "arn:aws:iam::021732063925:role/emr-on-eks-test-execution-role"
	// The two names are what EMR 7.9 made for that role.
	masterSA = "emr-containers-sa-flink-jobmanager-021732063925-1sseqknnoni14bdu6yyw9n3ft32986beoj10gadqfez009x"
	workerSA = "emr-containers-sa-flink-taskmanager-021732063925-1sseqknnoni14bdu6yyw9n3ft32986beoj10gadqfez009x"
)

var jobRef = kube.KindFlinkDeployment.Ref(team, "basic")

// s3 is a bucket behind one role.
type s3 struct {
	mu      sync.Mutex
	objects map[string]string // bucket/key -> body
	at      map[string]time.Time
	now     func() time.Time
	wrote   func(key string) // nil: nobody wants to know
	assumed []string
	deny    map[string]error // "assume", "put <part of the key>"
}

func (s *s3) assume(_ context.Context, namespace, account, session string) (flinksim.Session, error) {
	if err := s.deny["assume"]; err != nil {
		return nil, err
	}
	s.assumed = append(s.assumed, namespace+"/"+account+" "+session)
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
	s.store(bucket+"/"+key, string(raw))
	return err
}

func (s *s3) store(name, body string) {
	s.objects[name], s.at[name] = body, s.now().Truncate(time.Second)
	if s.wrote != nil {
		s.wrote(name)
	}
}

func (s *s3) ListObjects(_ context.Context, bucket, prefix string) ([]awsapi.Object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []awsapi.Object
	for k, body := range s.objects {
		if key, ok := strings.CutPrefix(k, bucket+"/"); ok && strings.HasPrefix(key, prefix) {
			out = append(out, awsapi.Object{Key: key, Size: int64(len(body)), LastModified: s.at[k]})
		}
	}
	return out, nil
}

func (s *s3) GetObject(_ context.Context, bucket, key string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, ok := s.objects[bucket+"/"+key]
	if !ok {
		return nil, &awsapi.Error{Op: "s3:GetObject", Code: "NoSuchKey"}
	}
	return []byte(body), nil
}

func (s *s3) CopyObject(_ context.Context, bucket, key string, _ int64, toBucket, toKey string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, ok := s.objects[bucket+"/"+key]
	if !ok {
		return &awsapi.Error{Op: "s3:CopyObject", Code: "NoSuchKey"}
	}
	s.store(toBucket+"/"+toKey, body)
	return nil
}

func (s *s3) DeleteObjects(_ context.Context, bucket string, keys ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range keys {
		delete(s.objects, bucket+"/"+k)
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
// pod at once, the operator, simulated JobManagers, and the bucket.
type world struct {
	*kubetest.Store
	t     *testing.T
	op    *Operator
	s3    *s3
	clock *testClock
	asked []string // service accounts that acted as a job
	hold  bool     // pods stay Pending
	late  int      // passes until the REST API of a new JobManager answers
	mute  bool     // no REST API answers
	seen  func(pod *corev1.Pod, c *flinksim.Cluster, stepped bool)
	flink *flinksim.Runtime
	jobs  map[string]*flinksim.Cluster // by address of a JobManager

	printed strings.Builder // what JobManagers print
	pods    atomic.Int64    // that were started, for several jobs at once
	waits   int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Store: kubetest.New(), t: t, clock: &testClock{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)},
		s3:   &s3{objects: map[string]string{}, at: map[string]time.Time{}, deny: map[string]error{}},
		jobs: map[string]*flinksim.Cluster{}}
	w.s3.now = w.clock.Now
	w.React(w.controllers)
	op, err := New(Options{
		Cluster: w.Store, Namespace: "operators", Dial: w.dial, Clock: w.clock,
		Jar: func(context.Context, string) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader("a jar")), nil
		},
	})
	require.NoError(t, err)
	op.http = &http.Client{Transport: w}
	w.op = op
	w.flink, err = flinksim.New(flinksim.Options{
		As: func(_ context.Context, ns, sa string) (flinksim.Kube, error) {
			w.asked = append(w.asked, ns+"/"+sa)
			return w.Store, nil
		},
		Assume: w.s3.assume, Clock: w.clock, Speed: 1,
	})
	require.NoError(t, err)
	return w
}

func (w *world) dial(context.Context, string, string) (net.Conn, error) {
	return nil, errors.New("not used")
}

// RoundTrip is the network to the JobManagers.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	c := w.jobs[r.URL.Hostname()]
	if c == nil || w.mute {
		return nil, errors.New("connection refused")
	}
	rec := httptest.NewRecorder()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	c.Handler().ServeHTTP(rec, r)
	return rec.Result(), nil
}

// run lets the JobManagers work: the first pod of a Deployment leads. One that ends waits for its next start.
func (w *world) run() {
	w.t.Helper()
	list, err := w.List(w.t.Context(), kube.KindPod, kube.ListOptions{Namespace: team, Labels: "component=" + componentMaster})
	require.NoError(w.t, err)
	if len(list) == 0 {
		w.waits = w.late
	} else if w.waits > 0 {
		w.waits--
		return
	}
	live := map[string]*flinksim.Cluster{}
	var leader *flinksim.Cluster
	for i := range list {
		ip, _, _ := unstructured.NestedString(list[i].Object, "status", "podIP")
		if ip == "" || leader != nil {
			if ip != "" {
				live[ip] = leader
			}
			continue
		}
		var p corev1.Pod
		require.NoError(w.t, runtime.DefaultUnstructuredConverter.FromUnstructured(list[i].Object, &p))
		c := w.jobs[ip]
		if c == nil {
			if c, err = w.flink.Open(w.t.Context(), &p); err == nil {
				c.Out = &w.printed
				w.tellSeen(&p, c, false)
			}
		}
		if err == nil {
			err = c.Step(w.t.Context())
		}
		if err == nil {
			w.tellSeen(&p, c, true)
		}
		for n := range list {
			w.crash(&list[n], err)
		}
		if err != nil {
			w.jobs = nil
			return
		}
		leader, live[ip] = c, c
	}
	w.jobs = live
}

func (w *world) tellSeen(p *corev1.Pod, c *flinksim.Cluster, stepped bool) {
	if w.seen != nil {
		w.seen(p, c, stepped)
	}
}

// crash shows a JobManager that ended, or that runs.
func (w *world) crash(pod *unstructured.Unstructured, why error) {
	o := w.get(kube.RefOf(pod))
	ready, state := "True", map[string]any{"running": map[string]any{}}
	if why != nil {
		ready = "False"
		state = map[string]any{"waiting": map[string]any{"reason": "CrashLoopBackOff", "message": why.Error()}}
	}
	_ = unstructured.SetNestedSlice(o.Object, []any{map[string]any{"type": "Ready", "status": ready}}, "status", "conditions")
	_ = unstructured.SetNestedSlice(o.Object, []any{map[string]any{"name": flinkconf.MainContainer, "state": state}}, "status",
		"containerStatuses")
	w.Put(o)
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
		ip := fmt.Sprintf("10.0.0.%d", w.pods.Add(1))
		_ = unstructured.SetNestedMap(pod.Object, map[string]any{"phase": "Running", "podIP": ip,
			"conditions": []any{map[string]any{"type": "Ready", "status": "True"}}}, "status")
	}
	w.Put(pod)
}

// pass lets the operator look n times, a second apart.
func (w *world) pass(n int) {
	w.t.Helper()
	for range n {
		require.NoError(w.t, w.op.Reconcile(w.t.Context()))
		w.run()
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
