// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"cmp"
	"strings"

	"emrflink/internal/awskind"
	"emrflink/internal/plans"
)

// What is said of a type that holds nothing, and of one that no table has.
const (
	nothingLost = awskind.NothingLost
	notInTable  = "not known: this type has no entry in the table of what is lost"
)

// losses says, by Pulumi type, what deleting or replacing a resource destroys that is not of the catalogue of AWS kinds.
func losses() map[string]string {
	return map[string]string{
		"eks:index:Cluster":                 nothingLost,
		"eks:index:ServiceRole":             nothingLost,
		"kubernetes:core/v1:LimitRange":     nothingLost,
		"kubernetes:core/v1:Namespace":      "everything in the namespace is deleted, running pods too",
		"kubernetes:core/v1:ResourceQuota":  "the team's use of the cluster is not limited until it is back",
		"kubernetes:core/v1:ServiceAccount": "pods with this account cannot start until it is back",
		"kubernetes:core/v1:ConfigMap":      "pods that mount it cannot start until it is back",
		"kubernetes:core/v1:Secret":         "pods that mount it cannot start until it is back",
		"kubernetes:helm.sh/v3:Release": "everything that the chart installed is deleted; what it " +
			"serves stops until it is back",
		"kubernetes:karpenter.k8s.aws/v1:EC2NodeClass": "nodes of it are drained and terminated; jobs on them restart",
		"kubernetes:karpenter.sh/v1:NodePool": "its nodes are drained and terminated; jobs on them restart " +
			"elsewhere or wait",
		"kubernetes:networking.k8s.io/v1:NetworkPolicy":       "the traffic that it forbids is possible until it is back",
		"kubernetes:rbac.authorization.k8s.io/v1:Role":        "accounts bound to it lose these permissions in the namespace",
		"kubernetes:rbac.authorization.k8s.io/v1:RoleBinding": "accounts that it binds lose these permissions in the namespace",
		"kubernetes:storage.k8s.io/v1:StorageClass":           "volumes stay; new claims of this class wait until it is back",
	}
}

// lossOf finds what is lost with a type.
func lossOf(typ string) (string, bool) {
	if k, known := awskind.OfType(typ); known {
		return k.Loss, true
	}
	text, known := losses()[typ]
	return text, known
}

// particular are releases and namespaces of which more is known, by the end of the resource's name.
func particular() map[string]map[string]string {
	return map[string]map[string]string{
		"kubernetes:helm.sh/v3:Release": {
			"karpenter-crds": "all NodePools, NodeClaims and EC2NodeClasses are deleted with their definitions: every " +
				"node of a job is drained",
			"karpenter-chart":      "no nodes are started or removed until it is back; running nodes stay",
			"flink-operator-chart": "running jobs continue without it: they are neither restarted nor upgraded until it is back",
			"addons-cert-manager":  "certificates of webhooks are not renewed until it is back",
			"metrics-chart":        "metrics and logs of this time are lost",
		},
		"kubernetes:core/v1:Namespace": {
			"flink-operator-namespace": "the Flink operator stops: running jobs continue without it",
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
	if text, known := lossOf(s.Type); known {
		return lasting(s.Op, text)
	}
	return notInTable
}

// lasting drops when a loss ends from what is deleted for good.
func lasting(op plans.Op, text string) string {
	if op != plans.OpDelete {
		return text
	}
	for _, end := range []string{
		" until it is back", " until there is another", " until there is a rule again", " until there is a target again",
	} {
		text = strings.ReplaceAll(text, end, "")
	}
	return text
}

// disturbs says what an update in place interrupts all the same, "" when nothing.
func disturbs(r row) string {
	for _, d := range r.Diff {
		switch {
		case r.Type == "aws:eks/nodeGroup:NodeGroup" &&
			(d.Path == "version" || d.Path == "releaseVersion" || d.Path == "launchTemplate.version"):
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

// typeGravity orders types by what their loss means: the smallest is the gravest. A type that has none, -1, gets no lines of
// its own. Those of Kubernetes stand between the gravities of the catalogue.
func typeGravity(typ string) int {
	k, _ := awskind.OfType(typ)
	return cmp.Or(k.Gravity, map[string]int{
		"kubernetes:core/v1:Namespace": 50, "kubernetes:helm.sh/v3:Release": 70, "kubernetes:karpenter.sh/v1:NodePool": 80,
		"kubernetes:karpenter.k8s.aws/v1:EC2NodeClass": 90,
	}[typ], -1)
}
