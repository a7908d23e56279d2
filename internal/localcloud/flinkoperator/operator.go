// SPDX-License-Identifier: Apache-2.0

package flinkoperator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/kube"
)

// Cluster is what the operator does with the Kubernetes API, as its own service
// account.
type Cluster interface {
	Reader
	Apply(ctx context.Context, obj *unstructured.Unstructured) (*unstructured.Unstructured, error)
	Create(ctx context.Context, obj *unstructured.Unstructured) (*unstructured.Unstructured, error)
	Patch(ctx context.Context, ref kube.Ref, subresource string, merge map[string]any) (*unstructured.Unstructured, error)
	Delete(ctx context.Context, ref kube.Ref, p kube.Propagation) error
}

// Reader reads the objects of a cluster.
type Reader interface {
	Get(ctx context.Context, ref kube.Ref) (*unstructured.Unstructured, error)
	List(ctx context.Context, k kube.Kind, o kube.ListOptions) ([]unstructured.Unstructured, error)
}

var _ Cluster = (*kube.Client)(nil)

// Clock is the time; tests bring their own.
type Clock interface{ Now() time.Time }

// Options make an Operator. Cluster, Dial and Jar are required.
type Options struct {
	Cluster Cluster
	// Namespace is where the operator runs and has the defaults of all jobs.
	Namespace string
	// Dial connects to a port of a pod by its address.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Jar reads the jar of a session job, with the rights of the operator.
	Jar    func(ctx context.Context, uri string) (io.ReadCloser, error)
	Clock  Clock
	Tick   time.Duration // between two looks, at least; default 500 ms
	Logger *slog.Logger
}

// Operator is the running stand-in.
type Operator struct {
	Options
	http *http.Client
	told atomic.Int64 // how many events were made

	mu       sync.Mutex          // of what follows
	requests map[string]*request // by UID of the FlinkDeployment, FlinkSessionJob or FlinkStateSnapshot
	held     map[string]bool     // UIDs of session clusters of which it was said that their session jobs hold them
	waiting  map[string]bool     // UIDs and hashes of specs of which it was said that they are to be deployed
	cleaning map[string]bool     // UIDs of FlinkDeployments of which it was said that they are cleaned up
}

// New checks the options.
func New(o Options) (*Operator, error) {
	if o.Cluster == nil || o.Dial == nil || o.Jar == nil {
		return nil, errors.New("make Flink operator stand-in: Cluster, Dial and Jar are required")
	}
	if o.Clock == nil {
		o.Clock = wallClock{}
	}
	if o.Tick <= 0 {
		o.Tick = 500 * time.Millisecond
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Operator{Options: o, http: httpClient(o.Dial), requests: map[string]*request{}, held: map[string]bool{},
		waiting: map[string]bool{}, cleaning: map[string]bool{}}, nil
}

type wallClock struct{}

// Now implements Clock.
func (wallClock) Now() time.Time { return time.Now() }

// asked is what the JobManager of a resource was asked for, nil when it was asked for nothing.
func (o *Operator) asked(uid string) *request {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.requests[uid]
}

// ask notes what the JobManager of a resource was asked for; nil forgets it.
func (o *Operator) ask(uid string, q *request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if q == nil {
		delete(o.requests, uid)
		return
	}
	o.requests[uid] = q
}

// first says whether something was not said of a resource yet, and notes that it is.
func (o *Operator) first(said map[string]bool, uid string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if said[uid] {
		return false
	}
	said[uid] = true
	return true
}

// Run reconciles until ctx ends; a pass that fails is logged and repeated.
func (o *Operator) Run(ctx context.Context) error {
	o.Logger.Info("flink operator stand-in started")
	for {
		began := time.Now()
		if err := o.Reconcile(ctx); err != nil && ctx.Err() == nil {
			o.Logger.Warn("flink operator stand-in", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(max(o.Tick, time.Since(began))): // with hundreds of jobs, others have half of the API server's time
		}
	}
}

// atOnce is how many FlinkDeployments are looked at side by side: a JobManager that starts may take its time to answer.
const atOnce = 16

func (o *Operator) reconcileAll(ctx context.Context, all map[kube.Ref]*deployment) error {
	var mu sync.Mutex
	var errs []error
	var workers errgroup.Group
	workers.SetLimit(atOnce)
	for _, d := range all {
		workers.Go(func() error {
			if err := o.reconcile(ctx, d); err != nil && !kube.IsNotFound(err) {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, fmt.Errorf("reconcile %s: %w", d.ref, err))
			}
			return nil
		})
	}
	_ = workers.Wait() // the errors are in the list
	return errors.Join(errs...)
}

// Reconcile looks once at every FlinkDeployment, FlinkSessionJob and FlinkStateSnapshot. One that
// fails does not keep the others from their turn; the errors are joined.
func (o *Operator) Reconcile(ctx context.Context) error {
	list, err := o.Cluster.List(ctx, kube.KindFlinkDeployment, kube.ListOptions{})
	if kube.IsNoKind(err) || kube.IsNotFound(err) {
		return nil // the CRD comes and goes with the chart
	}
	if err != nil {
		return err
	}
	var errs []error
	alive := map[string]bool{}
	all := map[kube.Ref]*deployment{}
	for i := range list {
		d := newDeployment(&list[i])
		alive[d.uid], all[d.ref] = true, d
	}
	jobs, err := o.sessionJobs(ctx, all)
	errs = append(errs, err)
	for _, j := range jobs {
		alive[j.uid] = true
	}
	errs = append(errs, o.reconcileAll(ctx, all))
	for _, j := range jobs {
		if err := o.reconcileSession(ctx, j); err != nil && !kube.IsNotFound(err) {
			errs = append(errs, fmt.Errorf("reconcile %s: %w", j.ref, err))
		}
	}
	errs = append(errs, o.reconcileSnapshots(ctx, all, jobs, alive))
	maps.DeleteFunc(o.requests, func(uid string, _ *request) bool { return !alive[uid] })
	for _, said := range []map[string]bool{o.held, o.cleaning} {
		maps.DeleteFunc(said, func(uid string, _ bool) bool { return !alive[uid] })
	}
	return errors.Join(errs...)
}
