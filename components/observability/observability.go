// SPDX-License-Identifier: Apache-2.0

// Package observability sends the cluster's metrics to CloudWatch: the agent as a DaemonSet, its role, and the log
// group that Container Insights writes to. Without that log group, Container Insights would create one without
// retention that outlives the deployment.
package observability

import (
	"errors"
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"emrflink/components/deployment"
	"emrflink/components/helm"
	"emrflink/components/irsa"
	"emrflink/components/manifest"
	"emrflink/components/versions"
)

// Token is the Pulumi type of the component.
const Token = "emrflink:observability:Metrics"

const (
	namespace      = "amazon-cloudwatch"
	serviceAccount = "cloudwatch-agent"
)

// Args describe the metrics.
type Args struct {
	// Deployment is the deployment of the metrics.
	Deployment *deployment.Deployment
	// OidcProviderArn and OidcIssuer are the cluster's identity provider.
	OidcProviderArn, OidcIssuer pulumi.StringInput
	// PodIdentityCluster replaces the identity provider; see package irsa.
	PodIdentityCluster pulumi.StringInput
	// KmsKeyArn encrypts the log group; nil is CloudWatch's own key.
	KmsKeyArn pulumi.StringPtrInput
	// LogRetentionDays is how long performance log events are kept.
	LogRetentionDays int
	// Kubernetes is the provider of the cluster.
	Kubernetes *kubernetes.Provider
	// After must be ready first: CoreDNS, nodes.
	After []pulumi.CustomResource
}

// Metrics is the installed agent.
type Metrics struct {
	pulumi.ResourceState

	// Release is the agent's release.
	Release *helm.Release
}

// LogGroup is the name of the log group of Container Insights.
func LogGroup(d *deployment.Deployment) string {
	return "/aws/containerinsights/" + d.Name + "/performance"
}

// NewMetrics installs the agent.
func NewMetrics(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Metrics, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("metrics %q: %w", name, err)
	}
	m := &Metrics{}
	if err := ctx.RegisterComponentResource(Token, name, m, opts...); err != nil {
		return nil, fmt.Errorf("register %s %q: %w", Token, name, err)
	}
	d, parent, provider := args.Deployment, pulumi.Parent(m), pulumi.Provider(args.Kubernetes)
	group := LogGroup(d)
	logs, err := cloudwatch.NewLogGroup(ctx, name+"-logs", &cloudwatch.LogGroupArgs{
		Name: pulumi.String(group), RetentionInDays: pulumi.Int(args.LogRetentionDays), KmsKeyId: args.KmsKeyArn,
		Tags: d.ResourceTags(group),
	}, parent)
	if err != nil {
		return nil, fmt.Errorf("create log group %q: %w", group, err)
	}
	role, err := irsa.NewRole(ctx, name+"-agent", &irsa.Args{
		Deployment:         d,
		RoleName:           d.AccountName("cloudwatch"),
		Description:        "CloudWatch agent of EKS cluster " + d.Name,
		OidcProviderArn:    args.OidcProviderArn,
		OidcIssuer:         args.OidcIssuer,
		PodIdentityCluster: args.PodIdentityCluster,
		Namespace:          namespace,
		ServiceAccounts:    []string{serviceAccount},
		ManagedPolicyArns:  []string{d.ManagedPolicyARN("CloudWatchAgentServerPolicy")},
	}, parent)
	if err != nil {
		return nil, err
	}
	// The agent reads the container runtime's socket and the host's cgroups: it needs host paths.
	ns, err := manifest.New(ctx, name+"-namespace", &manifest.Args{
		APIVersion: "v1", Kind: "Namespace", Name: namespace, Annotations: deployment.Owned(),
		Labels: pulumi.StringMap{"pod-security.kubernetes.io/enforce": pulumi.String("privileged")},
	}, parent, provider, deployment.DependsOn(args.After...), deployment.EndsWithCluster(args.Kubernetes))
	if err != nil {
		return nil, err
	}
	after := append([]pulumi.CustomResource{ns, logs}, role.Attachments...)
	chart := versions.CloudWatchMetrics()
	m.Release, err = helm.NewRelease(ctx, name+"-chart", &helm.Args{
		Name: "aws-cloudwatch-metrics", Chart: chart.Name, Repo: chart.Repo, Version: chart.Version,
		Mirrors: d.Mirrors, Images: chart.Images,
		Namespace: pulumi.String(namespace),
		Values: pulumi.Map{
			"clusterName": pulumi.String(d.Name),
			"serviceAccount": pulumi.Map{
				"create": pulumi.Bool(true), "name": pulumi.String(serviceAccount),
				"annotations": role.Annotations(),
			},
			// The agent reads the instance's ID from its metadata and keeps silent about a node without it. A hop limit of 1
			// lets only the host's own network do that. Source: aws-observability/helm-charts#82,
			// aws/amazon-cloudwatch-agent#1101.
			"hostNetwork": pulumi.Bool(true),
			// The chart's own is on Docker Hub, which counts anonymous pulls by address: all nodes share that of a NAT gateway.
			"image": pulumi.Map{"repository": pulumi.String(versions.CloudWatchAgent)},
			// On every node, those with a taint included.
			"tolerations": pulumi.MapArray{pulumi.Map{"operator": pulumi.String("Exists")}},
		},
	}, parent, provider, deployment.DependsOn(append(after, args.After...)...))
	if err != nil {
		return nil, err
	}
	return m, ctx.RegisterResourceOutputs(m, pulumi.Map{})
}

func (a *Args) validate() error {
	switch {
	case a == nil:
		return errors.New("no arguments")
	case a.OidcProviderArn == nil || a.OidcIssuer == nil:
		return errors.New("no OIDC provider")
	case a.Kubernetes == nil:
		return errors.New("no Kubernetes provider")
	case len(a.After) == 0:
		return errors.New("nothing to wait for: the nodes must be ready first")
	case a.LogRetentionDays <= 0:
		return fmt.Errorf("log retention of %d days", a.LogRetentionDays)
	}
	return a.Deployment.Validate()
}
