// SPDX-License-Identifier: Apache-2.0

package addons

import (
	"errors"
	"fmt"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"emrflink/components/cluster"
	"emrflink/components/deployment"
	"emrflink/components/helm"
	"emrflink/components/iamdoc"
	"emrflink/components/irsa"
	"emrflink/components/versions"
)

// AutoscalerToken is the Pulumi type of cluster-autoscaler.
const AutoscalerToken = "emrflink:addons:ClusterAutoscaler"

// autoscalerAccount is the service account that the role trusts.
const autoscalerAccount = "cluster-autoscaler"

// AutoscalerArgs describe cluster-autoscaler.
type AutoscalerArgs struct {
	// Deployment is its deployment; the cluster has the deployment's name.
	Deployment *deployment.Deployment
	// OidcProviderArn and OidcIssuer are the cluster's identity provider; PodIdentityCluster replaces it, see package irsa.
	OidcProviderArn, OidcIssuer, PodIdentityCluster pulumi.StringInput
	// Kubernetes is the provider of the cluster.
	Kubernetes *kubernetes.Provider
	// After must be ready first: core nodes, CoreDNS.
	After []pulumi.CustomResource
}

// Autoscaler is the installed controller.
type Autoscaler struct {
	pulumi.ResourceState

	// Release is the chart's release.
	Release *helm.Release
}

// NewClusterAutoscaler installs cluster-autoscaler for the core nodes. It manages only Auto Scaling groups that EKS has
// tagged with this cluster's name. Karpenter's nodes are in no such group, so the two never manage the same node. For a
// pod that fits only Flink's nodes cluster-autoscaler adds no node, because the core node that it simulates does not
// have the labels of Flink's nodes.
func NewClusterAutoscaler(ctx *pulumi.Context, name string, args *AutoscalerArgs,
	opts ...pulumi.ResourceOption) (*Autoscaler, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("cluster-autoscaler %q: %w", name, err)
	}
	a := &Autoscaler{}
	if err := ctx.RegisterComponentResource(AutoscalerToken, name, a, opts...); err != nil {
		return nil, fmt.Errorf("register %s %q: %w", AutoscalerToken, name, err)
	}
	document, err := AutoscalerPolicy(args.Deployment).Managed()
	if err != nil {
		return nil, err
	}
	role, err := irsa.NewRole(ctx, name+"-irsa", &irsa.Args{
		Deployment:      args.Deployment,
		RoleName:        args.Deployment.AccountName("autoscaler"),
		Description:     "cluster-autoscaler of EKS cluster " + args.Deployment.Name,
		OidcProviderArn: args.OidcProviderArn, OidcIssuer: args.OidcIssuer, PodIdentityCluster: args.PodIdentityCluster,
		Namespace:       "kube-system",
		ServiceAccounts: []string{autoscalerAccount},
		Policies: []irsa.Policy{{
			Suffix: "scale", Description: "Resize the Auto Scaling groups of the cluster", Document: pulumi.String(document),
		}},
	}, pulumi.Parent(a))
	if err != nil {
		return nil, err
	}
	chart := versions.ClusterAutoscaler()
	a.Release, err = helm.NewRelease(ctx, name+"-chart", &helm.Args{
		Name: "cluster-autoscaler", Chart: chart.Name, Repo: chart.Repo, Version: chart.Version,
		Mirrors: args.Deployment.Mirrors, Images: chart.Images,
		Namespace: pulumi.String("kube-system"),
		Values: pulumi.Map{
			"autoDiscovery": pulumi.Map{"clusterName": pulumi.String(args.Deployment.Name)},
			"awsRegion":     pulumi.String(args.Deployment.Region),
			"nodeSelector":  pulumi.ToStringMap(cluster.CoreSelector()),
			"rbac": pulumi.Map{"serviceAccount": pulumi.Map{
				"create": pulumi.Bool(true), "name": pulumi.String(autoscalerAccount), "annotations": role.Annotations(),
			}},
		},
	}, pulumi.Parent(a), pulumi.Provider(args.Kubernetes), deployment.DependsOn(append(role.Attachments, args.After...)...))
	if err != nil {
		return nil, err
	}
	return a, ctx.RegisterResourceOutputs(a, pulumi.Map{})
}

// AutoscalerPolicy has the permissions of cluster-autoscaler. AWS defines no resource type for the calls that read
// (except eks:DescribeNodegroup, which is limited to the cluster); the calls that change are limited to groups that EKS
// tagged. Source: kubernetes/autoscaler, cluster-autoscaler/cloudprovider/aws/README.md, "Full Cluster Autoscaler
// Features Policy".
func AutoscalerPolicy(d *deployment.Deployment) iamdoc.Document {
	return iamdoc.New(
		iamdoc.Allow("Look", iamdoc.Strings{
			"autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeAutoScalingInstances",
			"autoscaling:DescribeLaunchConfigurations", "autoscaling:DescribeScalingActivities", "autoscaling:DescribeTags",
			"ec2:DescribeImages", "ec2:DescribeInstanceTypes", "ec2:DescribeLaunchTemplateVersions",
			"ec2:GetInstanceTypesFromInstanceRequirements",
		}, iamdoc.Strings{"*"}),
		iamdoc.Allow("ReadNodeGroup", iamdoc.Strings{"eks:DescribeNodegroup"},
			iamdoc.Strings{d.ARN("eks", "nodegroup/"+d.Name+"/*")}),
		iamdoc.Allow("Resize", iamdoc.Strings{
			"autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup",
		},
			iamdoc.Strings{d.ARN("autoscaling", "autoScalingGroup:*:autoScalingGroupName/*")},
			iamdoc.Conditions{"StringEquals": {"aws:ResourceTag/k8s.io/cluster-autoscaler/" + d.Name: {"owned"}}}),
	)
}

func (a *AutoscalerArgs) validate() error {
	switch {
	case a == nil:
		return errors.New("no arguments")
	case a.Kubernetes == nil:
		return errors.New("no Kubernetes provider")
	case len(a.After) == 0:
		return errors.New("nothing to wait for: the core nodes must be ready first")
	}
	return a.Deployment.Validate()
}
