// SPDX-License-Identifier: Apache-2.0

// Package checkpoints makes the bucket that holds the state of Flink jobs.
//
// Layout: <team>/checkpoints/, <team>/savepoints/, <team>/jobmanager/ (high availability), <team>/jars/, and
// logs/<team>/. The team comes first because Hadoop's S3 client checks every parent of a directory that it creates: a
// role that is confined to a prefix must have access to all the parents, or the job fails with 403. Logs are only
// written, never read; logs/ comes first so that one lifecycle rule expires the logs of all teams, present and future.
//
// The bucket is versioned, encrypted, closed to the public and to plain HTTP.
package checkpoints

import (
	"errors"
	"fmt"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"emrflink/components/deployment"
	"emrflink/components/iamdoc"
)

// Token is the Pulumi type of the component.
const Token = "emrflink:checkpoints:Bucket"

// Defaults of the lifecycle, in days.
const (
	// DefaultNoncurrentDays is how long a deleted or overwritten object can be restored.
	DefaultNoncurrentDays = 7
	// abortUploadDays is when parts of an upload that never finished are removed.
	abortUploadDays = 7
)

// Args describe the bucket.
type Args struct {
	// Deployment is the deployment of the bucket.
	Deployment *deployment.Deployment
	// LogRetentionDays is when logs in the bucket expire.
	LogRetentionDays int
	// NoncurrentDays is when old versions expire; DefaultNoncurrentDays when zero.
	NoncurrentDays int
	// KmsKeyArn encrypts objects; nil is S3's own key.
	KmsKeyArn pulumi.StringPtrInput
}

// Bucket is the bucket with its settings.
type Bucket struct {
	pulumi.ResourceState

	// Name is the bucket's name. It is known before the bucket exists: see BucketName.
	Name pulumi.StringOutput `pulumi:"name"`
	// Arn is the bucket's ARN.
	Arn pulumi.StringOutput `pulumi:"arn"`
	// Resources are the bucket and its settings: resources that write to the bucket depend on them.
	Resources []pulumi.CustomResource
}

// BucketName is the name of a deployment's bucket. Account and region make it unique in a partition.
func BucketName(d *deployment.Deployment) string {
	return d.Name + "-" + d.AccountID + "-" + d.Region + "-checkpoints"
}

// BucketARN is the ARN of a deployment's bucket.
func BucketARN(d *deployment.Deployment) string {
	return "arn:" + d.Partition + ":s3:::" + BucketName(d)
}

// Paths are the folders of one team in the bucket, as URIs without a slash at the end.
type Paths struct {
	// Checkpoints, Savepoints and JobManager are where a job keeps its state; JobManager is that of high availability.
	Checkpoints, Savepoints, JobManager string
	// Jars is where the team's pipeline puts programs, Logs where its jobs' logs go.
	Jars, Logs string
}

// TeamPaths are a team's folders in a bucket.
func TeamPaths(bucket, team string) Paths {
	base := "s3://" + bucket + "/"
	return Paths{
		Checkpoints: base + team + "/checkpoints",
		Savepoints:  base + team + "/savepoints",
		JobManager:  base + team + "/jobmanager",
		Jars:        base + team + "/jars",
		Logs:        base + "logs/" + team,
	}
}

// NewBucket makes the bucket.
func NewBucket(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Bucket, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("bucket %q: %w", name, err)
	}
	b := &Bucket{}
	if err := ctx.RegisterComponentResource(Token, name, b, opts...); err != nil {
		return nil, fmt.Errorf("register %s %q: %w", Token, name, err)
	}
	bucketName := BucketName(args.Deployment)
	bucket, err := s3.NewBucketV2(ctx, name+"-bucket", &s3.BucketV2Args{
		Bucket: pulumi.String(bucketName),
		Tags:   args.Deployment.ResourceTags(bucketName),
	}, pulumi.Parent(b), pulumi.Protect(args.Deployment.Protect))
	if err != nil {
		return nil, fmt.Errorf("create bucket %q: %w", bucketName, err)
	}
	settings, err := protect(ctx, name, args, bucket, pulumi.Parent(b))
	if err != nil {
		return nil, fmt.Errorf("bucket %q: %w", bucketName, err)
	}
	versions, err := lifecycle(ctx, name, args, bucket, pulumi.Parent(b))
	if err != nil {
		return nil, fmt.Errorf("bucket %q: %w", bucketName, err)
	}
	b.Resources = slices.Concat([]pulumi.CustomResource{bucket}, settings, versions)
	b.Name, b.Arn = bucket.Bucket, bucket.Arn
	return b, ctx.RegisterResourceOutputs(b, pulumi.Map{"name": b.Name, "arn": b.Arn})
}

