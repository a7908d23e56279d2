// SPDX-License-Identifier: Apache-2.0

package awsprov

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
)

func iamTypes() []entry {
	return []entry{
		{
			token: "aws:iam/role:Role", args: iam.RoleArgs{}, state: iam.RoleState{},
			api:  api{"IAM", "IAM Role", "CreateRole", "UpdateRole", "DeleteRole"},
			name: "name", max: 64,
			required: []string{"assumeRolePolicy"},
			computed: []string{"inlinePolicies", "managedPolicyArns"},
			sets:     []string{"managedPolicyArns", "inlinePolicies"},
			policies: []string{"assumeRolePolicy"},
			defaults: map[string]any{"forceDetachPolicies": false, "maxSessionDuration": 3600.0, "path": "/"},
		},
		{
			token: "aws:iam/policy:Policy", args: iam.PolicyArgs{}, state: iam.PolicyState{},
			api:  api{"IAM", "IAM Policy", "CreatePolicy", "CreatePolicyVersion", "DeletePolicy"},
			name: "name", max: 128,
			required: []string{"policy"},
			policies: []string{"policy"},
			defaults: map[string]any{"path": "/"},
		},
		{
			token: "aws:iam/rolePolicy:RolePolicy",
			args:  iam.RolePolicyArgs{}, state: iam.RolePolicyState{},
			api:  api{"IAM", "IAM Role Policy", "PutRolePolicy", "PutRolePolicy", "DeleteRolePolicy"},
			name: "name", max: 128,
			required: []string{"policy", "role"},
			policies: []string{"policy"},
		},
		{
			token: "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
			args:  iam.RolePolicyAttachmentArgs{}, state: iam.RolePolicyAttachmentState{},
			api:      api{"IAM", "IAM Role Policy Attachment", "AttachRolePolicy", "AttachRolePolicy", "DetachRolePolicy"},
			required: []string{"role"},
		},
		{
			token: "aws:iam/instanceProfile:InstanceProfile",
			args:  iam.InstanceProfileArgs{}, state: iam.InstanceProfileState{},
			api: api{
				"IAM", "IAM Instance Profile", "CreateInstanceProfile", "AddRoleToInstanceProfile", "DeleteInstanceProfile",
			},
			name: "name", max: 128,
			defaults: map[string]any{"path": "/"},
		},
		{
			token: "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
			args:  iam.OpenIdConnectProviderArgs{}, state: iam.OpenIdConnectProviderState{},
			api: api{
				"IAM", "IAM OIDC Provider", "CreateOpenIDConnectProvider", "UpdateOpenIDConnectProviderThumbprint",
				"DeleteOpenIDConnectProvider",
			},
			required: []string{"clientIdLists"},
			computed: []string{"thumbprintLists"},
			sets:     []string{"clientIdLists"},
		},
	}
}

func eksTypes() []entry {
	return []entry{
		{
			token: "aws:eks/cluster:Cluster", args: eks.ClusterArgs{}, state: eks.ClusterState{},
			api:  api{"EKS", "EKS Cluster", "CreateCluster", "UpdateClusterConfig", "DeleteCluster"},
			name: "name", max: 100,
			computed: []string{
				"accessConfig", "computeConfig", "kubernetesNetworkConfig", "storageConfig", "upgradePolicy", "version",
				"vpcConfig.endpointPrivateAccess", "vpcConfig.endpointPublicAccess", "vpcConfig.publicAccessCidrs",
			},
			sets: []string{
				"enabledClusterLogTypes", "vpcConfig.publicAccessCidrs", "vpcConfig.securityGroupIds", "vpcConfig.subnetIds",
			},
			assigned: []string{"vpcConfig.clusterSecurityGroupId", "vpcConfig.vpcId"},
			defaults: map[string]any{"bootstrapSelfManagedAddons": true},
		},
		{
			token: "aws:eks/nodeGroup:NodeGroup",
			args:  eks.NodeGroupArgs{}, state: eks.NodeGroupState{},
			api:  api{"EKS", "EKS Node Group", "CreateNodegroup", "UpdateNodegroupConfig", "DeleteNodegroup"},
			name: "nodeGroupName", max: 63,
			required: []string{"subnetIds"},
			computed: []string{
				"amiType", "capacityType", "diskSize", "instanceTypes", "nodeRepairConfig", "releaseVersion",
				"updateConfig", "version",
			},
			sets: []string{"subnetIds", "taints"},
		},
		{
			token: "aws:eks/addon:Addon", args: eks.AddonArgs{}, state: eks.AddonState{},
			api:      api{"EKS", "EKS Add-On", "CreateAddon", "UpdateAddon", "DeleteAddon"},
			computed: []string{"addonVersion", "configurationValues"},
			json:     []string{"configurationValues"},
		},
		{
			token: "aws:eks/accessEntry:AccessEntry",
			args:  eks.AccessEntryArgs{}, state: eks.AccessEntryState{},
			api:      api{"EKS", "EKS Access Entry", "CreateAccessEntry", "UpdateAccessEntry", "DeleteAccessEntry"},
			computed: []string{"kubernetesGroups", "userName"},
			sets:     []string{"kubernetesGroups"},
			defaults: map[string]any{"type": "STANDARD"},
		},
		{
			token: "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
			args:  eks.AccessPolicyAssociationArgs{}, state: eks.AccessPolicyAssociationState{},
			api: api{
				"EKS", "EKS Access Policy Association", "AssociateAccessPolicy", "AssociateAccessPolicy",
				"DisassociateAccessPolicy",
			},
			sets: []string{"accessScope.namespaces"},
		},
	}
}
