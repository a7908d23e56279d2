// SPDX-License-Identifier: Apache-2.0

package account

import (
	"fmt"
	"slices"
	"strings"
)

// region is a region of AWS: the short code of its zone ids and, per zone letter, the number of the id.
// The mapping of letters to ids differs between real accounts; ours is one of the possible ones.
type region struct {
	name, short string
	zones       []int // zone a, b, c, ...
}

// regions are those in which EKS and EMR on EKS are offered and which this account has opted into.
func regions() []region {
	return []region{
		{"ap-northeast-1", "apne1", []int{4, 1, 2}},
		{"ap-northeast-2", "apne2", []int{1, 2, 3, 4}},
		{"ap-northeast-3", "apne3", []int{3, 1, 2}},
		{"ap-south-1", "aps1", []int{1, 3, 2}},
		{"ap-southeast-1", "apse1", []int{1, 2, 3}},
		{"ap-southeast-2", "apse2", []int{1, 3, 2}},
		{"ca-central-1", "cac1", []int{1, 2, 4}},
		{"eu-central-1", "euc1", []int{2, 3, 1}},
		{"eu-north-1", "eun1", []int{1, 2, 3}},
		{"eu-west-1", "euw1", []int{1, 2, 3}},
		{"eu-west-2", "euw2", []int{2, 3, 1}},
		{"eu-west-3", "euw3", []int{1, 2, 3}},
		{"sa-east-1", "sae1", []int{1, 2, 3}},
		{"us-east-1", "use1", []int{2, 4, 6, 1, 3, 5}},
		{"us-east-2", "use2", []int{1, 2, 3}},
		{"us-west-1", "usw1", []int{1, 3}},
		{"us-west-2", "usw2", []int{2, 1, 3, 4}},
	}
}

// KnownRegions returns the regions of the account, sorted.
func (a *Account) KnownRegions() []string {
	var out []string
	for _, r := range regions() {
		out = append(out, r.name)
	}
	return out
}

// Zones returns the availability zones of the account's default region.
func (a *Account) Zones() []Zone { return regionZones(a.opts.Region) }

// ZonesIn returns the availability zones of a region, nil when the region is not known.
func (a *Account) ZonesIn(name string) []Zone { return regionZones(name) }

func regionZones(name string) []Zone {
	all := regions()
	i := slices.IndexFunc(all, func(r region) bool { return r.name == name })
	if i < 0 {
		return nil
	}
	var out []Zone
	for n, id := range all[i].zones {
		out = append(out, Zone{Name: name + string(rune('a'+n)), ID: fmt.Sprintf("%s-az%d", all[i].short, id)})
	}
	return out
}

// offers says whether a zone has instances of a type. Which zones lack which types, AWS only tells an account, and it changes:
// these holes are made up, in zones that a deployment with the default number of zones does not use.
func offers(zoneID, instanceType string) bool {
	family, _, _ := strings.Cut(instanceType, ".")
	return !slices.Contains(map[string][]string{
		"usw2-az4": {"c5d", "c6id", "r6gd", "m5"}, "use1-az3": {"c5d", "c6id", "r6gd", "r7gd", "m5", "m6i"},
	}[zoneID], family)
}

// Offers says whether a zone of a region, by its name, has instances of a type.
func (a *Account) Offers(zone, instanceType string) bool {
	return offers(zoneID(zone), instanceType)
}

// zoneID is the id of a zone, "" for one that there is not.
func zoneID(zone string) string {
	for _, z := range regionZones(strings.TrimRight(zone, "abcdef")) {
		if z.Name == zone {
			return z.ID
		}
	}
	return ""
}

// eksRefusesZone lists the zone ids in which EKS cannot place a control plane, from the EKS user guide
// ("Network requirements for VPC and subnets").
func eksRefusesZone(zoneID string) bool {
	return slices.Contains([]string{"use1-az3", "usw1-az2", "cac1-az3"}, zoneID)
}

// PartitionOf is the partition of AWS that a region is in.
func PartitionOf(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}
