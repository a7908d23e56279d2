// SPDX-License-Identifier: Apache-2.0

package account

import (
	"emrflink/internal/localcloud/awserror"
	"emrflink/internal/localcloud/awsid"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
)

// routeKinds are route tables, routes, associations and VPC endpoints.
func routeKinds() map[Kind]*spec {
	return map[Kind]*spec{
		KindRouteTable: {
			missing: missingEC2("InvalidRouteTableID.NotFound", "routeTable ID"),
			usable:  stateAvailable,
			refused: []string{"propagatingVgws"},
			refs:    []ref{vpcRef()},
			check: func(t *tx, p Props, _ string) error {
				for _, route := range blocks(p, "routes") {
					if err := t.checkRouteTarget(route, str(p, "vpcId")); err != nil {
						return err
					}
				}
				return nil
			},
			make: func(t *tx, r *Resource) error {
				r.ID = awsid.EC2("rtb")
				r.ARN = t.arn("ec2", "route-table/"+r.ID)
				r.Attrs = Props{"arn": r.ARN, "ownerId": t.a.opts.AccountID}
				return nil
			},
			blocked: func(t *tx, r *Resource) error {
				used := t.first(KindRouteTableAssociation, func(x *Resource) bool { return str(x.Props, "routeTableId") == r.ID })
				if used == nil && !flag(r.Attrs, "main") {
					return nil
				}
				return dependency("The routeTable '%s' has dependencies and cannot be deleted.", r.ID)
			},
			gone: func(t *tx, r *Resource) {
				t.destroyWhere(KindRoute, func(x *Resource) bool { return str(x.Props, "routeTableId") == r.ID })
			},
		},
		KindRoute: {
			missing: func(id string) *awserror.Error {
				return awserror.Bad("InvalidRoute.NotFound", "There is no route %s in the route table", id)
			},
			usable: "active",
			refused: []string{"carrierGatewayId", "coreNetworkArn", "destinationIpv6CidrBlock", "destinationPrefixListId",
				"egressOnlyGatewayId", "localGatewayId", "transitGatewayId", "vpcPeeringConnectionId"},
			refs:  []ref{{path: "routeTableId", kind: KindRouteTable, required: true}},
			check: checkRoute,
			make: func(_ *tx, r *Resource) error {
				table := str(r.Props, "routeTableId")
				r.ID = hashID("r-"+table, str(r.Props, "destinationCidrBlock"))
				r.Attrs = Props{"origin": "CreateRoute", "state": "active", "instanceId": "", "instanceOwnerId": ""}
				return nil
			},
			update: func(_ *tx, _, r *Resource) error { r.become("active"); return nil },
		},
		KindRouteTableAssociation: {
			missing: missingEC2("InvalidAssociationID.NotFound", "association ID"),
			usable:  "associated",
			refused: []string{"gatewayId"},
			refs: []ref{
				{path: "routeTableId", kind: KindRouteTable, required: true},
				{path: "subnetId", kind: KindSubnet, required: true},
			},
			check: func(t *tx, p Props, self string) error {
				subnet, table := str(p, "subnetId"), t.get(KindRouteTable, str(p, "routeTableId"))
				if t.vpcOf(subnet) != str(table.Props, "vpcId") {
					return awserror.Bad("InvalidParameterValue", "Route table %s and subnet %s belong to different networks",
						table.ID,
						subnet)
				}
				if t.first(KindRouteTableAssociation,
					func(r *Resource) bool { return r.ID != self && str(r.Props, "subnetId") == subnet }) != nil {
					return awserror.Bad("Resource.AlreadyAssociated",
						"the specified association for route table %s conflicts with an existing association", table.ID)
				}
				return nil
			},
			make: func(_ *tx, r *Resource) error { r.ID = awsid.EC2("rtbassoc"); return nil },
		},
		KindVPCEndpoint: endpointSpec(),
		KindFlowLog:     flowLogSpec(),
	}
}

// endpointSpec is the rule of gateway and interface endpoints.
func endpointSpec() *spec {
	return &spec{
		missing: missingEC2("InvalidVpcEndpointId.NotFound", "Vpc Endpoint Id"),
		pending: statePending, usable: stateAvailable, deleting: stateDeleting,
		refused: []string{"resourceConfigurationArn", "serviceNetworkArn", "subnetConfigurations"},
		refs: []ref{
			vpcRef(),
			{path: "routeTableIds", kind: KindRouteTable, weak: true},
			{path: "subnetIds", kind: KindSubnet},
			{path: "securityGroupIds", kind: KindSecurityGroup},
		},
		check: checkEndpoint, make: makeEndpoint, update: updateEndpoint,
		gone: func(t *tx, r *Resource) {
			for _, id := range strs(r.Attrs, "networkInterfaceIds") {
				t.remove(KindNetworkInterface, id)
			}
		},
	}
}

