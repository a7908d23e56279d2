// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"context"
	"fmt"
	"io"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/awsapi"
	"emrflink/internal/exitcode"
	"emrflink/internal/kube"
)

// Objects is the part of the cluster that a job is made of.
type Objects interface {
	Get(ctx context.Context, ref kube.Ref) (*unstructured.Unstructured, error)
	List(ctx context.Context, k kube.Kind, o kube.ListOptions) ([]unstructured.Unstructured, error)
}

// Writers change a job.
type Writers interface {
	Apply(ctx context.Context, obj *unstructured.Unstructured) (*unstructured.Unstructured, error)
	DryRun(ctx context.Context, obj *unstructured.Unstructured) (*unstructured.Unstructured, error)
	Patch(ctx context.Context, ref kube.Ref, subresource string, merge map[string]any) (*unstructured.Unstructured, error)
	Delete(ctx context.Context, ref kube.Ref, p kube.Propagation) error
}

// Readers is the part of the cluster that a job is watched through.
type Readers interface {
	Pods(ctx context.Context, namespace, selector string) ([]kube.Pod, error)
	Nodes(ctx context.Context) ([]kube.Node, error)
	Events(ctx context.Context, namespace string) ([]kube.Event, error)
	NodeClaims(ctx context.Context) ([]kube.NodeClaim, error)
}

// Cluster is what a Runner needs of Kubernetes.
type Cluster interface {
	Objects
	Writers
	Readers
}

// ObjectLister lists objects of a bucket.
type ObjectLister interface {
	ListObjects(ctx context.Context, bucket, prefix string) ([]awsapi.Object, error)
}

// Uploader writes an object of a bucket.
type Uploader interface {
	PutObject(ctx context.Context, bucket, key string, body io.Reader, contentType string) error
}

// TrustReader reads a role's trust policy document (JSON).
type TrustReader interface {
	RoleTrust(ctx context.Context, roleName string) (string, error)
}

// PermissionReader reads what a role may do.
type PermissionReader interface {
	RolePolicies(ctx context.Context, roleName string) (awsapi.RolePolicies, error)
}

// Clock is the time; tests bring their own.
type Clock interface {
	Now() time.Time
	Sleep(ctx context.Context, d time.Duration) error
}

var (
	_ Cluster      = (*kube.Client)(nil)
	_ ObjectLister = (*awsapi.Client)(nil)
	_ Uploader     = (*awsapi.Client)(nil)
	_ TrustReader  = (*awsapi.Client)(nil)

	_ PermissionReader = (*awsapi.Client)(nil)
)

// Runner runs, watches and deletes jobs. Kube is always needed; the other fields
// have defaults.
type Runner struct {
	Kube    Cluster
	Objects ObjectLister     // needed by Run and for the checkpoint of Status
	Upload  Uploader         // needed by Run for a job with a jar
	Trust   TrustReader      // nil: the trust policy is not part of the preflight
	Grants  PermissionReader // nil: the policies of roles are not part of the preflight
	Logs    LogReader        // needed by Running.Logs
	Sent    LogArchive       // needed for logs of pods that are gone
	Dial    PodDialer        // needed for what only Flink knows
	Load    bool             // Jobs asks each JobManager how much its job waits
	Clock   Clock            // nil: the wall clock
	Region  string           // whose prices say what a node costs; "" = no prices

	Restart func(why string) error // asked before Run changes a job that runs; nil: changed without a question

	Timeout   time.Duration // of a Run or Delete; default 15 min
	Expected  time.Duration // what Run or Delete usually takes, for the display; default 4 min
	Poll      time.Duration // between two looks; default 500 ms
	Grace     time.Duration // how long a cause that may heal is watched before it fails the run; default 60 s
	Heartbeat time.Duration // longest silence of progress; default 15 s
}

// Progress is one line of a wait.
type Progress struct {
	Phase    string // "preflight", "submitted", "nodes", "starting", "checkpoint", "deleting"
	Cause    string // what is waited for, in the words of Kubernetes, Karpenter or the operator
	Elapsed  time.Duration
	Expected time.Duration
}

// Submitted tells whether the job is in the cluster.
func (p Progress) Submitted() bool { return p.Phase != phasePreflight }

func (r Runner) withDefaults() Runner {
	set := func(d *time.Duration, def time.Duration) {
		if *d <= 0 {
			*d = def
		}
	}
	set(&r.Timeout, 15*time.Minute)
	set(&r.Expected, 4*time.Minute)
	set(&r.Poll, 500*time.Millisecond)
	set(&r.Grace, time.Minute)
	set(&r.Heartbeat, 15*time.Second)
	if r.Clock == nil {
		r.Clock = wallClock{}
	}
	return r
}

type wallClock struct{}

// Now implements Clock.
func (wallClock) Now() time.Time { return time.Now() }

// Sleep implements Clock.
func (wallClock) Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// Failure is a run that ended without a checkpoint, or another wait that ended without what was waited for.
type Failure struct {
	What           string // what was done to the job; "" is "run"
	Job, Namespace string
	ID             string // stable: "image", "scheduling", "operator", "timeout", ...
	Cause          string // plain words, with the message of AWS or Kubernetes
	Elapsed        time.Duration
}

// Error implements error.
func (f *Failure) Error() string {
	return fmt.Sprintf("%s job %q in namespace %q: %s (after %s)", orElse(f.What, "run"), f.Job, f.Namespace, f.Cause,
		f.Elapsed.Round(time.Second))
}

// Code is a stable id of the failure.
func (f *Failure) Code() string { return "flinkjob." + f.ID }

// ExitCode is 6 for a wait that ended, else 1.
func (f *Failure) ExitCode() int {
	if f.ID == "timeout" {
		return exitcode.Timeout
	}
	return exitcode.Failed
}

// Hint is the next command.
func (f *Failure) Hint() string {
	if f.What != "" {
		return "emrflink job status " + f.Job
	}
	return fmt.Sprintf("emrflink job status %s; the job is still submitted: emrflink job delete %s removes it",
		f.Job, f.Job)
}

// meter turns the looks of a wait into progress calls: one for each new cause
// and one at least every heartbeat.
type meter struct {
	r       Runner
	start   time.Time
	report  func(Progress)
	last    Progress
	told    time.Time
	started time.Time // since when the cause is the same
}

func (r Runner) meter(report func(Progress)) *meter {
	now := r.Clock.Now()
	return &meter{r: r, start: now, report: report, started: now}
}

func (m *meter) elapsed() time.Duration { return m.r.Clock.Now().Sub(m.start) }

// say reports the cause and returns for how long it has been the same.
func (m *meter) say(phase, cause string) time.Duration {
	now := m.r.Clock.Now()
	fresh := phase != m.last.Phase || cause != m.last.Cause
	if fresh {
		m.started = now
	}
	m.last = Progress{Phase: phase, Cause: cause, Elapsed: now.Sub(m.start), Expected: m.r.Expected}
	if m.report != nil && (fresh || now.Sub(m.told) >= m.r.Heartbeat) {
		m.told = now
		m.report(m.last)
	}
	return now.Sub(m.started)
}
