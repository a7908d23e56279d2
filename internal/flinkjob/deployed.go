// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"context"
	"time"
)

// Deployed runs the samples on a deployed stack. The cluster is contacted by the first method that needs it.
type Deployed struct {
	// Outputs are those of the stack, secrets in plain.
	Outputs map[string]any
	// Jars is the folder with the built jars of the samples.
	Jars string
	// Account reads and writes the bucket of the stack.
	Account func(ctx context.Context) (Bucket, error)
	// Connect makes the runner of the stack's cluster.
	Connect func(ctx context.Context) (Runner, error)
}

// Render returns the manifests of a job as a YAML stream, or the policy that it needs. The cluster is not asked.
func (d Deployed) Render(_ context.Context, o Options) ([]byte, error) {
	o.Jars = d.Jars
	spec, err := SpecFrom(d.Outputs, o)
	if err != nil {
		return nil, err
	}
	if o.Policy {
		return policyOf(spec)
	}
	objs, err := Render(spec)
	if err != nil {
		return nil, err
	}
	return YAML(objs)
}

// Run submits a job and returns when a checkpoint is in the bucket, or after the timeout of the options.
func (d Deployed) Run(ctx context.Context, o Options, report func(Progress)) (RunResult, error) {
	o.Jars = d.Jars
	spec, err := SpecFrom(d.Outputs, o)
	if err != nil {
		return RunResult{}, err
	}
	jobs, err := spec.Jobs()
	if err != nil {
		return RunResult{}, err
	}
	return d.RunJobs(ctx, jobs, o, report)
}

// RunJobs is Run for jobs that are no samples: of the options, Timeout and Restart count.
func (d Deployed) RunJobs(ctx context.Context, jobs []Job, o Options, report func(Progress)) (RunResult, error) {
	r, err := d.connect(ctx, o.Timeout)
	if err != nil {
		return RunResult{}, err
	}
	r.Restart = o.Restart
	return r.RunAll(ctx, jobs, report)
}

// Examine looks at the live stack for everything that matters to the jobs.
func (d Deployed) Examine(ctx context.Context, jobs []Job) ([]Finding, error) {
	r, err := d.Connect(ctx)
	if err != nil {
		return nil, err
	}
	var all []Finding
	for _, j := range jobs {
		found, err := r.Examine(ctx, j)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// DryRun lets the API server say what it would do with the objects of jobs.
func (d Deployed) DryRun(ctx context.Context, jobs []Job) (DryRunResult, error) {
	r, err := d.Connect(ctx)
	if err != nil {
		return DryRunResult{}, err
	}
	return r.DryRun(ctx, jobs)
}

// List returns the jobs in the cluster, or those of a team.
func (d Deployed) List(ctx context.Context, team string) ([]Summary, error) {
	namespace := ""
	if team != "" {
		spec, err := SpecFrom(d.Outputs, Options{Team: team})
		if err != nil {
			return nil, err
		}
		namespace = spec.Namespace
	}
	r, err := d.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return r.Jobs(ctx, namespace)
}

// Status looks at one job of a team ("" = the first one). A job that does not exist is ErrNoJob.
func (d Deployed) Status(ctx context.Context, name, team string) (StatusResult, error) {
	spec, err := SpecFrom(d.Outputs, Options{Team: team})
	if err != nil {
		return StatusResult{}, err
	}
	r, err := d.Connect(ctx)
	if err != nil {
		return StatusResult{}, err
	}
	return r.Status(ctx, spec.Namespace, name)
}

// Verify counts what a job of a team ("" = the first one) has written.
func (d Deployed) Verify(ctx context.Context, name, team string) (Verified, error) {
	spec, err := SpecFrom(d.Outputs, Options{Team: team, Name: name})
	if err != nil {
		return Verified{}, err
	}
	objects, err := d.Account(ctx)
	if err != nil {
		return Verified{}, err
	}
	return verify(ctx, objects, spec)
}

// Delete removes a job of the options' team and waits until it is gone.
func (d Deployed) Delete(ctx context.Context, name string, o Options, report func(Progress)) (DeleteResult, error) {
	spec, err := SpecFrom(d.Outputs, Options{Team: o.Team})
	if err != nil {
		return DeleteResult{}, err
	}
	r, err := d.connect(ctx, o.Timeout)
	if err != nil {
		return DeleteResult{}, err
	}
	return r.Delete(ctx, spec.Namespace, name, report)
}

// connect is Connect with a timeout; 0 is a time that no wait reaches.
func (d Deployed) connect(ctx context.Context, timeout time.Duration) (Runner, error) {
	const year = 365 * 24 * time.Hour
	r, err := d.Connect(ctx)
	r.Timeout = timeout
	if timeout <= 0 {
		r.Timeout = year
	}
	return r, err
}
