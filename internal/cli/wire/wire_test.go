// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/awsapi"
	"emrflink/internal/cleanup"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cli/root"
	"emrflink/internal/engine"
	"emrflink/internal/iostreams"
	"emrflink/internal/preflight"
	"emrflink/stacks"
)

// newApp returns the factory of a run in a folder of its own.
func newApp(t *testing.T, stackFile string) (*cmdutil.Factory, string) {
	t.Helper()
	f, _, home := newRun(t, stackFile)
	return f, home
}

func newRun(t *testing.T, stackFile string) (*cmdutil.Factory, root.Operations, string) {
	t.Helper()
	ios, _, _, _ := iostreams.Test()
	home := filepath.Join(t.TempDir(), "home")
	ios.SetEnv(func(k string) string { return map[string]string{"EMRFLINK_HOME": home}[k] })
	f, operations := New(Options{IO: ios, Interrupt: cmdutil.NewInterrupt(), Version: "v1", Command: "test"})
	f.Globals.Stack = "local"
	if stackFile != "" {
		f.Globals.ConfigFile = filepath.Join(t.TempDir(), "Pulumi.local.yaml")
		require.NoError(t, os.WriteFile(f.Globals.ConfigFile, []byte(stackFile), 0o600))
	}
	return f, operations, home
}

func TestTheStackLocalHasItsDefaults(t *testing.T) {
	t.Parallel()
	f, home := newApp(t, "")
	info, err := f.Info()
	require.NoError(t, err)
	require.Equal(t, "local emr-eks-flink us-west-2 local "+home,
		fmt.Sprint(info.Target, " ", info.Deployment, " ", info.Region, " ", info.Stack, " ", info.Home))
	require.NoDirExists(t, home, "nothing is touched")
}

func TestWrongSettingsAreListedAndNothingIsTouched(t *testing.T) {
	t.Parallel()
	f, home := newApp(t, "config:\n  emrflink:vpcCdir: 10.0.0.0/16\n  emrflink:region: mars-1\n")
	_, err := f.Info()
	r := cmdutil.Describe(err)
	require.Equal(t, 2, r.Exit)
	require.Equal(t, "the settings have 2 problems", r.Error)
	require.Len(t, r.Problems, 2)
	require.Contains(t, r.Problems[0]+r.Problems[1], "mars-1")
	require.Contains(t, r.Problems[0]+r.Problems[1], `did you mean "vpcCidr"?`)
	require.NoDirExists(t, home)
}

func TestErrorsOfTheDomainKeepTheirFacets(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		want cmdutil.Report
	}{
		"the engine's": {
			fmt.Errorf("x: %w", &engine.Failure{Code: engine.CodeStateCorrupt, Message: "broken", Hint: "copy the backup"}),
			cmdutil.Report{Code: engine.CodeStateCorrupt, Exit: 2, Next: []string{"copy the backup"}},
		},
		"AWS's, denied": {
			&awsapi.Error{Op: "sts:GetCallerIdentity", Code: "ExpiredToken", Message: "expired"},
			cmdutil.Report{Code: "ExpiredToken", Exit: 3, Next: []string{"the credentials have expired: sign in again"}},
		},
		"AWS's, other": {
			&awsapi.Error{Op: "s3:GetObject", Code: "NoSuchKey", Message: "none"},
			cmdutil.Report{Code: "NoSuchKey", Exit: 1, Next: []string{}},
		},
		"one of nobody": {errors.New("x"), cmdutil.Report{Code: "failed", Exit: 1, Next: []string{}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := cmdutil.Describe(classify(c.err))
			require.Equal(t, c.want, cmdutil.Report{Code: got.Code, Exit: got.Exit, Next: got.Next})
		})
	}
	require.NoError(t, classify(nil))
}

func TestTheWayAJobIsRunReadsTrustPoliciesAndObjects(t *testing.T) {
	t.Parallel()
	a := &awsapi.Client{}
	r := newRunner(nil, a)
	require.Same(t, a, r.Trust, "the preflight compares the role's trust with the service accounts")
	require.Same(t, a, r.Objects)
}

func TestACleanupCanForgetAClusterThatIsGone(t *testing.T) {
	t.Parallel()
	e, err := engine.Open(t.Context(), engine.Options{Stack: "never", Home: t.TempDir(), Program: stacks.Blueprint})
	require.NoError(t, err)
	var f cleanup.Forgetter = destroyer{e: e}
	n, err := f.ForgetKubernetes(t.Context())
	require.NoError(t, err, "a stack that was never deployed has nothing to forget")
	require.Zero(t, n)
}

func TestWhatAStackNeedsComesFromItsTarget(t *testing.T) {
	t.Parallel()
	f, _ := newApp(t, "config:\n  emrflink:target: aws\n")
	info, err := f.Info()
	require.NoError(t, err)
	require.True(t, info.Needs.Credentials)
	require.Equal(t, []string{"aws", "kubectl"}, info.Needs.Programs)
	f, _ = newApp(t, "")
	info, err = f.Info()
	require.NoError(t, err)
	require.True(t, info.Needs.Daemon)
}

