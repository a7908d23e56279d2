// SPDX-License-Identifier: Apache-2.0

package graphcheck_test

// The names of what is changed most.
const (
	compute   = "flink-compute-optimized"
	graviton  = "flink-graviton-memory-optimized"
	lifecycle = "karpenter-controller-node-lifecycle"
	discovery = "karpenter-controller-resource-discovery"
	jobPolicy = "team-flink-team-a-job-data"
	nodeClass = "pools-nodeclass"
)

// identityMutations change policies and trusts.
func identityMutations() []mutation {
	policy := func(name, old, changed string) func(*editor) {
		return func(e *editor) { e.replace(name, "policy", old, changed) }
	}
	trust := func(name, old, changed string) func(*editor) {
		return func(e *editor) { e.replace(name, "assumeRolePolicy", old, changed) }
	}
	return []mutation{
		{"Karpenter may not list instance profiles", "iam-access",
			policy(discovery, "iam:ListInstanceProfiles", "iam:GetInstanceProfile")},
		{"Karpenter may not see instance status", "iam-access", policy(discovery, `"ec2:DescribeInstanceStatus",`, "")},
		{"Karpenter may not terminate", "iam-access", policy(lifecycle, `"ec2:TerminateInstances",`, "")},
		{"Karpenter may pass any role", "iam-access", policy("karpenter-controller-iam-integration",
			":role/emr-eks-flink-us-west-2-karpenter-node", ":role/*")},
		{"Karpenter's tags are of another cluster", "iam-access",
			policy(lifecycle, "kubernetes.io/cluster/emr-eks-flink", "kubernetes.io/cluster/other")},
		{"a job may not delete its checkpoints", "iam-access", policy(jobPolicy, `"s3:DeleteObject",`, "")},
		{"a job reads the whole bucket", "iam-access", policy(jobPolicy, "-checkpoints/flink-team-a/*", "-checkpoints/*")},
		{"a job writes another log group", "iam-access", policy(jobPolicy, "/flink-team-a:*", "/*")},
		{"the operator reads checkpoints", "iam-access", policy("flink-operator-irsa-data", "/*/jars/*", "/*")},
		{"the bucket answers without TLS", "iam-access", policy("checkpoints-policy", `"false"`, `"true"`)},
		{"every service may send to the queue", "iam-access", policy("karpenter-queue-policy",
			`"Service":["events.amazonaws.com","sqs.amazonaws.com"]`, `"Service":"*"`)},
		{"the queue does not admit EventBridge", "iam-access", policy("karpenter-queue-policy", `"events.amazonaws.com",`, "")},
		{"a misspelt action", "iam-documents", policy(jobPolicy, "s3:AbortMultipartUpload", "s3:AbortMultiPartUploads")},
		{"a misspelt condition key", "iam-documents", policy(jobPolicy, "s3:prefix", "s3:prefixes")},
		{"an object's action on the bucket", "iam-documents", policy(jobPolicy, `"s3:GetBucketLocation"`, `"s3:GetObject"`)},
		{"a wildcard action", "iam-documents", policy(jobPolicy, `"s3:DeleteObject"`, `"s3:*"`)},
		{"a condition operator that does not exist", "iam-documents", policy(jobPolicy, "StringLike", "StringMatches")},
		{"a policy that is not attached", "iam-access", func(e *editor) { e.remove("team-flink-team-a-job-data-attachment") }},
		{"the EBS driver without its policy", "iam-access", func(e *editor) { e.remove("addons-ebs-csi-managed-0") }},
		{"Karpenter trusts another service account", "iam-access",
			trust("karpenter-controller-role", ":kube-system:karpenter", ":kube-system:karpenter-controller")},
		{"a job's trust is of another role's base36", "iam-access", trust("team-flink-team-a-job-role", "9ualonk3", "9ualonk4")},
		{"a job's trust is of another namespace", "iam-access", trust("team-flink-team-a-job-role",
			"serviceaccount:flink-team-a:", "serviceaccount:flink-team-b:")},
		{"a trust by pattern", "iam-documents", trust("flink-operator-irsa-role", "StringEquals", "StringLike")},
		{"a node role for another service", "iam-access", trust("karpenter-node-role", "ec2.amazonaws.com", "eks.amazonaws.com")},
	}
}

