// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"emrflink/internal/iam"
	"emrflink/internal/localcloud/account"
)

// Operation is one AWS operation that the handler answers.
type Operation struct {
	Service string // IAM's prefix: "ec2"
	Name    string // "DescribeInstances"
	UsedBy  string // who of ours calls it: "karpenter", "emrflink" or both
	Notes   string // what differs from AWS, "" when nothing that a caller sees

	// takes are the parameters that a call may have, see parameters; "": any, and what is not known is passed over.
	takes string
	// needs are the permissions that a call needs; nil is the operation's own action on every resource. What it found
	// before an error is asked for before the error is answered.
	needs func(*request) ([]need, error)
	also  []string // the actions of needs beside the operation's own
	// open says why AWS asks for no permission, "" when it does.
	open string
	// byItem: a permission that is refused refuses its item of the request (request.refused), not the request.
	byItem bool

	run      func(*request) (answer, error)
	unsigned bool
	streams  bool // run reads the body itself, as a stream: request.payload
}

// Actions are the IAM actions that a caller may need, the operation's own first; none where AWS asks for no permission.
func (o Operation) Actions() []string {
	if o.open != "" {
		return nil
	}
	return append([]string{iam.ActionOf(o.Service + ":" + o.Name)}, o.also...)
}

// Words for Operation.UsedBy.
const (
	byKarpenter = "karpenter"
	byEmrflink  = "emrflink"
	byBoth      = "karpenter, emrflink"
	byClients   = "clients"
)

// nothing is what an operation without parameters takes.
const nothing = " "

// Operations lists what the handler answers, service by service: the support
// matrix of the documentation is made of it.
func Operations() []Operation {
	var all []Operation
	for _, part := range [][]Operation{
		ec2Operations(), ec2ResourceOperations(), iamOperations(), iamPolicyOperations(), stsOperations(), eksOperations(),
		s3OperationTable(), logsOperations(), messageOperations(), otherOperations(),
	} {
		all = append(all, part...)
	}
	return all
}

func ec2Operations() []Operation {
	return []Operation{
		{
			Service: "ec2", Name: "DescribeInstanceTypes", UsedBy: byKarpenter, Notes: "the types of the simulated account",
			run: describeInstanceTypes,
		},
		{
			Service: "ec2", Name: "DescribeInstanceTypeOfferings", UsedBy: byKarpenter, Notes: "every type in every zone",
			run: describeInstanceTypeOfferings,
		},
		{
			Service: "ec2", Name: "DescribeSpotPriceHistory", UsedBy: byKarpenter, Notes: "one present price per type and zone",
			run: describeSpotPriceHistory,
		},
		{Service: "ec2", Name: "DescribeImages", UsedBy: byKarpenter, Notes: "synthetic EKS node images", run: describeImages},
		{Service: "ec2", Name: "DescribeInstances", UsedBy: byBoth, run: describeInstances},
		{
			Service: "ec2", Name: "DescribeInstanceStatus", UsedBy: byKarpenter, Notes: "running instances are healthy",
			run: describeInstanceStatus,
		},
		{
			Service: "ec2", Name: "RunInstances", UsedBy: byKarpenter, Notes: "subnet required",
			needs: launchNeeds, also: []string{createTags, passRole}, run: runInstances,
		},
		{
			Service: "ec2", Name: "CreateFleet", UsedBy: byKarpenter,
			Notes: "type instant; capacity is equal everywhere, so price or priority decides",
			needs: fleetNeeds, also: []string{"ec2:RunInstances", createTags, passRole}, run: createFleet,
		},
		{Service: "ec2", Name: "TerminateInstances", UsedBy: byBoth, needs: instances, run: terminateInstances},
		{
			Service: "ec2", Name: "CreateLaunchTemplate", UsedBy: byKarpenter,
			needs: newTagged("launch-template"), also: []string{createTags}, run: createLaunchTemplate,
		},
		{Service: "ec2", Name: "DescribeLaunchTemplates", UsedBy: byBoth, run: describeLaunchTemplates},
		{Service: "ec2", Name: "DeleteLaunchTemplate", UsedBy: byBoth, needs: oneTemplate, run: deleteLaunchTemplate},
		{Service: "ec2", Name: "CreateTags", UsedBy: byKarpenter, needs: taggedResources, run: setTags},
		{
			Service: "ec2", Name: "DeleteTags", UsedBy: byClients, Notes: "the value of a tag is not compared",
			needs: taggedResources, run: deleteTags,
		},
	}
}

