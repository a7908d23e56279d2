// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"errors"
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	awseks "github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"emrflink/components/deployment"
	"emrflink/components/iamdoc"
	"emrflink/components/nodelabel"
)

// NodesToken is the Pulumi type of the core nodes.
const NodesToken = "emrflink:cluster:CoreNodes"

// Labels of core nodes. Controllers select them; Flink's pods select others.
const (
	LabelNodeGroupType = nodelabel.GroupType
	LabelWorkerType    = nodelabel.WorkerType
	CoreNodeGroupType  = nodelabel.Core
	CoreWorkerType     = nodelabel.OnDemand
)

// CoreSelector selects core nodes.
func CoreSelector() map[string]string {
	return map[string]string{LabelNodeGroupType: CoreNodeGroupType}
}

// NodesArgs describe the core nodes: the managed node group on which the controllers run, above all Karpenter, which
// cannot run on nodes that it manages itself.
type NodesArgs struct {
	// Deployment is the deployment of the nodes.
	Deployment *deployment.Deployment
	// ClusterName is the cluster to join.
	ClusterName pulumi.StringInput
	// Version is the Kubernetes version of the nodes. It is the cluster's, so that the nodes are upgraded after the
	// cluster.
	Version string
	// SubnetIds are private subnets.
	SubnetIds pulumi.StringArrayInput
	// InstanceTypes are candidates, all of one architecture (amd64).
	InstanceTypes []string
	// Desired, Min and Max are the size. Karpenter's two replicas need two nodes.
	Desired, Min, Max int
	// DiskGiB is the size of the root volume.
	DiskGiB int
	// KmsKeyArn encrypts the root volumes; nil is EBS's own key.
	KmsKeyArn pulumi.StringPtrInput
	// Autoscaled lets cluster-autoscaler set the current size: a deployment does not reset it.
	Autoscaled bool
	// After are resources that must exist before a node starts and outlive the last one: network, addons of the nodes.
	After []pulumi.CustomResource
}

// Nodes is the managed node group.
type Nodes struct {
	pulumi.ResourceState

	// NodeGroup is ready when its nodes are. What runs on core nodes depends on it.
	NodeGroup pulumi.CustomResource
	// RoleArn is the nodes' role.
	RoleArn pulumi.StringOutput `pulumi:"roleArn"`
}

// NodePolicies are the policies that every node's role has. AmazonEKS_CNI_Policy is there because the VPC CNI runs with
// the node's role; AmazonSSMManagedInstanceCore opens a shell on a node without SSH.
func NodePolicies() []string {
	return []string{
		"AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryPullOnly", "AmazonSSMManagedInstanceCore",
	}
}

// NewNodes makes the core nodes.
func NewNodes(ctx *pulumi.Context, name string, args *NodesArgs, opts ...pulumi.ResourceOption) (*Nodes, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("core nodes %q: %w", name, err)
	}
	n := &Nodes{}
	if err := ctx.RegisterComponentResource(NodesToken, name, n, opts...); err != nil {
		return nil, fmt.Errorf("register %s %q: %w", NodesToken, name, err)
	}
	role, attachments, err := NodeRole(ctx, name, args.Deployment, "core-node", pulumi.Parent(n))
	if err != nil {
		return nil, err
	}
	template, err := launchTemplate(ctx, name, args, pulumi.Parent(n))
	if err != nil {
		return nil, err
	}
	groupName := args.Deployment.ResourceName("core")
	options := []pulumi.ResourceOption{pulumi.Parent(n), deployment.DependsOn(append(attachments, args.After...)...)}
	if args.Autoscaled {
		options = append(options, pulumi.IgnoreChanges([]string{"scalingConfig.desiredSize"}))
	}
	group, err := awseks.NewNodeGroup(ctx, name+"-group", &awseks.NodeGroupArgs{
		ClusterName:   args.ClusterName,
		NodeGroupName: pulumi.String(groupName),
		NodeRoleArn:   role.Arn,
		Version:       pulumi.String(args.Version),
		SubnetIds:     args.SubnetIds,
		AmiType:       pulumi.String("AL2023_x86_64_STANDARD"),
		CapacityType:  pulumi.String("ON_DEMAND"),
		InstanceTypes: pulumi.ToStringArray(args.InstanceTypes),
		ScalingConfig: awseks.NodeGroupScalingConfigArgs{
			DesiredSize: pulumi.Int(args.Desired), MinSize: pulumi.Int(args.Min), MaxSize: pulumi.Int(args.Max),
		},
		UpdateConfig: awseks.NodeGroupUpdateConfigArgs{MaxUnavailable: pulumi.Int(1)},
		LaunchTemplate: awseks.NodeGroupLaunchTemplateArgs{
			Id:      template.ID(),
			Version: pulumi.Sprintf("%d", template.LatestVersion),
		},
		Labels: pulumi.StringMap{
			LabelNodeGroupType: pulumi.String(CoreNodeGroupType), LabelWorkerType: pulumi.String(CoreWorkerType),
		},
		Tags: args.Deployment.ResourceTags(groupName),
	}, options...)
	if err != nil {
		return nil, fmt.Errorf("create node group %q: %w", groupName, err)
	}
	n.NodeGroup, n.RoleArn = group, role.Arn
	return n, ctx.RegisterResourceOutputs(n, pulumi.Map{"roleArn": n.RoleArn})
}

