// SPDX-License-Identifier: Apache-2.0

package awskind

import "time"

// emptied is what a network costs to delete.
const emptied = "what runs in it has to be deleted first; addresses and connections are lost"

// networkRows are VPCs and what is in them. The durations of NAT gateways are medians over "complete after" lines of public
// Terraform logs (5 to 10 samples: created in 1m25s to 2m05s, deleted in 20s to 1m19s).
func networkRows() []Kind {
	return []Kind{
		{
			Type: "aws:ec2/vpc:Vpc", Terraform: "aws_vpc", Simulated: "ec2:vpc", Tags: NamedByTag, Inventory: "vpc",
			Price: Free, Usage: "data transfer between zones and to the internet, per GB",
			Command: "ec2 delete-vpc --vpc-id {id}", Scope: "id",
			Loss: "the cluster and everything else in it is deleted too; " + emptied, Gravity: 40,
			Adopt: AdoptByTags, Phase: PhaseNetwork,
		},
		{
			Type: "aws:ec2/subnet:Subnet", Terraform: "aws_subnet", Simulated: "ec2:subnet", Tags: NamedByTag,
			Inventory: "subnet", Price: Free, Command: "ec2 delete-subnet --subnet-id {id}",
			Loss: "nodes in it are terminated; " + emptied, Gravity: 100, Adopt: AdoptByTags, Phase: PhaseNetwork,
		},
		{
			Type: "aws:ec2/internetGateway:InternetGateway", Terraform: "aws_internet_gateway", Simulated: "ec2:internetGateway",
			Tags: NamedByTag, Inventory: "internet-gateway",
			Price: Free, Command: "ec2 delete-internet-gateway --internet-gateway-id {id}",
			Loss: "the VPC has no way to the internet until there is another", Adopt: AdoptByTags, Phase: PhaseNetwork,
		},
		{
			Type: "aws:ec2/eip:Eip", Terraform: "aws_eip", Simulated: "ec2:eip", Tags: NamedByTag, Inventory: "elastic-ip",
			Price: "public-ipv4", Billed: "public IPv4 address", Command: "ec2 release-address --allocation-id {id}",
			Loss: "the public address is released: allow-lists that contain it no longer match", Gravity: 120,
			Adopt: AdoptByTags, Phase: PhaseNetwork,
		},
		{
			Type: "aws:ec2/natGateway:NatGateway", Terraform: "aws_nat_gateway", Simulated: "ec2:natGateway",
			Tags: NamedByTag, Inventory: "natgateway", Create: 106 * time.Second, Delete: 58 * time.Second,
			Price: "nat-gateway", Billed: "NAT gateway", Usage: "NAT gateway: data processed, per GB",
			Command: "ec2 delete-nat-gateway --nat-gateway-id {id}",
			Loss:    "connections from private subnets through it break", Gravity: 110, Adopt: AdoptByTags, Phase: PhaseNetwork,
		},
		{
			Type: "aws:ec2/routeTable:RouteTable", Terraform: "aws_route_table", Simulated: "ec2:routeTable",
			Tags: NamedByTag, Inventory: "route-table", Price: Free, Command: "ec2 delete-route-table --route-table-id {id}",
			Loss: "its subnets lose their routes until they have another", Adopt: AdoptByTags, Phase: PhaseNetwork,
		},
		{
			Type: "aws:ec2/route:Route", Terraform: "aws_route", Simulated: "ec2:route", Tags: Untagged, Inventory: NotListed,
			Price: Free, Loss: "traffic on this route stops until it is back",
			Adopt: "r-{routeTableId}{@destination}", Owner: "route-table {routeTableId}", Phase: PhaseNetwork,
		},
		{
			Type: "aws:ec2/routeTableAssociation:RouteTableAssociation", Terraform: "aws_route_table_association",
			Simulated: "ec2:routeTableAssociation", Tags: Untagged, Inventory: NotListed,
			Price: Free, Loss: "the subnet uses the main route table until it is back", Adopt: AdoptByEnds,
			Owner: "route-table {routeTableId}", Phase: PhaseNetwork,
		},
		{
			Type: "aws:ec2/vpcEndpoint:VpcEndpoint", Terraform: "aws_vpc_endpoint", Simulated: "ec2:vpcEndpoint",
			Tags: NamedByTag, Inventory: "vpc-endpoint", Create: 6 * time.Second, Delete: 6 * time.Second,
			Price: "interface-endpoint", Billed: "interface endpoint, per zone",
			Usage: "interface endpoints: data processed, per GB",
			Sweep: 25, Command: "ec2 delete-vpc-endpoints --vpc-endpoint-ids {id}",
			Loss:  "traffic to the service goes through the NAT gateway and is billed until it is back",
			Adopt: AdoptByTags, Phase: PhaseNetwork,
		},
		{
			Type: "aws:ec2/flowLog:FlowLog", Terraform: "aws_flow_log", Simulated: "ec2:flowLog", Tags: NamedByTag,
			Inventory: "vpc-flow-log", Price: Free, Usage: "flow logs: ingestion into CloudWatch Logs as vended logs, per GB",
			Command: "ec2 delete-flow-logs --flow-log-ids {id}", Loss: "traffic is not recorded until it is back",
			Adopt: AdoptByTags, Phase: PhaseNetwork,
		},
	}
}

