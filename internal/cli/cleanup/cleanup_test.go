// SPDX-License-Identifier: Apache-2.0

package cleanup

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"emrflink/internal/awsapi"
	"emrflink/internal/cleanup"
	"emrflink/internal/cli/cmdtest"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/plans"
	"emrflink/internal/stack"
)

type fake struct {
	plan   cleanup.Plan
	report cleanup.Report
	err    error
	ran    bool
}

func (f *fake) Info() stack.Info                                           { return cmdtest.Info() }
func (f *fake) Close() error                                               { return nil }
func (f *fake) Cleanup(context.Context, cleanup.Choices) (Teardown, error) { return f, nil }
func (f *fake) Plan() cleanup.Plan                                         { return f.plan }
func (f *fake) Run(_ context.Context, report func(cleanup.Progress)) (cleanup.Report, error) {
	f.ran = true
	phase := cleanup.Phase{Name: "flink jobs"}
	report(cleanup.Progress{Phase: phase, State: cleanup.StateStart, Cause: "1 job"})
	report(cleanup.Progress{Phase: phase, State: cleanup.StateDone})
	return f.report, f.err
}

var bucket = cleanup.Item{Service: "s3", Type: "bucket", ID: "b", CreatedBy: "pulumi"}

func full() *fake {
	return &fake{
		plan: cleanup.Plan{
			Account: "111122223333", Region: "us-west-2", Deployment: "emr-eks-flink",
			Phases: []cleanup.Phase{{Name: "flink jobs"}},
			Planned: cleanup.Planned{
				Resources: 3, ByService: map[string]int{"s3": 1, "ec2": 2}, HourlyUSD: 1.5,
				Outside:  []cleanup.Item{{Service: "ec2", Type: "instance", ID: "i-1", CreatedBy: "karpenter"}},
				DataLoss: []string{"bucket b: 12 objects"},
			},
		},
		report: cleanup.Report{SchemaVersion: 1, Deleted: []cleanup.Item{bucket}, Verified: true},
	}
}

func setup(t *testing.T, f *fake) (*cmdtest.Run, *Options) {
	t.Helper()
	r := cmdtest.New(t)
	return r, &Options{
		IO: r.Factory.IO, Globals: r.Factory.Globals, Interrupt: r.Factory.Interrupt, Info: r.Factory.Info,
		Open: func(context.Context) (Stack, error) { return f, nil },
	}
}

const planText = `cleanup of stack local: account 111122223333, region us-west-2, deployment emr-eks-flink
deletes 3 recorded resources (ec2 2, s3 1)
ALSO DELETED	TYPE	MADE BY
i-1	ec2 instance	karpenter
lost for good: bucket b: 12 objects
ends costs of $1.5000 per hour, $1095.00 per month
`

func TestCleanupDeletesAndReports(t *testing.T) {
	t.Parallel()
	f := full()
	r, opts := setup(t, f)
	opts.Yes = true
	require.NoError(t, run(t.Context(), opts))
	require.Empty(t, cmp.Diff("OUTCOME\tSERVICE\tTYPE\tID\tUSD/HOUR\tWHY\ndeleted\ts3\tbucket\tb\t\t\n"+
		"1 deleted, 0 left as expected, 0 left unexpectedly\nnothing is left\n", r.Out.String()))
	require.Empty(t, cmp.Diff("look at what exists: started\nlook at what exists: done in 0s\n"+planText+
		"simulated: the AWS account is simulated\n1 of 1, flink jobs: started\n1 of 1, flink jobs: 1 job\n"+
		"1 of 1, flink jobs: done in 0s\n", r.Err.String()))
}

func TestACleanupThatDidNotEndDoesNotSayThatNothingIsLeft(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		verified bool
		err      error
		says     string
	}{
		"interrupted before it looked": {
			false, context.Canceled, "1 deleted; the cleanup did not finish: what is left was not listed\n",
		},
		"failed, and nothing was found":   {true, errors.New("engine"), "1 deleted, 0 left as expected, 0 left unexpectedly\n"},
		"it ended, and nothing was found": {true, nil, "1 deleted, 0 left as expected, 0 left unexpectedly\nnothing is left\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := full()
			f.report.Verified, f.err = c.verified, c.err
			r, opts := setup(t, f)
			opts.Yes = true
			require.ErrorIs(t, run(t.Context(), opts), c.err)
			require.True(t, strings.HasSuffix(r.Out.String(), c.says), r.Out.String())
		})
	}
}

