// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"emrflink/components/versions"
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
	exe, err := os.Executable()
	if err != nil {
		return jobs{}, err
	}
	return jobs{stack: s.settings.info.Stack, claim: s.claim, release: s.hold.Release, Deployed: flinkjob.Deployed{
		Outputs: values, Jars: filepath.Join(filepath.Dir(exe), "samples"),
		Account: func(ctx context.Context) (flinkjob.Bucket, error) { return s.client(ctx) },
		Connect: func(ctx context.Context) (flinkjob.Runner, error) {
			_, client, err := s.cluster(ctx, values["clusterName"].(string)) // values checks it
			r := newRunner(client, s.aws)
			r.Region = s.settings.info.Region
			return r, err
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

// Moves are the jobs of another release than the settings give the stack. There are none to tell of while the release stays.
func (s *onTarget) Moves(ctx context.Context) ([]flinkjob.Move, error) {
	st, err := s.State(ctx)
	if err != nil {
		return nil, err
	}
	was, _ := st.Outputs["emrReleaseLabel"].Value.(string)
	to, known := versions.EMR(s.settings.config.EmrRelease)
	if was == "" || was == to.Label || !known {
		return nil, nil
	}
	j, err := s.jobs(ctx)
	if err != nil {
		return nil, err
	}
	moves, err := j.Deployed.Moves(ctx, to.Label, to.FlinkVersion)
	return moves, classify(err)
}

// RunJobs submits the jobs of a file and waits for a checkpoint of each.
func (s *onTarget) RunJobs(ctx context.Context, jobs []flinkjob.Job, o flinkjob.Options, report func(flinkjob.Progress)) (
	flinkjob.RunResult, error) {
	j, err := s.jobs(ctx)
	if err != nil {
		return flinkjob.RunResult{}, err
	}
	return j.alone(ctx, report, func(report func(flinkjob.Progress)) (flinkjob.RunResult, error) {
		return j.Deployed.RunJobs(ctx, jobs, o, report)
	})
}

// ExamineJobs looks at the live stack for everything that matters to jobs.
func (s *onTarget) ExamineJobs(ctx context.Context, jobs []flinkjob.Job) ([]flinkjob.Finding, error) {
	j, err := s.jobs(ctx)
	if err != nil {
		return nil, err
	}
	found, err := j.Examine(ctx, jobs)
	return found, classify(err)
}

// DryRunJobs lets the API server say what it would do with the objects of jobs.
func (s *onTarget) DryRunJobs(ctx context.Context, jobs []flinkjob.Job) (flinkjob.DryRunResult, error) {
	j, err := s.jobs(ctx)
	if err != nil {
		return flinkjob.DryRunResult{}, err
	}
	res, err := j.DryRun(ctx, jobs)
	return res, classify(err)
}

// newRunner runs jobs with everything that their preflight asks.
func newRunner(k *kube.Client, a *awsapi.Client) flinkjob.Runner {
	return flinkjob.Runner{Kube: k, Objects: a, Upload: a, Trust: a, Grants: a, Logs: k, Sent: a, Dial: k}
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

// Verify counts what a job has written.
func (j jobs) Verify(ctx context.Context, name, team string) (flinkjob.Verified, error) {
	v, err := j.Deployed.Verify(ctx, name, team)
	return v, classify(err)
}

// FindJob looks for a job by its name; "" is for all of a team.
func (s *onTarget) FindJob(ctx context.Context, name, team string, timeout time.Duration) (flinkjob.Running, error) {
	j, err := s.jobs(ctx)
	if err != nil {
		return flinkjob.Running{}, err
	}
	return j.Deployed.Find(ctx, name, team, timeout)
}

// FindStates finds the states of a job. Below a folder, nothing of the stack needs to be left.
func (s *onTarget) FindStates(ctx context.Context, job, team, below string, timeout time.Duration) (flinkjob.Store, error) {
	j, err := s.jobs(ctx)
	if err != nil && below == "" {
		return flinkjob.Store{}, err
	}
	if why := err; why != nil {
		j.Deployed.Account = func(ctx context.Context) (flinkjob.Bucket, error) { return s.client(ctx) }
		j.Deployed.Connect = func(context.Context) (flinkjob.Runner, error) { return flinkjob.Runner{}, why }
	}
	return j.States(ctx, job, team, below, timeout)
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

// readJar reads the jar at a URI that a job file can have.
func (a *app) readJar(ctx context.Context, uri string) ([]byte, error) {
	scheme, rest, _ := strings.Cut(uri, "://")
	switch scheme {
	case "s3", "s3a", "s3p":
		s, err := a.openStack()
		if err != nil {
			return nil, err
		}
		defer s.Close() // nothing was changed
		client, err := s.client(ctx)
		if err != nil {
			return nil, err
		}
		bucket, key, _ := strings.Cut(rest, "/")
		raw, err := client.GetObject(ctx, bucket, key)
		return raw, faceted(err)
	case "local":
		return a.readImage(rest)
	}
	return nil, cmdutil.Usagef("%s:// is neither a file nor s3:// nor local://", scheme)
}

// readImage reads a file of EMR's image from the Flink that is installed for the local target, which has the same layout.
func (a *app) readImage(file string) ([]byte, error) {
	homes, err := a.flink()
	if err != nil {
		return nil, err
	}
	home, err := homes.Find()
	if err != nil {
		return nil, err
	}
	for _, folder := range []string{"/opt/flink/", "/usr/lib/flink/"} {
		name, below := strings.CutPrefix(file, folder)
		if !below {
			continue
		}
		root, err := os.OpenRoot(home.Dir)
		if err != nil {
			return nil, err
		}
		defer root.Close() // it was only read
		raw, err := root.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &cmdutil.Error{
				What: "read " + file, Cause: errors.New("the Flink of this machine does not have it; the image may"),
				Exit: cmdutil.ExitNotFound, ID: "job.file", Next: "ls " + home.Dir,
			}
		}
		return raw, err
	}
	return nil, cmdutil.Usagef("local://%s is not below /opt/flink or /usr/lib/flink: it is a file of an image of yours", file)
}