// nodeMutations change what joins, how nodes are and where pods go.
func nodeMutations() []mutation {
	const master = "pools-" + compute + "-jobmanager"
	selects := func(pool, role, key, value string) func(*editor) {
		return func(e *editor) {
			e.pod(pool, role, func(t object) { t["spec"].(object)["nodeSelector"].(object)[key] = value })
		}
	}
	set := func(value any, name string, path ...any) func(*editor) {
		return func(e *editor) { e.set(value, name, path...) }
	}
	return []mutation{
		{"no access entry for Karpenter's nodes", "join", func(e *editor) { e.remove("karpenter-node-access") }},
		{"an access entry of another type", "join", set("STANDARD", "karpenter-node-access", "type")},
		{"nodes without the CNI's policy", "join", func(e *editor) { e.remove("karpenter-node-AmazonEKS_CNI_Policy") }},
		{"an instance profile of another role", "join", set("emr-eks-flink-us-west-2-core-node", "karpenter-node-profile",
			"role")},
		{"the image is not pinned", "node-class", set("al2023@latest", nodeClass, "spec", "amiSelectorTerms", 0, "alias")},
		{"pods reach the instance metadata", "node-class", set(2, nodeClass, "spec", "metadataOptions",
			"httpPutResponseHopLimit")},
		{"pods reach the core nodes' metadata", "node-class", set(2, "core-template", "metadataOptions",
			"httpPutResponseHopLimit")},
		{"metadata without a token", "node-class", set("optional", "core-template", "metadataOptions", "httpTokens")},
		{"an unencrypted volume", "node-class", set(false, nodeClass, "spec", "blockDeviceMappings", 0, "ebs", "encrypted")},
		{"nodes in a public subnet", "node-class", set("network-public-usw2-az1-id", nodeClass, "spec", "subnetSelectorTerms", 0,
			"id")},
		{"a security group in which webhooks are not reached", "node-class",
			set("sg-2", nodeClass, "spec", "securityGroupSelectorTerms", 0, "id")},
		{"no terminationGracePeriod", "node-class", set(nil, "pools-"+compute, "spec", "template", "spec",
			"terminationGracePeriod")},
		{"consolidation of nodes in use", "node-class", set("WhenEmptyOrUnderutilized", "pools-"+graviton, "spec", "disruption",
			"consolidationPolicy")},
		{"a pool without a limit", "node-class", set(nil, "pools-"+graviton, "spec", "limits", "cpu")},
		{"a budget that holds by night only", "node-class", set(object{"nodes": "1", "schedule": "0 0 * * *", "duration": "1h"},
			master, "spec", "disruption", "budgets", 0)},
		{"a pool of no architecture", "node-class", func(e *editor) { e.requirement("pools-"+compute, "kubernetes.io/arch") }},
		{"bare-metal types", "node-class", func(e *editor) {
			e.requirement("pools-"+compute,
				"karpenter.k8s.aws/instance-hypervisor")
		}},
		{"JobManagers on spot", "placement", func(e *editor) {
			e.requirement(master, "karpenter.sh/capacity-type", "spot",
				"on-demand")
		}},
		{"TaskManagers never on spot", "placement", func(e *editor) {
			e.requirement("pools-"+compute,
				"karpenter.sh/capacity-type", "on-demand")
		}},
		{"a JobManager without its toleration", "placement", func(e *editor) {
			e.pod(compute, "jobmanager", func(t object) { delete(t["spec"].(object), "tolerations") })
		}},
		{"a JobManager that may be moved", "placement", func(e *editor) {
			e.pod(graviton, "jobmanager", func(t object) { delete(t["metadata"].(object), "annotations") })
		}},
		{"a TaskManager that holds up the end of its spot node", "placement", func(e *editor) {
			e.pod(graviton, "taskmanager", func(t object) {
				t["metadata"].(object)["annotations"] = object{"karpenter.sh/do-not-disrupt": "true"}
			})
		}},
		{"a JobManager among the TaskManagers", "placement", selects(compute, "jobmanager", "FlinkRole", "taskmanager")},
		{"an amd64 image on Graviton", "placement", selects(graviton, "taskmanager", "kubernetes.io/arch", "amd64")},
		{"the old label is gone", "placement", set("FlinkCompute", "pools-"+compute, "spec", "template", "metadata", "labels",
			"NodeGroupType")},
		{"a taint that old jobs do not tolerate", "placement", func(e *editor) {
			e.resource("pools-"+compute).At("spec", "template", "spec").(object)["taints"] = []any{object{"key": "team",
				"value": "a", "effect": "NoSchedule"}}
		}},
		{"a job of another team's role", "jobs", func(e *editor) {
			e.job(compute, "arn:aws:iam::111122223333:role/other", "spec", "executionRoleArn")
		}},
		{"checkpoints outside of the team's prefix", "jobs", func(e *editor) {
			e.job(compute, "s3p://emr-eks-flink-111122223333-us-west-2-checkpoints/basic", "spec", "flinkConfiguration",
				"state.checkpoints.dir")
		}},
		{"logs to another group", "jobs", func(e *editor) {
			e.job(graviton, "/aws/emr-flink/x", "spec", "monitoringConfiguration", "cloudWatchMonitoringConfiguration",
				"logGroupName")
		}},
		{"a random port between TaskManagers", "jobs", func(e *editor) {
			e.job(graviton, "0", "spec", "flinkConfiguration", "taskmanager.data.port")
		}},
		{"a job in a namespace of nobody", "jobs", func(e *editor) { e.job(graviton, "default", "metadata", "namespace") }},
		{"the core nodes are relabelled", "placement", set("system", "core-group", "labels", "NodeGroupType")},
		{"CoreDNS runs on Flink's nodes", "placement", set(nil, "addons-coredns", "configurationValues")},
		{"the EBS controller runs on Flink's nodes", "placement", set(`{"controller":{}}`, "addons-aws-ebs-csi-driver",
			"configurationValues")},
		{"the CloudWatch agent comes from Docker Hub", "placement", set(nil, "metrics-chart", "values", "image")},
		{"Karpenter runs on its own nodes", "placement", set(nil, "karpenter-chart", "values", "nodeSelector", "NodeGroupType")},
	}
}

