// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"emrflink/components/zone"
	"emrflink/internal/awsapi"
	"emrflink/internal/check"
)

// quotas answers what the account may have, and how much of it is there.
type quotas interface {
	Quota(ctx context.Context, service, code string) (float64, error)
	VPCs(ctx context.Context) ([]awsapi.VPC, error)
	Addresses(ctx context.Context) (int, error)
	NatGateways(ctx context.Context) (map[string]int, error)
	ListClusters(ctx context.Context) ([]string, error)
}

// vcpus answers what instances take of the account's limits, which AWS counts in vCPUs.
type vcpus interface {
	VCPUs(ctx context.Context, instanceTypes ...string) (map[string]int, error)
	StandardVCPUs(ctx context.Context) (onDemand, spot int, err error)
}

// quota is one limit, what AWS says when it is reached, and who applies it.
type quota struct {
	id, service, code, what, refusal string
}

// The quotas of a deploy. Codes: AWS General Reference, endpoints and quotas of each service.
var (
	quotaVPC      = quota{"quota-vpc", "vpc", "L-F678F1CE", "VPCs in the region", "VpcLimitExceeded"}
	quotaEIP      = quota{"quota-eip", "ec2", "L-0263D0A3", "Elastic IP addresses in the region", "AddressLimitExceeded"}
	quotaNAT      = quota{"quota-nat", "vpc", "L-FE5A380F", "NAT gateways in a zone", "NatGatewayLimitExceeded"}
	quotaClusters = quota{"quota-cluster", "eks", "L-1194D53C", "EKS clusters in the region", "ResourceLimitExceededException"}
	quotaOnDemand = quota{
		"quota-vcpu-on-demand", "ec2", "L-1216C47A", "vCPUs of on-demand standard instances", "VcpuLimitExceeded",
	}
	quotaSpot = quota{"quota-vcpu-spot", "ec2", "L-34B43A08", "vCPUs of spot standard instances", "MaxSpotInstanceCountExceeded"}
)

// check compares what is needed beside what is used with the limit. short is the status of too little.
func (a Account) check(ctx context.Context, q quota, need, used int, short check.Status) check.Check {
	limit, err := a.AWS.Quota(ctx, q.service, q.code)
	if err != nil {
		return unknown(q.id, fmt.Sprintf("%s: need %d, have %d", q.what, need, used), err)
	}
	return a.judge(q, need, used, limit, short)
}

// judge compares what is needed beside what is used with a limit.
func (a Account) judge(q quota, need, used int, limit float64, short check.Status) check.Check {
	c := fine(q.id, "%s: need %d, have %d, limit %.0f", q.what, need, used, limit)
	if float64(need+used) <= limit || need == 0 {
		return c
	}
	c.Status = short
	c.Why = fmt.Sprintf("%s: quota %s would be exceeded by %.0f", q.refusal, q.code, float64(need+used)-limit)
	region := a.Deploy.Region
	if q.service == "iam" {
		region = "us-east-1" // where Service Quotas has those of IAM
	}
	c.Fix = fmt.Sprintf("aws service-quotas request-service-quota-increase --service-code %s --quota-code %s --desired-value "+
		"%d --region %s",
		q.service, q.code, need+used, region)
	return c
}

// missing is what is wanted and not recorded.
func missing(wanted, recorded int) int { return max(0, wanted-recorded) }

// networks checks the number of VPCs and what else there is of our name or our addresses.
func (a Account) networks(ctx context.Context, _ awsapi.Identity) []check.Check {
	d := a.Deploy
	vpcs, err := a.AWS.VPCs(ctx)
	if err != nil {
		return []check.Check{unknown(quotaVPC.id, quotaVPC.what, err), unknown("vpc", "VPCs of the same name", err)}
	}
	return []check.Check{a.check(ctx, quotaVPC, missing(d.Networks, d.Recorded.VPCs), len(vpcs), check.Error), a.otherVPCs(vpcs)}
}

// gateways is how many NAT gateways, each with an address, a deploy makes.
func (d Deploy) gateways() int {
	switch {
	case d.NoNAT:
		return 0
	case d.PerZone:
		return d.Networks * d.Zones
	}
	return d.Networks
}

