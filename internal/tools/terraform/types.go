// SPDX-License-Identifier: Apache-2.0

package terraform

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sqs"
)

// Type pairs a Pulumi type with the resource of the AWS provider that it is made of.
type Type struct {
	Pulumi, Terraform string
	// Args is the zero value of the SDK's arguments, whose tags name the properties.
	Args any
}

// Types are all AWS types of the blueprint, of its options and of the simulated account.
func Types() []Type {
	return []Type{
		{"aws:cloudwatch/eventRule:EventRule", "aws_cloudwatch_event_rule", cloudwatch.EventRuleArgs{}},
		{"aws:cloudwatch/eventTarget:EventTarget", "aws_cloudwatch_event_target", cloudwatch.EventTargetArgs{}},
		{"aws:cloudwatch/logGroup:LogGroup", "aws_cloudwatch_log_group", cloudwatch.LogGroupArgs{}},
		{"aws:ec2/eip:Eip", "aws_eip", ec2.EipArgs{}},
		{"aws:ec2/instance:Instance", "aws_instance", ec2.InstanceArgs{}},
		{"aws:ec2/internetGateway:InternetGateway", "aws_internet_gateway", ec2.InternetGatewayArgs{}},
		{"aws:ec2/launchTemplate:LaunchTemplate", "aws_launch_template", ec2.LaunchTemplateArgs{}},
		{"aws:ec2/natGateway:NatGateway", "aws_nat_gateway", ec2.NatGatewayArgs{}},
		{"aws:ec2/networkInterface:NetworkInterface", "aws_network_interface", ec2.NetworkInterfaceArgs{}},
		{"aws:ec2/route:Route", "aws_route", ec2.RouteArgs{}},
		{"aws:ec2/routeTable:RouteTable", "aws_route_table", ec2.RouteTableArgs{}},
		{
			"aws:ec2/routeTableAssociation:RouteTableAssociation", "aws_route_table_association", ec2.RouteTableAssociationArgs{},
		},
		{"aws:ec2/securityGroup:SecurityGroup", "aws_security_group", ec2.SecurityGroupArgs{}},
		{"aws:ec2/securityGroupRule:SecurityGroupRule", "aws_security_group_rule", ec2.SecurityGroupRuleArgs{}},
		{"aws:ec2/subnet:Subnet", "aws_subnet", ec2.SubnetArgs{}},
		{"aws:ec2/tag:Tag", "aws_ec2_tag", ec2.TagArgs{}},
		{"aws:ec2/vpc:Vpc", "aws_vpc", ec2.VpcArgs{}},
		{"aws:ec2/vpcEndpoint:VpcEndpoint", "aws_vpc_endpoint", ec2.VpcEndpointArgs{}},
		{"aws:eks/accessEntry:AccessEntry", "aws_eks_access_entry", eks.AccessEntryArgs{}},
		{
			"aws:eks/accessPolicyAssociation:AccessPolicyAssociation", "aws_eks_access_policy_association",
			eks.AccessPolicyAssociationArgs{},
		},
		{"aws:eks/addon:Addon", "aws_eks_addon", eks.AddonArgs{}},
		{"aws:eks/cluster:Cluster", "aws_eks_cluster", eks.ClusterArgs{}},
		{"aws:eks/nodeGroup:NodeGroup", "aws_eks_node_group", eks.NodeGroupArgs{}},
		{
			"aws:eks/podIdentityAssociation:PodIdentityAssociation", "aws_eks_pod_identity_association",
			eks.PodIdentityAssociationArgs{},
		},
		{"aws:iam/instanceProfile:InstanceProfile", "aws_iam_instance_profile", iam.InstanceProfileArgs{}},
		{"aws:iam/openIdConnectProvider:OpenIdConnectProvider", "aws_iam_openid_connect_provider",
			iam.OpenIdConnectProviderArgs{}},
		{"aws:iam/policy:Policy", "aws_iam_policy", iam.PolicyArgs{}},
		{"aws:iam/role:Role", "aws_iam_role", iam.RoleArgs{}},
		{"aws:iam/rolePolicy:RolePolicy", "aws_iam_role_policy", iam.RolePolicyArgs{}},
		{"aws:iam/rolePolicyAttachment:RolePolicyAttachment", "aws_iam_role_policy_attachment", iam.RolePolicyAttachmentArgs{}},
		{"aws:kms/alias:Alias", "aws_kms_alias", kms.AliasArgs{}},
		{"aws:kms/key:Key", "aws_kms_key", kms.KeyArgs{}},
		{
			"aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2", "aws_s3_bucket_lifecycle_configuration",
			s3.BucketLifecycleConfigurationV2Args{},
		},
		{
			"aws:s3/bucketOwnershipControls:BucketOwnershipControls", "aws_s3_bucket_ownership_controls",
			s3.BucketOwnershipControlsArgs{},
		},
		{"aws:s3/bucketPolicy:BucketPolicy", "aws_s3_bucket_policy", s3.BucketPolicyArgs{}},
		{
			"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "aws_s3_bucket_public_access_block",
			s3.BucketPublicAccessBlockArgs{},
		},
		{
			"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
			"aws_s3_bucket_server_side_encryption_configuration", s3.BucketServerSideEncryptionConfigurationV2Args{},
		},
		{"aws:s3/bucketV2:BucketV2", "aws_s3_bucket", s3.BucketV2Args{}},
		{"aws:s3/bucketVersioningV2:BucketVersioningV2", "aws_s3_bucket_versioning", s3.BucketVersioningV2Args{}},
		{"aws:sqs/queue:Queue", "aws_sqs_queue", sqs.QueueArgs{}},
		{"aws:sqs/queuePolicy:QueuePolicy", "aws_sqs_queue_policy", sqs.QueuePolicyArgs{}},
	}
}
