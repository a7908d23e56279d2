// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/kube"
)

// Run submits a job and waits until it is RUNNING and a checkpoint that was not there before is in the bucket; a job that
// keeps none is waited for until it is RUNNING, a bounded one until it has FINISHED. It returns a *PreflightError before
// anything is submitted, and a *Failure with a named cause afterwards (exit code
// 6 when the time was over). When ctx ends, the job stays submitted.
func (r Runner) Run(ctx context.Context, s Job, report func(Progress)) (RunResult, error) {
	r = r.withDefaults()
	m := r.meter(report)
	m.say(phasePreflight, "node pools, operator, namespace and trust policy are checked")
	if err := r.settled(ctx, s, m); err != nil {
		return RunResult{}, err
	}
	before, err := r.checkpointTimes(ctx, s.CheckpointDir)
	if err != nil {
		return RunResult{}, err
	}
	if err := r.restarts(ctx, s); err != nil {
		return RunResult{}, err
	}
	for _, file := range append(slices.Clone(s.Uploads), s.Jar) {
		if err := r.upload(ctx, file); err != nil {
			return RunResult{}, err
		}
	}
	for _, o := range append(slices.Clone(s.Beside), s.Object) {
		if _, err := r.Kube.Apply(ctx, o); err != nil {
			return RunResult{}, fmt.Errorf("submit job %q: %w", s.Name, err)
		}
	}
	m.say(phaseSubmitted, "the "+s.Kind().Kind+" was accepted")
	return r.follow(ctx, s, before, m)
}

// RunAll is Run for the jobs of a file, one after the other: a session job needs its cluster. Nothing is submitted unless the
// preflight of all of them passes. Of several, the result has that of each; the fields beside it are those of the last one.
func (r Runner) RunAll(ctx context.Context, jobs []Job, report func(Progress)) (RunResult, error) {
	r = r.withDefaults()
	if len(jobs) == 1 {
		return r.Run(ctx, jobs[0], report)
	}
	m := r.meter(report)
	for _, j := range jobs {
		if err := r.settled(ctx, j, m); err != nil { // Run does it again for each, when those before it run
			return RunResult{}, err
		}
	}
	var all []RunResult
	for _, j := range jobs {
		one := r
		if one.Timeout = r.Timeout - m.elapsed(); one.Timeout <= 0 {
			return RunResult{}, &Failure{Job: j.Name, Namespace: j.Namespace, ID: "timeout", Elapsed: m.elapsed(),
				Cause: fmt.Sprintf("nothing of it was submitted within %s; the jobs before it run", r.Timeout)}
		}
		res, err := one.Run(ctx, j, func(p Progress) {
			p.Cause = j.Name + ": " + p.Cause
			if report != nil {
				report(p)
			}
		})
		if err != nil {
			return RunResult{}, err
		}
		all = append(all, res)
	}
	last := all[len(all)-1]
	last.Jobs = all
	return last, nil
}

// restarts asks before a job that runs gets another parallelism: the operator restarts it for that.
func (r Runner) restarts(ctx context.Context, s Job) error {
	if r.Restart == nil {
		return nil
	}
	o, err := r.Kube.Get(ctx, s.ref())
	if kube.IsNotFound(err) || kube.IsNoKind(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for job %q: %w", s.Name, err)
	}
	of := func(o *unstructured.Unstructured) any {
		n, _, _ := unstructured.NestedFieldNoCopy(o.Object, "spec", "job", "parallelism")
		return n
	}
	now, then := of(o), of(s.Object)
	if now == nil || fmt.Sprint(now) == fmt.Sprint(then) {
		return nil
	}
	return r.Restart(fmt.Sprintf("job %q runs with parallelism %v, and is to run with %v", s.Name, now, then))
}

