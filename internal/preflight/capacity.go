// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"emrflink/internal/awsapi"
	"emrflink/internal/check"
)

// capacity answers what IAM, the zones and the subnets have room for.
type capacity interface {
	IAMSummary(ctx context.Context) (map[string]int, error)
	Offered(ctx context.Context, patterns ...string) (map[string][]string, error)
	Subnets(ctx context.Context, ids ...string) ([]awsapi.Subnet, error)
}

// Entities are numbers of IAM entities.
type Entities struct{ Roles, Policies, Profiles int }

// The quotas of IAM, which counts for the whole account. Source: IAM User Guide, "IAM and AWS STS quotas".
var (
	quotaRoles    = quota{"quota-iam-roles", "iam", "L-FE177D64", "IAM roles in the account", "LimitExceeded"}
	quotaPolicies = quota{"quota-iam-policies", "iam", "L-E95E4862", "customer-managed policies in the account", "LimitExceeded"}
	quotaProfiles = quota{"quota-instance-profiles", "iam", "L-6E65F664", "instance profiles in the account", "LimitExceeded"}
)

func (a Account) iam(ctx context.Context, _ awsapi.Identity) []check.Check {
	need, has := a.Deploy.IAM, a.Deploy.Recorded.IAM
	summary, err := a.AWS.IAMSummary(ctx)
	var out []check.Check
	for _, one := range []struct {
		quota
		entity       string
		need, exists int
	}{
		{quotaRoles, "Roles", need.Roles, has.Roles}, {quotaPolicies, "Policies", need.Policies, has.Policies},
		{quotaProfiles, "InstanceProfiles", need.Profiles, has.Profiles},
	} {
		if err != nil {
			out = append(out, unknown(one.id, one.what, err))
			continue
		}
		out = append(out, a.judge(one.quota, missing(one.need, one.exists), summary[one.entity],
			float64(summary[one.entity+"Quota"]), check.Error))
	}
	return out
}

// nodeZones are the names of the zones in which nodes run.
func (a Account) nodeZones(ctx context.Context) ([]string, error) {
	var out []string
	if len(a.Deploy.Subnets) > 0 {
		subnets, err := a.AWS.Subnets(ctx, a.Deploy.Subnets...)
		for _, s := range subnets {
			out = append(out, s.Zone)
		}
		slices.Sort(out)
		return slices.Compact(out), err
	}
	zones, err := a.AWS.Zones(ctx)
	for _, z := range first(usable(zones), a.Deploy.Zones) {
		out = append(out, z.Name)
	}
	return out, err
}

// offered checks that the core nodes, and each pool, find an instance type in each zone.
func (a Account) offered(ctx context.Context, _ awsapi.Identity) []check.Check {
	const id = "instance-zones"
	d := a.Deploy
	zones, err := a.nodeZones(ctx)
	if err != nil {
		return []check.Check{unknown(id, "instance types of each zone", err)}
	}
	patterns := slices.Clone(d.CoreTypes)
	for _, name := range slices.Sorted(maps.Keys(d.PoolTypes)) {
		patterns = append(patterns, d.PoolTypes[name]...)
	}
	offers, err := a.AWS.Offered(ctx, patterns...)
	if err != nil {
		return []check.Check{unknown(id, "instance types of each zone", err)}
	}
	without := zonesWithout(offers, zones, d.CoreTypes)
	c := fine(id, "core nodes and %d pools find an instance type in %s", len(d.PoolTypes), strings.Join(zones, ", "))
	c.Status = check.OK
	var lacks []string
	if len(without) > 0 {
		lacks = append(lacks, fmt.Sprintf("core nodes: no %s in %s", strings.Join(d.CoreTypes, ", "),
			strings.Join(without, ", ")))
	}
	if len(without) == len(zones) {
		c.Status = check.Error
	}
	for _, name := range slices.Sorted(maps.Keys(d.PoolTypes)) {
		if in := zonesWithout(offers, zones, d.PoolTypes[name]); len(in) > 0 {
			lacks = append(lacks, fmt.Sprintf("pool %s: no %s in %s", name, strings.Join(d.PoolTypes[name], ", "),
				strings.Join(in, ", ")))
		}
	}
	if len(lacks) == 0 {
		return []check.Check{c}
	}
	if c.Status == check.OK {
		c.Status = check.Warning
	}
	c.What = strings.Join(lacks, "; ")
	c.Why = "Unsupported: EC2 does not have every instance type in every zone; nodes are launched in the others only"
	c.Fix = "aws ec2 describe-instance-type-offerings --location-type availability-zone --region " + d.Region +
		"   # then name another type or family in the settings"
	return []check.Check{c}
}

// zonesWithout are the zones that have no type that matches one of the patterns.
func zonesWithout(offers map[string][]string, zones, patterns []string) []string {
	return slices.DeleteFunc(slices.Clone(zones), func(zone string) bool {
		for name, in := range offers {
			matches := func(pattern string) bool { ok, _ := path.Match(pattern, name); return ok }
			if slices.Contains(in, zone) && slices.ContainsFunc(patterns, matches) {
				return true
			}
		}
		return false
	})
}

// What a subnet must have free. Source: EKS User Guide, "Amazon EKS networking requirements": EKS refuses subnets with less
// than 6 and recommends 16. A core node holds up to 30: the addresses of one interface, and of a spare one.
const (
	addressesOfEKS  = 6
	addressesWanted = 16
	addressesOfNode = 30
)

// subnets checks the free addresses of subnets that exist already.
func (a Account) subnets(ctx context.Context, _ awsapi.Identity) []check.Check {
	const id = "subnet-addresses"
	d := a.Deploy
	if len(d.Subnets) == 0 {
		return []check.Check{fine(id, "the subnets are made by the deploy, in %s", d.Cidr)}
	}
	subnets, err := a.AWS.Subnets(ctx, d.Subnets...)
	if err != nil {
		return []check.Check{unknown(id, "free addresses of the subnets", err)}
	}
	need := addressesWanted
	if d.Recorded.NodeGroups == 0 {
		need += addressesOfNode * ((d.CoreNodes + len(d.Subnets) - 1) / len(d.Subnets))
	}
	c := fine(id, "need %d, have %s", need, freeOf(subnets))
	for _, s := range subnets {
		switch {
		case s.Free < addressesOfEKS && d.Recorded.Clusters == 0:
			c.Status = check.Error
		case s.Free < need && c.Status == check.OK:
			c.Status = check.Warning
		}
	}
	if c.Status != check.OK {
		c.Why = "InsufficientFreeAddressesInSubnet: EKS takes no subnet with less than 6 free addresses, and each pod takes one"
		c.Fix = "name other subnets in emrflink:existingVpc, or give the VPC another range:\naws ec2 associate-vpc-cidr-block " +
			"--vpc-id " + d.Recorded.VPC + " --cidr-block RANGE --region " + d.Region
	}
	return []check.Check{c}
}

func freeOf(subnets []awsapi.Subnet) string {
	var out []string
	for _, s := range subnets {
		out = append(out, fmt.Sprintf("%d in %s (%s)", s.Free, s.ID, s.Zone))
	}
	return strings.Join(out, ", ")
}
