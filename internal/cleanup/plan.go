// SPDX-License-Identifier: Apache-2.0

package cleanup

import (
	"context"

	"emrflink/internal/kube"
)

// Plan is what a Run would delete, for the question before it and for a dry run.
type Plan struct {
	SchemaVersion int      `json:"schemaVersion"`
	Stack         string   `json:"stack"`
	Account       string   `json:"account"`
	Region        string   `json:"region"`
	Deployment    string   `json:"deployment"`
	Cluster       string   `json:"cluster"`    // "reachable", or why the cluster's phases are skipped
	Kubernetes    []Item   `json:"kubernetes"` // jobs, load balancers, volumes, node pools, nodes
	Resources     []Item   `json:"resources"`  // of the account
	Buckets       []string `json:"buckets"`    // whose contents are deleted, all versions
	Phases        []Phase  `json:"phases"`
	HourlyUSD     float64  `json:"hourlyUSD"`
}

// Plan looks and deletes nothing. It fails where Run would refuse.
func (c Cleanup) Plan(ctx context.Context) (Plan, error) {
	c = c.withDefaults()
	if err := c.Scope.validate(); err != nil {
		return Plan{}, &RefusedError{Cause: err}
	}
	r := newRun(c, nil)
	if err := r.check(ctx); err != nil {
		return Plan{}, err
	}
	p := Plan{
		SchemaVersion: SchemaVersion, Stack: c.Scope.Stack, Account: c.Scope.Account, Region: c.Scope.Region,
		Deployment: c.Scope.Deployment.Name, Cluster: r.noCluster, Kubernetes: []Item{}, Resources: []Item{}, Buckets: []string{},
		Phases: Phases(),
	}
	for _, res := range r.before {
		item := r.item(res, "")
		p.Resources = append(p.Resources, item)
		p.HourlyUSD += item.HourlyUSD
		if res.Type == "bucket" {
			p.Buckets = append(p.Buckets, res.ID)
		}
	}
	if r.cluster == nil {
		return p, nil
	}
	p.Cluster = "reachable"
	for _, b := range []batch{
		{kind: kube.KindFlinkSessionJob}, {kind: kube.KindFlinkDeployment}, {kind: kube.KindIngress},
		{kind: kube.KindService, mine: isBalancer},
		{kind: kube.KindPVC}, {kind: kube.KindNodePool}, {kind: kube.KindNodeClaim}, {kind: kube.KindEC2NodeClass},
	} {
		objs, err := r.list(ctx, b.kind, b.mine)
		if err != nil {
			return Plan{}, err
		}
		for i := range objs {
			p.Kubernetes = append(p.Kubernetes, kubeItem(kube.RefOf(&objs[i]), ""))
		}
	}
	return p, nil
}
