// SPDX-License-Identifier: Apache-2.0

// Package network makes the VPC: one private and one public subnet per zone, NAT, and a gateway endpoint for S3, so
// that checkpoints do not pass the NAT gateway and its price per gigabyte.
//
// The order of deletion matters: nodes need the route to the NAT gateway while they drain. Resources that need internet
// access depend on Network.Egress.
package network

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"emrflink/components/deployment"
	"emrflink/components/zone"
)

// Token is the Pulumi type of the component.
const Token = "emrflink:network:Network"

// How many NAT gateways there are.
const (
	// NatSingle is one NAT gateway: cheapest, but all zones lose their way out with its zone.
	NatSingle = "single"
	// NatPerZone is one NAT gateway in each zone.
	NatPerZone = "perZone"
	// NatNone is none: what runs in private subnets reaches the VPC and what has an endpoint in it, and nothing else.
	NatNone = "none"
)

// NatChoices are the numbers of NAT gateways.
func NatChoices() []string { return []string{NatSingle, NatPerZone, NatNone} }

// Args describe the network.
type Args struct {
	// Deployment is the deployment of the network; its name is the cluster's in the subnets' tags.
	Deployment *deployment.Deployment
	// VpcCidr is the VPC's range; see ParseCidr.
	VpcCidr string
	// Zones are the zones, in the order of the address plan; see Zones.
	Zones []zone.Zone
	// NatGateways is NatSingle, NatPerZone or NatNone.
	NatGateways string
	// InterfaceEndpoints are services with an interface endpoint; see EndpointServices.
	InterfaceEndpoints []string
	// FlowLogs is FlowLogsNone, FlowLogsRejected or FlowLogsAll; "" is none. They are kept for LogRetentionDays, encrypted with
	// KmsKeyArn, nil for CloudWatch's own key.
	FlowLogs         string
	LogRetentionDays int
	KmsKeyArn        pulumi.StringPtrInput
}

// Network is the VPC with everything in it.
type Network struct {
	pulumi.ResourceState

	// VpcId is the VPC's ID.
	VpcId pulumi.StringOutput `pulumi:"vpcId"`
	// PrivateSubnetIds and PublicSubnetIds have one subnet per zone, in the order of Args.Zones.
	PrivateSubnetIds pulumi.StringArrayOutput `pulumi:"privateSubnetIds"`
	PublicSubnetIds  pulumi.StringArrayOutput `pulumi:"publicSubnetIds"`
	// Egress are the resources that private subnets need to reach the internet. Resources that need internet access
	// depend on them, so that Egress outlives them.
	Egress []pulumi.CustomResource
}

// builder has what the steps of NewNetwork share.
type builder struct {
	ctx     *pulumi.Context
	name    string
	args    *Args
	parent  pulumi.ResourceOption
	vpc     *ec2.Vpc
	gateway *ec2.InternetGateway
	tables  pulumi.StringArray
	egress  []pulumi.CustomResource
}

// NewNetwork makes the network.
func NewNetwork(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Network, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("network %q: %w", name, err)
	}
	plan, err := Plan(args.VpcCidr, len(args.Zones))
	if err != nil {
		return nil, fmt.Errorf("network %q: %w", name, err)
	}
	n := &Network{}
	if err := ctx.RegisterComponentResource(Token, name, n, opts...); err != nil {
		return nil, fmt.Errorf("register %s %q: %w", Token, name, err)
	}
	b := &builder{ctx: ctx, name: name, args: args, parent: pulumi.Parent(n)}
	if err := b.vpcAndGateway(); err != nil {
		return nil, fmt.Errorf("network %q: %w", name, err)
	}
	public, err := b.publicSubnets(plan)
	if err != nil {
		return nil, fmt.Errorf("network %q: %w", name, err)
	}
	nats, err := b.natGateways(public)
	if err != nil {
		return nil, fmt.Errorf("network %q: %w", name, err)
	}
	private, err := b.privateSubnets(plan, nats)
	if err != nil {
		return nil, fmt.Errorf("network %q: %w", name, err)
	}
	if err := errors.Join(b.s3Endpoint(), b.interfaceEndpoints(private), b.flowLogs()); err != nil {
		return nil, fmt.Errorf("network %q: %w", name, err)
	}
	n.VpcId = b.vpc.ID().ToStringOutput()
	n.PrivateSubnetIds, n.PublicSubnetIds = ids(private), ids(public)
	n.Egress = b.egress
	return n, ctx.RegisterResourceOutputs(n, pulumi.Map{
		"vpcId": n.VpcId, "privateSubnetIds": n.PrivateSubnetIds, "publicSubnetIds": n.PublicSubnetIds,
	})
}

