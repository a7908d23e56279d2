// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"emrflink/internal/check"
	"emrflink/internal/cli/cmdtest"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cost"
	"emrflink/internal/deploy"
	"emrflink/internal/flinkjob"
	"emrflink/internal/plans"
	"emrflink/internal/preview"
	"emrflink/internal/stack"
)

// fake plans one bucket and deploys it.
type fake struct {
	plan     preview.Report
	checks   []check.Check
	err      error
	moved    error // that the saved plan is not this one
	deployed bool
	closed   bool
	adopt    bool
	asked    deploy.Options
	grave    []preview.Step
	origin   error // that the stack is another deployment
	rename   bool
	moves    []flinkjob.Move
	movesErr error
}

func (f *fake) Info() stack.Info { return cmdtest.Info() }
func (f *fake) Close() error     { f.closed = true; return nil }
func (f *fake) CheckOrigin(_ context.Context, rename bool) error {
	f.rename = rename
	return f.origin
}

func (f *fake) Grave(context.Context, preview.Report) ([]preview.Step, error) {
	return slices.Clone(f.grave), nil
}

func (f *fake) Preflight(_ context.Context, adopt bool) ([]check.Check, error) {
	f.adopt = adopt
	return f.checks, nil
}

func (f *fake) Deployment(_ context.Context, o deploy.Options) (deploy.Deployment, error) {
	f.asked = o
	return f, nil
}

func (f *fake) Moves(context.Context) ([]flinkjob.Move, error) { return f.moves, f.movesErr }

func (f *fake) Plan(context.Context) (preview.Report, error) { return f.plan, nil }
func (f *fake) Matches(_ context.Context, _ preview.Report, path string) error {
	if path != "p.json" {
		return errors.New("another file: " + path)
	}
	return f.moved
}

func (f *fake) Deploy(_ context.Context, sink func(plans.Event)) (plans.Result, error) {
	f.deployed = true
	for _, s := range f.plan.Document.Steps {
		e := plans.Event{URN: s.URN, Type: s.Type, Name: s.Name, Op: plans.Op(s.Op)}
		for _, e.Kind = range []string{
			plans.EventStart, map[bool]string{true: plans.EventDone, false: plans.EventFailed}[f.err == nil],
		} {
			sink(e)
		}
		if f.err != nil {
			return plans.Result{}, f.err
		}
	}
	return plans.Result{Summary: f.plan.Document.Summary, Duration: 83 * time.Second}, nil
}

func bucketPlan() preview.Report {
	const typ = "aws:s3/bucketV2:BucketV2"
	return preview.Report{
		Document: preview.Document{
			Summary: plans.Summary{Create: 1, Same: 2},
			Steps: []preview.Step{{
				URN:  "urn:pulumi:local::emrflink::emrflink:checkpoints:Checkpoints$" + typ + "::b",
				Type: typ,
				Name: "b",
				Op:   "create",
			}},
		},
		After: cost.Estimate{
			Items:     []cost.Item{{Name: "c", What: "EKS cluster", Quantity: 1, HourlyUSD: 0.10}},
			HourlyUSD: 0.10, NotIncluded: []string{"S3 requests"},
		},
	}
}

func setup(t *testing.T, f *fake) (*cmdtest.Run, *Options) {
	t.Helper()
	r := cmdtest.New(t)
	return r, &Options{
		Globals: &cmdutil.Globals{},
		IO:      r.Factory.IO, Interrupt: r.Factory.Interrupt, Info: r.Factory.Info, Now: r.Factory.Now,
		Operations: Operations{Open: func(context.Context) (Stack, error) { return f, nil }},
	}
}

