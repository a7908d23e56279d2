// SPDX-License-Identifier: Apache-2.0

package iam

// ActionOf is the IAM action that a caller of an API operation needs: mostly it has the operation's name. The others are
// in the table of S3's Service Authorization Reference and in its API reference, under "Permissions".
func ActionOf(operation string) string {
	if action := map[string]string{
		"s3:CompleteMultipartUpload":          "s3:PutObject",
		"s3:DeleteBucketEncryption":           "s3:PutEncryptionConfiguration",
		"s3:DeleteBucketLifecycle":            "s3:PutLifecycleConfiguration",
		"s3:DeleteBucketOwnershipControls":    "s3:PutBucketOwnershipControls",
		"s3:DeleteBucketTagging":              "s3:PutBucketTagging",
		"s3:DeletePublicAccessBlock":          "s3:PutBucketPublicAccessBlock",
		"s3:GetBucketAccelerateConfiguration": "s3:GetAccelerateConfiguration",
		"s3:GetBucketCors":                    "s3:GetBucketCORS",
		"s3:GetBucketEncryption":              "s3:GetEncryptionConfiguration",
		"s3:GetBucketLifecycleConfiguration":  "s3:GetLifecycleConfiguration",
		"s3:GetBucketReplication":             "s3:GetReplicationConfiguration",
		"s3:GetObjectLockConfiguration":       "s3:GetBucketObjectLockConfiguration",
		"s3:GetPublicAccessBlock":             "s3:GetBucketPublicAccessBlock",
		"s3:PutBucketEncryption":              "s3:PutEncryptionConfiguration",
		"s3:PutBucketLifecycleConfiguration":  "s3:PutLifecycleConfiguration",
		"s3:PutPublicAccessBlock":             "s3:PutBucketPublicAccessBlock",
		"s3:CopyObject":                       "s3:PutObject",
		"s3:CreateMultipartUpload":            "s3:PutObject",
		"s3:DeleteObjects":                    "s3:DeleteObject",
		"s3:HeadBucket":                       "s3:ListBucket",
		"s3:HeadObject":                       "s3:GetObject",
		"s3:ListBuckets":                      "s3:ListAllMyBuckets",
		"s3:ListMultipartUploads":             "s3:ListBucketMultipartUploads",
		"s3:ListObjects":                      "s3:ListBucket",
		"s3:ListParts":                        "s3:ListMultipartUploadParts",
		"s3:UploadPart":                       "s3:PutObject",
		"s3:UploadPartCopy":                   "s3:PutObject",
		"s3:ListObjectVersions":               "s3:ListBucketVersions",
		"s3:ListObjectsV2":                    "s3:ListBucket",
	}[operation]; action != "" {
		return action
	}
	return operation
}