func protect(ctx *pulumi.Context, name string, args *Args, bucket *s3.BucketV2,
	opt pulumi.ResourceOption) ([]pulumi.CustomResource, error) {
	public, err := s3.NewBucketPublicAccessBlock(ctx, name+"-public-access", &s3.BucketPublicAccessBlockArgs{
		Bucket:          bucket.ID(),
		BlockPublicAcls: pulumi.Bool(true), BlockPublicPolicy: pulumi.Bool(true),
		IgnorePublicAcls: pulumi.Bool(true), RestrictPublicBuckets: pulumi.Bool(true),
	}, opt)
	if err != nil {
		return nil, fmt.Errorf("block public access: %w", err)
	}
	ownership, err := s3.NewBucketOwnershipControls(ctx, name+"-ownership", &s3.BucketOwnershipControlsArgs{
		Bucket: bucket.ID(),
		Rule:   s3.BucketOwnershipControlsRuleArgs{ObjectOwnership: pulumi.String("BucketOwnerEnforced")},
	}, opt)
	if err != nil {
		return nil, fmt.Errorf("set ownership: %w", err)
	}
	encryption, err := s3.NewBucketServerSideEncryptionConfigurationV2(ctx, name+"-encryption",
		&s3.BucketServerSideEncryptionConfigurationV2Args{
			Bucket: bucket.ID(),
			Rules:  s3.BucketServerSideEncryptionConfigurationV2RuleArray{args.encryption()},
		}, opt)
	if err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	document, err := TLSOnly(BucketARN(args.Deployment)).JSON()
	if err != nil {
		return nil, err
	}
	// S3 answers 409 when a policy and a public access block are written at the same time.
	policy, err := s3.NewBucketPolicy(ctx, name+"-policy", &s3.BucketPolicyArgs{
		Bucket: bucket.ID(), Policy: pulumi.String(document),
	}, opt, deployment.DependsOn(public))
	if err != nil {
		return nil, fmt.Errorf("set bucket policy: %w", err)
	}
	return []pulumi.CustomResource{public, ownership, encryption, policy}, nil
}

// encryption is S3's own key, or the deployment's. With a bucket key S3 asks KMS once for many objects: without it, each
// checkpoint file would be a billed request.
func (a *Args) encryption() s3.BucketServerSideEncryptionConfigurationV2RuleArgs {
	type byDefault = s3.BucketServerSideEncryptionConfigurationV2RuleApplyServerSideEncryptionByDefaultArgs
	if a.KmsKeyArn == nil {
		return s3.BucketServerSideEncryptionConfigurationV2RuleArgs{
			ApplyServerSideEncryptionByDefault: byDefault{SseAlgorithm: pulumi.String("AES256")},
		}
	}
	return s3.BucketServerSideEncryptionConfigurationV2RuleArgs{
		ApplyServerSideEncryptionByDefault: byDefault{SseAlgorithm: pulumi.String("aws:kms"), KmsMasterKeyId: a.KmsKeyArn},
		BucketKeyEnabled:                   pulumi.Bool(true),
	}
}

// TLSOnly denies every request without TLS.
func TLSOnly(bucketARN string) iamdoc.Document {
	// The wildcards are those of a Deny: they take away, from everyone, whatever the action.
	deny := iamdoc.Deny("DenyPlainHTTP", iamdoc.Strings{"s3:*"}, iamdoc.Strings{bucketARN, bucketARN + "/*"},
		iamdoc.Conditions{"Bool": {"aws:SecureTransport": {"false"}}})
	deny.Principal = map[string]iamdoc.Strings{"AWS": {"*"}}
	return iamdoc.New(deny)
}

func lifecycle(ctx *pulumi.Context, name string, args *Args, bucket *s3.BucketV2,
	opt pulumi.ResourceOption) ([]pulumi.CustomResource, error) {
	versioning, err := s3.NewBucketVersioningV2(ctx, name+"-versioning", &s3.BucketVersioningV2Args{
		Bucket: bucket.ID(),
		VersioningConfiguration: s3.BucketVersioningV2VersioningConfigurationArgs{
			Status: pulumi.String("Enabled"),
		},
	}, opt)
	if err != nil {
		return nil, fmt.Errorf("enable versioning: %w", err)
	}
	noncurrent := args.NoncurrentDays
	if noncurrent == 0 {
		noncurrent = DefaultNoncurrentDays
	}
	rule := func(id, prefix string) s3.BucketLifecycleConfigurationV2RuleArgs {
		return s3.BucketLifecycleConfigurationV2RuleArgs{
			Id: pulumi.String(id), Status: pulumi.String("Enabled"),
			Filter: s3.BucketLifecycleConfigurationV2RuleFilterArgs{Prefix: pulumi.String(prefix)},
		}
	}
	// Flink deletes old checkpoints itself; a versioned bucket would keep and bill each of them.
	versions := rule("expire-old-versions", "")
	versions.NoncurrentVersionExpiration = s3.BucketLifecycleConfigurationV2RuleNoncurrentVersionExpirationArgs{
		NoncurrentDays: pulumi.Int(noncurrent),
	}
	versions.Expiration = s3.BucketLifecycleConfigurationV2RuleExpirationArgs{ExpiredObjectDeleteMarker: pulumi.Bool(true)}
	uploads := rule("abort-unfinished-uploads", "")
	uploads.AbortIncompleteMultipartUpload = s3.BucketLifecycleConfigurationV2RuleAbortIncompleteMultipartUploadArgs{
		DaysAfterInitiation: pulumi.Int(abortUploadDays),
	}
	logs := rule("expire-logs", "logs/")
	logs.Expiration = s3.BucketLifecycleConfigurationV2RuleExpirationArgs{Days: pulumi.Int(args.LogRetentionDays)}
	rules, err := s3.NewBucketLifecycleConfigurationV2(ctx, name+"-lifecycle", &s3.BucketLifecycleConfigurationV2Args{
		Bucket: bucket.ID(),
		Rules:  s3.BucketLifecycleConfigurationV2RuleArray{versions, uploads, logs},
	}, opt, deployment.DependsOn(versioning))
	if err != nil {
		return nil, fmt.Errorf("set lifecycle: %w", err)
	}
	return []pulumi.CustomResource{versioning, rules}, nil
}

func (a *Args) validate() error {
	if a == nil {
		return errors.New("no arguments")
	}
	if err := a.Deployment.Validate(); err != nil {
		return err
	}
	if a.LogRetentionDays <= 0 || a.NoncurrentDays < 0 {
		return fmt.Errorf("retention of %d days, old versions of %d days", a.LogRetentionDays, a.NoncurrentDays)
	}
	return nil
}
