// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"maps"
	"slices"
	"strconv"

	"emrflink/internal/localcloud/account"
)

// instanceStateCode is EC2's number of an instance state.
func instanceStateCode(name string) int {
	switch name {
	case "running":
		return 16
	case "shutting-down":
		return 32
	case "terminated":
		return 48
	case "stopping":
		return 64
	case "stopped":
		return 80
	}
	return 0 // pending
}

func stateNode(name, state string) node {
	return el(name, num("code", instanceStateCode(state)), txt("name", state))
}

func instanceTable() table {
	return table{ids: "InstanceId", notFound: "InvalidInstanceID.NotFound", noun: "instance ID",
		filters: []string{"instance-id", "instance-state-name", "vpc-id", "subnet-id", "instance-type", "instance-lifecycle",
			"availability-zone",
			"image-id", "private-dns-name", "instance.group-id"}}
}

// describeInstances answers one reservation for each instance: nothing here
// reads more out of a reservation.
func describeInstances(q *request) (answer, error) {
	if err := q.dryRun(); err != nil {
		return answer{}, err
	}
	rows, err := q.selectRows(instanceTable(), q.rows(account.KindInstance, q.instanceRow))
	if err != nil {
		return answer{}, err
	}
	rows, next, err := q.page(rows)
	if err != nil {
		return answer{}, err
	}
	var reservations []node
	for _, r := range rows {
		reservations = append(reservations, q.reservation([]node{el("", r.body...)}, "r-"+r.id[len("i-"):]))
	}
	return q.ec2(list("reservationSet", "item", reservations), opt("nextToken", next))
}

func (q *request) reservation(instances []node, id string) node {
	return el("", txt("reservationId", id), txt("ownerId", q.account.ID()), list("groupSet", "item", nil),
		list("instancesSet", "item", instances))
}

func (q *request) instanceRow(r account.Resource, p account.Props) row {
	i := q.instanceFacts(r, p)
	return row{
		attrs: map[string][]string{"instance-id": {r.ID}, "instance-state-name": {r.State}, "vpc-id": one(i.vpc),
			"subnet-id":     one(i.subnet),
			"instance-type": {i.kind}, "instance-lifecycle": {i.lifecycle}, "availability-zone": {i.zone},
			"image-id":         one(i.image),
			"private-dns-name": one(i.dns), "instance.group-id": i.groups},
		body: []node{
			txt("instanceId", r.ID), txt("imageId", i.image), stateNode("instanceState", r.State), opt("privateDnsName", i.dns),
			txt("dnsName", ""),
			num("amiLaunchIndex", 0), txt("instanceType", i.kind), when("launchTime", r.CreatedAt),
			el("placement", txt("availabilityZone", i.zone), txt("availabilityZoneId", i.zoneID), txt("groupName", ""),
				txt("tenancy", "default")),
			el("monitoring", txt("state", "disabled")), txt("subnetId", i.subnet), txt("vpcId", i.vpc),
			opt("privateIpAddress", str(p, "privateIp")),
			q.groupSet(i.groups), txt("architecture", i.arch), txt("rootDeviceType", "ebs"), txt("rootDeviceName", "/dev/xvda"),
			txt("virtualizationType", "hvm"), txt("hypervisor", "xen"), opt("instanceLifecycle", i.spotWord()),
			opt("spotInstanceRequestId", i.spotRequest),
			q.profileNode(i.profile), q.instanceVolumes(r.ID), q.instanceInterfaces(r.ID, i),
		},
	}
}

// instanceFacts are the properties of an instance, completed by what they
// refer to.
type instanceFacts struct {
	image, kind, subnet, vpc, zone, zoneID, dns, arch string
	lifecycle, spotRequest, profile                   string
	groups                                            []string
}

