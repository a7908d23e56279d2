// SPDX-License-Identifier: Apache-2.0

package iam

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/require"
)

// controllerPolicy has the kinds of statements of Karpenter's controller policy that carry conditions.
const controllerPolicy = `{"Version":"2012-10-17","Statement":[
{"Sid":"Networks","Effect":"Allow","Action":["ec2:RunInstances","ec2:CreateFleet"],
 "Resource":["arn:aws:ec2:us-west-2::image/*","arn:aws:ec2:us-west-2:*:security-group/*","arn:aws:ec2:us-west-2:*:subnet/*"]},
{"Sid":"Templates","Effect":"Allow","Action":["ec2:RunInstances","ec2:CreateFleet"],` +
	`"Resource":"arn:aws:ec2:us-west-2:*:launch-template/*",
 "Condition":{"StringEquals":{"aws:ResourceTag/kubernetes.io/cluster/demo":"owned"},` +
	`"StringLike":{"aws:ResourceTag/karpenter.sh/nodepool":"*"}}},
{"Sid":"Launch","Effect":"Allow","Action":["ec2:RunInstances","ec2:CreateFleet","ec2:CreateLaunchTemplate"],
 "Resource":["arn:aws:ec2:us-west-2:*:fleet/*","arn:aws:ec2:us-west-2:*:instance/*","arn:aws:ec2:us-west-2:*:launch-template/*"],
 "Condition":{"StringEquals":{"aws:RequestTag/kubernetes.io/cluster/demo":"owned","aws:RequestTag/eks:eks-cluster-name":"demo"},
 "StringLike":{"aws:RequestTag/karpenter.sh/nodepool":"*"}}},
{"Sid":"TagOnCreate","Effect":"Allow","Action":"ec2:CreateTags",` +
	`"Resource":["arn:aws:ec2:us-west-2:*:instance/*","arn:aws:ec2:us-west-2:*:launch-template/*"],
 "Condition":{"StringEquals":{"aws:RequestTag/kubernetes.io/cluster/demo":"owned",` +
	`"ec2:CreateAction":["RunInstances","CreateFleet","CreateLaunchTemplate"]}}},
{"Sid":"Tag","Effect":"Allow","Action":"ec2:CreateTags","Resource":"arn:aws:ec2:us-west-2:*:instance/*",
 "Condition":{"StringEquals":{"aws:ResourceTag/kubernetes.io/cluster/demo":"owned"},
 "StringEqualsIfExists":{"aws:RequestTag/eks:eks-cluster-name":"demo"},
 "ForAllValues:StringEquals":{"aws:TagKeys":["eks:eks-cluster-name","karpenter.sh/nodeclaim","Name"]}}},
{"Sid":"Delete","Effect":"Allow","Action":["ec2:TerminateInstances","ec2:DeleteLaunchTemplate"],
 "Resource":["arn:aws:ec2:us-west-2:*:instance/*","arn:aws:ec2:us-west-2:*:launch-template/*"],
 "Condition":{"StringEquals":{"aws:ResourceTag/kubernetes.io/cluster/demo":"owned"},` +
	`"StringLike":{"aws:ResourceTag/karpenter.sh/nodepool":"*"}}},
{"Sid":"PassRole","Effect":"Allow","Action":"iam:PassRole","Resource":"arn:aws:iam::111122223333:role/demo-node",
 "Condition":{"StringEquals":{"iam:PassedToService":["ec2.amazonaws.com","ec2.amazonaws.com.cn"]}}},
{"Sid":"Reads","Effect":"Allow","Action":["ec2:DescribeInstances","ec2:DescribeSubnets"],"Resource":"*",
 "Condition":{"StringEquals":{"aws:RequestedRegion":"us-west-2"}}},
{"Sid":"Parameters","Effect":"Allow","Action":"ssm:GetParameter","Resource":"arn:aws:ssm:us-west-2::parameter/aws/service/*"}]}`

