// SPDX-License-Identifier: Apache-2.0

package cleanup

import (
	"context"
	"fmt"
	"slices"

	"emrflink/internal/awsapi"
	"emrflink/internal/awskind"
	"emrflink/internal/kube"
	"emrflink/internal/plans"
)

// reachable is the Plan's Cluster when its phases are not skipped.
const reachable = "reachable"

// Plan is what a Run would delete, for the question before it and for a dry run.
type Plan struct {
	Stack, Account, Region, Deployment string

	Planned
	Cluster    string   // "reachable", or why the cluster's phases are skipped
	Kubernetes []Item   // jobs, load balancers, volumes, node pools, nodes
	Inventory  []Item   // of the account
	Buckets    []string // whose contents are deleted, all versions
	Phases     []Phase
	Warnings   []string // what a Run goes on without
	Remains    bool     // of a state that is lost something is left, and is forgotten
	Unfinished bool     // an earlier cleanup did not come to its end
	Asked      bool     // the account was looked at; without it, empty lists mean nothing
	NotChecked []Unknown
	NotReady   error // why Run would refuse, nil when it would not

	recorded []plans.StateResource
}

// Unlisted counts the recorded resources that have no line in a report: parts of others, such as rules and attachments, and what
// was in the cluster.
func (p Plan) Unlisted(r Report) int {
	listed := map[string]bool{}
	for _, i := range slices.Concat(r.Deleted, r.ExpectedResidue, r.Unexpected) {
		listed[i.ID] = true
	}
	n := 0
	for _, res := range p.recorded {
		if k, aws := awskind.OfType(res.Type); res.Custom && (!listed[res.ID] || aws && k.Inventory == awskind.NotListed) {
			n++
		}
	}
	return n
}

// Planned is what a Plan says in the JSON of a cleanup.
type Planned struct {
	Resources int            `json:"resources"` // recorded ones, deleted by the engine
	ByService map[string]int `json:"byService"` // the same by service
	Outside   []Item         `json:"outside"`   // what controllers in the cluster made: nodes, volumes, load balancers
	DataLoss  []string       `json:"dataLoss"`  // what is gone for good, a line each
	HourlyUSD float64        `json:"hourlyUSD"` // what stops being billed, US dollars per hour
}

func newPlan(s Scope) Plan {
	return Plan{
		Stack: s.Stack, Account: s.Account, Region: s.Region, Deployment: s.Deployment.Name,
		Planned:    Planned{ByService: map[string]int{}, Outside: []Item{}, DataLoss: []string{}},
		Kubernetes: []Item{}, Inventory: []Item{}, Buckets: []string{}, Warnings: []string{}, Phases: Phases(s.Choices),
	}
}

// Empty says that nothing is left of the deployment. What AWS did not answer for may be, and after a cleanup that did not come
// to its end, too: AWS writes some things late.
func (p Plan) Empty() bool {
	return !p.Unfinished && !p.Remains && len(p.NotChecked) == 0 && p.Resources == 0 && len(p.Inventory) == 0 &&
		len(p.Kubernetes) == 0
}

// Plan looks and deletes nothing. It fails where Run would refuse.
func (c Cleanup) Plan(ctx context.Context) (Plan, error) {
	c = c.withDefaults()
	if err := c.Scope.validate(); err != nil {
		return Plan{}, &RefusedError{Cause: err}
	}
	r := newRun(c, nil)
	if err := r.rightAccount(ctx); err != nil {
		return Plan{}, err
	}
	if err := r.unprotected(false); err != nil {
		return Plan{}, err
	}
	if err := r.look(ctx); err != nil {
		return Plan{}, err
	}
	p := newPlan(c.Scope)
	p.NotReady = c.Engine.Ready(ctx)
	p.Asked, p.NotChecked = true, r.unknown
	p.Cluster = r.noCluster
	if r.cluster != nil {
		p.Cluster = reachable
		if err := r.planCluster(ctx, &p); err != nil {
			return Plan{}, err
		}
	}
	for _, res := range r.before {
		item := r.item(res, "")
		p.Inventory = append(p.Inventory, item)
		p.HourlyUSD += item.HourlyUSD
		if r.retained(res) {
			p.Warnings = append(p.Warnings, fmt.Sprintf("%s %s is retained", res.Type, res.ID))
			continue
		}
		if res.Type == awsapi.TypeBucket {
			p.Buckets = append(p.Buckets, res.ID)
			p.DataLoss = append(p.DataLoss,
				fmt.Sprintf("bucket %s: checkpoints, savepoints, jars and logs, all versions", res.ID))
		}
		if res.CreatedBy != "user" { // what the engine made carries no controller's tag
			p.Outside = append(p.Outside, item)
		}
	}
	if r.Scope.StopWithSavepoint && len(p.Buckets) > 0 {
		p.Warnings = append(p.Warnings, "savepoints in these buckets are deleted with them; --retain-data keeps them")
	}
	if p.Cluster != "" && p.Cluster != reachable {
		p.Warnings = append(p.Warnings, p.Cluster)
	}
	return p, nil
}

// planCluster adds what the cluster has.
func (r *run) planCluster(ctx context.Context, p *Plan) error {
	var batches []batch
	for _, s := range steps(r.Scope.Choices) {
		batches = append(batches, s.batches...)
	}
	for _, b := range batches {
		objs, err := r.list(ctx, b.kind, b.mine)
		if err != nil {
			return err
		}
		for i := range objs {
			item := kubeItem(kube.RefOf(&objs[i]), "")
			p.Kubernetes, p.Outside = append(p.Kubernetes, item), append(p.Outside, item)
			if b.kind == kube.KindPVC && !r.Scope.RetainData {
				p.DataLoss = append(p.DataLoss, "volume of claim "+item.ID)
			}
		}
	}
	return nil
}

// Document is the JSON of a cleanup, and of a dry run, whose Report is empty.
type Document struct {
	Report
	Target    string   `json:"target"`
	DryRun    bool     `json:"dryRun"`
	Planned   Planned  `json:"planned"`
	Simulated []string `json:"simulated"`
}

// Document is the JSON of a plan and its report; the zero Report is that of a dry run.
func (p Plan) Document(target string, simulated []string, r Report) Document {
	if r.SchemaVersion == 0 {
		r = newReport(p.Stack, p.Account, p.Region, p.Deployment)
	}
	return Document{Report: r, Target: target, Planned: p.Planned, Simulated: append([]string{}, simulated...)}
}
