// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Move is what an upgrade of a job to another release would do. It is an item of the JSON of `deploy`.
type Move struct {
	Job       string `json:"job"`
	Namespace string `json:"namespace"`
	Kind      string `json:"kind"`
	Release   string `json:"release"` // that it has
	To        string `json:"to"`
	From      string `json:"from"`  // what it would start from: savepoint, checkpoint, nothing; "" when it is refused
	State     string `json:"state"` // "" for a savepoint that is taken when it is stopped
	// At is when the state was written.
	At time.Time `json:"at,omitzero"`
	// Refused is why an upgrade would be refused now, NotAssessed why that is not known.
	Refused     string `json:"refused"`
	NotAssessed string `json:"notAssessed"`
	Command     string `json:"command"` // that moves it, or what it needs first
}

// Moves says of each job that has another release what `job upgrade` to a release would do. Nothing is changed: a job keeps its
// own release when the stack's is another one.
func (d Deployed) Moves(ctx context.Context, label, flinkVersion string) ([]Move, error) {
	r, err := d.Connect(ctx)
	if err != nil {
		return nil, err
	}
	r = r.withDefaults()
	bucket, err := d.Account(ctx)
	if err != nil {
		return nil, err
	}
	all, err := r.deployments(ctx, "")
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(job deployment) bool { return job.Release == label })
	moves := make([]Move, len(all))
	var reads errgroup.Group
	reads.SetLimit(readsAtOnce)
	for i, job := range all {
		moves[i] = Move{Job: job.Name, Namespace: job.Namespace, Kind: job.Kind.Kind, Release: job.Release, To: label}
		s := Store{Job: job.Name, Namespace: job.Namespace, Bucket: bucket, Running: &Running{Runner: r, Ref: job.ref()}}
		reads.Go(func() error {
			d.plan(ctx, s, job, flinkVersion, &moves[i])
			return nil
		})
	}
	_ = reads.Wait() // what could not be read is in the moves
	return moves, ctx.Err()
}

// plan fills in what an upgrade of one job would do.
func (d Deployed) plan(ctx context.Context, s Store, job deployment, flinkVersion string, m *Move) {
	m.Command = fmt.Sprintf("emrflink job upgrade %s --release %s", s.Job, m.To)
	switch {
	case job.Cluster != "":
		m.Refused, m.Command = "it moves with its session cluster "+job.Cluster, "emrflink job savepoint "+s.Job
		return
	case job.SessionCluster:
		m.Refused = "it is a session cluster: its jobs start again with it"
		m.Command = "emrflink job list"
		return
	}
	p, err := s.planRelease(ctx, d, m.To, flinkVersion)
	var refused *Refusal
	switch {
	case errors.As(err, &refused):
		m.Refused, m.Command = refused.Why, refused.Next
	case err != nil:
		m.NotAssessed = err.Error()
	}
	if err == nil {
		m.From, m.State, m.At = p.From, p.State, p.At
	}
}

func (s Store) planRelease(ctx context.Context, d Deployed, label, flinkVersion string) (UpgradePlan, error) {
	if err := d.places(ctx, &s, ""); err != nil {
		return UpgradePlan{}, err
	}
	o, err := s.Running.Runner.Kube.Get(ctx, s.Running.Ref)
	if err != nil {
		return UpgradePlan{}, err
	}
	spec, _, _ := unstructured.NestedMap(o.Object, "spec")
	spec["emrReleaseLabel"], spec["flinkVersion"] = label, flinkVersion
	return s.PlanUpgrade(ctx, Upgrade{Spec: spec})
}
