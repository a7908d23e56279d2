// SPDX-License-Identifier: Apache-2.0

package karpenter

import (
	"maps"

	"emrflink/components/deployment"
	"emrflink/components/iamdoc"
)

// NamedPolicy is one of the controller's policies.
type NamedPolicy struct {
	// Suffix and Description name the policy.
	Suffix, Description string
	// Document is the policy.
	Document iamdoc.Document
}

// Tag keys that Karpenter puts on what it makes, and IAM conditions that scope its permissions to them.
const (
	tagNodePool  = "karpenter.sh/nodepool"
	tagNodeClaim = "karpenter.sh/nodeclaim"
	tagNodeClass = "karpenter.k8s.aws/ec2nodeclass"
	tagCluster   = "eks:eks-cluster-name"
	tagRegion    = "topology.kubernetes.io/region"
	requestTag   = "aws:RequestTag/"
	resourceTag  = "aws:ResourceTag/"
)

// scope builds statements for one cluster.
type scope struct {
	d                         *deployment.Deployment
	nodeRoleARN, queueARN     string
	instanceProfiles, cluster string
}

// ControllerPolicies are the six policies of Karpenter 1.14's controller, as its CloudFormation template has them
// (identical from 1.12 to 1.14). They are six because one document grows beyond a managed policy's quota when the
// cluster's name has more than 17 characters. Without iam:ListInstanceProfiles a node class can never be deleted;
// ec2:DescribeInstanceStatus is needed since 1.12.
func ControllerPolicies(d *deployment.Deployment, nodeRoleARN, queueARN string) []NamedPolicy {
	s := scope{
		d: d, nodeRoleARN: nodeRoleARN, queueARN: queueARN,
		instanceProfiles: d.IAMARN("instance-profile/*"), cluster: d.ClusterARN(),
	}
	return []NamedPolicy{
		{"node-lifecycle", "Launch, tag and terminate nodes of this cluster", s.nodeLifecycle()},
		{"iam-integration", "Hand the node role to instances, keep instance profiles of this cluster", s.iamIntegration()},
		{"eks-integration", "Find the API server", iamdoc.New(
			iamdoc.Allow("AllowAPIServerEndpointDiscovery", iamdoc.Strings{"eks:DescribeCluster"}, iamdoc.Strings{s.cluster}))},
		{"interruption", "Receive interruption events", iamdoc.New(
			iamdoc.Allow("AllowInterruptionQueueActions",
				iamdoc.Strings{"sqs:DeleteMessage", "sqs:GetQueueUrl", "sqs:ReceiveMessage"}, iamdoc.Strings{queueARN}))},
		{"zonal-shift", "See whether a zone is shifted away", s.zonalShift()},
		{"resource-discovery", "Find images, instance types, subnets and prices", s.resourceDiscovery()},
	}
}

func (s scope) ec2(kinds ...string) iamdoc.Strings {
	out := make(iamdoc.Strings, 0, len(kinds))
	for _, k := range kinds {
		account := "*"
		if k == "image" || k == "snapshot" {
			account = ""
		}
		out = append(out, "arn:"+s.d.Partition+":ec2:"+s.d.Region+":"+account+":"+k+"/*")
	}
	return out
}

func (s scope) owned(prefix string) map[string]iamdoc.Strings {
	return map[string]iamdoc.Strings{prefix + "kubernetes.io/cluster/" + s.d.Name: {"owned"}}
}

func equals(all ...map[string]iamdoc.Strings) iamdoc.Conditions {
	out := map[string]iamdoc.Strings{}
	for _, m := range all {
		maps.Copy(out, m)
	}
	return iamdoc.Conditions{"StringEquals": out}
}

func anyValue(keys ...string) iamdoc.Conditions {
	out := map[string]iamdoc.Strings{}
	for _, k := range keys {
		out[k] = iamdoc.Strings{"*"}
	}
	return iamdoc.Conditions{"StringLike": out}
}

func (s scope) nodeLifecycle() iamdoc.Document {
	launch := iamdoc.Strings{"ec2:RunInstances", "ec2:CreateFleet"}
	made := s.ec2("fleet", "instance", "volume", "network-interface", "launch-template", "spot-instances-request")
	name := map[string]iamdoc.Strings{requestTag + tagCluster: {s.d.Name}}
	ours := []iamdoc.Conditions{equals(s.owned(resourceTag)), anyValue(resourceTag + tagNodePool)}
	create := map[string]iamdoc.Strings{"ec2:CreateAction": {"RunInstances", "CreateFleet", "CreateLaunchTemplate"}}
	return iamdoc.New(
		iamdoc.Allow("AllowScopedEC2InstanceAccessActions", launch,
			s.ec2("image", "snapshot", "security-group", "subnet", "capacity-reservation", "placement-group")),
		iamdoc.Allow("AllowScopedEC2LaunchTemplateAccessActions", launch, s.ec2("launch-template"), ours...),
		iamdoc.Allow("AllowScopedEC2InstanceActionsWithTags",
			iamdoc.Strings{"ec2:RunInstances", "ec2:CreateFleet", "ec2:CreateLaunchTemplate"}, made,
			equals(s.owned(requestTag), name), anyValue(requestTag+tagNodePool)),
		iamdoc.Allow("AllowScopedResourceCreationTagging", iamdoc.Strings{"ec2:CreateTags"}, made,
			equals(s.owned(requestTag), name, create), anyValue(requestTag+tagNodePool)),
		iamdoc.Allow("AllowScopedResourceTagging", iamdoc.Strings{"ec2:CreateTags"}, s.ec2("instance"),
			append(ours, iamdoc.Conditions{
				"StringEqualsIfExists":      name,
				"ForAllValues:StringEquals": {"aws:TagKeys": {tagCluster, tagNodeClaim, "Name"}},
			})...),
		iamdoc.Allow("AllowScopedDeletion", iamdoc.Strings{"ec2:TerminateInstances", "ec2:DeleteLaunchTemplate"},
			s.ec2("instance", "launch-template"), ours...),
	)
}