// routeTargets are the properties of which a route has exactly one.
func routeTargets() []ref {
	return []ref{
		{path: "gatewayId", kind: KindInternetGateway, weak: true},
		{path: "natGatewayId", kind: KindNATGateway, weak: true},
		{path: "networkInterfaceId", kind: KindNetworkInterface, weak: true},
		{path: "vpcEndpointId", kind: KindVPCEndpoint, weak: true},
	}
}

func checkRoute(t *tx, p Props, self string) error {
	table := t.get(KindRouteTable, str(p, "routeTableId"))
	cidr, err := parseCIDR(str(p, "destinationCidrBlock"))
	if err != nil {
		return err
	}
	taken := func(r *Resource) bool {
		return r.ID != self && str(r.Props, "routeTableId") == table.ID && str(r.Props, "destinationCidrBlock") == cidr.String()
	}
	if t.first(KindRoute, taken) != nil || slices.ContainsFunc(blocks(table.Props, "routes"), func(o Props) bool {
		return str(o, "cidrBlock") == cidr.String()
	}) {
		return awserror.Bad("RouteAlreadyExists", "The route identified by %s already exists.", cidr)
	}
	return t.checkRouteTarget(p, str(table.Props, "vpcId"))
}

func (t *tx) checkRouteTarget(p Props, vpc string) error {
	given := 0
	for _, rf := range routeTargets() {
		id := str(p, rf.path)
		if id == "" || id == "local" {
			continue
		}
		given++
		target := t.resolve(rf, id)
		if target == nil {
			return t.a.missing(rf.kind, id)
		}
		if of := t.networkOf(target); of != vpc {
			return awserror.Bad("InvalidParameterValue", "route table and network gateway %s belong to different networks", id)
		}
	}
	if given != 1 && str(p, "gatewayId") != "local" {
		return awserror.Bad("InvalidParameterCombination", "A route must have exactly one target, this one has %d", given)
	}
	return nil
}

// networkOf is the VPC of a gateway, interface or endpoint.
func (t *tx) networkOf(r *Resource) string {
	return orElse(str(r.Props, "vpcId"), t.vpcOf(str(r.Props, "subnetId")))
}

// blackhole marks the routes to a target that has gone.
func (t *tx) blackhole(path, id string) {
	for _, route := range t.where(KindRoute, func(r *Resource) bool { return str(r.Props, path) == id }) {
		t.edit(KindRoute, route.ID, func(r *Resource) { r.become("blackhole") })
	}
}

func checkEndpoint(t *tx, p Props, self string) error {
	name := str(p, "serviceName")
	service, ok := strings.CutPrefix(name, "com.amazonaws."+t.region()+".")
	if !ok || service == "" {
		return awserror.Bad("InvalidServiceName", "The Vpc Endpoint Service '%s' does not exist", name)
	}
	gateway := orElse(str(p, "vpcEndpointType"), "Gateway") == "Gateway"
	if gateway && service != "s3" && service != "dynamodb" {
		return awserror.Bad("InvalidParameter", "Service %s does not have a gateway endpoint", name)
	}
	if !gateway {
		return t.checkInterfaceEndpoint(p, self)
	}
	for _, table := range strs(p, "routeTableIds") {
		if t.first(KindVPCEndpoint, func(r *Resource) bool {
			return r.ID != self && str(r.Props, "serviceName") == name && r.uses("routeTableIds", table)
		}) != nil {
			return awserror.Bad("RouteAlreadyExists", "route table %s already has a route with destination-prefix-list-id %s",
				table,
				prefixList(name))
		}
	}
	return nil
}

