// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"context"
	"errors"
	"path/filepath"
	"slices"

	"emrflink/components/deployment"
	"emrflink/internal/adopt"
	"emrflink/internal/awsapi"
	"emrflink/internal/cleanup"
	cleanupcmd "emrflink/internal/cli/cleanup"
	"emrflink/internal/engine"
	"emrflink/internal/plans"
	"emrflink/internal/target"
)

// teardown is a cleanup that was prepared, with the facets of its errors.
type teardown struct {
	*cleanup.Teardown
	stack *onTarget
}

// Run deletes what was prepared. The stack is this command's before the first deletion: a deploy that begins meanwhile would lose
// its jobs and nodes.
func (t teardown) Run(ctx context.Context, report func(cleanup.Progress)) (cleanup.Report, error) {
	if err := t.stack.claim(ctx); err != nil {
		return cleanup.Report{}, err
	}
	r, err := t.Teardown.Run(ctx, report)
	t.stack.app.logFailure(err)
	for _, items := range [][]cleanup.Item{r.ExpectedResidue, r.Unexpected} {
		for i := range items {
			items[i].Command, items[i].Reason = t.stack.hint(items[i].Command), t.stack.hint(items[i].Reason)
		}
	}
	return r, classify(err)
}

// Cleanup finds out what a cleanup of the stack would delete.
func (s *onTarget) Cleanup(ctx context.Context, c cleanup.Choices) (cleanupcmd.Teardown, error) {
	o := s.scope()
	o.Choices = c
	if c.FromTags {
		o.Rebuild, o.Open = s.rebuild, func(ctx context.Context) (cleanup.World, error) { return s.worldOf(ctx, s.unchecked) }
	}
	if !target.Untouched(target.Options{Kind: s.settings.config.Target, Home: s.settings.info.Home}) {
		o.Tagged = s.tagged
	}
	t, err := cleanup.Prepare(ctx, o)
	return teardown{Teardown: t, stack: s}, classify(err)
}

// tagged reads what has the exact tags of the deployment, whoever made it.
func (s *onTarget) tagged(ctx context.Context) (string, []awsapi.Resource, error) {
	client, err := s.client(ctx)
	if err != nil {
		return "", nil, err
	}
	caller, err := client.Identity(ctx)
	if err != nil {
		return "", nil, err
	}
	name := s.settings.config.Name
	tags := deploymentTags(name)
	all, err := client.DeploymentResources(ctx, awsapi.Deployment{Name: name, Cluster: name, Tags: tags})
	if err != nil {
		return "", nil, err
	}
	named, err := client.Tagged(ctx, tags)
	seen := map[string]bool{}
	all = slices.DeleteFunc(append(all, named...), func(r awsapi.Resource) bool {
		again := seen[r.Type+" "+r.ID]
		seen[r.Type+" "+r.ID] = true
		return again || !awsapi.Carries(r.Tags, tags)
	})
	return caller.Account, all, err
}

// scope says what the settings know of what is cleaned up.
func (s *onTarget) scope() cleanup.Options {
	info := s.settings.info
	return cleanup.Options{
		Stack: info.Stack, Region: info.Region, Deployment: info.Deployment, Folder: filepath.Join(info.Home, "cleanup"),
		NameTag: deployment.TagDeployment, Tags: deploymentTags, Recorder: leaver{recorder{s}}, Open: s.world,
		Protect: s.settings.config.Protect,
	}
}

// deploymentTags together mark every AWS resource of a deployment.
func deploymentTags(name string) map[string]string {
	return map[string]string{deployment.TagDeployment: name, deployment.TagManagedBy: deployment.ManagedBy}
}

// rebuild makes the state anew from what the account has. The cluster is not asked: it may be gone, or half deleted.
func (s *onTarget) rebuild(ctx context.Context) (cleanup.Rebuilt, error) {
	client, err := s.client(ctx)
	if err != nil {
		return cleanup.Rebuilt{}, err
	}
	offline, err := target.Offline(ctx, target.Options{
		Region: s.settings.config.Region, Version: s.app.version, Logger: s.app.log().Logger,
	})
	if err != nil {
		return cleanup.Rebuilt{}, err
	}
	defer offline.Close() // it holds nothing
	o := s.app.engineOptions(s.settings, s.target.EnvWithKubernetesOf(offline))
	tagged, err := client.Tagged(ctx, deploymentTags(s.settings.config.Name))
	if err != nil {
		return cleanup.Rebuilt{}, err
	}
	lookUps := s.lookUps(client)
	lookUps.Lost = true
	o.Adopt, o.Hold = adopt.Finder(lookUps), s.hold
	e, err := engine.Open(ctx, o)
	if err != nil {
		return cleanup.Rebuilt{}, classify(err)
	}
	r, err := e.Rebuild(ctx, s.app.waiting)
	s.app.logFailure(err)
	return cleanup.Rebuilt{
		Resources: r.Resources, Tagged: tagged, Foreign: r.Foreign, Remains: r.Remains,
		Keep: func(ctx context.Context) error { return e.Keep(ctx, r) },
	}, err
}

