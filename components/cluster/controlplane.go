// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"

	awseks "github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi-eks/sdk/v2/go/eks/utilities"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"emrflink/components/network"
)

// controlPlaneToken is the Pulumi type of the component of pulumi-eks.
const controlPlaneToken = "eks:index:Cluster"

// authenticationMode makes access entries the only way in.
const authenticationMode = "API"

// controlPlane is the Cluster component of pulumi-eks. It is registered as the SDK's own package does it, which is not
// imported: for the node groups and storage classes that it could make as well, it compiles a minute of types of
// Kubernetes, Auto Scaling and CloudFormation. The local target refuses arguments that the component does not have.
type controlPlane struct {
	pulumi.ResourceState

	// EksCluster is the cluster of pulumi-aws that the component made.
	EksCluster awseks.ClusterOutput `pulumi:"eksCluster"`
}

func newControlPlane(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*controlPlane, error) {
	tags := pulumi.ToStringMap(args.Deployment.PlainTags())
	inputs := pulumi.Map{
		"name":                 pulumi.String(args.Deployment.Name),
		"version":              pulumi.String(args.Version),
		"authenticationMode":   pulumi.String(authenticationMode),
		"skipDefaultNodeGroup": pulumi.Bool(true),
		// A list, though an empty one, keeps the component from making a role for nodes, which have roles of their own.
		"instanceRoles": pulumi.Array{},
		// Otherwise the component runs `kubectl apply` with a manifest of an old VPC CNI. Ours is the addon.
		"useDefaultVpcCni":                pulumi.Bool(true),
		"vpcId":                           args.VpcId,
		"privateSubnetIds":                args.PrivateSubnetIds,
		"publicSubnetIds":                 args.PublicSubnetIds,
		"endpointPrivateAccess":           pulumi.Bool(args.PrivateEndpoint),
		"endpointPublicAccess":            pulumi.Bool(args.PublicEndpoint),
		"publicAccessCidrs":               pulumi.ToStringArray(args.PublicAccessCidrs),
		"kubernetesServiceIpAddressRange": pulumi.String(network.ServiceCidr),
		"enabledClusterLogTypes": pulumi.ToStringArray([]string{
			"api", "audit", "authenticator", "controllerManager", "scheduler",
		}),
		"clusterTags": tags,
		"tags":        tags,
	}
	if args.KmsKeyArn != nil {
		inputs["encryptionConfigKeyArn"] = args.KmsKeyArn
	}
	// What the component has no argument for is changed on the way to the engine: its provider registers its resources.
	var transforms []pulumi.ResourceTransform
	if len(args.Admins) > 0 {
		transforms = append(transforms, entriesOnly)
	}
	for property, value := range map[string]pulumi.StringPtrInput{
		"permissionsBoundary": args.Deployment.Boundary(), "path": args.Deployment.Path(),
	} {
		if value != nil {
			transforms = append(transforms, ofRoles(property, value))
		}
	}
	if args.Deployment.Protect {
		transforms = append(transforms, protected)
	}
	if len(transforms) > 0 {
		opts = append(opts, pulumi.Transforms(transforms))
	}
	c := &controlPlane{}
	// The component names its security groups and roles after itself: with the deployment's name in them, their owner
	// can be seen.
	err := ctx.RegisterRemoteComponentResource(controlPlaneToken, name+"-"+args.Deployment.Name, inputs, c,
		utilities.PkgResourceDefaultOpts(opts)...)
	if err != nil {
		return nil, fmt.Errorf("create EKS cluster %q: %w", args.Deployment.Name, err)
	}
	return c, nil
}

// ofRoles gives roles a property.
func ofRoles(property string, value pulumi.Input) pulumi.ResourceTransform {
	return func(_ context.Context, a *pulumi.ResourceTransformArgs) *pulumi.ResourceTransformResult {
		if a.Type != "aws:iam/role:Role" {
			return nil
		}
		a.Props[property] = value
		return &pulumi.ResourceTransformResult{Props: a.Props, Opts: a.Opts}
	}
}

// protected keeps the engine from deleting or replacing the cluster.
func protected(_ context.Context, a *pulumi.ResourceTransformArgs) *pulumi.ResourceTransformResult {
	if a.Type != "aws:eks/cluster:Cluster" {
		return nil
	}
	a.Opts.Protect = true
	return &pulumi.ResourceTransformResult{Props: a.Props, Opts: a.Opts}
}
