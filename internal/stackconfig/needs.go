// SPDX-License-Identifier: Apache-2.0

package stackconfig

import (
	"fmt"
	"slices"
	"time"

	"emrflink/components/checkpoints"
	"emrflink/components/cluster"
	"emrflink/components/deployment"
	"emrflink/components/flinkoperator"
	"emrflink/components/network"
	"emrflink/components/observability"
	"emrflink/components/team"
	"emrflink/internal/awsapi"
	"emrflink/internal/cost"
	"emrflink/internal/preflight"
	"emrflink/internal/stack"
	"emrflink/karpenter"
	"emrflink/stacks"
)

// Needs says what a deploy of settings needs, of which there is what is recorded.
func Needs(c stacks.Config, info stack.Info, recorded preflight.Recorded) preflight.Deploy {
	d := preflight.Deploy{
		Stack: info.Stack, File: info.File, Name: c.Name, Region: c.Region, Kubernetes: c.KubernetesVersion, Cidr: c.VpcCidr,
		Networks: 1, Zones: c.AvailabilityZones, PerZone: c.NatGateways == network.NatPerZone,
		NoNAT:     c.NatGateways == network.NatNone,
		CoreTypes: c.CoreNodes.InstanceTypes, CoreNodes: c.CoreNodes.Desired, SpotVCPUs: spotVCPUs(c.NodePools),
		Admins: c.Admins, Tag: deployment.TagDeployment,
		Lasts:    time.Duration(float64(preflight.DeployLasts) / max(1, info.Speed)),
		Recorded: recorded,
	}
	d.StandardSupportUSD, d.ExtendedSupportUSD, _ = cost.ControlPlane(c.Region)
	at := &deployment.Deployment{Name: c.Name, Region: c.Region}
	d.LogGroups = []string{cluster.LogGroup(at), flinkoperator.LogGroup(at), observability.LogGroup(at)}
	for _, t := range c.Teams {
		d.LogGroups = append(d.LogGroups, team.LogGroup(at, t.Name))
	}
	d.Policies, d.Mirrors = policies(c), c.Mirrors.ECRs()
	d.Roles.Path = c.RolePath
	if c.PermissionsBoundary != stacks.NoBoundary {
		d.Roles.Boundary = c.PermissionsBoundary
	}
	d.IAM, d.PoolTypes = entities(c), map[string][]string{}
	for _, p := range c.NodePools {
		for _, family := range p.Families {
			d.PoolTypes[p.Name] = append(d.PoolTypes[p.Name], family+".*")
		}
	}
	d.Bucket = func(id awsapi.Identity) string {
		return checkpoints.BucketName(&deployment.Deployment{Name: c.Name, Region: c.Region, AccountID: id.Account})
	}
	if id := c.ExistingVpc.ID; id != "" {
		// Nothing of the network is made; two zones are what EKS asks of any subnets.
		d.Subnets = c.ExistingVpc.PrivateSubnetIds
		d.Networks, d.Zones, d.Recorded.VPC = 0, 2, id
	}
	return d
}

// policies are those of IAM that the settings name.
func policies(c stacks.Config) []preflight.NamedPolicy {
	var named []preflight.NamedPolicy
	if c.PermissionsBoundary != stacks.NoBoundary {
		named = append(named, preflight.NamedPolicy{Key: "permissionsBoundary", ARN: c.PermissionsBoundary})
	}
	for i, t := range c.Teams {
		for j, arn := range t.PolicyARNs() {
			named = append(named, preflight.NamedPolicy{Key: fmt.Sprintf("teams[%d].policies[%d]", i, j), ARN: arn})
		}
	}
	return named
}

// spotVCPUs is the smallest node that a pool starts on spot, 0 when none does.
func spotVCPUs(pools []karpenter.Pool) int {
	least := 0
	for _, p := range pools {
		p = p.WithDefaults()
		if slices.Contains(p.CapacityTypes, karpenter.Spot) && (least == 0 || p.MinVcpu < least) {
			least = p.MinVcpu
		}
	}
	return least
}

// entities counts the IAM entities of a deployment; a test compares it with the graph.
func entities(c stacks.Config) preflight.Entities {
	// The cluster, core nodes, Karpenter's nodes, and four controllers: Karpenter, EBS CSI driver, Flink operator, CloudWatch
	// agent; and policies of Karpenter (six) and of the operator.
	e := preflight.Entities{Roles: 7 + len(c.Teams), Policies: 7, Profiles: 1}
	for _, t := range c.Teams {
		e.Policies++ // the team's own
		for range t.Documents() {
			e.Policies++
		}
	}
	if len(c.Mirrors.ECRs()) > 0 {
		e.Policies += 2 // of both roles of nodes
	}
	if c.ClusterAutoscaler {
		e.Roles++
		e.Policies++
	}
	return e
}
