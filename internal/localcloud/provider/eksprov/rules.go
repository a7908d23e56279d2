// SPDX-License-Identifier: Apache-2.0

package eksprov

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// rule is one security group rule. From is a group, the own group, or the world.
type rule struct {
	suffix, description, protocol string
	group, from                   *ec2.SecurityGroup
	self                          bool
	low, high                     int
}

// rules are the ones that the component makes between control plane and nodes.
func (b *builder) rules() error {
	cluster, node := b.clusterGroup, b.nodeGroup
	for _, r := range []rule{
		{suffix: "eksClusterInternetEgressRule", description: "Allow internet access.", protocol: "-1", group: cluster},
		{
			suffix: "eksClusterIngressRule", description: "Allow pods to communicate with the cluster API Server",
			protocol: "tcp", group: cluster, from: node, low: 443, high: 443,
		},
		{
			suffix: "eksNodeIngressRule", description: "Allow nodes to communicate with each other",
			protocol: "-1", group: node, self: true,
		},
		{
			suffix:      "eksNodeClusterIngressRule",
			description: "Allow worker Kubelets and pods to receive communication from the cluster control plane",
			protocol:    "tcp", group: node, from: cluster, low: 1025, high: 65535,
		},
		{
			suffix: "eksExtApiServerClusterIngressRule",
			description: "Allow pods running extension API servers on port 443 to receive communication from cluster " +
				"control plane",
			protocol: "tcp", group: node, from: cluster, low: 443, high: 443,
		},
		{suffix: "eksNodeInternetEgressRule", description: "Allow internet access.", protocol: "-1", group: node},
	} {
		made, err := ec2.NewSecurityGroupRule(b.ctx, b.name+"-"+r.suffix, r.args(), b.aws()...)
		if err != nil {
			return err
		}
		if r.suffix == "eksClusterIngressRule" {
			b.ingress = made
		}
	}
	return nil
}

func (r rule) args() *ec2.SecurityGroupRuleArgs {
	out := &ec2.SecurityGroupRuleArgs{
		Description: pulumi.String(r.description), Type: pulumi.String("ingress"), Protocol: pulumi.String(r.protocol),
		FromPort: pulumi.Int(r.low), ToPort: pulumi.Int(r.high), SecurityGroupId: r.group.ID(),
	}
	switch {
	case r.self:
		out.Self = pulumi.Bool(true)
	case r.from != nil:
		out.SourceSecurityGroupId = r.from.ID()
	default:
		out.Type, out.CidrBlocks = pulumi.String("egress"), pulumi.ToStringArray([]string{"0.0.0.0/0"})
	}
	return out
}
