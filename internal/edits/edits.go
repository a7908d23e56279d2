// SPDX-License-Identifier: Apache-2.0

// Package edits has twenty edits of a stack's settings, as people make them, and tests what a reviewer reads of each: it is
// previewed offline against the graph of the defaults, by the engine and the providers in this process, and compared
// with a file below testdata. The end-to-end tests preview them against a deployment, too.
package edits

import (
	"emrflink/components/network"
	"emrflink/stacks"
)

// All are changes of the default settings, by the name of their golden file.
func All() map[string]func(*stacks.Config) {
	return map[string]func(*stacks.Config){
		"nothing":             func(*stacks.Config) {},
		"team-renamed":        func(c *stacks.Config) { c.Teams = []string{"flink-team-b"} },
		"team-added":          func(c *stacks.Config) { c.Teams = append(c.Teams, "flink-team-b") },
		"vpc-cidr":            func(c *stacks.Config) { c.VpcCidr = "10.42.0.0/16" },
		"two-zones":           func(c *stacks.Config) { c.AvailabilityZones = 2 },
		"nat-per-zone":        func(c *stacks.Config) { c.NatGateways = network.NatPerZone },
		"pool-families":       func(c *stacks.Config) { c.NodePools[0].Families = append(c.NodePools[0].Families, "c7i") },
		"pool-removed":        func(c *stacks.Config) { c.NodePools = c.NodePools[:1] },
		"pool-renamed":        func(c *stacks.Config) { c.NodePools[0].Name = "flink-cpu" },
		"core-count":          func(c *stacks.Config) { c.CoreNodes.Desired, c.CoreNodes.Max = 5, 12 },
		"core-instance-type":  func(c *stacks.Config) { c.CoreNodes.InstanceTypes = []string{"m5.2xlarge"} },
		"core-disk":           func(c *stacks.Config) { c.CoreNodes.DiskGiB = 200 },
		"emr-release":         func(c *stacks.Config) { c.EmrRelease = "7.12.0" },
		"kubernetes-version":  func(c *stacks.Config) { c.KubernetesVersion = "1.36" },
		"log-retention":       func(c *stacks.Config) { c.LogRetentionDays = 90 },
		"tags":                func(c *stacks.Config) { c.Tags = map[string]string{"cost-center": "4711"} },
		"endpoint-restricted": func(c *stacks.Config) { c.EndpointAccess.PublicCidrs = []string{"203.0.113.0/24"} },
		"endpoint-private": func(c *stacks.Config) {
			c.EndpointAccess = stacks.EndpointAccess{Private: true, PublicCidrs: []string{}}
		},
		"admin-added":        func(c *stacks.Config) { c.Admins = []string{"arn:aws:iam::111122223333:role/platform-admin"} },
		"deployment-renamed": func(c *stacks.Config) { c.Name = "streaming" },
		"region":             func(c *stacks.Config) { c.Region = "us-east-1" },
	}
}
