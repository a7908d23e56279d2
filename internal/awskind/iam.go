// SPDX-License-Identifier: Apache-2.0

package awskind

// identityRows are IAM.
func identityRows() []Kind {
	return []Kind{
		{
			Type: "aws:iam/role:Role", Terraform: "aws_iam_role", Simulated: "iam:role", Tags: Tagged, Inventory: "role",
			Price: Free, Command: "iam delete-role --role-name {id}", Scope: "name",
			Loss: "pods, nodes or services that use it lose their AWS permissions until it is back", Gravity: 140,
			Adopt: "{name}", Show: "iam get-role --role-name {id}", Phase: PhaseCluster,
		},
		{
			Type: "aws:iam/policy:Policy", Terraform: "aws_iam_policy", Simulated: "iam:policy", Tags: Tagged,
			Inventory: "policy", Price: Free, Command: "iam delete-policy --policy-arn {id}", Scope: "arn",
			Loss:  "roles that have it lose these AWS permissions until it is back",
			Adopt: "arn:{@partition}:iam::{@account}:policy{@path}{name}",
			Show:  "iam get-policy --policy-arn {id}", Phase: PhaseCluster,
		},
		{
			Type: "aws:iam/rolePolicy:RolePolicy", Terraform: "aws_iam_role_policy", Simulated: "iam:rolePolicy", Tags: Untagged,
			Inventory: NotListed, Price: Free, Loss: "the role lacks these AWS permissions until it is back",
			Adopt: "{role}:{name}", Owner: "role {role}", Phase: PhaseCluster,
		},
		{
			Type: "aws:iam/rolePolicyAttachment:RolePolicyAttachment", Terraform: "aws_iam_role_policy_attachment",
			Simulated: "iam:rolePolicyAttachment", Tags: Untagged, Inventory: NotListed,
			Price: Free, Loss: "the role lacks the policy until it is back", Adopt: "{role}/{policyArn}",
			Owner: "role {role}", Phase: PhaseCluster,
		},
		{
			Type: "aws:iam/instanceProfile:InstanceProfile", Terraform: "aws_iam_instance_profile",
			Simulated: "iam:instanceProfile", Tags: Tagged, Inventory: "instance-profile",
			Price: Free, Sweep: 70, Command: "iam delete-instance-profile --instance-profile-name {id}", Scope: "name",
			Loss: "new nodes cannot be launched with it until it is back", Adopt: "{name}",
			Show: "iam get-instance-profile --instance-profile-name {id}", Phase: PhaseCluster,
		},
		{
			Type: "aws:iam/openIdConnectProvider:OpenIdConnectProvider", Terraform: "aws_iam_openid_connect_provider",
			Simulated: "iam:openIdConnectProvider", Tags: Tagged, Inventory: "oidc-provider",
			Price: Free, Command: "iam delete-open-id-connect-provider --open-id-connect-provider-arn {id}", Scope: "url",
			Loss: "all pods with an IAM role lose their AWS permissions until there is another", Gravity: 150,
			Adopt: "arn:{@partition}:iam::{@account}:oidc-provider/{@issuer}",
			Show:  "iam get-open-id-connect-provider --open-id-connect-provider-arn {id}", Phase: PhaseCluster,
		},
	}
}
