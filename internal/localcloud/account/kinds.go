// SPDX-License-Identifier: Apache-2.0

package account

// Kind names a type of resource as "service:type"; the catalogue of package awskind has a row for each.
type Kind string

// The kinds of resources that the account simulates.
const (
	KindVPC                   Kind = "ec2:vpc"
	KindSubnet                Kind = "ec2:subnet"
	KindInternetGateway       Kind = "ec2:internetGateway"
	KindEIP                   Kind = "ec2:eip"
	KindNATGateway            Kind = "ec2:natGateway"
	KindRouteTable            Kind = "ec2:routeTable"
	KindRoute                 Kind = "ec2:route"
	KindRouteTableAssociation Kind = "ec2:routeTableAssociation"
	KindVPCEndpoint           Kind = "ec2:vpcEndpoint"
	KindFlowLog               Kind = "ec2:flowLog"
	KindSecurityGroup         Kind = "ec2:securityGroup"
	KindSecurityGroupRule     Kind = "ec2:securityGroupRule"
	KindLaunchTemplate        Kind = "ec2:launchTemplate"
	KindInstance              Kind = "ec2:instance"
	KindVolume                Kind = "ec2:volume"
	KindNetworkInterface      Kind = "ec2:networkInterface"

	KindRole                 Kind = "iam:role"
	KindPolicy               Kind = "iam:policy"
	KindRolePolicy           Kind = "iam:rolePolicy"
	KindRolePolicyAttachment Kind = "iam:rolePolicyAttachment"
	KindInstanceProfile      Kind = "iam:instanceProfile"
	KindOIDCProvider         Kind = "iam:openIdConnectProvider"

	KindCluster                 Kind = "eks:cluster"
	KindNodeGroup               Kind = "eks:nodeGroup"
	KindAddon                   Kind = "eks:addon"
	KindAccessEntry             Kind = "eks:accessEntry"
	KindAccessPolicyAssociation Kind = "eks:accessPolicyAssociation"
	KindPodIdentityAssociation  Kind = "eks:podIdentityAssociation"

	KindKey         Kind = "kms:key"
	KindKeyAlias    Kind = "kms:alias"
	KindResourceTag Kind = "ec2:tag"

	KindQueue       Kind = "sqs:queue"
	KindQueuePolicy Kind = "sqs:queuePolicy"
	KindEventRule   Kind = "events:rule"
	KindEventTarget Kind = "events:target"
	KindLogGroup    Kind = "logs:logGroup"

	KindBucket                  Kind = "s3:bucket"
	KindBucketVersioning        Kind = "s3:bucketVersioning"
	KindBucketPublicAccessBlock Kind = "s3:bucketPublicAccessBlock"
	KindBucketEncryption        Kind = "s3:bucketEncryption"
	KindBucketPolicy            Kind = "s3:bucketPolicy"
	KindBucketLifecycle         Kind = "s3:bucketLifecycle"
	KindBucketOwnershipControls Kind = "s3:bucketOwnershipControls"

	KindLoadBalancer    Kind = "elbv2:loadBalancer"
	KindClassicBalancer Kind = "elb:loadBalancer"
)
