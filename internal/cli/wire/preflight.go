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
	"emrflink/internal/check"
	"emrflink/internal/cleanup"
	"emrflink/internal/cost"
	"emrflink/internal/engine"
	"emrflink/internal/preflight"
	"emrflink/karpenter"
)

// Preflight looks for what would make a deploy fail: on this machine, then in the account.
func (s *onTarget) Preflight(ctx context.Context, adopt bool) ([]check.Check, error) {
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
	d, err := s.needs(ctx, adopt)
	if err != nil {
		return nil, err
	}
	return append(checks, preflight.Account{AWS: client, Deploy: d, Now: s.app.now}.Run(ctx)...), nil
}

// needs says what a deploy of the settings needs, and what there is of it.
func (s *onTarget) needs(ctx context.Context, adopt bool) (preflight.Deploy, error) {
	c, info := s.settings.config, s.settings.info
	d := preflight.Deploy{
		Adopt: adopt,
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

// recorded is what the state of the stack has.
func (s *onTarget) recorded(ctx context.Context) (preflight.Recorded, error) {
	record, err := recorder{s}.Record(ctx)
	if err != nil || !record.Exists {
		return preflight.Recorded{}, classify(err)
	}
	scope, known, err := cleanup.Known(s.scope(), record)
	if err != nil {
		return preflight.Recorded{}, err
	}
	e, err := s.engine(ctx, nil)
	if err != nil {
		return preflight.Recorded{}, err
	}
	pending, err := e.Pending(ctx)
	if err != nil && !errors.Is(err, engine.ErrNoStack) {
		return preflight.Recorded{}, classify(err)
	}
	d := scope.Deployment
	r := preflight.Record(record.Resources, pending, slices.Concat(d.LogGroups, d.Buckets))
	if known && len(record.Resources) > 0 {
		r.Account, r.Region, r.VPC = scope.Account, scope.Region, d.VPC
	}
	return r, nil
}