func (b *builder) tags(suffix string, extra ...map[string]string) pulumi.StringMap {
	return b.args.Deployment.ResourceTags(b.args.Deployment.ResourceName(suffix), extra...)
}

func (b *builder) vpcAndGateway() error {
	vpc, err := ec2.NewVpc(b.ctx, b.name+"-vpc", &ec2.VpcArgs{
		CidrBlock:          pulumi.String(b.args.VpcCidr),
		EnableDnsHostnames: pulumi.Bool(true),
		EnableDnsSupport:   pulumi.Bool(true),
		Tags:               b.tags("vpc"),
	}, b.parent)
	if err != nil {
		return fmt.Errorf("create VPC: %w", err)
	}
	gateway, err := ec2.NewInternetGateway(b.ctx, b.name+"-igw", &ec2.InternetGatewayArgs{
		VpcId: vpc.ID(), Tags: b.tags("igw"),
	}, b.parent)
	if err != nil {
		return fmt.Errorf("create internet gateway: %w", err)
	}
	b.vpc, b.gateway = vpc, gateway
	return nil
}

// subnetTags are what EKS, Karpenter and the load balancer controller look for.
func (b *builder) subnetTags(role string, discovery bool) map[string]string {
	tags := map[string]string{
		"kubernetes.io/cluster/" + b.args.Deployment.Name: "shared",
		role: "1",
	}
	if discovery {
		tags["karpenter.sh/discovery"] = b.args.Deployment.Name
	}
	return tags
}

func (b *builder) subnet(kind string, z zone.Zone, cidr string, tags map[string]string) (*ec2.Subnet, error) {
	suffix := kind + "-" + z.ID
	subnet, err := ec2.NewSubnet(b.ctx, b.name+"-"+suffix, &ec2.SubnetArgs{
		VpcId:            b.vpc.ID(),
		CidrBlock:        pulumi.String(cidr),
		AvailabilityZone: pulumi.String(z.Name),
		Tags:             b.tags(suffix, tags),
	}, b.parent)
	if err != nil {
		return nil, fmt.Errorf("create subnet %q: %w", suffix, err)
	}
	return subnet, nil
}

func (b *builder) routeTable(suffix string, route *ec2.RouteArgs) (*ec2.RouteTable, *ec2.Route, error) {
	table, err := ec2.NewRouteTable(b.ctx, b.name+"-"+suffix, &ec2.RouteTableArgs{
		VpcId: b.vpc.ID(), Tags: b.tags(suffix),
	}, b.parent)
	if err != nil {
		return nil, nil, fmt.Errorf("create route table %q: %w", suffix, err)
	}
	b.tables = append(b.tables, table.ID())
	if route == nil {
		return table, nil, nil
	}
	route.RouteTableId = table.ID()
	route.DestinationCidrBlock = pulumi.String("0.0.0.0/0")
	r, err := ec2.NewRoute(b.ctx, b.name+"-"+suffix+"-default", route, b.parent)
	if err != nil {
		return nil, nil, fmt.Errorf("create route of table %q: %w", suffix, err)
	}
	return table, r, nil
}

func (b *builder) associate(suffix string, subnet *ec2.Subnet, table *ec2.RouteTable) (*ec2.RouteTableAssociation, error) {
	a, err := ec2.NewRouteTableAssociation(b.ctx, b.name+"-"+suffix+"-association", &ec2.RouteTableAssociationArgs{
		SubnetId: subnet.ID(), RouteTableId: table.ID(),
	}, b.parent)
	if err != nil {
		return nil, fmt.Errorf("associate route table of subnet %q: %w", suffix, err)
	}
	return a, nil
}

func (b *builder) publicSubnets(plan []Subnets) ([]*ec2.Subnet, error) {
	table, route, err := b.routeTable("public", &ec2.RouteArgs{GatewayId: b.gateway.ID()})
	if err != nil {
		return nil, err
	}
	b.egress = append(b.egress, route)
	subnets := make([]*ec2.Subnet, 0, len(plan))
	for i, z := range b.args.Zones {
		subnet, err := b.subnet("public", z, plan[i].Public.String(), b.subnetTags("kubernetes.io/role/elb", false))
		if err != nil {
			return nil, err
		}
		association, err := b.associate("public-"+z.ID, subnet, table)
		if err != nil {
			return nil, err
		}
		b.egress = append(b.egress, association)
		subnets = append(subnets, subnet)
	}
	return subnets, nil
}

