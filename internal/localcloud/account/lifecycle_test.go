// SPDX-License-Identifier: Apache-2.0

package account

import (
	"context"
	"emrflink/internal/localcloud/awserror"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

// everything makes one of almost each kind and returns them in the order of creation.
func everything(w *world) []Resource {
	w.t.Helper()
	var made []Resource
	add := func(k Kind, p Props) Resource {
		r := w.make(k, p)
		made = append(made, r)
		return r
	}
	vpc := add(KindVPC, Props{"cidrBlock": "10.0.0.0/16"})
	gateway := add(KindInternetGateway, Props{"vpcId": vpc.ID})
	n := network{vpc: vpc, gateway: gateway}
	for i, zone := range []string{"a", "b", "c"} {
		n.subnets = append(n.subnets, add(KindSubnet, Props{
			"vpcId": vpc.ID, "cidrBlock": "10.0." + string(rune('0'+i)) + ".0/24", "availabilityZone": DefaultRegion + zone,
		}))
	}
	eip := add(KindEIP, Props{"domain": "vpc"})
	nat := add(KindNATGateway, Props{"allocationId": eip.ID, "subnetId": n.subnets[0].ID})
	table := add(KindRouteTable, Props{"vpcId": vpc.ID})
	add(KindRoute, Props{"routeTableId": table.ID, "destinationCidrBlock": "0.0.0.0/0", "natGatewayId": nat.ID})
	add(KindRouteTableAssociation, Props{"routeTableId": table.ID, "subnetId": n.subnets[1].ID})
	add(KindVPCEndpoint, Props{"vpcId": vpc.ID, "serviceName": "com.amazonaws.us-west-2.s3", "routeTableIds": []any{table.ID}})
	group := add(KindSecurityGroup, Props{"vpcId": vpc.ID, "name": "nodes"})
	other := add(KindSecurityGroup, Props{"vpcId": vpc.ID, "name": "cluster"})
	add(KindSecurityGroupRule, Props{
		"type": "ingress", "securityGroupId": group.ID, "sourceSecurityGroupId": other.ID,
		"protocol": "tcp", "fromPort": 443, "toPort": 443,
	})
	role := add(KindRole, Props{"name": "demo-cluster", "assumeRolePolicy": trust("eks.amazonaws.com")})
	add(KindRolePolicyAttachment, Props{"role": role.ID, "policyArn": "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"})
	policy := add(KindPolicy, Props{"name": "own", "policy": allow("s3:GetObject", "arn:aws:s3:::b/*")})
	add(KindRolePolicyAttachment, Props{"role": role.ID, "policyArn": policy.ARN})
	node := add(KindRole, Props{"name": "demo-node", "assumeRolePolicy": trust("ec2.amazonaws.com")})
	add(KindRolePolicy, Props{"name": "inline", "role": node.ID, "policy": allow("s3:GetObject", "*")})
	add(KindInstanceProfile, Props{"name": "demo-node", "role": node.ID})
	cluster := add(KindCluster, clusterProps(n, role))
	add(KindOIDCProvider, Props{
		"url": str(cluster.Attrs, "identities.oidcs.issuer"), "clientIdLists": []any{"sts.amazonaws.com"},
	})
	add(KindNodeGroup, nodeGroupProps(n, node))
	add(KindAddon, Props{"clusterName": "demo", "addonName": "coredns"})
	viewer := add(KindRole, Props{"name": "viewer", "assumeRolePolicy": trust("ec2.amazonaws.com")})
	add(KindAccessEntry, Props{"clusterName": "demo", "principalArn": viewer.ARN})
	add(KindAccessPolicyAssociation, Props{
		"clusterName": "demo", "principalArn": viewer.ARN, "policyArn": accessPolicyPrefix + "AmazonEKSViewPolicy",
		"accessScope": Props{"type": "cluster"},
	})
	return append(made, everythingElse(w)...)
}

func everythingElse(w *world) []Resource {
	var made []Resource
	add := func(k Kind, p Props) Resource {
		r := w.make(k, p)
		made = append(made, r)
		return r
	}
	queue := add(KindQueue, Props{"name": "demo", "messageRetentionSeconds": 300})
	add(KindQueuePolicy, Props{"queueUrl": queue.ID, "policy": eventsPolicy(queue.ARN)})
	add(KindEventRule, Props{"name": "state", "eventPattern": `{"source":["aws.ec2"]}`})
	add(KindEventTarget, Props{"rule": "state", "arn": queue.ARN, "targetId": "queue"})
	add(KindLogGroup, Props{"name": "/aws/emr-flink/team", "retentionInDays": 7})
	bucket := add(KindBucket, Props{"bucket": "demo-checkpoints"})
	add(KindBucketVersioning, Props{"bucket": bucket.ID, "versioningConfiguration": Props{"status": "Enabled"}})
	add(KindBucketPublicAccessBlock, Props{"bucket": bucket.ID, "blockPublicAcls": true})
	add(KindBucketEncryption, Props{"bucket": bucket.ID, "rules": []any{}})
	add(KindBucketLifecycle, Props{"bucket": bucket.ID, "rules": []any{}})
	add(KindBucketOwnershipControls, Props{"bucket": bucket.ID})
	add(KindBucketPolicy, Props{
		"bucket": bucket.ID,
		"policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*",
		"Resource":["arn:aws:s3:::demo-checkpoints","arn:aws:s3:::demo-checkpoints/*"],` +
			`"Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`,
	})
	add(KindLaunchTemplate, Props{"name": "template", "imageId": "ami-0123456789abcdef0"})
	add(KindVolume, Props{"availabilityZone": "us-west-2a", "size": 100, "type": "gp3"})
	return made
}

func eventsPolicy(queueARN string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
		`"Principal":{"Service":["events.amazonaws.com","sqs.amazonaws.com"]},
		"Action":"sqs:SendMessage","Resource":"` + queueARN + `"}]}`
}

func TestEverythingDeletesInReverseOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	made := everything(w)
	requireNoDangling(t, w.Account)
	for _, r := range slices.Backward(made) {
		w.drop(r.Kind, r.ID)
		requireNoDangling(t, w.Account)
	}
	var left []string
	for _, r := range w.Inventory() {
		left = append(left, string(r.Kind)+" "+r.ID)
	}
	// The control-plane logs come back once, as on AWS; nothing else is left.
	require.Equal(t, []string{"logs:logGroup /aws/eks/demo/cluster"}, left)
	w.drop(KindLogGroup, "/aws/eks/demo/cluster")
	require.Empty(t, w.Inventory())
}

