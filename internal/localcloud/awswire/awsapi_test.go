// SPDX-License-Identifier: Apache-2.0

package awswire_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"emrflink/internal/awsapi"
	"emrflink/internal/localcloud/account"
)

// The project's own client is tested here, against the API that Amazon's
// clients are tested against.
func (w *world) client() *awsapi.Client {
	w.t.Helper()
	c, err := awsapi.New(w.t.Context(), awsapi.Options{Region: region, Env: map[string]string{awsapi.EnvEndpoint: w.url,
		awsapi.EnvAccessKey: account.StaticAccessKey, awsapi.EnvSecretKey: account.StaticSecretKey}})
	require.NoError(w.t, err)
	return c
}

func TestClientReadsWhatARoleMayDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	inside, beside, attached, limit := allow("*", "", "s3:GetObject"), allow("*", "", "sqs:ListQueues"),
		allow("*", "", "kafka-cluster:Connect"), allow("*", "", "s3:*")
	policy := func(name, document string) string {
		return w.create(account.KindPolicy, account.Props{"name": name, "policy": document}).ARN
	}
	role := w.create(account.KindRole, account.Props{
		"name": "a", "assumeRolePolicy": w.role("b", "ec2.amazonaws.com", "").Props["assumeRolePolicy"],
		"inlinePolicies": []any{account.Props{"name": "inside", "policy": inside}}, "permissionsBoundary": policy("limit", limit),
	})
	w.create(account.KindRolePolicy, account.Props{"name": "beside", "role": role.ID, "policy": beside})
	w.create(account.KindRolePolicyAttachment, account.Props{"role": role.ID, "policyArn": policy("attached", attached)})
	got, err := w.client().RolePolicies(t.Context(), role.ID)
	require.NoError(t, err)
	require.Equal(t, []string{beside, inside, attached}, got.Policies)
	require.Equal(t, limit, got.Boundary)
	got, err = w.client().RolePolicies(t.Context(), "b")
	require.NoError(t, err)
	require.Empty(t, got.Boundary)
	_, err = w.client().RolePolicies(t.Context(), "nobody")
	require.True(t, awsapi.IsNotFound(err), err)
}

func TestClientReadsIdentityAndCluster(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.client()
	id, err := c.Identity(t.Context())
	require.NoError(t, err)
	require.Equal(t, "111122223333", id.Account)
	require.Equal(t, "aws", id.Partition)
	_, err = c.DescribeCluster(t.Context(), "demo")
	require.True(t, awsapi.IsNotFound(err))
	var e *awsapi.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, "eks:DescribeCluster", e.Op)
	require.NotEmpty(t, e.RequestID)
	w.cluster("demo")
	k, err := c.DescribeCluster(t.Context(), "demo")
	require.NoError(t, err)
	require.Equal(t, w.vpc, k.VPC)
	require.NotEmpty(t, k.CABase64)
	require.NotEmpty(t, k.Issuer)
	versions, err := c.ClusterVersions(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, versions)
	zones, err := c.Zones(t.Context())
	require.NoError(t, err)
	require.Equal(t, awsapi.Zone{Name: "us-west-2a", ID: "usw2-az2", State: "available"}, zones[0])
}

