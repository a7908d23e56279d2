// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"emrflink/internal/kube"
)

// Health is how a job is doing, in one word.
type Health string

// What a job can be. Argo CD's rules for FlinkDeployments are the model, and stricter in one: a job that restarts inside of the
// operator's STABLE is not healthy.
const (
	Healthy     Health = "healthy"     // RUNNING, and the operator has taken up its last change
	Progressing Health = "progressing" // on its way
	Degraded    Health = "degraded"    // it failed, restarts, or the operator refuses it
	Suspended   Health = "suspended"   // as its spec wants it
	Finished    Health = "finished"    // a bounded job that has run, or one that was cancelled
)

// suspended is the state that a spec asks for.
const suspended = "suspended"

// health judges what the operator reports; the cause is "" where there is nothing to say.
func (d deployment) health() (health Health, cause string) {
	if h, cause := d.trouble(); h != "" {
		return h, cause
	}
	const stable = "STABLE"
	switch {
	case d.Wanted == suspended && d.Lifecycle == "SUSPENDED":
		return Suspended, ""
	case d.SessionCluster && d.Lifecycle == stable && d.JobManager == "READY":
		return Healthy, ""
	case d.Wanted != suspended && d.Lifecycle != "UPGRADING" && (d.State == "FINISHED" || d.State == "CANCELED"):
		return Finished, ""
	case d.State == "RESTARTING" || d.State == "FAILING":
		return Degraded, "Flink restarts it after a failure"
	case d.Lifecycle == stable && d.State == "RUNNING":
		return Healthy, ""
	}
	return Progressing, joinNonEmpty(", ", d.Lifecycle, prefixed("job ", d.State), prefixed("JobManager ", d.JobManager))
}

// trouble is what counts before the state of the job does; "" when there is none.
func (d deployment) trouble() (Health, string) {
	switch {
	case d.Deleting:
		return Progressing, "it is being deleted"
	case d.Lifecycle != "FAILED" && d.State != "FAILED" && d.JobManager != "ERROR" && d.Error == jobNotFound:
		return Progressing, noJobYet
	case d.Lifecycle == "FAILED" || d.State == "FAILED" || d.JobManager == "ERROR" || d.Error != "":
		return Degraded, orElse(d.Error, "the operator reports it as FAILED")
	case d.Observed == 0 || d.Observed < d.Generation:
		return Progressing, "the operator has not taken up its last change yet"
	case d.Lifecycle == "ROLLED_BACK" || d.Lifecycle == "ROLLING_BACK":
		return Degraded, "the operator took its last change back"
	}
	return "", ""
}

// Summary is one line of the list of submitted jobs.
type Summary struct {
	Job       string    `json:"name"`
	Namespace string    `json:"namespace"`
	Sample    string    `json:"sample"` // "" for a job that this tool did not render
	State     string    `json:"state"`  // of Flink: RUNNING...; "" before the first report
	Created   time.Time `json:"-"`

	Kind        string      `json:"kind"` // FlinkDeployment or FlinkSessionJob
	Health      Health      `json:"health"`
	Cause       string      `json:"cause"` // of what is not healthy; "" when nothing is known
	Lifecycle   string      `json:"lifecycle"`
	Parallelism int64       `json:"parallelism"` // 0 for a session cluster
	Restarts    int         `json:"restarts"`    // of the containers of its pods
	Release     string      `json:"release"`     // emrReleaseLabel
	Checkpoint  *Checkpoint `json:"checkpoint,omitempty"`
	// HourlyUSD is the share of its nodes' on-demand prices that its pods ask for, IdlePercent how much of their time its tasks
	// have waited for records since they began; nil when it is not known, or was not asked for.
	HourlyUSD   *float64 `json:"hourlyUSD,omitempty"`
	IdlePercent *float64 `json:"idlePercent,omitempty"`
	// NotAssessed is what could not be read, and why; "" when all could be.
	NotAssessed string `json:"notAssessed"`
}

// Jobs lists the FlinkDeployments and FlinkSessionJobs of a namespace ("" = all), by namespace and name.
func (r Runner) Jobs(ctx context.Context, namespace string) ([]Summary, error) {
	pods, err := r.Kube.Pods(ctx, namespace, flinkPods)
	if err != nil {
		return nil, fmt.Errorf("list the pods of Flink jobs: %w", err)
	}
	restarts := map[[2]string]int{}
	for _, p := range pods {
		restarts[[2]string{p.Namespace, p.Labels["app"]}] += p.Restarts
	}
	all, err := r.deployments(ctx, namespace)
	if err != nil {
		return nil, err
	}
	costs, unpriced := r.costs(ctx, pods)
	out := make([]Summary, len(all))
	var reads errgroup.Group
	reads.SetLimit(32)
	for i, d := range all {
		key := [2]string{d.Namespace, d.cluster()}
		out[i] = Summary{
			Job: d.Name, Namespace: d.Namespace, Sample: d.Labels[labelSample], State: d.State, Created: d.Created.UTC(),
			Kind: d.Kind.Kind, Lifecycle: d.Lifecycle, Parallelism: d.Parallelism, Release: d.Release, Restarts: restarts[key],
			NotAssessed: unpriced,
		}
		out[i].Health, out[i].Cause = d.health()
		if usd, known := costs[key]; known && d.Cluster == "" { // a session job's pods are its cluster's
			out[i].HourlyUSD = &usd
		}
		reads.Go(func() error {
			r.readJob(ctx, d, &out[i])
			return nil
		})
	}
	_ = reads.Wait() // what could not be read is in the lines
	return out, ctx.Err()
}