func (b *builder) natGateways(public []*ec2.Subnet) ([]*ec2.NatGateway, error) {
	count := map[string]int{NatSingle: 1, NatPerZone: len(public)}[b.args.NatGateways]
	nats := make([]*ec2.NatGateway, 0, count)
	for i := range count {
		suffix := "nat-" + b.args.Zones[i].ID
		eip, err := ec2.NewEip(b.ctx, b.name+"-"+suffix+"-eip", &ec2.EipArgs{
			Domain: pulumi.String("vpc"), Tags: b.tags(suffix),
			// An address that is still mapped keeps the internet gateway from being detached.
		}, b.parent, deployment.DependsOn(b.gateway))
		if err != nil {
			return nil, fmt.Errorf("create address %q: %w", suffix, err)
		}
		nat, err := ec2.NewNatGateway(b.ctx, b.name+"-"+suffix, &ec2.NatGatewayArgs{
			AllocationId: eip.ID(), SubnetId: public[i].ID(), Tags: b.tags(suffix),
		}, b.parent, deployment.DependsOn(append([]pulumi.CustomResource{b.gateway}, b.egress...)...))
		if err != nil {
			return nil, fmt.Errorf("create NAT gateway %q: %w", suffix, err)
		}
		nats = append(nats, nat)
	}
	for _, nat := range nats {
		b.egress = append(b.egress, nat)
	}
	return nats, nil
}

func (b *builder) privateSubnets(plan []Subnets, nats []*ec2.NatGateway) ([]*ec2.Subnet, error) {
	subnets := make([]*ec2.Subnet, 0, len(plan))
	for i, z := range b.args.Zones {
		subnet, err := b.subnet("private", z, plan[i].Private.String(), b.subnetTags("kubernetes.io/role/internal-elb", true))
		if err != nil {
			return nil, err
		}
		var out *ec2.RouteArgs
		if len(nats) > 0 {
			out = &ec2.RouteArgs{NatGatewayId: nats[min(i, len(nats)-1)].ID()}
		}
		table, route, err := b.routeTable("private-"+z.ID+"-routes", out)
		if err != nil {
			return nil, err
		}
		association, err := b.associate("private-"+z.ID, subnet, table)
		if err != nil {
			return nil, err
		}
		if route != nil {
			b.egress = append(b.egress, route)
		}
		b.egress = append(b.egress, association)
		subnets = append(subnets, subnet)
	}
	return subnets, nil
}

func (b *builder) s3Endpoint() error {
	endpoint, err := ec2.NewVpcEndpoint(b.ctx, b.name+"-s3", &ec2.VpcEndpointArgs{
		VpcId:           b.vpc.ID(),
		ServiceName:     pulumi.String("com.amazonaws." + b.args.Deployment.Region + ".s3"),
		VpcEndpointType: pulumi.String("Gateway"),
		RouteTableIds:   b.tables,
		Tags:            b.tags("s3"),
	}, b.parent)
	if err != nil {
		return fmt.Errorf("create S3 endpoint: %w", err)
	}
	b.egress = append(b.egress, endpoint)
	return nil
}

func (a *Args) validate() error {
	if a == nil {
		return errors.New("no arguments")
	}
	if err := a.Deployment.Validate(); err != nil {
		return err
	}
	// EKS refuses a cluster whose subnets are in fewer than two zones.
	if len(a.Zones) < 2 {
		return fmt.Errorf("%d zones: EKS needs at least 2", len(a.Zones))
	}
	if !slices.Contains(NatChoices(), a.NatGateways) {
		return fmt.Errorf("NAT gateways %q: one of %s", a.NatGateways, strings.Join(NatChoices(), ", "))
	}
	return checkEndpoints(a.InterfaceEndpoints)
}

func ids(subnets []*ec2.Subnet) pulumi.StringArrayOutput {
	out := make(pulumi.StringArray, 0, len(subnets))
	for _, s := range subnets {
		out = append(out, s.ID().ToStringOutput())
	}
	return out.ToStringArrayOutput()
}