// platformMutations change the network, the storage, the charts and what is told of them.
func platformMutations() []mutation {
	set := func(value any, name string, path ...any) func(*editor) {
		return func(e *editor) { e.set(value, name, path...) }
	}
	gone := func(name string) func(*editor) { return func(e *editor) { e.remove(name) } }
	return []mutation{
		{"no rule for spot warnings", "interruption", gone("karpenter-spot-interruption")},
		{"a rule without a target", "interruption", gone("karpenter-rebalance-target")},
		{"a misspelt event", "interruption", func(e *editor) {
			e.replace("karpenter-state-change", "eventPattern", "State-change", "State-Change")
		}},
		{"the controller reads another queue", "interruption", set("other", "karpenter-chart", "values", "settings",
			"interruptionQueue")},
		{"a bucket that can be public", "storage", set(false, "checkpoints-public-access", "blockPublicPolicy")},
		{"objects are not encrypted", "storage", gone("checkpoints-encryption")},
		{"overwritten checkpoints are lost", "storage", set("Suspended", "checkpoints-versioning", "versioningConfiguration",
			"status")},
		{"live checkpoints expire", "storage", set("flink-team-a/", "checkpoints-lifecycle", "rules", 2, "filter", "prefix")},
		{"logs are kept for ever", "storage", set(nil, "team-flink-team-a-logs", "retentionInDays")},
		{"volumes of claims are not encrypted", "storage", set("false", "addons-gp3", "parameters", "encrypted")},
		{"a subnet without the load balancers' tag", "network", set(nil, "network-private-usw2-az1", "tags",
			"kubernetes.io/role/internal-elb")},
		{"a private subnet without a way out", "network", gone("network-private-usw2-az2-routes-default")},
		{"a private subnet open to the internet", "network", set("network-public-id", "network-private-usw2-az3-association",
			"routeTableId")},
		{"two subnets of one address range", "network", set("10.0.0.0/19", "network-private-usw2-az2", "cidrBlock")},
		{"Services in the VPC's addresses", "network", set("10.0.128.0/20", "cluster-emr-eks-flink",
			"kubernetesServiceIpAddressRange")},
		{"S3 through the NAT gateway", "network", set([]any{"network-public-id"}, "network-s3", "routeTableIds")},
		{"the NAT gateway in a private subnet", "network", set("network-private-usw2-az1-id", "network-nat-usw2-az1",
			"subnetId")},
		{"a value that the chart does not have", "charts", func(e *editor) {
			e.resource("karpenter-chart").At("values").(object)["webhook"] = object{"enabled": false}
		}},
		{"a nested value that the chart does not have", "charts", func(e *editor) {
			e.resource("flink-operator-chart").At("values", "emrContainers").(object)["region"] = "us-west-2"
		}},
		{"two owners of the CRDs", "charts", set(false, "karpenter-chart", "skipCrds")},
		{"an operator of another release than the jobs", "charts", set("7.12.0", "flink-operator-chart", "version")},
		{"a service account that its role does not trust", "charts",
			set("karpenter-2", "karpenter-chart", "values", "serviceAccount", "name")},
		{"a namespace that nobody makes", "namespaces", gone("metrics-namespace")},
		{"a quota without default requests", "namespaces", gone("team-flink-team-a-defaults")},
		{"a team without a fence", "namespaces", gone("team-flink-team-a-deny-all")},
		{"the operator does not reach the JobManager", "namespaces", gone("team-flink-team-a-from-operator")},
		{"no pod security", "namespaces", set(nil, "team-flink-team-a-namespace", "metadata", "labels",
			"pod-security.kubernetes.io/enforce")},
		{"a log group that EMR would make", "outputs", gone("team-flink-team-a-logs")},
		{"a pool that the outputs do not name", "outputs", set("flink-gpu", "pools-"+graviton, "metadata", "name")},
		{"a label that the outputs do not know", "outputs", set("master", "pools-"+compute+"-jobmanager", "spec", "template",
			"metadata", "labels", "FlinkRole")},
	}
}