// settled is the preflight of a cluster that may have been deployed a second ago:
// a transient problem is waited for, for as long as the grace.
func (r Runner) settled(ctx context.Context, s Job, m *meter) error {
	for {
		err := r.Preflight(ctx, s)
		var failed *PreflightError
		if err == nil || !errors.As(err, &failed) || !failed.Transient {
			return err
		}
		if m.elapsed() >= min(r.Grace, r.Timeout) {
			return err
		}
		m.say(phasePreflight, "waits: "+strings.Join(failed.Problems, "; "))
		if err := r.Clock.Sleep(ctx, r.Poll); err != nil {
			return fmt.Errorf("check job %q: %w (nothing was submitted)", s.Name, err)
		}
	}
}

func (r Runner) checkpointTimes(ctx context.Context, dir string) (map[string]time.Time, error) {
	before := map[string]time.Time{}
	if dir == "" {
		return before, nil
	}
	all, err := r.checkpoints(ctx, dir)
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		before[c.URI] = c.At
	}
	return before, nil
}

func (r Runner) follow(ctx context.Context, s Job, before map[string]time.Time, m *meter) (RunResult, error) {
	ref := s.ref()
	fail := func(id, cause string) error {
		return &Failure{Job: s.Name, Namespace: s.Namespace, ID: id, Cause: cause, Elapsed: m.elapsed()}
	}
	for {
		ob, err := r.lookWithCheckpoint(ctx, ref, m.start, before)
		v := verdict{phase: orElse(m.last.Phase, phaseSubmitted)}
		switch {
		case ctx.Err() != nil:
			return RunResult{}, fmt.Errorf("watch job %q: %w (the job stays submitted)", s.Name, ctx.Err())
		case kube.IsNotFound(err):
			return RunResult{}, fail("deleted", "the "+ref.Kind.Kind+" was deleted by somebody else")
		case kube.IsUnreachable(err):
			v.cause = "the API server does not answer: " + err.Error()
		case err != nil:
			return RunResult{}, fmt.Errorf("watch job %q: %w", s.Name, err)
		default:
			v = judge(ob)
		}
		stood := m.say(v.phase, v.cause)
		switch {
		case v.done:
			return r.result(ctx, s, ob, m)
		case v.fails != "" && stood >= v.failAfter(r.Grace):
			return RunResult{}, fail(v.fails, v.cause)
		case m.elapsed() >= r.Timeout:
			return RunResult{}, fail("timeout", fmt.Sprintf("no checkpoint within %s; last cause: %s", r.Timeout, v.cause))
		}
		if err := r.Clock.Sleep(ctx, r.Poll); err != nil {
			return RunResult{}, fmt.Errorf("watch job %q: %w (the job stays submitted)", s.Name, err)
		}
	}
}

// lookWithCheckpoint looks into the bucket only when the job runs: listing is
// billed, and says nothing before.
func (r Runner) lookWithCheckpoint(ctx context.Context, ref kube.Ref, since time.Time,
	before map[string]time.Time) (observation, error) {
	ob, err := r.look(ctx, ref, since)
	if err != nil || ob.job.State != "RUNNING" || !ob.ready() || ob.job.CheckpointDir == "" {
		return ob, err
	}
	all, err := r.checkpoints(ctx, ob.job.CheckpointDir)
	if err != nil {
		return ob, err
	}
	if ob.job.Cluster != "" { // the jobs of a session cluster can have one directory
		all = ob.job.own(all)
	}
	ob.checkpoint = fresh(all, before)
	return ob, nil
}

func (r Runner) result(ctx context.Context, s Job, ob observation, m *meter) (RunResult, error) {
	nodes, err := r.nodesOf(ctx, ob.pods)
	if err != nil {
		return RunResult{}, fmt.Errorf("read the nodes of job %q: %w", s.Name, err)
	}
	res := RunResult{
		SchemaVersion: SchemaVersion, Job: s.Name, Namespace: s.Namespace, State: ob.job.State, Nodes: nodes,
		ElapsedSeconds: m.elapsed().Seconds(), SessionCluster: s.isCluster(),
	}
	if s.isCluster() {
		res.State = ob.job.Lifecycle
	}
	if ob.checkpoint != nil {
		res.Checkpoint = *ob.checkpoint
	}
	return res, nil
}
