// SPDX-License-Identifier: Apache-2.0

package cleanup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/awsapi"
	"emrflink/internal/kube"
)

// Cluster is the part of the Kubernetes API that a teardown uses.
type Cluster interface {
	List(ctx context.Context, k kube.Kind, o kube.ListOptions) ([]unstructured.Unstructured, error)
	Delete(ctx context.Context, ref kube.Ref, p kube.Propagation) error
	Patch(ctx context.Context, ref kube.Ref, subresource string, merge map[string]any) (*unstructured.Unstructured, error)
}

// Account gives the caller's identity and says whether the cluster exists.
type Account interface {
	Identity(ctx context.Context) (awsapi.Identity, error)
	DescribeCluster(ctx context.Context, name string) (awsapi.Cluster, error)
}

// Inventory finds and deletes resources of the account.
type Inventory interface {
	DeploymentResources(ctx context.Context, d awsapi.Deployment) ([]awsapi.Resource, error)
	Delete(ctx context.Context, r awsapi.Resource) error
	EmptyBucket(ctx context.Context, bucket string, progress func(awsapi.Emptied)) (int, error)
	WaitTerminated(ctx context.Context, limit time.Duration, ids ...string) error
}

// EngineEvent is what the engine tells while it destroys.
type EngineEvent struct {
	Resource string // "aws:ec2/vpc:Vpc emr-eks-flink"
	Message  string // "" for a plain start or end
	Deleted  bool   // the resource is gone now
	Begun    bool   // its deletion has begun
	Ended    bool   // and has come to an end, be it a failure
	Notice   bool   // the message is about what an earlier run has left: it is in the report too
}

// Engine destroys what is in the deployment's state.
type Engine interface {
	// Ready says why Destroy would refuse: the state is locked, or cannot be decrypted. It changes nothing.
	Ready(ctx context.Context) error
	Destroy(ctx context.Context, sink func(EngineEvent)) error
}

// Forgetter is an Engine that can drop the Kubernetes objects from its state: no
// provider can delete them in a cluster that is gone, and in one that does not let
// them go they go with it. It is called when AWS has said that the cluster does
// not exist, when the cluster cannot be used and the user said to go on, and when
// the engine could delete nothing but them and no controller holds anything in AWS.
type Forgetter interface {
	ForgetKubernetes(ctx context.Context) (dropped int, err error)
	// ForgetTypes drops what stays: resources of these Pulumi types.
	ForgetTypes(ctx context.Context, types ...string) (dropped int, err error)
}

// Located is an engine's error that knows where the resources are that it could not delete.
type Located interface {
	// OnlyIn reports whether all of them are of one Pulumi package, "kubernetes".
	OnlyIn(pkg string) bool
}

var (
	_ Cluster   = (*kube.Client)(nil)
	_ Account   = (*awsapi.Client)(nil)
	_ Inventory = (*awsapi.Client)(nil)
)

// Scope says what is deleted, by exact names and ids.
type Scope struct {
	Stack      string
	Account    string // account id recorded at deploy; the caller must be in it
	Region     string
	Deployment awsapi.Deployment
	Choices    `json:"-"`
}

// Choices are what the user says beside the scope.
type Choices struct {
	// WithoutCluster goes on when the cluster exists and does not answer: nodes, volumes and load balancers are then removed
	// from the AWS side only, after the cluster.
	WithoutCluster bool
	// RetainData keeps the buckets with their keys, and the volumes of claims.
	RetainData bool
	// FromTags is for a state that is lost: what is deleted is known from the account alone.
	FromTags bool
	// StopWithSavepoint stops the jobs with a savepoint before anything is deleted, within SavepointTimeout (0: no limit). A job
	// that cannot be stopped so ends the cleanup, unless DeleteWithoutSavepoint says that its state may be lost.
	StopWithSavepoint, DeleteWithoutSavepoint bool
	SavepointTimeout                          time.Duration
}

func (s Scope) validate() error {
	var errs []error
	for what, v := range map[string]string{
		"stack": s.Stack, "account id": s.Account, "region": s.Region,
		"deployment name": s.Deployment.Name, "cluster name": s.Deployment.Cluster,
	} {
		if v == "" {
			errs = append(errs, fmt.Errorf("the %s is empty: nothing is deleted without it", what))
		}
	}
	return errors.Join(errs...)
}

