// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"slices"
	"strings"

	"emrflink/internal/plans"
)

// What is said of a type that holds nothing, and of one that the table does not have.
const (
	nothingLost = "nothing that lasts"
	notInTable  = "not known: this type has no entry in the table of what is lost"
)

// losses says, by Pulumi type, what deleting or replacing a resource destroys. Replacing is deleting too: a replacement
// begins empty.
func losses() map[string]string {
	const network = "what runs in it has to be deleted first; addresses and connections are lost"
	return map[string]string{
		"aws:cloudwatch/eventRule:EventRule":                      "Karpenter is not told of these events until there is a rule again",
		"aws:cloudwatch/eventTarget:EventTarget":                  "Karpenter is not told of these events until there is a target again",
		"aws:cloudwatch/logGroup:LogGroup":                        "all log events in it are lost",
		"aws:ec2/eip:Eip":                                         "the public address is given back: allow-lists that name it stop to match",
		"aws:ec2/instance:Instance":                               "what runs on it stops; its instance store and its root volume are lost",
		"aws:ec2/networkInterface:NetworkInterface":               "its addresses are given back and connections through it break",
		"aws:ec2/internetGateway:InternetGateway":                 "the VPC has no way to the internet until there is another",
		"aws:ec2/launchTemplate:LaunchTemplate":                   "node groups that use it have to be replaced",
		"aws:ec2/natGateway:NatGateway":                           "connections from private subnets through it break",
		"aws:ec2/route:Route":                                     "traffic on this route stops until it is back",
		"aws:ec2/routeTable:RouteTable":                           "its subnets lose their routes until they have another",
		"aws:ec2/routeTableAssociation:RouteTableAssociation":     "the subnet uses the main route table until it is back",
		"aws:ec2/securityGroup:SecurityGroup":                     "network interfaces that use it have to be deleted first",
		"aws:ec2/securityGroupRule:SecurityGroupRule":             "the traffic that it allows stops until it is back",
		"aws:ec2/subnet:Subnet":                                   "nodes in it are terminated; " + network,
		"aws:ec2/tag:Tag":                                         nothingLost,
		"aws:ec2/vpc:Vpc":                                         "the cluster and everything else in it goes too; " + network,
		"aws:ec2/vpcEndpoint:VpcEndpoint":                         "traffic to the service goes through the NAT gateway and is billed until it is back",
		"aws:eks/accessEntry:AccessEntry":                         "who has it loses access to the cluster; nodes that have it cannot join",
		"aws:eks/accessPolicyAssociation:AccessPolicyAssociation": "who has it loses these rights in the cluster",
		"aws:eks/addon:Addon":                                     "the addon's pods stop until it is back",
		"aws:eks/cluster:Cluster":                                 "every Kubernetes object and every running job is lost; checkpoints in S3 stay",
		"aws:eks/nodeGroup:NodeGroup":                             "its nodes are drained; what runs on them restarts elsewhere or waits for new nodes",
		"aws:eks/podIdentityAssociation:PodIdentityAssociation":   "pods lose their AWS permissions until it is back",
		"aws:iam/instanceProfile:InstanceProfile":                 "new nodes cannot be launched with it until it is back",
		"aws:iam/openIdConnectProvider:OpenIdConnectProvider":     "all pods with an IAM role lose their AWS permissions until there is another",
		"aws:iam/policy:Policy":                                   "who has it loses these AWS permissions until it is back",
		"aws:iam/role:Role":                                       "pods, nodes or services that use it lose their AWS permissions until it is back",
		"aws:iam/rolePolicy:RolePolicy":                           "the role lacks these AWS permissions until it is back",
		"aws:iam/rolePolicyAttachment:RolePolicyAttachment":       "the role lacks the policy until it is back",
		// https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html
		"aws:kms/key:Key":     "what is encrypted with it can never be read again once its waiting period is over",
		"aws:kms/alias:Alias": "who uses the key by this name does not find it until it is back",
		"aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2":                       "old versions are kept and billed until it is back",
		"aws:s3/bucketOwnershipControls:BucketOwnershipControls":                                     nothingLost,
		"aws:s3/bucketPolicy:BucketPolicy":                                                           "the bucket takes unencrypted connections until it is back",
		"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock":                                     "the bucket's own guard against public access is off until it is back",
		"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2": "new objects are encrypted with S3's own keys until it is back",
		"aws:s3/bucketV2:BucketV2":                                                                   "checkpoints and savepoints in it are lost; jobs cannot be restored from them",
		"aws:s3/bucketVersioningV2:BucketVersioningV2":                                               "overwritten and deleted objects cannot be brought back while it is gone",
		"aws:sqs/queue:Queue":                                                                        "Karpenter does not hear of interruptions until there is another; messages in it are lost",
		"aws:sqs/queuePolicy:QueuePolicy":                                                            "events do not reach the queue until it is back",
		"eks:index:Cluster":                                                                          nothingLost,
		"eks:index:ServiceRole":                                                                      nothingLost,
		"kubernetes:core/v1:LimitRange":                                                              nothingLost,
		"kubernetes:core/v1:Namespace":                                                               "everything in the namespace is deleted, running pods too",
		"kubernetes:core/v1:ResourceQuota":                                                           "the team's use of the cluster is not limited until it is back",
		"kubernetes:core/v1:ServiceAccount":                                                          "pods with this account cannot start until it is back",
		"kubernetes:core/v1:ConfigMap":                                                               "pods that mount it cannot start until it is back",
		"kubernetes:core/v1:Secret":                                                                  "pods that mount it cannot start until it is back",
		"kubernetes:helm.sh/v3:Release":                                                              "everything that the chart installed is deleted; what it serves stops until it is back",
		"kubernetes:karpenter.k8s.aws/v1:EC2NodeClass":                                               "nodes of it are drained and terminated; jobs on them restart",
		"kubernetes:karpenter.sh/v1:NodePool":                                                        "its nodes are drained and terminated; jobs on them restart elsewhere or wait",
		"kubernetes:networking.k8s.io/v1:NetworkPolicy":                                              "the traffic that it forbids is possible until it is back",
		"kubernetes:rbac.authorization.k8s.io/v1:Role":                                               "who is bound to it loses these rights in the namespace",
		"kubernetes:rbac.authorization.k8s.io/v1:RoleBinding":                                        "who is bound by it loses these rights in the namespace",
		"kubernetes:storage.k8s.io/v1:StorageClass":                                                  "volumes stay; new claims of this class wait until it is back",
	}
}

