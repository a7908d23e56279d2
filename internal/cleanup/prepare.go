// SPDX-License-Identifier: Apache-2.0

package cleanup

import (
	"context"
	"time"

	"emrflink/internal/awsapi"
	"emrflink/internal/plans"
	"emrflink/internal/stack"
)

// Record is what the state has of a stack.
type Record struct {
	Resources []plans.StateResource
	Pending   []plans.Pending // operations that were interrupted: what was being created may exist
	Outputs   map[string]plans.Output
	Exists    bool // the stack is recorded, be it without resources
}

// Recorder reads and forgets the record of a stack.
type Recorder interface {
	Record(ctx context.Context) (Record, error)
	// Remove forgets a stack without resources; one that is not recorded is no error.
	Remove(ctx context.Context) error
}

// World is what a teardown works on.
type World struct {
	Account   Account
	Inventory Inventory
	Engine    Engine
	Connect   func(ctx context.Context, c awsapi.Cluster) (Cluster, error)
}

// Options say what is cleaned up.
type Options struct {
	Stack      string
	Region     string
	Deployment string // the name that the settings give it
	Folder     string // where an unfinished cleanup is written down
	// NameTag is the key of the tag whose value is a deployment's name, Tags are those that together mark every AWS resource
	// of a deployment.
	NameTag  string
	Tags     func(deployment string) map[string]string
	Recorder Recorder
	// Settle is Cleanup's.
	Settle time.Duration
	// Open opens the world once it is known that there is something to delete.
	Open func(ctx context.Context) (World, error)
}

// Teardown is a cleanup that was prepared and not begun.
type Teardown struct {
	scope    savedScope
	run      Cleanup
	plan     Plan
	recorder Recorder
	exists   bool
}

// Prepare finds out what exists. A stack of which nothing is recorded has nothing to delete: what carries its name in the
// account may be somebody else's.
func Prepare(ctx context.Context, o Options) (*Teardown, error) {
	record, err := o.Recorder.Record(ctx)
	if err != nil {
		return nil, err
	}
	scope, known, err := readScope(o, record)
	if err != nil {
		return nil, err
	}
	t := &Teardown{scope: scope, recorder: o.Recorder, exists: record.Exists, plan: newPlan(scope.Scope)}
	if !known {
		if !record.Exists {
			return t, nil
		}
		t.exists = false
		return t, o.Recorder.Remove(ctx)
	}
	world, err := o.Open(ctx)
	if err != nil {
		return nil, err
	}
	if scope.Account == "" {
		// Nothing that was made so far carries an ARN: the account is the one that the engine used, that of the caller.
		id, err := world.Account.Identity(ctx)
		if err != nil {
			return nil, err
		}
		t.scope.Account = id.Account
	}
	t.run = Cleanup{
		Scope: t.scope.Scope, Account: world.Account, Inventory: world.Inventory, Engine: world.Engine, Connect: world.Connect,
		Price: ListPrice(t.scope.Region), Settle: o.Settle,
	}
	if t.plan, err = t.run.Plan(ctx); err != nil {
		return nil, err
	}
	t.plan.Planned.Resources, t.plan.Planned.ByService = stack.Count(record.Resources)
	return t, nil
}

// Plan is what would be deleted.
func (t *Teardown) Plan() Plan { return t.plan }

// Run deletes it, and forgets the stack when nothing is left: see [Cleanup.Run].
func (t *Teardown) Run(ctx context.Context, report func(Progress)) (Report, error) {
	if err := t.scope.save(); err != nil {
		return emptyReport(t.scope.Scope), err
	}
	r, err := t.run.Run(ctx, report)
	if err != nil {
		return r, err
	}
	if t.exists {
		if err := t.recorder.Remove(ctx); err != nil {
			r.Errors = append(r.Errors, err.Error())
			return r, err
		}
	}
	return r, t.scope.forget()
}
