// SPDX-License-Identifier: Apache-2.0

package network

import (
	"errors"
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"emrflink/components/deployment"
)

// ExistingToken is the Pulumi type of a network that exists.
const ExistingToken = "emrflink:network:Existing"

// ExistingArgs name a VPC and subnets that somebody else made.
type ExistingArgs struct {
	// Deployment says who uses the network; its name is the cluster's in the subnets' tags.
	Deployment *deployment.Deployment
	// VpcId is the VPC.
	VpcId string
	// PrivateSubnetIds are two or more subnets in different zones with internet access; PublicSubnetIds may be empty.
	PrivateSubnetIds, PublicSubnetIds []string
}

// NewExisting uses an existing network as it is. It makes only one tag on each private subnet,
// kubernetes.io/cluster/NAME, which says that this cluster uses the subnet; its key is different for each deployment.
// It does not set tags whose key is the same for all clusters: karpenter.sh/discovery, by which another cluster may
// select subnets (our node class names subnets by ID), and kubernetes.io/role/internal-elb and /elb, which load
// balancer controllers look for.
func NewExisting(ctx *pulumi.Context, name string, args *ExistingArgs, opts ...pulumi.ResourceOption) (*Network, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("network %q: %w", name, err)
	}
	n := &Network{}
	if err := ctx.RegisterComponentResource(ExistingToken, name, n, opts...); err != nil {
		return nil, fmt.Errorf("register %s %q: %w", ExistingToken, name, err)
	}
	for _, id := range args.PrivateSubnetIds {
		tag, err := ec2.NewTag(ctx, name+"-"+id+"-cluster", &ec2.TagArgs{
			ResourceId: pulumi.String(id), Key: pulumi.String("kubernetes.io/cluster/" + args.Deployment.Name),
			Value: pulumi.String("shared"),
		}, pulumi.Parent(n))
		if err != nil {
			return nil, fmt.Errorf("tag subnet %q: %w", id, err)
		}
		n.Egress = append(n.Egress, tag)
	}
	n.VpcId = pulumi.String(args.VpcId).ToStringOutput()
	n.PrivateSubnetIds = pulumi.ToStringArray(args.PrivateSubnetIds).ToStringArrayOutput()
	n.PublicSubnetIds = pulumi.ToStringArray(args.PublicSubnetIds).ToStringArrayOutput()
	return n, ctx.RegisterResourceOutputs(n, pulumi.Map{
		"vpcId": n.VpcId, "privateSubnetIds": n.PrivateSubnetIds, "publicSubnetIds": n.PublicSubnetIds,
	})
}

func (a *ExistingArgs) validate() error {
	switch {
	case a == nil:
		return errors.New("no arguments")
	case a.VpcId == "":
		return errors.New("no VPC")
	case len(a.PrivateSubnetIds) < 2:
		return fmt.Errorf("%d private subnets: EKS needs at least 2, in different zones", len(a.PrivateSubnetIds))
	}
	return a.Deployment.Validate()
}
