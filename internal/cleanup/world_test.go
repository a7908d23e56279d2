// SPDX-License-Identifier: Apache-2.0

package cleanup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/awsapi"
	"emrflink/internal/kube"
	"emrflink/internal/kube/kubetest"
)

const cluster = "emr-eks-flink"

// account is an AWS account in memory: what is in it, and a journal of what was
// done, shared with the cluster and the engine.
type account struct {
	mu        sync.Mutex
	id        string
	cluster   bool // exists
	status    string
	tags      map[string]string // of the cluster
	protected bool              // the cluster, by EKS
	resources map[string]awsapi.Resource
	journal   []string
	fail      map[string]error // "delete <id>", "inventory", "empty", "identity"
	late      []awsapi.Resource
	look      func(phase string) // runs before each inventory
	ends      map[int64]string   // phases by the end of their time, which tells a call's: some run beside others
	limit     time.Duration      // of the last wait for terminated instances

	slowBucket time.Duration // what emptying it takes
}

func (a *account) note(format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.journal = append(a.journal, fmt.Sprintf(format, args...))
}

func (a *account) Identity(context.Context) (awsapi.Identity, error) {
	return awsapi.Identity{Account: a.id}, a.fail["identity"]
}

func (a *account) DescribeCluster(_ context.Context, name string) (awsapi.Cluster, error) {
	if err := a.fail["describe"]; err != nil {
		return awsapi.Cluster{}, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.cluster {
		return awsapi.Cluster{}, &awsapi.Error{
			Op: "eks:DescribeCluster", Code: "ResourceNotFoundException", Message: "No cluster found for name: " + name,
		}
	}
	return awsapi.Cluster{Name: name, Status: a.status, Tags: a.tags, DeletionProtection: a.protected}, nil
}

func (a *account) DeploymentResources(ctx context.Context, _ awsapi.Deployment) ([]awsapi.Resource, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.look != nil {
		end, _ := ctx.Deadline()
		a.look(a.ends[end.UnixNano()])
	}
	var out []awsapi.Resource
	for _, r := range a.resources {
		out = append(out, r)
	}
	slices.SortFunc(out, func(x, y awsapi.Resource) int { return cmpString(x.ID, y.ID) })
	return out, a.fail["inventory"]
}

func cmpString(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (a *account) Delete(_ context.Context, r awsapi.Resource) error {
	a.note("sweep %s", r.ID)
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.fail["delete "+r.ID]; err != nil {
		return err
	}
	delete(a.resources, r.ID)
	if r.Type == awsapi.TypeLogGroup { // EKS flushes its last logs into a group of its own
		for _, l := range a.late {
			a.resources[l.ID] = l
		}
		a.late = nil
	}
	return nil
}

func (a *account) EmptyBucket(_ context.Context, bucket string, progress func(awsapi.Emptied)) (int, error) {
	a.note("empty %s", bucket)
	for took := time.Duration(0); took < a.slowBucket; took += 3 * time.Second {
		progress(awsapi.Emptied{Deleted: 1 + int(took/time.Second), Listed: 2 + int(took/time.Second)})
		time.Sleep(3 * time.Second)
	}
	a.note("emptied %s", bucket)
	if progress != nil {
		progress(awsapi.Emptied{Deleted: 3, Listed: 3, Counted: true})
	}
	return 3, a.fail["empty"]
}

func (a *account) WaitTerminated(_ context.Context, limit time.Duration, ids ...string) error {
	a.limit = limit
	a.note("terminated %v", ids)
	return nil
}

func (a *account) add(rs ...awsapi.Resource) {
	for _, r := range rs {
		if r.CreatedBy == "" {
			r.CreatedBy = "user"
		}
		a.resources[r.ID] = r
	}
}

// engine deletes what is in the state: all resources with the deployment's tag,
// and the cluster.
type engine struct {
	a      *account
	locked error
	err    error
	block  string        // id that must be gone first
	first  time.Duration // what the cluster takes
	slow   time.Duration // what the rest takes
	events []EngineEvent
	after  func() // runs when everything was deleted
	runs   int
	forgot bool
	holds  int // Kubernetes objects in its state

	afterForget func()
	forgotten   []string
}

func (e *engine) Ready(context.Context) error { return e.locked }

func (e *engine) Destroy(ctx context.Context, sink func(EngineEvent)) error {
	e.runs++
	e.a.note("engine")
	sink(EngineEvent{Resource: "aws:ec2/vpc:Vpc main", Message: "deleting"})
	for _, ev := range e.events {
		sink(ev)
	}
	if e.first > 0 {
		time.Sleep(e.first)
		e.a.mu.Lock()
		e.a.cluster = false
		e.a.mu.Unlock()
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(e.slow):
	}
	if e.err != nil {
		return e.err
	}
	e.a.mu.Lock()
	defer e.a.mu.Unlock()
	if e.after != nil {
		defer e.after()
	}
	e.a.cluster = false
	if _, there := e.a.resources[e.block]; there {
		return errors.New("DependencyViolation: the subnet has dependencies")
	}
	for id, r := range e.a.resources {
		kept := r.Type == awsapi.TypeBucket && len(e.forgotten) > 0
		if r.Tags["emrflink:deployment"] == cluster && r.CreatedBy == "user" && !kept {
			delete(e.a.resources, id)
			sink(EngineEvent{Resource: r.Type + " " + id, Deleted: true})
		}
	}
	return nil
}

func (e *engine) ForgetKubernetes(context.Context) (int, error) {
	e.forgot = true
	if e.afterForget != nil {
		e.afterForget()
	}
	return e.holds, nil
}

func (e *engine) ForgetTypes(_ context.Context, types ...string) (int, error) {
	e.forgotten = types
	return len(types), nil
}

var _ Forgetter = (*engine)(nil)

func ours() map[string]string { return map[string]string{"emrflink:deployment": cluster} }

type world struct {
	*account
	kube   *kubetest.Store
	engine *engine
	c      Cleanup
	said   []Progress

	controlling sync.WaitGroup // what the controllers have begun
}

// newWorld is a used deployment: a job, a load balancer, a volume, nodes, and
// controllers that react as the real ones do.
func newWorld(t *testing.T) *world {
	t.Helper()
	a := &account{
		id: "111122223333", cluster: true, status: "ACTIVE", resources: map[string]awsapi.Resource{}, fail: map[string]error{},
		ends: map[int64]string{},
	}
	a.add(
		awsapi.Resource{Service: "ec2", Type: awsapi.TypeVPC, ID: "vpc-1", Tags: ours()},
		awsapi.Resource{Service: "s3", Type: awsapi.TypeBucket, ID: "our-bucket", Tags: ours()},
		awsapi.Resource{Service: "ec2", Type: awsapi.TypeInstance, ID: "i-node", State: "running", CreatedBy: "karpenter",
			Tags: map[string]string{"kubernetes.io/cluster/" + cluster: "owned", "karpenter.sh/nodepool": "flink"}},
	)
	w := &world{account: a, engine: &engine{a: a, holds: 4}}
	claim := kubetest.Object(kube.KindNodeClaim, "", "flink-abc", map[string]any{
		"metadata": map[string]any{"finalizers": []any{"karpenter.sh/termination"}},
	})
	w.kube = kubetest.New(
		kubetest.Object(kube.KindFlinkSessionJob, "team", "session", nil),
		kubetest.Object(kube.KindFlinkDeployment, "team", "basic", map[string]any{
			"metadata": map[string]any{"finalizers": []any{"flinkdeployments.flink.apache.org/finalizer"}},
		}),
		kubetest.Object(kube.KindService, "team", "public", map[string]any{"spec": map[string]any{"type": "LoadBalancer"}}),
		kubetest.Object(kube.KindService, "team", "internal", map[string]any{"spec": map[string]any{"type": "ClusterIP"}}),
		kubetest.Object(kube.KindIngress, "team", "ui", nil),
		kubetest.Object(kube.KindPVC, "team", "data", nil),
		kubetest.Object(kube.KindNodePool, "", "flink", nil),
		kubetest.Object(kube.KindEC2NodeClass, "", "flink", nil),
	)
	pool, err := w.kube.List(t.Context(), kube.KindNodePool, kube.ListOptions{})
	if err != nil || len(pool) != 1 {
		t.Fatal(err)
	}
	_ = unstructured.SetNestedSlice(claim.Object,
		[]any{map[string]any{"apiVersion": "karpenter.sh/v1", "kind": "NodePool", "name": "flink",
			"uid": string(pool[0].GetUID()), "blockOwnerDeletion": true}}, "metadata", "ownerReferences")
	w.kube.Put(claim)
	w.kube.React(w.controllers)
	w.c = Cleanup{
		Scope: Scope{Stack: "local", Account: "111122223333", Region: "us-west-2", Deployment: awsapi.Deployment{
			Name: cluster, Cluster: cluster, Tags: ours(), Buckets: []string{"our-bucket"}, Queues: []string{"our-queue"}}},
		Account: a, Inventory: a, Engine: w.engine,
		Connect: func(context.Context, awsapi.Cluster) (Cluster, error) { return w.kube, nil },
		Price:   func(awsapi.Resource) float64 { return 0.5 },
		Poll:    time.Second, Settle: 2 * time.Second, Heartbeat: 15 * time.Second,
	}
	return w
}

// controllers finish deletions a moment later, as operator and Karpenter do.
func (w *world) controllers(verb string, o *unstructured.Unstructured) {
	switch {
	case verb == "gone" &&
		(o.GetKind() == "NodePool" || o.GetKind() == "FlinkDeployment" || o.GetKind() == "PersistentVolumeClaim" ||
			o.GetKind() == "Service" || o.GetKind() == "EC2NodeClass" || o.GetKind() == "FlinkSessionJob" ||
			o.GetKind() == "Ingress" || o.GetKind() == "Gateway"):
		w.note("gone %s %s", o.GetKind(), o.GetName())
	case verb == "delete" && len(o.GetFinalizers()) > 0 && (o.GetKind() == "NodeClaim" || o.GetKind() == "FlinkDeployment"):
		w.controlling.Go(func() {
			time.Sleep(5 * time.Second)
			if o.GetKind() == "NodeClaim" {
				w.note("gone NodeClaim %s", o.GetName())
				w.mu.Lock()
				delete(w.resources, "i-node")
				w.mu.Unlock()
			}
			_, _ = w.kube.Patch(context.Background(), kube.RefOf(o), "",
				map[string]any{"metadata": map[string]any{"finalizers": nil}})
		})
	}
}

// run cleans up with a clock of its own: on a busy machine, too, everything takes as long as the test says.
func (w *world) run(t *testing.T) (report Report, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		defer w.controlling.Wait()
		report, err = w.c.Run(t.Context(), w.hear)
	})
	return report, err
}

// hear keeps what is told.
func (w *world) hear(p Progress) {
	w.said = append(w.said, p)
	if p.State == StateStart {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.ends[time.Now().Add(p.Phase.Timeout).UnixNano()] = p.Phase.Name
	}
}

// causes are what a phase said, in its order.
func (w *world) causes(phase string) []string {
	var out []string
	for _, p := range w.said {
		if p.Phase.Name == phase {
			out = append(out, p.Cause)
		}
	}
	return out
}

// took is how long a phase took until its end.
func (w *world) took(phase string) (d time.Duration) {
	for _, p := range w.said {
		if p.Phase.Name == phase {
			d = p.Elapsed
		}
	}
	return d
}

// count is how often the journal has an entry.
func (w *world) count(entry string) (n int) {
	for _, e := range w.journal {
		if e == entry {
			n++
		}
	}
	return n
}

// inOrder wants these entries in the journal, each behind the one before.
func (w *world) inOrder(t *testing.T, entries ...string) {
	t.Helper()
	last := -1
	for _, entry := range entries {
		at := slices.Index(w.journal, entry)
		require.Greater(t, at, last, "%q is missing or too early in %v", entry, w.journal)
		last = at
	}
}
