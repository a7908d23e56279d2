// SPDX-License-Identifier: Apache-2.0

package karpenter

import (
	"errors"
	"fmt"

	awseks "github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"emrflink/components/cluster"
	"emrflink/components/deployment"
	"emrflink/components/helm"
	"emrflink/components/irsa"
	"emrflink/components/versions"
)

// Token is the Pulumi type of the component.
const Token = "emrflink:karpenter:Karpenter"

// The namespace and service account of the controller. In kube-system it needs neither a quota for its priority class
// nor its own flow schema.
const (
	Namespace      = "kube-system"
	ServiceAccount = "karpenter"
)

// Args describe Karpenter.
type Args struct {
	// Deployment is the deployment of Karpenter; the cluster has the deployment's name.
	Deployment *deployment.Deployment
	// ClusterName is the cluster, OidcProviderArn and OidcIssuer its identity provider.
	ClusterName, OidcProviderArn, OidcIssuer pulumi.StringInput
	// PodIdentityCluster replaces the identity provider; see package irsa.
	PodIdentityCluster pulumi.StringInput
	// Isolated says that what has no endpoint in the VPC cannot be reached: the price list and IAM.
	Isolated bool
	// Kubernetes is the provider of the cluster.
	Kubernetes *kubernetes.Provider
	// After must be ready first and outlive Karpenter: core nodes, CoreDNS, the internet access.
	After []pulumi.CustomResource
}

// Karpenter is the installed controller with everything that it needs in AWS.
type Karpenter struct {
	pulumi.ResourceState

	// ControllerRoleArn and NodeRoleArn are the roles of the controller and of the nodes.
	ControllerRoleArn pulumi.StringOutput `pulumi:"controllerRoleArn"`
	NodeRoleArn       pulumi.StringOutput `pulumi:"nodeRoleArn"`
	// InstanceProfile is the name of the nodes' instance profile.
	InstanceProfile pulumi.StringOutput `pulumi:"instanceProfile"`
	// QueueName is the name of the interruption queue.
	QueueName pulumi.StringOutput `pulumi:"queueName"`
	// Needs must outlive every node: the controller, its permissions, and the role and access entry of the nodes.
	Needs []pulumi.CustomResource
}

// NewKarpenter installs the controller.
func NewKarpenter(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Karpenter, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("karpenter %q: %w", name, err)
	}
	k := &Karpenter{}
	if err := ctx.RegisterComponentResource(Token, name, k, opts...); err != nil {
		return nil, fmt.Errorf("register %s %q: %w", Token, name, err)
	}
	parent := pulumi.Parent(k)
	queue, err := newInterruption(ctx, name, args.Deployment, parent)
	if err != nil {
		return nil, err
	}
	k.QueueName = queue.name
	if err := k.nodeIdentity(ctx, name, args, parent); err != nil {
		return nil, err
	}
	controller, err := controllerRole(ctx, name, args, parent)
	if err != nil {
		return nil, err
	}
	k.ControllerRoleArn = controller.Arn
	k.Needs = append(append(k.Needs, queue.needs...), controller.Attachments...)
	if err := k.install(ctx, name, args, controller, parent); err != nil {
		return nil, err
	}
	return k, ctx.RegisterResourceOutputs(k, pulumi.Map{
		"controllerRoleArn": k.ControllerRoleArn, "nodeRoleArn": k.NodeRoleArn,
		"instanceProfile": k.InstanceProfile, "queueName": k.QueueName,
	})
}

// nodeIdentity makes the nodes' role, its instance profile, and the access entry by which they join the cluster. The
// role is not shared with the core nodes: EKS makes the entry of a managed node group's role itself.
func (k *Karpenter) nodeIdentity(ctx *pulumi.Context, name string, args *Args, parent pulumi.ResourceOption) error {
	role, attachments, err := cluster.NodeRole(ctx, name, args.Deployment, "karpenter-node", parent)
	if err != nil {
		return err
	}
	profileName := args.Deployment.AccountName("karpenter-node")
	profile, err := iam.NewInstanceProfile(ctx, name+"-node-profile", &iam.InstanceProfileArgs{
		Name: pulumi.String(profileName), Role: role.Name, Tags: args.Deployment.ResourceTags(profileName),
	}, parent)
	if err != nil {
		return fmt.Errorf("create instance profile %q: %w", profileName, err)
	}
	entry, err := awseks.NewAccessEntry(ctx, name+"-node-access", &awseks.AccessEntryArgs{
		ClusterName:  args.ClusterName,
		PrincipalArn: role.Arn,
		Type:         pulumi.String("EC2_LINUX"),
		Tags:         args.Deployment.ResourceTags(profileName),
		// EKS refuses a role that IAM has only just made; the attachments take the time that it needs.
	}, parent, deployment.DependsOn(attachments...))
	if err != nil {
		return fmt.Errorf("create access entry of nodes: %w", err)
	}
	k.NodeRoleArn, k.InstanceProfile = role.Arn, profile.Name
	k.Needs = append(append(k.Needs, profile, entry), attachments...)
	return nil
}

