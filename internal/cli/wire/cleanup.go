// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"context"
	"errors"
	"fmt"

	"emrflink/internal/awsapi"
	"emrflink/internal/cleanup"
	"emrflink/internal/cli/session"
	"emrflink/internal/engine"
	"emrflink/internal/kube"
	"emrflink/internal/plans"
)

// teardown is a cleanup that was prepared.
type teardown struct {
	stack  *stack
	scope  scope
	run    cleanup.Cleanup
	engine *engine.Engine
	plan   session.CleanupPlan
	exists bool // the stack is recorded and has to be forgotten at the end
}

var _ session.Cleanup = (*teardown)(nil)

// Cleanup finds out what exists. A stack of which nothing is recorded has nothing to delete: what carries its name in
// the account may be somebody else's.
func (s *stack) Cleanup(ctx context.Context) (session.Cleanup, error) {
	reader, err := s.engine(ctx, nil)
	if err != nil {
		return nil, err
	}
	resources, outputs, exists, err := recorded(ctx, reader)
	if err != nil {
		return nil, classify(err)
	}
	sc, known, err := readScope(s.settings, resources, outputs)
	if err != nil {
		return nil, err
	}
	t := &teardown{stack: s, scope: sc, exists: exists, plan: session.CleanupPlan{
		Account: sc.Account, Region: sc.Region, Deployment: sc.Deployment.Name, ByService: map[string]int{}, Empty: true,
	}}
	if !known {
		return t, t.forgetEmpty(ctx, reader)
	}
	for _, r := range resources {
		if r.Custom {
			t.plan.Resources++
			t.plan.ByService[service(r.Type)]++
		}
	}
	if err := t.look(ctx); err != nil {
		return nil, err
	}
	return t, nil
}

// recorded reads the state; a stack that was never deployed has none.
func recorded(ctx context.Context, e *engine.Engine) ([]plans.StateResource, map[string]engine.Output, bool, error) {
	resources, err := e.Resources(ctx)
	if errors.Is(err, engine.ErrNoStack) {
		return nil, nil, false, nil
	}
	if err != nil {
		return nil, nil, false, err
	}
	outputs, err := e.Outputs(ctx)
	return resources, outputs, true, err
}

// forgetEmpty drops the record of a stack that has no resources.
func (t *teardown) forgetEmpty(ctx context.Context, e *engine.Engine) error {
	if !t.exists {
		return nil
	}
	t.exists = false
	return classify(e.Remove(ctx))
}

// look opens the target and asks what would be deleted.
func (t *teardown) look(ctx context.Context) error {
	client, err := t.stack.client(ctx)
	if err != nil {
		return err
	}
	if t.scope.Account == "" {
		// Nothing that was made so far carries an ARN: the account is the one that the engine used, that of the caller.
		id, err := client.Identity(ctx)
		if err != nil {
			return classify(err)
		}
		t.scope.Account, t.plan.Account = id.Account, id.Account
	}
	if t.engine, err = t.stack.acting(ctx); err != nil {
		return err
	}
	t.run = cleanup.Cleanup{
		Scope: t.scope.Scope, Account: client, Inventory: client, Engine: destroyer{t.engine}, Price: pricer(t.scope.Region),
		Connect: t.connect,
	}
	p, err := t.run.Plan(ctx)
	if err != nil {
		return classify(err)
	}
	t.fill(p)
	return nil
}

func (t *teardown) connect(ctx context.Context, c awsapi.Cluster) (cleanup.Cluster, error) {
	client, err := t.stack.client(ctx)
	if err != nil {
		return nil, err
	}
	return kube.Connect(ctx, kube.Source{
		ClusterName: c.Name, Region: t.scope.Region, Endpoint: c.Endpoint, CABase64: c.CABase64, Token: tokenOf(client, c.Name),
	})
}

