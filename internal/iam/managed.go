// SPDX-License-Identifier: Apache-2.0

package iam

import "strings"

// AWSManaged is the document of a policy that AWS manages, or "" for one that is not known here.
// The documents hold the actions that matter to the workloads of this project, not AWS's full text.
func AWSManaged(arn string) string {
	name, ok := strings.CutPrefix(arn, "arn:aws:iam::aws:policy/")
	if !ok {
		return ""
	}
	actions, ok := map[string][]string{
		"AmazonEKSClusterPolicy": {
			"ec2:Describe*", "ec2:CreateSecurityGroup", "ec2:DeleteSecurityGroup", "ec2:AuthorizeSecurityGroupIngress",
			"ec2:RevokeSecurityGroupIngress", "ec2:CreateTags", "ec2:CreateVolume", "ec2:DeleteVolume", "ec2:AttachVolume",
			"ec2:DetachVolume", "elasticloadbalancing:*", "kms:DescribeKey",
		},
		"AmazonEKSVPCResourceController": {
			"ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:AttachNetworkInterface",
			"ec2:DetachNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:ModifyNetworkInterfaceAttribute",
		},
		"AmazonEKSWorkerNodePolicy": {
			"ec2:DescribeInstances", "ec2:DescribeInstanceTypes", "ec2:DescribeRouteTables", "ec2:DescribeSecurityGroups",
			"ec2:DescribeSubnets", "ec2:DescribeVolumes", "ec2:DescribeVolumesModifications", "ec2:DescribeVpcs",
			"eks:DescribeCluster", "eks-auth:AssumeRoleForPodIdentity",
		},
		"AmazonEKS_CNI_Policy": {
			"ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses", "ec2:AttachNetworkInterface",
			"ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DetachNetworkInterface", "ec2:DescribeInstances",
			"ec2:DescribeTags", "ec2:DescribeNetworkInterfaces", "ec2:DescribeInstanceTypes", "ec2:DescribeSubnets",
			"ec2:ModifyNetworkInterfaceAttribute", "ec2:CreateTags",
		},
		"AmazonEC2ContainerRegistryPullOnly": {"ecr:GetAuthorizationToken", "ecr:BatchImportUpstreamImage", "ecr:BatchGetImage",
			"ecr:GetDownloadUrlForLayer"},
		"AmazonEC2ContainerRegistryReadOnly": {
			"ecr:GetAuthorizationToken", "ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer",
			"ecr:DescribeRepositories",
			"ecr:ListImages", "ecr:DescribeImages", "ecr:BatchGetImage",
		},
		"AmazonSSMManagedInstanceCore": {"ssm:UpdateInstanceInformation", "ssm:GetParameter", "ssm:GetParameters",
			"ssmmessages:*", "ec2messages:*"},
		"service-role/AmazonEBSCSIDriverPolicy": {
			"ec2:CreateVolume", "ec2:DeleteVolume", "ec2:AttachVolume", "ec2:DetachVolume", "ec2:ModifyVolume",
			"ec2:CreateSnapshot",
			"ec2:DeleteSnapshot", "ec2:CreateTags", "ec2:DeleteTags", "ec2:DescribeAvailabilityZones", "ec2:DescribeInstances",
			"ec2:DescribeSnapshots", "ec2:DescribeTags", "ec2:DescribeVolumes", "ec2:DescribeVolumesModifications",
		},
		"CloudWatchAgentServerPolicy": {
			"cloudwatch:PutMetricData", "ec2:DescribeVolumes", "ec2:DescribeTags", "logs:PutLogEvents", "logs:PutRetentionPolicy",
			"logs:DescribeLogStreams", "logs:DescribeLogGroups", "logs:CreateLogStream", "logs:CreateLogGroup",
			"ssm:GetParameter",
		},
	}[name]
	if !ok {
		return ""
	}
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["` + strings.Join(actions, `","`) +
		`"],"Resource":"*"}]}`
}
