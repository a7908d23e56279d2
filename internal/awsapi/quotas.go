// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func quotasService() rawService {
	return rawService{"servicequotas", "ServiceQuotasV20190624", "1.1"}
}

func ecrService() rawService {
	return rawService{"ecr", "AmazonEC2ContainerRegistry_V20150921", "1.1"}
}

// Quota reads a quota of the account. Service Quotas keeps a value of the
// account only for some quotas (API reference, GetServiceQuota: "for some quotas,
// only the default values are available"); for the others AWS's default is read.
func (c *Client) Quota(ctx context.Context, service, code string) (float64, error) {
	in := map[string]string{"ServiceCode": service, "QuotaCode": code}
	var out struct {
		Quota struct{ Value *float64 }
	}
	err := c.raw.call(ctx, quotasService(), "GetServiceQuota", service+"/"+code, in, &out)
	if IsCode(err, "NoSuchResourceException") {
		err = c.raw.call(ctx, quotasService(), "GetAWSDefaultServiceQuota", service+"/"+code, in, &out)
	}
	if err != nil {
		return 0, err
	}
	if out.Quota.Value == nil {
		return 0, &Error{
			Op:       "servicequotas:GetServiceQuota",
			Resource: service + "/" + code,
			Code:     "InvalidResponse",
			Message:  "the answer has no value",
		}
	}
	return *out.Quota.Value, nil
}

// PullThroughCaches are the pull-through cache rules of the account's registry: upstream registries by the prefix of
// the repositories.
func (c *Client) PullThroughCaches(ctx context.Context) (map[string]string, error) {
	out, in := map[string]string{}, map[string]string{}
	for {
		var page struct {
			Rules []struct {
				Prefix   string `json:"ecrRepositoryPrefix"`
				Upstream string `json:"upstreamRegistryUrl"`
			} `json:"pullThroughCacheRules"`
			Next string `json:"nextToken"`
		}
		if err := c.raw.call(ctx, ecrService(), "DescribePullThroughCacheRules", "", in, &page); err != nil {
			return nil, err
		}
		for _, r := range page.Rules {
			out[r.Prefix] = r.Upstream
		}
		if page.Next == "" {
			return out, nil
		}
		in["nextToken"] = page.Next
	}
}

// VPC is a network of the account.
type VPC struct {
	ID    string
	CIDRs []string
	Tags  map[string]string
}

// VPCs lists the region's VPCs.
func (c *Client) VPCs(ctx context.Context) ([]VPC, error) {
	var out []VPC
	p := ec2.NewDescribeVpcsPaginator(c.ec2.DescribeVpcs, &ec2.DescribeVpcsInput{})
	for p.HasMorePages() {
		page, err := p.NextPage(ctx)
		if err != nil {
			return nil, wrap("ec2:DescribeVpcs", "", err)
		}
		for _, v := range page.Vpcs {
			n := VPC{ID: aws.ToString(v.VpcId), CIDRs: []string{aws.ToString(v.CidrBlock)}, Tags: map[string]string{}}
			for _, a := range v.CidrBlockAssociationSet {
				if cidr := aws.ToString(a.CidrBlock); !slices.Contains(n.CIDRs, cidr) {
					n.CIDRs = append(n.CIDRs, cidr)
				}
			}
			for _, t := range v.Tags {
				n.Tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
			}
			out = append(out, n)
		}
	}
	return out, nil
}

// Addresses counts the region's Elastic IP addresses.
func (c *Client) Addresses(ctx context.Context) (int, error) {
	out, err := c.ec2.DescribeAddresses(ctx, &ec2.DescribeAddressesInput{})
	if err != nil {
		return 0, wrap("ec2:DescribeAddresses", "", err)
	}
	return len(out.Addresses), nil
}