func TestEverythingInTheWrongOrderEndsEmptyAfterRetries(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	everything(w)
	refusals := 0
	for range 50 {
		for _, r := range w.Inventory() { // by kind, not by dependency
			err := w.Delete(t.Context(), Caller{}, r.Kind, r.ID)
			if err == nil {
				continue
			}
			require.NotEmpty(t, awserror.Code(err), "%v", err)
			if _, still := w.Get(r.Kind, r.ID); still {
				refusals++
			}
			requireNoDangling(t, w.Account)
		}
		if len(w.Inventory()) == 0 {
			break
		}
	}
	require.Empty(t, w.Inventory())
	require.Positive(t, refusals, "the wrong order must be refused somewhere")
}

func TestClusterIsVisibleWhileItIsMade(t *testing.T) {
	t.Parallel()
	clock := newFakeClock()
	w := newWorld(t, Options{Clock: clock, Speed: 1})
	n := w.network()
	role := w.make(KindRole, Props{"name": "demo-cluster", "assumeRolePolicy": trust("eks.amazonaws.com")})
	done := make(chan error, 1)
	before := clock.sleepers()
	go func() {
		_, err := w.Create(context.WithoutCancel(t.Context()), Caller{}, KindCluster, clusterProps(n, role))
		done <- err
	}()
	require.Eventually(t, func() bool {
		r, ok := w.Get(KindCluster, "demo")
		return ok && r.State == "CREATING" && str(r.Attrs, "status") == "CREATING"
	}, patience, time.Millisecond)
	_, err := w.Create(t.Context(), Caller{}, KindAddon, Props{"clusterName": "demo", "addonName": "coredns"})
	w.refused("InvalidRequestException", err)
	require.Eventually(t, func() bool { return clock.sleepers() > before }, patience, time.Millisecond)
	clock.advance(616 * time.Second)
	time.Sleep(20 * time.Millisecond) // for a sleeper that would wake up too early
	require.Empty(t, done, "EKS takes 617 seconds")
	clock.advance(2 * time.Second)
	require.NoError(t, <-done)
	r, _ := w.Get(KindCluster, "demo")
	require.Equal(t, "ACTIVE", r.State)
	require.NotEmpty(t, str(r.Attrs, "endpoint"))
	require.NotEmpty(t, str(r.Attrs, "certificateAuthority.data"))
}

