// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/awsapi"
	"emrflink/internal/kube"
	"emrflink/internal/kube/kubetest"
)

// scriptClock advances by what is slept and runs a script at given times.
type scriptClock struct {
	mu   sync.Mutex
	now  time.Time
	base time.Time
	at   map[time.Duration]func()
}

func newClock(at map[time.Duration]func()) *scriptClock {
	base := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return &scriptClock{now: base, base: base, at: at}
}

func (c *scriptClock) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now }

func (c *scriptClock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	c.now = c.now.Add(d)
	var due []func()
	for t, f := range c.at {
		if c.now.Sub(c.base) >= t {
			due = append(due, f)
			delete(c.at, t)
		}
	}
	c.mu.Unlock()
	for _, f := range due {
		f()
	}
	return ctx.Err()
}

// job is that of spec.
func job(t *testing.T) Job {
	t.Helper()
	jobs, err := spec(t).Jobs()
	require.NoError(t, err)
	return jobs[0]
}

type bucket struct {
	mu      sync.Mutex // of calls
	objects []awsapi.Object
	calls   int
}

func (b *bucket) ListObjects(_ context.Context, name, prefix string) ([]awsapi.Object, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls++
	if name == "" || prefix == "" || prefix[len(prefix)-1] != '/' {
		return nil, errors.New("list of a whole bucket")
	}
	return b.objects, nil
}

const chk = "flink-team-a/checkpoints/basic/0123456789abcdef0123456789abcdef/"

func (b *bucket) put(key string, size int64, at time.Time) {
	b.objects = append(b.objects, awsapi.Object{Key: key, Size: size, LastModified: at})
}

func nodePoolObject(name, role string, taints ...any) *unstructured.Unstructured {
	return kubetest.Object(kube.KindNodePool, "", name, obj{"spec": obj{"template": obj{
		"metadata": obj{"labels": obj{"NodeGroupType": "FlinkComputeOptimized", "FlinkRole": role}},
		"spec": obj{"taints": taints, "requirements": []any{
			obj{"key": "kubernetes.io/arch", "operator": "In", "values": []any{"amd64"}}}},
	}}})
}

func conditions(t, status, message string) obj {
	return obj{"status": obj{"conditions": []any{obj{"type": t, "status": status, "message": message}}}}
}

func healthyCluster() *kubetest.Store {
	return kubetest.New(
		kubetest.Object(kube.KindCRD, "", flinkCRD, conditions("Established", "True", "")),
		kubetest.Object(kube.KindDeployment, "flink-kubernetes-operator", operatorDeployment,
			conditions("Available", "True", "")),
		kubetest.Object(kube.KindNamespace, "", "flink-team-a", nil),
		nodePoolObject("tm", RoleTaskManager),
		nodePoolObject("jm", RoleJobManager, obj{"key": "FlinkRole", "value": RoleJobManager, "effect": "NoSchedule"}),
		kubetest.Object(kube.KindNode, "", "n1", obj{"metadata": obj{"labels": obj{"karpenter.sh/nodepool": "jm",
			"karpenter.sh/capacity-type": "on-demand", "node.kubernetes.io/instance-type": "c5d.large"}}}),
		kubetest.Object(kube.KindNode, "", "n2", obj{"metadata": obj{"labels": obj{"karpenter.sh/nodepool": "tm",
			"karpenter.sh/capacity-type": "spot", "node.kubernetes.io/instance-type": "c6id.large"}}}),
	)
}

func pod(name, role, node string, status obj) *unstructured.Unstructured {
	return kubetest.Object(kube.KindPod, "flink-team-a", name, obj{
		"metadata": obj{"labels": obj{"app": "basic", "type": "flink-native-kubernetes", "component": role}},
		"spec":     obj{"nodeName": node}, "status": status,
	})
}

var running = obj{"phase": "Running", "conditions": []any{obj{"type": "Ready", "status": "True"}}}

func setStatus(t *testing.T, s *kubetest.Store, status obj) {
	t.Helper()
	_, err := s.Patch(t.Context(), kube.KindFlinkDeployment.Ref("flink-team-a", "basic"), "status", obj{"status": status})
	require.NoError(t, err)
}

