// SPDX-License-Identifier: Apache-2.0

package root_test

import (
	"context"
	"errors"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"emrflink/internal/check"
	"emrflink/internal/cli/cleanup"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cli/deploy"
	"emrflink/internal/cli/ekstoken"
	"emrflink/internal/cli/graph"
	"emrflink/internal/cli/job"
	"emrflink/internal/cli/jobs"
	"emrflink/internal/cli/jobstate"
	"emrflink/internal/cli/kubeconfig"
	"emrflink/internal/cli/local"
	"emrflink/internal/cli/outputs"
	"emrflink/internal/cli/preview"
	"emrflink/internal/cli/root"
	"emrflink/internal/cli/samplejob"
	"emrflink/internal/cli/state"
	"emrflink/internal/cli/status"
	"emrflink/internal/cost"
	"emrflink/internal/drift"
	"emrflink/internal/findings"
	"emrflink/internal/flinkhome"
	"emrflink/internal/localtarget"
	"emrflink/internal/plans"
	"emrflink/internal/policy"
	"emrflink/internal/stack"
	"emrflink/internal/upgrade"
)

// exits says of each command how each exit code that its help names is seen.
type exits struct {
	// args make the command ask the domain, which fails in failing: the command ends with the code of that failure.
	args string
	// tests of the command's package see the codes that the command itself decides.
	tests map[int]string
}

