// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"net/http"
	"strconv"
	"strings"

	"emrflink/internal/localcloud/account"
)

// rows builds the rows of one kind in the request's region.
func (q *request) rows(k account.Kind, build func(account.Resource, account.Props) row) []row {
	var out []row
	for _, r := range q.account.List(k) {
		if !q.visible(r) {
			continue
		}
		n := build(r, r.All())
		n.id, n.tags = r.ID, r.Tags
		n.body = append(n.body, ec2Tags(r.Tags))
		out = append(out, n)
	}
	return out
}

// one is a filter value of at most one text.
func one(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

func describeVpcs(q *request) (answer, error) {
	t := table{ids: "VpcId", notFound: "InvalidVpcID.NotFound", noun: "vpc ID",
		filters: []string{"vpc-id", "cidr", "state", "is-default", "owner-id"}}
	return q.describe(t, "vpcSet", q.rows(account.KindVPC, func(r account.Resource, p account.Props) row {
		return row{
			attrs: map[string][]string{"vpc-id": {r.ID}, "cidr": one(str(p, "cidrBlock")), "state": {r.State},
				"is-default": {"false"}, "owner-id": {q.account.ID()}},
			body: []node{txt("vpcId", r.ID), txt("ownerId", q.account.ID()), txt("state", r.State),
				txt("cidrBlock", str(p, "cidrBlock")),
				txt("instanceTenancy", "default"), boolean("isDefault", false)},
		}
	}))
}

func describeSubnets(q *request) (answer, error) {
	t := table{ids: "SubnetId", notFound: "InvalidSubnetID.NotFound", noun: "subnet ID",
		filters: []string{"subnet-id", "vpc-id", "availability-zone", "availability-zone-id", "state", "cidr-block"}}
	return q.describe(t, "subnetSet", q.rows(account.KindSubnet, func(r account.Resource, p account.Props) row {
		zone, zoneID := q.zone(str(p, "availabilityZone"), str(p, "availabilityZoneId"))
		return row{
			attrs: map[string][]string{"subnet-id": {r.ID}, "vpc-id": one(str(p, "vpcId")), "availability-zone": {zone},
				"availability-zone-id": {zoneID},
				"state":                {r.State}, "cidr-block": one(str(p, "cidrBlock"))},
			body: []node{txt("subnetId", r.ID), txt("subnetArn", q.arnOf(r, "ec2", "subnet/"+r.ID)), txt("state", r.State),
				txt("vpcId", str(p, "vpcId")),
				txt("cidrBlock", str(p, "cidrBlock")), txt("availabilityZone", zone), txt("availabilityZoneId", zoneID),
				num("availableIpAddressCount", q.account.FreeAddresses(r.ID)),
				boolean("mapPublicIpOnLaunch", truthy(p, "mapPublicIpOnLaunch")),
				boolean("defaultForAz", false), txt("ownerId", q.account.ID())},
		}
	}))
}

// zone completes a zone's name and id from each other.
func (q *request) zone(name, id string) (string, string) {
	for _, z := range q.account.ZonesIn(q.region) {
		if z.Name == name || z.ID == id && id != "" {
			return z.Name, z.ID
		}
	}
	return name, id
}

func describeAvailabilityZones(q *request) (answer, error) {
	t := table{ids: "ZoneName", notFound: "InvalidParameterValue", noun: "availability zone",
		filters: []string{"zone-name", "zone-id", "state", "zone-type", "region-name", "opt-in-status"}}
	var rows []row
	for _, z := range q.account.ZonesIn(q.region) {
		rows = append(rows, row{
			id: z.Name,
			attrs: map[string][]string{"zone-name": {z.Name}, "zone-id": {z.ID}, "state": {"available"},
				"zone-type":   {"availability-zone"},
				"region-name": {q.region}, "opt-in-status": {"opt-in-not-required"}},
			body: []node{txt("zoneName", z.Name), txt("zoneId", z.ID), txt("zoneState", "available"), txt("regionName", q.region),
				txt("zoneType", "availability-zone"), txt("optInStatus", "opt-in-not-required"), txt("groupName", q.region+"-1")},
		})
	}
	return q.describe(t, "availabilityZoneInfo", rows)
}

func describeSecurityGroups(q *request) (answer, error) {
	t := table{ids: "GroupId", notFound: "InvalidGroup.NotFound", noun: "security group",
		filters: []string{"group-id", "group-name", "vpc-id", "owner-id"}}
	return q.describe(t, "securityGroupInfo", q.rows(account.KindSecurityGroup, func(r account.Resource, p account.Props) row {
		name := r.Name
		if n := str(p, "name"); n != "" {
			name = n
		}
		return row{
			attrs: map[string][]string{"group-id": {r.ID}, "group-name": {name}, "vpc-id": one(str(p, "vpcId")),
				"owner-id": {q.account.ID()}},
			body: []node{txt("ownerId", q.account.ID()), txt("groupId", r.ID), txt("groupName", name),
				txt("groupDescription", str(p, "description")),
				txt("vpcId", str(p, "vpcId")), txt("securityGroupArn", q.arnOf(r, "ec2", "security-group/"+r.ID))},
		}
	}))
}

func deleteSecurityGroup(q *request) (answer, error) {
	return q.deleteByID(account.KindSecurityGroup, q.form.str("GroupId"), txt("groupId", q.form.str("GroupId")))
}

// byID is the need of an operation on the EC2 resource whose id is a parameter.
func byID(k account.Kind, arnType, parameter string) func(*request) ([]need, error) {
	return func(q *request) ([]need, error) {
		id := q.form.str(parameter)
		r, _ := q.account.Get(k, id)
		return on(q.arn("ec2", arnType+"/"+id), resourceTags("ec2", r.Tags))
	}
}

// deleteByID deletes one EC2 resource.
func (q *request) deleteByID(k account.Kind, id string, extra ...node) (answer, error) {
	if err := q.dryRun(); err != nil {
		return answer{}, err
	}
	if err := q.account.Delete(q.ctx, q.caller, k, id); err != nil {
		return answer{}, err
	}
	return q.ec2(append([]node{boolean("return", true)}, extra...)...)
}

func describeNetworkInterfaces(q *request) (answer, error) {
	t := table{ids: "NetworkInterfaceId", notFound: "InvalidNetworkInterfaceID.NotFound", noun: "networkInterface ID",
		filters: []string{"network-interface-id", "vpc-id", "subnet-id", "status", "group-id", "description",
			"attachment.instance-id", "requester-managed", "interface-type"}}
	return q.describe(t, "networkInterfaceSet", q.rows(account.KindNetworkInterface, q.interfaceRow))
}

func (q *request) interfaceRow(r account.Resource, p account.Props) row {
	subnet, _ := q.account.Get(account.KindSubnet, str(p, "subnetId"))
	sp := subnet.All()
	vpc := str(p, "vpcId")
	if vpc == "" {
		vpc = str(sp, "vpcId")
	}
	status := r.State
	instance := interfaceInstance(p)
	kind := str(p, "interfaceType")
	if kind == "" {
		kind = "interface"
	}
	managed := truthy(p, "requesterManaged")
	groups := strs(p, "securityGroups", "vpcSecurityGroupIds")
	var attachment node
	if status == "in-use" {
		attachment = el("attachment", txt("attachmentId", "eni-attach-"+strings.TrimPrefix(r.ID, "eni-")),
			opt("instanceId", instance),
			txt("status", "attached"), num("deviceIndex", whole(p, "attachments.deviceIndex", 0)),
			boolean("deleteOnTermination", instance != ""))
	}
	return row{
		attrs: map[string][]string{"network-interface-id": {r.ID}, "vpc-id": one(vpc), "subnet-id": one(str(p, "subnetId")),
			"status": {status}, "group-id": groups,
			"description": one(str(p, "description")), "attachment.instance-id": one(instance),
			"requester-managed": {strconv.FormatBool(managed)}, "interface-type": {kind}},
		body: []node{txt("networkInterfaceId", r.ID), txt("subnetId", str(p, "subnetId")), txt("vpcId", vpc),
			txt("availabilityZone", str(sp, "availabilityZone")),
			txt("description", str(p, "description")), txt("ownerId", q.account.ID()), boolean("requesterManaged", managed),
			txt("status", status),
			opt("privateIpAddress", str(p, "privateIp")), txt("interfaceType", kind), q.groupSet(groups), attachment},
	}
}

// interfaceInstance is the instance that an interface is attached to, "" when
// it belongs to something else or nothing.
func interfaceInstance(p account.Props) string {
	if owner := str(p, "attachedTo"); strings.HasPrefix(owner, "i-") {
		return owner
	}
	return ""
}

// groupSet names security groups as instances and interfaces do.
func (q *request) groupSet(ids []string) node {
	var rows []node
	for _, id := range ids {
		g, _ := q.account.Get(account.KindSecurityGroup, id)
		rows = append(rows, el("", txt("groupId", id), txt("groupName", g.Name)))
	}
	return list("groupSet", "item", rows)
}

func deleteNetworkInterface(q *request) (answer, error) {
	return q.deleteByID(account.KindNetworkInterface, q.form.str("NetworkInterfaceId"))
}

func describeNatGateways(q *request) (answer, error) {
	t := table{ids: "NatGatewayId", notFound: "NatGatewayNotFound", noun: "NatGateway", filter: "Filter",
		filters: []string{"nat-gateway-id", "vpc-id", "subnet-id", "state"}}
	return q.describe(t, "natGatewaySet", q.rows(account.KindNATGateway, func(r account.Resource, p account.Props) row {
		subnet, _ := q.account.Get(account.KindSubnet, str(p, "subnetId"))
		vpc := str(subnet.All(), "vpcId")
		return row{
			attrs: map[string][]string{"nat-gateway-id": {r.ID}, "vpc-id": one(vpc), "subnet-id": one(str(p, "subnetId")),
				"state": {r.State}},
			body: []node{txt("natGatewayId", r.ID), txt("state", r.State), txt("subnetId", str(p, "subnetId")), txt("vpcId", vpc),
				when("createTime", r.CreatedAt),
				txt("connectivityType", "public"), list("natGatewayAddressSet", "item",
					[]node{el("", opt("allocationId", str(p, "allocationId")),
						opt("publicIp", str(p, "publicIp")), opt("privateIp", str(p, "privateIp")))})},
		}
	}))
}

func describeAddresses(q *request) (answer, error) {
	t := table{ids: "AllocationId", notFound: "InvalidAllocationID.NotFound", noun: "allocation ID",
		filters: []string{"allocation-id", "association-id", "public-ip", "domain", "instance-id"}}
	return q.describe(t, "addressesSet", q.rows(account.KindEIP, func(r account.Resource, p account.Props) row {
		assoc := str(p, "associationId")
		return row{
			attrs: map[string][]string{"allocation-id": {r.ID}, "association-id": one(assoc),
				"public-ip": one(str(p, "publicIp")), "domain": {"vpc"},
				"instance-id": one(str(p, "instance"))},
			body: []node{txt("allocationId", r.ID), opt("publicIp", str(p, "publicIp")), txt("domain", "vpc"),
				opt("associationId", assoc),
				opt("networkInterfaceId", str(p, "networkInterface"))},
		}
	}))
}

func describeInternetGateways(q *request) (answer, error) {
	t := table{ids: "InternetGatewayId", notFound: "InvalidInternetGatewayID.NotFound", noun: "internetGateway ID",
		filters: []string{"internet-gateway-id", "attachment.vpc-id", "attachment.state", "owner-id"}}
	return q.describe(t, "internetGatewaySet", q.rows(account.KindInternetGateway, func(r account.Resource, p account.Props) row {
		var attachments []node
		if vpc := str(p, "vpcId"); vpc != "" {
			attachments = []node{el("", txt("vpcId", vpc), txt("state", "available"))}
		}
		return row{
			attrs: map[string][]string{"internet-gateway-id": {r.ID}, "attachment.vpc-id": one(str(p, "vpcId")),
				"attachment.state": {"available"}, "owner-id": {q.account.ID()}},
			body: []node{txt("internetGatewayId", r.ID), txt("ownerId", q.account.ID()),
				list("attachmentSet", "item", attachments)},
		}
	}))
}

func describeVpcEndpoints(q *request) (answer, error) {
	t := table{ids: "VpcEndpointId", notFound: "InvalidVpcEndpointId.NotFound", noun: "Vpc Endpoint Id",
		filters: []string{"vpc-endpoint-id", "vpc-id", "service-name", "vpc-endpoint-type", "vpc-endpoint-state"}}
	return q.describe(t, "vpcEndpointSet", q.rows(account.KindVPCEndpoint, func(r account.Resource, p account.Props) row {
		kind := str(p, "vpcEndpointType")
		if kind == "" {
			kind = "Gateway"
		}
		return row{
			attrs: map[string][]string{"vpc-endpoint-id": {r.ID}, "vpc-id": one(str(p, "vpcId")),
				"service-name":      one(str(p, "serviceName")),
				"vpc-endpoint-type": {kind}, "vpc-endpoint-state": {r.State}},
			body: []node{txt("vpcEndpointId", r.ID), txt("vpcEndpointType", kind), txt("vpcId", str(p, "vpcId")),
				txt("serviceName", str(p, "serviceName")),
				txt("state", r.State), when("creationTimestamp", r.CreatedAt),
				texts("routeTableIdSet", "item", strs(p, "routeTableIds")), texts("subnetIdSet", "item", strs(p, "subnetIds"))},
		}
	}))
}

func deleteVpcEndpoints(q *request) (answer, error) {
	ids := q.form.strings("VpcEndpointId")
	if len(ids) != 1 {
		return answer{}, refuse(http.StatusBadRequest, "InvalidParameterCombination",
			"the local account deletes one endpoint a call")
	}
	return q.deleteByID(account.KindVPCEndpoint, ids[0])
}

func describeFlowLogs(q *request) (answer, error) {
	t := table{ids: "FlowLogId", notFound: "InvalidFlowLogId.NotFound", noun: "flow log",
		filters: []string{"flow-log-id", "resource-id", "log-destination-type", "traffic-type"}}
	return q.describe(t, "flowLogSet", q.rows(account.KindFlowLog, func(r account.Resource, p account.Props) row {
		return row{
			attrs: map[string][]string{"flow-log-id": {r.ID}, "resource-id": one(str(p, "vpcId")),
				"log-destination-type": one(str(p, "logDestinationType")), "traffic-type": one(str(p, "trafficType"))},
			body: []node{txt("flowLogId", r.ID), txt("resourceId", str(p, "vpcId")), txt("flowLogStatus", r.State),
				txt("trafficType", str(p, "trafficType")), txt("logDestination", str(p, "logDestination")),
				txt("logDestinationType", str(p, "logDestinationType")), txt("deliverLogsPermissionArn", str(p, "iamRoleArn")),
				when("creationTime", r.CreatedAt)},
		}
	}))
}

func describeRouteTables(q *request) (answer, error) {
	t := table{ids: "RouteTableId", notFound: "InvalidRouteTableID.NotFound", noun: "routeTable ID",
		filters: []string{"route-table-id", "vpc-id", "owner-id"}}
	return q.describe(t, "routeTableSet", q.rows(account.KindRouteTable, func(r account.Resource, p account.Props) row {
		var associations []node
		if truthy(p, "main") {
			associations = append(associations, el("", txt("routeTableAssociationId",
				"rtbassoc-"+strings.TrimPrefix(r.ID, "rtb-")),
				txt("routeTableId", r.ID), boolean("main", true)))
		}
		for _, a := range q.account.List(account.KindRouteTableAssociation) {
			if str(a.Props, "routeTableId") == r.ID {
				associations = append(associations, el("item", txt("routeTableAssociationId", a.ID), txt("routeTableId", r.ID),
					txt("subnetId", str(a.Props, "subnetId")), boolean("main", false)))
			}
		}
		return row{
			attrs: map[string][]string{"route-table-id": {r.ID}, "vpc-id": one(str(p, "vpcId")), "owner-id": {q.account.ID()}},
			body: []node{txt("routeTableId", r.ID), txt("vpcId", str(p, "vpcId")), txt("ownerId", q.account.ID()),
				list("associationSet", "item", associations)},
		}
	}))
}
