// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"context"
	"errors"
	"time"

	"emrflink/internal/awsapi"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cli/samplejob"
	"emrflink/internal/flinkjob"
	"emrflink/internal/kube"
)

// jobs runs Flink jobs on a deployed stack; its errors have their facets.
type jobs struct {
	flinkjob.Deployed
	stack string
	// claim makes this command the only one that changes the stack, until release.
	claim   func(context.Context) error
	release func()
}

// Jobs reads the outputs of the stack.
func (s *onTarget) Jobs(ctx context.Context) (samplejob.Jobs, error) { return s.jobs(ctx) }

func (s *onTarget) jobs(ctx context.Context) (jobs, error) {
	values, err := s.values(ctx)
	if err != nil {
		return jobs{}, err
	}
	return jobs{stack: s.settings.info.Stack, claim: s.claim, release: s.hold.Release, Deployed: flinkjob.Deployed{
		Outputs: values,
		Connect: func(ctx context.Context) (flinkjob.Runner, error) {
			_, client, err := s.cluster(ctx, values["clusterName"].(string)) // values checks it
			return newRunner(client, s.aws), err
		},
	}}, nil
}

// Job is what the recorded outputs say to a job.
func (s *onTarget) Job(ctx context.Context, o flinkjob.Options) (flinkjob.Spec, error) {
	values, err := s.values(ctx)
	if err != nil {
		return flinkjob.Spec{}, err
	}
	return flinkjob.SpecFrom(values, o)
}

// RunJob submits a job of a file and waits for a checkpoint.
func (s *onTarget) RunJob(ctx context.Context, job flinkjob.Job, o flinkjob.Options, report func(flinkjob.Progress)) (
	flinkjob.RunResult, error) {
	j, err := s.jobs(ctx)
	if err != nil {
		return flinkjob.RunResult{}, err
	}
	return j.alone(ctx, report, func(report func(flinkjob.Progress)) (flinkjob.RunResult, error) {
		return j.Deployed.RunJob(ctx, job, o, report)
	})
}

// newRunner runs jobs with everything that their preflight asks.
func newRunner(k *kube.Client, a *awsapi.Client) flinkjob.Runner {
	return flinkjob.Runner{Kube: k, Objects: a, Trust: a, Logs: k}
}

// Run submits a job and waits for a checkpoint. A job that is submitted in the middle of a cleanup or a deploy may be in a
// cluster that goes: until it is submitted the stack is this command's.
func (j jobs) Run(ctx context.Context, o flinkjob.Options, report func(flinkjob.Progress)) (flinkjob.RunResult, error) {
	return j.alone(ctx, report, func(report func(flinkjob.Progress)) (flinkjob.RunResult, error) {
		return j.Deployed.Run(ctx, o, report)
	})
}

// alone submits a job while the stack is this command's.
func (j jobs) alone(ctx context.Context, report func(flinkjob.Progress),
	submit func(report func(flinkjob.Progress)) (flinkjob.RunResult, error)) (flinkjob.RunResult, error) {
	if err := j.claim(ctx); err != nil {
		return flinkjob.RunResult{}, err
	}
	res, err := submit(func(p flinkjob.Progress) {
		if p.Submitted() {
			j.release()
		}
		report(p)
	})
	return res, classify(err)
}

// List returns the jobs in the cluster, or those of a team.
func (j jobs) List(ctx context.Context, team string) ([]flinkjob.Summary, error) {
	all, err := j.Deployed.List(ctx, team)
	return all, classify(err)
}

// Status looks at one job.
func (j jobs) Status(ctx context.Context, name, team string) (flinkjob.StatusResult, error) {
	res, err := j.Deployed.Status(ctx, name, team)
	if errors.Is(err, flinkjob.ErrNoJob) {
		return res, &cmdutil.Error{
			What: "there is no Flink " + err.Error(), Exit: cmdutil.ExitNotFound, ID: "no-such-job",
			Next: cmdutil.Command("sample-job", "status", "--stack", j.stack),
		}
	}
	return res, classify(err)
}

// ListJobs lists the jobs of a team, or all.
func (s *onTarget) ListJobs(ctx context.Context, team string) ([]flinkjob.Summary, error) {
	j, err := s.jobs(ctx)
	if err != nil {
		return nil, err
	}
	return j.Deployed.List(ctx, team)
}

// FindJob looks for a job by its name.
func (s *onTarget) FindJob(ctx context.Context, name, team string, timeout time.Duration) (flinkjob.Running, error) {
	j, err := s.jobs(ctx)
	if err != nil {
		return flinkjob.Running{}, err
	}
	return j.Deployed.Find(ctx, name, team, timeout)
}

// Explained gives an error its codes.
func (*onTarget) Explained(err error) error { return classify(err) }

// Delete removes a job.
func (j jobs) Delete(
	ctx context.Context, name string, o flinkjob.Options, report func(flinkjob.Progress),
) (flinkjob.DeleteResult, error) {
	res, err := j.Deployed.Delete(ctx, name, o, report)
	return res, classify(err)
}