func TestRunEndsWithACheckpointThatWasNotThereBefore(t *testing.T) {
	t.Parallel()
	cluster, b := healthyCluster(), &bucket{}
	var clock *scriptClock
	clock = newClock(map[time.Duration]func(){
		5 * time.Second: func() {
			setStatus(t, cluster, obj{
				"observedGeneration": 1, "jobManagerDeploymentStatus": "DEPLOYING", "jobStatus": obj{"state": "RECONCILING"},
			})
			cluster.Put(pod("basic-1", RoleJobManager, "", obj{"phase": "Pending", "conditions": []any{
				obj{"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"}}}))
			cluster.Put(kubetest.Object(kube.KindNodeClaim, "", "jm-abc", obj{
				"metadata": obj{
					"labels": obj{"karpenter.sh/capacity-type": "on-demand", "node.kubernetes.io/instance-type": "c5d.large"},
				},
				"status": obj{"conditions": []any{
					obj{"type": "Launched", "status": "True"},
					obj{"type": "Registered", "status": "Unknown", "reason": "NodeNotFound", "message": "Node not registered"},
				}},
			}))
		},
		40 * time.Second: func() {
			cluster.Put(pod("basic-1", RoleJobManager, "n1", running))
			cluster.Put(pod("basic-taskmanager-1-1", RoleTaskManager, "n2", running))
			cluster.Put(pod("basic-taskmanager-1-2", RoleTaskManager, "n2", running))
			setStatus(t, cluster, obj{
				"jobManagerDeploymentStatus": "READY", "lifecycleState": "STABLE", "jobStatus": obj{"state": "RUNNING"},
			})
		},
		60 * time.Second: func() {
			b.put(chk+"chk-8/data", 100, clock.Now())
		},
		70 * time.Second: func() {
			b.put(chk+"chk-8/_metadata", 23, clock.Now())
		},
	})
	b.put(chk+"chk-7/_metadata", 10, clock.base.Add(-time.Hour)) // of an earlier run
	var said []Progress
	r := Runner{Kube: cluster, Objects: b, Clock: clock, Poll: time.Second, Heartbeat: 10 * time.Second}
	res, err := r.Run(t.Context(), job(t), func(p Progress) { said = append(said, p) })
	require.NoError(t, err)
	want := RunResult{
		SchemaVersion: 1, Job: "basic", Namespace: "flink-team-a", State: "RUNNING",
		Checkpoint: Checkpoint{URI: "s3://emr-eks-flink-111122223333-us-west-2-checkpoints/" + chk + "chk-8", Bytes: 123,
			At: clock.base.Add(70 * time.Second)},
		Nodes: []NodeUse{
			{Name: "n1", InstanceType: "c5d.large", CapacityType: "on-demand", NodePool: "jm", Roles: []string{RoleJobManager}},
			{Name: "n2", InstanceType: "c6id.large", CapacityType: "spot", NodePool: "tm", Roles: []string{RoleTaskManager}},
		},
		ElapsedSeconds: 70,
	}
	require.Empty(t, cmp.Diff(want, res))
	var causes string
	for i, p := range said {
		causes += p.Phase + ": " + p.Cause + "\n"
		if i > 0 {
			require.LessOrEqual(t, p.Elapsed-said[i-1].Elapsed, 11*time.Second, "silence before %q", p.Cause)
		}
	}
	require.Contains(t, causes, "nodes: 1 of 1 pods have no node; scheduler: 0/3 nodes are available; NodeClaim jm-abc "+
		"(c5d.large, on-demand): not Registered yet, NodeNotFound: Node not registered")
	require.Contains(t, causes, "checkpoint: the job is RUNNING; no checkpoint below s3p://")
}

