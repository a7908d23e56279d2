// SPDX-License-Identifier: Apache-2.0

package awswire

// Operation is one AWS operation that the handler answers.
type Operation struct {
	Service string // IAM's prefix: "ec2"
	Name    string // "DescribeInstances"
	UsedBy  string // who of ours calls it: "karpenter", "emrflink" or both
	Notes   string // what differs from AWS, "" when nothing that a caller sees

	run      func(*request) (answer, error)
	unsigned bool
}

// Words for Operation.UsedBy.
const (
	byKarpenter = "karpenter"
	byEmrflink  = "emrflink"
	byBoth      = "karpenter, emrflink"
	byClients   = "clients"
)

// Operations lists what the handler answers, service by service: the support
// matrix of the documentation is made of it.
func Operations() []Operation {
	var all []Operation
	for _, part := range [][]Operation{ec2Operations(), ec2ResourceOperations(), iamOperations(), stsOperations(),
		eksOperations(),
		s3OperationTable(), logsOperations(), messageOperations(), otherOperations()} {
		all = append(all, part...)
	}
	return all
}

func ec2Operations() []Operation {
	return []Operation{
		{Service: "ec2", Name: "DescribeInstanceTypes", UsedBy: byKarpenter, Notes: "the types of the simulated account",
			run: describeInstanceTypes},
		{Service: "ec2", Name: "DescribeInstanceTypeOfferings", UsedBy: byKarpenter, Notes: "every type in every zone",
			run: describeInstanceTypeOfferings},
		{Service: "ec2", Name: "DescribeSpotPriceHistory", UsedBy: byKarpenter, Notes: "one present price per type and zone",
			run: describeSpotPriceHistory},
		{Service: "ec2", Name: "DescribeImages", UsedBy: byKarpenter, Notes: "synthetic EKS node images", run: describeImages},
		{Service: "ec2", Name: "DescribeInstances", UsedBy: byBoth, run: describeInstances},
		{Service: "ec2", Name: "DescribeInstanceStatus", UsedBy: byKarpenter, Notes: "running instances are healthy",
			run: describeInstanceStatus},
		{Service: "ec2", Name: "RunInstances", UsedBy: byKarpenter, Notes: "subnet required", run: runInstances},
		{
			Service: "ec2", Name: "CreateFleet", UsedBy: byKarpenter,
			Notes: "type instant; capacity is equal everywhere, so price or priority decides", run: createFleet,
		},
		{Service: "ec2", Name: "TerminateInstances", UsedBy: byBoth, run: terminateInstances},
		{Service: "ec2", Name: "CreateLaunchTemplate", UsedBy: byKarpenter, run: createLaunchTemplate},
		{Service: "ec2", Name: "DescribeLaunchTemplates", UsedBy: byBoth, run: describeLaunchTemplates},
		{Service: "ec2", Name: "DeleteLaunchTemplate", UsedBy: byBoth, run: deleteLaunchTemplate},
		{Service: "ec2", Name: "CreateTags", UsedBy: byKarpenter, run: createTags},
		{Service: "ec2", Name: "DeleteTags", UsedBy: byClients, Notes: "the value of a tag is not compared", run: deleteTags},
	}
}

func ec2ResourceOperations() []Operation {
	return []Operation{
		{Service: "ec2", Name: "DescribeVpcs", UsedBy: byEmrflink, run: describeVpcs},
		{Service: "ec2", Name: "DescribeSubnets", UsedBy: byBoth, run: describeSubnets},
		{Service: "ec2", Name: "DescribeSecurityGroups", UsedBy: byBoth, Notes: "without the rules", run: describeSecurityGroups},
		{Service: "ec2", Name: "DeleteSecurityGroup", UsedBy: byEmrflink, run: deleteSecurityGroup},
		{Service: "ec2", Name: "DescribeNetworkInterfaces", UsedBy: byEmrflink, run: describeNetworkInterfaces},
		{Service: "ec2", Name: "DeleteNetworkInterface", UsedBy: byEmrflink, run: deleteNetworkInterface},
		{Service: "ec2", Name: "DescribeVolumes", UsedBy: byEmrflink, run: describeVolumes},
		{Service: "ec2", Name: "CreateVolume", UsedBy: byClients, run: createVolume},
		{Service: "ec2", Name: "DeleteVolume", UsedBy: byEmrflink, run: deleteVolume},
		{Service: "ec2", Name: "DescribeNatGateways", UsedBy: byEmrflink, run: describeNatGateways},
		{Service: "ec2", Name: "DescribeAddresses", UsedBy: byEmrflink, run: describeAddresses},
		{Service: "ec2", Name: "DescribeInternetGateways", UsedBy: byEmrflink, run: describeInternetGateways},
		{Service: "ec2", Name: "DescribeVpcEndpoints", UsedBy: byEmrflink, run: describeVpcEndpoints},
		{Service: "ec2", Name: "DescribeRouteTables", UsedBy: byEmrflink, Notes: "with the associations, without the routes",
			run: describeRouteTables},
		{Service: "ec2", Name: "DescribeAvailabilityZones", UsedBy: byEmrflink, run: describeAvailabilityZones},
	}
}