func TestADryRunDeletesNothing(t *testing.T) {
	t.Parallel()
	f := full()
	r, opts := setup(t, f)
	opts.DryRun = true
	require.NoError(t, run(t.Context(), opts))
	require.False(t, f.ran)
	require.Empty(t, cmp.Diff(planText+"dry run: nothing was deleted\n", r.Out.String()))
}

func TestASecondCleanupFindsNothing(t *testing.T) {
	t.Parallel()
	for asked, text := range map[bool]string{
		true:  "nothing is left of stack local: there is nothing to delete\n",
		false: "nothing is recorded of stack local, so there is nothing to delete; the account was not asked\n",
	} {
		f := &fake{plan: cleanup.Plan{Asked: asked}}
		r, opts := setup(t, f)
		opts.Yes = true
		require.NoError(t, run(t.Context(), opts))
		require.False(t, f.ran)
		require.Equal(t, text, r.Out.String())
		r, opts = setup(t, f)
		opts.Yes, opts.Output = true, cmdutil.JSON
		require.NoError(t, run(t.Context(), opts))
		var d cleanup.Document
		require.NoError(t, json.Unmarshal(r.Out.Bytes(), &d))
		require.Equal(t, asked, d.Verified)
	}
}

func TestALockedStackIsRefusedBeforeTheQuestion(t *testing.T) {
	t.Parallel()
	f := full()
	f.plan.NotReady = errors.New("StackLocked: by ann on host, process 7")
	r, opts := setup(t, f)
	opts.Yes = true
	require.ErrorContains(t, run(t.Context(), opts), "nothing was touched: StackLocked: by ann")
	require.False(t, f.ran)
	require.NotContains(t, r.Err.String(), "Type local")
}

func TestTheStacksNameMustBeTyped(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer string
		code   int
		ran    bool
	}{
		"the name deletes":   {"local\n", 0, true},
		"another name stops": {"prod\n", 130, false},
		"y is not enough":    {"y\n", 130, false},
		"nothing typed":      {"\n", 130, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := full()
			r, opts := setup(t, f)
			r.Factory.IO.SetTTY(true, false, true)
			r.Factory.IO.SetEnv(func(k string) string { return map[string]string{"CI": "1"}[k] })
			r.In.WriteString(c.answer)
			require.Equal(t, c.code, cmdtest.Code(run(t.Context(), opts)))
			require.Equal(t, c.ran, f.ran)
			require.Contains(t, r.Err.String(), "Type local to delete: ")
		})
	}
}

func TestWhatIsLeftDecidesTheExitCode(t *testing.T) {
	t.Parallel()
	left := cleanup.Item{Service: "ec2", Type: "volume", ID: "vol-1", HourlyUSD: 0.011, Reason: "VolumeInUse"}
	for name, c := range map[string]struct {
		report cleanup.Report
		err    error
		code   int
		cause  string
	}{
		"nothing left":    {cleanup.Report{}, nil, 0, ""},
		"left on purpose": {cleanup.Report{ExpectedResidue: []cleanup.Item{left}}, nil, 0, ""},
		"left though every step succeeded": {
			cleanup.Report{Unexpected: []cleanup.Item{left}}, nil, 7, "1 resource is left that should be gone: ec2 volume vol-1",
		},
		"left after a failed step": {
			cleanup.Report{Unexpected: []cleanup.Item{left}},
			errors.New("Throttling"),
			7,
			"1 resource is left that should be gone: ec2 volume vol-1\nThrottling",
		},
		"failed before anything was looked": {cleanup.Report{}, errors.New("Throttling"), 1, "Throttling"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := full()
			f.report, f.err = c.report, c.err
			_, opts := setup(t, f)
			opts.Yes = true
			err := run(t.Context(), opts)
			require.Equal(t, c.code, cmdtest.Code(err))
			if c.code != 0 {
				d := cmdutil.Describe(err)
				require.Equal(t, `clean up stack "local"`, d.Error)
				require.Equal(t, c.cause, d.Cause)
				require.Equal(t, []string{"emrflink cleanup --stack local"}, d.Next)
			}
		})
	}
}