func TestARunThatRestartsAJobAsks(t *testing.T) {
	t.Parallel()
	cluster := healthyCluster()
	no := errors.New("no")
	asked := ""
	r := Runner{Kube: cluster, Objects: &bucket{}, Clock: newClock(nil), Restart: func(why string) error {
		asked = why
		return no
	}, Timeout: time.Second}
	s := spec(t)
	for _, c := range []struct {
		parallelism int
		asks        string
	}{
		{s.Parallelism, ""}, // there is none
		{s.Parallelism, ""}, // it is the same
		{s.Parallelism + 2, `job "basic" runs with parallelism 2, and is to run with 4`},
	} {
		asked, s.Parallelism = "", c.parallelism
		jobs, err := s.Jobs()
		require.NoError(t, err)
		_, err = r.Run(t.Context(), jobs[0], func(Progress) {})
		require.Equal(t, c.asks, asked)
		require.Equal(t, c.asks != "", errors.Is(err, no), err)
	}
	o, err := cluster.Get(t.Context(), kube.KindFlinkDeployment.Ref(s.Namespace, s.Name))
	require.NoError(t, err)
	now, _, err := unstructured.NestedFieldNoCopy(o.Object, "spec", "job", "parallelism")
	require.NoError(t, err)
	require.EqualValues(t, 2, now, "it stayed as it was")
}

func TestRunFailsWithANamedCause(t *testing.T) {
	t.Parallel()
	seen := obj{"observedGeneration": 1, "jobStatus": obj{"state": "RECONCILING"}}
	for name, tc := range map[string]struct {
		script func(t *testing.T, s *kubetest.Store)
		id     string
		text   string
		within time.Duration
	}{
		"a validation error of the operator is final": {func(t *testing.T, s *kubetest.Store) {
			setStatus(t, s, obj{
				"observedGeneration": 1, "lifecycleState": "FAILED",
				"error": `{"type":"ValidationException","message":"storageDir is required"}`,
			})
		}, "operator", "storageDir is required", 2 * time.Second},
		"a denied role is told with STS's words": {func(t *testing.T, s *kubetest.Store) {
			setStatus(t, s, obj{"observedGeneration": 1, "error": `{"message":"job cannot start","throwableList":[` +
				`{"message":"AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity"}]}`})
		}, "operator", "Not authorized to perform sts:AssumeRoleWithWebIdentity", 40 * time.Second},
		"an image that cannot be pulled": {func(t *testing.T, s *kubetest.Store) {
			setStatus(t, s, seen)
			s.Put(pod("basic-1", RoleJobManager, "n1", obj{"containerStatuses": []any{obj{"name": "flink-main-container",
				"state": obj{"waiting": obj{"reason": "ImagePullBackOff", "message": "403 Forbidden"}}}}}))
		}, "image", "403 Forbidden", 40 * time.Second},
		"a pod that no pool takes": {func(t *testing.T, s *kubetest.Store) {
			setStatus(t, s, seen)
			s.Put(pod("basic-1", RoleJobManager, "", nil))
			s.Put(kubetest.Object(kube.KindEvent, "flink-team-a", "e", obj{
				"type": "Warning", "reason": "FailedScheduling", "message": "incompatible with nodepool",
				"source": obj{"component": "karpenter"}, "lastTimestamp": "2026-01-01T00:00:03Z",
				"involvedObject": obj{"kind": "Pod", "name": "basic-1", "namespace": "flink-team-a", "apiVersion": "v1"},
			}))
		}, "scheduling", "incompatible with nodepool", 70 * time.Second},
		"somebody deletes the job": {func(_ *testing.T, s *kubetest.Store) {
			s.Remove(kube.KindFlinkDeployment.Ref("flink-team-a", "basic"))
		}, "deleted", "deleted by somebody else", 3 * time.Second},
		"an operator that says nothing": {func(*testing.T, *kubetest.Store) {}, "operator-silent", "not taken up",
			70 * time.Second},
		"no checkpoint in time is a timeout with the last cause": {func(t *testing.T, s *kubetest.Store) {
			setStatus(t, s, obj{"observedGeneration": 1, "jobStatus": obj{"state": "RUNNING"}})
			s.Put(pod("basic-1", RoleJobManager, "n1", running))
		}, "timeout", "no checkpoint below", 6 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := healthyCluster()
			clock := newClock(map[time.Duration]func(){time.Second: func() { tc.script(t, s) }})
			r := Runner{
				Kube: s, Objects: &bucket{}, Clock: clock, Poll: time.Second, Grace: 30 * time.Second, Timeout: 5 * time.Minute,
			}
			_, err := r.Run(t.Context(), job(t), nil)
			var f *Failure
			require.ErrorAs(t, err, &f)
			require.Equal(t, tc.id, f.ID)
			require.Equal(t, "flink-team-a basic", f.Namespace+" "+f.Job)
			require.Contains(t, f.Cause, tc.text)
			require.LessOrEqual(t, f.Elapsed, tc.within)
			require.Equal(t, map[bool]int{true: 6, false: 1}[tc.id == "timeout"], f.ExitCode())
			require.Contains(t, f.Hint(), "emrflink job status")
		})
	}
}

