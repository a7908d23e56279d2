// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/iam"
)

const account = "111122223333"

// subject is a stack whose graph is that of testdata: a part of what an offline preview has.
func subject(t *testing.T, graph string) Subject {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", graph+".json"))
	require.NoError(t, err)
	var resources []Resource
	require.NoError(t, json.Unmarshal(raw, &resources))
	return Subject{
		Stack: "dev", Deployment: "emr-eks-flink", Region: "us-west-2", Partition: "aws", Account: "444455556666",
		PlannedIn: account, Resources: resources, Tag: "emrflink:deployment",
		Tags: map[string]string{"emrflink:deployment": "emr-eks-flink", "emrflink:managed-by": "emrflink"},
	}
}

// subjects are stacks of every shape.
func subjects(t *testing.T) map[string]Subject {
	t.Helper()
	remote := subject(t, "default")
	remote.State, remote.Secrets = "s3://company-state/flink?region=eu-west-1", "awskms://alias/state?region=us-west-2"
	boundary := subject(t, "options")
	boundary.Policies, boundary.Mirrors = []string{"arn:aws:iam::444455556666:policy/boundary"}, true
	existing := subject(t, "default")
	existing.VPC, existing.Subnets = "vpc-1", []string{"subnet-1", "subnet-2"}
	existing.Resources = append(slices.DeleteFunc(existing.Resources, func(r Resource) bool {
		stays := strings.Contains(r.Type, "ecurityGroup") || strings.Contains(r.Type, "launch")
		return strings.HasPrefix(r.Type, "aws:ec2/") && !stays
	}), Resource{Type: "aws:ec2/tag:Tag"})
	placeholder := subject(t, "default")
	placeholder.Account = ""
	return map[string]Subject{
		"the default": subject(t, "default"), "all options": boundary, "a remote state": remote, "an existing VPC": existing,
		"an account that is not known": placeholder,
	}
}

// Every document of every purpose is one that IAM takes, and nothing in it is idle or impossible.
func TestIAMAcceptsEveryDocument(t *testing.T) {
	t.Parallel()
	table, err := iam.Actions()
	require.NoError(t, err)
	for name, s := range subjects(t) {
		for _, p := range Purposes() {
			d, err := New(s, p)
			require.NoError(t, err, "%s: %s", name, p)
			require.NotEmpty(t, d.Policies, "%s: %s", name, p)
			require.Less(t, len(d.Policies), 7, "%s: %s", name, p)
			for _, m := range d.Policies {
				text := string(m.Document)
				require.Empty(t, table.Check(iam.KindManaged, text), "%s: %s: %s", name, p, text)
				require.NotContains(t, text, account, "%s: nothing of the account that planned is left", name)
			}
			for _, a := range d.Actions {
				require.NotEmpty(t, a.Reasons, a.Action)
				require.NotEmpty(t, a.Known, a.Action)
			}
		}
	}
}

// documents are the parsed policies of a purpose.
func parsed(t *testing.T, s Subject, p Purpose) []iam.Document {
	t.Helper()
	d, err := New(s, p)
	require.NoError(t, err)
	var out []iam.Document
	for _, m := range d.Policies {
		doc, err := iam.Parse(m.Document)
		require.NoError(t, err)
		out = append(out, doc)
	}
	return out
}

type asked struct {
	what, action, resource string
	purposes               string // for which it is allowed
	keys                   map[string][]string
}

func keys(pairs ...string) map[string][]string {
	out := map[string][]string{"aws:requestedregion": {"us-west-2"}}
	for i := 0; i+1 < len(pairs); i += 2 {
		out[strings.ToLower(pairs[i])] = []string{pairs[i+1]}
	}
	return out
}