func (a Account) addresses(ctx context.Context, _ awsapi.Identity) []check.Check {
	used, err := a.AWS.Addresses(ctx)
	if err != nil {
		return []check.Check{unknown(quotaEIP.id, quotaEIP.what, err)}
	}
	return []check.Check{a.check(ctx, quotaEIP, missing(a.Deploy.gateways(), a.Deploy.Recorded.Addresses), used, check.Error)}
}

// natGateways checks the fullest of the zones that get a NAT gateway.
func (a Account) natGateways(ctx context.Context, _ awsapi.Identity) []check.Check {
	used, err := a.AWS.NatGateways(ctx)
	if err != nil {
		return []check.Check{unknown(quotaNAT.id, quotaNAT.what, err)}
	}
	need := min(1, missing(a.Deploy.gateways(), a.Deploy.Recorded.NatGateways))
	zones, err := a.AWS.Zones(ctx)
	if err != nil {
		return []check.Check{unknown(quotaNAT.id, quotaNAT.what, err)}
	}
	most, q := 0, quotaNAT
	for _, z := range first(usable(zones), a.Deploy.gateways()) {
		if n := used[z.Name]; n >= most {
			most, q.what = n, "NAT gateways in zone "+z.Name+" ("+z.ID+")"
		}
	}
	return []check.Check{a.check(ctx, q, need, most, check.Error)}
}

// clusters checks the number of clusters, and that the name of ours is free.
func (a Account) clusters(ctx context.Context, _ awsapi.Identity) []check.Check {
	d := a.Deploy
	list, err := a.AWS.ListClusters(ctx)
	if err != nil {
		return []check.Check{unknown(quotaClusters.id, quotaClusters.what, err), unknown("cluster-name", "cluster "+d.Name, err)}
	}
	name := fine("cluster-name", "no other cluster is called %s", d.Name)
	if slices.Contains(list, d.Name) && d.Recorded.Clusters == 0 {
		name = a.unknownCluster(ctx)
	}
	return []check.Check{a.check(ctx, quotaClusters, missing(1, d.Recorded.Clusters), len(list), check.Error), name}
}

// processors checks the instance types of the core nodes and the vCPUs for them and for a job.
func (a Account) processors(ctx context.Context, _ awsapi.Identity) []check.Check {
	d := a.Deploy
	const types = "instance-types"
	vcpus, err := a.AWS.VCPUs(ctx, d.CoreTypes...)
	if err != nil {
		return []check.Check{
			unknown(types, "instance types of the core nodes", err), unknown(quotaOnDemand.id, quotaOnDemand.what, err),
			unknown(quotaSpot.id, quotaSpot.what, err),
		}
	}
	offered := fine(types, "%s: offered in %s", strings.Join(d.CoreTypes, ", "), d.Region)
	need := 0
	var absent []string
	for _, t := range d.CoreTypes {
		if vcpus[t] == 0 {
			absent = append(absent, t)
		} else if need == 0 && awsapi.Standard(t) && d.Recorded.NodeGroups == 0 {
			need = d.CoreNodes * vcpus[t] // EKS takes the first type that it gets
		}
	}
	if len(absent) > 0 {
		offered = check.Check{
			ID: types, Status: check.Error, What: strings.Join(absent, ", ") + ": not offered in " + d.Region,
			Why: "InvalidParameterException: EKS refuses a node group with an instance type that the region does not have",
			Fix: "aws ec2 describe-instance-type-offerings --region " + d.Region,
		}
	}
	onDemand, spot, err := a.AWS.StandardVCPUs(ctx)
	if err != nil {
		return []check.Check{
			offered, unknown(quotaOnDemand.id, quotaOnDemand.what, err), unknown(quotaSpot.id, quotaSpot.what, err),
		}
	}
	// A deploy itself starts nothing on spot. The first job does, and falls back or waits: no reason to stop here.
	return []check.Check{
		offered, a.check(ctx, quotaOnDemand, need, onDemand, check.Error),
		a.check(ctx, quotaSpot, d.SpotVCPUs, spot, check.Warning),
	}
}

// usable are the zones that the network component chooses from, in its order.
func usable(zones []awsapi.Zone) []zone.Zone {
	var out []zone.Zone
	for _, z := range zones {
		if z.State == "available" {
			out = append(out, zone.Zone{Name: z.Name, ID: z.ID})
		}
	}
	return zone.Supported(out)
}

func first(zones []zone.Zone, n int) []zone.Zone { return zones[:min(n, len(zones))] }