// orderMutations drop one dependency each.
func orderMutations() []mutation {
	drop := func(name, on string) func(*editor) { return func(e *editor) { e.independent(name, on) } }
	return []mutation{
		{"pools outlive their class", "order", drop("pools-"+compute, nodeClass)},
		{"a cluster's logs come back", "order", drop("cluster-emr-eks-flink", "cluster-logs")},
		{"the first node finds no access entry", "order", drop("karpenter-chart", "karpenter-crds")},
		{"the nodes' route goes before the nodes", "order", func(e *editor) {
			e.independent("core-group", "network-private-usw2-az2-routes-default")
		}},
		{"CoreDNS before there are nodes", "order", drop("addons-coredns", "core-group")},
		{"the operator goes before the jobs", "order", drop("team-flink-team-a-namespace", "flink-operator-chart")},
		{"the bucket goes before the jobs", "order", func(e *editor) {
			for _, part := range []string{"bucket", "encryption", "lifecycle", "ownership", "policy", "public-access",
				"versioning"} {
				e.independent("team-flink-team-a-namespace", "checkpoints-"+part)
			}
		}},
		{"the operator's webhook without a certificate", "order", func(e *editor) {
			e.independent("flink-operator-chart", "addons-cert-manager")
			e.independent("flink-operator-namespace", "addons-cert-manager")
		}},
		{"the CNI waits for nodes", "order", func(e *editor) {
			r := e.resource("bootstrap-vpc-cni")
			r.Dependencies = append(r.Dependencies, "core-group")
		}},
		{"a network policy before its namespace", "order", drop("team-flink-team-a-deny-all", "team-flink-team-a-namespace")},
		{"a resource of no component", "order", func(e *editor) { e.resource("karpenter-queue").Parent = "" }},
	}
}
