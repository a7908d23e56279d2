// SPDX-License-Identifier: Apache-2.0

package preflight

import "emrflink/internal/plans"

// Recorded is what the state of the stack has.
type Recorded struct {
	Account, Region                                    string // "" = nothing is deployed
	VPCs, Addresses, NatGateways, Clusters, NodeGroups int
	VPC                                                string // id
	IAM                                                Entities
	Names                                              map[string]bool // of log groups and buckets
}

// Record counts what quotas are asked about in the state of a stack, whose log groups and buckets have names. What a killed
// run had begun to make counts: the deploy takes it over.
func Record(resources []plans.StateResource, pending []plans.Pending, names []string) Recorded {
	r := Recorded{Names: map[string]bool{}}
	for _, name := range names {
		r.Names[name] = true
	}
	for _, res := range resources {
		r.count(res.Type)
	}
	for _, p := range pending {
		for _, property := range []string{"name", "bucket"} {
			name, _ := p.Inputs[property].(string)
			r.Names[name] = true
		}
		r.count(p.Type)
	}
	return r
}

func (r *Recorded) count(typ string) {
	switch typ {
	case "aws:ec2/vpc:Vpc":
		r.VPCs++
	case "aws:ec2/eip:Eip":
		r.Addresses++
	case "aws:ec2/natGateway:NatGateway":
		r.NatGateways++
	case "aws:eks/cluster:Cluster":
		r.Clusters++
	case "aws:eks/nodeGroup:NodeGroup":
		r.NodeGroups++
	case "aws:iam/role:Role":
		r.IAM.Roles++
	case "aws:iam/policy:Policy":
		r.IAM.Policies++
	case "aws:iam/instanceProfile:InstanceProfile":
		r.IAM.Profiles++
	}
}
