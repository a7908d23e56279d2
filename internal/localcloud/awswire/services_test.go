// SPDX-License-Identifier: Apache-2.0

package awswire_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/require"

	"emrflink/internal/awsapi"
	"emrflink/internal/localcloud/account"
)

// bucket makes a bucket in the account.
func (w *world) bucket(name string, versioned bool) {
	w.t.Helper()
	w.create(account.KindBucket, account.Props{"bucket": name, "tags": account.Props{"team": "a"}})
	if versioned {
		w.create(account.KindBucketVersioning, account.Props{
			"bucket": name, "versioningConfiguration": account.Props{"status": "Enabled"},
		})
	}
}

func TestObjectsAreKeptAndListed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bucket("data", false)
	c := w.s3(w.cfg)
	ctx := t.Context()
	keys := []string{"a b+c/ä.txt", "checkpoints/1", "checkpoints/2", "checkpoints/sub/3", "logs/x"}
	for i, k := range keys {
		out, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("data"), Key: aws.String(k),
			Body:     bytes.NewReader([]byte(fmt.Sprint("body", i))),
			Metadata: map[string]string{"n": fmt.Sprint(i)}})
		require.NoError(t, err)
		require.NotEmpty(t, *out.ETag)
	}
	got, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("data"), Key: aws.String(keys[0])})
	require.NoError(t, err)
	body, err := io.ReadAll(got.Body)
	require.NoError(t, err)
	require.Equal(t, "body0", string(body))
	require.Equal(t, "0", got.Metadata["n"])
	head, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String("data"), Key: aws.String(keys[0])})
	require.NoError(t, err)
	require.Equal(t, int64(5), *head.ContentLength)

	var listed []string
	p := s3.NewListObjectsV2Paginator(c, &s3.ListObjectsV2Input{Bucket: aws.String("data"), MaxKeys: aws.Int32(2)})
	for p.HasMorePages() {
		page, err := p.NextPage(ctx)
		require.NoError(t, err)
		require.LessOrEqual(t, len(page.Contents), 2)
		for _, o := range page.Contents {
			listed = append(listed, *o.Key)
			require.Positive(t, *o.Size)
			require.False(t, o.LastModified.IsZero())
		}
	}
	require.Equal(t, keys, listed)
	grouped, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{
		Bucket: aws.String("data"), Prefix: aws.String("checkpoints/"), Delimiter: aws.String("/"),
	})
	require.NoError(t, err)
	require.Len(t, grouped.Contents, 2)
	require.Equal(t, "checkpoints/sub/", *grouped.CommonPrefixes[0].Prefix)

	_, err = c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("data"), Key: aws.String("none")})
	require.Equal(t, "NoSuchKey", code(t, err))
	_, err = c.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String("none")})
	require.Equal(t, "NotFound", code(t, err))
	_, err = c.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("none"), Key: aws.String("x"), Body: bytes.NewReader(nil)})
	require.Equal(t, "NoSuchBucket", code(t, err))
	tags, err := c.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: aws.String("data")})
	require.NoError(t, err)
	require.Equal(t, "team", *tags.TagSet[0].Key)
	_, err = c.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: aws.String("data")})
	require.Equal(t, "BucketNotEmpty", code(t, err))
	all, err := c.ListBuckets(ctx, &s3.ListBucketsInput{})
	require.NoError(t, err)
	require.Len(t, all.Buckets, 1)
}

func TestVersionsAreListedAndDeletedOneByOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bucket("data", true)
	c := w.s3(w.cfg)
	ctx := t.Context()
	for i := range 3 {
		out, err := c.PutObject(ctx, &s3.PutObjectInput{
			Bucket: aws.String("data"), Key: aws.String("k"), Body: bytes.NewReader([]byte{byte(i)}),
		})
		require.NoError(t, err)
		require.NotEmpty(t, *out.VersionId)
	}
	_, err := c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String("data"), Key: aws.String("k")})
	require.NoError(t, err)
	_, err = c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("data"), Key: aws.String("k")})
	require.Equal(t, "NoSuchKey", code(t, err))

	var versions, markers int
	p := s3.NewListObjectVersionsPaginator(c, &s3.ListObjectVersionsInput{Bucket: aws.String("data"), MaxKeys: aws.Int32(2)})
	for p.HasMorePages() {
		page, err := p.NextPage(ctx)
		require.NoError(t, err)
		var ids []types.ObjectIdentifier
		for _, v := range page.Versions {
			ids = append(ids, types.ObjectIdentifier{Key: v.Key, VersionId: v.VersionId})
		}
		for _, m := range page.DeleteMarkers {
			ids = append(ids, types.ObjectIdentifier{Key: m.Key, VersionId: m.VersionId})
		}
		versions += len(page.Versions)
		markers += len(page.DeleteMarkers)
		out, err := c.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: aws.String("data"), Delete: &types.Delete{Objects: ids}})
		require.NoError(t, err)
		require.Len(t, out.Deleted, len(ids), "a page is deleted while the next one is asked for")
	}
	require.Equal(t, 3, versions)
	require.Equal(t, 1, markers)
	_, err = c.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: aws.String("data")})
	require.NoError(t, err)
}

func TestObjectsAreGuardedByThePolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bucket("data", false)
	doc := `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["s3:PutObject","s3:GetObject"],"Resource":"arn:aws:s3:::data/team-a/*"},
		{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::data",
		 "Condition":{"StringLike":{"s3:prefix":"team-a/*"}}}]}`
	c := w.s3(w.as(w.role("flink-team-a", "ec2.amazonaws.com", doc)))
	put := func(key string) error {
		_, err := c.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: aws.String("data"), Key: aws.String(key), Body: bytes.NewReader([]byte("x")),
		})
		return err
	}
	require.NoError(t, put("team-a/1"))
	require.Equal(t, "AccessDenied", code(t, put("team-b/1")))
	_, err := c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("data"), Prefix: aws.String("team-a/")})
	require.NoError(t, err)
	_, err = c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("data")})
	require.Equal(t, "AccessDenied", code(t, err))
	out, err := c.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: aws.String("data"),
		Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: aws.String("team-a/1")}}}})
	require.NoError(t, err, "S3 refuses key by key")
	require.Equal(t, "AccessDenied", *out.Errors[0].Code)
}

// cluster makes an EKS cluster in the world's network.
func (w *world) cluster(name string) account.Resource {
	w.t.Helper()
	role := w.role(name+"-cluster", "eks.amazonaws.com", "")
	return w.create(account.KindCluster, account.Props{"name": name, "roleArn": role.ARN, "version": "1.35",
		"accessConfig": account.Props{"authenticationMode": "API"},
		"vpcConfig":    account.Props{"subnetIds": []any{w.subnets[0], w.subnets[1]}}, "tags": account.Props{"team": "a"}})
}

func TestClustersAnswerWhatClientsNeed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.eks(w.cfg)
	_, err := c.DescribeCluster(t.Context(), &eks.DescribeClusterInput{Name: aws.String("demo")})
	require.Equal(t, "ResourceNotFoundException", code(t, err))
	w.cluster("demo")
	out, err := c.DescribeCluster(t.Context(), &eks.DescribeClusterInput{Name: aws.String("demo")})
	require.NoError(t, err)
	k := out.Cluster
	require.Equal(t, "1.35", *k.Version)
	require.Contains(t, *k.Endpoint, "https://")
	require.NotEmpty(t, *k.CertificateAuthority.Data)
	require.NotEmpty(t, *k.KubernetesNetworkConfig.ServiceIpv4Cidr)
	require.Contains(t, *k.Identity.Oidc.Issuer, "https://")
	require.Equal(t, w.vpc, *k.ResourcesVpcConfig.VpcId)
	require.NotEmpty(t, *k.ResourcesVpcConfig.ClusterSecurityGroupId)
	require.Equal(t, "ACTIVE", string(k.Status))
	require.Equal(t, "API", string(k.AccessConfig.AuthenticationMode))
	require.Equal(t, map[string]string{"team": "a"}, k.Tags)
	require.WithinDuration(t, time.Now(), *k.CreatedAt, time.Minute)

	nodes := w.role("nodes", "ec2.amazonaws.com", "")
	w.create(account.KindNodeGroup, account.Props{"clusterName": "demo", "nodeGroupName": "core", "nodeRoleArn": nodes.ARN,
		"subnetIds": []any{w.subnets[0]}, "instanceTypes": []any{"m5.xlarge"},
		"scalingConfig": account.Props{"minSize": 1.0, "maxSize": 3.0, "desiredSize": 2.0}})
	groups, err := c.ListNodegroups(t.Context(), &eks.ListNodegroupsInput{ClusterName: aws.String("demo")})
	require.NoError(t, err)
	require.Equal(t, []string{"core"}, groups.Nodegroups)
	group, err := c.DescribeNodegroup(t.Context(), &eks.DescribeNodegroupInput{
		ClusterName: aws.String("demo"), NodegroupName: aws.String("core"),
	})
	require.NoError(t, err)
	require.Equal(t, int32(2), *group.Nodegroup.ScalingConfig.DesiredSize)
	require.Equal(t, []string{"m5.xlarge"}, group.Nodegroup.InstanceTypes)
	entries, err := c.ListAccessEntries(t.Context(), &eks.ListAccessEntriesInput{ClusterName: aws.String("demo")})
	require.NoError(t, err)
	require.Contains(t, entries.AccessEntries, nodes.ARN)
	clusters, err := c.ListClusters(t.Context(), &eks.ListClustersInput{})
	require.NoError(t, err)
	require.Equal(t, []string{"demo"}, clusters.Clusters)
	versions, err := c.DescribeClusterVersions(t.Context(), &eks.DescribeClusterVersionsInput{})
	require.NoError(t, err)
	require.Len(t, versions.ClusterVersions, len(w.account.KubernetesVersions()))
	_, err = c.DescribeNodegroup(t.Context(), &eks.DescribeNodegroupInput{
		ClusterName: aws.String("demo"), NodegroupName: aws.String("none"),
	})
	require.Equal(t, "ResourceNotFoundException", code(t, err))
}