func TestFlags(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		want any
		code int
	}{
		"nothing is asked for":      {nil, Options{}, 0},
		"--yes and json":            {[]string{"--yes", "--output", "json"}, Options{Yes: true, Output: cmdutil.JSON}, 0},
		"an argument is refused":    {[]string{"extra"}, nil, 2},
		"a format is one of two":    {[]string{"--output", "yaml"}, nil, 2},
		"--adopt against a plan":    {[]string{"--adopt", "--plan", "p.json"}, nil, 2},
		"--refresh against a plan":  {[]string{"--refresh", "--plan", "p.json"}, nil, 2},
		"short flags mean the same": {[]string{"-y", "-o", "text"}, Options{Yes: true, Output: cmdutil.Text}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := cmdtest.New(t)
			var got any
			err := r.Exec(t, NewCmd(r.Factory, Operations{}, cmdtest.Keep[Options](&got)), c.args...)
			require.Equal(t, c.code, cmdtest.Code(err))
			require.Equal(t, c.want, got)
		})
	}
}

func TestWhatIsReadAndAdoptedIsWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	const group = "/aws/eks/x/cluster"
	for _, want := range []deploy.Options{{}, {Refresh: true}, {Adopt: []string{group}}} {
		adopt := want.Adopt != nil
		f := &fake{plan: bucketPlan()}
		if adopt {
			f.checks = []check.Check{{ID: "names", Status: check.OK, Adopts: want.Adopt}}
		}
		_, opts := setup(t, f)
		opts.Yes, opts.Adopt, opts.Refresh = true, adopt, want.Refresh
		require.NoError(t, run(t.Context(), opts))
		require.Equal(t, adopt, f.adopt)
		require.Equal(t, want, f.asked)
	}
}

func TestDeployShowsThePlanOnStderrAndTheResultOnStdout(t *testing.T) {
	t.Parallel()
	f := &fake{plan: bucketPlan()}
	r, opts := setup(t, f)
	opts.Yes = true
	require.NoError(t, run(t.Context(), opts))
	require.True(t, f.deployed)
	require.True(t, f.closed)
	want := `deployed stack local in 1m23s: 1 created, 0 updated, 0 replaced, 0 deleted, 2 unchanged
  use kubectl:       emrflink kubeconfig --stack local
  run a Flink job:   emrflink sample-job run basic --stack local
  remove everything: emrflink cleanup --stack local
`
	require.Empty(t, cmp.Diff(want, r.Out.String()))
	for _, s := range []string{
		"stack local (defaults), target local, region us-west-2, deployment emr-eks-flink\n",
		"plan: 1 to create, 0 to update, 0 to replace, 0 to delete, 2 unchanged\n",
		"c\t1 x EKS cluster\t$0.1000\t$73.00\ntotal\tat AWS's list prices\t$0.1000\t$73.00\n",
		"not in the total: S3 requests\n",
		"checkpoint bucket: started (on AWS usually 10s)\ncheckpoint bucket: done in 0s\n",
		"simulated: the AWS account is simulated\n",
	} {
		require.Contains(t, r.Err.String(), s)
	}
}

func TestDeployAsJSONHasTheAgreedFieldsAndProgressAsObjects(t *testing.T) {
	t.Parallel()
	r, opts := setup(t, &fake{plan: bucketPlan()})
	opts.Yes, opts.Output = true, cmdutil.JSON
	r.Factory.IO.SetQuiet(true)
	require.NoError(t, run(t.Context(), opts))
	require.Contains(t, cmdtest.Progress(t, r.Err.String()), "checkpoint bucket: started (on AWS usually 10s)")
	var doc map[string]any
	require.NoError(t, json.Unmarshal(r.Out.Bytes(), &doc))
	require.Equal(t,
		[]string{
			"deployment", "durationSeconds", "jobs", "next", "region", "schemaVersion", "simulated", "stack", "summary", "target",
			"warnings",
		},
		slices.Sorted(maps.Keys(doc)))
	require.InDelta(t, 1, doc["schemaVersion"], 0)
}

func TestWithoutTerminalAndYesNothingIsOpened(t *testing.T) {
	t.Parallel()
	f := &fake{plan: bucketPlan()}
	_, opts := setup(t, f)
	opts.Open = func(context.Context) (Stack, error) { return nil, errors.New("opened") }
	err := run(t.Context(), opts)
	require.Equal(t, 2, cmdtest.Code(err))
	require.Equal(t, []string{"pass --yes"}, cmdutil.Describe(err).Next)
	require.False(t, f.deployed)
}