func ec2ResourceOperations() []Operation {
	return []Operation{
		{Service: "ec2", Name: "DescribeVpcs", UsedBy: byEmrflink, run: describeVpcs},
		{Service: "ec2", Name: "DescribeSubnets", UsedBy: byBoth, run: describeSubnets},
		{Service: "ec2", Name: "DescribeSecurityGroups", UsedBy: byBoth, Notes: "without the rules", run: describeSecurityGroups},
		{
			Service: "ec2", Name: "DeleteSecurityGroup", UsedBy: byEmrflink,
			needs: byID(account.KindSecurityGroup, "security-group", "GroupId"), run: deleteSecurityGroup,
		},
		{Service: "ec2", Name: "DescribeNetworkInterfaces", UsedBy: byEmrflink, run: describeNetworkInterfaces},
		{
			Service: "ec2", Name: "DeleteNetworkInterface", UsedBy: byEmrflink,
			needs: byID(account.KindNetworkInterface, "network-interface", "NetworkInterfaceId"), run: deleteNetworkInterface,
		},
		{Service: "ec2", Name: "DescribeVolumes", UsedBy: byEmrflink, run: describeVolumes},
		{
			Service: "ec2", Name: "CreateVolume", UsedBy: byClients,
			needs: newTagged("volume"), also: []string{createTags}, run: createVolume,
		},
		{
			Service: "ec2", Name: "DeleteVolume", UsedBy: byEmrflink,
			needs: byID(account.KindVolume, "volume", "VolumeId"), run: deleteVolume,
		},
		{Service: "ec2", Name: "DescribeNatGateways", UsedBy: byEmrflink, run: describeNatGateways},
		{Service: "ec2", Name: "DescribeAddresses", UsedBy: byEmrflink, run: describeAddresses},
		{Service: "ec2", Name: "DescribeInternetGateways", UsedBy: byEmrflink, run: describeInternetGateways},
		{Service: "ec2", Name: "DescribeVpcEndpoints", UsedBy: byEmrflink, run: describeVpcEndpoints},
		{
			Service: "ec2", Name: "DeleteVpcEndpoints", UsedBy: byEmrflink, Notes: "one endpoint a call",
			needs: byID(account.KindVPCEndpoint, "vpc-endpoint", "VpcEndpointId.1"), run: deleteVpcEndpoints,
		},
		{Service: "ec2", Name: "DescribeFlowLogs", UsedBy: byEmrflink, run: describeFlowLogs},
		{
			Service: "ec2", Name: "DescribeRouteTables", UsedBy: byEmrflink, Notes: "with the associations, without the routes",
			run: describeRouteTables,
		},
		{Service: "ec2", Name: "DescribeAvailabilityZones", UsedBy: byEmrflink, run: describeAvailabilityZones},
	}
}

func stsOperations() []Operation {
	return []Operation{
		{
			Service: "sts", Name: "GetCallerIdentity", UsedBy: byEmrflink,
			takes: nothing,
			open:  "who somebody is, everybody may ask", run: getCallerIdentity,
		},
		{
			Service: "sts", Name: "AssumeRole", UsedBy: byEmrflink,
			takes: "RoleArn! RoleSessionName! DurationSeconds:900-43200", needs: roleByARN, run: assumeRole,
		},
		{Service: "sts", Name: "AssumeRoleWithWebIdentity", UsedBy: byBoth, open: trusted, unsigned: true,
			takes: "RoleArn! RoleSessionName! WebIdentityToken! DurationSeconds:900-43200",
			run:   assumeRoleWithWebIdentity},
		{
			Service: "eks-auth", Name: "AssumeRoleForPodIdentity", UsedBy: byKarpenter,
			Notes: "as the Pod Identity agent answers it",
			open:  trusted, unsigned: true, run: assumeRoleForPodIdentity,
		},
	}
}

