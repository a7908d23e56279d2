// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func filter(name string, values ...string) types.Filter {
	return types.Filter{Name: aws.String(name), Values: values}
}

// alternatives are the ways by which an EC2 resource belongs to a deployment:
// the cluster's tags, the deployment's tags, its VPC. A resource that matches
// one of them counts. networkKey is the name of the filter for the VPC id, ""
// when the type has none; more are further tags that hold the cluster's name.
func (d Deployment) alternatives(networkKey string, more ...string) [][]types.Filter {
	alts := [][]types.Filter{
		{filter("tag:kubernetes.io/cluster/"+d.Cluster, "owned")},
		{filter("tag:eks:eks-cluster-name", d.Cluster)},
		{filter("tag:eks:cluster-name", d.Cluster)},
	}
	for _, key := range more {
		alts = append(alts, []types.Filter{filter("tag:"+key, d.Cluster)})
	}
	if len(d.Tags) > 0 {
		var all []types.Filter
		for _, k := range slices.Sorted(maps.Keys(d.Tags)) {
			all = append(all, filter("tag:"+k, d.Tags[k]))
		}
		alts = append(alts, all)
	}
	if networkKey != "" && d.VPC != "" {
		alts = append(alts, []types.Filter{filter(networkKey, d.VPC)})
	}
	return alts
}

// pager is what every paginator of the SDK is.
type pager[Out, Opt any] interface {
	HasMorePages() bool
	NextPage(context.Context, ...func(*Opt)) (*Out, error)
}

// collect runs one paginated call for each alternative and joins the pages.
func collect[Out any](ctx context.Context, op string, alts [][]types.Filter, pages func([]types.Filter) pager[Out, ec2.Options],
	read func(*Out) []Resource) ([]Resource, error) {
	var rs []Resource
	for _, fs := range alts {
		p := pages(fs)
		for p.HasMorePages() {
			page, err := p.NextPage(ctx)
			if err != nil {
				return rs, wrap("ec2:"+op, "", err)
			}
			rs = append(rs, read(page)...)
		}
	}
	return rs, nil
}

