// SPDX-License-Identifier: Apache-2.0

package account

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

func TestAnInstanceComesAndGoesWithItsParts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	n := w.network()
	free := w.FreeAddresses(n.subnets[0].ID)
	require.Equal(t, 251, free)
	r := w.run(n, true)
	require.Equal(t, "running", r.State)
	require.Equal(t, "karpenter", r.CreatedBy)
	require.Equal(t, "10.0.0.4", str(r.Attrs, "privateIp"))
	require.Equal(t, "ip-10-0-0-4.us-west-2.compute.internal", str(r.Attrs, "privateDns"))
	require.NotEmpty(t, str(r.Attrs, "spotInstanceRequestId"))
	require.Equal(t, "demo", str(r.Attrs, "cluster"))
	require.InDelta(t, 0.192*spotShare, r.HourlyUSD, 1e-9)
	require.Equal(t, free-1, w.FreeAddresses(n.subnets[0].ID))
	require.Len(t, w.List(KindVolume), 1)
	require.Len(t, w.List(KindNetworkInterface), 1)

	data := w.make(KindVolume, Props{"availabilityZone": "us-west-2a", "size": 10, "type": "gp3"})
	require.NoError(t, w.AttachVolume(data.ID, r.ID))
	w.refused("VolumeInUse", w.AttachVolume(data.ID, r.ID))
	w.refused("VolumeInUse", w.Delete(t.Context(), Caller{}, KindVolume, data.ID))

	ended, err := w.TerminateInstances(t.Context(), Caller{}, r.ID)
	require.NoError(t, err)
	require.Equal(t, "terminated", ended[0].State)
	require.Zero(t, ended[0].HourlyUSD)
	require.Empty(t, w.List(KindNetworkInterface))
	left := w.List(KindVolume)
	require.Len(t, left, 1, "the root volume is gone, the attached one is not")
	require.Equal(t, "available", left[0].State)
	for _, x := range w.Inventory() {
		require.NotEqual(t, KindInstance, x.Kind, "terminated instances do not count")
	}
	again, err := w.TerminateInstances(t.Context(), Caller{}, r.ID)
	require.NoError(t, err)
	require.Equal(t, "terminated", again[0].State)
	_, err = w.TerminateInstances(t.Context(), Caller{}, "i-0")
	w.refused("InvalidInstanceID.NotFound", err)
}

func TestInstancesTakeTheirTime(t *testing.T) {
	t.Parallel()
	clock := newFakeClock()
	w := newWorld(t, Options{Clock: clock, Speed: 1})
	n := w.network()
	r := w.run(n, false)
	require.Equal(t, "pending", r.State)
	state := func() string {
		r, ok := w.Get(KindInstance, r.ID)
		require.True(t, ok)
		return r.State
	}
	eventually := func(want string, d time.Duration) {
		t.Helper()
		require.Eventually(t, func() bool {
			if state() == want {
				return true
			}
			clock.advance(d)
			return false
		}, patience, 2*time.Millisecond)
	}
	eventually("running", rowOf(KindInstance).Create)
	ended, err := w.TerminateInstances(t.Context(), Caller{}, r.ID)
	require.NoError(t, err)
	require.Equal(t, "shutting-down", ended[0].State)
	require.Len(t, w.List(KindNetworkInterface), 1, "the interface goes with the instance, not before")
	eventually("terminated", rowOf(KindInstance).Delete)
	require.Empty(t, w.List(KindNetworkInterface))
	clock.advance(2 * keepTerminated)
	w.run(n, false)
	require.Len(t, w.List(KindInstance), 1, "AWS forgets terminated instances after an hour")
}

func TestALaunchTemplateFillsTheRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	n := w.network()
	group := w.make(KindSecurityGroup, Props{"vpcId": n.vpc.ID, "name": "nodes"})
	role := w.make(KindRole, Props{"name": "node", "assumeRolePolicy": trust("ec2.amazonaws.com")})
	profile := w.make(KindInstanceProfile, Props{"name": "node", "role": role.ARN})
	lt := w.make(KindLaunchTemplate, Props{
		"name": "karpenter.k8s.aws/1", "imageId": "ami-0123456789abcdef0", "userData": "ZGF0YQ==",
		"iamInstanceProfile":  Props{"name": profile.ID},
		"networkInterfaces":   []any{Props{"securityGroups": []any{group.ID}}},
		"blockDeviceMappings": []any{Props{"ebs": Props{"volumeSize": 100}}},
	})
	list, err := w.RunInstances(t.Context(), Caller{},
		RunRequest{InstanceType: "r6gd.large", SubnetID: n.subnets[1].ID, LaunchTemplateID: lt.ID, Count: 2})
	require.NoError(t, err)
	require.Len(t, list, 2)
	got := list[1].All()
	require.Equal(t, "ZGF0YQ==", str(got, "userDataBase64"))
	require.Equal(t, "node", str(got, "iamInstanceProfile"))
	require.Equal(t, []any{group.ID}, got["vpcSecurityGroupIds"])
	require.Equal(t, "arm64", str(got, "architecture"))
	root, ok := w.Get(KindVolume, str(got, "rootVolumeId"))
	require.True(t, ok)
	require.InDelta(t, 100*0.08/730, root.HourlyUSD, 1e-9)
	w.refused("DependencyViolation", w.Delete(t.Context(), Caller{}, KindSecurityGroup, group.ID))
}

func TestANodeGroupMakesWhatEKSMakes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	n := w.network()
	cluster := w.cluster(n)
	w.nodeGroup(n)
	by := map[Kind]int{}
	for _, r := range w.Inventory() {
		if r.CreatedBy == ByEKS {
			by[r.Kind]++
		}
	}
	require.Empty(t, cmp.Diff(map[Kind]int{
		KindInstance: 3, KindVolume: 3, KindNetworkInterface: 6, KindSecurityGroup: 1, KindLaunchTemplate: 1,
		KindInstanceProfile: 1, KindAccessEntry: 2, KindAccessPolicyAssociation: 1, KindLogGroup: 1,
	}, by))
	zones := map[string]int{}
	for _, i := range w.List(KindInstance) {
		zones[str(i.Attrs, "availabilityZone")]++
		require.Equal(t, []any{str(cluster.Attrs, "vpcConfig.clusterSecurityGroupId")}, i.Props["vpcSecurityGroupIds"])
		require.Equal(t, "demo-node", str(i.Attrs, "roleName"))
	}
	require.Equal(t, map[string]int{"us-west-2a": 1, "us-west-2b": 1, "us-west-2c": 1}, zones)
	w.drop(KindNodeGroup, "demo:core")
	w.drop(KindCluster, "demo")
	for _, r := range w.Inventory() {
		require.True(t, r.CreatedBy != ByEKS || r.Kind == KindLogGroup, "%s %s is left", r.Kind, r.ID)
	}
}

func TestControlPlaneLogsComeBackOnce(t *testing.T) {
	t.Parallel()
	clock := newFakeClock()
	const group = "/aws/eks/demo/cluster"
	w := newWorld(t, Options{Clock: clock, Speed: 1000})
	n := w.network()
	role := w.make(KindRole, Props{"name": "demo-cluster", "assumeRolePolicy": trust("eks.amazonaws.com")})
	step := func(f func() error) {
		t.Helper()
		done := make(chan error, 1)
		go func() { done <- f() }()
		for {
			select {
			case err := <-done:
				require.NoError(t, err)
				return
			case <-time.After(time.Millisecond):
				clock.advance(10 * time.Millisecond)
			}
		}
	}
	step(func() error {
		_, err := w.Create(t.Context(), Caller{}, KindCluster, clusterProps(n, role))
		return err
	})
	w.drop(KindLogGroup, group)
	step(func() error { return w.Delete(t.Context(), Caller{}, KindCluster, "demo") })
	_, there := w.Get(KindLogGroup, group)
	require.False(t, there)
	require.Eventually(t, func() bool {
		clock.advance(10 * time.Millisecond)
		_, ok := w.Get(KindLogGroup, group)
		return ok
	}, patience, time.Millisecond)
	w.drop(KindLogGroup, group)
	clock.advance(time.Hour)
	_, there = w.Get(KindLogGroup, group)
	require.False(t, there, "only once")
}