func TestQueuesHonourTheLongPoll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create(account.KindQueue, account.Props{"name": "karpenter"})
	a, m := w.target(w.cfg, "sqs", "AmazonSQS.GetQueueUrl", `{"QueueName":"none"}`)
	require.Equal(t, 400, a.status)
	require.Equal(t, "QueueDoesNotExist", m["__type"])
	require.Equal(t, "AWS.SimpleQueueService.NonExistentQueue;Sender", a.header.Get("X-Amzn-Query-Error"))
	_, m = w.target(w.cfg, "sqs", "AmazonSQS.GetQueueUrl", `{"QueueName":"karpenter"}`)
	url, _ := m["QueueUrl"].(string)
	require.NotEmpty(t, url)

	receive := fmt.Sprintf(`{"QueueUrl":%q,"WaitTimeSeconds":1,"MaxNumberOfMessages":10}`, url)
	start := time.Now()
	_, m = w.target(w.cfg, "sqs", "AmazonSQS.ReceiveMessage", receive)
	require.Empty(t, m)
	require.GreaterOrEqual(t, time.Since(start), 900*time.Millisecond, "an empty answer comes after the wait")
	require.NoError(t, w.account.Queues.Send(url, "hello"))
	_, m = w.target(w.cfg, "sqs", "AmazonSQS.ReceiveMessage", receive)
	messages, _ := m["Messages"].([]any)
	require.Len(t, messages, 1)
	message, _ := messages[0].(map[string]any)
	require.Equal(t, "hello", message["Body"])
	require.Equal(t, "5d41402abc4b2a76b9719d911017c592", message["MD5OfBody"])
	a, _ = w.target(w.cfg, "sqs", "AmazonSQS.DeleteMessage",
		fmt.Sprintf(`{"QueueUrl":%q,"ReceiptHandle":%q}`, url, message["ReceiptHandle"]))
	require.Equal(t, 200, a.status)
}

func TestWebIdentitiesBecomeTheRoleThatTrustsThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const issuer = "oidc.eks.us-west-2.amazonaws.com/id/ABC"
	w.create(account.KindOIDCProvider, account.Props{"url": "https://" + issuer, "clientIdLists": []any{"sts.amazonaws.com"}})
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
		"Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/` + issuer + `"},
		"Action":"sts:AssumeRoleWithWebIdentity",
		"Condition":{"StringEquals":{"` + issuer + `:sub":"system:serviceaccount:flink:job",
			"` + issuer + `:aud":"sts.amazonaws.com"}}}]}`
	role := w.create(account.KindRole, account.Props{"name": "flink-job", "assumeRolePolicy": trust})
	token := func(sub string) string {
		claims := fmt.Sprintf(`{"iss":"https://%s","sub":%q,"aud":["sts.amazonaws.com"],"exp":%d}`, issuer, sub,
			time.Now().Add(time.Hour).Unix())
		enc := base64.RawURLEncoding.EncodeToString
		return enc([]byte(`{"alg":"RS256"}`)) + "." + enc([]byte(claims)) + "." + enc([]byte("signature"))
	}
	job, err := w.client().AssumeRoleWithWebIdentity(t.Context(), role.ARN, "session", token("system:serviceaccount:flink:job"))
	require.NoError(t, err)
	id, err := job.Identity(t.Context())
	require.NoError(t, err)
	require.Equal(t, "arn:aws:sts::111122223333:assumed-role/flink-job/session", id.ARN)
	_, err = w.client().AssumeRoleWithWebIdentity(t.Context(), role.ARN, "session", token("system:serviceaccount:flink:other"))
	require.True(t, awsapi.IsDenied(err), err)
}