// What belongs to the deployment may be worked on, for the purposes that need it; what belongs to others may not.
func TestNothingOutsideTheDeploymentIsAllowed(t *testing.T) {
	t.Parallel()
	const us, iamARN = "arn:aws:ec2:us-west-2:444455556666:", "arn:aws:iam::444455556666:"
	const logGroups = "arn:aws:logs:us-west-2:444455556666:log-group:"
	const rules = "arn:aws:events:us-west-2:444455556666:rule/"
	ours := []string{"aws:ResourceTag/emrflink:deployment", "emr-eks-flink"}
	theirs := []string{"aws:ResourceTag/emrflink:deployment", "other"}
	rows := []asked{
		{"a role of ours", "iam:DeleteRole", iamARN + "role/emr-eks-flink-us-west-2-core-node", "deploy cleanup", keys()},
		{"a role of another deployment", "iam:DeleteRole", iamARN + "role/other-us-west-2-core-node", "", keys()},
		{"the same name in another region", "iam:CreateRole", iamARN + "role/emr-eks-flink-eu-west-1-core-node", "", keys()},
		{"our role to EKS", "iam:PassRole", iamARN + "role/emr-eks-flink-us-west-2-core-node", "deploy",
			keys("iam:PassedToService", "eks.amazonaws.com")},
		{"our role to another service", "iam:PassRole", iamARN + "role/emr-eks-flink-us-west-2-core-node", "",
			keys("iam:PassedToService", "lambda.amazonaws.com")},
		{"somebody's role to EKS", "iam:PassRole", iamARN + "role/admin", "", keys("iam:PassedToService", "eks.amazonaws.com")},
		{"a policy that we attach", "iam:AttachRolePolicy", iamARN + "role/emr-eks-flink-us-west-2-core-node", "deploy",
			keys("iam:PolicyARN", "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy")},
		{"another policy to our role", "iam:AttachRolePolicy", iamARN + "role/emr-eks-flink-us-west-2-core-node", "",
			keys("iam:PolicyARN", "arn:aws:iam::aws:policy/AdministratorAccess")},
		{"our cluster", "eks:DeleteCluster", "arn:aws:eks:us-west-2:444455556666:cluster/emr-eks-flink", "cleanup", keys()},
		{"another cluster", "eks:DeleteCluster", "arn:aws:eks:us-west-2:444455556666:cluster/emr-eks-flink-2", "", keys()},
		{"a cluster with our tag", "eks:CreateCluster", "*", "deploy",
			keys("aws:RequestTag/emrflink:deployment", "emr-eks-flink")},
		{"a cluster in another region", "eks:CreateCluster", "*", "",
			keys("aws:RequestTag/emrflink:deployment", "emr-eks-flink", "aws:RequestedRegion", "eu-west-1")},
		{"our subnet", "ec2:DeleteSubnet", us + "subnet/subnet-1", "deploy cleanup", keys(ours...)},
		{"their subnet", "ec2:DeleteSubnet", us + "subnet/subnet-1", "", keys(theirs...)},
		{"our VPC", "ec2:DeleteVpc", us + "vpc/vpc-1", "cleanup", keys(ours...)},
		{"a node of Karpenter's", "ec2:TerminateInstances", us + "instance/i-1", "cleanup",
			keys("aws:ResourceTag/kubernetes.io/cluster/emr-eks-flink", "owned")},
		{"a node of another cluster", "ec2:TerminateInstances", us + "instance/i-1", "",
			keys("aws:ResourceTag/kubernetes.io/cluster/other", "owned")},
		{"tags of what is being made", "ec2:CreateTags", us + "subnet/subnet-1", "deploy",
			keys("ec2:CreateAction", "CreateSubnet")},
		{"tags that make another's ours", "ec2:CreateTags", us + "subnet/subnet-1", "",
			keys("aws:RequestTag/emrflink:deployment", "emr-eks-flink")},
		{"instances of a template", "ec2:RunInstances", us + "instance/*", "deploy",
			keys("ec2:LaunchTemplate", us+"launch-template/lt-1")},
		{"instances without a template", "ec2:RunInstances", us + "instance/*", "", keys()},
		{"an object of our bucket", "s3:PutObject", "arn:aws:s3:::emr-eks-flink-444455556666-us-west-2-checkpoints/a/b", "job",
			keys()},
		{"an object of another bucket", "s3:GetObject", "arn:aws:s3:::emr-eks-flink-444455556666-us-west-2-other/a", "", keys()},
		{"our bucket", "s3:DeleteBucket", "arn:aws:s3:::emr-eks-flink-444455556666-us-west-2-checkpoints", "cleanup", keys()},
		{"EKS's own log group", "logs:DeleteLogGroup", logGroups + "/aws/eks/emr-eks-flink/cluster:*", "deploy cleanup", keys()},
		{"another log group", "logs:DeleteLogGroup", logGroups + "/aws/eks/other/cluster:*", "", keys()},
		{"the service role of EKS", "iam:CreateServiceLinkedRole",
			iamARN + "role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS", "deploy",
			keys("iam:AWSServiceName", "eks.amazonaws.com")},
		{"another service role", "iam:DeleteRole",
			iamARN + "role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot", "", keys()},
		{"our rule", "events:RemoveTargets", rules + "emr-eks-flink-karpenter-health", "deploy cleanup", keys()},
		{"a rule of a longer name", "events:RemoveTargets", rules + "emr-eks-flink-two-karpenter", "", keys()},
		{"a user", "iam:CreateUser", iamARN + "user/emr-eks-flink-us-west-2-x", "", keys()},
		{"the cluster's endpoint", "eks:DescribeCluster", "arn:aws:eks:us-west-2:444455556666:cluster/emr-eks-flink",
			"deploy preview job cleanup", keys()},
	}
	s := subject(t, "default")
	for _, p := range Purposes() {
		docs := parsed(t, s, p)
		for _, r := range rows {
			got := iam.Evaluate(docs, iam.Request{Action: r.action, Resource: r.resource, Context: r.keys}).Allowed
			require.Equal(t, slices.Contains(strings.Fields(r.purposes), string(p)), got, "%s: %s: %s", p, r.what, r.action)
		}
	}
}

