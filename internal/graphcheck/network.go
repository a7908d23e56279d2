// SPDX-License-Identifier: Apache-2.0

package graphcheck

import (
	"net/netip"
	"slices"
	"strings"

	"emrflink/components/componenttest"
	"emrflink/internal/untyped"
)

const (
	typeTable       = "aws:ec2/routeTable:RouteTable"
	typeRoute       = "aws:ec2/route:Route"
	typeAssociation = "aws:ec2/routeTableAssociation:RouteTableAssociation"
	typeCluster     = "eks:index:Cluster"
)

// Network: subnets lie in the VPC and do not overlap, each has a way out of its kind, the load balancer controllers and
// people find them by their tags, and the addresses of Services are nobody else's.
func Network(w *World) []string {
	var out report
	vpcs := w.of("aws:ec2/vpc:Vpc")
	if len(vpcs) != 1 {
		return []string{"there is not exactly one VPC"}
	}
	out.add(text(vpcs[0], "enableDnsHostnames") != "true" || text(vpcs[0], "enableDnsSupport") != "true",
		"%s: without DNS names the private endpoint of the cluster is not found", vpcs[0].Name)
	w.addresses(&out, text(vpcs[0], "cidrBlock"))
	private, public := untyped.Texts(w.Graph.Outputs["privateSubnetIds"]), untyped.Texts(w.Graph.Outputs["publicSubnetIds"])
	zones := map[string]bool{}
	for _, s := range w.of(typeSubnet) {
		isPrivate := slices.Contains(private, s.Name+"-id")
		out.add(!isPrivate && !slices.Contains(public, s.Name+"-id"), "%s: it is neither a private nor a public subnet", s.Name)
		w.subnetTags(&out, s, isPrivate)
		w.wayOut(&out, s, isPrivate)
		if isPrivate {
			zones[text(s, "availabilityZone")] = true
		}
	}
	out.add(len(zones) < 2 || len(zones) != len(private), "private subnets are in %d zones: EKS needs two, each its own",
		len(zones))
	for _, nat := range w.of("aws:ec2/natGateway:NatGateway") {
		out.add(!slices.Contains(public, text(nat, "subnetId")), "%s: it is not in a public subnet: it reaches nothing", nat.Name)
	}
	for _, e := range w.of("aws:ec2/vpcEndpoint:VpcEndpoint") {
		for _, t := range w.of(typeTable) {
			out.add(!slices.Contains(untyped.Texts(e.At("routeTableIds")), t.Name+"-id"),
				"%s: %s does not route to it: checkpoints are billed by the NAT gateway", e.Name, t.Name)
		}
	}
	return out
}

// addresses checks that subnets lie in the VPC, and that neither they nor the Services overlap.
func (w *World) addresses(out *report, vpcCIDR string) {
	vpc, err := netip.ParsePrefix(vpcCIDR)
	if err != nil {
		out.add(true, "VPC: %v", err)
		return
	}
	taken := map[string]netip.Prefix{}
	for _, s := range w.of(typeSubnet) {
		p, err := netip.ParsePrefix(text(s, "cidrBlock"))
		if err != nil {
			out.add(true, "%s: %v", s.Name, err)
			continue
		}
		out.add(!vpc.Contains(p.Addr()) || p.Bits() < vpc.Bits(), "%s: %s is outside of the VPC's %s", s.Name, p, vpc)
		for _, name := range sorted(taken) {
			out.add(taken[name].Overlaps(p), "%s: %s overlaps %s", s.Name, p, name)
		}
		taken[s.Name] = p
	}
	for _, c := range w.of(typeCluster) {
		p, err := netip.ParsePrefix(text(c, "kubernetesServiceIpAddressRange"))
		out.add(err != nil || p.Overlaps(vpc), "%s: addresses of Services %q overlap the VPC: the API server is not reached",
			c.Name, text(c, "kubernetesServiceIpAddressRange"))
	}
}

func (w *World) subnetTags(out *report, s componenttest.Resource, isPrivate bool) {
	tags := s.Tags()
	role := "kubernetes.io/role/elb"
	if isPrivate {
		role = "kubernetes.io/role/internal-elb"
		out.add(tags["karpenter.sh/discovery"] != w.output("clusterName"), "%s: no tag karpenter.sh/discovery", s.Name)
	}
	out.add(tags[role] != "1", "%s: no tag %s: load balancers find no subnet", s.Name, role)
	out.add(tags["kubernetes.io/cluster/"+w.output("clusterName")] != "shared", "%s: no tag of the cluster", s.Name)
	out.add(text(s, "mapPublicIpOnLaunch") == "true" && isPrivate, "%s: nodes get public addresses", s.Name)
}

// wayOut: a private subnet's default route is a NAT gateway, a public one's the internet gateway.
func (w *World) wayOut(out *report, s componenttest.Resource, isPrivate bool) {
	table := ""
	for _, a := range w.of(typeAssociation) {
		if text(a, "subnetId") == s.Name+"-id" {
			table = text(a, "routeTableId")
		}
	}
	key, want := "gatewayId", "the internet gateway"
	if isPrivate {
		key, want = "natGatewayId", "a NAT gateway"
	}
	found := false
	for _, r := range w.of(typeRoute) {
		if text(r, "routeTableId") == table && table != "" && text(r, "destinationCidrBlock") == "0.0.0.0/0" {
			found = text(r, key) != ""
			out.add(isPrivate && text(r, "gatewayId") != "", "%s: it is open to the internet", s.Name)
		}
	}
	out.add(!found, "%s: its default route is not %s: nodes do not join", strings.TrimSuffix(s.Name, "-id"), want)
}
