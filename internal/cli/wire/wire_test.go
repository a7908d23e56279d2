// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"emrflink/internal/awsapi"
	"emrflink/internal/cleanup"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/engine"
	"emrflink/internal/iostreams"
	"emrflink/internal/plans"
	"emrflink/stacks"
)

// newApp returns the factory of a run in a folder of its own.
func newApp(t *testing.T, stackFile string) (*cmdutil.Factory, string) {
	t.Helper()
	ios, _, _, _ := iostreams.Test()
	home := filepath.Join(t.TempDir(), "home")
	ios.SetEnv(func(k string) string { return map[string]string{"EMRFLINK_HOME": home}[k] })
	f, _ := New(Options{IO: ios, Interrupt: cmdutil.NewInterrupt(), Version: "v1", Command: "test"})
	f.Globals.Stack = "local"
	if stackFile != "" {
		f.Globals.ConfigFile = filepath.Join(t.TempDir(), "Pulumi.local.yaml")
		require.NoError(t, os.WriteFile(f.Globals.ConfigFile, []byte(stackFile), 0o600))
	}
	return f, home
}

func TestTheStackLocalHasItsDefaults(t *testing.T) {
	t.Parallel()
	f, home := newApp(t, "")
	info, err := f.Info()
	require.NoError(t, err)
	require.Equal(t, "local emr-eks-flink us-west-2 local "+home, fmt.Sprint(info.Target, " ", info.Deployment, " ", info.Region, " ", info.Stack, " ", info.Home))
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

// custom is a recorded resource with what the provider answered.
func custom(typ, id string, out map[string]any) plans.StateResource {
	return plans.StateResource{Type: typ, ID: id, Custom: true, Outputs: out, Inputs: map[string]any{}}
}

func TestTheScopeOfAHalfMadeDeploymentComesFromItsResources(t *testing.T) {
	t.Parallel()
	s := settings{config: stacks.Default()}
	s.info.Home, s.info.Stack = t.TempDir(), "dev"
	vpc := custom("aws:ec2/vpc:Vpc", "vpc-1", map[string]any{"arn": "arn:aws:ec2:us-west-2:111122223333:vpc/vpc-1"})
	vpc.Inputs["tags"] = map[string]any{"emrflink:deployment": "older-name"}
	resources := []plans.StateResource{
		{Type: "emrflink:network:Network"},
		vpc,
		custom("aws:s3/bucketV2:BucketV2", "b-1", nil),
		custom("aws:cloudwatch/logGroup:LogGroup", "g", map[string]any{"name": "/aws/x"}),
		custom("aws:sqs/queue:Queue", "https://q", map[string]any{"name": "q"}),
		custom("aws:iam/role:Role", "r", map[string]any{"name": "r"}),
	}
	sc, known, err := readScope(s, resources, nil)
	require.NoError(t, err)
	require.True(t, known)
	require.Equal(t, "111122223333", sc.Account)
	require.Empty(t, cmp.Diff(awsapi.Deployment{
		Name: "older-name", Cluster: "older-name", VPC: "vpc-1", Buckets: []string{"b-1"}, LogGroups: []string{"/aws/x"},
		Queues: []string{"q"}, Roles: []string{"r"},
		Tags: map[string]string{"emrflink:deployment": "older-name", "emrflink:managed-by": "emrflink"},
	}, sc.Deployment))

	// The state forgets as the engine works; what was written down stays.
	require.NoError(t, sc.save())
	again, known, err := readScope(s, nil, nil)
	require.NoError(t, err)
	require.True(t, known)
	require.Empty(t, cmp.Diff(sc.Scope, again.Scope))
	require.NoError(t, again.forget())
	require.NoError(t, again.forget())
	_, known, err = readScope(s, nil, nil)
	require.NoError(t, err)
	require.False(t, known, "nothing is recorded, so nothing may be deleted")
}

func TestAVPCThatTheStateDoesNotHaveIsNobodysToCleanUp(t *testing.T) {
	t.Parallel()
	s := settings{config: stacks.Default()}
	s.info.Home, s.info.Stack = t.TempDir(), "dev"
	sc, known, err := readScope(s, []plans.StateResource{
		custom("aws:ec2/tag:Tag", "subnet-1,kubernetes.io/cluster/x", nil), custom("aws:kms/key:Key", "k-1", nil),
	}, map[string]engine.Output{"vpcId": {Value: "vpc-of-others"}})
	require.NoError(t, err)
	require.True(t, known)
	require.Empty(t, sc.Deployment.VPC, "what is inside it belongs to others")
	require.Equal(t, []string{"k-1"}, sc.Deployment.Keys)
}

func TestTheServiceOfAType(t *testing.T) {
	t.Parallel()
	for typ, want := range map[string]string{
		"aws:ec2/vpc:Vpc": "ec2", "aws:s3/bucketV2:BucketV2": "s3", "kubernetes:core/v1:Namespace": "kubernetes", "eks:index:Cluster": "eks",
	} {
		require.Equal(t, want, service(typ))
	}
}

func TestPrices(t *testing.T) {
	t.Parallel()
	price := pricer("us-west-2")
	require.InDelta(t, 0.10, price(awsapi.Resource{Type: awsapi.TypeCluster, ID: "c", Detail: map[string]string{"version": "1.35"}}), 1e-9)
	require.Positive(t, price(awsapi.Resource{Type: awsapi.TypeVolume, ID: "v", Detail: map[string]string{"volumeType": "gp3", "sizeGiB": "100"}}))
	require.Zero(t, price(awsapi.Resource{Type: awsapi.TypeVPC, ID: "vpc-1"}))
}

func TestTheWayAJobIsRunReadsTrustPoliciesAndObjects(t *testing.T) {
	t.Parallel()
	a := &awsapi.Client{}
	r := newRunner(nil, a, time.Minute)
	require.Same(t, a, r.Trust, "the preflight compares the role's trust with the service accounts")
	require.Same(t, a, r.Objects)
	require.Equal(t, time.Minute, r.Timeout)
}

func TestACleanupCanForgetAClusterThatIsGone(t *testing.T) {
	t.Parallel()
	e, err := engine.Open(t.Context(), engine.Options{Stack: "never", Home: t.TempDir(), Program: stacks.Blueprint})
	require.NoError(t, err)
	var f cleanup.Forgetter = destroyer{e}
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
	for code, want := range map[string]string{engine.CodeCancelled: "recorded", engine.CodeKilled: "recorded", engine.CodeLocked: ""} {
		var o interface{ Outcome() string }
		require.ErrorAs(t, classify(&engine.Failure{Code: code, Message: "recorded"}), &o)
		require.Equal(t, want, o.Outcome(), code)
	}
}

func TestWithoutRoomForTheStateTheTargetIsNotOpened(t *testing.T) {
	t.Parallel()
	f, home := newApp(t, "")
	// A state of a terabyte, of which the disk holds nothing: several times that is not free anywhere.
	state := filepath.Join(home, "backend", ".pulumi", "stacks", "emrflink", "local.json")
	require.NoError(t, os.MkdirAll(filepath.Dir(state), 0o700))
	require.NoError(t, os.WriteFile(state, nil, 0o600))
	require.NoError(t, os.Truncate(state, 1<<40))
	s, err := f.Session(t.Context())
	require.NoError(t, err)
	_, err = s.Plan(t.Context())
	r := cmdutil.Describe(err)
	require.Equal(t, engine.CodeNoSpace, r.Code, err)
	require.Equal(t, 2, r.Exit)
	require.NoDirExists(t, filepath.Join(home, "local"), "the local target was started")
}

func TestACorruptStateIsFoundBeforeTheTargetIsOpened(t *testing.T) {
	t.Parallel()
	f, home := newApp(t, "")
	state := filepath.Join(home, "backend", ".pulumi", "stacks", "emrflink", "local.json")
	require.NoError(t, os.MkdirAll(filepath.Dir(state), 0o700))
	require.NoError(t, os.WriteFile(state, []byte("{"), 0o600))
	s, err := f.Session(t.Context())
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