// controllerRole writes the ARNs of node role and queue from their names: the policies are then readable in a preview,
// before either exists.
func controllerRole(ctx *pulumi.Context, name string, args *Args, parent pulumi.ResourceOption) (*irsa.Role, error) {
	d := args.Deployment
	nodeRoleARN := d.RoleARN(d.AccountName("karpenter-node"))
	queueARN := d.ARN("sqs", queueName(d))
	var policies []irsa.Policy
	for _, p := range ControllerPolicies(d, nodeRoleARN, queueARN) {
		document, err := p.Document.Managed()
		if err != nil {
			return nil, fmt.Errorf("policy %q: %w", p.Suffix, err)
		}
		policies = append(policies, irsa.Policy{Suffix: p.Suffix, Description: p.Description, Document: pulumi.String(document)})
	}
	return irsa.NewRole(ctx, name+"-controller", &irsa.Args{
		Deployment:         d,
		RoleName:           d.AccountName("karpenter"),
		Description:        "Karpenter of EKS cluster " + d.Name,
		OidcProviderArn:    args.OidcProviderArn,
		OidcIssuer:         args.OidcIssuer,
		PodIdentityCluster: args.PodIdentityCluster,
		Namespace:          Namespace,
		ServiceAccounts:    []string{ServiceAccount},
		Policies:           policies,
	}, parent)
}

// install installs the CRDs, then the controller. The CRDs have a chart of their own because Helm never upgrades those
// of a chart's crds/ directory; the controller's chart must then leave its copies out.
func (k *Karpenter) install(ctx *pulumi.Context, name string, args *Args, role *irsa.Role, parent pulumi.ResourceOption) error {
	provider := pulumi.Provider(args.Kubernetes)
	crdChart, chart := versions.KarpenterCRD(), versions.Karpenter()
	crds, err := helm.NewRelease(ctx, name+"-crds", &helm.Args{
		Name: "karpenter-crd", Chart: crdChart.Name, Version: crdChart.Version, Namespace: pulumi.String(Namespace),
		Mirrors: args.Deployment.Mirrors,
	}, parent, provider, deployment.DependsOn(append(append([]pulumi.CustomResource{}, k.Needs...), args.After...)...))
	if err != nil {
		return err
	}
	resources := pulumi.StringMap{"cpu": pulumi.String("1"), "memory": pulumi.String("1Gi")}
	selector := cluster.CoreSelector()
	selector["kubernetes.io/os"] = "linux"
	settings := pulumi.Map{"clusterName": pulumi.String(args.Deployment.Name), "interruptionQueue": k.QueueName}
	if args.Isolated {
		settings["isolatedVPC"] = pulumi.Bool(true)
	}
	controller, err := helm.NewRelease(ctx, name+"-chart", &helm.Args{
		Name: "karpenter", Chart: chart.Name, Version: chart.Version, Namespace: pulumi.String(Namespace), SkipCRDs: true,
		Mirrors: args.Deployment.Mirrors, Images: chart.Images,
		Values: pulumi.Map{
			"settings": settings,
			"serviceAccount": pulumi.Map{
				"create": pulumi.Bool(true), "name": pulumi.String(ServiceAccount),
				"annotations": role.Annotations(),
			},
			"replicas":     pulumi.Int(2),
			"controller":   pulumi.Map{"resources": pulumi.Map{"requests": resources, "limits": resources}},
			"nodeSelector": pulumi.ToStringMap(selector),
		},
	}, parent, provider, deployment.DependsOn(append([]pulumi.CustomResource{crds}, args.After...)...))
	if err != nil {
		return err
	}
	k.Needs = append(k.Needs, crds, controller)
	return nil
}

func (a *Args) validate() error {
	switch {
	case a == nil:
		return errors.New("no arguments")
	case a.ClusterName == nil || a.OidcProviderArn == nil || a.OidcIssuer == nil:
		return errors.New("no cluster or no OIDC provider")
	case a.Kubernetes == nil:
		return errors.New("no Kubernetes provider")
	case len(a.After) == 0:
		return errors.New("nothing to wait for: the core nodes must be ready first")
	}
	return a.Deployment.Validate()
}
