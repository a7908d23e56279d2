// SPDX-License-Identifier: Apache-2.0

package flinkoperator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/awsapi"
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

// Tokens issues service-account tokens: the kubelet's part, so it is done with
// other rights than the operator has.
type Tokens interface {
	ServiceAccountToken(ctx context.Context, namespace, name string, audiences []string,
		life time.Duration) (string, time.Time, error)
}

// Session is the AWS API with the credentials of a job's execution role.
type Session interface {
	PutObject(ctx context.Context, bucket, key string, body io.Reader, contentType string) error
	ListObjects(ctx context.Context, bucket, prefix string) ([]awsapi.Object, error)
	DeleteObjects(ctx context.Context, bucket string, keys ...string) error
	PutLogEvents(ctx context.Context, group, stream string, events []awsapi.LogEvent) error
}

// Cloud exchanges a service-account token for a Session (IRSA).
type Cloud func(ctx context.Context, roleARN, session, token string) (Session, error)

var (
	_ Cluster = (*kube.Client)(nil)
	_ Tokens  = (*kube.Client)(nil)
	_ Session = (*awsapi.Client)(nil)
)

// FromAWS is the Cloud of an AWS API client; the client's own credentials are
// not used.
func FromAWS(c *awsapi.Client) Cloud {
	return func(ctx context.Context, roleARN, session, token string) (Session, error) {
		return c.AssumeRoleWithWebIdentity(ctx, roleARN, session, token)
	}
}

// Clock is the time; tests bring their own.
type Clock interface{ Now() time.Time }

// Options make an Operator. Cluster, Tokens and Cloud are required.
type Options struct {
	Cluster Cluster
	// AsJob gives the Kubernetes API as a job's JobManager has it; it creates the
	// TaskManager pods. Nil: Cluster does it.
	AsJob  func(ctx context.Context, namespace, serviceAccount string) (Cluster, error)
	Tokens Tokens
	Cloud  Cloud
	Clock  Clock
	Speed  float64       // the checkpoint interval is divided by this, but not below 5 s; <= 0 is 1
	Tick   time.Duration // between two looks; default 500 ms
	Logger *slog.Logger
}

// Operator is the running stand-in.
type Operator struct {
	Options
	jobs map[string]*jobRun // by UID of the FlinkDeployment or FlinkSessionJob
	held map[string]bool    // UIDs of session clusters of which it was said that their session jobs hold them
}

// New checks the options.
func New(o Options) (*Operator, error) {
	if o.Cluster == nil || o.Tokens == nil || o.Cloud == nil {
		return nil, errors.New("make Flink operator stand-in: cluster, tokens and cloud are required")
	}
	if o.Clock == nil {
		o.Clock = wallClock{}
	}
	if o.Speed <= 0 {
		o.Speed = 1
	}
	if o.Tick <= 0 {
		o.Tick = 500 * time.Millisecond
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Operator{Options: o, jobs: map[string]*jobRun{}, held: map[string]bool{}}, nil
}

type wallClock struct{}

// Now implements Clock.
func (wallClock) Now() time.Time { return time.Now() }

// Run reconciles until ctx ends; a pass that fails is logged and repeated.
func (o *Operator) Run(ctx context.Context) error {
	o.Logger.Info("flink operator stand-in started; no Flink code runs")
	for {
		if err := o.Reconcile(ctx); err != nil && ctx.Err() == nil {
			o.Logger.Warn("flink operator stand-in", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(o.Tick):
		}
	}
}

// Reconcile looks once at every FlinkDeployment and FlinkSessionJob. One that
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
	for i := range list {
		d := all[kube.RefOf(&list[i])]
		if err := o.reconcile(ctx, d); err != nil && !kube.IsNotFound(err) {
			errs = append(errs, fmt.Errorf("reconcile %s: %w", d.ref, err))
		}
	}
	for _, j := range jobs {
		if err := o.reconcileSession(ctx, j); err != nil && !kube.IsNotFound(err) {
			errs = append(errs, fmt.Errorf("reconcile %s: %w", j.ref, err))
		}
	}
	for uid := range o.jobs {
		if !alive[uid] {
			delete(o.jobs, uid)
		}
	}
	for uid := range o.held {
		if !alive[uid] {
			delete(o.held, uid)
		}
	}
	return errors.Join(errs...)
}