func TestAQuestionIsAskedAndNoIsRespected(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer   string
		code     int
		deployed bool
	}{
		"yes deploys":           {"y\n", 0, true},
		"the default is no":     {"\n", 130, false},
		"anything else is a no": {"maybe\n", 130, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{plan: bucketPlan()}
			r, opts := setup(t, f)
			r.Factory.IO.SetTTY(true, false, true)
			r.Factory.IO.SetEnv(func(k string) string { return map[string]string{"CI": "1"}[k] })
			r.In.WriteString(c.answer)
			require.Equal(t, c.code, cmdtest.Code(run(t.Context(), opts)))
			require.Equal(t, c.deployed, f.deployed)
			require.Contains(t, r.Err.String(), `Deploy stack "local"? [y/N] `)
		})
	}
}

func TestAFailedDeploySaysHowToGoOnAndHowToRemove(t *testing.T) {
	t.Parallel()
	r, opts := setup(t, &fake{plan: bucketPlan(), err: errors.New("BucketAlreadyExists: taken")})
	opts.Yes = true
	err := run(t.Context(), opts)
	require.Equal(t, 1, cmdtest.Code(err))
	require.Equal(t, cmdutil.Report{
		Error: `deploy stack "local"`, Cause: "BucketAlreadyExists: taken", Code: "failed", Exit: 1, Problems: []string{},
		Next: []string{"emrflink deploy --stack local", "emrflink cleanup --stack local   # removes what exists"},
	}, cmdutil.Describe(err))
	require.Empty(t, r.Out.String())
	require.Contains(t, r.Err.String(), "checkpoint bucket: failed in 0s\n")
}

func TestWhatAnInterruptStopsIsNoFailure(t *testing.T) {
	t.Parallel()
	f := &fake{plan: bucketPlan()}
	r, opts := setup(t, f)
	tr := track(opts.IO, f.plan.Document.Steps, "")
	step := plans.Event{URN: f.plan.Document.Steps[0].URN, Type: f.plan.Document.Steps[0].Type, Name: "b"}
	follow := func(kind, message string, interrupted bool) {
		e := step
		e.Kind, e.Message, e.Interrupted = kind, message, interrupted
		opts.follow(tr, e)
	}
	follow(plans.EventStart, "", false)
	follow(plans.EventDiagnostic, "1 error occurred:\n\t* creating the bucket: cancelled by the engine", true)
	follow(plans.EventFailed, "", true)
	follow(plans.EventDiagnostic, "error: saving the state: no space left on device", false)
	tr.end(false)
	require.Equal(t, "checkpoint bucket: started (usually 10s)\ndiagnostic: error: saving the state: no space left on device\n"+
		"checkpoint bucket: stopped in 0s\n", r.Err.String())
}

func TestWhatStaysAsItIsMovesNoPhase(t *testing.T) {
	t.Parallel()
	f := &fake{plan: bucketPlan()}
	r, opts := setup(t, f)
	tr := track(opts.IO, f.plan.Document.Steps, "")
	planned := f.plan.Document.Steps[0]
	for _, urn := range []string{planned.URN + "-policy", planned.URN, planned.URN + "-encryption"} {
		for _, kind := range []string{"start", "done"} {
			opts.follow(tr, plans.Event{Kind: kind, URN: urn, Type: planned.Type, Name: "b"})
		}
	}
	tr.end(true)
	require.Equal(t, "checkpoint bucket: started (usually 10s)\ncheckpoint bucket: done in 0s\n", r.Err.String())
}

