// SPDX-License-Identifier: Apache-2.0

package cleanup

import (
	"emrflink/internal/awsapi"
	"emrflink/internal/cost"
)

// ListPrice prices what the account's inventory shows, at list prices per hour; 0 where there is no price.
func ListPrice(region string) func(awsapi.Resource) float64 {
	return func(r awsapi.Resource) float64 {
		priced, ok := billed(r)
		if !ok {
			return 0
		}
		e, err := cost.Of(region, []cost.Resource{priced})
		if err != nil {
			return 0
		}
		return e.HourlyUSD
	}
}

// billed spells a resource of the inventory as the price table knows it; false for what is not billed by the hour.
func billed(r awsapi.Resource) (cost.Resource, bool) {
	out := cost.Resource{URN: r.ID, Name: r.ID, ID: r.ID, Inputs: map[string]any{}}
	switch r.Type {
	case awsapi.TypeCluster:
		out.Type = "aws:eks/cluster:Cluster"
		out.Inputs["version"] = r.Detail["version"]
	case awsapi.TypeInstance:
		out.Type = "aws:ec2/instance:Instance"
		out.Inputs["instanceType"] = r.Detail["instanceType"]
	case awsapi.TypeVolume:
		out.Type = "aws:ebs/volume:Volume"
		out.Inputs["type"], out.Inputs["size"] = r.Detail["volumeType"], r.Detail["sizeGiB"]
	case awsapi.TypeNatGateway:
		out.Type = "aws:ec2/natGateway:NatGateway"
	case awsapi.TypeAddress:
		out.Type = "aws:ec2/eip:Eip"
	case awsapi.TypeLoadBalancer:
		out.Type = "aws:lb/loadBalancer:LoadBalancer"
	case awsapi.TypeKey:
		out.Type = "aws:kms/key:Key"
		return out, r.State != "PendingDeletion"
	default:
		return out, false
	}
	return out, true
}