func TestClientEmptiesBuckets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bucket("data", true)
	c := w.client()
	for i := range 1200 {
		_, err := w.account.Objects.Put("data", fmt.Sprintf("k/%04d", i), []byte("x"), nil)
		require.NoError(t, err)
	}
	require.NoError(t, c.PutObject(t.Context(), "data", "k/0000", strings.NewReader("new"), "text/plain"))
	body, err := c.GetObject(t.Context(), "data", "k/0000")
	require.NoError(t, err)
	require.Equal(t, "new", string(body))
	objects, err := c.ListObjects(t.Context(), "data", "k/")
	require.NoError(t, err)
	require.Len(t, objects, 1200)
	require.NoError(t, c.DeleteObjects(t.Context(), "data", "k/0001", "k/none"))
	for _, key := range []string{"k/part", "k/part", "k/other part"} {
		_, err := w.s3(w.cfg).CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{
			Bucket: aws.String("data"), Key: aws.String(key),
		})
		require.NoError(t, err)
	}
	var seen []awsapi.Emptied
	n, err := c.EmptyBucket(t.Context(), "data", func(e awsapi.Emptied) { seen = append(seen, e) })
	require.NoError(t, err)
	require.Equal(t, 1200+1+2, n, "versions and delete markers")
	require.Greater(t, len(seen), 1)
	require.Equal(t, "1203 of about 1203 versions deleted", seen[len(seen)-1].String())
	uploads, err := w.account.Objects.Uploads("data")
	require.NoError(t, err)
	require.Empty(t, uploads, "unfinished uploads are billed")
	require.NoError(t, c.DeleteBucket(t.Context(), "data"))
	n, err = c.EmptyBucket(t.Context(), "data", nil)
	require.NoError(t, err, "one that is gone is empty")
	require.Zero(t, n)
	exists, err := c.BucketExists(t.Context(), "data")
	require.NoError(t, err)
	require.False(t, exists)
}

func TestClientWritesLogs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.client()
	now := time.Now().Truncate(time.Millisecond).UTC()
	events := []awsapi.LogEvent{{Time: now, Message: "one"}, {Time: now.Add(time.Second), Message: "two"}}
	err := c.PutLogEvents(t.Context(), "/emr/flink", "job/1", events)
	require.True(t, awsapi.IsNotFound(err), "the group is not made")
	w.create(account.KindLogGroup, account.Props{"name": "/emr/flink", "tags": account.Props{"team": "a"}})
	require.NoError(t, c.PutLogEvents(t.Context(), "/emr/flink", "job/1", events))
	got, err := c.LogEvents(t.Context(), "/emr/flink", "job", now, 0)
	require.NoError(t, err)
	require.Equal(t, []awsapi.LogEvent{
		{Time: now, Message: "one", Stream: "job/1"}, {Time: now.Add(time.Second), Message: "two", Stream: "job/1"},
	}, got)
	first, err := c.LogEvents(t.Context(), "/emr/flink", "", time.Time{}, 1)
	require.NoError(t, err)
	require.Len(t, first, 1)
}

// deployed is a deployment with what controllers leave behind, and a neighbour.
func deployed(t *testing.T) (*world, awsapi.Deployment) {
	t.Helper()
	w := fleetWorld(t)
	w.cluster("demo")
	w.bucket("demo-data", false)
	w.create(account.KindLogGroup, account.Props{"name": "/emr/demo/team-a"})
	w.create(account.KindQueue, account.Props{"name": "demo-interruption"})
	w.create(account.KindEventRule, account.Props{"name": "demo-spot", "eventPattern": `{"source":["aws.ec2"]}`})
	c := w.ec2(w.cfg)
	_, err := c.CreateFleet(t.Context(), fleet(w, types.DefaultTargetCapacityTypeSpot, "c5d.xlarge"))
	require.NoError(t, err)
	volume := func(cluster string) {
		_, err := c.CreateVolume(t.Context(),
			&ec2.CreateVolumeInput{AvailabilityZone: aws.String("us-west-2a"), Size: aws.Int32(8),
				TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeVolume,
					Tags: []types.Tag{{Key: aws.String("kubernetes.io/cluster/" + cluster), Value: aws.String("owned")},
						{Key: aws.String("CSIVolumeName"), Value: aws.String("pvc")}}}}})
		require.NoError(t, err)
	}
	volume("demo")
	volume("demo2") // a neighbour whose name starts the same
	w.create(account.KindInstanceProfile, account.Props{
		"name": "demo_1", "path": "/karpenter/us-west-2/demo/uid/", "role": "nodes",
	})
	w.create(account.KindInstanceProfile, account.Props{"name": "demo2_1", "path": "/karpenter/us-west-2/demo2/uid/"})
	w.create(account.KindLogGroup, account.Props{"name": "/emr/demo/team-a-2"})
	return w, awsapi.Deployment{Name: "demo", Cluster: "demo", VPC: w.vpc, Buckets: []string{"demo-data"},
		LogGroups: []string{"/emr/demo/team-a"},
		Queues:    []string{"demo-interruption", "demo-none"}, Rules: []string{"demo-spot", "demo-gone"},
		Roles: []string{"nodes", "gone"}, InstanceProfiles: []string{"nodes", "gone"}}
}