// fill turns the plan into what the command shows.
func (t *teardown) fill(p cleanup.Plan) {
	t.plan.HourlyUSD = p.HourlyUSD
	t.plan.Empty = t.plan.Resources == 0 && len(p.Resources) == 0 && len(p.Kubernetes) == 0
	for _, i := range p.Kubernetes {
		t.plan.Outside = append(t.plan.Outside, item(i))
		if i.Type == "PersistentVolumeClaim" {
			t.plan.DataLoss = append(t.plan.DataLoss, "volume of claim "+i.ID)
		}
	}
	for _, i := range p.Resources {
		if i.CreatedBy != "user" { // what the engine made carries no controller's tag
			t.plan.Outside = append(t.plan.Outside, item(i))
		}
	}
	for _, b := range p.Buckets {
		t.plan.DataLoss = append(t.plan.DataLoss, fmt.Sprintf("bucket %s: checkpoints, savepoints, jars and logs, all versions", b))
	}
	if p.Cluster != "" && p.Cluster != "reachable" {
		t.plan.Warnings = append(t.plan.Warnings, p.Cluster)
	}
	for _, ph := range p.Phases {
		t.plan.Phases = append(t.plan.Phases, session.Phase{Name: ph.Name, Expected: ph.Expected})
	}
}

// Plan is what would be deleted.
func (t *teardown) Plan() session.CleanupPlan { return t.plan }

// Run deletes it, and forgets the stack when nothing is left.
func (t *teardown) Run(ctx context.Context, progress func(session.CleanupProgress)) (session.CleanupReport, error) {
	if err := t.scope.save(); err != nil {
		return session.CleanupReport{}, err
	}
	r, err := t.run.Run(ctx, func(p cleanup.Progress) {
		progress(session.CleanupProgress{
			Phase: p.Phase.Name, State: stateOf(p.State), Message: p.Cause, Minor: p.Phase.Name == cleanup.PhaseEngine,
		})
	})
	out := session.CleanupReport{Deleted: items(r.Deleted), ExpectedResidue: items(r.ExpectedResidue), Unexpected: items(r.Unexpected), Verified: r.Verified}
	for _, w := range r.Warnings {
		t.stack.app.log().Debug("cleanup", "warning", w)
	}
	t.stack.app.logFailure(err)
	if err != nil {
		return out, classify(err)
	}
	if t.exists {
		if err := t.engine.Remove(ctx); err != nil && !errors.Is(err, engine.ErrNoStack) {
			return out, classify(err)
		}
	}
	return out, t.scope.forget()
}

func stateOf(state string) string {
	switch state {
	case cleanup.StateStart, cleanup.StateWait:
		return "running"
	}
	return state
}

func items(in []cleanup.Item) []session.Item {
	out := make([]session.Item, 0, len(in))
	for _, i := range in {
		out = append(out, item(i))
	}
	return out
}

func item(i cleanup.Item) session.Item {
	return session.Item{
		Service: i.Service, Type: i.Type, ID: i.ID, ARN: i.ARN, CreatedBy: i.CreatedBy, HourlyUSD: i.HourlyUSD,
		Reason: i.Reason, Command: i.Command,
	}
}

// destroyer is the engine as a cleanup sees it.
type destroyer struct{ e *engine.Engine }

var (
	_ cleanup.Engine    = destroyer{}
	_ cleanup.Forgetter = destroyer{}
)

// ForgetKubernetes drops what was in a cluster that is gone from the state. A stack that was never deployed has none.
func (d destroyer) ForgetKubernetes(ctx context.Context) (int, error) {
	n, err := d.e.ForgetKubernetes(ctx)
	if errors.Is(err, engine.ErrNoStack) {
		return 0, nil
	}
	return n, err
}

// Destroy deletes everything recorded. A stack that was never deployed has nothing.
func (d destroyer) Destroy(ctx context.Context, sink func(cleanup.EngineEvent)) error {
	_, err := d.e.Destroy(ctx, func(e engine.Event) {
		ev := cleanup.EngineEvent{Message: e.Message, Deleted: e.Kind == engine.EventDone && e.Op == plans.OpDelete}
		if e.Type != "" {
			ev.Resource = e.Type + " " + e.Name
		}
		sink(ev)
	})
	if errors.Is(err, engine.ErrNoStack) {
		return nil
	}
	return err
}
