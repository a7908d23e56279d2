// SPDX-License-Identifier: Apache-2.0

package cleanup

import (
	"strings"

	"emrflink/internal/awsapi"
	"emrflink/internal/awskind"
	"emrflink/internal/cost"
)

// ListPrice prices what the account's inventory shows, at list prices per hour; 0 where there is no price.
func ListPrice(region string) func(awsapi.Resource) float64 {
	return func(r awsapi.Resource) float64 {
		k, known := awskind.OfInventory(r.Type)
		if !known || r.Type == awsapi.TypeKey && r.State == keyPendingDeletion {
			return 0 // a key that waits for its deletion is free: aws.amazon.com/kms/pricing
		}
		e, err := cost.Of(region, []cost.Resource{{URN: r.ID, Type: k.Type, Name: r.ID, ID: r.ID, Inputs: inputs(r.Detail)}})
		if err != nil {
			return 0
		}
		return e.HourlyUSD
	}
}

// inputs spells the details of the inventory as the Pulumi AWS provider does.
func inputs(detail map[string]string) map[string]any {
	out := map[string]any{
		"version": detail["version"], "instanceType": detail["instanceType"],
		"type": detail["volumeType"], "size": detail["sizeGiB"], "vpcEndpointType": detail["endpointType"],
	}
	var subnets []any
	for id := range strings.SplitSeq(detail["subnets"], ",") {
		subnets = append(subnets, id)
	}
	out["subnetIds"] = subnets
	return out
}
