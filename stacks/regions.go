// SPDX-License-Identifier: Apache-2.0

package stacks

import "slices"

// region is an AWS region in which EKS and the images of EMR on EKS are available.
type region struct {
	name string
	// zones is how many availability zones a new account can use for EKS there.
	zones int
}

// regions is the table. Source: Amazon EMR on EKS Development Guide, "Docker image registry accounts by Region"; zones
// from "AWS Regions and Availability Zones", without those that EKS does not support.
func regions() []region {
	out := []region{
		{"us-east-1", 5}, {"us-west-1", 2}, {"us-west-2", 4}, {"ap-northeast-2", 4},
	}
	for _, name := range []string{
		"us-east-2", "ca-central-1", "sa-east-1", "eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1", "eu-central-2",
		"eu-north-1", "eu-south-1", "eu-south-2", "ap-northeast-1", "ap-northeast-3", "ap-southeast-1", "ap-southeast-2",
		"ap-southeast-3", "ap-south-1", "ap-south-2", "ap-east-1", "me-south-1", "me-central-1", "il-central-1", "af-south-1",
		"us-gov-west-1", "us-gov-east-1", "cn-north-1", "cn-northwest-1",
	} {
		out = append(out, region{name, 3})
	}
	return out
}

// Regions are the names of the supported regions, sorted.
func Regions() []string {
	var out []string
	for _, r := range regions() {
		out = append(out, r.name)
	}
	slices.Sort(out)
	return out
}

func findRegion(name string) (region, bool) {
	all := regions()
	i := slices.IndexFunc(all, func(r region) bool { return r.name == name })
	if i < 0 {
		return region{}, false
	}
	return all[i], true
}
