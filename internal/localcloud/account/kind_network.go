// SPDX-License-Identifier: Apache-2.0

package account

import (
	"emrflink/internal/localcloud/awserror"
	"emrflink/internal/localcloud/awsid"
	"net/http"
	"slices"
	"strings"
)

func missingEC2(code, what string) func(string) *awserror.Error {
	return func(id string) *awserror.Error { return awserror.Bad(code, "The %s '%s' does not exist", what, id) }
}

func vpcRef() ref { return ref{path: "vpcId", kind: KindVPC, required: true} }

// networkKinds are VPCs, subnets, gateways and addresses.
func networkKinds() map[Kind]*spec {
	return map[Kind]*spec{
		KindVPC: {
			missing: missingEC2("InvalidVpcID.NotFound", "vpc ID"),
			usable:  stateAvailable,
			refused: []string{"ipv4IpamPoolId", "assignGeneratedIpv6CidrBlock", "ipv6CidrBlock", "ipv6IpamPoolId"},
			check:   checkVPC, make: makeVPC, blocked: blockedVPC, gone: goneVPC,
		},
		KindSubnet: {
			missing: missingEC2("InvalidSubnetID.NotFound", "subnet ID"),
			usable:  stateAvailable,
			refused: []string{"ipv6CidrBlock", "ipv6Native", "outpostArn", "customerOwnedIpv4Pool"},
			refs:    []ref{vpcRef()},
			check:   checkSubnet, make: makeSubnet,
			blocked: func(t *tx, r *Resource) error {
				if t.first(KindNetworkInterface, func(eni *Resource) bool { return str(eni.Props, "subnetId") == r.ID }) == nil {
					return nil
				}
				return dependency("The subnet '%s' has dependencies and cannot be deleted.", r.ID)
			},
			gone: func(t *tx, r *Resource) {
				t.destroyWhere(KindRouteTableAssociation, func(x *Resource) bool { return str(x.Props, "subnetId") == r.ID })
			},
		},
		KindInternetGateway: {
			missing: missingEC2("InvalidInternetGatewayID.NotFound", "internetGateway ID"),
			usable:  stateAvailable,
			refs:    []ref{{path: "vpcId", kind: KindVPC}},
			check:   checkInternetGateway,
			make: func(t *tx, r *Resource) error {
				r.ID = awsid.EC2("igw")
				r.ARN = t.arn("ec2", "internet-gateway/"+r.ID)
				r.Attrs = Props{"arn": r.ARN, "ownerId": t.a.opts.AccountID}
				return nil
			},
			update: func(t *tx, old, r *Resource) error {
				if was := str(old.Props, "vpcId"); was != "" && was != str(r.Props, "vpcId") {
					return blockedGateway(t, old)
				}
				return nil
			},
			blocked: blockedGateway,
			gone:    func(t *tx, r *Resource) { t.blackhole("gatewayId", r.ID) },
		},
		KindEIP: {
			missing: func(id string) *awserror.Error {
				return awserror.Bad("InvalidAllocationID.NotFound", "The allocation ID '%s' does not exist", id)
			},
			usable: stateAvailable,
			refused: []string{"instance", "networkInterface", "associateWithPrivateIp", "publicIpv4Pool", "customerOwnedIpv4Pool",
				"ipamPoolId", "address"},
			check: func(t *tx, _ Props, self string) error {
				if self != "" {
					return nil
				}
				return t.room(QuotaElasticIPs, t.inRegion(KindEIP),
					awserror.Bad("AddressLimitExceeded", "The maximum number of addresses has been reached."))
			},
			make: makeEIP,
			blocked: func(_ *tx, r *Resource) error {
				if str(r.Attrs, "associationId") == "" {
					return nil
				}
				return awserror.Bad("InvalidIPAddress.InUse",
					"The address %s with allocation id [%s] is associated with network interface %s and cannot be released",
					str(r.Attrs, "publicIp"), r.ID, str(r.Attrs, "networkInterface"))
			},
		},
		KindNATGateway: natSpec(),
	}
}