func eksOperations() []Operation {
	return []Operation{
		{
			Service: "eks", Name: "DescribeCluster", UsedBy: byBoth, Notes: "endpoint and CA of the local control plane",
			needs: oneCluster, run: describeCluster,
		},
		{
			Service: "eks", Name: "UpdateClusterConfig", UsedBy: byEmrflink, Notes: "deletionProtection only",
			needs: oneCluster, run: updateClusterConfig,
		},
		{Service: "eks", Name: "ListClusters", UsedBy: byEmrflink, run: listClusters},
		{Service: "eks", Name: "ListNodegroups", UsedBy: byEmrflink, needs: oneCluster, run: listNodegroups},
		{
			Service: "eks", Name: "DescribeNodegroup", UsedBy: byEmrflink,
			needs: ofCluster(account.KindNodeGroup, "nodegroup"), run: describeNodegroup,
		},
		{Service: "eks", Name: "ListAddons", UsedBy: byEmrflink, needs: oneCluster, run: listAddons},
		{
			Service: "eks", Name: "DescribeAddon", UsedBy: byEmrflink,
			needs: ofCluster(account.KindAddon, "addon"), run: describeAddon,
		},
		{Service: "eks", Name: "ListAccessEntries", UsedBy: byEmrflink, needs: oneCluster, run: listAccessEntries},
		{
			Service: "eks", Name: "DescribeAccessEntry", UsedBy: byEmrflink,
			needs: oneAccessEntry, run: describeAccessEntry,
		},
		{
			Service: "eks", Name: "ListPodIdentityAssociations", UsedBy: byEmrflink,
			needs: oneCluster, run: listPodIdentityAssociations,
		},
		{
			Service: "eks", Name: "DescribePodIdentityAssociation", UsedBy: byEmrflink,
			needs: oneAssociation, run: describePodIdentityAssociation,
		},
		{
			Service: "eks", Name: "DescribeAddonVersions", UsedBy: byEmrflink,
			Notes: "the same for every Kubernetes version; the newer version of each is made up", run: describeAddonVersions,
		},
		{
			Service: "eks", Name: "DescribeClusterVersions", UsedBy: byEmrflink,
			Notes: "dates of the versions that have been announced; what is in standard support does not depend on the clock",
			run:   describeClusterVersions,
		},
	}
}

func s3OperationTable() []Operation {
	return []Operation{
		{Service: "s3", Name: "ListBuckets", UsedBy: byClients, run: listBuckets},
		{Service: "s3", Name: "HeadBucket", UsedBy: byEmrflink, needs: oneBucket, run: headBucket},
		{Service: "s3", Name: "GetBucketLocation", UsedBy: byClients, needs: oneBucket, run: getBucketLocation},
		{Service: "s3", Name: "GetBucketTagging", UsedBy: byEmrflink, needs: oneBucket, run: getBucketTagging},
		{Service: "s3", Name: "DeleteBucket", UsedBy: byEmrflink, needs: oneBucket, run: deleteBucket},
		{
			Service: "s3", Name: "PutObject", UsedBy: byEmrflink, Notes: "path style; no tags, object lock or customer keys",
			needs: oneObject, streams: true, run: putObject,
		},
		{
			Service: "s3", Name: "CopyObject", UsedBy: byClients,
			needs: copyNeeds, also: []string{"s3:GetObject", "s3:GetObjectVersion"}, run: copyObject,
		},
		{
			Service: "s3", Name: "GetObject", UsedBy: byEmrflink,
			needs: oneObject, also: []string{"s3:GetObjectVersion"}, run: getObject,
		},
		{
			Service: "s3", Name: "HeadObject", UsedBy: byClients,
			needs: oneObject, also: []string{"s3:GetObjectVersion"}, run: getObject,
		},
		{
			Service: "s3", Name: "DeleteObject", UsedBy: byClients,
			needs: oneObject, also: []string{"s3:DeleteObjectVersion"}, run: deleteObject,
		},
		{
			Service: "s3", Name: "DeleteObjects", UsedBy: byEmrflink,
			needs: listedObjects, byItem: true, also: []string{"s3:DeleteObjectVersion"}, run: deleteObjects,
		},
		{Service: "s3", Name: "ListObjects", UsedBy: byClients, needs: oneBucket, run: listObjects},
		{Service: "s3", Name: "ListObjectsV2", UsedBy: byEmrflink, needs: oneBucket, run: listObjectsV2},
		{Service: "s3", Name: "ListObjectVersions", UsedBy: byEmrflink, needs: oneBucket, run: listObjectVersions},
		{Service: "s3", Name: "CreateMultipartUpload", UsedBy: byClients, needs: oneObject, run: createMultipartUpload},
		{Service: "s3", Name: "UploadPart", UsedBy: byClients, needs: oneObject, streams: true, run: uploadPart},
		{
			Service: "s3", Name: "UploadPartCopy", UsedBy: byClients,
			needs: copyNeeds, also: []string{"s3:GetObject", "s3:GetObjectVersion"}, run: uploadPartCopy,
		},
		{Service: "s3", Name: "CompleteMultipartUpload", UsedBy: byClients, needs: oneObject, run: completeMultipartUpload},
		{Service: "s3", Name: "AbortMultipartUpload", UsedBy: byEmrflink, needs: oneObject, run: abortMultipartUpload},
		{Service: "s3", Name: "ListParts", UsedBy: byClients, needs: oneObject, run: listParts},
		{Service: "s3", Name: "ListMultipartUploads", UsedBy: byEmrflink, needs: oneBucket, run: listMultipartUploads},
	}
}