// Cleanup takes one deployment down.
type Cleanup struct {
	Scope     Scope
	Account   Account
	Inventory Inventory
	Engine    Engine
	Connect   func(ctx context.Context, c awsapi.Cluster) (Cluster, error)
	Price     func(r awsapi.Resource) float64 // USD per hour; nil: not priced
	// Protected says what protects the deployment, beside EKS: a cleanup then touches nothing.
	Protected []string

	Poll      time.Duration // between two looks; default 1 s
	Settle    time.Duration // how long a log group may take to come back; default 10 s
	Heartbeat time.Duration // longest silence of progress; default 15 s
	Timeouts  map[string]time.Duration
}

// Names of the phases.
const (
	PhaseCheck      = "check"
	PhaseSavepoints = "savepoints" // only when it was asked for
	PhaseJobs       = "flink-jobs"
	PhaseBalancers  = "load-balancers"
	PhaseVolumes    = "volumes"
	PhaseNodePools  = "node-pools"
	PhaseClasses    = "node-classes"
	PhaseInterfaces = "interfaces"
	PhaseBuckets    = "bucket-contents"
	PhaseEngine     = "engine"
	PhaseSweep      = "sweep"
	PhaseVerify     = "verify"
)

// Phase is one step of the teardown.
type Phase struct {
	Name     string        `json:"name"`
	Title    string        `json:"title"`
	Expected time.Duration `json:"-"` // what it takes on AWS
	Timeout  time.Duration `json:"-"`
}

// Label is the phase as a person calls it.
func (p Phase) Label() string {
	switch p.Name {
	case PhaseEngine:
		return "recorded resources"
	case PhaseSweep:
		return "leftovers"
	case PhaseVerify:
		return "last look"
	case PhaseInterfaces:
		return "network interfaces"
	case PhaseJobs:
		return "Flink jobs"
	}
	return strings.ReplaceAll(p.Name, "-", " ")
}

// step is a phase and what it does.
type step struct {
	Phase
	// do is what it does, after its batches; nil when they are all.
	do func(*run, context.Context) error
	// batches are the objects that it deletes in the cluster; without them it needs no cluster.
	batches []batch
	// releases says that the finalizers of what does not go are taken away after most of the phase's time: what they guard goes
	// with the cluster, or the sweep finds it in AWS.
	releases bool
	// data says that it deletes data.
	data bool
	// after names the phase at whose end it begins, beside the others; at its own place it is waited for.
	after string
	// gate says that its failure ends the cleanup: nothing was deleted yet.
	gate bool
	// decides says that its failure makes the cleanup incomplete; that of others is a warning, since the inventory at the
	// end shows what came of it.
	decides bool
}

// noLimit is the timeout of a phase that has none.
const noLimit = 10 * 365 * 24 * time.Hour