// natSpec is the rule of NAT gateways.
func natSpec() *spec {
	return &spec{
		missing: func(id string) *awserror.Error {
			return awserror.Bad("NatGatewayNotFound", "The Nat Gateway %s was not found", id)
		},
		pending: statePending, usable: stateAvailable, deleting: stateDeleting, failed: "failed",
		refused: []string{"secondaryAllocationIds", "secondaryPrivateIpAddresses", "secondaryPrivateIpAddressCount"},
		refs: []ref{
			{path: "subnetId", kind: KindSubnet, required: true},
			{path: "allocationId", kind: KindEIP},
		},
		check: checkNAT, make: makeNAT, gone: goneNAT,
	}
}

func checkVPC(t *tx, p Props, self string) error {
	cidr, err := parseCIDR(str(p, "cidrBlock"))
	if err != nil {
		return err
	}
	if cidr.Bits() < 16 || cidr.Bits() > 28 {
		return awserror.Bad("InvalidVpc.Range", "The CIDR '%s' is invalid.", cidr)
	}
	if self != "" {
		return nil
	}
	return t.room(QuotaVPCs, t.inRegion(KindVPC),
		awserror.Bad("VpcLimitExceeded", "The maximum number of VPCs has been reached."))
}

func makeVPC(t *tx, r *Resource) error {
	r.ID = awsid.EC2("vpc")
	r.ARN = t.arn("ec2", "vpc/"+r.ID)
	owner := t.a.opts.AccountID
	group := t.made(KindSecurityGroup, awsid.EC2("sg"), "", ByEC2,
		Props{"vpcId": r.ID, "name": "default", "description": "default VPC security group"}, nil, nil)
	group.ARN = t.arn("ec2", "security-group/"+group.ID)
	group.Name = "default"
	group.Attrs = Props{"arn": group.ARN, "ownerId": owner, "default": true}
	table := t.made(KindRouteTable, awsid.EC2("rtb"), "", ByEC2, Props{"vpcId": r.ID}, nil, nil)
	table.ARN = t.arn("ec2", "route-table/"+table.ID)
	table.Attrs = Props{"arn": table.ARN, "ownerId": owner, "main": true}
	t.put(group)
	t.put(table)
	r.Attrs = Props{
		"arn": r.ARN, "ownerId": owner, "defaultSecurityGroupId": group.ID,
		"mainRouteTableId": table.ID, "defaultRouteTableId": table.ID,
		"defaultNetworkAclId": awsid.EC2("acl"), "dhcpOptionsId": "dopt-0" + strings.Repeat("0", 15) + "1",
		"ipv6AssociationId": "", "ipv6CidrBlock": "",
	}
	defaults(r.Attrs, r.Props, Props{
		"instanceTenancy": "default", "enableDnsSupport": true, "enableDnsHostnames": false,
		"enableNetworkAddressUsageMetrics": false, "assignGeneratedIpv6CidrBlock": false,
	})
	return nil
}

// defaults copies AWS's defaults into the attributes where the request is silent.
func defaults(attrs, props, values Props) {
	for k, v := range values {
		if props[k] == nil {
			attrs[k] = v
		}
	}
}

// inVPC reports whether a resource lies in a VPC and is not one of the two that come with it.
func inVPC(r *Resource, vpc string) bool {
	return str(r.Props, "vpcId") == vpc && !flag(r.Attrs, "default") && !flag(r.Attrs, "main")
}

func blockedVPC(t *tx, r *Resource) error {
	for _, k := range []Kind{KindSubnet, KindInternetGateway, KindVPCEndpoint, KindSecurityGroup, KindRouteTable} {
		if t.first(k, func(x *Resource) bool { return inVPC(x, r.ID) }) != nil {
			return dependency("The vpc '%s' has dependencies and cannot be deleted.", r.ID)
		}
	}
	return nil
}

func goneVPC(t *tx, r *Resource) {
	same := func(x *Resource) bool { return str(x.Props, "vpcId") == r.ID }
	t.destroyWhere(KindSecurityGroup, same)
	t.destroyWhere(KindRouteTable, same)
}

func (t *tx) vpcOf(subnet string) string {
	if s := t.get(KindSubnet, subnet); s != nil {
		return str(s.Props, "vpcId")
	}
	return ""
}