func TestAnInterruptedCallerLeavesTheCreationGoing(t *testing.T) {
	t.Parallel()
	runtime := &fakeRuntime{block: make(chan struct{})}
	w := newWorld(t, Options{Runtime: runtime})
	n := w.network()
	role := w.make(KindRole, Props{"name": "demo-cluster", "assumeRolePolicy": trust("eks.amazonaws.com")})
	interrupted(t, func(ctx context.Context) error {
		_, err := w.Create(ctx, Caller{}, KindCluster, clusterProps(n, role))
		return err
	}, func() bool { return len(w.List(KindCluster)) == 1 })
	_, err := w.Create(t.Context(), Caller{}, KindCluster, clusterProps(n, role))
	w.refused("ResourceInUseException", err)
	close(runtime.block)
	require.NoError(t, w.Wait(t.Context(), KindCluster, "demo"))
	r, ok := w.Get(KindCluster, "demo")
	require.True(t, ok)
	require.Equal(t, "ACTIVE", r.State)
	require.Equal(t, "https://127.0.0.1:6443", str(r.Attrs, "endpoint"))
}

func TestFailuresOfTheRuntimeLeaveFailedResources(t *testing.T) {
	t.Parallel()
	runtime := &fakeRuntime{addonErr: errBroken, nodesErr: errBroken}
	w := newWorld(t, Options{Runtime: runtime})
	n := w.network()
	w.cluster(n)
	_, err := w.Create(t.Context(), Caller{}, KindAddon, Props{"clusterName": "demo", "addonName": "coredns"})
	require.ErrorIs(t, err, errBroken)
	addon, ok := w.Get(KindAddon, "demo:coredns")
	require.True(t, ok)
	require.Equal(t, "CREATE_FAILED", addon.State)
	require.Contains(t, str(addon.Attrs, "healthIssues.message"), "broken")

	role := w.make(KindRole, Props{"name": "demo-node", "assumeRolePolicy": trust("ec2.amazonaws.com")})
	_, err = w.Create(t.Context(), Caller{}, KindNodeGroup, nodeGroupProps(n, role))
	w.refused("NodeCreationFailure", err)
	require.Len(t, w.Find(KindInstance, func(r Resource) bool { return r.State == "running" }), 3)
	w.drop(KindNodeGroup, "demo:core")
	require.Empty(t, w.Find(KindInstance, func(r Resource) bool { return r.State != "terminated" }))
	w.drop(KindCluster, "demo")
	require.Contains(t, runtime.log(), "stop demo")
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	n := w.network()
	w.cluster(n)
	w.nodeGroup(n)
	running := func() int {
		return len(w.Find(KindInstance, func(r Resource) bool { return r.State == "running" }))
	}
	update := func(k Kind, id string, set Props) error {
		r, ok := w.Get(k, id)
		require.True(t, ok)
		for key, v := range set {
			r.Props[key] = v
		}
		_, err := w.Update(t.Context(), Caller{}, k, id, r.Props)
		return err
	}
	require.NoError(t,
		update(KindNodeGroup, "demo:core", Props{"scalingConfig": Props{"minSize": 1, "maxSize": 9, "desiredSize": 5}}))
	require.Equal(t, 5, running())
	require.NoError(t,
		update(KindNodeGroup, "demo:core", Props{"scalingConfig": Props{"minSize": 1, "maxSize": 9, "desiredSize": 2}}))
	require.Equal(t, 2, running())
	w.refused("InvalidParameterException", update(KindCluster, "demo", Props{"version": "1.33"}))
	require.NoError(t, update(KindCluster, "demo", Props{"version": "1.36"}))
	w.refused("InvalidParameterValue", update(KindVPC, n.vpc.ID, Props{"cidrBlock": "10.1.0.0/16"}))
	require.NoError(t, update(KindVPC, n.vpc.ID, Props{"tags": Props{"Name": "renamed"}}))
	vpc, _ := w.Get(KindVPC, n.vpc.ID)
	require.Equal(t, "renamed", vpc.Name)
	_, err := w.Update(t.Context(), Caller{}, KindVPC, "vpc-absent", Props{})
	w.refused("InvalidVpcID.NotFound", err)
}

