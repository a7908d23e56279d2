// SPDX-License-Identifier: Apache-2.0

package network

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

const (
	// MinPrefix and MaxPrefix bound the size of the VPC. AWS takes no VPC larger than /16. Below /20 the private subnets
	// would have fewer than 512 addresses, and each pod takes one.
	MinPrefix = 16
	MaxPrefix = 20
	// MaxZones is how many zones the address plan has room for.
	MaxZones = 6
	// ServiceCidr is the cluster's range for Services. The VPC must not overlap it, or pods cannot reach what is there.
	ServiceCidr = "172.20.0.0/16"
)

// Subnets is the address plan of one zone.
type Subnets struct {
	// Private is the range of the nodes and pods, Public that of NAT gateways and load balancers.
	Private, Public netip.Prefix
}

// Plan divides a VPC's range over zones. Block i of eight is zone i's private subnet (i < 6); the public subnets are
// eighths of the seventh block; the last block is free. A zone's subnets do not depend on how many zones there are, so
// adding a zone moves nothing.
func Plan(cidr string, zones int) ([]Subnets, error) {
	vpc, err := ParseCidr(cidr)
	if err != nil {
		return nil, err
	}
	if zones < 1 || zones > MaxZones {
		return nil, fmt.Errorf("%d zones: the address plan has room for 1 to %d", zones, MaxZones)
	}
	public := block(vpc, 6, 3)
	plan := make([]Subnets, zones)
	for i := range plan {
		plan[i] = Subnets{Private: block(vpc, i, 3), Public: block(public, i, 3)}
	}
	return plan, nil
}

// ParseCidr checks that a range can be the VPC's: IPv4, its first address, private, /16 to /20, apart from the Services.
func ParseCidr(cidr string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(cidr)
	if err != nil || !p.Addr().Is4() {
		return netip.Prefix{}, fmt.Errorf("%q is not an IPv4 range such as 10.0.0.0/16", cidr)
	}
	if p != p.Masked() {
		return netip.Prefix{}, fmt.Errorf("%q does not start at its first address, %s does", cidr, p.Masked())
	}
	if p.Bits() > MaxPrefix {
		return netip.Prefix{}, fmt.Errorf("%q is too small: at most /%d, because every pod takes an address", cidr, MaxPrefix)
	}
	if p.Bits() < MinPrefix {
		return netip.Prefix{}, fmt.Errorf("%q is too large: AWS takes no VPC larger than /%d", cidr, MinPrefix)
	}
	if !private(p) {
		return netip.Prefix{},
			fmt.Errorf("%q is not private: use 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10", cidr)
	}
	if service := netip.MustParsePrefix(ServiceCidr); p.Overlaps(service) {
		return netip.Prefix{}, fmt.Errorf("%q overlaps the cluster's service range %s", cidr, service)
	}
	return p, nil
}

func private(p netip.Prefix) bool {
	for _, s := range []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"} {
		if netip.MustParsePrefix(s).Contains(p.Addr()) {
			return true
		}
	}
	return false
}

// block is the i-th of the 2^bits equal parts of p.
func block(p netip.Prefix, i, bits int) netip.Prefix {
	size := p.Bits() + bits
	a := p.Addr().As4()
	base := binary.BigEndian.Uint32(a[:]) + uint32(i)<<(32-size)
	binary.BigEndian.PutUint32(a[:], base)
	return netip.PrefixFrom(netip.AddrFrom4(a), size)
}