// With a boundary, no role can be made or get a policy without it.
func TestABoundaryIsDemanded(t *testing.T) {
	t.Parallel()
	s := subjects(t)["all options"]
	docs := parsed(t, s, Deploy)
	const role = "arn:aws:iam::444455556666:role/platform/emr-eks-flink-us-west-2-core-node"
	for _, boundary := range []string{"", "arn:aws:iam::444455556666:policy/boundary", "arn:aws:iam::444455556666:policy/mine"} {
		k := keys("iam:PolicyARN", "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy")
		if boundary != "" {
			k["iam:permissionsboundary"] = []string{boundary}
		}
		for _, action := range []string{"iam:CreateRole", "iam:AttachRolePolicy", "iam:PutRolePermissionsBoundary"} {
			got := iam.Evaluate(docs, iam.Request{Action: action, Resource: role, Context: k}).Allowed
			require.Equal(t, boundary == s.Policies[0], got, "%s with %q", action, boundary)
		}
	}
	remove := iam.Request{Action: "iam:DeleteRolePermissionsBoundary", Resource: role, Context: keys()}
	require.False(t, iam.Evaluate(docs, remove).Allowed, "who may take the boundary off has none")
}

// The same stack gives the same bytes: a policy that did not change shows no difference in a review.
func TestTheSameStackGivesTheSameBytes(t *testing.T) {
	t.Parallel()
	for _, p := range Purposes() {
		a, err := New(subject(t, "options"), p)
		require.NoError(t, err)
		s := subject(t, "options")
		slices.Reverse(s.Resources)
		b, err := New(s, p)
		require.NoError(t, err)
		require.Equal(t, a, b)
	}
}

// With the account in the place of what stands for it, no document grows.
func TestThePlaceholderIsAsLongAsAnAccount(t *testing.T) {
	t.Parallel()
	require.Len(t, Placeholder, len(account))
}

func TestAnUnknownPurposeIsRefused(t *testing.T) {
	t.Parallel()
	_, err := New(subject(t, "default"), "everything")
	require.ErrorContains(t, err, `no purpose "everything"`)
}