func iamOperations() []Operation {
	return []Operation{
		{Service: "iam", Name: "GetInstanceProfile", UsedBy: byBoth, run: getInstanceProfile},
		{Service: "iam", Name: "CreateInstanceProfile", UsedBy: byKarpenter, run: createInstanceProfile},
		{Service: "iam", Name: "AddRoleToInstanceProfile", UsedBy: byKarpenter, run: addRoleToInstanceProfile},
		{Service: "iam", Name: "RemoveRoleFromInstanceProfile", UsedBy: byBoth, run: removeRoleFromInstanceProfile},
		{Service: "iam", Name: "DeleteInstanceProfile", UsedBy: byBoth, run: deleteInstanceProfile},
		{Service: "iam", Name: "TagInstanceProfile", UsedBy: byClients, run: tagInstanceProfile},
		{Service: "iam", Name: "ListInstanceProfiles", UsedBy: byBoth, run: listInstanceProfiles},
		{Service: "iam", Name: "ListInstanceProfilesForRole", UsedBy: byEmrflink, run: listInstanceProfilesForRole},
		{Service: "iam", Name: "GetRole", UsedBy: byEmrflink, run: getRole},
		{Service: "iam", Name: "CreateServiceLinkedRole", UsedBy: byClients, Notes: "EC2 Spot's; the account starts with it",
			run: createServiceLinkedRole},
		{Service: "iam", Name: "ListRoles", UsedBy: byClients, run: listRoles},
		{Service: "iam", Name: "ListOpenIDConnectProviders", UsedBy: byEmrflink, run: listOpenIDConnectProviders},
	}
}

func stsOperations() []Operation {
	return []Operation{
		{Service: "sts", Name: "GetCallerIdentity", UsedBy: byEmrflink, run: getCallerIdentity},
		{Service: "sts", Name: "AssumeRole", UsedBy: byEmrflink, run: assumeRole},
		{Service: "sts", Name: "AssumeRoleWithWebIdentity", UsedBy: byBoth, unsigned: true, run: assumeRoleWithWebIdentity},
		{
			Service: "eks-auth", Name: "AssumeRoleForPodIdentity", UsedBy: byKarpenter,
			Notes: "as the Pod Identity agent answers it", unsigned: true, run: assumeRoleForPodIdentity,
		},
	}
}

func eksOperations() []Operation {
	return []Operation{
		{Service: "eks", Name: "DescribeCluster", UsedBy: byBoth, Notes: "endpoint and CA of the local control plane",
			run: describeCluster},
		{Service: "eks", Name: "ListClusters", UsedBy: byEmrflink, run: listClusters},
		{Service: "eks", Name: "ListNodegroups", UsedBy: byEmrflink, run: listNodegroups},
		{Service: "eks", Name: "DescribeNodegroup", UsedBy: byEmrflink, run: describeNodegroup},
		{Service: "eks", Name: "ListAddons", UsedBy: byEmrflink, run: listAddons},
		{Service: "eks", Name: "DescribeAddon", UsedBy: byClients, run: describeAddon},
		{Service: "eks", Name: "ListAccessEntries", UsedBy: byEmrflink, run: listAccessEntries},
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
		{Service: "s3", Name: "HeadBucket", UsedBy: byEmrflink, run: headBucket},
		{Service: "s3", Name: "GetBucketLocation", UsedBy: byClients, run: getBucketLocation},
		{Service: "s3", Name: "GetBucketTagging", UsedBy: byEmrflink, run: getBucketTagging},
		{Service: "s3", Name: "DeleteBucket", UsedBy: byEmrflink, run: deleteBucket},
		{Service: "s3", Name: "PutObject", UsedBy: byEmrflink, Notes: "path style, up to 64 MiB, not chunked", run: putObject},
		{Service: "s3", Name: "GetObject", UsedBy: byEmrflink, Notes: "a range is ignored", run: getObject},
		{Service: "s3", Name: "HeadObject", UsedBy: byClients, run: headObject},
		{Service: "s3", Name: "DeleteObject", UsedBy: byClients, run: deleteObject},
		{Service: "s3", Name: "DeleteObjects", UsedBy: byEmrflink, run: deleteObjects},
		{Service: "s3", Name: "ListObjectsV2", UsedBy: byEmrflink, run: listObjectsV2},
		{Service: "s3", Name: "ListObjectVersions", UsedBy: byEmrflink, run: listObjectVersions},
		{Service: "s3", Name: "ListMultipartUploads", UsedBy: byEmrflink, Notes: "always empty", run: listMultipartUploads},
	}
}