func TestAnInterruptSaysWhatItLeftBehind(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		engine.CodeCancelled: "recorded", engine.CodeKilled: "recorded", engine.CodeLocked: "",
	} {
		var o interface{ Outcome() string }
		require.ErrorAs(t, classify(&engine.Failure{Code: code, Message: "recorded"}), &o)
		require.Equal(t, want, o.Outcome(), code)
	}
}

func TestWithoutRoomForTheStateTheTargetIsNotOpened(t *testing.T) {
	t.Parallel()
	_, operations, home := newRun(t, "")
	// A state of a terabyte, of which the disk holds nothing: several times that is not free anywhere.
	state := filepath.Join(home, "backend", ".pulumi", "stacks", "emrflink", "local.json")
	require.NoError(t, os.MkdirAll(filepath.Dir(state), 0o700))
	require.NoError(t, os.WriteFile(state, nil, 0o600))
	require.NoError(t, os.Truncate(state, 1<<40))
	s, err := operations.Preview.OpenStack(t.Context())
	require.NoError(t, err)
	_, err = s.Plan(t.Context())
	r := cmdutil.Describe(err)
	require.Equal(t, engine.CodeNoSpace, r.Code, err)
	require.Equal(t, 2, r.Exit)
	require.NoDirExists(t, filepath.Join(home, "local"), "the local target was started")
}

func TestACorruptStateIsFoundBeforeTheTargetIsOpened(t *testing.T) {
	t.Parallel()
	_, operations, home := newRun(t, "")
	state := filepath.Join(home, "backend", ".pulumi", "stacks", "emrflink", "local.json")
	require.NoError(t, os.MkdirAll(filepath.Dir(state), 0o700))
	require.NoError(t, os.WriteFile(state, []byte("{"), 0o600))
	s, err := operations.Preview.OpenStack(t.Context())
	require.NoError(t, err)
	_, err = s.Plan(t.Context())
	r := cmdutil.Describe(err)
	require.Equal(t, engine.CodeStateCorrupt, r.Code, err)
	require.Equal(t, 2, r.Exit)
	require.NoDirExists(t, filepath.Join(home, "local"), "the local target was started")
}

func TestWhatTheLocalTargetCannotStartWithIsASetting(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ variable, value, stackFile, want string }{
		"a port that is none":            {"EMRFLINK_LOCAL_PORT", "http", "", `EMRFLINK_LOCAL_PORT="http"`},
		"a speed that is none":           {"EMRFLINK_SPEED", "fast", "", `EMRFLINK_SPEED="fast"`},
		"another target does not use it": {"EMRFLINK_SPEED", "fast", "config:\n  emrflink:target: aws\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, home := newApp(t, c.stackFile)
			f.IO.SetEnv(func(k string) string { return map[string]string{"EMRFLINK_HOME": home, c.variable: c.value}[k] })
			_, err := f.Info()
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
			require.Equal(t, 2, cmdutil.Describe(err).Exit)
			require.NoDirExists(t, home)
		})
	}
}

func TestAStackThatWasNeverDeployedHasNothingRecorded(t *testing.T) {
	t.Parallel()
	f, _ := newApp(t, "")
	a := &app{io: f.IO, globals: f.Globals, interrupt: f.Interrupt, version: "v1", log: f.Log}
	set, err := a.readSettings()
	require.NoError(t, err)
	recorded, err := (&onTarget{app: a, settings: set}).recorded(t.Context())
	require.NoError(t, err)
	require.Equal(t, preflight.Recorded{}, recorded)
}

func TestTheStateOfPulumisOwnCommandsIsTakenOutOfTheirArguments(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args, rest []string
		state      string
	}{
		"none":         {[]string{"stack", "ls"}, []string{"stack", "ls"}, "from the environment"},
		"before":       {[]string{"--state", "s3://a", "stack", "ls"}, []string{"stack", "ls"}, "s3://a"},
		"after":        {[]string{"stack", "--state=s3://b", "ls"}, []string{"stack", "ls"}, "s3://b"},
		"not of ours":  {[]string{"up", "--", "--state", "x"}, []string{"up", "--", "--state", "x"}, "from the environment"},
		"another word": {[]string{"state", "delete", "u"}, []string{"state", "delete", "u"}, "from the environment"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := &app{globals: &cmdutil.Globals{State: "from the environment"}}
			rest, err := a.takeState(c.args)
			require.NoError(t, err)
			require.Equal(t, c.rest, rest)
			require.Equal(t, c.state, a.globals.State)
		})
	}
	_, err := (&app{globals: &cmdutil.Globals{}}).takeState([]string{"stack", "--state"})
	require.ErrorContains(t, err, "--state needs a URL")
}

func TestPulumisOwnCommandsOpenTheStateAsOursDo(t *testing.T) {
	t.Setenv("PULUMI_BACKEND_URL", "")
	ios, _, _, _ := iostreams.Test()
	ios.SetEnv(func(k string) string { return map[string]string{"AWS_REGION": "eu-west-1"}[k] })
	a := &app{io: ios, globals: &cmdutil.Globals{Stack: "local"}}
	require.NoError(t, a.exportState(t.Context()))
	require.Empty(t, os.Getenv("PULUMI_BACKEND_URL"), "none was asked for")
	a.globals.State = "s3://states"
	require.NoError(t, a.exportState(t.Context()))
	require.Equal(t, "s3://states?region=eu-west-1", os.Getenv("PULUMI_BACKEND_URL"))
}