// seen has one row per command. Code 2 is seen here for a wrong flag, of each.
func seen() map[string]exits {
	return map[string]exits{
		"cleanup": {"--stack local --yes", map[int]string{
			0: "TestASecondCleanupFindsNothing", 7: "TestWhatIsLeftDecidesTheExitCode", 130: "TestTheStacksNameMustBeTyped",
		}},
		"completion":      {"", map[int]string{0: "TestCompletion"}},
		"config schema":   {"", map[int]string{0: "TestSchemaIsPrinted"}},
		"config validate": {"x.yaml", map[int]string{0: "TestValidate"}},
		"cost":            {"", map[int]string{0: "TestCostOutputs"}},
		"policy":          {"--for job", map[int]string{0: "TestPolicy"}},
		"deploy": {"--yes", map[int]string{
			0: "TestDeployShowsThePlanOnStderrAndTheResultOnStdout", 130: "TestAQuestionIsAskedAndNoIsRespected",
		}},
		"docs":                {"--dir /dev/null/x", map[int]string{0: "TestPages"}},
		"doctor":              {"", map[int]string{0: "TestDoctor", 2: "TestDoctor", 3: "TestDoctor"}},
		"drift":               {"", map[int]string{0: "TestDrift", 5: "TestDrift"}},
		"eks-token":           {"--cluster x --region us-west-2", map[int]string{0: "TestToken"}},
		"graph":               {"", map[int]string{0: "TestGraph"}},
		"init":                {"--target aws --config-file /dev/null/x", map[int]string{0: "TestTheFileIsWrittenAndReadBack"}},
		"job check-jar":       {"s3://b/x.jar", map[int]string{0: "TestCheckJar", 4: "TestCheckJar"}},
		"job history":         {"basic", map[int]string{0: "TestWhatTheCommandsShow"}},
		"job rollback":        {"basic --yes", map[int]string{0: "TestWhatTheCommandsShow"}},
		"job upgrade":         {"basic --parallelism 2 --yes", map[int]string{0: "TestWhatTheCommandsShow"}},
		"job init":            {"NEW --stack local", map[int]string{0: "TestInitMakesAJobThatTheStackTakes"}},
		"job delete":          {"basic", map[int]string{0: "TestWhatTheCommandsShow"}},
		"job diagnose":        {"basic", map[int]string{0: "TestDiagnose", 1: "TestDiagnose"}},
		"job events":          {"basic", map[int]string{0: "TestWhatTheCommandsShow"}},
		"job list":            {"", map[int]string{0: "TestWhatTheCommandsShow"}},
		"job logs":            {"basic", map[int]string{0: "TestWhatTheCommandsShow"}},
		"job rescale":         {"basic --parallelism 2", map[int]string{0: "TestWhatTheCommandsShow"}},
		"job restart":         {"basic", map[int]string{0: "TestWhatTheCommandsShow"}},
		"job resume":          {"basic", map[int]string{0: "TestWhatTheCommandsShow"}},
		"job savepoint":       {"basic", map[int]string{0: "TestWhatTheCommandsShow"}},
		"job state delete":    {"basic chk-1 --yes", map[int]string{0: "TestWhatTheCommandsShow"}},
		"job state detach":    {"basic", map[int]string{0: "TestWhatTheCommandsShow"}},
		"job state list":      {"basic", map[int]string{0: "TestWhatTheCommandsShow"}},
		"job state restore":   {"basic", map[int]string{0: "TestWhatTheCommandsShow"}},
		"job state show":      {"basic", map[int]string{0: "TestWhatTheCommandsShow"}},
		"job status":          {"basic", map[int]string{0: "TestWhatTheCommandsShow"}},
		"job suspend":         {"basic", map[int]string{0: "TestWhatTheCommandsShow"}},
		"job ui":              {"basic", map[int]string{0: "TestTheWebUIIsServedUntilItIsEnded"}},
		"job wait":            {"basic", map[int]string{0: "TestWhatTheCommandsShow"}},
		"job fix":             {"JOB", map[int]string{0: "TestFix"}},
		"job run":             {"-f JOB", map[int]string{0: "TestRun"}},
		"job validate":        {"JOB --stack local", map[int]string{0: "TestValidate", 1: "TestValidate", 4: "TestValidate"}},
		"kubeconfig":          {"--print", map[int]string{0: "TestKubeconfig"}},
		"local dashboards":    {"--port 0", map[int]string{0: "TestDashboards"}},
		"local fault clear":   {"", map[int]string{0: "TestFault"}},
		"local fault drift":   {"team-a-logs --delete", map[int]string{0: "TestFault"}},
		"local fault list":    {"", map[int]string{0: "TestFault"}},
		"local fault set":     {"iam:CreateRole --error AccessDenied", map[int]string{0: "TestFault"}},
		"local flink install": {"--home /dev/null/x", map[int]string{0: "TestADistributionIsUsedAndForgotten"}},
		"local flink remove":  {"", map[int]string{0: "TestADistributionIsUsedAndForgotten"}},
		"local flink status":  {"", map[int]string{0: "TestTheDocumentsOfFlinkHaveTheAgreedFields"}},
		"local inventory":     {"", map[int]string{0: "TestLocal"}},
		"local reset":         {"--yes", map[int]string{0: "TestLocal", 130: "TestADeclinedResetForgetsNothing"}},
		"local serve":         {"", map[int]string{0: "TestServeReadsFlagsThenEnvironment"}},
		"local status":        {"", map[int]string{0: "TestLocal"}},
		"local stop":          {"", map[int]string{0: "TestLocal"}},
		"mcp": {"", map[int]string{
			0: "TestItIsServedOnStandardInputAndOutput", 1: "TestAMessageThatIsNoneEndsIt",
		}},
		"outputs":           {"", map[int]string{0: "TestOutputs"}},
		"preview":           {"", map[int]string{0: "TestPreview", 5: "TestPreview"}},
		"sample-job delete": {"basic", map[int]string{0: "TestSampleJob"}},
		"sample-job list":   {"", map[int]string{0: "TestSampleJob"}},
		"sample-job render": {"basic", map[int]string{0: "TestSampleJob"}},
		"sample-job run":    {"basic", map[int]string{0: "TestSampleJob"}},
		"sample-job status": {"basic", map[int]string{0: "TestSampleJob"}},
		"sample-job verify": {"counting", map[int]string{0: "TestSampleJob", 1: "TestSampleJob", 4: "TestSampleJob"}},
		"stack ls":          {"", map[int]string{0: "TestStacksAreListed"}},
		"state restore":     {"", map[int]string{0: "TestRestore"}},
		"status":            {"", map[int]string{0: "TestStatusAsText"}},
		"version":           {"", map[int]string{0: "TestVersion"}},
		"versions":          {"", map[int]string{0: "TestVersions"}},
	}
}

