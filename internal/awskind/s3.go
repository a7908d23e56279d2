// SPDX-License-Identifier: Apache-2.0

package awskind

// bucketRows are buckets and their settings. A setting has the name of its bucket as its id.
func bucketRows() []Kind {
	return []Kind{
		{
			Type: "aws:s3/bucketV2:BucketV2", Terraform: "aws_s3_bucket", Simulated: "s3:bucket", Tags: Tagged,
			Inventory: "bucket", Price: Free, Usage: "S3: storage per GB-month and requests",
			Sweep: 100, Command: "s3 rb --force s3://{id}", Scope: "id",
			Loss: "checkpoints and savepoints in it are lost; jobs cannot be restored from them", Gravity: 20,
			Adopt: "{bucket}", Show: "s3api get-bucket-tagging --bucket {id}", Phase: PhaseBucket,
		},
		{
			Type: "aws:s3/bucketVersioningV2:BucketVersioningV2", Terraform: "aws_s3_bucket_versioning",
			Simulated: "s3:bucketVersioning", Tags: Untagged, Inventory: NotListed, Price: Free,
			Loss:  "overwritten and deleted objects cannot be brought back while it is gone",
			Adopt: "{bucket}", Owner: "bucket {bucket}", Phase: PhaseBucket,
		},
		{
			Type: "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", Terraform: "aws_s3_bucket_public_access_block",
			Simulated: "s3:bucketPublicAccessBlock", Tags: Untagged, Inventory: NotListed, Price: Free,
			Loss: "the bucket's own guard against public access is off until it is back", Adopt: "{bucket}",
			Owner: "bucket {bucket}", Phase: PhaseBucket,
		},
		{
			Type:      "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
			Terraform: "aws_s3_bucket_server_side_encryption_configuration", Simulated: "s3:bucketEncryption",
			Tags: Untagged, Inventory: NotListed, Price: Free,
			Loss: "new objects are encrypted with S3's own keys until it is back", Adopt: "{bucket}",
			Owner: "bucket {bucket}", Phase: PhaseBucket,
		},
		{
			Type: "aws:s3/bucketPolicy:BucketPolicy", Terraform: "aws_s3_bucket_policy", Simulated: "s3:bucketPolicy",
			Tags: Untagged, Inventory: NotListed, Price: Free,
			Loss: "the bucket takes unencrypted connections until it is back", Adopt: "{bucket}",
			Owner: "bucket {bucket}", Phase: PhaseBucket,
		},
		{
			Type:      "aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2",
			Terraform: "aws_s3_bucket_lifecycle_configuration", Simulated: "s3:bucketLifecycle",
			Tags: Untagged, Inventory: NotListed, Price: Free,
			Loss: "old versions are kept and billed until it is back", Adopt: "{bucket}",
			Owner: "bucket {bucket}", Phase: PhaseBucket,
		},
		{
			Type: "aws:s3/bucketOwnershipControls:BucketOwnershipControls", Terraform: "aws_s3_bucket_ownership_controls",
			Simulated: "s3:bucketOwnershipControls", Tags: Untagged, Inventory: NotListed,
			Price: Free, Loss: NothingLost, Adopt: "{bucket}", Owner: "bucket {bucket}", Phase: PhaseBucket,
		},
	}
}