func checkSubnet(t *tx, p Props, self string) error {
	if self != "" {
		return nil
	}
	cidr, err := parseCIDR(str(p, "cidrBlock"))
	if err != nil {
		return err
	}
	vpc := t.get(KindVPC, str(p, "vpcId"))
	whole, err := parseCIDR(str(vpc.Props, "cidrBlock"))
	if err != nil {
		return err
	}
	if cidr.Bits() < 16 || cidr.Bits() > 28 || !contains(whole, cidr) {
		return awserror.Bad("InvalidSubnet.Range", "The CIDR '%s' is invalid.", cidr)
	}
	if t.first(KindSubnet, func(r *Resource) bool {
		other, err := parseCIDR(str(r.Props, "cidrBlock"))
		return str(r.Props, "vpcId") == vpc.ID && err == nil && other.Overlaps(cidr)
	}) != nil {
		return awserror.Bad("InvalidSubnet.Conflict", "The CIDR '%s' conflicts with another subnet", cidr)
	}
	_, err = t.zone(p)
	return err
}

// zone finds the zone that a request names by name or id; the first of the region when it names none.
func (t *tx) zone(p Props) (Zone, error) {
	zones := regionZones(t.region())
	name, id := str(p, "availabilityZone"), str(p, "availabilityZoneId")
	i := slices.IndexFunc(zones, func(z Zone) bool { return (name == "" || z.Name == name) && (id == "" || z.ID == id) })
	if i >= 0 {
		return zones[i], nil
	}
	var names []string
	for _, z := range zones {
		names = append(names, z.Name)
	}
	return Zone{}, awserror.Bad("InvalidParameterValue", "Value (%s) for parameter availabilityZone is invalid. "+
		"Subnets can currently only be created in the following availability zones: %s.", orElse(name, id),
		strings.Join(names, ", "))
}

func makeSubnet(t *tx, r *Resource) error {
	zone, err := t.zone(r.Props)
	if err != nil {
		return err
	}
	r.ID = awsid.EC2("subnet")
	r.ARN = t.arn("ec2", "subnet/"+r.ID)
	r.Attrs = Props{
		"arn": r.ARN, "ownerId": t.a.opts.AccountID, "availabilityZone": zone.Name, "availabilityZoneId": zone.ID,
		"ipv6CidrBlockAssociationId": "",
	}
	defaults(r.Attrs, r.Props, Props{
		"mapPublicIpOnLaunch": false, "assignIpv6AddressOnCreation": false, "enableDns64": false, "ipv6Native": false,
		"enableResourceNameDnsARecordOnLaunch": false, "enableResourceNameDnsAaaaRecordOnLaunch": false,
		"privateDnsHostnameTypeOnLaunch": "ip-name",
	})
	return nil
}

func checkInternetGateway(t *tx, p Props, self string) error {
	vpc := str(p, "vpcId")
	if vpc != "" && t.first(KindInternetGateway, func(r *Resource) bool {
		return r.ID != self && str(r.Props, "vpcId") == vpc
	}) != nil {
		return awserror.Bad("InvalidParameterValue", "Network %s already has an internet gateway attached", vpc)
	}
	if self != "" {
		return nil
	}
	return t.room(QuotaInternetGateways, t.inRegion(KindInternetGateway),
		awserror.Bad("InternetGatewayLimitExceeded", "The maximum number of internet gateways has been reached."))
}

// blockedGateway refuses to detach a gateway from a VPC that has public addresses.
func blockedGateway(t *tx, r *Resource) error {
	vpc := str(r.Props, "vpcId")
	if vpc == "" {
		return nil
	}
	public := t.first(KindNetworkInterface, func(eni *Resource) bool {
		return str(eni.Attrs, "publicIp") != "" && t.vpcOf(str(eni.Props, "subnetId")) == vpc
	})
	if public == nil {
		return nil
	}
	return dependency("Network %s has some mapped public address(es). "+
		"Please unmap those public address(es) before detaching the gateway.", vpc)
}