// steps are the teardown in its order. Durations are medians of what others
// measured on AWS; a node pool takes as long as its slowest drain.
func steps(c Choices) []step {
	const second, minute = time.Second, time.Minute
	limit := cmp.Or(c.SavepointTimeout, noLimit)
	all := []step{
		{
			Phase: Phase{PhaseCheck, "identity, state, cluster and inventory", 10 * second, 5 * minute}, do: (*run).check,
			gate: true,
		},
		{Phase: Phase{PhaseSavepoints, "savepoints of all jobs", 30 * second, limit}, do: (*run).savepoints, gate: true},
		// Session jobs go before the session clusters that they run in, and snapshots have no owner: they outlive their job.
		{
			Phase: Phase{PhaseJobs, "Flink session jobs, then Flink deployments", 30 * second, 5 * minute},
			batches: []batch{
				{kind: kube.KindFlinkSessionJob}, {kind: kube.KindFlinkDeployment},
				{kind: kube.KindFlinkStateSnapshot, keep: keepSavepoint},
			},
			releases: true,
		},
		{
			Phase:   Phase{PhaseBalancers, "load balancer Services, Ingresses and Gateways", 30 * second, 5 * minute},
			do:      (*run).balancers,
			batches: []batch{{kind: kube.KindIngress}, {kind: kube.KindGateway}, {kind: kube.KindService, mine: isBalancer}},
		},
		{
			Phase: Phase{PhaseVolumes, "persistent volume claims", 20 * second, 5 * minute}, do: (*run).volumes,
			batches: []batch{{kind: kube.KindPVC, users: (*run).usersOf}}, data: true,
		},
		// Pools come first, so that nothing new is launched, then every NodeClaim by itself: a NodePool has no finalizer,
		// so its end says nothing about its nodes, and the garbage collector may look at a kind as young as Karpenter's
		// half a minute late.
		{
			Phase:   Phase{PhaseNodePools, "NodePools, until no NodeClaim is left", 2 * minute, 20 * minute},
			batches: []batch{{kind: kube.KindNodePool}, {kind: kube.KindNodeClaim}},
		},
		{
			Phase:   Phase{PhaseClasses, "EC2NodeClasses", 10 * second, 2 * minute},
			batches: []batch{{kind: kube.KindEC2NodeClass, also: []kube.Kind{kube.KindNodeClaim}}}, releases: true,
		},
		{
			Phase: Phase{PhaseInterfaces, "network interfaces that lost their node", 5 * second, 2 * minute},
			do:    (*run).interfaces,
		},
		{
			Phase: Phase{PhaseBuckets, "bucket contents, all versions", 30 * second, 30 * minute}, do: (*run).emptyBuckets,
			data: true, after: PhaseJobs, // which write
		},
		{
			Phase: Phase{PhaseEngine, "everything in the deployment's state", 13 * minute, 60 * minute}, do: (*run).destroy,
			decides: true,
		},
		{
			Phase: Phase{PhaseSweep, "leftovers with the deployment's exact tags", 20 * second, 15 * minute}, do: (*run).sweep,
			decides: true,
		},
		{Phase: Phase{PhaseVerify, "inventory of the account", 10 * second, 5 * minute}, do: (*run).verify, decides: true},
	}
	if !c.StopWithSavepoint {
		all = slices.DeleteFunc(all, func(s step) bool { return s.Name == PhaseSavepoints })
	}
	return all
}

// Phases lists the steps in their order.
func Phases(c Choices) []Phase {
	var out []Phase
	for _, s := range steps(c) {
		out = append(out, s.Phase)
	}
	return out
}

func (c Cleanup) withDefaults() Cleanup {
	set := func(d *time.Duration, def time.Duration) {
		if *d <= 0 {
			*d = def
		}
	}
	set(&c.Poll, time.Second)
	set(&c.Settle, 10*time.Second)
	set(&c.Heartbeat, 15*time.Second)
	if c.Price == nil {
		c.Price = func(awsapi.Resource) float64 { return 0 }
	}
	return c
}

// Run takes the deployment down. The Report is meaningful beside an error. The
// error is an *IncompleteError when something of the deployment is left or the
// engine could not finish; errors of phases that came to nothing are warnings in
// the Report.
func (c Cleanup) Run(ctx context.Context, report func(Progress)) (Report, error) {
	c = c.withDefaults()
	r := newRun(c, report)
	if err := c.Scope.validate(); err != nil {
		return r.report, &RefusedError{Cause: err}
	}
	failed := map[string]error{}
	for _, one := range steps(c.Scope.Choices) {
		err := r.step(ctx, one)
		r.beginAfter(ctx, one.Name)
		switch {
		case err == nil:
		case one.gate:
			r.report.Errors = append(r.report.Errors, err.Error())
			return r.report, err
		case one.decides:
			failed[one.Name] = err
		default:
			r.warn(err)
		}
	}
	return r.finish(ctx, failed)
}

// step runs one step, or waits for it when it was begun beside others.
func (r *run) step(ctx context.Context, one step) error {
	if wait := r.begun[one.Name]; wait != nil {
		return wait()
	}
	if len(one.batches) > 0 && r.cluster == nil {
		r.skip(one.Name, r.noCluster)
		return nil
	}
	if one.data && r.Scope.RetainData {
		one.do, one.batches = (*run).retain, nil
	}
	return r.phase(ctx, one.Name, func(ctx context.Context) error {
		if err := r.deleteBatches(ctx, one); err != nil || one.do == nil {
			return err
		}
		return one.do(r, ctx)
	})
}

// beginAfter begins the steps that wait for the end of a phase only. Each has a progress of its own; what is told is told one
// at a time.
func (r *run) beginAfter(ctx context.Context, phase string) {
	for _, one := range steps(r.Scope.Choices) {
		if one.after != phase {
			continue
		}
		own := newRun(r.Cleanup, func(p Progress) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.tell(p)
		})
		done := make(chan error, 1)
		go func() { done <- own.step(ctx, one) }()
		r.begun[one.Name] = func() error { return <-done }
	}
}