func TestInventoryFindsADeploymentAndNothingElse(t *testing.T) {
	t.Parallel()
	w, d := deployed(t)
	rs, err := w.client().DeploymentResources(t.Context(), d)
	require.NoError(t, err)
	count := map[string]int{}
	for _, r := range rs {
		count[r.Type]++
		require.NotEmpty(t, r.ID, r.Type)
		require.NotEmpty(t, r.CreatedBy, r.ID)
		require.NotContains(t, r.ID+r.Name, "demo2")
		require.NotEqual(t, "/emr/demo/team-a-2", r.ID)
	}
	require.Equal(t, 1, count[awsapi.TypeInstance])
	require.Equal(t, 2, count[awsapi.TypeVolume], "the root volume and the orphan")
	require.Equal(t, 3, count[awsapi.TypeSubnet])
	require.Equal(t, 1, count[awsapi.TypeVPC])
	require.Equal(t, 2, count[awsapi.TypeSecurityGroup], "the nodes' and the cluster's, without the default one")
	require.Equal(t, 1, count[awsapi.TypeLaunchTemplate])
	require.Equal(t, 2, count[awsapi.TypeInstanceProfile])
	for _, typ := range []string{
		awsapi.TypeCluster, awsapi.TypeRole, awsapi.TypeLogGroup, awsapi.TypeQueue, awsapi.TypeRule, awsapi.TypeBucket,
	} {
		require.Equal(t, 1, count[typ], typ)
	}
	require.Positive(t, count[awsapi.TypeNetworkInterface])
	for _, r := range rs {
		if r.Type == awsapi.TypeInstance {
			require.Equal(t, "karpenter", r.CreatedBy)
			require.Equal(t, "c5d.xlarge", r.Detail["instanceType"])
			require.Equal(t, "spot", r.Detail["capacityType"])
		}
	}
}

func TestSweepDeletesWhatControllersLeft(t *testing.T) {
	t.Parallel()
	w, d := deployed(t)
	c := w.client()
	ctx := t.Context()
	rs, err := c.DeploymentResources(ctx, d)
	require.NoError(t, err)
	sweep := func(typ string) {
		for _, r := range rs {
			if r.Type == typ && (typ != awsapi.TypeVolume || r.State == "available") {
				require.NoError(t, c.Delete(ctx, r), r.ID)
				require.NoError(t, c.Delete(ctx, r), "again")
			}
		}
	}
	for _, r := range rs {
		if r.Type == awsapi.TypeInstance {
			require.NoError(t, c.Delete(ctx, r))
			require.NoError(t, c.WaitTerminated(ctx, 30*time.Second, r.ID))
		}
	}
	for _, typ := range []string{awsapi.TypeVolume, awsapi.TypeLaunchTemplate, awsapi.TypeInstanceProfile, awsapi.TypeLogGroup,
		awsapi.TypeQueue, awsapi.TypeBucket} {
		sweep(typ)
	}
	left, err := c.DeploymentResources(ctx, d)
	require.NoError(t, err)
	for _, r := range left {
		require.NotContains(t, []string{awsapi.TypeInstance, awsapi.TypeVolume, awsapi.TypeLaunchTemplate,
			awsapi.TypeInstanceProfile, awsapi.TypeLogGroup,
			awsapi.TypeQueue, awsapi.TypeBucket}, r.Type, r.ID)
		if !awsapi.CanDelete(r.Type) {
			require.True(t, awsapi.IsCode(c.Delete(ctx, r), awsapi.ErrNotSwept), r.Type)
		}
	}
	require.Len(t, w.account.List(account.KindVolume), 1, "the neighbour's")
	_, ok := w.account.Get(account.KindInstanceProfile, "demo2_1")
	require.True(t, ok)
}

