// SPDX-License-Identifier: Apache-2.0

package cleanup

import (
	"context"
	"fmt"
	"strings"
	"time"

	"emrflink/internal/awsapi"
	"emrflink/internal/awskind"
	"emrflink/internal/drift/detect"
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

// Rebuilt is what the account has of a stack whose record is lost.
type Rebuilt struct {
	Resources []plans.StateResource
	// Tagged carries all tags of the deployment, be it described by the settings or not.
	Tagged []awsapi.Resource
	// Foreign names what has a name of the deployment's and is somebody else's.
	Foreign []string
	// Remains says that something is left of the record, which a cleanup is to forget.
	Remains bool
	// Keep makes the resources the record of the stack.
	Keep func(ctx context.Context) error
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
	NameTag string
	// Protect says that the settings protect the deployment.
	Protect  bool
	Tags     func(deployment string) map[string]string
	Recorder Recorder
	// Tagged reads what carries the tags of the deployment in the account of the caller, whose id it returns. It is asked before
	// anything is called empty of which nothing is recorded; nil: there is no account to ask.
	Tagged func(ctx context.Context) (account string, found []awsapi.Resource, err error)
	// Rebuild takes the place of a record that is lost; nil: there is one.
	Rebuild func(ctx context.Context) (Rebuilt, error)
	Choices
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
	rebuilt  *Rebuilt // nil: there is a record
}

// Prepare finds out what exists. Of a stack of which nothing is recorded, nothing is deleted: what carries its name in the
// account may be somebody else's. But it is no all-clear either when the account has its tags, or does not say.
func Prepare(ctx context.Context, o Options) (*Teardown, error) {
	record, rebuilt, err := o.record(ctx)
	if err != nil {
		return nil, err
	}
	scope, known, err := readScope(o, record)
	if err != nil {
		return nil, err
	}
	scope.Choices = o.Choices
	scope.includeTagged(rebuilt)
	t := &Teardown{
		scope: scope, recorder: o.Recorder, exists: record.Exists, plan: newPlan(scope.Scope), rebuilt: rebuilt,
	}
	if !known && rebuilt == nil {
		return t, t.unrecorded(ctx, o)
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
		Price: ListPrice(t.scope.Region), Settle: o.Settle, Protected: o.protected(record.Resources),
	}
	if !scope.recorded {
		taken, err := t.takenOver(ctx)
		if err != nil || taken {
			return t, err
		}
	}
	if err := t.ownCluster(ctx); err != nil {
		return nil, err
	}
	if t.plan, err = t.run.Plan(ctx); err != nil {
		return nil, err
	}
	t.planRebuilt()
	t.plan.Unfinished, t.plan.Warnings = scope.saved, append(t.plan.Warnings, scope.warnings...)
	t.plan.Warnings = append(t.plan.Warnings, t.goneAlready(record.Resources)...)
	t.plan.recorded = record.Resources
	t.plan.Planned.Resources, t.plan.Planned.ByService = stack.Count(record.Resources)
	return t, nil
}

// protected is what keeps a deployment from being deleted, as settings and state have it.
func (o Options) protected(recorded []plans.StateResource) []string {
	var out []string
	if o.Protect {
		out = append(out, "emrflink:protect in the settings")
	}
	for _, r := range recorded {
		if r.Protect && r.Custom {
			out = append(out, r.Type[strings.LastIndex(r.Type, ":")+1:]+" "+r.ID+" in the state")
		}
	}
	return out
}

// goneAlready names what was deleted by somebody else. What AWS did not answer for is not gone.
func (t *Teardown) goneAlready(recorded []plans.StateResource) []string {
	if len(t.plan.NotChecked) > 0 || t.rebuilt != nil {
		return nil
	}
	var there []awsapi.Resource
	for _, i := range t.plan.Inventory {
		there = append(there, awsapi.Resource{Type: i.Type, ID: i.ID, ARN: i.ARN, Name: i.Name, State: i.State})
	}
	var lines []string
	for _, r := range detect.Missing(recorded, there) {
		lines = append(lines, fmt.Sprintf("%s %s is gone from the account already: somebody else deleted it",
			r.Type[strings.LastIndex(r.Type, ":")+1:], r.ID))
	}
	const most = 8
	if n := len(lines); n > most {
		lines = append(lines[:most:most], fmt.Sprintf("and %d more are gone from the account already", n-most))
	}
	return lines
}

// unrecorded forgets a stack of which nothing is recorded, when nothing in the account has the tags of its deployment either.
func (t *Teardown) unrecorded(ctx context.Context, o Options) error {
	if err := t.untagged(ctx, o); err != nil || !t.exists {
		return err
	}
	t.exists = false
	return o.Recorder.Remove(ctx)
}

// untagged returns nil when nothing in the account has the tags of the deployment, or there is no account to ask.
func (t *Teardown) untagged(ctx context.Context, o Options) error {
	if o.Tagged == nil {
		return nil
	}
	account, found, err := o.Tagged(ctx)
	if err != nil {
		return fmt.Errorf("nothing is recorded of the stack here, and AWS does not say what has the tags of deployment %q: %w",
			o.Deployment, err)
	}
	t.plan.Asked, t.plan.Account = true, account
	if len(found) == 0 {
		return nil
	}
	e := &IncompleteError{Stack: o.Stack, Next: "emrflink cleanup --from-tags --dry-run --stack " + o.Stack +
		"   # or, where another machine or --state has the record, clean up with that"}
	r := newRun(Cleanup{Scope: t.scope.Scope, Price: ListPrice(o.Region)}, nil)
	for _, res := range found {
		e.Left = append(e.Left, r.item(res, ""))
	}
	e.Cause = fmt.Errorf("nothing is recorded of the stack here, and account %s, region %s, has this with the tags of "+
		"deployment %q", account, o.Region, o.Deployment)
	return e
}

// record is what the state has, or what the account has of a stack whose state is lost.
func (o Options) record(ctx context.Context) (Record, *Rebuilt, error) {
	if o.Rebuild == nil {
		record, err := o.Recorder.Record(ctx)
		return record, nil, err
	}
	r, err := o.Rebuild(ctx)
	return Record{Resources: r.Resources, Exists: true}, &r, err
}

// ownCluster refuses to clean up when a cluster has the deployment's name and not its tags: nothing tells then to whom nodes,
// volumes and load balancers with the name of the cluster belong.
func (t *Teardown) ownCluster(ctx context.Context) error {
	if t.rebuilt == nil {
		return nil
	}
	d := t.scope.Deployment
	cluster, err := t.run.Account.DescribeCluster(ctx, d.Cluster)
	if err == nil && !awsapi.Carries(cluster.Tags, d.Tags) {
		err = &RefusedError{Cause: fmt.Errorf("cluster %q does not have the tags of the deployment, %v", d.Cluster, d.Tags)}
	}
	if awsapi.IsNotFound(err) {
		return nil
	}
	return err
}

// planRebuilt adds to the plan what no record tells: each resource that was found, and what is left alone.
func (t *Teardown) planRebuilt() {
	if t.rebuilt == nil {
		return
	}
	p := &t.plan
	p.NotReady, p.Remains = nil, t.rebuilt.Remains // the state is made before anything is deleted
	p.Warnings = append(p.Warnings, t.rebuilt.Foreign...)
	listed := map[string]bool{}
	for _, i := range p.Outside {
		listed[i.Type+" "+i.ID] = true
	}
	for _, r := range t.rebuilt.Resources {
		k, _ := awskind.OfType(r.Type)
		service, name, _ := strings.Cut(k.Simulated, ":")
		if i := (Item{Service: service, Type: name, ID: r.ID, Name: r.Name, CreatedBy: "user"}); !listed[k.Inventory+" "+r.ID] {
			p.Outside = append(p.Outside, i)
		}
	}
}

// takenOver reports whether another deployment has the name by now that a cleanup which did not come to its end was for. Its
// tags and names are then the other's, and only ids tell what is left of the earlier one: when nothing is, it is forgotten.
func (t *Teardown) takenOver(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, t.run.at(PhaseCheck).Phase.Timeout)
	defer cancel()
	d := t.scope.Deployment
	found, err := t.run.Inventory.DeploymentResources(ctx, d)
	if err != nil {
		return false, err
	}
	other, left := t.whose(found)
	switch {
	case other == "":
		return false, nil
	case len(left) > 0:
		return true, &IncompleteError{Left: left, Stack: t.scope.Stack, Cause: fmt.Errorf(
			"deployment %s is another one by now (%s); nothing was touched", d.Name, other)}
	}
	t.plan.Asked = true
	t.plan.Warnings = append(t.plan.Warnings, fmt.Sprintf("an earlier cleanup of deployment %s did not come to its end; nothing "+
		"is left of it, and the name is another's by now (%s)", d.Name, other))
	return true, t.scope.forget()
}