func TestJSONHasTheAgreedFields(t *testing.T) {
	t.Parallel()
	f := full()
	f.report = cleanup.Report{
		SchemaVersion: 1, Deleted: []cleanup.Item{bucket}, ExpectedResidue: []cleanup.Item{bucket},
		Unexpected: []cleanup.Item{bucket}, NotChecked: []cleanup.Unknown{}, Errors: []string{}, Warnings: []string{},
		Savepoints: []cleanup.Savepoint{{}}, Skipped: []cleanup.Skipped{{}},
	}
	r, opts := setup(t, f)
	opts.Yes, opts.Output = true, cmdutil.JSON
	r.Factory.IO.SetQuiet(true)
	require.Equal(t, 7, cmdtest.Code(run(t.Context(), opts)))
	want := []string{
		"schemaVersion", "stack", "target", "account", "region", "deployment", "dryRun", "simulated", "errors", "verified",
		"warnings", "engineDeleted", "hourlyUSD", "elapsedSeconds", "skipped", "skipped[].phase", "skipped[].why", "forgotten",
		"planned", "planned.resources", "planned.byService", "planned.byService.ec2", "planned.byService.s3", "planned.dataLoss",
		"planned.hourlyUSD", "planned.outside", "savepoints", "savepoints[].job", "savepoints[].path", "savepoints[].kept",
	}
	for _, list := range []string{"deleted", "expectedResidue", "unexpected", "notChecked"} {
		want = append(want, list)
	}
	for _, list := range []string{"deleted", "expectedResidue", "unexpected", "planned.outside"} {
		for _, field := range []string{
			"service", "type", "id", "arn", "createdBy", "hourlyUSD", "monthlyUSD", "reason", "command", "name", "state", "phase",
		} {
			want = append(want, list+"[]."+field)
		}
	}
	cmdtest.Fields(t, r.Out.Bytes(), want...)
	require.Contains(t, cmdtest.Progress(t, r.Err.String()), "1 of 1, flink jobs: 1 job")
}

// world is an account whose inventory answers at the start, and not any more at the end.
type world struct{ looks int }

func (w *world) Record(context.Context) (cleanup.Record, error) {
	return cleanup.Record{Exists: true, Resources: []plans.StateResource{{
		Type: "aws:sqs/queue:Queue", ID: "q", Custom: true,
		Outputs: map[string]any{"arn": "arn:aws:sqs:us-west-2:111122223333:q", "name": "q"},
	}}}, nil
}
func (w *world) Remove(context.Context) error { return nil }
func (w *world) Identity(context.Context) (awsapi.Identity, error) {
	return awsapi.Identity{Account: "111122223333"}, nil
}

func (w *world) DescribeCluster(context.Context, string) (awsapi.Cluster, error) {
	return awsapi.Cluster{}, &awsapi.Error{Op: "eks:DescribeCluster", Code: "ResourceNotFoundException"}
}

func (w *world) DeploymentResources(context.Context, awsapi.Deployment) ([]awsapi.Resource, error) {
	if w.looks++; w.looks > 2 {
		return nil, &awsapi.Error{Op: "ec2:DescribeVolumes", Code: "UnauthorizedOperation", Message: "not authorized"}
	}
	return nil, nil
}
func (w *world) Delete(context.Context, awsapi.Resource) error { return nil }
func (w *world) EmptyBucket(context.Context, string, func(awsapi.Emptied)) (int, error) {
	return 0, nil
}
func (w *world) WaitTerminated(context.Context, time.Duration, ...string) error { return nil }
func (w *world) Destroy(context.Context, func(cleanup.EngineEvent)) error       { return nil }
func (w *world) Ready(context.Context) error                                    { return nil }

// prepared is a stack whose cleanup is the real one, over a world in memory.
type prepared struct {
	*fake
	options cleanup.Options
}

func (p prepared) Cleanup(ctx context.Context, _ cleanup.Choices) (Teardown, error) {
	return cleanup.Prepare(ctx, p.options)
}

