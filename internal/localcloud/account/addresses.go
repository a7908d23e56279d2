// SPDX-License-Identifier: Apache-2.0

package account

import (
	"emrflink/internal/localcloud/awserror"
	"encoding/binary"
	"fmt"
	"net/netip"
)

// reservedAddresses are the addresses of each subnet that AWS keeps for itself: the first four and the last.
const reservedAddresses = 5

// parseCIDR reads an IPv4 range; host bits are cleared, as EC2 does.
func parseCIDR(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil || !p.Addr().Is4() {
		return netip.Prefix{}, awserror.Bad("InvalidParameterValue",
			"Value (%s) for parameter cidrBlock is invalid. This is not a valid CIDR block.", s)
	}
	return p.Masked(), nil
}

// contains reports whether the range inner lies within outer.
func contains(outer, inner netip.Prefix) bool {
	return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}

// nth is the address at an offset from the start of a range.
func nth(p netip.Prefix, n uint32) netip.Addr {
	base := p.Masked().Addr().As4()
	var out [4]byte
	binary.BigEndian.PutUint32(out[:], binary.BigEndian.Uint32(base[:])+n)
	return netip.AddrFrom4(out)
}

// freeIn is how many addresses of a subnet can still be given to network interfaces.
func (t *tx) freeIn(subnet *Resource) int {
	p, err := parseCIDR(str(subnet.Props, "cidrBlock"))
	if err != nil {
		return 0
	}
	used := t.count(KindNetworkInterface, func(r *Resource) bool { return str(r.Props, "subnetId") == subnet.ID })
	return max(0, 1<<(32-p.Bits())-reservedAddresses-used)
}

// FreeAddresses returns how many addresses of a subnet are free, 0 for an unknown subnet.
func (a *Account) FreeAddresses(subnetID string) int {
	a.ledger.Lock()
	defer a.ledger.Unlock()
	subnet := a.lookup(resKey{KindSubnet, subnetID})
	if subnet == nil {
		return 0
	}
	return (&tx{a: a}).freeIn(subnet)
}

// takeAddress picks the lowest free address of a subnet.
func (t *tx) takeAddress(subnet *Resource) (string, error) {
	p, err := parseCIDR(str(subnet.Props, "cidrBlock"))
	if err != nil {
		return "", err
	}
	used := map[string]bool{}
	for _, r := range t.a.tables[KindNetworkInterface] {
		if str(r.Props, "subnetId") == subnet.ID {
			used[str(r.Attrs, "privateIp")] = true
		}
	}
	size := uint32(1) << (32 - p.Bits())
	for n := uint32(reservedAddresses - 1); n < size-1; n++ {
		if ip := nth(p, n).String(); !used[ip] {
			return ip, nil
		}
	}
	return "", awserror.Bad("InsufficientFreeAddressesInSubnet",
		"There are not enough free addresses in subnet '%s' to satisfy the requested number of addresses.", subnet.ID)
}

// takePublicAddress picks a free public address. They come from the ranges reserved for documentation
// (RFC 5737), so that no one can mistake them for a machine of somebody else.
func (t *tx) takePublicAddress() string {
	used := map[string]bool{}
	for _, k := range []Kind{KindEIP, KindNetworkInterface} {
		for _, r := range t.a.tables[k] {
			used[str(r.Attrs, "publicIp")] = true
		}
	}
	for _, network := range []string{"203.0.113", "198.51.100", "192.0.2"} {
		for host := 1; host < 255; host++ {
			if ip := fmt.Sprintf("%s.%d", network, host); !used[ip] {
				return ip
			}
		}
	}
	return "203.0.113.255" // more than 762 addresses: the quota does not allow it
}