// NodeRole makes a role for EC2 instances that are nodes: <deployment>-<region>-<suffix>. A node's policies must be
// attached for as long as the node exists: depend on the attachments.
func NodeRole(ctx *pulumi.Context, name string, d *deployment.Deployment, suffix string,
	opts ...pulumi.ResourceOption) (*iam.Role, []pulumi.CustomResource, error) {
	trust, err := iamdoc.ServiceTrust("ec2.amazonaws.com").Trust()
	if err != nil {
		return nil, nil, err
	}
	roleName := d.AccountName(suffix)
	role, err := iam.NewRole(ctx, name+"-node-role", &iam.RoleArgs{
		Name:             pulumi.String(roleName),
		Description:      pulumi.String("Nodes of EKS cluster " + d.Name),
		AssumeRolePolicy: pulumi.String(trust), PermissionsBoundary: d.Boundary(), Path: d.Path(),
		Tags: d.ResourceTags(roleName),
	}, opts...)
	if err != nil {
		return nil, nil, fmt.Errorf("create role %q: %w", roleName, err)
	}
	var attachments []pulumi.CustomResource
	for _, policy := range NodePolicies() {
		a, err := iam.NewRolePolicyAttachment(ctx, name+"-node-"+policy, &iam.RolePolicyAttachmentArgs{
			Role: role.Name, PolicyArn: pulumi.String(d.ManagedPolicyARN(policy)),
		}, opts...)
		if err != nil {
			return nil, nil, fmt.Errorf("attach policy %q: %w", policy, err)
		}
		attachments = append(attachments, a)
	}
	mirrors, err := pullThrough(ctx, name, d, role, roleName+"-mirrors", opts...)
	return role, append(attachments, mirrors...), err
}

// MirrorPolicy has what a node needs beside the right to pull when ECR mirrors other registries: the first pull of an image
// makes its repository, and ECR fetches the image for who pulls. Source: ECR user guide, "IAM permissions required to sync
// an upstream registry with an Amazon ECR private registry".
func MirrorPolicy(d *deployment.Deployment) iamdoc.Document {
	var repositories iamdoc.Strings
	for _, e := range d.Mirrors.ECRs() {
		for _, prefix := range e.Prefixes {
			repositories = append(repositories,
				"arn:"+d.Partition+":ecr:"+e.Region+":"+e.Account+":repository/"+prefix+"*")
		}
	}
	if len(repositories) == 0 {
		return iamdoc.Document{}
	}
	return iamdoc.New(iamdoc.Allow("PullThrough",
		iamdoc.Strings{"ecr:BatchImportUpstreamImage", "ecr:CreateRepository"}, repositories))
}

