// SPDX-License-Identifier: Apache-2.0

package eksprov

import (
	"crypto/sha1" // the names of the real component's children are made with it
	"encoding/hex"
	"fmt"
	"maps"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// builder registers the children, in the order of their dependencies. The first
// error stops it.
type builder struct {
	ctx    *pulumi.Context
	name   string
	args   *args
	parent pulumi.Resource
	err    error

	clusterGroup, nodeGroup *ec2.SecurityGroup
	ingress                 *ec2.SecurityGroupRule
	clusterRole             *serviceRole
	nodeRole                *serviceRole // nil when instanceRoles is given
	cluster                 *eks.Cluster
	entry                   *eks.AccessEntry
	kubernetes              *kubernetes.Provider
	kubeconfig              pulumi.StringOutput
}

// serviceRole is the component's own child component of the same name: a role
// that a service assumes, and the managed policies attached to it.
type serviceRole struct {
	pulumi.ResourceState

	role        *iam.Role
	attachments []pulumi.Resource
}

func (b *builder) build() {
	for _, step := range []func() error{
		b.roles, b.clusterSecurityGroup, b.eksCluster, b.accessEntry, b.providers, b.nodeSecurityGroup, b.rules,
	} {
		if b.err = step(); b.err != nil {
			return
		}
	}
}

func (b *builder) aws(more ...pulumi.ResourceOption) []pulumi.ResourceOption {
	return append([]pulumi.ResourceOption{pulumi.Parent(b.parent), pulumi.Version(awsVersion)}, more...)
}

func (b *builder) roles() (err error) {
	b.clusterRole, err = b.serviceRole("eksRole", "eks.amazonaws.com", "Allows EKS to manage clusters on your behalf.",
		"AmazonEKSClusterPolicy")
	if err != nil || b.args.InstanceRoles != nil {
		return err
	}
	b.nodeRole, err = b.serviceRole("instanceRole", "ec2.amazonaws.com", "",
		"AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryReadOnly")
	return err
}

func (b *builder) serviceRole(suffix, service, description string, policies ...string) (*serviceRole, error) {
	name := b.name + "-" + suffix
	r := &serviceRole{}
	props, managed := pulumi.Map{"service": pulumi.String(service)}, pulumi.Array{}
	roleArgs := &iam.RoleArgs{
		AssumeRolePolicy: pulumi.String(fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Action":["sts:AssumeRole"],`+
			`"Effect":"Allow","Principal":{"Service":[%q]}}]}`, service)),
		Tags: b.args.Tags,
	}
	if description != "" {
		props["description"], roleArgs.Description = pulumi.String(description), pulumi.String(description)
	}
	for _, p := range policies {
		arn := pulumi.String(policyARN(p))
		managed = append(managed, pulumi.Map{"arn": arn, "id": arn})
	}
	props["managedPolicyArns"] = managed
	if b.args.Tags != nil {
		props["tags"] = b.args.Tags
	}
	err := b.ctx.RegisterComponentResourceV2("eks:index:ServiceRole", name, props, r, pulumi.Parent(b.parent))
	if err != nil {
		return nil, err
	}
	under := []pulumi.ResourceOption{pulumi.Parent(r), pulumi.Version(awsVersion)}
	if r.role, err = iam.NewRole(b.ctx, name+"-role", roleArgs, under...); err != nil {
		return nil, err
	}
	for _, p := range policies {
		a, err := iam.NewRolePolicyAttachment(b.ctx, name+"-"+shortHash(policyARN(p)), &iam.RolePolicyAttachmentArgs{
			PolicyArn: pulumi.String(policyARN(p)), Role: r.role,
		}, under...)
		if err != nil {
			return nil, err
		}
		r.attachments = append(r.attachments, a)
	}
	return r, b.ctx.RegisterResourceOutputs(r, pulumi.Map{"role": r.role})
}

// policyARN is a policy that AWS manages. The component writes the partition of
// the commercial regions down.
func policyARN(name string) string { return "arn:aws:iam::aws:policy/" + name }

func shortHash(s string) string {
	sum := sha1.Sum([]byte(s))
	return hex.EncodeToString(sum[:])[:8]
}

func (b *builder) clusterSecurityGroup() (err error) {
	name := b.name + "-eksClusterSecurityGroup"
	b.clusterGroup, err = ec2.NewSecurityGroup(b.ctx, name, &ec2.SecurityGroupArgs{
		VpcId: b.args.VpcId, RevokeRulesOnDelete: pulumi.Bool(true), Description: pulumi.String("Managed by Pulumi"),
		Tags: tags(name, nil, b.args.ClusterSecurityGroupTags, b.args.Tags),
	}, b.aws()...)
	return err
}