func (q *request) instanceFacts(r account.Resource, p account.Props) instanceFacts {
	i := instanceFacts{
		image: str(p, "ami", "imageId"), kind: str(p, "instanceType"), subnet: str(p, "subnetId"), dns: str(p, "privateDns"),
		groups: strs(p, "vpcSecurityGroupIds", "securityGroups"), spotRequest: str(p, "spotInstanceRequestId"),
		profile: str(p, "iamInstanceProfile"), arch: "x86_64", lifecycle: "normal",
	}
	subnet, _ := q.account.Get(account.KindSubnet, i.subnet)
	sp := subnet.All()
	i.vpc = str(sp, "vpcId")
	zone := str(p, "availabilityZone")
	if zone == "" {
		zone = str(sp, "availabilityZone")
	}
	i.zone, i.zoneID = q.zone(zone, "")
	if str(p, "instanceLifecycle") == "spot" || i.spotRequest != "" {
		i.lifecycle = "spot"
		if i.spotRequest == "" {
			i.spotRequest = "sir-" + r.ID[len(r.ID)-8:]
		}
	}
	if t, ok := q.instanceType(i.kind); ok {
		i.arch = ec2Arch(t.Arch)
	}
	return i
}

func (i instanceFacts) spotWord() string {
	if i.lifecycle == "spot" {
		return "spot"
	}
	return ""
}

// profileNode names an instance profile by ARN. A profile that was deleted
// under its instance has none.
func (q *request) profileNode(name string) node {
	r, ok := q.account.Get(account.KindInstanceProfile, name)
	if !ok {
		return node{}
	}
	return el("iamInstanceProfile", txt("arn", r.ARN), txt("id", iamUniqueID(r, "uniqueId")))
}

func (q *request) instanceVolumes(id string) node {
	var rows []node
	for _, v := range q.account.Find(account.KindVolume, func(r account.Resource) bool { return volumeInstance(r.All()) == id }) {
		rows = append(rows, el("", txt("deviceName", "/dev/xvda"),
			el("ebs", txt("volumeId", v.ID), txt("status", "attached"), boolean("deleteOnTermination", true))))
	}
	return list("blockDeviceMapping", "item", rows)
}

func (q *request) instanceInterfaces(id string, i instanceFacts) node {
	var rows []node
	for _, n := range q.account.Find(account.KindNetworkInterface, func(r account.Resource) bool {
		return interfaceInstance(r.All()) == id
	}) {
		rows = append(rows, el("", txt("networkInterfaceId", n.ID), txt("subnetId", i.subnet), txt("vpcId", i.vpc),
			txt("status", "in-use"),
			txt("interfaceType", "interface"), opt("privateIpAddress", str(n.All(), "privateIp"))))
	}
	return list("networkInterfaceSet", "item", rows)
}

// describeInstanceStatus reports running instances as healthy: the simulation
// knows no impaired hardware.
func describeInstanceStatus(q *request) (answer, error) {
	t := table{ids: "InstanceId", notFound: "InvalidInstanceID.NotFound", noun: "instance ID",
		filters: []string{"instance-status.status", "system-status.status", "attached-ebs-status.status",
			"instance-status.reachability",
			"system-status.reachability", "event.code", "instance-state-name", "availability-zone"}}
	var rows []row
	for _, r := range q.account.List(account.KindInstance) {
		if !q.visible(r) || r.State != "running" && !q.form.boolean("IncludeAllInstances") {
			continue
		}
		status := "ok"
		if r.State != "running" {
			status = "not-applicable"
		}
		i := q.instanceFacts(r, r.All())
		rows = append(rows, row{
			id: r.ID, tags: r.Tags,
			attrs: map[string][]string{"instance-status.status": {status}, "system-status.status": {status},
				"attached-ebs-status.status":   {status},
				"instance-status.reachability": {"passed"}, "system-status.reachability": {"passed"},
				"instance-state-name": {r.State}, "availability-zone": {i.zone}},
			body: []node{txt("instanceId", r.ID), txt("availabilityZone", i.zone), stateNode("instanceState", r.State),
				el("instanceStatus", txt("status", status)), el("systemStatus", txt("status", status))},
		})
	}
	return q.describe(t, "instanceStatusSet", rows)
}

