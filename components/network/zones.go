// SPDX-License-Identifier: Apache-2.0

package network

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Zone is an availability zone. Its name (us-west-2a) means another place in every account; its ID (usw2-az1) does not.
type Zone struct {
	// Name is the account's own name, such as us-west-2a, ID the same place in every account, such as usw2-az1.
	Name, ID string
}

// UnsupportedZoneIDs are the zones in which EKS places no control plane network interfaces.
// Source: Amazon EKS User Guide, "VPC and subnet requirements".
func UnsupportedZoneIDs() []string { return []string{"use1-az3", "usw1-az2", "cac1-az3"} }

// Zones chooses the first count zones by ID among those that the account has, that need no opt-in and that EKS supports.
func Zones(ctx *pulumi.Context, count int, opts ...pulumi.InvokeOption) ([]Zone, error) {
	result, err := aws.GetAvailabilityZones(ctx, &aws.GetAvailabilityZonesArgs{
		State: pulumi.StringRef("available"),
		Filters: []aws.GetAvailabilityZonesFilter{
			{Name: "opt-in-status", Values: []string{"opt-in-not-required"}},
		},
	}, opts...)
	if err != nil {
		return nil, fmt.Errorf("look up availability zones: %w", err)
	}
	if len(result.Names) != len(result.ZoneIds) {
		return nil, fmt.Errorf("look up availability zones: %d names for %d IDs", len(result.Names), len(result.ZoneIds))
	}
	zones := make([]Zone, 0, len(result.Names))
	for i, id := range result.ZoneIds {
		zones = append(zones, Zone{Name: result.Names[i], ID: id})
	}
	zones = Supported(zones)
	if len(zones) < count {
		return nil, fmt.Errorf("%d availability zones wanted, EKS supports %d here", count, len(zones))
	}
	return zones[:count], nil
}

// Supported are those of the zones that EKS supports, by ID. Zones takes the first of them.
func Supported(zones []Zone) []Zone {
	out := make([]Zone, 0, len(zones))
	for _, z := range zones {
		if !slices.Contains(UnsupportedZoneIDs(), z.ID) {
			out = append(out, z)
		}
	}
	slices.SortFunc(out, func(a, b Zone) int { return cmp.Compare(a.ID, b.ID) })
	return out
}