func TestAPlanThatMovedIsRefused(t *testing.T) {
	t.Parallel()
	moved := &cmdutil.Error{
		What: "the plan p.json is not carried out", Cause: errors.New("the settings were changed"), Exit: cmdutil.ExitUsage,
	}
	for name, c := range map[string]struct {
		before, after error
		opened        bool
		code          int
	}{
		"before anything is contacted": {before: moved, code: 2},
		"after the new plan":           {after: moved, opened: true, code: 2},
		"not at all":                   {opened: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{plan: bucketPlan()}
			f.plan.Document.Steps[0].MayReplace, f.moved = true, c.after
			r, opts := setup(t, f)
			opened := false
			open := opts.Open
			opts.Open = func(ctx context.Context) (Stack, error) { opened = true; return open(ctx) }
			opts.CheckPlan = func(file string) error { require.Equal(t, "p.json", file); return c.before }
			opts.Plan, opts.Yes = "p.json", true
			require.Equal(t, c.code, cmdtest.Code(run(t.Context(), opts)))
			require.Equal(t, c.opened, opened)
			require.Equal(t, c.code == 0, f.deployed)
			require.Equal(t, c.opened, f.closed)
			if opened {
				require.Contains(t, r.Err.String(), "0 to update (1 of them may be replaced)")
			}
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
	f := &fake{plan: bucketPlan(), err: locked{}}
	r, opts := setup(t, f)
	opts.Yes = true
	err := run(t.Context(), opts)
	d := cmdutil.Describe(err)
	require.Equal(t, `deploy stack "local": nothing was changed`, d.Error)
	require.Equal(t, "another run works on it: deploy by ann", d.Cause)
	require.Equal(t, []string{"wait for it"}, d.Next)
	require.Equal(t, 1, cmdtest.Code(err))
	require.Empty(t, r.Out.String())
}

// The jobs that a deploy leaves on another release are listed before the question, each with what an upgrade would start from.
func TestAnotherReleaseListsTheJobs(t *testing.T) {
	t.Parallel()
	const to = "emr-7.13.0-flink-20260410"
	moves := []flinkjob.Move{
		{Job: "a", Namespace: "team", Release: "emr-7.12.0-flink-latest", To: to, From: flinkjob.FromSavepoint,
			Command: "emrflink job upgrade a --release " + to},
		{Job: "b", Namespace: "team", Release: "emr-7.12.0-flink-latest", To: to, From: flinkjob.FromCheckpoint,
			State: "s3://b/sp-1", At: cmdtest.New(t).Factory.Now().Add(-time.Hour)},
		{Job: "c", Namespace: "team", To: to, Refused: "it is suspended by its last checkpoint",
			Command: "emrflink job resume c\nx"},
		{Job: "d", Namespace: "team", To: to, NotAssessed: "AccessDenied"},
	}
	r, opts := setup(t, &fake{plan: bucketPlan(), moves: moves})
	opts.Yes = true
	require.NoError(t, run(t.Context(), opts))
	for _, says := range []string{
		"4 jobs are of another release than " + to + "; a deploy moves none:",
		"a\tteam\temr-7.12.0-flink-latest\ta savepoint with which it is stopped\temrflink job upgrade a --release " + to,
		"b\tteam\temr-7.12.0-flink-latest\ts3://b/sp-1, of 1h00m ago",
		"refused: it is suspended by its last checkpoint\temrflink job resume c\n", "not assessed: AccessDenied",
	} {
		require.Contains(t, r.Err.String(), says)
	}
	r, opts = setup(t, &fake{plan: bucketPlan(), moves: moves[:1]})
	opts.Yes, opts.Output = true, cmdutil.JSON
	require.NoError(t, run(t.Context(), opts))
	var doc struct{ Jobs []flinkjob.Move }
	require.NoError(t, json.Unmarshal(r.Out.Bytes(), &doc))
	require.Equal(t, moves[:1], doc.Jobs)

	f := &fake{plan: bucketPlan(), movesErr: errors.New("no route to host")}
	r, opts = setup(t, f)
	opts.Yes = true
	require.NoError(t, run(t.Context(), opts))
	require.True(t, f.deployed)
	require.Contains(t, r.Err.String(), "which jobs have another release is not known: no route to host")
}
