// SPDX-License-Identifier: Apache-2.0

package network

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// EndpointServices are the services for which interface endpoints can be made: all that nodes, controllers and jobs of
// the platform call. S3 has its gateway endpoint. Source: EKS User Guide, "Deploy private clusters with limited internet
// access" (ec2, ecr.api, ecr.dkr, elasticloadbalancing, logs, sts, eks, eks-auth); Karpenter, "Private Clusters" (ssm,
// sqs); autoscaling is cluster-autoscaler's; glue and kinesis-streams are those of jobs, ssmmessages that of a shell on a node.
// Not everything has one: IAM, the price list and public.ecr.aws are reached through the NAT gateway.
func EndpointServices() []string {
	return []string{
		"autoscaling", "ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "elasticloadbalancing", "emr-containers", "glue",
		"kinesis-streams", "logs", "monitoring", "sqs", "ssm", "ssmmessages", "sts",
	}
}

// IsolatedServices are those without which a platform without NAT does not work: nodes join and pull (ec2, eks, ecr, and S3's
// gateway endpoint), pods get their roles (sts), Karpenter finds images and hears of interruptions (ssm, sqs), logs and the
// metrics in them are shipped (logs). Karpenter is told not to ask for prices and for instance profiles of IAM.
func IsolatedServices() []string {
	return []string{"ec2", "ecr.api", "ecr.dkr", "eks", "logs", "sqs", "ssm", "sts"}
}

// interfaceEndpoints makes one endpoint per service with an interface in every private subnet, and with private DNS: the
// services' usual names then mean these interfaces in all of the VPC.
func (b *builder) interfaceEndpoints(private []*ec2.Subnet) error {
	if len(b.args.InterfaceEndpoints) == 0 {
		return nil
	}
	group, err := ec2.NewSecurityGroup(b.ctx, b.name+"-endpoints", &ec2.SecurityGroupArgs{
		VpcId:       b.vpc.ID(),
		Name:        pulumi.String(b.args.Deployment.ResourceName("endpoints")),
		Description: pulumi.String("HTTPS from the VPC to interface endpoints"),
		Ingress: ec2.SecurityGroupIngressArray{ec2.SecurityGroupIngressArgs{
			Protocol: pulumi.String("tcp"), FromPort: pulumi.Int(443), ToPort: pulumi.Int(443),
			CidrBlocks: pulumi.ToStringArray([]string{b.args.VpcCidr}), Description: pulumi.String("HTTPS from the VPC"),
		}},
		Tags: b.tags("endpoints"),
	}, b.parent)
	if err != nil {
		return fmt.Errorf("create security group of endpoints: %w", err)
	}
	// A list of IDs rather than one value: a preview then knows how many there are, and what they cost.
	subnets := pulumi.StringArray{}
	for _, s := range private {
		subnets = append(subnets, s.ID().ToStringOutput())
	}
	for _, service := range slices.Sorted(slices.Values(b.args.InterfaceEndpoints)) {
		suffix := "endpoint-" + strings.ReplaceAll(service, ".", "-")
		endpoint, err := ec2.NewVpcEndpoint(b.ctx, b.name+"-"+suffix, &ec2.VpcEndpointArgs{
			VpcId:             b.vpc.ID(),
			ServiceName:       pulumi.String("com.amazonaws." + b.args.Deployment.Region + "." + service),
			VpcEndpointType:   pulumi.String("Interface"),
			PrivateDnsEnabled: pulumi.Bool(true),
			SubnetIds:         subnets,
			SecurityGroupIds:  pulumi.StringArray{group.ID()},
			Tags:              b.tags(suffix),
		}, b.parent)
		if err != nil {
			return fmt.Errorf("create endpoint of %q: %w", service, err)
		}
		// Nodes that drain still call these services.
		b.egress = append(b.egress, endpoint)
	}
	return nil
}

func checkEndpoints(services []string) error {
	for i, s := range services {
		if !slices.Contains(EndpointServices(), s) || slices.Index(services, s) < i {
			return fmt.Errorf("interface endpoint %q: unknown, or listed twice; there are %s", s,
				strings.Join(EndpointServices(), ", "))
		}
	}
	return nil
}
