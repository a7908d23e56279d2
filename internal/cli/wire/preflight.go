// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"context"
	"errors"
	"os/exec"
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
	"emrflink/internal/cli/session"
	"emrflink/internal/cost"
	"emrflink/internal/engine"
	"emrflink/internal/plans"
	"emrflink/internal/preflight"
	"emrflink/karpenter"
)

// Preflight looks for what would make a deploy fail: on this machine, then in the account.
func (s *stack) Preflight(ctx context.Context) ([]session.Check, error) {
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	needs := s.settings.info.Needs
	machine := preflight.Machine{
		Programs: needs.Programs, Registries: needs.Registries, LookPath: exec.LookPath, Getenv: s.app.io.Getenv, Now: s.app.now,
	}
	checks := machine.Run()
	client, err := s.client(ctx)
	if err != nil {
		return nil, err
	}
	d, err := s.needs(ctx)
	if err != nil {
		return nil, err
	}
	checks = append(checks, preflight.Account{AWS: client, Deploy: d, Now: s.app.now}.Run(ctx)...)
	out := make([]session.Check, 0, len(checks))
	for _, c := range checks {
		s.leftOver = append(s.leftOver, c.Adopts...)
		out = append(out, session.Check{
			ID: c.ID, Status: session.CheckStatus(c.Status), What: c.What, Why: c.Why, Fix: c.Fix, Denied: c.Denied,
		})
	}
	return out, nil
}

// AdoptLeftOver makes Preflight look for log groups of an earlier deployment, and Plan and Deploy take them over.
func (s *stack) AdoptLeftOver() { s.adopting = true }

// needs says what a deploy of the settings needs, and what there is of it.
func (s *stack) needs(ctx context.Context) (preflight.Deploy, error) {
	c, info := s.settings.config, s.settings.info
	d := preflight.Deploy{
		Adopt: s.adopting,
		Stack: info.Stack, File: info.File, Name: c.Name, Region: c.Region, Kubernetes: c.KubernetesVersion, Cidr: c.VpcCidr,
		Networks: 1, Zones: c.AvailabilityZones, PerZone: c.NatGateways == network.NatPerZone,
		CoreTypes: c.CoreNodes.InstanceTypes, CoreNodes: c.CoreNodes.Desired, SpotVCPUs: spotVCPUs(c.NodePools),
		Tag: deployment.TagDeployment, Lasts: time.Duration(float64(preflight.DeployLasts) / max(1, info.Speed)),
	}
	d.StandardSupportUSD, d.ExtendedSupportUSD, _ = cost.ControlPlane(c.Region)
	at := &deployment.Deployment{Name: c.Name, Region: c.Region}
	d.LogGroups = []string{cluster.LogGroup(at), flinkoperator.LogGroup(at), observability.LogGroup(at)}
	for _, name := range c.Teams {
		d.LogGroups = append(d.LogGroups, team.LogGroup(at, name))
	}
	d.Bucket = func(id awsapi.Identity) string {
		return checkpoints.BucketName(&deployment.Deployment{Name: c.Name, Region: c.Region, AccountID: id.Account})
	}
	var err error
	d.Recorded, err = s.recorded(ctx)
	if id := c.ExistingVpc.ID; id != "" {
		// Nothing of the network is made; two zones are what EKS asks of any subnets.
		d.Networks, d.Zones, d.Recorded.VPC = 0, 2, id
	}
	return d, err
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

// recorded counts what the state of the stack has. What a killed run had begun to make counts: the deploy takes it over.
func (s *stack) recorded(ctx context.Context) (preflight.Recorded, error) {
	r := preflight.Recorded{Names: map[string]bool{}}
	e, err := s.engine(ctx, nil)
	if err != nil {
		return r, err
	}
	resources, outputs, exists, err := recorded(ctx, e)
	if err != nil || !exists {
		return r, classify(err)
	}
	sc, known, err := readScope(s.settings, resources, outputs)
	if err != nil {
		return r, err
	}
	if known && len(resources) > 0 {
		r.Account, r.Region, r.VPC = sc.Account, sc.Region, sc.Deployment.VPC
	}
	for _, name := range append(slices.Clone(sc.Deployment.LogGroups), sc.Deployment.Buckets...) {
		r.Names[name] = true
	}
	pending, err := e.Pending(ctx)
	if err != nil && !errors.Is(err, engine.ErrNoStack) {
		return r, classify(err)
	}
	for _, p := range pending {
		begun := plans.StateResource{Type: p.Type, Inputs: p.Inputs}
		resources = append(resources, begun)
		r.Names[property(begun, "name")], r.Names[property(begun, "bucket")] = true, true
	}
	count(&r, resources)
	return r, nil
}

// count adds up what quotas are asked about.
func count(r *preflight.Recorded, resources []plans.StateResource) {
	for _, res := range resources {
		switch res.Type {
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
		}
	}
}
