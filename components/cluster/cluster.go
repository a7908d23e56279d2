// SPDX-License-Identifier: Apache-2.0

// Package cluster makes the EKS cluster and its core nodes.
//
// The control plane is the Cluster component of pulumi-eks v2; no type of it leaves this package. Nothing here reads
// its Core output: in authentication mode API, the only one without an aws-auth ConfigMap, reading Core fails the
// deployment in Go after everything has been created. What Core would provide (the issuer, the endpoint) is read from
// the EKS cluster itself, and the IAM OIDC provider is made here.
//
// Core nodes and the nodes that Karpenter launches use the security group that EKS itself makes for the cluster. All of
// its members, including the control plane's network interfaces, can reach each other, so admission webhooks are
// reachable on any port.
package cluster

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	awseks "github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"emrflink/components/deployment"
)

// Token is the Pulumi type of the component.
const Token = "emrflink:cluster:Cluster"

// TokenCommand is the program that the kubeconfig names for credentials. It is a bare name: a path would be in the state
// and differ from machine to machine.
const TokenCommand = "emrflink"

// Args describe the control plane.
type Args struct {
	// Deployment is the deployment of the cluster. The cluster has the deployment's name.
	Deployment *deployment.Deployment
	// Version is the Kubernetes version, such as 1.35.
	Version string
	// VpcId, PrivateSubnetIds and PublicSubnetIds are where the control plane's network interfaces are.
	VpcId            pulumi.StringInput
	PrivateSubnetIds pulumi.StringArrayInput
	PublicSubnetIds  pulumi.StringArrayInput
	// PublicEndpoint and PrivateEndpoint say from where the API server can be reached; at least one of them must be
	// true.
	PublicEndpoint, PrivateEndpoint bool
	// PublicAccessCidrs are the ranges that can reach the public endpoint.
	PublicAccessCidrs []string
	// Admins are the ARNs of the IAM roles and users who administer the cluster; who deploys must be one of them. Without any,
	// EKS makes the identity that creates the cluster its only administrator.
	Admins []string
	// LogRetentionDays is how long control-plane logs are kept.
	LogRetentionDays int
	// KmsKeyArn encrypts the Kubernetes secrets and the log group; nil leaves both to AWS's own keys.
	KmsKeyArn pulumi.StringPtrInput
}

// Cluster is the control plane, with a Kubernetes provider for it.
type Cluster struct {
	pulumi.ResourceState

	// Name, Arn, Version and Endpoint are the cluster's.
	Name     pulumi.StringOutput `pulumi:"name"`
	Arn      pulumi.StringOutput `pulumi:"arn"`
	Version  pulumi.StringOutput `pulumi:"version"`
	Endpoint pulumi.StringOutput `pulumi:"endpoint"`
	// CertificateAuthority is the cluster's CA, in base64.
	CertificateAuthority pulumi.StringOutput `pulumi:"certificateAuthority"`
	// OidcIssuer is the URL that issues the service accounts' tokens, with https://.
	OidcIssuer pulumi.StringOutput `pulumi:"oidcIssuer"`
	// OidcProviderArn is the IAM OIDC provider of the issuer.
	OidcProviderArn pulumi.StringOutput `pulumi:"oidcProviderArn"`
	// SecurityGroupId is the security group that EKS made; control plane and nodes are in it.
	SecurityGroupId pulumi.StringOutput `pulumi:"securityGroupId"`
	// Kubernetes is the provider for resources in the cluster.
	Kubernetes *kubernetes.Provider
}

// NewCluster makes the control plane, its log group, its OIDC provider, its access entries and a Kubernetes provider.
func NewCluster(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Cluster, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("cluster %q: %w", name, err)
	}
	c := &Cluster{}
	if err := ctx.RegisterComponentResource(Token, name, c, opts...); err != nil {
		return nil, fmt.Errorf("register %s %q: %w", Token, name, err)
	}
	logs, err := controlPlaneLogs(ctx, name, args, pulumi.Parent(c))
	if err != nil {
		return nil, err
	}
	control, err := newControlPlane(ctx, name, args, pulumi.Parent(c), deployment.DependsOn(logs))
	if err != nil {
		return nil, err
	}
	c.read(control.EksCluster)
	if err := c.oidcProvider(ctx, name, args); err != nil {
		return nil, err
	}
	admins, err := c.accessEntries(ctx, name, args)
	if err != nil {
		return nil, err
	}
	c.Kubernetes, err = c.provider(ctx, name, args, control, admins)
	if err != nil {
		return nil, err
	}
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{
		"name": c.Name, "arn": c.Arn, "version": c.Version, "endpoint": c.Endpoint,
		"certificateAuthority": c.CertificateAuthority, "oidcIssuer": c.OidcIssuer,
		"oidcProviderArn": c.OidcProviderArn, "securityGroupId": c.SecurityGroupId,
	})
}

// LogGroup is the name of the log group of the control plane. EKS gives it.
func LogGroup(d *deployment.Deployment) string { return "/aws/eks/" + d.Name + "/cluster" }