// ec2Resource starts a Resource from what all EC2 types share.
func ec2Resource(typ, id string, tags []types.Tag) Resource {
	m := map[string]string{}
	for _, t := range tags {
		m[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return Resource{Service: "ec2", Type: typ, ID: id, Name: m["Name"], Tags: m, CreatedBy: createdBy(m),
		Detail: map[string]string{}}
}

func (c *Client) findInstances(ctx context.Context, d Deployment) ([]Resource, error) {
	alts := d.alternatives("vpc-id")
	for i := range alts {
		alts[i] = append(alts[i], filter("instance-state-name", "pending", "running", "stopping", "stopped", "shutting-down"))
	}
	return collect(ctx, "DescribeInstances", alts, func(fs []types.Filter) pager[ec2.DescribeInstancesOutput, ec2.Options] {
		return ec2.NewDescribeInstancesPaginator(c.ec2.DescribeInstances, &ec2.DescribeInstancesInput{Filters: fs})
	}, func(o *ec2.DescribeInstancesOutput) (rs []Resource) {
		for _, res := range o.Reservations {
			for _, i := range res.Instances {
				r := ec2Resource(TypeInstance, aws.ToString(i.InstanceId), i.Tags)
				if i.State != nil {
					r.State = string(i.State.Name)
				}
				r.Detail["instanceType"] = string(i.InstanceType)
				r.Detail["capacityType"] = "on-demand"
				if aws.ToString(i.SpotInstanceRequestId) != "" {
					r.Detail["capacityType"] = "spot"
				}
				if i.Placement != nil {
					r.Detail["zone"] = aws.ToString(i.Placement.AvailabilityZone)
				}
				rs = append(rs, r)
			}
		}
		return rs
	})
}

func (c *Client) findVolumes(ctx context.Context, d Deployment) ([]Resource, error) {
	alts := d.alternatives("", "KubernetesCluster")
	return collect(ctx, "DescribeVolumes", alts, func(fs []types.Filter) pager[ec2.DescribeVolumesOutput, ec2.Options] {
		return ec2.NewDescribeVolumesPaginator(c.ec2.DescribeVolumes, &ec2.DescribeVolumesInput{Filters: fs})
	}, func(o *ec2.DescribeVolumesOutput) (rs []Resource) {
		for _, v := range o.Volumes {
			r := ec2Resource(TypeVolume, aws.ToString(v.VolumeId), v.Tags)
			r.State = string(v.State)
			r.Detail["sizeGiB"] = strconv.Itoa(int(aws.ToInt32(v.Size)))
			r.Detail["volumeType"] = string(v.VolumeType)
			for _, a := range v.Attachments {
				r.Detail["instance"] = aws.ToString(a.InstanceId)
			}
			rs = append(rs, r)
		}
		return rs
	})
}

func (c *Client) findNetworkInterfaces(ctx context.Context, d Deployment) ([]Resource, error) {
	alts := d.alternatives("vpc-id", "cluster.k8s.amazonaws.com/name")
	return collect(ctx, "DescribeNetworkInterfaces", alts,
		func(fs []types.Filter) pager[ec2.DescribeNetworkInterfacesOutput, ec2.Options] {
			return ec2.NewDescribeNetworkInterfacesPaginator(c.ec2.DescribeNetworkInterfaces,
				&ec2.DescribeNetworkInterfacesInput{Filters: fs})
		}, func(o *ec2.DescribeNetworkInterfacesOutput) (rs []Resource) {
			for _, n := range o.NetworkInterfaces {
				r := ec2Resource(TypeNetworkInterface, aws.ToString(n.NetworkInterfaceId), n.TagSet)
				r.State = string(n.Status)
				r.Detail["description"] = aws.ToString(n.Description)
				r.Detail["subnet"] = aws.ToString(n.SubnetId)
				r.Detail["requesterManaged"] = strconv.FormatBool(aws.ToBool(n.RequesterManaged))
				if n.Attachment != nil {
					r.Detail["instance"] = aws.ToString(n.Attachment.InstanceId)
				}
				rs = append(rs, r)
			}
			return rs
		})
}

func (c *Client) findSecurityGroups(ctx context.Context, d Deployment) ([]Resource, error) {
	alts := d.alternatives("vpc-id", "aws:eks:cluster-name", "elbv2.k8s.aws/cluster")
	return collect(ctx, "DescribeSecurityGroups", alts,
		func(fs []types.Filter) pager[ec2.DescribeSecurityGroupsOutput, ec2.Options] {
			return ec2.NewDescribeSecurityGroupsPaginator(c.ec2.DescribeSecurityGroups,
				&ec2.DescribeSecurityGroupsInput{Filters: fs})
		}, func(o *ec2.DescribeSecurityGroupsOutput) (rs []Resource) {
			for _, g := range o.SecurityGroups {
				if aws.ToString(g.GroupName) == "default" {
					continue // it cannot be deleted and goes with its VPC
				}
				r := ec2Resource(TypeSecurityGroup, aws.ToString(g.GroupId), g.Tags)
				r.ARN, r.Name = aws.ToString(g.SecurityGroupArn), aws.ToString(g.GroupName)
				r.Detail["vpc"] = aws.ToString(g.VpcId)
				rs = append(rs, r)
			}
			return rs
		})
}

func (c *Client) findLaunchTemplates(ctx context.Context, d Deployment) ([]Resource, error) {
	return collect(ctx, "DescribeLaunchTemplates", d.alternatives(""),
		func(fs []types.Filter) pager[ec2.DescribeLaunchTemplatesOutput, ec2.Options] {
			return ec2.NewDescribeLaunchTemplatesPaginator(c.ec2.DescribeLaunchTemplates,
				&ec2.DescribeLaunchTemplatesInput{Filters: fs})
		}, func(o *ec2.DescribeLaunchTemplatesOutput) (rs []Resource) {
			for _, t := range o.LaunchTemplates {
				r := ec2Resource(TypeLaunchTemplate, aws.ToString(t.LaunchTemplateId), t.Tags)
				r.Name = aws.ToString(t.LaunchTemplateName)
				rs = append(rs, r)
			}
			return rs
		})
}

func (c *Client) findNatGateways(ctx context.Context, d Deployment) ([]Resource, error) {
	alts := d.alternatives("vpc-id")
	for i := range alts {
		alts[i] = append(alts[i], filter("state", "pending", "available", "deleting", "failed"))
	}
	return collect(ctx, "DescribeNatGateways", alts, func(fs []types.Filter) pager[ec2.DescribeNatGatewaysOutput, ec2.Options] {
		return ec2.NewDescribeNatGatewaysPaginator(c.ec2.DescribeNatGateways, &ec2.DescribeNatGatewaysInput{Filter: fs})
	}, func(o *ec2.DescribeNatGatewaysOutput) (rs []Resource) {
		for _, n := range o.NatGateways {
			r := ec2Resource(TypeNatGateway, aws.ToString(n.NatGatewayId), n.Tags)
			r.State = string(n.State)
			r.Detail["vpc"] = aws.ToString(n.VpcId)
			rs = append(rs, r)
		}
		return rs
	})
}

// findAddresses makes one unpaginated call per alternative: DescribeAddresses
// has no pages.
func (c *Client) findAddresses(ctx context.Context, d Deployment) ([]Resource, error) {
	var rs []Resource
	for _, fs := range d.alternatives("") {
		out, err := c.ec2.DescribeAddresses(ctx, &ec2.DescribeAddressesInput{Filters: fs})
		if err != nil {
			return rs, wrap("ec2:DescribeAddresses", "", err)
		}
		for _, a := range out.Addresses {
			r := ec2Resource(TypeAddress, aws.ToString(a.AllocationId), a.Tags)
			r.Detail["publicIp"] = aws.ToString(a.PublicIp)
			if r.State = "unassociated"; aws.ToString(a.AssociationId) != "" {
				r.State = "associated"
			}
			rs = append(rs, r)
		}
	}
	return rs, nil
}

func (c *Client) findVPC(ctx context.Context, d Deployment) ([]Resource, error) {
	return collect(ctx, "DescribeVpcs", d.alternatives("vpc-id"),
		func(fs []types.Filter) pager[ec2.DescribeVpcsOutput, ec2.Options] {
			return ec2.NewDescribeVpcsPaginator(c.ec2.DescribeVpcs, &ec2.DescribeVpcsInput{Filters: fs})
		}, func(o *ec2.DescribeVpcsOutput) (rs []Resource) {
			for _, v := range o.Vpcs {
				r := ec2Resource(TypeVPC, aws.ToString(v.VpcId), v.Tags)
				r.State = string(v.State)
				r.Detail["cidr"] = aws.ToString(v.CidrBlock)
				rs = append(rs, r)
			}
			return rs
		})
}

func (c *Client) findSubnets(ctx context.Context, d Deployment) ([]Resource, error) {
	return collect(ctx, "DescribeSubnets", d.alternatives("vpc-id"),
		func(fs []types.Filter) pager[ec2.DescribeSubnetsOutput, ec2.Options] {
			return ec2.NewDescribeSubnetsPaginator(c.ec2.DescribeSubnets, &ec2.DescribeSubnetsInput{Filters: fs})
		}, func(o *ec2.DescribeSubnetsOutput) (rs []Resource) {
			for _, s := range o.Subnets {
				r := ec2Resource(TypeSubnet, aws.ToString(s.SubnetId), s.Tags)
				r.ARN, r.State = aws.ToString(s.SubnetArn), string(s.State)
				r.Detail["zone"] = aws.ToString(s.AvailabilityZone)
				r.Detail["cidr"] = aws.ToString(s.CidrBlock)
				rs = append(rs, r)
			}
			return rs
		})
}

func (c *Client) findRouteTables(ctx context.Context, d Deployment) ([]Resource, error) {
	return collect(ctx, "DescribeRouteTables", d.alternatives("vpc-id"),
		func(fs []types.Filter) pager[ec2.DescribeRouteTablesOutput, ec2.Options] {
			return ec2.NewDescribeRouteTablesPaginator(c.ec2.DescribeRouteTables, &ec2.DescribeRouteTablesInput{Filters: fs})
		}, func(o *ec2.DescribeRouteTablesOutput) (rs []Resource) {
			for _, t := range o.RouteTables {
				if slices.ContainsFunc(t.Associations, func(a types.RouteTableAssociation) bool { return aws.ToBool(a.Main) }) {
					continue // it cannot be deleted and goes with its VPC
				}
				r := ec2Resource(TypeRouteTable, aws.ToString(t.RouteTableId), t.Tags)
				r.Detail["vpc"] = aws.ToString(t.VpcId)
				for _, a := range t.Associations {
					r.Detail["association/"+aws.ToString(a.SubnetId)] = aws.ToString(a.RouteTableAssociationId)
				}
				rs = append(rs, r)
			}
			return rs
		})
}

func (c *Client) findInternetGateways(ctx context.Context, d Deployment) ([]Resource, error) {
	alts := d.alternatives("attachment.vpc-id")
	return collect(ctx, "DescribeInternetGateways", alts,
		func(fs []types.Filter) pager[ec2.DescribeInternetGatewaysOutput, ec2.Options] {
			return ec2.NewDescribeInternetGatewaysPaginator(c.ec2.DescribeInternetGateways,
				&ec2.DescribeInternetGatewaysInput{Filters: fs})
		}, func(o *ec2.DescribeInternetGatewaysOutput) (rs []Resource) {
			for _, g := range o.InternetGateways {
				r := ec2Resource(TypeInternetGateway, aws.ToString(g.InternetGatewayId), g.Tags)
				for _, a := range g.Attachments {
					r.Detail["vpc"] = aws.ToString(a.VpcId)
				}
				rs = append(rs, r)
			}
			return rs
		})
}

func (c *Client) findVPCEndpoints(ctx context.Context, d Deployment) ([]Resource, error) {
	return collect(ctx, "DescribeVpcEndpoints", d.alternatives("vpc-id"),
		func(fs []types.Filter) pager[ec2.DescribeVpcEndpointsOutput, ec2.Options] {
			return ec2.NewDescribeVpcEndpointsPaginator(c.ec2.DescribeVpcEndpoints, &ec2.DescribeVpcEndpointsInput{Filters: fs})
		}, func(o *ec2.DescribeVpcEndpointsOutput) (rs []Resource) {
			for _, e := range o.VpcEndpoints {
				r := ec2Resource(TypeVPCEndpoint, aws.ToString(e.VpcEndpointId), e.Tags)
				r.State = string(e.State)
				r.Detail["service"] = aws.ToString(e.ServiceName)
				r.Detail["endpointType"] = string(e.VpcEndpointType)
				r.Detail["vpc"] = aws.ToString(e.VpcId)
				r.Detail["subnets"] = strings.Join(e.SubnetIds, ",")
				rs = append(rs, r)
			}
			return rs
		})
}

func (c *Client) findFlowLogs(ctx context.Context, d Deployment) ([]Resource, error) {
	return collect(ctx, "DescribeFlowLogs", d.alternatives("resource-id"),
		func(fs []types.Filter) pager[ec2.DescribeFlowLogsOutput, ec2.Options] {
			return ec2.NewDescribeFlowLogsPaginator(c.ec2.DescribeFlowLogs, &ec2.DescribeFlowLogsInput{Filter: fs})
		}, func(o *ec2.DescribeFlowLogsOutput) (rs []Resource) {
			for _, l := range o.FlowLogs {
				r := ec2Resource(TypeFlowLog, aws.ToString(l.FlowLogId), l.Tags)
				r.State = aws.ToString(l.FlowLogStatus)
				r.Detail["vpc"] = aws.ToString(l.ResourceId)
				rs = append(rs, r)
			}
			return rs
		})
}

// InstancesByID reads the type and capacity of instances; those that do not
// exist any more are left out.
func (c *Client) InstancesByID(ctx context.Context, ids ...string) ([]Resource, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	out, err := c.ec2.DescribeInstances(ctx, &ec2.DescribeInstancesInput{Filters: []types.Filter{filter("instance-id", ids...)}})
	if err != nil {
		return nil, wrap("ec2:DescribeInstances", "", err)
	}
	var rs []Resource
	for _, res := range out.Reservations {
		for _, i := range res.Instances {
			r := ec2Resource(TypeInstance, aws.ToString(i.InstanceId), i.Tags)
			r.State = string(i.State.Name)
			r.Detail["instanceType"] = string(i.InstanceType)
			r.Detail["launched"] = aws.ToTime(i.LaunchTime).UTC().Format(time.RFC3339)
			rs = append(rs, r)
		}
	}
	return rs, nil
}

// Zone is an availability zone: its name differs between accounts, its id not.
type Zone struct{ Name, ID, State string }

// Zones lists the region's availability zones.
func (c *Client) Zones(ctx context.Context) ([]Zone, error) {
	out, err := c.ec2.DescribeAvailabilityZones(ctx, &ec2.DescribeAvailabilityZonesInput{
		Filters: []types.Filter{filter("zone-type", "availability-zone")},
	})
	if err != nil {
		return nil, wrap("ec2:DescribeAvailabilityZones", "", err)
	}
	var zs []Zone
	for _, z := range out.AvailabilityZones {
		zs = append(zs, Zone{Name: aws.ToString(z.ZoneName), ID: aws.ToString(z.ZoneId), State: string(z.State)})
	}
	return zs, nil
}
