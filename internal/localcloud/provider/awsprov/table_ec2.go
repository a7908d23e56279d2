// SPDX-License-Identifier: Apache-2.0

package awsprov

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
)

func networkTypes() []entry {
	return []entry{
		{
			token: "aws:ec2/vpc:Vpc", args: ec2.VpcArgs{}, state: ec2.VpcState{},
			api:      api{"EC2", "EC2 VPC", "CreateVpc", "ModifyVpcAttribute", "DeleteVpc"},
			computed: []string{"cidrBlock", "enableDnsHostnames", "enableNetworkAddressUsageMetrics", "ipv6CidrBlock"},
			defaults: map[string]any{"enableDnsSupport": true, "instanceTenancy": "default"},
		},
		{
			token: "aws:ec2/subnet:Subnet", args: ec2.SubnetArgs{}, state: ec2.SubnetState{},
			api:      api{"EC2", "EC2 Subnet", "CreateSubnet", "ModifySubnetAttribute", "DeleteSubnet"},
			computed: []string{"availabilityZone", "availabilityZoneId", "privateDnsHostnameTypeOnLaunch"},
			defaults: map[string]any{
				"assignIpv6AddressOnCreation": false, "enableDns64": false, "enableResourceNameDnsARecordOnLaunch": false,
				"enableResourceNameDnsAaaaRecordOnLaunch": false, "ipv6Native": false, "mapPublicIpOnLaunch": false,
			},
		},
		{
			token: "aws:ec2/internetGateway:InternetGateway",
			args:  ec2.InternetGatewayArgs{}, state: ec2.InternetGatewayState{},
			api: api{
				"EC2", "EC2 Internet Gateway", "CreateInternetGateway", "AttachInternetGateway", "DeleteInternetGateway",
			},
			computed: []string{"vpcId"},
		},
		{
			token: "aws:ec2/eip:Eip", args: ec2.EipArgs{}, state: ec2.EipState{},
			api:      api{"EC2", "EC2 EIP", "AllocateAddress", "AssociateAddress", "ReleaseAddress"},
			computed: []string{"domain", "instance", "networkBorderGroup", "networkInterface", "publicIpv4Pool", "vpc"},
		},
		{
			token: "aws:ec2/natGateway:NatGateway",
			args:  ec2.NatGatewayArgs{}, state: ec2.NatGatewayState{},
			api:      api{"EC2", "EC2 NAT Gateway", "CreateNatGateway", "AssociateNatGatewayAddress", "DeleteNatGateway"},
			computed: []string{"privateIp", "secondaryPrivateIpAddressCount", "secondaryPrivateIpAddresses"},
			defaults: map[string]any{"connectivityType": "public"},
		},
		{
			token: "aws:ec2/routeTable:RouteTable",
			args:  ec2.RouteTableArgs{}, state: ec2.RouteTableState{},
			api:      api{"EC2", "EC2 Route Table", "CreateRouteTable", "ReplaceRoute", "DeleteRouteTable"},
			computed: []string{"routes", "propagatingVgws"}, sets: []string{"routes"},
		},
		{
			token: "aws:ec2/route:Route", args: ec2.RouteArgs{}, state: ec2.RouteState{},
			api: api{"EC2", "EC2 Route", "CreateRoute", "ReplaceRoute", "DeleteRoute"},
		},
		{
			token: "aws:ec2/routeTableAssociation:RouteTableAssociation",
			args:  ec2.RouteTableAssociationArgs{}, state: ec2.RouteTableAssociationState{},
			api: api{
				"EC2", "EC2 Route Table Association", "AssociateRouteTable", "ReplaceRouteTableAssociation",
				"DisassociateRouteTable",
			},
		},
	}
}