func logsOperations() []Operation {
	return []Operation{
		{
			Service: "logs", Name: "DescribeLogGroups", UsedBy: byEmrflink,
			takes: "logGroupNamePrefix logGroupNamePattern limit:1-50 nextToken", needs: allGroups, run: describeLogGroups,
		},
		{
			Service: "logs", Name: "CreateLogGroup", UsedBy: byClients,
			takes: "logGroupName! kmsKeyId tags logGroupClass", needs: oneGroup, run: createLogGroup,
		},
		{
			Service: "logs", Name: "DeleteLogGroup", UsedBy: byEmrflink,
			takes: "logGroupName!", needs: oneGroup, run: deleteLogGroup,
		},
		{
			Service: "logs", Name: "CreateLogStream", UsedBy: byEmrflink,
			takes: "logGroupName! logStreamName!",
			needs: oneStream, run: createLogStream,
		},
		{
			Service: "logs", Name: "PutLogEvents", UsedBy: byEmrflink,
			takes: "logGroupName! logStreamName! logEvents! sequenceToken entity",
			needs: oneStream, run: putLogEvents,
		},
		{
			Service: "logs", Name: "FilterLogEvents", UsedBy: byEmrflink,
			Notes: "filter patterns of terms, none of JSON or columns",
			takes: "logGroupName logGroupIdentifier logStreamNames logStreamNamePrefix startTime endTime filterPattern " +
				"nextToken limit:1-10000 interleaved unmask",
			needs: filtered, run: filterLogEvents,
		},
		{
			Service: "logs", Name: "GetLogEvents", UsedBy: byClients,
			takes: "logGroupName logGroupIdentifier logStreamName! startTime endTime nextToken limit:1-10000 startFromHead " +
				"unmask",
			needs: oneStream, run: getLogEvents,
		},
		{
			Service: "logs", Name: "DescribeLogStreams", UsedBy: byClients,
			takes: "logGroupName logGroupIdentifier logStreamNamePrefix orderBy descending nextToken limit:1-50",
			needs: filtered, run: describeLogStreams,
		},
		{
			Service: "logs", Name: "ListTagsForResource", UsedBy: byEmrflink,
			takes: "resourceArn!", needs: byARN("resourceArn"), run: listLogTags,
		},
	}
}