// controlPlaneLogs makes the log group before EKS does, which would keep it for ever. EKS writes the last lines after
// the cluster is gone and may make the group anew; cleanup looks for that.
func controlPlaneLogs(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*cloudwatch.LogGroup, error) {
	group := LogGroup(args.Deployment)
	logs, err := cloudwatch.NewLogGroup(ctx, name+"-logs", &cloudwatch.LogGroupArgs{
		Name: pulumi.String(group), RetentionInDays: pulumi.Int(args.LogRetentionDays), KmsKeyId: args.KmsKeyArn,
		Tags: args.Deployment.ResourceTags(group),
	}, opts...)
	if err != nil {
		return nil, fmt.Errorf("create log group %q: %w", group, err)
	}
	return logs, nil
}

func (c *Cluster) read(cluster awseks.ClusterOutput) {
	c.Name, c.Arn, c.Version, c.Endpoint = cluster.Name(), cluster.Arn(), cluster.Version(), cluster.Endpoint()
	c.CertificateAuthority = cluster.CertificateAuthority().Data().Elem()
	c.OidcIssuer = cluster.Identities().Index(pulumi.Int(0)).Oidcs().Index(pulumi.Int(0)).Issuer().Elem()
	// The SDK takes a value that is unknown inside a known object for an empty one. The endpoint is as new as the group.
	group := cluster.VpcConfig().ClusterSecurityGroupId().Elem()
	c.SecurityGroupId = pulumi.All(cluster.Endpoint(), group).ApplyT(func(v []any) string {
		return v[1].(string)
	}).(pulumi.StringOutput)
}

func (c *Cluster) oidcProvider(ctx *pulumi.Context, name string, args *Args) error {
	provider, err := iam.NewOpenIdConnectProvider(ctx, name+"-oidc", &iam.OpenIdConnectProviderArgs{
		Url: c.OidcIssuer,
		// IAM trusts the certificate authority of EKS's issuers by itself: no thumbprint.
		ClientIdLists: pulumi.ToStringArray([]string{"sts.amazonaws.com"}),
		Tags:          args.Deployment.ResourceTags(args.Deployment.ResourceName("oidc")),
	}, pulumi.Parent(c))
	if err != nil {
		return fmt.Errorf("create OIDC provider: %w", err)
	}
	c.OidcProviderArn = provider.Arn
	return nil
}

// provider makes the Kubernetes provider. ClusterIdentifier is known before the cluster exists: without it, a kubeconfig
// that is unknown in a preview would make the plan replace every resource in the cluster.
func (c *Cluster) provider(ctx *pulumi.Context, name string, args *Args, control *controlPlane, admins []pulumi.CustomResource,
) (*kubernetes.Provider, error) {
	d := args.Deployment
	kubeconfig := pulumi.All(c.Endpoint, c.CertificateAuthority).ApplyT(func(v []any) (string, error) {
		return Kubeconfig(d.Name, d.Region, v[0].(string), v[1].(string))
	}).(pulumi.StringOutput)
	provider, err := kubernetes.NewProvider(ctx, name+"-k8s", &kubernetes.ProviderArgs{
		Kubeconfig:            kubeconfig,
		ClusterIdentifier:     pulumi.String(d.ClusterARN()),
		EnableServerSideApply: pulumi.Bool(true),
		// The children of a component of a provider are the engine's: it waits for all of them.
	}, pulumi.Parent(c), deployment.DependsOn(admins...),
		pulumi.DependsOn([]pulumi.Resource{control})) //nolint:forbidigo // a remote component
	if err != nil {
		return nil, fmt.Errorf("create Kubernetes provider: %w", err)
	}
	return provider, nil
}

// Kubeconfig is a kubeconfig as JSON without a secret in it: it names the program that makes a token when one is needed,
// so that a token never expires in the middle of a deployment. CA is in base64.
func Kubeconfig(cluster, region, endpoint, ca string) (string, error) {
	type object = map[string]any
	b, err := json.Marshal(object{
		"apiVersion":      "v1",
		"kind":            "Config",
		"current-context": cluster,
		"clusters": []object{{"name": cluster, "cluster": object{
			"server": endpoint, "certificate-authority-data": ca,
		}}},
		"contexts": []object{{"name": cluster, "context": object{"cluster": cluster, "user": cluster}}},
		"users": []object{{"name": cluster, "user": object{"exec": object{
			"apiVersion":      "client.authentication.k8s.io/v1beta1",
			"command":         TokenCommand,
			"args":            []string{"eks-token", "--cluster", cluster, "--region", region},
			"interactiveMode": "Never",
		}}}},
	})
	if err != nil {
		return "", fmt.Errorf("write kubeconfig: %w", err)
	}
	return string(b), nil
}

func (a *Args) validate() error {
	if a == nil {
		return errors.New("no arguments")
	}
	if err := a.Deployment.Validate(); err != nil {
		return err
	}
	switch {
	case a.Version == "":
		return errors.New("no Kubernetes version")
	case a.VpcId == nil || a.PrivateSubnetIds == nil || a.PublicSubnetIds == nil:
		return errors.New("no VPC or no subnets")
	case !a.PublicEndpoint && !a.PrivateEndpoint:
		return errors.New("neither a public nor a private endpoint")
	case a.PublicEndpoint && len(a.PublicAccessCidrs) == 0:
		return errors.New("a public endpoint without ranges that may reach it")
	case a.LogRetentionDays <= 0:
		return fmt.Errorf("log retention of %d days", a.LogRetentionDays)
	}
	return nil
}