func TestTagsSetBehindTheBackShowInTheProperties(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	vpc := w.make(KindVPC, Props{
		"cidrBlock": "10.0.0.0/16", "tags": Props{"a": "1"}, "tagsAll": Props{"a": "1", "by": "default"},
	})
	require.NoError(t, w.SetTags(KindVPC, vpc.ID, map[string]string{"b": "2"}, []string{"a"}))
	got, _ := w.Get(KindVPC, vpc.ID)
	require.Empty(t, cmp.Diff(map[string]string{"b": "2", "by": "default"}, got.Tags))
	require.Empty(t, cmp.Diff(Props{"b": "2"}, got.All()["tags"]))
	w.refused("InvalidVpcID.NotFound", w.SetTags(KindVPC, "vpc-0", nil, nil))
}

func TestWhatIsNotSimulatedIsRefusedByName(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	_, err := w.Create(t.Context(), Caller{}, "rds:cluster", Props{})
	w.refused("NotImplemented", err)
	require.ErrorContains(t, err, "rds:cluster")
	_, err = w.Create(t.Context(), Caller{}, KindQueue, Props{"name": "q.fifo", "fifoQueue": true})
	w.refused("NotImplemented", err)
	require.ErrorContains(t, err, "fifoQueue")
}

func TestFaultPlan(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.SetFaults([]Fault{
		{Op: "create", Kind: KindVPC, Error: &awserror.Error{Code: "RequestLimitExceeded", HTTP: 503}, Times: 2},
		{Op: "ec2:RunInstances", Match: "c5d.* spot *", Error: &awserror.Error{Code: "InsufficientInstanceCapacity", HTTP: 500}},
	})
	for range 2 {
		_, err := w.Create(t.Context(), Caller{}, KindVPC, Props{"cidrBlock": "10.0.0.0/16"})
		w.refused("RequestLimitExceeded", err)
	}
	n := w.network()
	q := RunRequest{InstanceType: "c5d.large", SubnetID: n.subnets[0].ID, ImageID: "ami-0123456789abcdef0", Spot: true}
	_, err := w.RunInstances(t.Context(), Caller{}, q)
	w.refused("InsufficientInstanceCapacity", err)
	q.Spot = false
	_, err = w.RunInstances(t.Context(), Caller{}, q)
	require.NoError(t, err)
	w.SetFaults(nil)
	q.Spot = true
	_, err = w.RunInstances(t.Context(), Caller{}, q)
	require.NoError(t, err)
}