// particular are releases and namespaces of which more is known, by the end of the resource's name.
func particular() map[string]map[string]string {
	return map[string]map[string]string{
		"kubernetes:helm.sh/v3:Release": {
			"karpenter-crds":       "all NodePools, NodeClaims and EC2NodeClasses are deleted with their definitions: every node of a job is drained",
			"karpenter-chart":      "no nodes are started or removed until it is back; running nodes stay",
			"flink-operator-chart": "running jobs go on unattended: they are neither restarted nor upgraded until it is back",
			"addons-cert-manager":  "certificates of webhooks are not renewed until it is back",
			"metrics-chart":        "metrics and logs of this time are lost",
		},
		"kubernetes:core/v1:Namespace": {
			"flink-operator-namespace": "the Flink operator stops: running jobs go on unattended",
		},
	}
}

// destroys says what is lost by a step, "" when it deletes nothing.
func destroys(s plans.Step, may bool) string {
	if s.Op != plans.OpDelete && s.Op != plans.OpReplace && !may || s.Component || s.Internal() {
		return ""
	}
	if text, ok := particular()[s.Type][s.Name]; ok {
		return lasting(s.Op, text)
	}
	if s.Type == "kubernetes:core/v1:Namespace" && strings.HasPrefix(s.Name, "team-") {
		return "the team's running jobs stop and everything in its namespace is deleted; checkpoints in S3 stay"
	}
	if text, ok := losses()[s.Type]; ok {
		return lasting(s.Op, text)
	}
	return notInTable
}

// lasting drops when a loss ends from what is deleted for good.
func lasting(op plans.Op, text string) string {
	if op != plans.OpDelete {
		return text
	}
	for _, end := range []string{" until it is back", " until there is another", " until there is a rule again", " until there is a target again"} {
		text = strings.ReplaceAll(text, end, "")
	}
	return text
}

// disturbs says what an update in place interrupts all the same, "" when nothing.
func disturbs(r row) string {
	for _, d := range r.Diff {
		switch {
		case r.Type == "aws:eks/nodeGroup:NodeGroup" && (d.Path == "version" || d.Path == "releaseVersion" || d.Path == "launchTemplate.version"):
			// https://docs.aws.amazon.com/eks/latest/userguide/managed-node-update-behavior.html
			return "its nodes are replaced one after another; what runs on them restarts"
		case r.Type == "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass" && strings.HasPrefix(d.Path, "spec."):
			// https://karpenter.sh/docs/concepts/disruption/#drift
			return "nodes of it may count as drifted; Karpenter then replaces them, and jobs on them restart"
		case r.Type == "kubernetes:karpenter.sh/v1:NodePool" && strings.HasPrefix(d.Path, "spec.template"):
			return "nodes that do not fit any more count as drifted; Karpenter replaces them, and jobs on them restart"
		}
	}
	return ""
}

// typeGravity orders types by what their loss means: the first is the gravest. A type that is not here gets no lines of its
// own.
func typeGravity(typ string) int {
	return slices.Index([]string{
		"aws:kms/key:Key", "aws:s3/bucketV2:BucketV2", "aws:eks/cluster:Cluster", "aws:ec2/vpc:Vpc", "kubernetes:core/v1:Namespace",
		"aws:eks/nodeGroup:NodeGroup", "kubernetes:helm.sh/v3:Release", "kubernetes:karpenter.sh/v1:NodePool",
		"kubernetes:karpenter.k8s.aws/v1:EC2NodeClass", "aws:ec2/subnet:Subnet", "aws:ec2/natGateway:NatGateway", "aws:ec2/eip:Eip",
		"aws:cloudwatch/logGroup:LogGroup", "aws:iam/role:Role", "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
		"aws:eks/accessEntry:AccessEntry", "aws:sqs/queue:Queue",
	}, typ)
}