// tags are a resource's: its name, an owned cluster when there is one, its own
// and the component's.
func tags(name string, owned pulumi.StringInput, own, all pulumi.StringMapInput) pulumi.StringMapInput {
	parts := []any{pulumi.StringMap{}.ToStringMapOutput(), pulumi.StringMap{}.ToStringMapOutput(), pulumi.String("")}
	if own != nil {
		parts[0] = own
	}
	if all != nil {
		parts[1] = all
	}
	if owned != nil {
		parts[2] = owned
	}
	return pulumi.All(parts...).ApplyT(func(v []any) map[string]string {
		out := map[string]string{"Name": name}
		if cluster, _ := v[2].(string); cluster != "" {
			out["kubernetes.io/cluster/"+cluster] = "owned"
		}
		for _, part := range v[:2] {
			m, _ := part.(map[string]string)
			maps.Copy(out, m)
		}
		return out
	}).(pulumi.StringMapOutput)
}

func (b *builder) eksCluster() (err error) {
	a, name := b.args, b.name+"-eksCluster"
	clusterArgs := &eks.ClusterArgs{
		AccessConfig: eks.ClusterAccessConfigArgs{
			AuthenticationMode:                      pulumi.String(*a.AuthenticationMode),
			BootstrapClusterCreatorAdminPermissions: pulumi.Bool(true),
		},
		RoleArn: b.clusterRole.role.Arn, Version: a.Version, Name: a.Name, EnabledClusterLogTypes: a.EnabledClusterLogTypes,
		Tags: tags(name, nil, a.ClusterTags, a.Tags),
		VpcConfig: eks.ClusterVpcConfigArgs{
			SubnetIds:             b.subnets(),
			SecurityGroupIds:      pulumi.StringArray{b.clusterGroup.ID()},
			EndpointPrivateAccess: a.EndpointPrivateAccess,
			EndpointPublicAccess:  a.EndpointPublicAccess,
			PublicAccessCidrs:     a.PublicAccessCidrs,
		},
	}
	if a.EncryptionConfigKeyArn != nil {
		clusterArgs.EncryptionConfig = eks.ClusterEncryptionConfigArgs{
			Provider: eks.ClusterEncryptionConfigProviderArgs{
				KeyArn: a.EncryptionConfigKeyArn.ToStringPtrOutput().Elem(),
			},
			Resources: pulumi.ToStringArray([]string{"secrets"}),
		}
	}
	if a.KubernetesServiceIpAddressRange != nil || a.IpFamily != nil {
		clusterArgs.KubernetesNetworkConfig = eks.ClusterKubernetesNetworkConfigArgs{
			ServiceIpv4Cidr: a.KubernetesServiceIpAddressRange, IpFamily: a.IpFamily,
		}
	}
	b.cluster, err = eks.NewCluster(b.ctx, name, clusterArgs, b.aws(
		pulumi.DependsOn(b.clusterRole.attachments),
		// EKS only takes the setting on create, and forgets it.
		pulumi.IgnoreChanges([]string{"accessConfig.bootstrapClusterCreatorAdminPermissions"}),
	)...)
	return err
}

// subnets are where the control plane gets its network interfaces: the public
// subnets, then the private ones, unless subnetIds names them.
func (b *builder) subnets() pulumi.StringArrayInput {
	if b.args.SubnetIds != nil {
		return b.args.SubnetIds
	}
	public, private := b.args.PublicSubnetIds, b.args.PrivateSubnetIds
	if public == nil {
		return private
	}
	if private == nil {
		return public
	}
	return pulumi.All(public, private).ApplyT(func(v []any) []string {
		first, _ := v[0].([]string)
		second, _ := v[1].([]string)
		return append(append([]string{}, first...), second...)
	}).(pulumi.StringArrayOutput)
}

// accessEntry lets nodes with the component's instance role join.
func (b *builder) accessEntry() (err error) {
	if b.nodeRole == nil {
		return nil
	}
	b.entry, err = eks.NewAccessEntry(b.ctx, b.name+"-defaultNodeGroupInstanceRole", &eks.AccessEntryArgs{
		ClusterName: b.cluster.Name, PrincipalArn: b.nodeRole.role.Arn, Type: pulumi.String("EC2_LINUX"),
	}, b.aws(pulumi.DependsOn(b.nodeRole.attachments))...)
	return err
}

// providers are the two Kubernetes providers that the component makes: for its
// own resources and for its output.
func (b *builder) providers() (err error) {
	b.kubeconfig = kubeconfig(b.cluster)
	for _, suffix := range []string{"-eks-k8s", "-provider"} {
		b.kubernetes, err = kubernetes.NewProvider(b.ctx, b.name+suffix, &kubernetes.ProviderArgs{Kubeconfig: b.kubeconfig},
			pulumi.Parent(b.parent), pulumi.Version(kubernetesVersion))
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) nodeSecurityGroup() (err error) {
	name := b.name + "-nodeSecurityGroup"
	b.nodeGroup, err = ec2.NewSecurityGroup(b.ctx, name, &ec2.SecurityGroupArgs{
		VpcId: b.args.VpcId, RevokeRulesOnDelete: pulumi.Bool(true), Description: pulumi.String("Managed by Pulumi"),
		Tags: tags(name, b.cluster.Name, b.args.NodeSecurityGroupTags, b.args.Tags),
	}, b.aws(pulumi.DependsOn([]pulumi.Resource{b.cluster}))...)
	return err
}
