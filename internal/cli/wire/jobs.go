// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"sigs.k8s.io/yaml"

	"emrflink/internal/awsapi"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cli/session"
	"emrflink/internal/flinkjob"
	"emrflink/internal/kube"
)

// jobs runs Flink jobs on a deployed stack. The cluster is contacted by the first method that needs it.
type jobs struct {
	stack  *stack
	values map[string]any // outputs of the stack
}

var _ session.Jobs = (*jobs)(nil)

// Jobs reads the outputs of the stack.
func (s *stack) Jobs(ctx context.Context) (session.Jobs, error) {
	values, err := s.values(ctx)
	if err != nil {
		return nil, err
	}
	return &jobs{stack: s, values: values}, nil
}

// runner connects to the cluster.
func (j *jobs) runner(ctx context.Context, timeout time.Duration) (flinkjob.Runner, error) {
	_, client, err := j.stack.cluster(ctx, j.values["clusterName"].(string))
	if err != nil {
		return flinkjob.Runner{}, err
	}
	return newRunner(client, j.stack.aws, timeout), nil
}

// newRunner runs jobs with everything that their preflight asks.
func newRunner(k *kube.Client, a *awsapi.Client, timeout time.Duration) flinkjob.Runner {
	return flinkjob.Runner{Kube: k, Objects: a, Trust: a, Timeout: timeout}
}

func (j *jobs) spec(s session.JobSpec) (flinkjob.Spec, error) {
	return flinkjob.SpecFrom(j.values, flinkjob.Options{
		Sample: s.Sample, Name: s.Name, Team: s.Team, NodePool: s.Pool, Parallelism: s.Parallelism,
	})
}

// Render returns the manifests. The cluster is not asked.
func (j *jobs) Render(_ context.Context, s session.JobSpec) ([]byte, error) {
	spec, err := j.spec(s)
	if err != nil {
		return nil, err
	}
	objs, err := flinkjob.Render(spec)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	for i, o := range objs {
		doc, err := yaml.Marshal(o.Object)
		if err != nil {
			return nil, fmt.Errorf("write %s %q: %w", o.GetKind(), o.GetName(), err)
		}
		if i > 0 {
			b.WriteString("---\n")
		}
		b.Write(doc)
	}
	return b.Bytes(), nil
}

// Run submits a job and waits for a checkpoint.
func (j *jobs) Run(ctx context.Context, s session.JobSpec, progress func(session.JobProgress)) (session.JobResult, error) {
	spec, err := j.spec(s)
	if err != nil {
		return session.JobResult{}, err
	}
	r, err := j.runner(ctx, unlimited(s.Timeout))
	if err != nil {
		return session.JobResult{}, err
	}
	res, err := r.Run(ctx, spec, report(progress))
	if err != nil {
		return session.JobResult{}, classify(err)
	}
	return session.JobResult{
		Job: res.Job, Namespace: res.Namespace, State: res.State, Checkpoint: checkpoint(res.Checkpoint),
		Nodes: nodes(res.Nodes), ElapsedSeconds: res.ElapsedSeconds,
	}, nil
}

// unlimited turns the flag's "for ever" into a time that no wait reaches.
func unlimited(d time.Duration) time.Duration {
	const year = 365 * 24 * time.Hour
	if d <= 0 {
		return year
	}
	return d
}

func report(progress func(session.JobProgress)) func(flinkjob.Progress) {
	return func(p flinkjob.Progress) {
		progress(session.JobProgress{Phase: p.Phase, Cause: p.Cause, Expected: p.Expected})
	}
}

func checkpoint(c flinkjob.Checkpoint) session.Checkpoint {
	return session.Checkpoint{URI: c.URI, Bytes: c.Bytes, At: c.At.UTC().Format(time.RFC3339)}
}

func nodes(in []flinkjob.NodeUse) []session.JobNode {
	out := make([]session.JobNode, 0, len(in))
	for _, n := range in {
		out = append(out, session.JobNode(n))
	}
	return out
}

// List returns the jobs in the cluster.
func (j *jobs) List(ctx context.Context) ([]session.JobState, error) {
	r, err := j.runner(ctx, 0)
	if err != nil {
		return nil, err
	}
	return listJobs(ctx, r)
}

func listJobs(ctx context.Context, r flinkjob.Runner) ([]session.JobState, error) {
	all, err := r.Jobs(ctx, "")
	if err != nil {
		return nil, classify(err)
	}
	out := make([]session.JobState, 0, len(all))
	for _, s := range all {
		out = append(out, session.JobState{Name: s.Job, Namespace: s.Namespace, Sample: s.Sample, State: s.State})
	}
	return out, nil
}

// namespace finds the namespace of a team.
func (j *jobs) namespace(team string) (string, error) {
	spec, err := j.spec(session.JobSpec{Team: team})
	return spec.Namespace, err
}

// Status looks at one job.
func (j *jobs) Status(ctx context.Context, name, team string) (session.JobStatus, error) {
	ns, err := j.namespace(team)
	if err != nil {
		return session.JobStatus{}, err
	}
	r, err := j.runner(ctx, 0)
	if err != nil {
		return session.JobStatus{}, err
	}
	st, err := r.Status(ctx, ns, name)
	if errors.Is(err, flinkjob.ErrNoJob) {
		return session.JobStatus{}, &cmdutil.Error{
			What: fmt.Sprintf("there is no Flink job %q in namespace %q", name, ns), Exit: cmdutil.ExitNotFound, ID: "no-such-job",
			Next: cmdutil.Command("sample-job", "status", "--stack", j.stack.settings.info.Stack),
		}
	}
	if err != nil {
		return session.JobStatus{}, classify(err)
	}
	out := session.JobStatus{
		Job: st.Job, Namespace: st.Namespace, State: st.State, Lifecycle: st.LifecycleState, Cause: st.Cause, Nodes: nodes(st.Nodes),
	}
	for _, p := range st.Pods {
		out.Pods = append(out.Pods, session.JobPod(p))
	}
	if st.Checkpoint != nil {
		c := checkpoint(*st.Checkpoint)
		out.Checkpoint = &c
	}
	return out, nil
}

// Delete removes a job.
func (j *jobs) Delete(ctx context.Context, name, team string, timeout time.Duration, progress func(session.JobProgress)) (bool, error) {
	ns, err := j.namespace(team)
	if err != nil {
		return false, err
	}
	r, err := j.runner(ctx, unlimited(timeout))
	if err != nil {
		return false, err
	}
	res, err := r.Delete(ctx, ns, name, report(progress))
	return !res.AlreadyGone, classify(err)
}