type trustDoc string

func (d trustDoc) RoleTrust(context.Context, string) (string, error) { return string(d), nil }

func TestPreflightListsEverythingAndSubmitsNothing(t *testing.T) {
	t.Parallel()
	s := kubetest.New(
		kubetest.Object(kube.KindCRD, "", flinkCRD, conditions("Established", "True", "")),
		nodePoolObject("wrong", "other"),
		nodePoolObject("tainted", RoleTaskManager, obj{"key": "dedicated", "value": "x", "effect": "NoSchedule"}),
	)
	r := Runner{
		Kube: s, Objects: &bucket{}, Clock: newClock(nil), Trust: trustDoc(trust("StringLike", "system:serviceaccount:other:*")),
	}
	_, err := r.Run(t.Context(), job(t), nil)
	var p *PreflightError
	require.ErrorAs(t, err, &p)
	require.Empty(t, s.Calls())
	for _, want := range []string{
		"Flink operator is not installed", `namespace "flink-team-a" does not exist`, "no NodePool takes the jobmanager pods",
		"tainted: has taint dedicated=x", "does not offer FlinkRole=taskmanager", "does not trust",
		"system:serviceaccount:other:*",
	} {
		require.Contains(t, err.Error(), want)
	}
}

func TestARunWaitsForAPoolThatIsNotReadyYet(t *testing.T) {
	t.Parallel()
	notYet := conditions("Ready", "False", "NodeClassReady=False")["status"].(obj)
	start := func(at map[time.Duration]func(), cluster *kubetest.Store) ([]Progress, error) {
		_, err := cluster.Patch(t.Context(), kube.KindNodePool.Ref("", "jm"), "status", obj{"status": notYet})
		require.NoError(t, err)
		var said []Progress
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		_, err = Runner{Kube: cluster, Objects: &bucket{}, Clock: newClock(at), Poll: time.Second}.Run(ctx, job(t),
			func(p Progress) {
				said = append(said, p)
				if p.Phase == phaseSubmitted {
					cancel()
				}
			})
		return said, err
	}

	cluster := healthyCluster()
	said, err := start(map[time.Duration]func(){20 * time.Second: func() {
		_, err := cluster.Patch(t.Context(), kube.KindNodePool.Ref("", "jm"), "status",
			obj{"status": conditions("Ready", "True", "")["status"]})
		require.NoError(t, err)
	}}, cluster)
	require.ErrorContains(t, err, "stays submitted", "the pool became Ready and the job was submitted")
	require.Contains(t, said[1].Cause, "jm: is not Ready: NodeClassReady=False")

	cluster = healthyCluster()
	said, err = start(nil, cluster)
	require.ErrorContains(t, err, "no NodePool takes the jobmanager pods")
	require.Equal(t, 45*time.Second, said[len(said)-1].Elapsed, "one line each 15 s, and the end of the grace")
	require.NotContains(t, strings.Join(cluster.Calls(), "\n"), "apply")
}

func TestPreflightAcceptsTheDefaultPools(t *testing.T) {
	t.Parallel()
	require.NoError(t, Runner{Kube: healthyCluster(), Objects: &bucket{}}.Preflight(t.Context(), job(t)))
}

func TestAnInterruptedRunSaysThatTheJobStays(t *testing.T) {
	t.Parallel()
	s := healthyCluster()
	ctx, cancel := context.WithCancel(t.Context())
	clock := newClock(map[time.Duration]func(){2 * time.Second: cancel})
	_, err := Runner{Kube: s, Objects: &bucket{}, Clock: clock, Poll: time.Second}.Run(ctx, job(t), nil)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "stays submitted")
}
