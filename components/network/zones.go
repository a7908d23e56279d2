// SPDX-License-Identifier: Apache-2.0

package network

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"emrflink/components/zone"
)

// Zones chooses the first count zones by ID among those that the account has, that need no opt-in and that EKS supports.
func Zones(ctx *pulumi.Context, count int, opts ...pulumi.InvokeOption) ([]zone.Zone, error) {
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
	zones := make([]zone.Zone, 0, len(result.Names))
	for i, id := range result.ZoneIds {
		zones = append(zones, zone.Zone{Name: result.Names[i], ID: id})
	}
	zones = zone.Supported(zones)
	if len(zones) < count {
		return nil, fmt.Errorf("%d availability zones wanted, EKS supports %d here", count, len(zones))
	}
	return zones[:count], nil
}