func logsOperations() []Operation {
	return []Operation{
		{Service: "logs", Name: "DescribeLogGroups", UsedBy: byEmrflink, run: describeLogGroups},
		{Service: "logs", Name: "CreateLogGroup", UsedBy: byClients, run: createLogGroup},
		{Service: "logs", Name: "DeleteLogGroup", UsedBy: byEmrflink, run: deleteLogGroup},
		{Service: "logs", Name: "CreateLogStream", UsedBy: byEmrflink, Notes: "a stream exists with its first event",
			run: createLogStream},
		{Service: "logs", Name: "PutLogEvents", UsedBy: byEmrflink, Notes: "makes the stream when it is missing",
			run: putLogEvents},
		{Service: "logs", Name: "FilterLogEvents", UsedBy: byEmrflink, Notes: "no filter pattern", run: filterLogEvents},
		{Service: "logs", Name: "ListTagsForResource", UsedBy: byEmrflink, run: listLogTags},
	}
}

func messageOperations() []Operation {
	return []Operation{
		{Service: "sqs", Name: "GetQueueUrl", UsedBy: byBoth, run: getQueueURL},
		{Service: "sqs", Name: "ListQueues", UsedBy: byClients, run: listQueues},
		{Service: "sqs", Name: "ReceiveMessage", UsedBy: byKarpenter, run: receiveMessage},
		{Service: "sqs", Name: "SendMessage", UsedBy: byClients, run: sendMessage},
		{Service: "sqs", Name: "DeleteMessage", UsedBy: byKarpenter, run: deleteMessage},
		{Service: "sqs", Name: "DeleteQueue", UsedBy: byEmrflink, run: deleteQueue},
		{Service: "events", Name: "DescribeRule", UsedBy: byEmrflink, run: describeRule},
	}
}

func otherOperations() []Operation {
	return []Operation{
		{Service: "servicequotas", Name: "GetServiceQuota", UsedBy: byEmrflink, Notes: "the quotas that the account enforces",
			run: getServiceQuota},
		{
			Service: "servicequotas", Name: "GetAWSDefaultServiceQuota", UsedBy: byEmrflink,
			Notes: "the quotas that the account enforces", run: getDefaultServiceQuota,
		},
		{Service: "servicequotas", Name: "ListServiceQuotas", UsedBy: byClients, Notes: "the quotas that the account enforces",
			run: listServiceQuotas},
		{Service: "ssm", Name: "GetParameter", UsedBy: byKarpenter, Notes: "public parameters of the synthetic node images",
			run: getParameter},
		{Service: "pricing", Name: "GetProducts", UsedBy: byKarpenter, Notes: "on-demand prices of the simulated instance types",
			run: getProducts},
		{Service: "kms", Name: "DescribeKey", UsedBy: byEmrflink, run: describeKey},
		{Service: "elasticloadbalancing", Name: "DescribeLoadBalancers", UsedBy: byEmrflink, run: describeLoadBalancers},
		{Service: "elasticloadbalancing", Name: "DescribeTags", UsedBy: byEmrflink, run: describeBalancerTags},
		{Service: "elasticloadbalancing", Name: "DeleteLoadBalancer", UsedBy: byEmrflink, run: deleteLoadBalancer},
	}
}