func messageOperations() []Operation {
	return []Operation{
		{
			Service: "sqs", Name: "GetQueueUrl", UsedBy: byBoth,
			takes: "QueueName! QueueOwnerAWSAccountId", needs: queue("QueueName"), run: getQueueURL,
		},
		{
			Service: "sqs", Name: "ListQueues", UsedBy: byClients,
			takes: "QueueNamePrefix MaxResults:1-1000 NextToken", run: listQueues,
		},
		{
			Service: "sqs", Name: "ReceiveMessage", UsedBy: byKarpenter,
			takes: "QueueUrl! AttributeNames MessageSystemAttributeNames MessageAttributeNames " +
				"MaxNumberOfMessages:1-10 WaitTimeSeconds:0-20",
			needs: queue("QueueUrl"), run: receiveMessage,
		},
		{
			Service: "sqs", Name: "SendMessage", UsedBy: byClients,
			takes: "QueueUrl! MessageBody!", needs: queue("QueueUrl"), run: sendMessage,
		},
		{
			Service: "sqs", Name: "DeleteMessage", UsedBy: byKarpenter,
			takes: "QueueUrl! ReceiptHandle!", needs: queue("QueueUrl"), run: deleteMessage,
		},
		{
			Service: "sqs", Name: "ChangeMessageVisibility", UsedBy: byClients,
			takes: "QueueUrl! ReceiptHandle! VisibilityTimeout!:0-43200",
			needs: queue("QueueUrl"), run: changeMessageVisibility,
		},
		{
			Service: "sqs", Name: "PurgeQueue", UsedBy: byClients, Notes: "also twice within a minute",
			takes: "QueueUrl!", needs: queue("QueueUrl"), run: purgeQueue,
		},
		{
			Service: "sqs", Name: "GetQueueAttributes", UsedBy: byClients,
			Notes: "LastModifiedTimestamp is the time of the creation",
			takes: "QueueUrl! AttributeNames", needs: queue("QueueUrl"), run: getQueueAttributes,
		},
		{
			Service: "sqs", Name: "DeleteQueue", UsedBy: byEmrflink,
			takes: "QueueUrl!", needs: queue("QueueUrl"), run: deleteQueue,
		},
		{
			Service: "sqs", Name: "ListQueueTags", UsedBy: byEmrflink,
			takes: "QueueUrl!", needs: queue("QueueUrl"), run: listQueueTags,
		},
		{Service: "events", Name: "DescribeRule", UsedBy: byEmrflink, needs: oneRule, run: describeRule},
		{Service: "events", Name: "ListTagsForResource", UsedBy: byEmrflink, needs: byARN("ResourceARN"), run: listRuleTags},
	}
}

func otherOperations() []Operation {
	return []Operation{
		{
			Service: "servicequotas", Name: "GetServiceQuota", UsedBy: byEmrflink, Notes: "the quotas that the account enforces",
			needs: oneQuota, run: getServiceQuota,
		},
		{
			Service: "servicequotas", Name: "GetAWSDefaultServiceQuota", UsedBy: byEmrflink,
			Notes: "the quotas that the account enforces",
			run:   getDefaultServiceQuota,
		},
		{
			Service: "servicequotas", Name: "ListServiceQuotas", UsedBy: byClients, Notes: "the quotas that the account enforces",
			run: listServiceQuotas,
		},
		{
			Service: "ssm", Name: "GetParameter", UsedBy: byKarpenter, Notes: "public parameters of the synthetic node images",
			needs: oneParameter, run: getParameter,
		},
		{
			Service: "pricing", Name: "GetProducts", UsedBy: byKarpenter,
			Notes: "on-demand prices of the simulated instance types",
			run:   getProducts,
		},
		{
			Service: "tag", Name: "GetResources", UsedBy: byEmrflink,
			Notes: "by tags with a value; no pages, no roles, as on AWS",
			run:   getResources,
		},
		{Service: "kms", Name: "DescribeKey", UsedBy: byEmrflink, needs: oneKey, run: describeKey},
		{Service: "kms", Name: "ListKeys", UsedBy: byEmrflink, run: listKeys},
		{Service: "kms", Name: "ListResourceTags", UsedBy: byEmrflink, needs: oneKey, run: listKeyTags},
		{Service: "elasticloadbalancing", Name: "DescribeLoadBalancers", UsedBy: byEmrflink, run: describeLoadBalancers},
		{Service: "elasticloadbalancing", Name: "DescribeTags", UsedBy: byEmrflink, run: describeBalancerTags},
		{
			Service: "elasticloadbalancing", Name: "DeleteLoadBalancer", UsedBy: byEmrflink,
			needs: oneBalancer, run: deleteLoadBalancer,
		},
	}
}
