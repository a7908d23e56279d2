// SPDX-License-Identifier: Apache-2.0

package job

import (
	"context"
	"errors"
	"strings"

	"emrflink/components/nodelabel"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/flinkjob"
	"emrflink/internal/flinkspec"
	"emrflink/internal/jobfile"
	"emrflink/internal/stack"
)

// Stack is what the commands need of a stack.
type Stack interface {
	Checker
	Info() stack.Info
	// Job is what the recorded outputs say to a job of the options' team and node pool. Nothing is contacted.
	Job(ctx context.Context, o flinkjob.Options) (flinkjob.Spec, error)
	// RunJobs submits jobs and waits for a checkpoint of each; of the options, Timeout and Restart count.
	RunJobs(ctx context.Context, jobs []flinkjob.Job, o flinkjob.Options, report func(flinkjob.Progress)) (
		flinkjob.RunResult, error)
	Close() error
}

// Checker asks the live stack about jobs. Nothing is changed.
type Checker interface {
	// ExamineJobs finds what keeps jobs from running there, and what their author may want to know.
	ExamineJobs(ctx context.Context, jobs []flinkjob.Job) ([]flinkjob.Finding, error)
	// DryRunJobs lets the API server say what it would do with the objects of jobs.
	DryRunJobs(ctx context.Context, jobs []flinkjob.Job) (flinkjob.DryRunResult, error)
}

// stackCode begins the codes of problems that only the live stack shows.
const stackCode = "stack-"

// Open opens the stack that the settings describe.
type Open func(context.Context) (Stack, error)

// Values are what a job file takes from a team of the stack.
func Values(region string, spec flinkjob.Spec) jobfile.Values {
	return jobfile.Values{
		Namespace: spec.Namespace, RoleARN: spec.RoleARN, Region: region, LogGroup: spec.LogGroup,
		LogURI:        strings.TrimPrefix(spec.LogURI, "s3://"),
		CheckpointURI: spec.CheckpointURI, SavepointURI: spec.SavepointURI, JobManagerURI: spec.JobManagerURI,
		EmrReleaseLabel: spec.EmrReleaseLabel, FlinkVersion: spec.FlinkVersion, NodeGroupType: spec.NodeGroupType,
		JobManagerRole: nodelabel.JobManager, TaskManagerRole: nodelabel.TaskManager,
	}
}

// checked are the files, by the rules of the versions that were chosen, and by what the stack says when it was named.
func (o *ValidateOptions) checked(ctx context.Context, files []jobfile.File) (jobfile.Result, error) {
	if !o.Globals.StackNamed {
		by, err := flinkspec.ChooseVersions(o.Operator, o.Release)
		if err != nil {
			return jobfile.Result{}, &cmdutil.UsageError{Err: err}
		}
		return jobfile.CheckBy(by, files...), nil
	}
	s, err := o.Open(ctx)
	if err != nil {
		return jobfile.Result{}, err
	}
	defer s.Close() // nothing was changed
	team, err := s.Job(ctx, o.Job)
	if err != nil {
		return jobfile.Result{}, err
	}
	release := o.Release
	if release == "" {
		release = team.EmrReleaseLabel
	}
	by, err := flinkspec.ChooseVersions(o.Operator, release)
	if err != nil {
		return jobfile.Result{}, &cmdutil.UsageError{Err: err}
	}
	for i := range files { // as "job run" does it
		files[i] = jobfile.Filled(files[i], Values(s.Info().Region, team))
	}
	return jobfile.CheckLive(by, onStack(ctx, s, team), files...)
}

// onStack is what the live stack says of the jobs that objects make.
func onStack(ctx context.Context, s Stack, team flinkjob.Spec) jobfile.Live {
	return func(objects []map[string]any) ([]jobfile.Problem, []string, error) {
		jobs, err := flinkjob.JobsOf(objects, team)
		var unfit *flinkjob.FileError
		if errors.As(err, &unfit) {
			return []jobfile.Problem{{
				Severity: jobfile.Error, Code: stackCode + "job", Message: unfit.Error(),
				Effect: `"job run" does not run the file`,
				Mend:   "the objects of one team's jobs, and the ConfigMaps, Secrets and claims of their pods",
			}}, []string{"the live stack: the file makes no jobs"}, nil
		}
		if err != nil {
			return nil, nil, err
		}
		found, err := s.ExamineJobs(ctx, jobs)
		if err != nil {
			return nil, nil, err
		}
		var out []jobfile.Problem
		for _, f := range found {
			p := jobfile.Problem{
				Severity: jobfile.Error, Code: stackCode + f.Code, Object: f.Object, Path: f.Path, Message: f.Text,
				Effect: f.Effect, Mend: f.Mend,
			}
			if f.Advice {
				p.Severity = jobfile.Note
			}
			out = append(out, p)
		}
		return out, []string{
			"pods of others that a rule of the pods is about, and what the role may do beside trust, state and jar",
		}, nil
	}
}