// pullThrough lets nodes fill a mirror in ECR.
func pullThrough(ctx *pulumi.Context, name string, d *deployment.Deployment, role *iam.Role, policyName string,
	opts ...pulumi.ResourceOption) ([]pulumi.CustomResource, error) {
	statements := MirrorPolicy(d)
	if len(statements.Statements) == 0 {
		return nil, nil
	}
	document, err := statements.Managed()
	if err != nil {
		return nil, err
	}
	policy, err := iam.NewPolicy(ctx, name+"-node-mirrors", &iam.PolicyArgs{
		Name: pulumi.String(policyName), Description: pulumi.String("Fill the mirrors of registries of EKS cluster " + d.Name),
		Policy: pulumi.String(document), Tags: d.ResourceTags(policyName),
	}, opts...)
	if err != nil {
		return nil, fmt.Errorf("create policy of mirrors: %w", err)
	}
	attachment, err := iam.NewRolePolicyAttachment(ctx, name+"-node-mirrors-attachment", &iam.RolePolicyAttachmentArgs{
		Role: role.Name, PolicyArn: policy.Arn,
	}, opts...)
	if err != nil {
		return nil, fmt.Errorf("attach policy of mirrors: %w", err)
	}
	return []pulumi.CustomResource{attachment}, nil
}

// launchTemplate has neither image nor security group: EKS adds its image and the cluster's own group. The hop limit of
// 1, as on Flink's nodes, keeps pods from the instance metadata and so from the node's role: controllers have roles of
// their own and get their region from EKS's webhooks. Source: EKS Best Practices Guide, "Restrict access to the instance
// profile assigned to the worker node".
func launchTemplate(ctx *pulumi.Context, name string, args *NodesArgs,
	opts ...pulumi.ResourceOption) (*ec2.LaunchTemplate, error) {
	templateName := args.Deployment.ResourceName("core")
	tags := args.Deployment.ResourceTags(templateName)
	template, err := ec2.NewLaunchTemplate(ctx, name+"-template", &ec2.LaunchTemplateArgs{
		Name:                 pulumi.String(templateName),
		Description:          pulumi.String("Core nodes of EKS cluster " + args.Deployment.Name),
		UpdateDefaultVersion: pulumi.Bool(true),
		BlockDeviceMappings: ec2.LaunchTemplateBlockDeviceMappingArray{ec2.LaunchTemplateBlockDeviceMappingArgs{
			DeviceName: pulumi.String("/dev/xvda"),
			Ebs: ec2.LaunchTemplateBlockDeviceMappingEbsArgs{
				VolumeSize: pulumi.Int(args.DiskGiB), VolumeType: pulumi.String("gp3"),
				Encrypted: pulumi.String("true"), KmsKeyId: args.KmsKeyArn, DeleteOnTermination: pulumi.String("true"),
			},
		}},
		MetadataOptions: ec2.LaunchTemplateMetadataOptionsArgs{
			HttpEndpoint: pulumi.String("enabled"), HttpTokens: pulumi.String("required"), HttpPutResponseHopLimit: pulumi.Int(1),
		},
		TagSpecifications: ec2.LaunchTemplateTagSpecificationArray{
			ec2.LaunchTemplateTagSpecificationArgs{ResourceType: pulumi.String("instance"), Tags: tags},
			ec2.LaunchTemplateTagSpecificationArgs{ResourceType: pulumi.String("volume"), Tags: tags},
			ec2.LaunchTemplateTagSpecificationArgs{ResourceType: pulumi.String("network-interface"), Tags: tags},
		},
		Tags: tags,
	}, opts...)
	if err != nil {
		return nil, fmt.Errorf("create launch template %q: %w", templateName, err)
	}
	return template, nil
}

func (a *NodesArgs) validate() error {
	if a == nil {
		return errors.New("no arguments")
	}
	if err := a.Deployment.Validate(); err != nil {
		return err
	}
	switch {
	case a.ClusterName == nil || a.SubnetIds == nil:
		return errors.New("no cluster or no subnets")
	case a.Version == "":
		return errors.New("no Kubernetes version")
	case len(a.InstanceTypes) == 0:
		return errors.New("no instance types")
	case a.Min < 0 || a.Min > a.Desired || a.Desired > a.Max || a.Max < 1:
		return fmt.Errorf("size min %d, desired %d, max %d", a.Min, a.Desired, a.Max)
	case a.DiskGiB < 20:
		return fmt.Errorf("root volume of %d GiB: the image needs 20", a.DiskGiB)
	}
	return nil
}