// whose tells by ids what of an inventory is another deployment's, "" when nothing is, and what is left of ours.
func (t *Teardown) whose(found []awsapi.Resource) (other string, left []Item) {
	d, r := t.scope.Deployment, newRun(t.run, nil)
	ours := strings.TrimPrefix(d.OIDCIssuer, "https://")
	for _, res := range found {
		issuer := strings.TrimPrefix(res.Detail["issuer"], "https://")
		switch {
		case d.VPC != "" && res.Type == awsapi.TypeVPC && res.ID != d.VPC && r.tagged(res):
			other = "VPC " + res.ID
		case ours != "" && res.Type == awsapi.TypeCluster && issuer != "" && issuer != ours:
			other = "a cluster with the issuer " + issuer
		case d.VPC != "" && (res.ID == d.VPC || res.Detail["vpc"] == d.VPC):
			item := r.item(res, "")
			item.Reason = "it is left of the earlier deployment; its name is another's by now, so that nothing is deleted by it"
			item.Command = command(res, t.scope.Region)
			left = append(left, item)
		}
	}
	return other, left
}

// Plan is what would be deleted.
func (t *Teardown) Plan() Plan { return t.plan }

// Run deletes it, and forgets the stack when nothing is left: see [Cleanup.Run].
func (t *Teardown) Run(ctx context.Context, report func(Progress)) (Report, error) {
	if t.rebuilt != nil {
		if err := t.rebuilt.Keep(ctx); err != nil {
			return emptyReport(t.scope.Scope), err
		}
	}
	if err := t.scope.save(); err != nil {
		return emptyReport(t.scope.Scope), err
	}
	r, err := t.run.Run(ctx, report)
	if t.rebuilt != nil {
		r.Warnings = append(r.Warnings, t.rebuilt.Foreign...)
	}
	if err != nil {
		return r, err
	}
	if t.exists {
		err = t.recorder.Remove(ctx)
	}
	if err == nil {
		err = t.scope.forget()
	}
	if err != nil {
		r.Errors = append(r.Errors, err.Error())
		err = &IncompleteError{Stack: t.scope.Stack, Cause: err}
	}
	return r, err
}
