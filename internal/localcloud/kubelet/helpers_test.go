// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/fake"
	ktesting "k8s.io/client-go/testing"

	"emrflink/internal/localcloud/account"
)

const (
	testCluster = "demo"
	testRole    = "arn:aws:iam::111122223333:role/nodes"
	testNode    = "ip-10-0-1-5.us-west-2.compute.internal"
)

// cloud is an account of a few maps.
type cloud struct {
	mu      sync.Mutex
	things  map[account.Kind]map[string]account.Resource
	changes chan account.Change
	deleted []string
	// watching is closed when the kubelet watches the API: the fake server forgets what happened between list and watch.
	watching chan struct{}
}

func newCloud(rs ...account.Resource) *cloud {
	c := &cloud{things: map[account.Kind]map[string]account.Resource{}, changes: make(chan account.Change, 100)}
	for _, r := range rs {
		c.put(r)
	}
	return c
}

func (c *cloud) put(r account.Resource) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.things[r.Kind] == nil {
		c.things[r.Kind] = map[string]account.Resource{}
	}
	c.things[r.Kind][r.ID] = r
	c.changes <- account.Change{Kind: r.Kind, ID: r.ID, Op: account.ChangeUpdate, Resource: r}
}

func (c *cloud) Get(k account.Kind, id string) (account.Resource, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, ok := c.things[k][id]
	return r, ok
}

func (c *cloud) Find(k account.Kind, match func(account.Resource) bool) []account.Resource {
	if c.watching != nil {
		<-c.watching
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []account.Resource
	for _, r := range c.things[k] {
		if match(r) {
			out = append(out, r)
		}
	}
	return out
}

func (c *cloud) Subscribe() (<-chan account.Change, func()) { return c.changes, func() {} }

func instanceTypes() []account.InstanceType {
	return []account.InstanceType{
		{Type: "m5.xlarge", Arch: "amd64", VCPU: 4, MemoryMiB: 16384, ENIs: 4, IPv4PerENI: 15},
		{Type: "r6gd.xlarge", Arch: "arm64", VCPU: 4, MemoryMiB: 32768, NVMeGB: 237, ENIs: 4, IPv4PerENI: 15},
	}
}

func (c *cloud) Create(_ context.Context, _ account.Caller, k account.Kind, p account.Props) (account.Resource, error) {
	r := account.Resource{
		Kind: k, ID: fmt.Sprintf("%s-%d", k, len(c.things[k])+1), Props: p, State: "available", Tags: map[string]string{},
		Attrs: account.Props{"dnsName": "lb.example.com"},
	}
	if tags, ok := p["tags"].(map[string]any); ok {
		for name, v := range tags {
			r.Tags[name] = fmt.Sprint(v)
		}
	}
	c.put(r)
	return r, nil
}

func (c *cloud) Delete(_ context.Context, _ account.Caller, k account.Kind, id string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.things[k], id)
	c.deleted = append(c.deleted, id)
	return nil
}

func (c *cloud) wasDeleted(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Contains(c.deleted, id)
}

// joinable are a role, a profile and an access entry that let nodes in.
func joinable() []account.Resource {
	return append(withoutEntry(), entry())
}

func withoutEntry() []account.Resource {
	return []account.Resource{
		{Kind: account.KindRole, ID: "nodes", ARN: testRole},
		{Kind: account.KindInstanceProfile, ID: "profile", Props: account.Props{"role": "nodes"}},
	}
}

func entry() account.Resource {
	return account.Resource{Kind: account.KindAccessEntry, ID: "demo:" + testRole, Props: account.Props{
		"clusterName": testCluster, "principalArn": testRole, "type": "EC2_LINUX",
	}}
}

// server is a running instance, changed by the given functions.
func server(id string, change ...func(*account.Resource)) account.Resource {
	r := account.Resource{
		Kind: account.KindInstance, ID: id, State: "running", Region: "us-west-2",
		Tags: map[string]string{"kubernetes.io/cluster/demo": "owned"},
		Props: account.Props{
			"instanceType": "m5.xlarge", "iamInstanceProfile": "arn:aws:iam::111122223333:instance-profile/profile",
		},
		Attrs: account.Props{"availabilityZone": "us-west-2a", "privateIp": "10.0.1.5", "privateDns": testNode},
	}
	for _, f := range change {
		f(&r)
	}
	return r
}

func in(state string) func(*account.Resource) {
	return func(r *account.Resource) { r.State = state }
}

// run starts a kubelet over a fake API server and stops it at the end of the test.
func run(t *testing.T, c *cloud, runners map[string]Runner, objects ...runtime.Object) (*Kubelet, *fake.Clientset) {
	t.Helper()
	client := fake.NewClientset(objects...)
	c.watching = make(chan struct{})
	var mu sync.Mutex
	watched := map[string]bool{}
	client.PrependWatchReactor("*", func(a ktesting.Action) (bool, watch.Interface, error) {
		w, err := client.Tracker().Watch(a.GetResource(), a.GetNamespace())
		mu.Lock()
		defer mu.Unlock()
		if watched[a.GetResource().Resource] = true; len(watched) == 6 {
			select {
			case <-c.watching:
			default:
				close(c.watching)
			}
		}
		return true, w, err
	})
	k := New(Options{Account: c, Types: instanceTypes(), Cluster: testCluster, Client: client, Runners: runners})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- k.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			require.NoError(t, err)
		case <-time.After(10 * time.Second):
			t.Error("the kubelet did not stop")
		}
	})
	return k, client
}

func readyNode() *corev1.Node {
	n := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: testNode, Labels: map[string]string{corev1.LabelTopologyZone: "us-west-2a"}},
		Spec:       corev1.NodeSpec{ProviderID: "aws:///us-west-2a/i-1"},
		Status: corev1.NodeStatus{
			Capacity:  corev1.ResourceList{corev1.ResourcePods: *sizeOf(1)},
			Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "10.0.1.5"}},
		},
	}
	setReady(n, corev1.ConditionTrue, "", "")
	return n
}

// pod is a pod on the test node, changed by the given functions.
func pod(name, image string, change ...func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: "uid-" + "x"},
		Spec:       corev1.PodSpec{NodeName: testNode, Containers: []corev1.Container{{Name: "main", Image: image}}},
		Status:     corev1.PodStatus{Phase: corev1.PodPending},
	}
	for _, f := range change {
		f(p)
	}
	return p
}

func ownedBy(kind, name, hash string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.OwnerReferences = []metav1.OwnerReference{{Kind: kind, Name: name, UID: "owner", Controller: new(true)}}
		if hash != "" {
			p.Labels = map[string]string{"pod-template-hash": hash}
		}
	}
}

func getPod(t *testing.T, c *fake.Clientset, name string) *corev1.Pod {
	t.Helper()
	p, err := c.CoreV1().Pods("default").Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		return nil
	}
	return p
}

func eventually(t *testing.T, what string, check func() bool) {
	t.Helper()
	require.Eventually(t, check, 2*time.Minute, 5*time.Millisecond, what)
}
