// SPDX-License-Identifier: Apache-2.0

package samplejob

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdtest"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/flinkjob"
	"emrflink/internal/flinkjob/sample"
	"emrflink/internal/stack"
)

type fake struct {
	err        error
	found      bool
	spec       flinkjob.Options
	restarts   bool
	checkpoint string // its number, "" = 1
	lost       int64
}

func (f *fake) number() string {
	if f.checkpoint == "" {
		return "1"
	}
	return f.checkpoint
}

func (f *fake) Info() stack.Info                   { return cmdtest.Info() }
func (f *fake) Close() error                       { return nil }
func (f *fake) Jobs(context.Context) (Jobs, error) { return f, nil }
func (f *fake) Render(_ context.Context, s flinkjob.Options) ([]byte, error) {
	f.spec = s
	return []byte("kind: FlinkDeployment\n"), f.err
}

func (f *fake) Run(_ context.Context, s flinkjob.Options, progress func(flinkjob.Progress)) (flinkjob.RunResult, error) {
	restart := s.Restart
	s.Restart = nil // a function cannot be compared
	f.spec = s
	if f.restarts {
		if err := restart("the job runs with parallelism 2, and is to run with 4"); err != nil {
			return flinkjob.RunResult{}, err
		}
	}
	progress(flinkjob.Progress{Phase: "submitted", Cause: "accepted"})
	progress(flinkjob.Progress{Phase: "nodes", Cause: "0/3 nodes are available"})
	if f.err != nil {
		return flinkjob.RunResult{}, f.err
	}
	return flinkjob.RunResult{
		Job: "basic", Namespace: "flink-team-a", State: "RUNNING", ElapsedSeconds: 12.5,
		Checkpoint: flinkjob.Checkpoint{
			URI: "s3://b/chk-" + f.number(), Bytes: 10, At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		},
		Nodes: []flinkjob.NodeUse{{
			Name: "n1", InstanceType: "c5d.xlarge", CapacityType: "spot", NodePool: "p", Roles: []string{"taskmanager"},
		}},
	}, nil
}

func (f *fake) List(_ context.Context, team string) ([]flinkjob.Summary, error) {
	f.spec = flinkjob.Options{Team: team}
	return []flinkjob.Summary{{Job: "basic", Namespace: "flink-team-a", State: "RUNNING", Sample: "basic"}}, f.err
}

func (f *fake) Status(_ context.Context, name, team string) (flinkjob.StatusResult, error) {
	f.spec = flinkjob.Options{Team: team}
	return flinkjob.StatusResult{
		Job: name, Namespace: "flink-team-a", State: "RUNNING", LifecycleState: "STABLE", Cause: "waits for a checkpoint",
		Pods:       []flinkjob.PodStatus{{Name: "basic-tm-1", Role: "taskmanager", Phase: "Running", Ready: true, Node: "n1"}},
		Nodes:      []flinkjob.NodeUse{{Name: "n1", Roles: []string{"taskmanager"}}},
		Checkpoint: &flinkjob.Checkpoint{URI: "s3://b/chk-1", Bytes: 10, At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)},
	}, f.err
}

func (f *fake) Verify(_ context.Context, name, team string) (flinkjob.Verified, error) {
	f.spec = flinkjob.Options{Team: team}
	return flinkjob.Verified{
		Job: name, Namespace: "flink-team-a", Output: "s3://b/out/r", Files: 2, Events: 7, Last: 6 + f.lost, Lost: f.lost,
	}, f.err
}

func (f *fake) Delete(
	_ context.Context, name string, s flinkjob.Options, progress func(flinkjob.Progress),
) (flinkjob.DeleteResult, error) {
	f.spec = s
	progress(flinkjob.Progress{Phase: "deleting", Cause: "finalizer"})
	return flinkjob.DeleteResult{SchemaVersion: 1, Job: name, Deleted: f.found}, f.err
}

// exec runs `sample-job ARGS` with a session that is the fake.
func exec(t *testing.T, f *fake, args string) (*cmdtest.Run, error) {
	t.Helper()
	r := cmdtest.New(t)
	r.Factory.Reference.Samples = func() sample.List {
		return sample.List{
			SchemaVersion: 1, Samples: []sample.Sample{{
				Name: "basic", Title: "State machine", Description: "Generated events.",
				Settings: []sample.Setting{
					{Name: "brokers", Text: "t", Example: "e"}, {Name: "topic", Text: "t", Default: "d"},
				},
				Permissions: []string{"kafka-cluster:Connect"}, Takes: sample.Size{Pods: 4, CPU: 6, MemoryGiB: 9.5},
			}},
		}
	}
	r.Factory.IO.SetQuiet(strings.Contains(args, "json"))
	words := strings.Fields(args)
	open := func(context.Context) (Stack, error) { return f, nil }
	cmd := map[string]func() error{
		"list":   func() error { return r.Exec(t, NewListCmd(r.Factory, nil), words[1:]...) },
		"render": func() error { return r.Exec(t, NewRenderCmd(r.Factory, open, nil), words[1:]...) },
		"run":    func() error { return r.Exec(t, NewRunCmd(r.Factory, open, nil), words[1:]...) },
		"status": func() error { return r.Exec(t, NewStatusCmd(r.Factory, open, nil), words[1:]...) },
		"verify": func() error { return r.Exec(t, NewVerifyCmd(r.Factory, open, nil), words[1:]...) },
		"delete": func() error { return r.Exec(t, NewDeleteCmd(r.Factory, open, nil), words[1:]...) },
	}[words[0]]
	return r, cmd()
}

