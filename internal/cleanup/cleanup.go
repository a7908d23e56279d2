// SPDX-License-Identifier: Apache-2.0

package cleanup

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/awsapi"
	"emrflink/internal/kube"
)

// Cluster is the part of the Kubernetes API that a teardown uses.
type Cluster interface {
	List(ctx context.Context, k kube.Kind, o kube.ListOptions) ([]unstructured.Unstructured, error)
	Delete(ctx context.Context, ref kube.Ref, p kube.Propagation) error
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
	EmptyBucket(ctx context.Context, bucket string, progress func(deleted int)) (int, error)
	WaitTerminated(ctx context.Context, limit time.Duration, ids ...string) error
}

// EngineEvent is what the engine tells while it destroys.
type EngineEvent struct {
	Resource string // "aws:ec2/vpc:Vpc emr-eks-flink"
	Message  string // "" for a plain start or end
	Deleted  bool   // the resource is gone now
}

// Engine destroys what is in the deployment's state.
type Engine interface {
	Destroy(ctx context.Context, sink func(EngineEvent)) error
}

// Forgetter is an Engine that can drop the Kubernetes objects from its state. It
// is called only after AWS has said that the cluster does not exist: a Helm
// release in a cluster that is gone cannot be deleted otherwise.
type Forgetter interface {
	ForgetKubernetes(ctx context.Context) (dropped int, err error)
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
	// WithoutCluster goes on when the cluster exists and does not answer: nodes and
	// volumes are then removed from the AWS side only.
	WithoutCluster bool
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

	Poll      time.Duration // between two looks; default 1 s
	Settle    time.Duration // how long a log group may take to come back; default 10 s
	Heartbeat time.Duration // longest silence of progress; default 15 s
	Timeouts  map[string]time.Duration
}

// Names of the phases, in order.
const (
	PhaseCheck      = "check"
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

// Phases lists the steps in their order. Durations are medians of what others
// measured on AWS; a node pool takes as long as its slowest drain.
func Phases() []Phase {
	return []Phase{
		{PhaseCheck, "identity, cluster and inventory", 10 * time.Second, 2 * time.Minute},
		{PhaseJobs, "Flink session jobs, then Flink deployments", 30 * time.Second, 5 * time.Minute},
		{PhaseBalancers, "load balancer Services and Ingresses", 30 * time.Second, 5 * time.Minute},
		{PhaseVolumes, "persistent volume claims", 20 * time.Second, 5 * time.Minute},
		{PhaseNodePools, "NodePools, until no NodeClaim is left", 2 * time.Minute, 20 * time.Minute},
		{PhaseClasses, "EC2NodeClasses", 10 * time.Second, 5 * time.Minute},
		{PhaseInterfaces, "network interfaces that lost their node", 5 * time.Second, 2 * time.Minute},
		{PhaseBuckets, "bucket contents, all versions", 30 * time.Second, 30 * time.Minute},
		{PhaseEngine, "everything in the deployment's state", 13 * time.Minute, 60 * time.Minute},
		{PhaseSweep, "leftovers with the deployment's exact tags", 20 * time.Second, 15 * time.Minute},
		{PhaseVerify, "inventory of the account", 10 * time.Second, 2 * time.Minute},
	}
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
	if err := r.phase(ctx, PhaseCheck, r.check); err != nil {
		r.report.Errors = append(r.report.Errors, err.Error())
		return r.report, err
	}
	r.kubernetes(ctx)
	r.warn(r.phase(ctx, PhaseInterfaces, r.interfaces))
	r.warn(r.phase(ctx, PhaseBuckets, r.emptyBuckets))
	engineErr := r.phase(ctx, PhaseEngine, r.destroy)
	sweepErr := r.phase(ctx, PhaseSweep, r.sweep)
	verifyErr := r.phase(ctx, PhaseVerify, r.verify)
	return r.finish(ctx, engineErr, sweepErr, verifyErr)
}

// kubernetes runs the phases that need the cluster's controllers, or says why
// they are skipped.
func (r *run) kubernetes(ctx context.Context) {
	for _, p := range []struct {
		name string
		do   func(context.Context) error
	}{
		{PhaseJobs, r.jobs}, {PhaseBalancers, r.balancers}, {PhaseVolumes, r.volumes},
		{PhaseNodePools, r.nodePools}, {PhaseClasses, r.nodeClasses},
	} {
		if r.cluster == nil {
			r.skip(p.name, r.noCluster)
			continue
		}
		r.warn(r.phase(ctx, p.name, p.do))
	}
}