// world opens the account and the engine on it.
func (s *onTarget) world(ctx context.Context) (cleanup.World, error) {
	return s.worldOf(ctx, s.onAccount)
}

func (s *onTarget) worldOf(ctx context.Context, open func(context.Context) (*engine.Engine, error)) (cleanup.World, error) {
	client, err := s.client(ctx)
	if err != nil {
		return cleanup.World{}, err
	}
	e, err := open(ctx)
	if err != nil {
		return cleanup.World{}, err
	}
	return cleanup.World{
		Account: client, Inventory: client, Engine: destroyer{e},
		Connect: func(ctx context.Context, c awsapi.Cluster) (cleanup.Cluster, error) {
			if err := s.target.Serves(ctx, c.Name); err != nil {
				return nil, err
			}
			return connect(ctx, client, c)
		},
	}, nil
}

// recorder is the engine's record of the stack.
type recorder struct{ stack *onTarget }

var _ cleanup.Recorder = recorder{}

// Record reads the state; a stack that was never deployed has none.
func (r recorder) Record(ctx context.Context) (cleanup.Record, error) {
	e, err := r.stack.engine(ctx, nil)
	if err != nil {
		return cleanup.Record{}, err
	}
	resources, err := e.Resources(ctx)
	if errors.Is(err, engine.ErrNoStack) {
		return cleanup.Record{}, nil
	}
	if err != nil {
		return cleanup.Record{}, err
	}
	pending, err := e.Pending(ctx)
	if err != nil {
		return cleanup.Record{}, err
	}
	outputs, err := e.Outputs(ctx)
	return cleanup.Record{Resources: resources, Pending: pending, Outputs: outputs, Exists: true}, err
}

// Remove forgets the stack.
func (r recorder) Remove(ctx context.Context) error {
	e, err := r.stack.engine(ctx, nil)
	if err != nil {
		return err
	}
	if err := e.Remove(ctx); err != nil && !errors.Is(err, engine.ErrNoStack) {
		return err
	}
	return r.stack.origins().Forget(r.stack.settings.info.Stack, r.stack.settings.info.State)
}

// destroyer is the engine as a cleanup sees it.
type destroyer struct{ e *engine.Engine }

var (
	_ cleanup.Engine     = destroyer{}
	_ cleanup.Forgetter  = destroyer{}
	_ cleanup.Rearranger = destroyer{}
)

// Rearrange writes down what the deletion need not wait for.
func (d destroyer) Rearrange(ctx context.Context, o plans.Order) error {
	_, err := dropped(0, d.e.Rearrange(ctx, o))
	return err
}

// ForgetKubernetes drops what was in a cluster that is gone from the state.
func (d destroyer) ForgetKubernetes(ctx context.Context) (int, error) {
	return dropped(d.e.ForgetKubernetes(ctx))
}

// ForgetTypes drops what is retained from the state.
func (d destroyer) ForgetTypes(ctx context.Context, types ...string) (int, error) {
	return dropped(d.e.ForgetTypes(ctx, types...))
}

// dropped is nothing for a stack that was never deployed.
func dropped(n int, err error) (int, error) {
	if errors.Is(err, engine.ErrNoStack) {
		return 0, nil
	}
	return n, err
}

// Ready says why the engine could not start.
func (d destroyer) Ready(ctx context.Context) error { return classify(d.e.Ready(ctx, nil)) }

// Destroy deletes everything recorded. A stack that was never deployed has nothing.
func (d destroyer) Destroy(ctx context.Context, sink func(cleanup.EngineEvent)) error {
	_, err := d.e.Destroy(ctx, func(e plans.Event) {
		ev := cleanup.EngineEvent{
			Message: e.Message, Deleted: e.Kind == plans.EventDone && e.Op == plans.OpDelete, Notice: e.Kind == plans.EventNotice,
			Begun: e.Kind == plans.EventStart, Ended: e.Kind == plans.EventDone || e.Kind == plans.EventFailed,
		}
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
