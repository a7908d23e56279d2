// SPDX-License-Identifier: Apache-2.0

package drift

import (
	"reflect"
	"regexp"
	"strings"
)

// Noise is a difference that is not drift: something else than a person changes the property, and is meant to.
type Noise struct {
	// Type is a Pulumi type; one that ends with "*" stands for all that begin so.
	Type string
	// Path is a property path; one that ends with "*" stands for all that begin so.
	Path   string
	Reason string

	// when narrows it down further; nil is always.
	when func(Diff) bool
}

// KnownNoise is the list. An entry needs a reason that a reader can check.
func KnownNoise() []Noise {
	return []Noise{
		{Type: "aws:*", Path: `tags["karpenter.*`, Reason: "Karpenter tags what it discovers and uses", when: added},
		{
			Type: "aws:ec2/*", Path: `tags["kubernetes.io/*`,
			Reason: "EKS and its load-balancer controller tag subnets and security groups", when: added,
		},
		{Type: "aws:ec2/*", Path: `tags["aws:*`, Reason: "AWS sets tags of its own", when: added},
		{Type: "aws:*", Path: "tagsAll*", Reason: "tagsAll repeats tags, where a difference is shown"},
		{
			Type: "aws:eks/nodeGroup:NodeGroup", Path: "scalingConfig.desiredSize",
			Reason: "an autoscaler sets the desired size between minSize and maxSize",
		},
		{
			Type: "aws:eks/nodeGroup:NodeGroup", Path: "resources*",
			Reason: "the names of the auto-scaling groups behind the node group are EKS's",
		},
		{Type: "aws:eks/nodeGroup:NodeGroup", Path: "status", Reason: "the status says what EKS is doing now"},
		{Type: "aws:eks/cluster:Cluster", Path: "platformVersion", Reason: "EKS updates the platform version on its own"},
		{Type: "aws:eks/cluster:Cluster", Path: "status", Reason: "the status says what EKS is doing now"},
		{Type: "aws:eks/addon:Addon", Path: "modifiedAt", Reason: "EKS records when it last changed the add-on"},
		{
			Type: "aws:eks/accessEntry:AccessEntry", Path: "modifiedAt",
			Reason: "EKS records when it last changed the access entry",
		},
		{
			Type: "aws:eks/accessPolicyAssociation:AccessPolicyAssociation", Path: "modifiedAt",
			Reason: "EKS records when it last changed the association",
		},
		{Type: "aws:*", Path: "*", Reason: "the same JSON document, written in another way", when: sameDocument},
		{Type: "kubernetes:*", Path: "status*", Reason: "controllers write the status"},
		{Type: "kubernetes:*", Path: "metadata.resourceVersion", Reason: "the API server counts every write"},
		{Type: "kubernetes:*", Path: "metadata.generation", Reason: "the API server counts changes of the spec"},
		{Type: "kubernetes:*", Path: "metadata.managedFields*", Reason: "the API server records who wrote what"},
		{
			Type: "kubernetes:apps/v1:*", Path: `metadata.annotations["deployment.kubernetes.io/*`,
			Reason: "the Deployment controller counts revisions", when: added,
		},
		{Type: "kubernetes:helm.sh/v3:Release", Path: "resourceNames*", Reason: "the provider lists what the release rendered"},
		{Type: "kubernetes:helm.sh/v3:Release", Path: "checksum", Reason: "the provider computes it from the chart"},
	}
}

// added says that the difference is something more than what was recorded.
func added(d Diff) bool { return d.Expected == nil }

// sameDocument says that both sides are the same JSON: AWS keeps policies in a form of its own.
func sameDocument(d Diff) bool {
	a, okA := document(d.Expected)
	b, okB := document(d.Actual)
	return okA && okB && reflect.DeepEqual(a, b)
}

// indexed finds list indexes of a path: noise does not depend on the position.
var indexed = regexp.MustCompile(`\[\d+\]`)

// reasonFor looks a difference up in the list.
func reasonFor(typ string, d Diff) (string, bool) {
	path := indexed.ReplaceAllString(d.Path, "")
	for _, n := range KnownNoise() {
		if matches(n.Type, typ) && matches(n.Path, path) && (n.when == nil || n.when(d)) {
			return n.Reason, true
		}
	}
	return "", false
}

func matches(pattern, text string) bool {
	if prefix, open := strings.CutSuffix(pattern, "*"); open {
		return strings.HasPrefix(text, prefix)
	}
	return pattern == text
}