const simulated = "simulated: the AWS account is simulated\n"

func TestSampleJob(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args           string
		fake           fake
		code           int
		stdout, stderr string
	}{
		"list": {"list", fake{}, 0, "SAMPLE\tWHAT IT DOES\tTAKES\tNEEDS\n" +
			"basic\tState machine\t4 pods, 6 vCPU, 9.5 GiB\t--set brokers, permissions\n", ""},
		"render": {"render basic", fake{}, 0, "kind: FlinkDeployment\n", simulated},
		"run shows cause and nodes": {
			"run basic", fake{}, 0,
			"job basic in namespace flink-team-a is RUNNING; its first checkpoint took 12s\n" +
				"checkpoint: s3://b/chk-1 (10 bytes, 2026-01-02T03:04:05Z)\n" +
				"NODE\tINSTANCE TYPE\tCAPACITY\tNODE POOL\tRUNS\nn1\tc5d.xlarge\tspot\tp\ttaskmanager\n" +
				"delete it with: emrflink sample-job delete basic --stack local\n",
			"submitted: started\nsubmitted: accepted\nsubmitted: done in 0s\nnodes: started\nnodes: 0/3 nodes are available\n" +
				"nodes: done in 0s\n" + simulated,
		},
		"run fails with its cause": {
			"run basic", fake{err: errors.New("image cannot be pulled")}, 1, "",
			"submitted: started\nsubmitted: accepted\nsubmitted: done in 0s\n" +
				"nodes: started\nnodes: 0/3 nodes are available\nnodes: failed in 0s\n",
		},
		"a wait that ended": {"run basic", fake{err: context.DeadlineExceeded}, 6, "", "*"},
		"a run of a job that runs": {
			"run basic", fake{checkpoint: "6"}, 0,
			"job basic in namespace flink-team-a is RUNNING; checkpoint 6 came after 12s\n" +
				"checkpoint: s3://b/chk-6 (10 bytes, 2026-01-02T03:04:05Z)\n" +
				"NODE\tINSTANCE TYPE\tCAPACITY\tNODE POOL\tRUNS\nn1\tc5d.xlarge\tspot\tp\ttaskmanager\n" +
				"delete it with: emrflink sample-job delete basic --stack local\n", "*",
		},
		"a restart needs a yes":      {"run basic", fake{restarts: true}, 2, "", ""},
		"a restart that was allowed": {"run basic --yes", fake{restarts: true, err: errors.New("x")}, 1, "", "*"},
		"an unknown sample":          {"run basik", fake{}, 2, "", ""},
		"status of all": {
			"status", fake{}, 0, "JOB\tNAMESPACE\tSTATE\tSAMPLE\nbasic\tflink-team-a\tRUNNING\tbasic\n", simulated,
		},
		"status of one": {
			"status basic", fake{}, 0,
			"job basic in namespace flink-team-a: RUNNING, STABLE\ncause: waits for a checkpoint\n" +
				"checkpoint: s3://b/chk-1 (10 bytes, 2026-01-02T03:04:05Z)\n" +
				"POD\tROLE\tPHASE\tREADY\tNODE\nbasic-tm-1\ttaskmanager\tRunning\ttrue\tn1\n", simulated,
		},
		"verify": {
			"verify counting", fake{}, 0,
			"job counting: 7 events, 0 lost, 0 counted twice, 0 with a wrong count (2 files in s3://b/out/r)\n", simulated,
		},
		"verify what lost events": {
			"verify counting", fake{lost: 2}, 1,
			"job counting: 7 events, 2 lost, 0 counted twice, 0 with a wrong count (2 files in s3://b/out/r)\n", simulated,
		},
		"verify what wrote nothing": {
			"verify basic", fake{err: &flinkjob.NoOutputError{Job: "basic", Folder: "s3://b/out"}}, 4, "", "",
		},
		"delete": {
			"delete basic",
			fake{found: true},
			0,
			"job basic: deleted\n",
			"deleting: started\ndeleting: finalizer\ndeleting: done in 0s\n" + simulated,
		},
		"delete what is gone": {"delete basic", fake{}, 0, "job basic: gone already\n", "*"},
		"delete needs a name": {"delete", fake{}, 2, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := exec(t, &c.fake, c.args)
			require.Equal(t, c.code, cmdtest.Code(err), err)
			require.Empty(t, cmp.Diff(c.stdout, r.Out.String()))
			if c.stderr != "*" {
				require.Empty(t, cmp.Diff(c.stderr, r.Err.String()))
			}
		})
	}
}