// readJob reads what only the bucket and the JobManager of a job know.
func (r Runner) readJob(ctx context.Context, d deployment, into *Summary) {
	var err error
	if into.Checkpoint, err = r.newest(ctx, d); err != nil {
		into.NotAssessed = joinNonEmpty("; ", into.NotAssessed, "the last checkpoint: "+err.Error())
	}
	if !r.Load || d.State != "RUNNING" || d.JobID == "" {
		return
	}
	if into.IdlePercent, err = r.idle(ctx, d); err != nil {
		into.NotAssessed = joinNonEmpty("; ", into.NotAssessed, "idle: "+err.Error())
	}
}

// deployments reads what has or is a Flink job in a namespace ("" = all).
func (r Runner) deployments(ctx context.Context, namespace string) ([]deployment, error) {
	var out []deployment
	for _, kind := range []kube.Kind{kube.KindFlinkDeployment, kube.KindFlinkSessionJob} {
		objs, err := r.Kube.List(ctx, kind, kube.ListOptions{Namespace: namespace})
		if notGone(err) != nil {
			return nil, fmt.Errorf("list Flink jobs: %w", err)
		}
		for i := range objs {
			out = append(out, deploymentOf(&objs[i]))
		}
	}
	for i, job := range out {
		if of := slices.IndexFunc(out, func(d deployment) bool {
			return job.Cluster != "" && d.ref() == kube.KindFlinkDeployment.Ref(job.Namespace, job.Cluster)
		}); of >= 0 { // what a session job does not configure itself
			out[i].CheckpointDir = orElse(job.CheckpointDir, out[of].CheckpointDir)
			out[i].Release = orElse(job.Release, out[of].Release)
		}
	}
	slices.SortFunc(out, func(a, b deployment) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name),
			strings.Compare(a.Kind.Kind, b.Kind.Kind))
	})
	return out, nil
}

// newest is the last checkpoint of the job that runs now; nil when it has none, or nothing tells where it would be.
func (r Runner) newest(ctx context.Context, d deployment) (*Checkpoint, error) {
	if r.Objects == nil || d.CheckpointDir == "" {
		return nil, nil //nolint:nilnil // no checkpoint is no failure
	}
	all, err := r.checkpoints(ctx, d.CheckpointDir)
	if err != nil {
		return nil, err
	}
	all = d.own(all)
	if len(all) == 0 {
		return nil, nil //nolint:nilnil // no checkpoint is no failure
	}
	return &all[len(all)-1], nil
}

// ManyJobsError says that a name is that of several jobs.
type ManyJobsError struct {
	Name  string
	Where []string // their kinds and namespaces
}

// Error implements error.
func (e *ManyJobsError) Error() string {
	return fmt.Sprintf("%q is the name of several jobs: %s", e.Name, strings.Join(e.Where, ", "))
}

// Code is a stable id of the failure.
func (e *ManyJobsError) Code() string { return "flinkjob.ambiguous" }

// Hint says how to choose one.
func (e *ManyJobsError) Hint() string { return "say whose with --team" }

// find looks for a job by its name in a namespace, or in all of them. It is ErrNoJob, or a ManyJobsError.
func (r Runner) find(ctx context.Context, namespace, name string) (kube.Ref, error) {
	all, err := r.deployments(ctx, namespace)
	if err != nil {
		return kube.Ref{}, err
	}
	all = slices.DeleteFunc(all, func(d deployment) bool { return d.Name != name })
	switch len(all) {
	case 0:
		where := ""
		if namespace != "" {
			where = fmt.Sprintf(" in namespace %q", namespace)
		}
		return kube.Ref{}, fmt.Errorf("job %q%s: %w", name, where, ErrNoJob)
	case 1:
		return all[0].ref(), nil
	}
	several := &ManyJobsError{Name: name}
	for _, d := range all {
		several.Where = append(several.Where, d.ref().String())
	}
	return kube.Ref{}, several
}

func (d deployment) ref() kube.Ref { return d.Kind.Ref(d.Namespace, d.Name) }

// ErrNoJob is returned for a job that does not exist.
var ErrNoJob = errors.New("no such job")
