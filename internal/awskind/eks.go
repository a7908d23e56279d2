// SPDX-License-Identifier: Apache-2.0

package awskind

import "time"

// SlowestAddon is how long the slowest of the addons takes, the EBS driver; the others take what their row says.
const SlowestAddon = 54 * time.Second

// clusterRows are EKS. The durations of clusters and node groups are medians over "complete after" lines of public Terraform
// logs (5 to 10 samples each): a cluster 8m23s to 11m23s and 1m09s to 8m42s, a node group 1m28s to 3m21s and 4m12s to 8m21s.
// Those of addons are round figures of the same order as on AWS.
func clusterRows() []Kind {
	return []Kind{
		{
			Type: "aws:eks/cluster:Cluster", Terraform: "aws_eks_cluster", Simulated: "eks:cluster", Tags: Tagged,
			Inventory: "cluster", Create: 617 * time.Second, Delete: 204 * time.Second,
			Price: "eks-cluster", Billed: "EKS control plane",
			Usage:   "control-plane logs and metrics in CloudWatch, per GB and per metric",
			Command: "eks delete-cluster --name {id}", Scope: "name",
			Loss: "every Kubernetes object and every running job is lost; checkpoints in S3 stay", Gravity: 30,
			Adopt: "{name}", Show: "eks describe-cluster --name {id}", Phase: PhaseCluster,
		},
		{
			Type: "aws:eks/nodeGroup:NodeGroup", Terraform: "aws_eks_node_group", Simulated: "eks:nodeGroup", Tags: Tagged,
			Inventory: "nodegroup", Create: 119 * time.Second, Delete: 379 * time.Second,
			Price: ByInstances, Command: "eks delete-nodegroup --cluster-name {cluster} --nodegroup-name {name}",
			Loss: "its nodes are drained; what runs on them restarts elsewhere or waits for new nodes", Gravity: 60,
			Adopt: "{clusterName}:{nodeGroupName}",
			Show:  "eks describe-nodegroup --cluster-name {cluster} --nodegroup-name {name}", Phase: PhaseCoreNodes,
		},
		{
			Type: "aws:eks/addon:Addon", Terraform: "aws_eks_addon", Simulated: "eks:addon", Tags: Tagged, Inventory: "addon",
			Create: 15 * time.Second, Delete: 10 * time.Second,
			Price: Free, Command: "eks delete-addon --cluster-name {cluster} --addon-name {name}",
			Loss: "the addon's pods stop until it is back", Adopt: "{clusterName}:{addonName}",
			Show: "eks describe-addon --cluster-name {cluster} --addon-name {name}", Phase: PhaseCluster,
		},
		{
			Type: "aws:eks/accessEntry:AccessEntry", Terraform: "aws_eks_access_entry", Simulated: "eks:accessEntry",
			Tags: Tagged, Inventory: NotListed, Price: Free,
			Loss: "identities that have it lose access to the cluster; nodes that have it cannot join", Gravity: 160,
			Adopt: "{clusterName}:{principalArn}",
			Owner: AccessEntry + " {clusterName}:{principalArn}",
			Show:  "eks describe-access-entry --cluster-name {cluster} --principal-arn {name}", Phase: PhaseCluster,
		},
		{
			Type: "aws:eks/accessPolicyAssociation:AccessPolicyAssociation", Terraform: "aws_eks_access_policy_association",
			Simulated: "eks:accessPolicyAssociation", Tags: Untagged, Inventory: NotListed, Price: Free,
			Loss:  "identities that have it lose these permissions in the cluster",
			Adopt: "{clusterName}#{principalArn}#{policyArn}",
			Owner: AccessEntry + " {clusterName}:{principalArn}", Phase: PhaseCluster,
		},
		{
			Type: "aws:eks/podIdentityAssociation:PodIdentityAssociation", Terraform: "aws_eks_pod_identity_association",
			Simulated: "eks:podIdentityAssociation", Tags: Tagged, Inventory: NotListed, Price: Free,
			Loss: "pods lose their AWS permissions until it is back", Adopt: AdoptByLookup,
			Owner: PodIdentity + " {clusterName}:{namespace}/{serviceAccount}",
			Show:  "eks list-pod-identity-associations --cluster-name {cluster}", Phase: PhaseCluster,
		},
	}
}
