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

	"emrflink/internal/exitcode"
	"emrflink/internal/flinkjob"
	"emrflink/internal/kube"
)

// Savepoint is where a job that was stopped left its state.
type Savepoint struct {
	Job  string `json:"job"` // "FlinkDeployment flink-team-a/basic"
	Path string `json:"path"`
	Kept bool   `json:"kept"` // it outlives the cleanup
}

// SavepointError says which jobs cannot be stopped with a savepoint, and why. Nothing was deleted.
type SavepointError struct {
	Stack string
	Jobs  []Unstopped
	late  bool
}

// Unstopped is a job that could not be stopped with a savepoint.
type Unstopped struct{ Job, Why string }

// Error implements error.
func (e *SavepointError) Error() string {
	parts := make([]string, 0, len(e.Jobs))
	for _, j := range e.Jobs {
		parts = append(parts, j.Job+": "+j.Why)
	}
	return "nothing was deleted, because a job cannot be stopped with a savepoint: " + strings.Join(parts, "; ")
}

// Code is a stable id of the failure.
func (e *SavepointError) Code() string { return "cleanup.savepoint" }

// ExitCode is 6 when the time was over, else 1.
func (e *SavepointError) ExitCode() int {
	if e.late {
		return exitcode.Timeout
	}
	return exitcode.Failed
}

// Hint says how to wait longer, and how to go on without the savepoints.
func (e *SavepointError) Hint() string {
	again := "emrflink cleanup --stack " + e.Stack + " --stop-with-savepoint"
	return again + " --timeout 30m   # after the job was mended, or when it only needs more time\n" +
		again + " --delete-without-savepoint   # the state of these jobs is lost"
}

// job is a Flink job on its way to a savepoint.
type job struct {
	ref kube.Ref
	// was is what spec.job said before the job was suspended, nil when it was not.
	was  map[string]any
	ok   bool   // it is as far as it is wanted
	over bool   // it has no state to save, or has saved it
	why  string // what it waits for, or why it cannot be stopped
	lost bool   // waiting does not help
	path string
}

func (j *job) name() string { return j.ref.Kind.Kind + " " + j.ref.Namespace + "/" + j.ref.Name }

// savepoints stops every job with a savepoint. All of them have to be able to before the first is stopped, and when one then
// fails all the same, those that were stopped run on from their savepoints.
func (r *run) savepoints(ctx context.Context) error {
	if r.cluster == nil {
		if r.gone || r.Scope.DeleteWithoutSavepoint {
			return nil
		}
		return &SavepointError{Stack: r.Scope.Stack, Jobs: []Unstopped{{"every job", r.noCluster}}}
	}
	found, err := r.flinkJobs(ctx)
	if err != nil {
		return err
	}
	var jobs []*job
	for _, o := range found {
		jobs = append(jobs, &job{ref: kube.RefOf(o)})
	}
	slices.SortFunc(jobs, func(a, b *job) int { return strings.Compare(a.name(), b.name()) })
	for _, step := range []func(context.Context, []*job) error{r.awaitRunning, r.suspend} {
		if err := r.without(step(ctx, jobs), jobs); err != nil {
			return errors.Join(err, r.runOn(ctx, jobs))
		}
	}
	for _, j := range jobs {
		if j.path != "" {
			r.report.Savepoints = append(r.report.Savepoints, Savepoint{Job: j.name(), Path: j.path, Kept: r.outlives(j.path)})
		}
	}
	return nil
}

// without is the failure of a step, nil when there is none or the user has said to go on without these savepoints.
func (r *run) without(err error, jobs []*job) error {
	late := errors.Is(err, context.DeadlineExceeded)
	if err != nil && !late {
		return err
	}
	var cannot []Unstopped
	for _, j := range jobs {
		if !j.ok && !j.over {
			cannot = append(cannot, Unstopped{j.name(), j.why})
			j.over = true
		}
	}
	switch failed := (&SavepointError{Stack: r.Scope.Stack, Jobs: cannot, late: late}); {
	case len(cannot) == 0:
		return nil
	case !r.Scope.DeleteWithoutSavepoint:
		return failed
	default:
		for _, j := range cannot {
			r.warn(fmt.Errorf("%s is deleted without a savepoint, as it was asked: %s", j.Job, j.Why))
		}
		return nil
	}
}

// flinkJobs are the objects that have a job: a session cluster has none of its own.
func (r *run) flinkJobs(ctx context.Context) (map[kube.Ref]*unstructured.Unstructured, error) {
	found := map[kube.Ref]*unstructured.Unstructured{}
	for _, k := range []kube.Kind{kube.KindFlinkSessionJob, kube.KindFlinkDeployment} {
		objs, err := r.list(ctx, k, func(o *unstructured.Unstructured) bool {
			_, has, _ := unstructured.NestedMap(o.Object, "spec", "job")
			return has && o.GetDeletionTimestamp() == nil
		})
		if err != nil {
			return nil, err
		}
		for i := range objs {
			found[kube.RefOf(&objs[i])] = &objs[i]
		}
	}
	return found, nil
}