// anywhere has the codes that no command's help names: they come from outside of it.
func anywhere() map[int]string {
	return map[int]string{70: "TestAPanicIsABugReport", 143: "TestASignalDecidesTheExitCode"}
}

// TestEveryDocumentedExitCodeIsSeen goes through the exit codes that the help of each command names.
func TestEveryDocumentedExitCodeIsSeen(t *testing.T) {
	t.Parallel()
	r, _ := newRun(t)
	rows, named := seen(), map[int]bool{}
	walk(root.New(r.Factory, r.operations), func(c *cobra.Command) {
		path := strings.TrimPrefix(c.CommandPath(), "emrflink ")
		if !c.Runnable() || c.HasSubCommands() || path == "pulumi" || path == "help" {
			return
		}
		row, known := rows[path]
		require.True(t, known, "%s has no row", path)
		delete(rows, path)
		codes := documented(c)
		require.NotEmpty(t, codes, path)
		for code := range row.tests {
			require.Contains(t, codes, code, "%s: the help does not name it", path)
		}
		pkg := packageOf(path)
		for _, code := range codes {
			named[code] = true
			switch test, elsewhere := row.tests[code]; {
			case elsewhere:
				has := hasTest(t, filepath.Join("..", pkg), test) || pkg == "job" && hasTest(t, "../jobs", test)
				require.True(t, has, "%s %d: no %s in %s", path, code, test, pkg)
			case code == 2:
				end(t, 2, path+" --bogus", nil)
			default:
				end(t, code, path+" "+row.args, failure(code))
			}
		}
	})
	require.Empty(t, slices.Collect(maps.Keys(rows)), "no such command")
	for _, e := range cmdutil.ExitCodes() {
		if !named[e.Code] {
			require.True(t, hasTest(t, ".", anywhere()[e.Code]), "nothing gives %d", e.Code)
		}
	}
}

// documented are the exit codes that the help of a command names: a number begins each part.
func documented(c *cobra.Command) (codes []int) {
	_, text, _ := strings.Cut(c.Long, "Exit codes:")
	text, _, _ = strings.Cut(text, "\n\n")
	for _, part := range strings.Split(strings.Join(strings.Fields(text), " "), "; ") {
		number, _, _ := strings.Cut(part, " ")
		if code, err := strconv.Atoi(number); err == nil {
			codes = append(codes, code)
		}
	}
	return codes
}

// packageOf is the package of a command, below internal/cli.
func packageOf(path string) string {
	first, _, _ := strings.Cut(path, " ")
	if first == "init" {
		return "initcmd"
	}
	return strings.ReplaceAll(first, "-", "")
}

func hasTest(t *testing.T, dir, test string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	require.NoError(t, err)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		if test != "" && regexp.MustCompile(`(?m)^func `+test+`\(`).Match(raw) {
			return true
		}
	}
	return false
}

// failure is an error of the domain that ends a command with a code.
func failure(code int) error {
	if code == cmdutil.ExitFailed {
		return errors.New("it failed")
	}
	return &cmdutil.Error{What: "it failed", Exit: code}
}