// trafficRows are what lets traffic into a network: groups, their rules, interfaces, load balancers.
func trafficRows() []Kind {
	return []Kind{
		{
			Type: "aws:ec2/securityGroup:SecurityGroup", Terraform: "aws_security_group", Simulated: "ec2:securityGroup",
			Tags: Tagged, Inventory: "security-group",
			Price: Free, Sweep: 50, Command: "ec2 delete-security-group --group-id {id}",
			Loss: "network interfaces that use it have to be deleted first", Adopt: AdoptByTags, Phase: PhaseNetwork,
		},
		{
			// The provider reads a rule by its properties; the id only has to be one.
			Type: "aws:ec2/securityGroupRule:SecurityGroupRule", Terraform: "aws_security_group_rule",
			Simulated: "ec2:securityGroupRule", Tags: Untagged, Inventory: NotListed,
			Price: Free, Loss: "the traffic that it allows stops until it is back",
			Adopt: "sgrule-adopted-{@name}", Owner: "security-group {securityGroupId}", Phase: PhaseNetwork,
		},
		{
			Type: "aws:ec2/networkInterface:NetworkInterface", Terraform: "aws_network_interface",
			Simulated: "ec2:networkInterface", Tags: NamedByTag, Inventory: "network-interface",
			Price: Free, Sweep: 30, Command: "ec2 delete-network-interface --network-interface-id {id}",
			Loss: "its addresses are released and connections through it break", Adopt: AdoptByTags, Phase: PhaseNetwork,
		},
		{
			Type: "aws:ec2/tag:Tag", Terraform: "aws_ec2_tag", Simulated: "ec2:tag", Tags: Untagged, Inventory: NotListed,
			Price: Free, Loss: NothingLost, Adopt: "{resourceId},{key}", Owner: OwnerInName, Phase: PhaseNetwork,
		},
		{
			Type: "aws:lb/loadBalancer:LoadBalancer", Terraform: "aws_lb", Simulated: "elbv2:loadBalancer", Made: ByController,
			Tags: Tagged, Inventory: "loadbalancer", Create: 120 * time.Second, Delete: 15 * time.Second,
			Price: "load-balancer", Billed: "load balancer", Usage: "load balancer capacity units",
			Sweep: 10, Command: "elbv2 delete-load-balancer --load-balancer-arn {id}",
			Loss: "clients that use its name or its addresses cannot connect", Adopt: AdoptNever, Phase: PhaseNetwork,
		},
		{
			// What EKS makes itself for a Service of type LoadBalancer that asks for nothing else.
			Type: "aws:elb/loadBalancer:LoadBalancer", Terraform: "aws_elb", Simulated: "elb:loadBalancer", Made: ByController,
			Tags: Tagged, Inventory: "classic-loadbalancer",
			Price: "classic-load-balancer", Billed: "classic load balancer",
			Usage: "classic load balancers: data processed, per GB",
			Sweep: 11, Command: "elb delete-load-balancer --load-balancer-name {id}",
			Loss: "clients that use its name or its addresses cannot connect", Adopt: AdoptNever, Phase: PhaseNetwork,
		},
	}
}

// computeRows are instances and what they are made of.
func computeRows() []Kind {
	return []Kind{
		{
			Type: "aws:ec2/launchTemplate:LaunchTemplate", Terraform: "aws_launch_template", Simulated: "ec2:launchTemplate",
			Tags: Tagged, Inventory: "launch-template",
			Price: Free, Sweep: 60, Command: "ec2 delete-launch-template --launch-template-id {id}",
			Loss: "node groups that use it have to be replaced", Adopt: AdoptByTags, Phase: PhaseNetwork,
		},
		{
			Type: "aws:ec2/instance:Instance", Terraform: "aws_instance", Simulated: "ec2:instance", Tags: NamedByTag,
			Inventory: "instance", Create: 20 * time.Second, Delete: 40 * time.Second,
			Price: ByInstances, Sweep: 20, Command: "ec2 terminate-instances --instance-ids {id}",
			Loss:  "what runs on it stops; its instance store and its root volume are lost",
			Adopt: AdoptByTags, Phase: PhaseNetwork,
		},
		{
			Type: "aws:ebs/volume:Volume", Terraform: "aws_ebs_volume", Simulated: "ec2:volume", Made: ByController,
			Tags: NamedByTag, Inventory: "volume",
			Price: ByVolumes, Sweep: 40, Command: "ec2 delete-volume --volume-id {id}",
			Loss: "what is on it is lost", Adopt: AdoptNever, Phase: PhaseNetwork,
		},
	}
}
