// SPDX-License-Identifier: Apache-2.0

package awsprov

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sqs"
)

func eventTypes() []entry {
	return []entry{
		{
			token: "aws:sqs/queue:Queue", args: sqs.QueueArgs{}, state: sqs.QueueState{},
			api:  api{"SQS", "SQS Queue", "CreateQueue", "SetQueueAttributes", "DeleteQueue"},
			name: "name", max: 80,
			computed: []string{
				"deduplicationScope", "fifoThroughputLimit", "kmsDataKeyReusePeriodSeconds", "policy", "sqsManagedSseEnabled",
			},
			policies: []string{"policy"},
			json:     []string{"redriveAllowPolicy", "redrivePolicy"},
			defaults: map[string]any{
				"contentBasedDeduplication": false, "delaySeconds": 0.0, "fifoQueue": false, "maxMessageSize": 262144.0,
				"messageRetentionSeconds": 345600.0, "receiveWaitTimeSeconds": 0.0, "visibilityTimeoutSeconds": 30.0,
			},
		},
		{
			token: "aws:sqs/queuePolicy:QueuePolicy",
			args:  sqs.QueuePolicyArgs{}, state: sqs.QueuePolicyState{},
			api:      api{"SQS", "SQS Queue Policy", "SetQueueAttributes", "SetQueueAttributes", "SetQueueAttributes"},
			required: []string{"policy"},
			policies: []string{"policy"},
		},
		{
			token: "aws:cloudwatch/eventRule:EventRule",
			args:  cloudwatch.EventRuleArgs{}, state: cloudwatch.EventRuleState{},
			api:  api{"EventBridge", "EventBridge Rule", "PutRule", "PutRule", "DeleteRule"},
			name: "name", max: 64,
			json:     []string{"eventPattern"},
			defaults: map[string]any{"eventBusName": "default", "forceDestroy": false},
		},
		{
			token: "aws:cloudwatch/eventTarget:EventTarget",
			args:  cloudwatch.EventTargetArgs{}, state: cloudwatch.EventTargetState{},
			api:      api{"EventBridge", "EventBridge Target", "PutTargets", "PutTargets", "RemoveTargets"},
			computed: []string{"targetId"},
			defaults: map[string]any{"eventBusName": "default", "forceDestroy": false},
		},
		{
			token: "aws:cloudwatch/logGroup:LogGroup",
			args:  cloudwatch.LogGroupArgs{}, state: cloudwatch.LogGroupState{},
			api:  api{"CloudWatch Logs", "CloudWatch Logs Log Group", "CreateLogGroup", "PutRetentionPolicy", "DeleteLogGroup"},
			name: "name", max: 512,
			computed: []string{"logGroupClass"},
			defaults: map[string]any{"retentionInDays": 0.0, "skipDestroy": false},
		},
	}
}

func bucketTypes() []entry {
	return []entry{
		{
			token: "aws:s3/bucketV2:BucketV2", args: s3.BucketV2Args{}, state: s3.BucketV2State{},
			api:  api{"S3", "S3 Bucket", "CreateBucket", "PutBucketTagging", "DeleteBucket"},
			name: "bucket", max: 63, lower: true,
			computed: []string{
				"accelerationStatus", "acl", "corsRules", "grants", "lifecycleRules", "loggings", "objectLockEnabled", "policy",
				"replicationConfigurations", "requestPayer", "serverSideEncryptionConfigurations", "versionings", "websites",
			},
			policies: []string{"policy"},
			defaults: map[string]any{"forceDestroy": false},
		},
		{
			token: "aws:s3/bucketVersioningV2:BucketVersioningV2",
			args:  s3.BucketVersioningV2Args{}, state: s3.BucketVersioningV2State{},
			api: api{
				"S3", "S3 Bucket Versioning", "PutBucketVersioning", "PutBucketVersioning", "PutBucketVersioning",
			},
		},
		{
			token: "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
			args:  s3.BucketPublicAccessBlockArgs{}, state: s3.BucketPublicAccessBlockState{},
			api: api{
				"S3", "S3 Bucket Public Access Block", "PutPublicAccessBlock", "PutPublicAccessBlock", "DeletePublicAccessBlock",
			},
			defaults: map[string]any{
				"blockPublicAcls": false, "blockPublicPolicy": false, "ignorePublicAcls": false, "restrictPublicBuckets": false,
			},
		},
		{
			token: "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
			args:  s3.BucketServerSideEncryptionConfigurationV2Args{}, state: s3.BucketServerSideEncryptionConfigurationV2State{},
			api: api{
				"S3", "S3 Bucket Server-Side Encryption Configuration", "PutBucketEncryption", "PutBucketEncryption",
				"DeleteBucketEncryption",
			},
			required: []string{"rules"},
			sets:     []string{"rules"},
		},
		{
			token: "aws:s3/bucketPolicy:BucketPolicy",
			args:  s3.BucketPolicyArgs{}, state: s3.BucketPolicyState{},
			api:      api{"S3", "S3 Bucket Policy", "PutBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy"},
			required: []string{"policy"},
			policies: []string{"policy"},
		},
		{
			token: "aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2",
			args:  s3.BucketLifecycleConfigurationV2Args{}, state: s3.BucketLifecycleConfigurationV2State{},
			api: api{
				"S3", "S3 Bucket Lifecycle Configuration", "PutBucketLifecycleConfiguration", "PutBucketLifecycleConfiguration",
				"DeleteBucketLifecycle",
			},
			required: []string{"rules"},
			computed: []string{"transitionDefaultMinimumObjectSize"},
		},
		{
			token: "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
			args:  s3.BucketOwnershipControlsArgs{}, state: s3.BucketOwnershipControlsState{},
			api: api{
				"S3", "S3 Bucket Ownership Controls", "PutBucketOwnershipControls", "PutBucketOwnershipControls",
				"DeleteBucketOwnershipControls",
			},
		},
	}
}