// end runs a command whose domain fails, and wants an exit code.
func end(t *testing.T, code int, args string, err error) {
	t.Helper()
	r, _ := newRun(t)
	r.failing(err)
	file := filepath.Join(t.TempDir(), "job.yaml")
	require.NoError(t, os.WriteFile(file, []byte(minimalJob), 0o600))
	if strings.HasPrefix(args, "completion") {
		args = strings.TrimSuffix(args, " ") + " bash"
	}
	words := strings.Fields(strings.NewReplacer("JOB", file, "NEW", filepath.Join(filepath.Dir(file), "orders")).Replace(args))
	if got := root.Execute(t.Context(), r.Factory, r.operations, words); got != code {
		t.Errorf("%s: exit code %d, want %d: %s", args, got, code, r.Err)
	}
}

// minimalJob has what the checks of a file ask for, so that the stack is asked next.
const minimalJob = `apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata:
  name: orders
  namespace: flink-team-a
spec:
  emrReleaseLabel: emr-7.13.0-flink-latest
  flinkVersion: v1_20
  executionRoleArn: arn:aws:iam::111122223333:role/job
  serviceAccount: emr-containers-sa-flink
  jobManager:
    resource: {memory: 2048m, cpu: 1}
  taskManager:
    resource: {memory: 2048m, cpu: 1}
  job:
    jarURI: local:///opt/flink/examples/streaming/StateMachineExample.jar
    parallelism: 1
    upgradeMode: stateless
`

// failing lets everything that a command asks the domain for fail with err.
func (r *run) failing(err error) {
	o := &r.operations
	o.Cost = func(context.Context, bool) (cost.Report, error) { return cost.Report{}, err }
	o.Policy = func(context.Context, policy.Purpose, string) (policy.Document, error) { return policy.Document{}, err }
	o.Deploy.Open = func(context.Context) (deploy.Stack, error) { return nil, err }
	o.Preview.OpenStack = func(context.Context) (preview.Stack, error) { return nil, err }
	o.Graph = func(context.Context) (graph.Planner, error) { return nil, err }
	o.Cleanup = func(context.Context) (cleanup.Stack, error) { return nil, err }
	o.Status = func(context.Context) (status.Stack, error) { return nil, err }
	o.Outputs = func(context.Context) (outputs.Stack, error) { return nil, err }
	o.SampleJob = func(context.Context) (samplejob.Stack, error) { return nil, err }
	o.Job = func(context.Context) (job.Stack, error) { return nil, err }
	o.JobState = func(context.Context, string) (jobstate.Stack, error) { return nil, err }
	o.Jobs = func(context.Context) (jobs.Stack, error) { return nil, err }
	o.Jar = func(context.Context, string) ([]byte, error) { return nil, err }
	o.State = func(context.Context) (state.Stack, error) { return nil, err }
	o.Stacks = func(context.Context) ([]stack.Origin, error) { return nil, err }
	o.Drift = func(context.Context) (drift.Document, error) { return drift.Document{}, err }
	o.Versions = func(context.Context) (upgrade.Document, error) { return upgrade.Document{}, err }
	o.Kubeconfig = func(context.Context) (kubeconfig.Entry, []string, error) { return nil, nil, err }
	o.Token = func(context.Context, ekstoken.Request) ([]byte, error) { return nil, err }
	o.Doctor.Preflight = func(context.Context) ([]check.Check, error) { return nil, err }
	o.Local = local.Operations{
		Open:       func() (local.Target, error) { return nil, err },
		Serve:      func(context.Context, localtarget.ServeOptions) error { return err },
		Flink:      func() (flinkhome.Homes, error) { return flinkhome.Homes{}, err },
		Faults:     func() (local.Faults, error) { return nil, err },
		Dashboards: func(context.Context, net.Listener, time.Duration) (local.Board, error) { return nil, err },
		Change: func(context.Context, localtarget.Change) (plans.StateResource, error) {
			return plans.StateResource{}, err
		},
	}
	r.Factory.Reference.Matrix = func() localtarget.Matrix { return localtarget.Matrix{} }
	r.Factory.Reference.Rules = func() []findings.Rule { return nil }
	r.Factory.Reference.Read = func(string) (cmdutil.SettingsFile, error) { return cmdutil.SettingsFile{}, err }
}