func securityTypes() []entry {
	return []entry{
		{
			token: "aws:ec2/flowLog:FlowLog", args: ec2.FlowLogArgs{}, state: ec2.FlowLogState{},
			api:      api{"EC2", "Flow Log", "CreateFlowLogs", "CreateTags", "DeleteFlowLogs"},
			computed: []string{"logDestination", "logFormat"},
			defaults: map[string]any{"logDestinationType": "cloud-watch-logs", "maxAggregationInterval": 600.0},
		},
		{
			token: "aws:ec2/vpcEndpoint:VpcEndpoint",
			args:  ec2.VpcEndpointArgs{}, state: ec2.VpcEndpointState{},
			api: api{"EC2", "EC2 VPC Endpoint", "CreateVpcEndpoint", "ModifyVpcEndpoint", "DeleteVpcEndpoints"},
			computed: []string{
				"dnsOptions", "ipAddressType", "policy", "privateDnsEnabled", "routeTableIds", "securityGroupIds",
				"serviceRegion", "subnetIds", "subnetConfigurations",
			},
			sets:     []string{"routeTableIds", "securityGroupIds", "subnetIds"},
			policies: []string{"policy"},
			defaults: map[string]any{"vpcEndpointType": "Gateway"},
		},
		{
			token: "aws:ec2/securityGroup:SecurityGroup",
			args:  ec2.SecurityGroupArgs{}, state: ec2.SecurityGroupState{},
			api: api{
				"EC2", "Security Group", "CreateSecurityGroup", "AuthorizeSecurityGroupIngress", "DeleteSecurityGroup",
			},
			name: "name", max: 255,
			computed: []string{"ingress", "egress", "vpcId"},
			sets:     []string{"ingress", "egress"},
			defaults: map[string]any{"description": "Managed by Pulumi", "revokeRulesOnDelete": false},
		},
		{
			token: "aws:ec2/securityGroupRule:SecurityGroupRule",
			args:  ec2.SecurityGroupRuleArgs{}, state: ec2.SecurityGroupRuleState{},
			api: api{
				"EC2", "Security Group Rule", "AuthorizeSecurityGroupIngress", "UpdateSecurityGroupRuleDescriptionsIngress",
				"RevokeSecurityGroupIngress",
			},
			computed: []string{"sourceSecurityGroupId"},
			// self has a default, but it conflicts with every other source and the bridge leaves out a default that conflicts.
		},
	}
}

func computeTypes() []entry {
	return []entry{
		{
			token: "aws:ec2/launchTemplate:LaunchTemplate",
			args:  ec2.LaunchTemplateArgs{}, state: ec2.LaunchTemplateState{},
			api: api{
				"EC2", "EC2 Launch Template", "CreateLaunchTemplate", "CreateLaunchTemplateVersion", "DeleteLaunchTemplate",
			},
			name: "name", max: 125,
			computed: []string{"defaultVersion"},
			moving:   []string{"latestVersion"},
			sets:     []string{"vpcSecurityGroupIds", "securityGroupNames"},
		},
		{
			token: "aws:ec2/instance:Instance",
			args:  ec2.InstanceArgs{}, state: ec2.InstanceState{},
			api: api{"EC2", "EC2 Instance", "RunInstances", "ModifyInstanceAttribute", "TerminateInstances"},
			computed: []string{
				"ami", "associatePublicIpAddress", "availabilityZone", "iamInstanceProfile", "keyName", "privateIp",
				"rootBlockDevice", "securityGroups", "subnetId", "vpcSecurityGroupIds",
			},
			sets:     []string{"vpcSecurityGroupIds", "securityGroups"},
			defaults: map[string]any{"getPasswordData": false, "sourceDestCheck": true},
		},
		{
			token: "aws:ec2/networkInterface:NetworkInterface",
			args:  ec2.NetworkInterfaceArgs{}, state: ec2.NetworkInterfaceState{},
			api: api{
				"EC2", "EC2 Network Interface", "CreateNetworkInterface", "ModifyNetworkInterfaceAttribute",
				"DeleteNetworkInterface",
			},
			computed: []string{"attachments", "interfaceType", "privateIp", "privateIps", "securityGroups"},
			sets:     []string{"privateIps", "securityGroups"},
			defaults: map[string]any{"sourceDestCheck": true},
		},
	}
}