// checkInterfaceEndpoint refuses two interfaces in one zone, and private DNS where it cannot be.
func (t *tx) checkInterfaceEndpoint(p Props, self string) error {
	zones := map[string]bool{}
	for _, id := range strs(p, "subnetIds") {
		zone := str(t.get(KindSubnet, id).Attrs, "availabilityZone")
		if zones[zone] {
			return awserror.Bad("DuplicateSubnetsInSameZone",
				"Found another VPC endpoint subnet in the availability zone of %s. VPC endpoint subnets should be in different "+
					"availability zones supported by the VPC endpoint service.", id)
		}
		zones[zone] = true
	}
	if !flag(p, "privateDnsEnabled") {
		return nil
	}
	vpc, name := str(p, "vpcId"), str(p, "serviceName")
	if all := t.get(KindVPC, vpc).All(); !flag(all, "enableDnsSupport") || !flag(all, "enableDnsHostnames") {
		return awserror.Bad("InvalidParameter",
			"Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true for %s", vpc)
	}
	if t.first(KindVPCEndpoint, func(r *Resource) bool {
		return r.ID != self && str(r.Props, "vpcId") == vpc && str(r.Props, "serviceName") == name &&
			flag(r.Props, "privateDnsEnabled")
	}) != nil {
		return awserror.Bad("InvalidParameter",
			"private-dns-enabled cannot be set because there is already a conflicting DNS domain for %s in the VPC %s", name, vpc)
	}
	return nil
}

func prefixList(service string) string { return fmt.Sprintf("pl-%08x", len(service)*0x01010101) }

func makeEndpoint(t *tx, r *Resource) error {
	r.ID = awsid.EC2("vpce")
	r.ARN = t.arn("ec2", "vpc-endpoint/"+r.ID)
	r.Attrs = Props{
		"arn": r.ARN, "ownerId": t.a.opts.AccountID, "requesterManaged": false, "state": statePending,
		"networkInterfaceIds": []any{}, "dnsEntries": []any{}, "cidrBlocks": []any{}, "prefixListId": "",
	}
	defaults(r.Attrs, r.Props, Props{
		"vpcEndpointType": "Gateway", "ipAddressType": "ipv4", "privateDnsEnabled": false,
		"policy": `{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}],"Version":"2008-10-17"}`,
	})
	if orElse(str(r.Props, "vpcEndpointType"), "Gateway") == "Gateway" {
		r.Attrs["prefixListId"] = prefixList(str(r.Props, "serviceName"))
		r.Attrs["cidrBlocks"] = []any{"192.0.2.0/24"}
		r.HourlyUSD = 0 // gateway endpoints are free: aws.amazon.com/privatelink/pricing
		return nil
	}
	return t.endpointInterfaces(r)
}

// endpointInterfaces gives an interface endpoint one network interface per subnet.
func (t *tx) endpointInterfaces(r *Resource) error {
	subnets := strs(r.Props, "subnetIds")
	kept := map[string]bool{}
	var ids []string
	for _, id := range strs(r.Attrs, "networkInterfaceIds") {
		eni := t.get(KindNetworkInterface, id)
		if eni == nil || !slices.Contains(subnets, str(eni.Props, "subnetId")) {
			t.remove(KindNetworkInterface, id)
			continue
		}
		kept[str(eni.Props, "subnetId")] = true
		t.edit(KindNetworkInterface, id, func(e *Resource) {
			e.Props["securityGroups"] = anyStrings(strs(r.Props, "securityGroupIds"))
		})
		ids = append(ids, id)
	}
	for _, id := range subnets {
		if kept[id] {
			continue
		}
		eni, err := t.addInterface(t.get(KindSubnet, id), interfaceRequest{
			typ: "vpc_endpoint", description: "VPC Endpoint Interface " + r.ID, owner: r.ID, by: ByEC2,
			groups: strs(r.Props, "securityGroupIds"),
		})
		if err != nil {
			return err
		}
		ids = append(ids, eni.ID)
	}
	r.Attrs["networkInterfaceIds"] = anyStrings(ids)
	r.HourlyUSD = hourly(KindVPCEndpoint) * float64(len(ids))
	service := strings.TrimPrefix(str(r.Props, "serviceName"), "com.amazonaws."+t.region()+".")
	r.Attrs["dnsEntries"] = []any{Props{
		"dnsName": fmt.Sprintf("%s.%s.%s.vpce.amazonaws.com", r.ID, service, t.region()), "hostedZoneId": "Z1YSA3EXCYUU9Z",
	}}
	return nil
}

func updateEndpoint(t *tx, _, r *Resource) error {
	if orElse(str(r.Props, "vpcEndpointType"), "Gateway") == "Gateway" {
		return nil
	}
	return t.endpointInterfaces(r)
}

// hashID is the provider's way of making ids of things that AWS gives none: a prefix and a CRC.
func hashID(prefix, of string) string {
	return fmt.Sprintf("%s%d", prefix, crc32.ChecksumIEEE([]byte(of)))
}
