// SPDX-License-Identifier: Apache-2.0

package account

import (
	"fmt"
	"slices"
	"strings"

	"emrflink/internal/localcloud/awserror"
	"emrflink/internal/localcloud/awsid"
	"emrflink/internal/pattern"
)

var balancerName = pattern.Lazy(`^[A-Za-z0-9][A-Za-z0-9-]{0,31}$`)

// balancerKinds are application and network load balancers.
func balancerKinds() map[Kind]*spec {
	return map[Kind]*spec{
		KindLoadBalancer: {
			missing: func(id string) *awserror.Error {
				return awserror.Bad("LoadBalancerNotFound", "Load balancers '[%s]' not found", id)
			},
			pending: "provisioning", usable: "active", deleting: stateDeleting, failed: "failed",
			fixed:   []string{"name", "internal", "loadBalancerType"},
			refused: []string{"subnetMappings", "customerOwnedIpv4Pool", "ipamPools"},
			refs: []ref{
				{path: "subnets", kind: KindSubnet, required: true, lost: func(id string) *awserror.Error {
					return awserror.Bad("SubnetNotFound", "The subnet ID '%s' does not exist", id)
				}},
				{path: "securityGroups", kind: KindSecurityGroup},
			},
			check: checkBalancer, make: makeBalancer,
			blocked: func(_ *tx, r *Resource) error {
				if !flag(r.Props, "enableDeletionProtection") {
					return nil
				}
				return awserror.Bad("OperationNotPermitted",
					"Load balancer '%s' cannot be deleted because deletion protection is enabled", r.ARN)
			},
			gone: detachBalancer,
		},
		KindClassicBalancer: classicBalancer(),
	}
}

// detachBalancer takes the interfaces of a load balancer away.
func detachBalancer(t *tx, r *Resource) {
	interfaces, _ := t.attachedTo(r.ARN)
	for _, eni := range interfaces {
		t.remove(KindNetworkInterface, eni.ID)
	}
}

// attachBalancer gives a load balancer an interface in each of its subnets, with a public address unless it is internal.
func attachBalancer(t *tx, r *Resource, description string) error {
	for _, sid := range strs(r.Props, "subnets") {
		eni, err := t.addInterface(t.get(KindSubnet, sid), interfaceRequest{
			typ: "interface", description: description, owner: r.ARN, by: orElse(t.c.Via, ByUser),
			groups: strs(r.Props, "securityGroups"),
		})
		if err != nil {
			return err
		}
		if !flag(r.Props, "internal") {
			r.HourlyUSD += hourly(KindEIP) // each public address of a load balancer is billed
			t.edit(KindNetworkInterface, eni.ID, func(e *Resource) { e.Attrs["publicIp"] = t.takePublicAddress() })
		}
	}
	return nil
}

// balancerDNS is the name under which clients reach a load balancer.
func balancerDNS(t *tx, r *Resource, id string) string {
	dns := fmt.Sprintf("%s-%s.%s.elb.amazonaws.com", r.Name, id, t.region())
	if flag(r.Props, "internal") {
		return "internal-" + dns
	}
	return dns
}

// classicBalancer is a load balancer of the older API, which EKS makes for Services. It has no states: it is there at once.
func classicBalancer() *spec {
	return &spec{
		missing: func(id string) *awserror.Error {
			return awserror.Bad("LoadBalancerNotFound", "There is no ACTIVE Load Balancer named '%s'", id)
		},
		usable:  stateAvailable,
		fixed:   []string{"name", "internal"},
		refused: []string{"accessLogs", "instances"},
		refs: []ref{
			{path: "subnets", kind: KindSubnet, required: true, lost: func(id string) *awserror.Error {
				return awserror.Bad("SubnetNotFound", "The subnet ID '%s' does not exist", id)
			}},
			{path: "securityGroups", kind: KindSecurityGroup},
		},
		check: func(t *tx, p Props, self string) error {
			name := str(p, "name")
			if !balancerName().MatchString(name) {
				return awserror.Bad("ValidationError", "The load balancer name '%s' is not valid", name)
			}
			if self == "" && t.get(KindClassicBalancer, name) != nil {
				return awserror.Bad("DuplicateLoadBalancerName", "Load Balancer named '%s' already exists", name)
			}
			return nil
		},
		make: func(t *tx, r *Resource) error {
			r.Name = str(r.Props, "name")
			r.ID, r.ARN = r.Name, t.arn("elasticloadbalancing", "loadbalancer/"+r.Name)
			r.Attrs = Props{
				"arn": r.ARN, "dnsName": balancerDNS(t, r, awsid.Hex(9)), "zoneId": "Z1H1FL5HABSF5",
				"vpcId": t.vpcOf(strs(r.Props, "subnets")[0]),
			}
			defaults(r.Attrs, r.Props, Props{"internal": false})
			return attachBalancer(t, r, "ELB "+r.Name)
		},
		gone: detachBalancer,
	}
}

func checkBalancer(t *tx, p Props, self string) error {
	name := str(p, "name")
	if !balancerName().MatchString(name) || strings.HasPrefix(name, "internal-") {
		return awserror.Bad("ValidationError", "The load balancer name '%s' is not valid", name)
	}
	if t.first(KindLoadBalancer, func(r *Resource) bool {
		return r.ID != self && r.Name == name && r.Region == t.region()
	}) != nil {
		return awserror.Bad("DuplicateLoadBalancerName",
			"A load balancer with the same name '%s' exists, but with different settings",
			name)
	}
	typ := orElse(str(p, "loadBalancerType"), "application")
	if !slices.Contains([]string{"application", "network"}, typ) {
		return awserror.Bad("ValidationError", "The load balancer type '%s' is not simulated", typ)
	}
	zones := map[string]bool{}
	for _, id := range strs(p, "subnets") {
		zones[str(t.get(KindSubnet, id).Attrs, "availabilityZone")] = true
	}
	if typ == "application" && len(zones) < 2 {
		return awserror.Bad("ValidationError", "At least two subnets in two different Availability Zones must be specified")
	}
	return nil
}

func makeBalancer(t *tx, r *Resource) error {
	r.Name = str(r.Props, "name")
	typ := orElse(str(r.Props, "loadBalancerType"), "application")
	word := map[string]string{"application": "app", "network": "net"}[typ]
	id := awsid.Hex(16)
	suffix := fmt.Sprintf("%s/%s/%s", word, r.Name, id)
	r.ARN = t.arn("elasticloadbalancing", "loadbalancer/"+suffix)
	r.ID = r.ARN
	if err := attachBalancer(t, r, "ELB "+suffix); err != nil {
		return err
	}
	r.Attrs = Props{
		"arn": r.ARN, "arnSuffix": suffix, "dnsName": balancerDNS(t, r, id), "vpcId": t.vpcOf(strs(r.Props, "subnets")[0]),
		"zoneId": "Z1H1FL5HABSF5", "state": r.State,
	}
	defaults(r.Attrs, r.Props, Props{"loadBalancerType": "application", "internal": false, "ipAddressType": "ipv4",
		"enableDeletionProtection": false})
	return nil
}
