// SPDX-License-Identifier: Apache-2.0

package findings

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"emrflink/internal/cost"
	"emrflink/internal/untyped"
)

const clusterType = "aws:eks/cluster:Cluster"

// publicEndpoint: a public endpoint without ranges is open to 0.0.0.0/0, and an endpoint is public unless it is said not
// to be (EKS API reference, VpcConfigRequest).
func publicEndpoint(g *graph, rep *reporter) {
	for _, r := range g.of(clusterType) {
		vpc := r.Inputs["vpcConfig"]
		public, cidrs := untyped.At(vpc, "endpointPublicAccess"), untyped.At(vpc, "publicAccessCidrs")
		open, found := world(untyped.KnownTexts(cidrs))
		switch {
		case untyped.IsFalse(public):
		case untyped.IsUnknown(public) || cidrs != nil && !found && untyped.HasUnknown(cidrs):
			rep.skip(r)
		case found:
			rep.add(r, "vpcConfig.publicAccessCidrs", "the API endpoint is open to %s", open)
		case len(untyped.List(cidrs)) == 0:
			rep.add(r, "vpcConfig.publicAccessCidrs", "the API endpoint is public and names no ranges: it is open to 0.0.0.0/0")
		}
	}
}

func openIngress(g *graph, rep *reporter) {
	for _, r := range g.of("aws:ec2/securityGroup:SecurityGroup") {
		if untyped.IsUnknown(r.Inputs["ingress"]) {
			rep.skip(r)
		}
		for _, rule := range untyped.List(r.Inputs["ingress"]) {
			ingress(rep, r, "ingress", rule, "cidrBlocks", "ipv6CidrBlocks")
		}
	}
	for _, r := range g.of("aws:ec2/securityGroupRule:SecurityGroupRule") {
		if r.Inputs["type"] == "ingress" {
			ingress(rep, r, "cidrBlocks", any(r.Inputs), "cidrBlocks", "ipv6CidrBlocks")
		}
	}
	for _, r := range g.of("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule") {
		ingress(rep, r, "cidrIpv4", any(r.Inputs), "cidrIpv4", "cidrIpv6")
	}
}

// ingress judges one rule by its ranges.
func ingress(rep *reporter, r Resource, path string, rule any, keys ...string) {
	var cidrs []string
	for _, k := range keys {
		v := untyped.At(rule, k)
		if untyped.HasUnknown(v) {
			rep.skip(r)
		}
		cidrs = append(cidrs, untyped.KnownTexts(v)...)
	}
	if open, found := world(cidrs); found {
		from, _ := untyped.Number(untyped.At(rule, "fromPort"))
		to, _ := untyped.Number(untyped.At(rule, "toPort"))
		rep.add(r, path, "%s may connect to ports %g to %g", open, from, to)
	}
}

// openEgress reports rules of network policies that let pods out to everywhere, but for HTTPS.
func openEgress(g *graph, rep *reporter) {
	const https = "443"
	for _, r := range g.of("kubernetes:networking.k8s.io/v1:NetworkPolicy") {
		if untyped.HasUnknown(untyped.At(r.Inputs, "spec")) {
			rep.skip(r)
			continue
		}
		for i, rule := range untyped.List(untyped.At(r.Inputs, "spec", "egress")) {
			peers, ports := untyped.List(untyped.At(rule, "to")), untyped.List(untyped.At(rule, "ports"))
			open := untyped.At(rule, "to") == nil || slices.ContainsFunc(peers, func(p any) bool {
				return strings.HasSuffix(untyped.Known(untyped.At(p, "ipBlock", "cidr")), "/0")
			})
			var more []string
			for _, p := range ports {
				if port := fmt.Sprint(untyped.At(p, "port")); port != https {
					more = append(more, port)
				}
			}
			switch path := "spec.egress[" + strconv.Itoa(i) + "]"; {
			case !open:
			case len(ports) == 0:
				rep.add(r, path, "lets pods out to everywhere, on every port")
			case len(more) > 0:
				rep.add(r, path, "lets pods out to everywhere on %s", strings.Join(more, ", "))
			}
		}
	}
}

func controlPlaneLogs(g *graph, rep *reporter) {
	for _, r := range g.of(clusterType) {
		types := r.Inputs["enabledClusterLogTypes"]
		if untyped.HasUnknown(types) {
			rep.skip(r)
			continue
		}
		var missing []string
		for _, t := range []string{"api", "audit", "authenticator"} {
			if !slices.Contains(untyped.KnownTexts(types), t) {
				missing = append(missing, t)
			}
		}
		if len(missing) > 0 {
			rep.add(r, "enabledClusterLogTypes", "not logged: %s", strings.Join(missing, ", "))
		}
	}
}

// extendedSupport reads the calendar that the price of the control plane is made from.
func extendedSupport(g *graph, rep *reporter) {
	for _, r := range g.of(clusterType) {
		if untyped.IsUnknown(r.Inputs["version"]) {
			rep.skip(r)
			continue
		}
		version := untyped.Known(r.Inputs["version"])
		if end, over := cost.StandardSupport(version); over {
			rep.add(r, "version", "standard support of Kubernetes %s ended on %s", version, end)
		}
	}
}

// singleNAT: one gateway and subnets in several zones.
func singleNAT(g *graph, rep *reporter) {
	var public []Resource
	for _, r := range g.of("aws:ec2/natGateway:NatGateway") {
		if r.Inputs["connectivityType"] != "private" {
			public = append(public, r)
		}
	}
	zones := map[string]bool{}
	for _, r := range g.of("aws:ec2/subnet:Subnet") {
		if z := untyped.Known(r.Inputs["availabilityZone"]) + untyped.Known(r.Inputs["availabilityZoneId"]); z != "" {
			zones[z] = true
		}
	}
	if len(public) == 1 && len(zones) > 1 {
		rep.add(public[0], "", "%d zones leave through this one gateway", len(zones))
	}
}

func logRetention(g *graph, rep *reporter) {
	for _, r := range g.of("aws:cloudwatch/logGroup:LogGroup") {
		v := r.Inputs["retentionInDays"]
		if untyped.IsUnknown(v) {
			rep.skip(r)
			continue
		}
		if days, _ := untyped.Number(v); days == 0 {
			rep.add(r, "retentionInDays", "events are kept for ever")
		}
	}
}

// plainSecret reports what was hidden without having been marked.
func plainSecret(g *graph, rep *reporter) {
	for _, r := range g.all {
		for _, path := range r.Exposed {
			rep.add(r, path, "looks like a secret, and is not marked as one")
		}
	}
}

// world are the ranges of everybody.
func world(cidrs []string) (string, bool) {
	for _, c := range cidrs {
		if c == "0.0.0.0/0" || c == "::/0" {
			return c, true
		}
	}
	return "", false
}