func TestInventoryFindsTheNetworkAndItsBalancers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	igw := w.create(account.KindInternetGateway, account.Props{"vpcId": w.vpc})
	eip := w.create(account.KindEIP, account.Props{"domain": "vpc", "tags": account.Props{"team": "a"}})
	nat := w.create(account.KindNATGateway, account.Props{"subnetId": w.subnets[0], "allocationId": eip.ID})
	table := w.create(account.KindRouteTable, account.Props{"vpcId": w.vpc})
	assoc := w.create(account.KindRouteTableAssociation, account.Props{"routeTableId": table.ID, "subnetId": w.subnets[0]})
	endpoint := w.create(account.KindVPCEndpoint, account.Props{"vpcId": w.vpc, "serviceName": "com.amazonaws.us-west-2.s3"})
	mine := w.create(account.KindLoadBalancer,
		account.Props{"name": "mine", "loadBalancerType": "network", "subnets": []any{w.subnets[0]},
			"tags": account.Props{"elbv2.k8s.aws/cluster": "demo"}})
	c := w.client()
	d := awsapi.Deployment{Name: "demo", Cluster: "demo", VPC: w.vpc, Tags: map[string]string{"team": "a"}}
	rs, err := c.DeploymentResources(t.Context(), d)
	require.NoError(t, err)
	byID := map[string]awsapi.Resource{}
	for _, r := range rs {
		byID[r.ID] = r
	}
	require.Equal(t, awsapi.TypeInternetGateway, byID[igw.ID].Type)
	require.Equal(t, w.vpc, byID[igw.ID].Detail["vpc"])
	require.Equal(t, "associated", byID[eip.ID].State)
	require.Equal(t, "available", byID[nat.ID].State)
	require.Equal(t, assoc.ID, byID[table.ID].Detail["association/"+w.subnets[0]])
	require.Equal(t, "Gateway", byID[endpoint.ID].Detail["endpointType"])
	require.Equal(t, "kubernetes", byID[mine.ARN].CreatedBy)
	require.Equal(t, "network", byID[mine.ARN].Detail["kind"])
	tables := 0
	for _, r := range rs {
		if r.Type == awsapi.TypeRouteTable {
			tables++
		}
	}
	require.Equal(t, 1, tables, "without the main one, which goes with the VPC")

	require.NoError(t, c.Delete(t.Context(), byID[mine.ARN]))
	require.NoError(t, c.Delete(t.Context(), byID[mine.ARN]), "again")
	elsewhere, err := c.DeploymentResources(t.Context(), awsapi.Deployment{
		Name: "other", Cluster: "other", Tags: map[string]string{"team": "b"},
	})
	require.NoError(t, err)
	require.Empty(t, elsewhere)
}

func TestSweepReportsWhatIsStillUsed(t *testing.T) {
	t.Parallel()
	w, d := deployed(t)
	c := w.client()
	rs, err := c.DeploymentResources(t.Context(), d)
	require.NoError(t, err)
	for _, r := range rs {
		if r.Type == awsapi.TypeSecurityGroup && r.Name == "nodes" {
			err := c.Delete(t.Context(), r)
			require.True(t, awsapi.IsCode(err, "DependencyViolation"))
			var e *awsapi.Error
			require.ErrorAs(t, err, &e)
			require.Contains(t, e.Hint(), "still uses it")
			return
		}
	}
	t.Fatal("the group of the nodes was not found")
}

func TestClientsOfRolesHaveTheirPermissions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bucket("data", false)
	role := w.role("flink-job", "ec2.amazonaws.com", allow("arn:aws:s3:::data/*", "", "s3:PutObject"))
	job, err := w.client().AssumeRole(t.Context(), role.ARN, "session")
	require.NoError(t, err)
	id, err := job.Identity(t.Context())
	require.NoError(t, err)
	require.Equal(t, "arn:aws:sts::111122223333:assumed-role/flink-job/session", id.ARN)
	require.NoError(t, job.PutObject(t.Context(), "data", "x", strings.NewReader("x"), ""))
	_, err = job.GetObject(t.Context(), "data", "x")
	require.True(t, awsapi.IsDenied(err))
	_, err = w.client().AssumeRoleWithWebIdentity(t.Context(), role.ARN, "session", "not a token")
	require.Error(t, err)
	require.True(t, awsapi.IsDenied(err) || awsapi.IsCode(err, "InvalidIdentityToken"), err)
}
