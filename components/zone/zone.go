// SPDX-License-Identifier: Apache-2.0

// Package zone knows which availability zones EKS supports. It is separate from the network so that code that asks AWS
// about zones does not compile the SDK of EC2's resources.
package zone

import (
	"cmp"
	"slices"
)

// Zone is an availability zone. Its name (us-west-2a) means another place in every account; its ID (usw2-az1) does not.
type Zone struct {
	// Name is the account's own name, such as us-west-2a, ID the same place in every account, such as usw2-az1.
	Name, ID string
}

// UnsupportedIDs are the zones in which EKS places no control plane network interfaces.
// Source: Amazon EKS User Guide, "VPC and subnet requirements".
func UnsupportedIDs() []string { return []string{"use1-az3", "usw1-az2", "cac1-az3"} }

// Supported are those of the zones that EKS supports, by ID. The network takes the first of them.
func Supported(zones []Zone) []Zone {
	out := make([]Zone, 0, len(zones))
	for _, z := range zones {
		if !slices.Contains(UnsupportedIDs(), z.ID) {
			out = append(out, z)
		}
	}
	slices.SortFunc(out, func(a, b Zone) int { return cmp.Compare(a.ID, b.ID) })
	return out
}
