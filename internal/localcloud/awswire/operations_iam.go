// SPDX-License-Identifier: Apache-2.0

package awswire

import "emrflink/internal/localcloud/account"

func iamOperations() []Operation {
	return []Operation{
		{
			Service: "iam", Name: "GetInstanceProfile", UsedBy: byBoth,
			takes: "InstanceProfileName!", needs: anyProfile, run: getInstanceProfile,
		},
		{
			Service: "iam", Name: "CreateInstanceProfile", UsedBy: byKarpenter,
			takes: "InstanceProfileName! Path Tags", needs: newProfile, run: createInstanceProfile,
		},
		{
			Service: "iam", Name: "AddRoleToInstanceProfile", UsedBy: byKarpenter,
			takes: "InstanceProfileName! RoleName!",
			needs: profileAndRole, also: []string{passRole}, run: addRoleToInstanceProfile,
		},
		{
			Service: "iam", Name: "RemoveRoleFromInstanceProfile", UsedBy: byBoth,
			takes: "InstanceProfileName! RoleName!",
			needs: existingProfile, run: removeRoleFromInstanceProfile,
		},
		{
			Service: "iam", Name: "DeleteInstanceProfile", UsedBy: byBoth,
			takes: "InstanceProfileName!", needs: existingProfile, run: deleteInstanceProfile,
		},
		{
			Service: "iam", Name: "TagInstanceProfile", UsedBy: byClients,
			takes: "InstanceProfileName! Tags!", needs: existingProfile, run: tagInstanceProfile,
		},
		{
			Service: "iam", Name: "ListInstanceProfiles", UsedBy: byBoth,
			takes: "PathPrefix Marker MaxItems:1-1000", run: listInstanceProfiles,
		},
		{
			Service: "iam", Name: "ListInstanceProfilesForRole", UsedBy: byEmrflink,
			takes: "RoleName! Marker MaxItems:1-1000",
			needs: oneRole, run: listInstanceProfilesForRole,
		},
		{
			Service: "iam", Name: "GetRole", UsedBy: byEmrflink,
			takes: "RoleName!", needs: oneRole, run: getRole,
		},
		{
			Service: "iam", Name: "CreateServiceLinkedRole", UsedBy: byClients, Notes: "EC2 Spot's; the account starts with it",
			takes: "AWSServiceName!",
			needs: newLinkedRole, run: createServiceLinkedRole,
		},
		{
			Service: "iam", Name: "ListRoles", UsedBy: byEmrflink, Notes: "with the tags",
			takes: "PathPrefix Marker MaxItems:1-1000", run: listRoles,
		},
		{
			Service: "iam", Name: "ListOpenIDConnectProviders", UsedBy: byEmrflink,
			takes: nothing, run: listOpenIDConnectProviders,
		},
		{
			Service: "iam", Name: "GetOpenIDConnectProvider", UsedBy: byEmrflink, Notes: "URL and tags",
			takes: "OpenIDConnectProviderArn!",
			needs: byIAMARN(account.KindOIDCProvider, "OpenIDConnectProviderArn"), run: getOpenIDConnectProvider,
		},
	}
}

func iamPolicyOperations() []Operation {
	return []Operation{
		{
			Service: "iam", Name: "ListRolePolicies", UsedBy: byEmrflink,
			takes: "RoleName! Marker MaxItems:1-1000", needs: oneRole, run: listRolePolicies,
		},
		{
			Service: "iam", Name: "GetRolePolicy", UsedBy: byEmrflink,
			takes: "RoleName! PolicyName!", needs: oneRole, run: getRolePolicy,
		},
		{
			Service: "iam", Name: "ListAttachedRolePolicies", UsedBy: byEmrflink,
			takes: "RoleName! PathPrefix Marker MaxItems:1-1000", needs: oneRole, run: listAttachedRolePolicies,
		},
		{
			Service: "iam", Name: "GetAccountSummary", UsedBy: byEmrflink,
			Notes: "roles, policies, instance profiles and their quotas", takes: nothing, run: getAccountSummary,
		},
		{
			Service: "iam", Name: "GetPolicy", UsedBy: byEmrflink,
			Notes: "the account's own policies, and those of AWS that it evaluates",
			takes: "PolicyArn!",
			needs: byIAMARN(account.KindPolicy, "PolicyArn"), run: getPolicy,
		},
		{
			Service: "iam", Name: "GetPolicyVersion", UsedBy: byEmrflink,
			Notes: "the account's own policies, each with one version",
			takes: "PolicyArn! VersionId!",
			needs: byIAMARN(account.KindPolicy, "PolicyArn"), run: getPolicyVersion,
		},
		{
			Service: "iam", Name: "SimulatePrincipalPolicy", UsedBy: byEmrflink,
			Notes: "a role's policies and boundary; one action on one resource",
			takes: "PolicySourceArn! ActionNames! ResourceArns ContextEntries", needs: policySource, run: simulatePrincipalPolicy,
		},
	}
}