func TestKarpentersControllerPolicy(t *testing.T) {
	t.Parallel()
	const (
		instance = "arn:aws:ec2:us-west-2:111122223333:instance/i-1"
		template = "arn:aws:ec2:us-west-2:111122223333:launch-template/lt-1"
	)
	type keys = map[string][]string
	request := keys{
		"aws:RequestTag/kubernetes.io/cluster/demo": {"owned"}, "aws:RequestTag/eks:eks-cluster-name": {"demo"},
		"aws:RequestTag/karpenter.sh/nodepool": {"flink"},
	}
	resource := keys{"aws:ResourceTag/kubernetes.io/cluster/demo": {"owned"}, "aws:ResourceTag/karpenter.sh/nodepool": {"flink"}}
	with := func(base keys, more keys) keys {
		out := maps.Clone(base)
		maps.Copy(out, more)
		return out
	}
	for name, c := range map[string]struct {
		action, resource string
		keys             keys
		want             string // the Sid, or "" for a denial
	}{
		"a fleet in a subnet": {"ec2:CreateFleet", "arn:aws:ec2:us-west-2:111122223333:subnet/subnet-1", nil,
			"Networks"},
		"a fleet with its own template": {"ec2:CreateFleet", template, resource, "Templates"},
		"a fleet with a stranger's template": {"ec2:CreateFleet", template,
			keys{"aws:ResourceTag/karpenter.sh/nodepool": {"flink"}}, ""},
		"an instance with the tags": {"ec2:RunInstances", instance, request, "Launch"},
		"an instance without tags":  {"ec2:RunInstances", instance, nil, ""},
		"an instance for another cluster": {"ec2:RunInstances", instance,
			with(request, keys{"aws:RequestTag/eks:eks-cluster-name": {"other"}}), ""},
		"an instance in another region": {"ec2:RunInstances", "arn:aws:ec2:eu-west-1:111122223333:instance/i-1", request,
			""},
		"a template with the tags": {"ec2:CreateLaunchTemplate", template, request, "Launch"},
		"tags on creation": {"ec2:CreateTags", instance,
			with(request, keys{"ec2:CreateAction": {"CreateFleet"}}), "TagOnCreate"},
		"tags on creation by another action": {"ec2:CreateTags", instance,
			with(request, keys{"ec2:CreateAction": {"CreateVolume"}}), ""},
		"the name of its own node": {"ec2:CreateTags", instance,
			with(resource, keys{"aws:TagKeys": {"Name", "karpenter.sh/nodeclaim"}}), "Tag"},
		"another tag on its own node": {"ec2:CreateTags", instance,
			with(resource, keys{"aws:TagKeys": {"Name", "team"}}), ""},
		"a tag that claims another cluster": {"ec2:CreateTags", instance,
			with(resource, keys{"aws:TagKeys": {"eks:eks-cluster-name"}, "aws:RequestTag/eks:eks-cluster-name": {"x"}}), ""},
		"the end of its own node": {"ec2:TerminateInstances", instance, resource, "Delete"},
		"the end of a node that is not its own": {"ec2:TerminateInstances", instance,
			keys{"aws:ResourceTag/kubernetes.io/cluster/other": {"owned"}}, ""},
		"the end of a node without a node pool": {"ec2:TerminateInstances", instance,
			keys{"aws:ResourceTag/kubernetes.io/cluster/demo": {"owned"}}, ""},
		"passing the node role to EC2": {"iam:PassRole", "arn:aws:iam::111122223333:role/demo-node",
			keys{"iam:PassedToService": {"ec2.amazonaws.com"}}, "PassRole"},
		"passing the node role to another": {"iam:PassRole", "arn:aws:iam::111122223333:role/demo-node",
			keys{"iam:PassedToService": {"lambda.amazonaws.com"}}, ""},
		"passing another role": {"iam:PassRole", "arn:aws:iam::111122223333:role/admin",
			keys{"iam:PassedToService": {"ec2.amazonaws.com"}}, ""},
		"a read in the region": {"ec2:DescribeInstances", "*", keys{"aws:RequestedRegion": {"us-west-2"}},
			"Reads"},
		"a read elsewhere": {"ec2:DescribeInstances", "*", keys{"aws:RequestedRegion": {"eu-west-1"}}, ""},
		"a parameter of Amazon's": {"ssm:GetParameter",
			"arn:aws:ssm:us-west-2::parameter/aws/service/eks/optimized-ami", nil, "Parameters"},
		"a parameter of the account's": {"ssm:GetParameter", "arn:aws:ssm:us-west-2:111122223333:parameter/secret", nil,
			""},
		"what the policy does not speak of": {"ec2:DeleteVpc", "arn:aws:ec2:us-west-2:111122223333:vpc/vpc-1", resource, ""},
	} {
		doc := parse(t, controllerPolicy)
		require.NoError(t, doc.CheckIdentity())
		got := Evaluate([]Document{doc}, Request{Action: c.action, Resource: c.resource, Context: c.keys})
		require.Equal(t, c.want != "", got.Allowed, name)
		require.Equal(t, c.want, got.Statement, name)
		require.False(t, got.ExplicitDeny, name)
	}
}