func makeEIP(t *tx, r *Resource) error {
	r.ID = awsid.EC2("eipalloc")
	r.ARN = t.arn("ec2", "elastic-ip/"+r.ID)
	ip := t.takePublicAddress()
	r.Attrs = Props{
		"arn": r.ARN, "allocationId": r.ID, "publicIp": ip, "publicDns": publicName(ip, t.region()),
		"domain": "vpc", "networkBorderGroup": t.region(), "publicIpv4Pool": "amazon",
		"associationId": "", "carrierIp": "", "customerOwnedIp": "", "ptrRecord": "",
	}
	return nil
}

func publicName(ip, region string) string {
	return "ec2-" + strings.ReplaceAll(ip, ".", "-") + "." + region + ".compute.amazonaws.com"
}

func privateName(ip, region string) string {
	host := "ip-" + strings.ReplaceAll(ip, ".", "-")
	if region == "us-east-1" {
		return host + ".ec2.internal"
	}
	return host + "." + region + ".compute.internal"
}

func checkNAT(t *tx, p Props, self string) error {
	if self != "" {
		return nil
	}
	subnet := t.get(KindSubnet, str(p, "subnetId"))
	if str(p, "connectivityType") != "private" {
		eip := t.get(KindEIP, str(p, "allocationId"))
		if eip == nil {
			return awserror.Bad("MissingParameter", "The request must contain the parameter AllocationId")
		}
		if str(eip.Attrs, "associationId") != "" {
			return awserror.Bad("Resource.AlreadyAssociated", "Elastic IP address [%s] is already associated", eip.ID)
		}
		vpc := str(subnet.Props, "vpcId")
		if t.first(KindInternetGateway, func(r *Resource) bool { return str(r.Props, "vpcId") == vpc }) == nil {
			return awserror.Bad("Gateway.NotAttached", "Network %s has no Internet gateway attached", vpc)
		}
	}
	zone := str(subnet.Attrs, "availabilityZone")
	used := t.count(KindNATGateway, func(r *Resource) bool {
		s := t.get(KindSubnet, str(r.Props, "subnetId"))
		return s != nil && str(s.Attrs, "availabilityZone") == zone
	})
	return t.room(QuotaNATGateways, used, awserror.Status(http.StatusBadRequest, "NatGatewayLimitExceeded",
		"The maximum number of NAT gateways in %s has been reached.", zone))
}

func makeNAT(t *tx, r *Resource) error {
	r.ID = awsid.EC2("nat")
	r.ARN = t.arn("ec2", "natgateway/"+r.ID)
	subnet := t.get(KindSubnet, str(r.Props, "subnetId"))
	eni, err := t.addInterface(subnet, interfaceRequest{
		typ: "nat_gateway", description: "Interface for NAT Gateway " + r.ID, owner: r.ID, by: ByEC2,
	})
	if err != nil {
		return err
	}
	r.Attrs = Props{"networkInterfaceId": eni.ID, "privateIp": str(eni.Attrs, "privateIp"), "publicIp": "", "associationId": ""}
	defaults(r.Attrs, r.Props, Props{"connectivityType": "public"})
	eip := str(r.Props, "allocationId")
	if eip == "" {
		return nil
	}
	association := awsid.EC2("eipassoc")
	t.edit(KindEIP, eip, func(e *Resource) {
		e.Attrs["associationId"], e.Attrs["networkInterface"] = association, eni.ID
		e.Attrs["privateIp"] = str(eni.Attrs, "privateIp")
		r.Attrs["publicIp"] = str(e.Attrs, "publicIp")
	})
	t.edit(KindNetworkInterface, eni.ID, func(e *Resource) { e.Attrs["publicIp"] = r.Attrs["publicIp"] })
	r.Attrs["associationId"] = association
	return nil
}

func goneNAT(t *tx, r *Resource) {
	t.remove(KindNetworkInterface, str(r.Attrs, "networkInterfaceId"))
	t.edit(KindEIP, str(r.Props, "allocationId"), func(e *Resource) {
		e.Attrs["associationId"] = ""
		delete(e.Attrs, "networkInterface")
		delete(e.Attrs, "privateIp")
	})
	t.blackhole("natGatewayId", r.ID)
}