// await looks at the jobs until each is as far as it is wanted, or never will be.
func (r *run) await(ctx context.Context, jobs []*job, look func(*job, *unstructured.Unstructured)) error {
	for {
		found, err := r.flinkJobs(ctx)
		if err != nil {
			return err
		}
		var waiting []*job
		for _, j := range jobs {
			if j.ok || j.over || j.lost {
				continue
			}
			if o := found[j.ref]; o != nil {
				look(j, o)
			} else {
				j.over = true // somebody else has deleted it
			}
			if !j.ok && !j.over && !j.lost {
				waiting = append(waiting, j)
			}
		}
		lost := slices.ContainsFunc(jobs, func(j *job) bool { return j.lost }) && !r.Scope.DeleteWithoutSavepoint
		if len(waiting) == 0 || lost {
			return nil
		}
		r.say(fmt.Sprintf("%d of %d jobs wait; %s: %s", len(waiting), len(jobs), waiting[0].name(), waiting[0].why))
		if err := r.sleep(ctx, r.Poll); err != nil {
			return err
		}
	}
}

func statusOf(o *unstructured.Unstructured, path ...string) string {
	s, _, _ := unstructured.NestedString(o.Object, append([]string{"status"}, path...)...)
	return s
}

// awaitRunning waits until a savepoint can be taken of each: of a job that does not run, the operator takes none and says
// nothing.
func (r *run) awaitRunning(ctx context.Context, jobs []*job) error {
	return r.await(ctx, jobs, func(j *job, o *unstructured.Unstructured) {
		state := statusOf(o, "jobStatus", "state")
		switch wanted, _, _ := unstructured.NestedString(o.Object, "spec", "job", "state"); {
		case wanted == suspended && flinkjob.StoppingOf(o, "").Done:
			j.stoppedAs(flinkjob.StoppingOf(o, ""))
		case state == "FINISHED" || state == "CANCELED":
			j.over = true
		case state == "FAILED":
			j.lost, j.why = true, "it has failed"
		case state == "RUNNING" && wanted != suspended:
			j.ok = true
		default:
			j.why = fmt.Sprintf("it is %s, and a savepoint is taken of a RUNNING job only", cmp.Or(state, "not started"))
			if problem := statusOf(o, "error"); problem != "" {
				j.why += ": " + problem
			}
		}
	})
}

const suspended = "suspended"

// stoppedAs takes the savepoint off a job that is suspended. A last checkpoint lives as long as the job's high-availability data
// does: until the job is deleted.
func (j *job) stoppedAs(s flinkjob.Stopping) {
	if s.Path != "" {
		j.path, j.over = s.Path, true
		return
	}
	j.lost, j.why = true, "it is suspended, and has no savepoint"
}

// suspend asks for the savepoints, all at once, and waits for them.
func (r *run) suspend(ctx context.Context, jobs []*job) error {
	found, err := r.flinkJobs(ctx)
	if err != nil {
		return err
	}
	before := map[*job]string{}
	for _, j := range jobs {
		o := found[j.ref]
		if j.over || o == nil {
			continue
		}
		j.ok, before[j] = false, statusOf(o, "error")
		was, _, _ := unstructured.NestedMap(o.Object, "spec", "job")
		ask := map[string]any{"state": suspended, "upgradeMode": "savepoint"}
		if _, err := r.cluster.Patch(ctx, j.ref, "", inJob(ask)); err != nil {
			j.lost, j.why = true, err.Error()
			continue
		}
		j.was = map[string]any{"state": was["state"], "upgradeMode": was["upgradeMode"]}
	}
	return r.await(ctx, jobs, func(j *job, o *unstructured.Unstructured) {
		switch s := flinkjob.StoppingOf(o, before[j]); {
		case s.Done:
			j.stoppedAs(s)
		default:
			j.why, j.lost = cmp.Or(s.Fails, "its savepoint is being taken"), s.Never
		}
	})
}

func inJob(change map[string]any) map[string]any {
	return map[string]any{"spec": map[string]any{"job": change}}
}

// runOn puts back what suspend has changed. It has time of its own: that of the phase may be over.
func (r *run) runOn(ctx context.Context, jobs []*job) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	var errs []error
	for _, j := range jobs {
		if j.was == nil {
			continue
		}
		if _, err := r.cluster.Patch(ctx, j.ref, "", inJob(j.was)); err != nil && !kube.IsNotFound(err) {
			errs = append(errs, fmt.Errorf("let %s run on: %w", j.name(), err))
		}
	}
	return errors.Join(errs...)
}

// outlives says that a savepoint is still there after the cleanup.
func (r *run) outlives(path string) bool {
	_, rest, _ := strings.Cut(path, "://")
	bucket, _, _ := strings.Cut(rest, "/")
	return r.Scope.RetainData || !slices.Contains(r.Scope.Deployment.Buckets, bucket)
}