func TestWarningsAndErrorsOfACleanupReachTheUserAndTheJSON(t *testing.T) {
	t.Parallel()
	for _, format := range []cmdutil.Format{cmdutil.Text, cmdutil.JSON} {
		w := &world{}
		r, opts := setup(t, nil)
		opts.Yes, opts.Output = true, format
		opts.Open = func(context.Context) (Stack, error) {
			return prepared{&fake{}, cleanup.Options{
				Stack: "local", Region: "us-west-2", Deployment: "emr-eks-flink", Folder: t.TempDir(), Recorder: w,
				Settle: time.Millisecond,
				Tags:   func(string) map[string]string { return map[string]string{"deployment": "emr-eks-flink"} },
				Open: func(context.Context) (cleanup.World, error) {
					return cleanup.World{Account: w, Inventory: w, Engine: w}, nil
				},
			}}, nil
		}
		require.Equal(t, 7, cmdtest.Code(run(t.Context(), opts)))
		if format == cmdutil.Text {
			require.Regexp(t, "warning: .*UnauthorizedOperation", r.Err.String())
			continue
		}
		var d cleanup.Document
		require.NoError(t, json.Unmarshal(r.Out.Bytes(), &d))
		require.False(t, d.Verified)
		require.NotEmpty(t, d.Warnings)
		require.NotEmpty(t, d.Errors)
		require.Contains(t, d.Errors[len(d.Errors)-1], "UnauthorizedOperation")
		require.Equal(t, 1, d.Planned.Resources)
	}
}

func TestWhatIsLeftComesWithTheCommandThatDeletesIt(t *testing.T) {
	t.Parallel()
	f := full()
	f.report = cleanup.Report{Verified: true, Unexpected: []cleanup.Item{{
		Service: "ec2", Type: "volume", ID: "vol-1", Command: "aws ec2 delete-volume --volume-id vol-1",
	}}}
	r, opts := setup(t, f)
	opts.Yes = true
	require.Equal(t, 7, cmdtest.Code(run(t.Context(), opts)))
	require.Contains(t, r.Out.String(), "delete volume vol-1 by hand: aws ec2 delete-volume --volume-id vol-1\n")
}

func TestSavepointsArePrinted(t *testing.T) {
	t.Parallel()
	f := full()
	f.report = cleanup.Report{Verified: true, Savepoints: []cleanup.Savepoint{
		{Job: "FlinkDeployment a/b", Path: "s3://x/savepoint-1", Kept: true},
		{Job: "FlinkSessionJob a/c", Path: "s3://y/savepoint-2"},
	}}
	r, opts := setup(t, f)
	opts.Yes = true
	require.NoError(t, run(t.Context(), opts))
	require.Contains(t, r.Out.String(), "savepoint of FlinkDeployment a/b: s3://x/savepoint-1 (kept)\n"+
		"savepoint of FlinkSessionJob a/c: s3://y/savepoint-2 (deleted with its bucket)\n")
}

func TestTheFlagsOfASavepointCountOnlyBesideIt(t *testing.T) {
	t.Parallel()
	for _, flag := range []string{"--timeout=3m", "--delete-without-savepoint"} {
		r := cmdtest.New(t)
		cmd := NewCmd(r.Factory, nil, func(context.Context, *Options) error { return nil })
		require.Equal(t, 2, cmdtest.Code(r.Exec(t, cmd, flag)), flag)
	}
}

func TestYesCountsOnlyBesideAnExplicitStack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		named bool
		code  int
	}{"named": {true, 0}, "not named": {false, 2}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := cmdtest.New(t)
			r.Factory.Globals.StackNamed = c.named
			cmd := NewCmd(r.Factory, nil, func(context.Context, *Options) error { return nil })
			require.Equal(t, c.code, cmdtest.Code(r.Exec(t, cmd, "--yes")))
		})
	}
}

// locked is what the engine says of a stack that another command works on.
type locked struct{}

func (locked) Error() string { return "another run works on it: deploy by ann" }
func (locked) Code() string  { return "StackLocked" }
func (locked) Hint() string  { return "wait for it" }

func TestALockedStackIsWaitedForAndNothingElse(t *testing.T) {
	t.Parallel()
	f := full()
	f.report, f.err = cleanup.Report{}, locked{}
	r, opts := setup(t, f)
	opts.Globals.StackNamed, opts.Yes = true, true
	err := run(t.Context(), opts)
	d := cmdutil.Describe(err)
	require.Equal(t, `clean up stack "local": nothing was touched`, d.Error)
	require.Equal(t, "another run works on it: deploy by ann", d.Cause)
	require.Equal(t, []string{"wait for it"}, d.Next)
	require.Equal(t, 1, cmdtest.Code(err))
	require.Empty(t, r.Out.String())
}
