// SPDX-License-Identifier: Apache-2.0

// Package detect finds drift: it lets the engine read every recorded resource, and asks the account what else has the
// deployment's tags. Nothing is changed.
//
// Place: domain, above awsapi. It is separate from drift so that code that only shows a report links no AWS client.
package detect

import (
	"context"
	"slices"
	"strings"

	"emrflink/internal/awsapi"
	"emrflink/internal/awskind"
	"emrflink/internal/drift"
	"emrflink/internal/plans"
)

// Engine knows what a stack recorded.
type Engine interface {
	// Observe reads every resource and compares it with what was recorded.
	Observe(ctx context.Context) ([]plans.Observed, error)
	// Resources are the recorded ones.
	Resources(ctx context.Context) ([]plans.StateResource, error)
}

// Account lists what there is of a deployment.
type Account interface {
	DeploymentResources(ctx context.Context, d awsapi.Deployment) ([]awsapi.Resource, error)
	DescribeCluster(ctx context.Context, name string) (awsapi.Cluster, error)
}

var _ Account = (*awsapi.Client)(nil)

const clusterType = "aws:eks/cluster:Cluster"

// Detector compares what a stack recorded with the account.
type Detector struct {
	Engine     Engine
	Account    Account
	Deployment awsapi.Deployment
}

// Run compares.
func (d Detector) Run(ctx context.Context) (drift.Report, error) {
	observed, err := d.Engine.Observe(ctx)
	if err != nil {
		return drift.Report{}, err
	}
	recorded, err := d.Engine.Resources(ctx)
	if err != nil {
		return drift.Report{}, err
	}
	if err := d.unprotected(ctx, recorded, observed); err != nil {
		return drift.Report{}, err
	}
	found, err := d.Account.DeploymentResources(ctx, d.Deployment)
	if err != nil {
		return drift.Report{}, err
	}
	r := drift.New(observed)
	r.AddUnmanaged(unmanaged(recorded, found, d.Deployment.Tags))
	return r, nil
}

// unprotected adds to what was observed of a protected cluster that EKS would delete it. The provider in use does not know of
// EKS's deletion protection: a deploy turns it on by a call of its own.
func (d Detector) unprotected(ctx context.Context, recorded []plans.StateResource, observed []plans.Observed) error {
	for _, r := range recorded {
		i := slices.IndexFunc(observed, func(o plans.Observed) bool { return o.URN == r.URN && !o.Missing })
		if i < 0 || !r.Protect || r.Type != clusterType {
			continue
		}
		c, err := d.Account.DescribeCluster(ctx, r.ID)
		if err != nil {
			return err
		}
		if !c.DeletionProtection {
			observed[i].Diff = append(observed[i].Diff, plans.PropertyDiff{
				Path: "deletionProtection", Kind: "update", Old: true, New: false,
			})
		}
	}
	return nil
}

// unmanaged is what the account has and nobody recorded: resources that carry all of the deployment's tags and were made
// by none of the controllers, which make and delete on their own.
func unmanaged(recorded []plans.StateResource, inventory []awsapi.Resource, tags map[string]string) []drift.Unmanaged {
	known := map[string]bool{}
	for _, s := range recorded {
		for _, name := range namesOf(s) {
			known[name] = true
		}
	}
	var out []drift.Unmanaged
	for _, a := range inventory {
		if a.CreatedBy != "user" || known[a.ID] || known[a.ARN] && a.ARN != "" || !marked(a.Tags, tags) {
			continue
		}
		out = append(out, drift.Unmanaged{Service: a.Service, Type: a.Type, ID: a.ID, ARN: a.ARN, CreatedBy: a.CreatedBy})
	}
	return out
}

// namesOf are the names by which an inventory may list a recorded resource.
func namesOf(s plans.StateResource) []string {
	names := []string{s.ID}
	for _, key := range []string{"arn", "name", "url", "id", "allocationId", "nodeGroupName"} {
		if v, _ := s.Outputs[key].(string); v != "" {
			names = append(names, v)
		}
	}
	return names
}

// gravest is the last gravity of the kinds that every inventory lists: keys, buckets, clusters, and what is billed or holds
// others.
const gravest = 120

// Missing are the recorded resources of the graver kinds that an inventory of the deployment does not have, or only as deleted:
// somebody deleted them. A partial inventory is none to compare with.
func Missing(recorded []plans.StateResource, inventory []awsapi.Resource) []plans.StateResource {
	there := map[string]bool{}
	for _, a := range inventory {
		if state := strings.ToLower(a.State); strings.HasPrefix(state, "delet") || strings.HasPrefix(state, "pendingdelet") {
			continue
		}
		for _, name := range []string{a.ID, a.ARN, a.Name} {
			there[a.Type+" "+name] = name != ""
		}
	}
	var out []plans.StateResource
	for _, s := range recorded {
		k, _ := awskind.OfType(s.Type)
		listed := func(name string) bool { return there[k.Inventory+" "+name] }
		if s.Custom && k.Inventory != "" && k.Gravity > 0 && k.Gravity <= gravest && !slices.ContainsFunc(namesOf(s), listed) {
			out = append(out, s)
		}
	}
	return out
}

// marked says whether all of the tags are there.
func marked(have, want map[string]string) bool {
	for k, v := range want {
		if have[k] != v {
			return false
		}
	}
	return len(want) > 0
}
