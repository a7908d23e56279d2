// SPDX-License-Identifier: Apache-2.0

package graphcheck

import "strings"

// outlives is a rule of the deletion order: what is first needs what is second until it is gone.
type outlives struct{ first, second, why string }

// poolNeeds is what a node pool needs until its last node is gone: its deletion drains and terminates them.
func poolNeeds() []outlives {
	const controller, node = "Karpenter ends the nodes", "the node's kubelet answers the drain"
	return []outlives{
		{"", "pools-nodeclass", controller}, {"", "karpenter-chart", controller},
		{"", "karpenter-crds", "a pool whose CRD is gone counts as deleted, its nodes go on"},
		{"", "karpenter-node-access", node}, {"", "karpenter-node-profile", node}, {"", "karpenter-node-role", node},
		{"", "karpenter-node-AmazonEKS_CNI_Policy", node}, {"", "karpenter-controller-node-lifecycle-attachment", controller},
		{"", "karpenter-controller-resource-discovery-attachment", controller},
		{"", "karpenter-controller-iam-integration-attachment", "the node class asks for its profiles"},
		{"", "karpenter-controller-interruption-attachment", controller}, {"", "karpenter-queue", controller},
		{"", "karpenter-queue-policy", controller},
		{"", "karpenter-spot-interruption-target", "a spot node is drained in time"}, {"", "core-group", controller},
		{"", "bootstrap-vpc-cni", node},
		{"", "addons-coredns", controller}, {"", "network-private-usw2-az1-routes-default", node},
		{"", "network-private-usw2-az2-routes-default", node},
		{"", "network-private-usw2-az3-routes-default", node}, {"", "network-private-usw2-az3-association", node},
		{"", "network-nat-usw2-az1", node},
		{"", "network-public-default", node}, {"", "network-igw", node}, {"", "cluster-emr-eks-flink", controller},
		{"", "cluster-oidc", controller},
	}
}

// rules are the other ones; creation is the same order backwards.
func rules() []outlives {
	const jobs = "jobs in the namespace are stopped first"
	return []outlives{
		{"team-flink-team-a-namespace", "flink-operator-chart", "the operator removes the finalizers of the jobs"},
		{"team-flink-team-a-namespace", "pools-flink-compute-optimized", jobs},
		{"team-flink-team-a-namespace", "pools-flink-graviton-memory-optimized-jobmanager", jobs},
		{"team-flink-team-a-namespace", "team-flink-team-a-job-data-attachment", "a job that stops writes its savepoint"},
		{"team-flink-team-a-namespace", "checkpoints-bucket", "a job that stops writes its savepoint"},
		{"team-flink-team-a-deny-all", "team-flink-team-a-namespace", "it is in the namespace"},
		{"flink-operator-chart", "addons-cert-manager", "its webhook has a certificate"},
		{"flink-operator-chart", "core-group", "it runs there"},
		{"flink-operator-chart", "flink-operator-irsa-data-attachment", "it writes logs"},
		{"metrics-chart", "core-group", "it runs there"},
		{"addons-metrics-server", "core-group", "it runs there"},
		{"addons-cert-manager", "addons-coredns", "its webhook is found by name"},
		{"addons-coredns", "core-group", "without nodes it stays DEGRADED for 20 minutes"},
		{"addons-aws-ebs-csi-driver", "core-group", "without nodes it stays DEGRADED for 20 minutes"},
		{"addons-aws-ebs-csi-driver", "addons-ebs-csi-managed-0", "it deletes volumes"},
		{"addons-gp3", "addons-aws-ebs-csi-driver", "its volumes are the driver's"},
		{"core-group", "bootstrap-vpc-cni", "nodes are not ready without it"},
		{"core-group", "bootstrap-kube-proxy", "nodes need it"},
		{"core-group", "bootstrap-eks-pod-identity-agent", "nodes need it"},
		{"core-group", "core-node-AmazonEKSWorkerNodePolicy", "nodes join by it"},
		{"core-group", "core-node-AmazonEKS_CNI_Policy", "nodes get addresses by it"},
		{"core-group", "network-private-usw2-az1-routes-default", "nodes reach the cluster and the registry"},
		{"cluster-emr-eks-flink", "cluster-logs", "EKS makes the group anew while it writes"},
		{"karpenter-chart", "karpenter-node-access", "the first node would not join"},
		{"karpenter-chart", "karpenter-crds", "the controller watches them"},
		{"checkpoints-policy", "checkpoints-public-access", "S3 refuses two changes at once"},
		{"network-nat-usw2-az1", "network-igw", "the address is mapped"},
	}
}

// Order: what needs what until it is gone. Pulumi deletes in parallel what no dependency orders.
func Order(w *World) []string {
	var out report
	all := rules()
	for _, np := range w.of(typeNodePool) {
		for _, r := range poolNeeds() {
			all = append(all, outlives{np.Name, r.second, r.why})
		}
	}
	for _, r := range all {
		out.add(!w.Graph.DependsOn(r.first, r.second), "%s may go before %s: %s", r.second, r.first, r.why)
	}
	out.add(w.Graph.DependsOn("bootstrap-vpc-cni", "core-group"), "the CNI waits for nodes, which are not ready without it")
	for _, r := range w.Graph.Resources {
		out.add(r.Parent == "" && !strings.HasPrefix(r.Type, "emrflink:"), "%s: it belongs to no component", r.Name)
	}
	return out
}