// instances are those of the request, which exist.
func instances(q *request) (out []need, err error) {
	ids := q.form.strings("InstanceId")
	if len(ids) == 0 {
		return nil, invalid("MissingParameter", "The request must contain the parameter InstanceId")
	}
	for _, id := range ids {
		r, ok := q.account.Get(account.KindInstance, id)
		if !ok {
			return out, invalid("InvalidInstanceID.NotFound", "The instance ID '%s' does not exist", id)
		}
		out = append(out, need{arn: q.arn("ec2", "instance/"+id), keys: resourceTags("ec2", r.Tags)})
	}
	return out, nil
}

// terminateInstances answers the state before and after for each id: clients
// dereference currentState without looking.
func terminateInstances(q *request) (answer, error) {
	ids := q.form.strings("InstanceId")
	before := map[string]string{}
	for _, id := range ids {
		r, _ := q.account.Get(account.KindInstance, id)
		before[id] = r.State
	}
	if err := q.dryRun(); err != nil {
		return answer{}, err
	}
	done, err := q.account.TerminateInstances(q.ctx, q.caller, ids...)
	if err != nil {
		return answer{}, err
	}
	after := map[string]string{}
	for _, r := range done {
		after[r.ID] = r.State
	}
	var rows []node
	for _, id := range ids {
		if after[id] == "" {
			after[id] = "terminated"
		}
		rows = append(rows, el("", txt("instanceId", id), stateNode("currentState", after[id]),
			stateNode("previousState", before[id])))
	}
	return q.ec2(list("instancesSet", "item", rows))
}

// ec2Kind is the kind of a resource by the prefix of its id, with the word of
// its ARN.
func ec2Kind(id string) (k account.Kind, arnType string) {
	for i := range id {
		if id[i] != '-' {
			continue
		}
		switch id[:i] {
		case "i":
			return account.KindInstance, "instance"
		case "vol":
			return account.KindVolume, "volume"
		case "eni":
			return account.KindNetworkInterface, "network-interface"
		case "sg":
			return account.KindSecurityGroup, "security-group"
		case "lt":
			return account.KindLaunchTemplate, "launch-template"
		case "subnet":
			return account.KindSubnet, "subnet"
		case "vpc":
			return account.KindVPC, "vpc"
		case "igw":
			return account.KindInternetGateway, "internet-gateway"
		case "nat":
			return account.KindNATGateway, "natgateway"
		case "eipalloc":
			return account.KindEIP, "elastic-ip"
		case "rtb":
			return account.KindRouteTable, "route-table"
		case "vpce":
			return account.KindVPCEndpoint, "vpc-endpoint"
		}
		break
	}
	return "", ""
}

// taggedResources are those of the request, which exist.
func taggedResources(q *request) (out []need, err error) {
	for _, id := range q.form.strings("ResourceId") {
		kind, arnType := ec2Kind(id)
		r, ok := q.account.Get(kind, id)
		if !ok {
			return out, invalid("InvalidID", "The ID '%s' is not valid", id)
		}
		out = append(out, need{
			arn: q.arn("ec2", arnType+"/"+id), keys: joined(requestTags(q.form.tags("Tag")), resourceTags("ec2", r.Tags)),
		})
	}
	return out, nil
}

func setTags(q *request) (answer, error) { return q.changeTags(q.form.tags("Tag"), nil) }

func deleteTags(q *request) (answer, error) {
	return q.changeTags(nil, slices.Sorted(maps.Keys(q.form.tags("Tag"))))
}

func (q *request) changeTags(set map[string]string, remove []string) (answer, error) {
	if err := q.dryRun(); err != nil {
		return answer{}, err
	}
	for _, id := range q.form.strings("ResourceId") {
		kind, _ := ec2Kind(id)
		if err := q.account.SetTags(kind, id, set, remove); err != nil {
			return answer{}, err
		}
	}
	return q.ec2(boolean("return", true))
}

// price formats dollars as EC2's price answers do.
func price(usd float64) string { return strconv.FormatFloat(usd, 'f', 6, 64) }
