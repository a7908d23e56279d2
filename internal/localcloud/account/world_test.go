// SPDX-License-Identifier: Apache-2.0

package account

import (
	"context"
	"emrflink/internal/localcloud/awserror"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// world is an account with helpers that fail the test.
type world struct {
	*Account
	t *testing.T
}

func newWorld(t *testing.T, o Options) *world {
	t.Helper()
	a, err := Open(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	return &world{Account: a, t: t}
}

func (w *world) make(k Kind, p Props) Resource {
	w.t.Helper()
	r, err := w.Create(w.t.Context(), Caller{Via: ByPulumi}, k, p)
	require.NoError(w.t, err, "create %s", k)
	return r
}

func (w *world) drop(k Kind, id string) {
	w.t.Helper()
	require.NoError(w.t, w.Delete(w.t.Context(), Caller{}, k, id), "delete %s %s", k, id)
}

// refused asserts that an operation fails with an AWS code.
func (w *world) refused(code string, err error) {
	w.t.Helper()
	require.Error(w.t, err)
	require.Equal(w.t, code, awserror.Code(err), "%v", err)
}

func trust(service string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"` + service +
		`"},"Action":"sts:AssumeRole"}]}`
}

func allow(action, resource string) string {
	b, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{
		map[string]any{"Effect": "Allow", "Action": action, "Resource": resource},
	}})
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// network is a VPC with an internet gateway and one subnet in each of three zones.
type network struct {
	vpc, gateway Resource
	subnets      []Resource
}

func (w *world) network() network {
	w.t.Helper()
	n := network{vpc: w.make(KindVPC, Props{"cidrBlock": "10.0.0.0/16", "tags": Props{"Name": "demo"}})}
	n.gateway = w.make(KindInternetGateway, Props{"vpcId": n.vpc.ID})
	for i, zone := range []string{"a", "b", "c"} {
		n.subnets = append(n.subnets, w.make(KindSubnet, Props{
			"vpcId": n.vpc.ID, "cidrBlock": fmt.Sprintf("10.0.%d.0/24", i), "availabilityZone": DefaultRegion + zone,
		}))
	}
	return n
}

func (n network) subnetIDs() []any {
	var ids []any
	for _, s := range n.subnets {
		ids = append(ids, s.ID)
	}
	return ids
}

func clusterProps(n network, role Resource) Props {
	return Props{
		"name": "demo", "roleArn": role.ARN, "version": "1.35", "vpcConfig": Props{"subnetIds": n.subnetIDs()},
		"accessConfig":           Props{"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": true},
		"enabledClusterLogTypes": []any{"api", "audit"},
	}
}

func (w *world) cluster(n network) Resource {
	w.t.Helper()
	role := w.make(KindRole, Props{"name": "demo-cluster", "assumeRolePolicy": trust("eks.amazonaws.com")})
	return w.make(KindCluster, clusterProps(n, role))
}

func nodeGroupProps(n network, role Resource) Props {
	return Props{
		"clusterName": "demo", "nodeGroupName": "core", "nodeRoleArn": role.ARN, "subnetIds": n.subnetIDs(),
		"instanceTypes": []any{"m5.xlarge"}, "scalingConfig": Props{"minSize": 1, "maxSize": 9, "desiredSize": 3},
		"labels": Props{"NodeGroupType": "core"},
	}
}

func (w *world) nodeGroup(n network) Resource {
	w.t.Helper()
	role := w.make(KindRole, Props{"name": "demo-node", "assumeRolePolicy": trust("ec2.amazonaws.com")})
	return w.make(KindNodeGroup, nodeGroupProps(n, role))
}

// run starts one instance in the first subnet.
func (w *world) run(n network, spot bool) Resource {
	w.t.Helper()
	list, err := w.RunInstances(w.t.Context(), Caller{Via: ByKarpenter}, RunRequest{
		InstanceType: "c5d.xlarge", SubnetID: n.subnets[0].ID, ImageID: "ami-0123456789abcdef0", Spot: spot,
		Tags: map[string]string{"eks:eks-cluster-name": "demo", "karpenter.sh/nodepool": "flink"},
	})
	require.NoError(w.t, err)
	require.Len(w.t, list, 1)
	return list[0]
}

// fakeClock lets the tests pass time; sleepers wake when it has passed.
type fakeClock struct {
	mu  sync.Mutex
	now time.Time
	c   chan struct{}
	// slept counts the calls of Sleep that had to wait.
	slept int
}

// patience is how long a test waits for what comes at once on a quiet machine.
const patience = time.Minute

// interrupted makes a call and gives it up once it has begun, as a caller does who was stopped.
func interrupted(t *testing.T, call func(context.Context) error, begun func() bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- call(ctx) }()
	require.Eventually(t, begun, patience, time.Millisecond)
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
}

func newFakeClock() *fakeClock {
	return &fakeClock{now: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC), c: make(chan struct{})}
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	close(c.c)
	c.c = make(chan struct{})
}

func (c *fakeClock) Sleep(ctx context.Context, d time.Duration) error {
	until := c.Now().Add(d)
	c.mu.Lock()
	if c.now.Before(until) {
		c.slept++
	}
	c.mu.Unlock()
	for {
		c.mu.Lock()
		changed, now := c.c, c.now
		c.mu.Unlock()
		if !now.Before(until) {
			return ctx.Err()
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// sleepers says how many calls of Sleep had to wait so far.
func (c *fakeClock) sleepers() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.slept
}

// fakeRuntime records what the account asks of it.
type fakeRuntime struct {
	mu        sync.Mutex
	calls     []string
	addonErr  error
	nodesErr  error
	startErr  error
	block     chan struct{} // StartCluster waits for it when not nil
	tokenErr  error
	subject   string
	audiences []string
}

var _ ClusterRuntime = (*fakeRuntime)(nil)

func (f *fakeRuntime) record(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
}

func (f *fakeRuntime) log() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.calls...)
}

func (f *fakeRuntime) StartCluster(ctx context.Context, s ClusterSpec) (ClusterEndpoint, error) {
	f.record("start %s %s", s.Name, s.Version)
	if f.block != nil {
		select {
		case <-f.block:
		case <-ctx.Done():
			return ClusterEndpoint{}, ctx.Err()
		}
	}
	return ClusterEndpoint{URL: "https://127.0.0.1:6443", CABase64: "Q0E="}, f.startErr
}

func (f *fakeRuntime) StopCluster(_ context.Context, name string) error {
	f.record("stop %s", name)
	return nil
}

func (f *fakeRuntime) InstallAddon(_ context.Context, cluster, addon, _ string, _ map[string]any, _ string) error {
	f.record("install %s %s", cluster, addon)
	return f.addonErr
}

func (f *fakeRuntime) RemoveAddon(_ context.Context, cluster, addon string) error {
	f.record("remove %s %s", cluster, addon)
	return nil
}

func (f *fakeRuntime) WaitNodes(_ context.Context, cluster string, ids []string) error {
	f.record("wait %s %d", cluster, len(ids))
	return f.nodesErr
}

func (f *fakeRuntime) VerifyToken(context.Context, string, string) (string, []string, error) {
	return f.subject, f.audiences, f.tokenErr
}

var errBroken = errors.New("broken")