func (s scope) iamIntegration() iamdoc.Document {
	profiles := iamdoc.Strings{s.instanceProfiles}
	region := func(prefix string) map[string]iamdoc.Strings {
		return map[string]iamdoc.Strings{prefix + tagRegion: {s.d.Region}}
	}
	name := map[string]iamdoc.Strings{requestTag + tagCluster: {s.d.Name}}
	return iamdoc.New(
		iamdoc.Allow("AllowPassingInstanceRole", iamdoc.Strings{"iam:PassRole"}, iamdoc.Strings{s.nodeRoleARN},
			iamdoc.Conditions{"StringEquals": {"iam:PassedToService": {"ec2.amazonaws.com", "ec2.amazonaws.com.cn"}}}),
		iamdoc.Allow("AllowScopedInstanceProfileCreationActions", iamdoc.Strings{"iam:CreateInstanceProfile"}, profiles,
			equals(s.owned(requestTag), name, region(requestTag)), anyValue(requestTag+tagNodeClass)),
		iamdoc.Allow("AllowScopedInstanceProfileTagActions", iamdoc.Strings{"iam:TagInstanceProfile"}, profiles,
			equals(s.owned(resourceTag), region(resourceTag), s.owned(requestTag), name, region(requestTag)),
			anyValue(resourceTag+tagNodeClass, requestTag+tagNodeClass)),
		iamdoc.Allow("AllowScopedInstanceProfileActions",
			iamdoc.Strings{
				"iam:AddRoleToInstanceProfile", "iam:RemoveRoleFromInstanceProfile", "iam:DeleteInstanceProfile",
			}, profiles,
			equals(s.owned(resourceTag), region(resourceTag)), anyValue(resourceTag+tagNodeClass)),
	)
}

// zonalShift has a wildcard because arc-zonal-shift:GetManagedResource is scoped by a condition in Karpenter's template.
func (s scope) zonalShift() iamdoc.Document {
	return iamdoc.New(iamdoc.Allow("AllowZonalShiftStatusReadOnly",
		iamdoc.Strings{"arc-zonal-shift:GetManagedResource"}, iamdoc.Strings{"*"},
		equals(map[string]iamdoc.Strings{"arc-zonal-shift:ResourceIdentifier": {s.cluster}})))
}

// resourceDiscovery has wildcards because AWS defines no resource type for ec2:Describe*, pricing:GetProducts and
// iam:ListInstanceProfiles; the EC2 calls are confined to the region.
func (s scope) resourceDiscovery() iamdoc.Document {
	everything := iamdoc.Strings{"*"}
	return iamdoc.New(
		iamdoc.Allow("AllowRegionalReadActions", iamdoc.Strings{
			"ec2:DescribeCapacityReservations", "ec2:DescribeImages", "ec2:DescribeInstances", "ec2:DescribeInstanceStatus",
			"ec2:DescribeInstanceTypeOfferings", "ec2:DescribeInstanceTypes", "ec2:DescribeLaunchTemplates",
			"ec2:DescribePlacementGroups", "ec2:DescribeSecurityGroups", "ec2:DescribeSpotPriceHistory", "ec2:DescribeSubnets",
		}, everything, equals(map[string]iamdoc.Strings{"aws:RequestedRegion": {s.d.Region}})),
		iamdoc.Allow("AllowSSMReadActions", iamdoc.Strings{"ssm:GetParameter"},
			iamdoc.Strings{"arn:" + s.d.Partition + ":ssm:" + s.d.Region + "::parameter/aws/service/*"}),
		iamdoc.Allow("AllowPricingReadActions", iamdoc.Strings{"pricing:GetProducts"}, everything),
		iamdoc.Allow("AllowUnscopedInstanceProfileListAction", iamdoc.Strings{"iam:ListInstanceProfiles"}, everything),
		iamdoc.Allow("AllowInstanceProfileReadActions", iamdoc.Strings{"iam:GetInstanceProfile"},
			iamdoc.Strings{s.instanceProfiles}),
	)
}