// NatGateways counts the zonal NAT gateways that count towards the quota, by the
// zone's name (VPC user guide, "Amazon VPC quotas": those that are pending,
// active or deleting).
func (c *Client) NatGateways(ctx context.Context) (map[string]int, error) {
	bySubnet := map[string]int{}
	p := ec2.NewDescribeNatGatewaysPaginator(c.ec2.DescribeNatGateways, &ec2.DescribeNatGatewaysInput{
		Filter: []types.Filter{filter("state", "pending", "available", "deleting")},
	})
	for p.HasMorePages() {
		page, err := p.NextPage(ctx)
		if err != nil {
			return nil, wrap("ec2:DescribeNatGateways", "", err)
		}
		for _, g := range page.NatGateways {
			if id := aws.ToString(g.SubnetId); id != "" {
				bySubnet[id]++
			}
		}
	}
	byZone := map[string]int{}
	if len(bySubnet) == 0 {
		return byZone, nil
	}
	subnets := ec2.NewDescribeSubnetsPaginator(c.ec2.DescribeSubnets,
		&ec2.DescribeSubnetsInput{SubnetIds: slices.Sorted(maps.Keys(bySubnet))})
	for subnets.HasMorePages() {
		page, err := subnets.NextPage(ctx)
		if err != nil {
			return nil, wrap("ec2:DescribeSubnets", "", err)
		}
		for _, s := range page.Subnets {
			byZone[aws.ToString(s.AvailabilityZone)] += bySubnet[aws.ToString(s.SubnetId)]
		}
	}
	return byZone, nil
}

// VCPUs returns the number of virtual processors of instance types. A type that
// the region does not offer is not in the answer.
func (c *Client) VCPUs(ctx context.Context, instanceTypes ...string) (map[string]int, error) {
	out := map[string]int{}
	for some := range slices.Chunk(instanceTypes, 100) { // at most 200 values in a filter
		p := ec2.NewDescribeInstanceTypesPaginator(c.ec2.DescribeInstanceTypes,
			&ec2.DescribeInstanceTypesInput{Filters: []types.Filter{filter("instance-type", some...)}})
		for p.HasMorePages() {
			page, err := p.NextPage(ctx)
			if err != nil {
				return nil, wrap("ec2:DescribeInstanceTypes", "", err)
			}
			for _, t := range page.InstanceTypes {
				if t.VCpuInfo != nil {
					out[string(t.InstanceType)] = int(aws.ToInt32(t.VCpuInfo.DefaultVCpus))
				}
			}
		}
	}
	return out, nil
}

// StandardVCPUs counts the virtual processors of the region's instances that the
// quotas of standard instances count: on demand and spot.
func (c *Client) StandardVCPUs(ctx context.Context) (onDemand, spot int, err error) {
	count := map[bool]map[string]int{true: {}, false: {}}
	seen := map[string]bool{}
	p := ec2.NewDescribeInstancesPaginator(c.ec2.DescribeInstances, &ec2.DescribeInstancesInput{
		Filters: []types.Filter{filter("instance-state-name", "pending", "running")},
	})
	for p.HasMorePages() {
		page, err := p.NextPage(ctx)
		if err != nil {
			return 0, 0, wrap("ec2:DescribeInstances", "", err)
		}
		for _, r := range page.Reservations {
			for _, i := range r.Instances {
				if t := string(i.InstanceType); Standard(t) {
					count[i.InstanceLifecycle == types.InstanceLifecycleTypeSpot][t]++
					seen[t] = true
				}
			}
		}
	}
	vcpus, err := c.VCPUs(ctx, slices.Sorted(maps.Keys(seen))...)
	if err != nil {
		return 0, 0, err
	}
	sum := func(spot bool) (n int) {
		for t, instances := range count[spot] {
			n += instances * vcpus[t]
		}
		return n
	}
	return sum(false), sum(true), nil
}

// Standard says whether the quotas of "standard (A, C, D, H, I, M, R, T, Z)
// instances" count an instance type (EC2 user guide, "On-Demand Instance
// quotas"); accelerated, memory-optimized X and U, HPC and Mac types have their own.
func Standard(instanceType string) bool {
	family := instanceType
	if i := strings.IndexAny(family, "0123456789"); i >= 0 {
		family = family[:i]
	}
	return slices.Contains([]string{"a", "c", "d", "h", "i", "im", "is", "m", "r", "t", "z"}, family)
}