func TestAFailedRunSaysWhatToDoNext(t *testing.T) {
	t.Parallel()
	_, err := exec(t, &fake{err: errors.New("x")}, "run basic --name mine")
	require.Equal(t, []string{"emrflink sample-job status mine --stack local", "emrflink sample-job delete mine --stack local"},
		cmdutil.Describe(err).Next)
}

// refused is a cause with the code of a job that the preflight did not let pass.
type refused struct{ error }

func (refused) Code() string { return "flinkjob.preflight" }

func TestARunThatSubmittedNothingHasNoJobToDelete(t *testing.T) {
	t.Parallel()
	_, err := exec(t, &fake{err: refused{errors.New("no NodePool takes the jobmanager pods")}}, "run basic")
	require.Equal(t, []string{"emrflink status --stack local", "emrflink deploy --stack local"}, cmdutil.Describe(err).Next)
}

func TestAJarThatIsNotBuiltNamesTheCommandThatBuildsIt(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"run basic", "render basic"} {
		_, err := exec(t, &fake{err: &flinkjob.NoJarError{Sample: "counting", Err: errors.New("x")}}, line)
		require.Equal(t, 2, cmdtest.Code(err))
		require.Equal(t, []string{"make samples"}, cmdutil.Describe(err).Next)
	}
}

func TestAWrongFlagOfARunDoesNotSuggestToDeleteTheJob(t *testing.T) {
	t.Parallel()
	err := &flinkjob.UnknownNameError{What: "team", Name: "nobody", Known: []string{"flink-team-a"}}
	_, got := exec(t, &fake{err: err}, "run basic --team nobody")
	require.Equal(t, 2, cmdtest.Code(got))
	require.Equal(t, []string{"emrflink sample-job run --help"}, cmdutil.Describe(got).Next)
}

func TestFlagsReachTheSpec(t *testing.T) {
	t.Parallel()
	all := flinkjob.Options{Sample: "basic", Name: "n", Team: "t", NodePool: "p", Parallelism: 4}
	timed := all
	timed.Timeout = 3 * time.Minute
	for args, want := range map[string]flinkjob.Options{
		"run basic --name n --team t --node-pool p --parallelism 4 --timeout 3m": timed,
		"run basic": {Sample: "basic", Timeout: 15 * time.Minute},
		"render basic --name n --team t --node-pool p --parallelism 4": all,
		"delete basic --team t --timeout 3m":                           {Team: "t", Timeout: 3 * time.Minute},
		"status basic --team t":                                        {Team: "t"},
		"status --team t":                                              {Team: "t"},
		"verify counting --team t":                                     {Team: "t"},
	} {
		f := &fake{}
		_, err := exec(t, f, args)
		require.NoError(t, err, args)
		require.Equal(t, want, f.spec, args)
	}
}

func TestJSONHasTheAgreedFields(t *testing.T) {
	t.Parallel()
	node := []string{"nodes", "nodes[].name", "nodes[].instanceType", "nodes[].capacityType", "nodes[].nodePool", "nodes[].roles"}
	checkpoint := []string{"checkpoint", "checkpoint.uri", "checkpoint.bytes", "checkpoint.at"}
	for args, want := range map[string][]string{
		"list -o json": {
			"schemaVersion", "samples", "samples[].name", "samples[].title", "samples[].description", "samples[].settings",
			"samples[].settings[].name", "samples[].settings[].text", "samples[].settings[].default",
			"samples[].settings[].example", "samples[].permissions", "samples[].takes", "samples[].takes.pods",
			"samples[].takes.cpu", "samples[].takes.memoryGiB",
		},
		"run basic -o json": append(append([]string{
			"schemaVersion", "job", "namespace", "state", "elapsedSeconds", "simulated",
		}, node...), checkpoint...),
		"status -o json": {
			"schemaVersion", "simulated", "jobs", "jobs[].name", "jobs[].namespace", "jobs[].state", "jobs[].sample",
			"jobs[].kind", "jobs[].health", "jobs[].cause", "jobs[].lifecycle", "jobs[].parallelism", "jobs[].restarts",
			"jobs[].release", "jobs[].notAssessed",
		},
		"status basic -o json": append(append([]string{
			"schemaVersion", "job", "namespace", "state", "lifecycle", "jobManager", "cause", "simulated", "pods", "pods[].name",
			"pods[].role", "pods[].phase", "pods[].ready", "pods[].node", "kind", "health",
		}, node...), checkpoint...),
		"verify counting -o json": {
			"schemaVersion", "job", "namespace", "output", "files", "events", "last", "lost", "twice", "wrong", "simulated",
		},
		"delete basic -o json": {"schemaVersion", "job", "namespace", "deleted", "elapsedSeconds", "simulated"},
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			r, err := exec(t, &fake{}, args)
			require.NoError(t, err)
			cmdtest.Fields(t, r.Out.Bytes(), want...)
			waits := strings.HasPrefix(args, "run") || strings.HasPrefix(args, "delete")
			require.Equal(t, waits, len(cmdtest.Progress(t, r.Err.String())) > 0)
		})
	}
}