func TestEventsReachTheQueue(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	n := w.network()
	open := w.make(KindQueue, Props{"name": "open"})
	w.make(KindQueuePolicy, Props{"queueUrl": open.ID, "policy": eventsPolicy(open.ARN)})
	closed := w.make(KindQueue, Props{"name": "closed"})
	for rule, pattern := range map[string]string{
		"spot": `{"source":["aws.ec2"],"detail-type":["EC2 Spot Instance Interruption Warning"]}`,
		"state": `{"source":["aws.ec2"],"detail-type":["EC2 Instance State-change Notification"],` +
			`"detail":{"state":["terminated"]}}`,
		"other": `{"source":["aws.health"]}`,
	} {
		w.make(KindEventRule, Props{"name": rule, "eventPattern": pattern})
		w.make(KindEventTarget, Props{"rule": rule, "arn": open.ARN, "targetId": "open"})
		w.make(KindEventTarget, Props{"rule": rule, "arn": closed.ARN, "targetId": "closed"})
	}
	w.refused("InvalidParameterValue", w.InterruptSpot(w.run(n, false).ID))
	r := w.run(n, true)
	require.NoError(t, w.InterruptSpot(r.ID))
	require.NoError(t, w.PutEvent("aws.health", "AWS Health Event", nil, Props{"service": "EC2"}))
	got, err := w.Queues.Receive(t.Context(), open.ID, 10, 0)
	require.NoError(t, err)
	var kinds []string
	for _, m := range got {
		var e struct {
			DetailType string         `json:"detail-type"`
			Detail     map[string]any `json:"detail"`
			Account    string         `json:"account"`
		}
		require.NoError(t, json.Unmarshal([]byte(m.Body), &e))
		require.Equal(t, DefaultAccountID, e.Account)
		if e.Detail["instance-id"] != nil {
			require.Equal(t, r.ID, e.Detail["instance-id"])
		}
		kinds = append(kinds, e.DetailType)
	}
	require.Equal(t, []string{"EC2 Spot Instance Interruption Warning", "EC2 Instance State-change Notification",
		"AWS Health Event"}, kinds)
	require.Zero(t, w.Queues.Count(closed.ID), "its policy does not admit EventBridge")
	after, _ := w.Get(KindInstance, r.ID)
	require.Equal(t, "terminated", after.State)
}

func TestInstanceTypes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	all := w.InstanceTypes()
	require.Len(t, all, 55)
	families := map[string]string{}
	for _, i := range all {
		require.Positive(t, i.VCPU, i.Type)
		require.Positive(t, i.OnDemandUSD, i.Type)
		require.Less(t, i.SpotUSD, i.OnDemandUSD, i.Type)
		require.Equal(t, i.Hypervisor == "", i.BareMetal, i.Type)
		families[i.Type[:3]] = i.Arch
	}
	require.Equal(t, map[string]string{"c5d": "amd64", "c6i": "amd64", "c7g": "arm64", "m5.": "amd64", "r6g": "arm64",
		"r7g": "arm64"}, families)
	i := w.types["c5d.2xlarge"]
	require.Equal(t, 58, i.MaxPods())
	require.Equal(t, "x86_64", i.EC2Arch())
	require.Equal(t, 200, i.NVMeGB)
}

func TestPrices(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	n := w.network()
	eip := w.make(KindEIP, Props{})
	require.InDelta(t, 0.005, eip.HourlyUSD, 1e-9)
	require.InDelta(t, 0.045, w.make(KindNATGateway, Props{"allocationId": eip.ID, "subnetId": n.subnets[0].ID}).HourlyUSD, 1e-9)
	require.InDelta(t, 0.10, w.cluster(n).HourlyUSD, 1e-9)
	require.InDelta(t, 0.192, w.run(network{subnets: n.subnets}, false).HourlyUSD, 1e-9)
	gateway := w.make(KindVPCEndpoint, Props{"vpcId": n.vpc.ID, "serviceName": "com.amazonaws.us-west-2.s3"})
	require.Zero(t, gateway.HourlyUSD)
	iface := w.make(KindVPCEndpoint, Props{"vpcId": n.vpc.ID, "serviceName": "com.amazonaws.us-west-2.sts",
		"vpcEndpointType": "Interface", "subnetIds": n.subnetIDs()})
	require.InDelta(t, 0.03, iface.HourlyUSD, 1e-9)
	lb := w.make(KindLoadBalancer, Props{"name": "lb", "internal": true, "subnets": n.subnetIDs()})
	require.InDelta(t, 0.0225, lb.HourlyUSD, 1e-9)
	volume := w.make(KindVolume, Props{"availabilityZone": "us-west-2a", "size": 730, "type": "gp3"})
	require.InDelta(t, 0.08, volume.HourlyUSD, 1e-9)
}
