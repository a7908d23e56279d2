// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// Subnet is a subnet with the addresses that are left in it.
type Subnet struct {
	ID, Zone string
	Free     int
}

// IAMSummary has how many entities of each kind the account has and may have: "Roles", "RolesQuota" and so on.
func (c *Client) IAMSummary(ctx context.Context) (map[string]int, error) {
	out, err := c.iam.GetAccountSummary(ctx, &iam.GetAccountSummaryInput{})
	if err != nil {
		return nil, wrap("iam:GetAccountSummary", "", err)
	}
	summary := map[string]int{}
	for name, n := range out.SummaryMap {
		summary[name] = int(n)
	}
	return summary, nil
}

// Offered lists the zones of the region that have each of the instance types that match one of the patterns, such as c5d.*.
func (c *Client) Offered(ctx context.Context, patterns ...string) (map[string][]string, error) {
	zones := map[string][]string{}
	in := &ec2.DescribeInstanceTypeOfferingsInput{
		LocationType: types.LocationTypeAvailabilityZone, Filters: []types.Filter{filter("instance-type", patterns...)},
	}
	for {
		page, err := c.ec2.DescribeInstanceTypeOfferings(ctx, in)
		if err != nil {
			return nil, wrap("ec2:DescribeInstanceTypeOfferings", "", err)
		}
		for _, o := range page.InstanceTypeOfferings {
			zones[string(o.InstanceType)] = append(zones[string(o.InstanceType)], aws.ToString(o.Location))
		}
		if in.NextToken = page.NextToken; aws.ToString(in.NextToken) == "" {
			return zones, nil
		}
	}
}

// Subnets reads subnets by their ids.
func (c *Client) Subnets(ctx context.Context, ids ...string) ([]Subnet, error) {
	var out []Subnet
	p := ec2.NewDescribeSubnetsPaginator(c.ec2.DescribeSubnets, &ec2.DescribeSubnetsInput{SubnetIds: ids})
	for p.HasMorePages() {
		page, err := p.NextPage(ctx)
		if err != nil {
			return nil, wrap("ec2:DescribeSubnets", "", err)
		}
		for _, s := range page.Subnets {
			out = append(out, Subnet{
				ID: aws.ToString(s.SubnetId), Zone: aws.ToString(s.AvailabilityZone),
				Free: int(aws.ToInt32(s.AvailableIpAddressCount)),
			})
		}
	}
	return out, nil
}
