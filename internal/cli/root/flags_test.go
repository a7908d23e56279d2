// SPDX-License-Identifier: Apache-2.0

package root_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	domain "emrflink/internal/cleanup"
	"emrflink/internal/cli/cleanup"
	"emrflink/internal/cli/cmdtest"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cli/completion"
	"emrflink/internal/cli/config"
	"emrflink/internal/cli/cost"
	"emrflink/internal/cli/deploy"
	"emrflink/internal/cli/docs"
	"emrflink/internal/cli/doctor"
	"emrflink/internal/cli/drift"
	"emrflink/internal/cli/ekstoken"
	"emrflink/internal/cli/graph"
	"emrflink/internal/cli/initcmd"
	"emrflink/internal/cli/job"
	jobscmd "emrflink/internal/cli/jobs"
	"emrflink/internal/cli/jobstate"
	"emrflink/internal/cli/jobupgrade"
	"emrflink/internal/cli/kubeconfig"
	"emrflink/internal/cli/local"
	"emrflink/internal/cli/mcp"
	"emrflink/internal/cli/outputs"
	"emrflink/internal/cli/policy"
	"emrflink/internal/cli/preview"
	"emrflink/internal/cli/root"
	"emrflink/internal/cli/samplejob"
	"emrflink/internal/cli/stack"
	"emrflink/internal/cli/state"
	"emrflink/internal/cli/status"
	"emrflink/internal/cli/version"
	"emrflink/internal/cli/versions"
	"emrflink/internal/flinkjob"
	"emrflink/internal/localtarget"
)

// keepers are the commands by their path, each with a runF that keeps its options. The root keeps the global flags.
func keepers(r run, got *any) map[string]*cobra.Command {
	f, o := r.Factory, r.operations
	tree := root.New(f, o)
	tree.RunE = func(*cobra.Command, []string) error { *got = *f.Globals; return nil }
	return map[string]*cobra.Command{
		"":                    tree,
		"cleanup":             cleanup.NewCmd(f, o.Cleanup, cmdtest.Keep[cleanup.Options](got)),
		"config validate":     config.NewValidateCmd(f, cmdtest.Keep[config.Options](got)),
		"completion":          completion.NewCmd(f, cmdtest.Keep[completion.Options](got)),
		"cost":                cost.NewCmd(f, o.Cost, cmdtest.Keep[cost.Options](got)),
		"policy":              policy.NewCmd(f, o.Policy, cmdtest.Keep[policy.Options](got)),
		"deploy":              deploy.NewCmd(f, o.Deploy, cmdtest.Keep[deploy.Options](got)),
		"docs":                docs.NewCmd(f, cmdtest.Keep[docs.Options](got)),
		"doctor":              doctor.NewCmd(f, o.Doctor, cmdtest.Keep[doctor.Options](got)),
		"drift":               drift.NewCmd(f, o.Drift, cmdtest.Keep[drift.Options](got)),
		"eks-token":           ekstoken.NewCmd(f, o.Token, cmdtest.Keep[ekstoken.Options](got)),
		"graph":               graph.NewCmd(f, o.Graph, cmdtest.Keep[graph.Options](got)),
		"init":                initcmd.NewCmd(f, cmdtest.Keep[initcmd.Options](got)),
		"mcp":                 mcp.NewCmd(f, cmdtest.Keep[mcp.Options](got)),
		"kubeconfig":          kubeconfig.NewCmd(f, o.Kubeconfig, cmdtest.Keep[kubeconfig.Options](got)),
		"local dashboards":    local.NewDashboardsCmd(f, o.Local, cmdtest.Keep[local.DashboardsOptions](got)),
		"local fault clear":   local.NewFaultClearCmd(f, o.Local, cmdtest.Keep[local.FaultOptions](got)),
		"job check-jar":       job.NewCheckJarCmd(f, o.Jar, cmdtest.Keep[job.JarOptions](got)),
		"job fix":             job.NewFixCmd(f, o.Job, cmdtest.Keep[job.FixOptions](got)),
		"job init":            job.NewInitCmd(f, o.Job, cmdtest.Keep[job.InitOptions](got)),
		"job run":             job.NewRunCmd(f, o.Job, cmdtest.Keep[job.RunOptions](got)),
		"job validate":        job.NewValidateCmd(f, o.Job, cmdtest.Keep[job.ValidateOptions](got)),
		"job delete":          jobscmd.NewDeleteCmd(f, o.Jobs, cmdtest.Keep[jobscmd.Options](got)),
		"job diagnose":        jobscmd.NewDiagnoseCmd(f, o.Jobs, cmdtest.Keep[jobscmd.Options](got)),
		"job events":          jobscmd.NewEventsCmd(f, o.Jobs, cmdtest.Keep[jobscmd.Options](got)),
		"job list":            jobscmd.NewListCmd(f, o.Jobs, cmdtest.Keep[jobscmd.Options](got)),
		"job logs":            jobscmd.NewLogsCmd(f, o.Jobs, cmdtest.Keep[jobscmd.Options](got)),
		"job rescale":         jobscmd.NewRescaleCmd(f, o.Jobs, cmdtest.Keep[jobscmd.Options](got)),
		"job restart":         jobscmd.NewRestartCmd(f, o.Jobs, cmdtest.Keep[jobscmd.Options](got)),
		"job resume":          jobscmd.NewResumeCmd(f, o.Jobs, cmdtest.Keep[jobscmd.Options](got)),
		"job savepoint":       jobscmd.NewSavepointCmd(f, o.Jobs, cmdtest.Keep[jobscmd.Options](got)),
		"job history":         jobupgrade.NewHistoryCmd(f, o.JobState, cmdtest.Keep[jobupgrade.Options](got)),
		"job rollback":        jobupgrade.NewRollbackCmd(f, o.JobState, cmdtest.Keep[jobupgrade.Options](got)),
		"job upgrade":         jobupgrade.NewUpgradeCmd(f, o.JobState, cmdtest.Keep[jobupgrade.Options](got)),
		"job state delete":    jobstate.NewDeleteCmd(f, o.JobState, cmdtest.Keep[jobstate.Options](got)),
		"job state detach":    jobstate.NewDetachCmd(f, o.JobState, cmdtest.Keep[jobstate.Options](got)),
		"job state list":      jobstate.NewListCmd(f, o.JobState, cmdtest.Keep[jobstate.Options](got)),
		"job state restore":   jobstate.NewRestoreCmd(f, o.JobState, cmdtest.Keep[jobstate.Options](got)),
		"job state show":      jobstate.NewShowCmd(f, o.JobState, cmdtest.Keep[jobstate.Options](got)),
		"job status":          jobscmd.NewStatusCmd(f, o.Jobs, cmdtest.Keep[jobscmd.Options](got)),
		"job suspend":         jobscmd.NewSuspendCmd(f, o.Jobs, cmdtest.Keep[jobscmd.Options](got)),
		"job ui":              jobscmd.NewUICmd(f, o.Jobs, cmdtest.Keep[jobscmd.Options](got)),
		"job wait":            jobscmd.NewWaitCmd(f, o.Jobs, cmdtest.Keep[jobscmd.Options](got)),
		"local fault drift":   local.NewFaultDriftCmd(f, o.Local, cmdtest.Keep[local.FaultOptions](got)),
		"local fault list":    local.NewFaultListCmd(f, o.Local, cmdtest.Keep[local.FaultOptions](got)),
		"local fault set":     local.NewFaultSetCmd(f, o.Local, cmdtest.Keep[local.FaultOptions](got)),
		"local flink install": local.NewFlinkInstallCmd(f, o.Local, cmdtest.Keep[local.FlinkOptions](got)),
		"local flink remove":  local.NewFlinkRemoveCmd(f, o.Local, cmdtest.Keep[local.FlinkOptions](got)),
		"local flink status":  local.NewFlinkStatusCmd(f, o.Local, cmdtest.Keep[local.FlinkOptions](got)),
		"local inventory":     local.NewInventoryCmd(f, o.Local, cmdtest.Keep[local.Options](got)),
		"local reset":         local.NewResetCmd(f, o.Local, cmdtest.Keep[local.Options](got)),
		"local serve":         local.NewServeCmd(f, o.Local, cmdtest.Keep[local.Options](got)),
		"local status":        local.NewStatusCmd(f, o.Local, cmdtest.Keep[local.Options](got)),
		"outputs":             outputs.NewCmd(f, o.Outputs, cmdtest.Keep[outputs.Options](got)),
		"preview":             preview.NewCmd(f, o.Preview, cmdtest.Keep[preview.Options](got)),
		"sample-job delete":   samplejob.NewDeleteCmd(f, o.SampleJob, cmdtest.Keep[samplejob.Options](got)),
		"sample-job list":     samplejob.NewListCmd(f, cmdtest.Keep[samplejob.Options](got)),
		"sample-job render":   samplejob.NewRenderCmd(f, o.SampleJob, cmdtest.Keep[samplejob.Options](got)),
		"sample-job run":      samplejob.NewRunCmd(f, o.SampleJob, cmdtest.Keep[samplejob.Options](got)),
		"sample-job status":   samplejob.NewStatusCmd(f, o.SampleJob, cmdtest.Keep[samplejob.Options](got)),
		"sample-job verify":   samplejob.NewVerifyCmd(f, o.SampleJob, cmdtest.Keep[samplejob.Options](got)),
		"stack ls":            stack.NewListCmd(f, o.Stacks, cmdtest.Keep[stack.Options](got)),
		"state restore":       state.NewRestoreCmd(f, o.State, cmdtest.Keep[state.Options](got)),
		"status":              status.NewCmd(f, o.Status, cmdtest.Keep[status.Options](got)),
		"version":             version.NewCmd(f, cmdtest.Keep[version.Options](got)),
		"versions":            versions.NewCmd(f, o.Versions, cmdtest.Keep[versions.Options](got)),
	}
}

// flagCase is a command line and everything that it sets.
type flagCase struct {
	command, args string
	want          any
}

func deploymentFlags() []flagCase {
	const JSON = cmdutil.JSON
	waiting := flinkjob.Options{Timeout: 15 * time.Minute}
	return []flagCase{
		{"", "", cmdutil.Globals{Stack: "local"}},
		{"", "--stack=s", cmdutil.Globals{Stack: "s", StackNamed: true}},
		{"", "--config-file=f", cmdutil.Globals{Stack: "local", ConfigFile: "f"}},
		{"", "--state=file:///s", cmdutil.Globals{Stack: "local", State: "file:///s"}},
		{"", "--color=never", cmdutil.Globals{Stack: "local", Color: "never"}},
		{"", "--version", cmdutil.Globals{Stack: "local"}},
		{"", "--verbose", cmdutil.Globals{Stack: "local", Verbose: true}},
		{"init", "--target=aws", initcmd.Options{Target: "aws"}},
		{"init", "--set=a=1 --set=b=[2,3]", initcmd.Options{Set: []string{"a=1", "b=[2,3]"}}},
		{"config validate", "f --output=json", config.Options{File: "f", Output: JSON}},
		{"doctor", "--output=json", doctor.Options{Output: JSON}},
		{"doctor", "--fetch", doctor.Options{Fetch: true}},
		{"preview", "", preview.Options{}},
		{"preview", "--output=markdown", preview.Options{Output: cmdutil.Markdown}},
		{"preview", "--offline", preview.Options{Offline: true}},
		{"preview", "--baseline=b", preview.Options{Offline: true, Baseline: "b"}},
		{"preview", "--save-baseline=b", preview.Options{Offline: true, SaveBaseline: "b"}},
		{"preview", "--save-plan=p", preview.Options{SavePlan: "p"}},
		{"preview", "--exit-code", preview.Options{ExitCode: true}},
		{"graph", "", graph.Options{Output: cmdutil.SVG}},
		{"graph", "--output=mermaid", graph.Options{Output: cmdutil.Mermaid}},
		{"cost", "--live", cost.Options{Live: true}},
		{"cost", "--output=json", cost.Options{Output: JSON}},
		{"policy", "", policy.Options{For: "deploy"}},
		{"policy", "--for=cleanup", policy.Options{For: "cleanup"}},
		{"policy", "--account=111122223333", policy.Options{For: "deploy", Account: "111122223333"}},
		{"policy", "--dir=d", policy.Options{For: "deploy", Dir: "d"}},
		{"policy", "--output=json", policy.Options{For: "deploy", Output: JSON}},
		{"deploy", "--yes", deploy.Options{Yes: true}},
		{"deploy", "--adopt", deploy.Options{Adopt: true}},
		{"deploy", "--rename", deploy.Options{Rename: true}},
		{"deploy", "--allow-replace=T --allow-replace=n", deploy.Options{AllowReplace: []string{"T", "n"}}},
		{"deploy", "--refresh", deploy.Options{Refresh: true}},
		{"deploy", "--plan=p", deploy.Options{Plan: "p"}},
		{"deploy", "--skip-checks=a,b", deploy.Options{SkipChecks: []string{"a", "b"}}},
		{"deploy", "--output=json", deploy.Options{Output: JSON}},
		{"status", "--output=json", status.Options{Output: JSON}},
		{"drift", "--output=json", drift.Options{Output: JSON}},
		{"versions", "--output=json", versions.Options{Output: JSON}},
		{"job check-jar", "a", job.JarOptions{Jar: "a"}},
		{"job check-jar", "a --sql=b", job.JarOptions{Jar: "a", SQL: "b"}},
		{"job check-jar", "a --entry-class=b", job.JarOptions{Jar: "a", EntryClass: "b"}},
		{"job check-jar", "a --release=7.9", job.JarOptions{Jar: "a", Release: "7.9"}},
		{"job check-jar", "a --strict", job.JarOptions{Jar: "a", Strict: true}},
		{"job check-jar", "a --output=json", job.JarOptions{Jar: "a", Output: JSON}},
		{"job fix", "a", job.FixOptions{File: "a"}},
		{"job fix", "a --to=b", job.FixOptions{File: "a", To: "b"}},
		{"job fix", "a --team=t", job.FixOptions{File: "a", Job: flinkjob.Options{Team: "t"}}},
		{"job fix", "a --node-pool=p", job.FixOptions{File: "a", Job: flinkjob.Options{NodePool: "p"}}},
		{"job fix", "a --set=b=1 --set=c=2", job.FixOptions{File: "a", Set: []string{"b=1", "c=2"}}},
		{"job fix", "a --output=json", job.FixOptions{File: "a", Output: JSON}},
		{"job init", "a", job.InitOptions{Dir: "a", Language: "java"}},
		{"job init", "a --lang=sql", job.InitOptions{Dir: "a", Language: "sql"}},
		{"job init", "a --name=b", job.InitOptions{Dir: "a", Language: "java", Name: "b"}},
		{"job init", "a --team=t", job.InitOptions{Dir: "a", Language: "java", Job: flinkjob.Options{Team: "t"}}},
		{"job init", "a --node-pool=p", job.InitOptions{Dir: "a", Language: "java", Job: flinkjob.Options{NodePool: "p"}}},
		{"job init", "a --output=json", job.InitOptions{Dir: "a", Language: "java", Output: JSON}},
		{"job run", "--file=a", job.RunOptions{File: "a", Job: waiting}},
		{"job run", "-fa --fix", job.RunOptions{File: "a", Fix: true, Job: waiting}},
		{"job run", "-fa --set=b=1", job.RunOptions{File: "a", Set: []string{"b=1"}, Job: waiting}},
		{"job run", "-fa --jar=j", job.RunOptions{File: "a", Jar: "j", Job: waiting}},
		{"job run", "-fa --dry-run=server", job.RunOptions{File: "a", DryRun: true, Job: waiting}},
		{"job run", "-fa --yes", job.RunOptions{File: "a", Yes: true, Job: waiting}},
		{"job run", "-fa --name=n", job.RunOptions{File: "a", Job: flinkjob.Options{Name: "n", Timeout: waiting.Timeout}}},
		{"job run", "-fa --team=t", job.RunOptions{File: "a", Job: flinkjob.Options{Team: "t", Timeout: waiting.Timeout}}},
		{"job run", "-fa --node-pool=p", job.RunOptions{
			File: "a", Job: flinkjob.Options{NodePool: "p", Timeout: waiting.Timeout},
		}},
		{"job run", "-fa --timeout=3m", job.RunOptions{File: "a", Job: flinkjob.Options{Timeout: 3 * time.Minute}}},
		{"job run", "-fa --output=json", job.RunOptions{File: "a", Job: waiting, Output: JSON}},
		{"job validate", "a b", job.ValidateOptions{Files: []string{"a", "b"}}},
		{"job validate", "a --operator=1.13.0", job.ValidateOptions{Files: []string{"a"}, Operator: "1.13.0"}},
		{"job validate", "a --release=7.4", job.ValidateOptions{Files: []string{"a"}, Release: "7.4"}},
		{"job validate", "a --set=b=1", job.ValidateOptions{Files: []string{"a"}, Set: []string{"b=1"}}},
		{"job validate", "a --team=t", job.ValidateOptions{Files: []string{"a"}, Job: flinkjob.Options{Team: "t"}}},
		{"job validate", "a --node-pool=p", job.ValidateOptions{Files: []string{"a"}, Job: flinkjob.Options{NodePool: "p"}}},
		{"job validate", "a --strict", job.ValidateOptions{Files: []string{"a"}, Strict: true}},
		{"job validate", "a --output=sarif", job.ValidateOptions{Files: []string{"a"}, Output: cmdutil.SARIF}},
		{"outputs", "name", outputs.Options{Name: "name"}},
		{"outputs", "--show-secrets", outputs.Options{ShowSecrets: true}},
		{"outputs", "--json", outputs.Options{Output: JSON}},
		{"outputs", "--output=json", outputs.Options{Output: JSON}},
		{"cleanup", "--dry-run", cleanup.Options{DryRun: true}},
		{"cleanup", "--yes", cleanup.Options{Yes: true}},
		{"cleanup", "--output=json", cleanup.Options{Output: JSON}},
		{"cleanup", "--retain-data", cleanup.Options{Choices: domain.Choices{RetainData: true}}},
		{"cleanup", "--from-tags", cleanup.Options{Choices: domain.Choices{FromTags: true}}},
		{"cleanup", "--without-cluster", cleanup.Options{Choices: domain.Choices{WithoutCluster: true}}},
		{"cleanup", "--stop-with-savepoint", cleanup.Options{Choices: domain.Choices{
			StopWithSavepoint: true, SavepointTimeout: 10 * time.Minute,
		}}},
		{"cleanup", "--stop-with-savepoint --timeout=3m", cleanup.Options{Choices: domain.Choices{
			StopWithSavepoint: true, SavepointTimeout: 3 * time.Minute,
		}}},
		{"cleanup", "--stop-with-savepoint --delete-without-savepoint", cleanup.Options{Choices: domain.Choices{
			StopWithSavepoint: true, DeleteWithoutSavepoint: true, SavepointTimeout: 10 * time.Minute,
		}}},
	}
}

func jobFlags() []flagCase {
	type jobs = samplejob.Options
	type spec = flinkjob.Options
	const JSON, wait = cmdutil.JSON, 15 * time.Minute
	return []flagCase{
		{"sample-job list", "--output=json", jobs{Output: JSON}},
		{"sample-job render", "basic --policy", jobs{Spec: spec{Sample: "basic", Policy: true}}},
		{"sample-job render", "basic --set=a=b", jobs{Spec: spec{Sample: "basic", Set: []string{"a=b"}}}},
		{"sample-job render", "basic --name=n", jobs{Spec: spec{Sample: "basic", Name: "n"}}},
		{"sample-job render", "basic --team=t", jobs{Spec: spec{Sample: "basic", Team: "t"}}},
		{"sample-job render", "basic --node-pool=p", jobs{Spec: spec{Sample: "basic", NodePool: "p"}}},
		{"sample-job render", "basic --parallelism=4", jobs{Spec: spec{Sample: "basic", Parallelism: 4}}},
		{"sample-job run", "basic --set=a=b --set=c=d",
			jobs{Spec: spec{Sample: "basic", Timeout: wait, Set: []string{"a=b", "c=d"}}}},
		{"sample-job run", "basic --name=n", jobs{Spec: spec{Sample: "basic", Timeout: wait, Name: "n"}}},
		{"sample-job run", "basic --team=t", jobs{Spec: spec{Sample: "basic", Timeout: wait, Team: "t"}}},
		{"sample-job run", "basic --node-pool=p", jobs{Spec: spec{Sample: "basic", Timeout: wait, NodePool: "p"}}},
		{"sample-job run", "basic --parallelism=4", jobs{Spec: spec{Sample: "basic", Timeout: wait, Parallelism: 4}}},
		{"sample-job run", "basic --timeout=3m", jobs{Spec: spec{Sample: "basic", Timeout: 3 * time.Minute}}},
		{"sample-job run", "basic --yes", jobs{Spec: spec{Sample: "basic", Timeout: wait}, Yes: true}},
		{"sample-job run", "basic --output=json", jobs{Spec: spec{Sample: "basic", Timeout: wait}, Output: JSON}},
		{"sample-job status", "mine", jobs{Job: "mine"}},
		{"sample-job status", "--team=t", jobs{Spec: spec{Team: "t"}}},
		{"sample-job status", "--output=json", jobs{Output: JSON}},
		{"sample-job verify", "mine", jobs{Job: "mine"}},
		{"sample-job verify", "mine --team=t", jobs{Job: "mine", Spec: spec{Team: "t"}}},
		{"sample-job verify", "mine --output=json", jobs{Job: "mine", Output: JSON}},
		{"sample-job delete", "mine", jobs{Job: "mine", Spec: spec{Timeout: 5 * time.Minute}}},
		{"sample-job delete", "mine --timeout=3m", jobs{Job: "mine", Spec: spec{Timeout: 3 * time.Minute}}},
		{"sample-job delete", "mine --timeout=0 --team=t", jobs{Job: "mine", Spec: spec{Team: "t"}}},
		{"sample-job delete", "mine --timeout=0 --output=json", jobs{Job: "mine", Output: JSON}},
	}
}

// runningFlags are those of the commands that look after jobs that run.
func runningFlags() []flagCase {
	type job = jobscmd.Options
	type logs = flinkjob.LogOptions
	const pods = flinkjob.FromPods
	const JSON, minutes, m = cmdutil.JSON, 10 * time.Minute, "mine "
	cases := []flagCase{
		{"job list", "--team=t", job{Team: "t"}},
		{"job list", "--output=json", job{Output: JSON}},
		{"job delete", m + "--timeout=3m", job{Job: "mine", Timeout: 3 * time.Minute}},
		{"job rescale", m + "--parallelism=4", job{Job: "mine", Timeout: minutes, Parallelism: 4}},
		{"job wait", m + "--for=checkpoint", job{Job: "mine", Timeout: minutes, For: "checkpoint"}},
		{"job logs", m + "--role=jobmanager", job{Job: "mine", Logs: logs{From: pods, Role: "jobmanager"}}},
		{"job logs", m + "--follow", job{Job: "mine", Logs: logs{From: pods, Follow: true}}},
		{"job logs", m + "--previous", job{Job: "mine", Logs: logs{From: pods, Previous: true}}},
		{"job logs", m + "--since=10m", job{Job: "mine", Logs: logs{From: pods, Since: minutes}}},
		{"job logs", m + "--query=restarts", job{Job: "mine", Logs: logs{From: pods, Query: "restarts"}}},
		{"job logs", m + "--from=s3", job{Job: "mine", Logs: logs{From: "s3"}}},
		{"job list", "--load", job{Load: true}},
		{"job list", "--watch", job{Watch: true}},
		{"job status", m + "--watch", job{Job: "mine", Watch: true}},
		{"job ui", "--port=9000", job{Port: 9000}},
		{"job ui", "--open", job{Port: 8081, Browser: true}},
		{"job logs", m + "--tail=7", job{Job: "mine", Logs: logs{From: pods, Tail: 7}}},
	}
	for command, plain := range map[string]job{
		"job status": {}, "job diagnose": {}, "job events": {}, "job logs": {Logs: logs{From: pods}},
		"job ui": {Port: 8081}, "job delete": {Timeout: 5 * time.Minute},
		"job savepoint": {Timeout: minutes},
		"job suspend":   {Timeout: minutes}, "job resume": {Timeout: minutes}, "job restart": {Timeout: minutes},
		"job rescale": {Timeout: minutes, Parallelism: 2}, "job wait": {Timeout: minutes, For: "healthy"},
	} {
		line := m
		if plain.Parallelism > 0 {
			line += "--parallelism=2 "
		}
		plain.Job = "mine"
		team, asJSON, quick, discard := plain, plain, plain, plain
		team.Team, asJSON.Output, quick.Timeout, discard.Discard = "t", JSON, time.Minute, true
		cases = append(cases, flagCase{command, line + "--team=t", team}, flagCase{command, line + "--output=json", asJSON})
		if plain.Timeout > 0 {
			cases = append(cases, flagCase{command, line + "--timeout=1m", quick})
		}
		if slices.Contains([]string{"job suspend", "job restart", "job rescale"}, command) {
			cases = append(cases, flagCase{command, line + "--discard-state", discard})
		}
	}
	return cases
}

// stateFlags are those of the commands for the states of a job.
func stateFlags() []flagCase {
	type state = jobstate.Options
	const minutes = 10 * time.Minute
	cases := []flagCase{
		{"job state restore", "mine --to=dev", state{Job: "mine", To: "dev", Timeout: minutes}},
		{"job state restore", "mine --start", state{Job: "mine", Start: true, Timeout: minutes}},
		{"job state restore", "mine --discard-state", state{Job: "mine", Discard: true, Timeout: minutes}},
		{"job state restore", "mine --timeout=1m", state{Job: "mine", Timeout: time.Minute}},
		{"job state delete", "mine chk-1 --yes", state{Job: "mine", State: "chk-1", Yes: true}},
	}
	for command, plain := range map[string]state{
		"list": {}, "show": {State: "chk-1"}, "restore": {State: "chk-1", Timeout: minutes}, "detach": {State: "chk-1"},
		"delete": {State: "chk-1"},
	} {
		plain.Job = "mine"
		team, below, asJSON := plain, plain, plain
		team.Team, below.Below, asJSON.Output = "t", "s3://b/c", cmdutil.JSON
		for flag, want := range map[string]state{"--team=t": team, "--below=s3://b/c": below, "--output=json": asJSON} {
			cases = append(cases, flagCase{"job state " + command, strings.TrimSpace("mine "+plain.State) + " " + flag, want})
		}
	}
	return cases
}

// upgradeFlags are those of the commands that change what a job runs.
func upgradeFlags() []flagCase {
	type up = jobupgrade.Options
	const minutes, set = 10 * time.Minute, "mine --set=a=1 "
	cases := []flagCase{
		{"job history", "mine 1 2 --team=t", up{Job: "mine", Number: 1, Other: 2, Team: "t"}},
		{"job history", "mine --output=json", up{Job: "mine", Output: cmdutil.JSON}},
		{"job upgrade", "mine --set=a=1", up{Job: "mine", Set: []string{"a=1"}, Timeout: minutes}},
		{"job upgrade", "mine --file=f", up{Job: "mine", File: "f", Timeout: minutes}},
		{"job upgrade", "mine --jar=j", up{Job: "mine", Jar: "j", Timeout: minutes}},
		{"job upgrade", "mine --image=i", up{Job: "mine", Image: "i", Timeout: minutes}},
		{"job upgrade", "mine --release=r", up{Job: "mine", Release: "r", Timeout: minutes}},
		{"job upgrade", "mine --parallelism=4", up{Job: "mine", Parallelism: 4, Timeout: minutes}},
	}
	for command, plain := range map[string]up{
		"job upgrade":  {Job: "mine", Set: []string{"a=1"}, Timeout: minutes},
		"job rollback": {Job: "mine", Number: 3, Timeout: minutes},
	} {
		line := "mine 3 "
		if command == "job upgrade" {
			line = set
		}
		for flag, change := range map[string]func(*up){
			"--from=s": func(o *up) { o.From = "s" }, "--discard-state": func(o *up) { o.Discard = true },
			"--rollback": func(o *up) { o.Rollback = true }, "--dry-run": func(o *up) { o.DryRun = true },
			"--yes": func(o *up) { o.Yes = true }, "--timeout=1m": func(o *up) { o.Timeout = time.Minute },
			"--team=t": func(o *up) { o.Team = "t" }, "--output=json": func(o *up) { o.Output = cmdutil.JSON },
		} {
			want := plain
			change(&want)
			cases = append(cases, flagCase{command, line + flag, want})
		}
	}
	return cases
}

func otherFlags() []flagCase {
	type faults = local.FaultOptions
	type boards = local.DashboardsOptions
	const quarter = 15 * time.Minute
	type fault = localtarget.Fault
	type change = localtarget.Change
	type serve = localtarget.ServeOptions
	type token = ekstoken.Request
	const JSON = cmdutil.JSON
	action, resource := []string{"a:B"}, []string{"vpc"}
	return []flagCase{
		{"mcp", "--allow-write", mcp.Options{Version: "v1.2.3", AllowWrite: true}},
		{"kubeconfig", "--file=f", kubeconfig.Options{File: "f"}},
		{"kubeconfig", "--alias=a", kubeconfig.Options{Alias: "a"}},
		{"kubeconfig", "--use", kubeconfig.Options{Use: true}},
		{"kubeconfig", "--print", kubeconfig.Options{Print: true}},
		{"local status", "--output=json", local.Options{Output: JSON}},
		{"local inventory", "--output=json", local.Options{Output: JSON}},
		{"local reset", "--yes", local.Options{Yes: true}},
		{"local serve", "", local.Options{ServeFlags: serve{Region: "us-west-2"}}},
		{"local serve", "--region=r", local.Options{ServeFlags: serve{Region: "r"}}},
		{"local serve", "--region=r --speed=7", local.Options{ServeFlags: serve{Region: "r", Speed: 7}}},
		{"local serve", "--region=r --port=80", local.Options{ServeFlags: serve{Region: "r", Port: 80}}},
		{"local flink install", "--python", local.FlinkOptions{Python: true}},
		{"local flink install", "--home=d", local.FlinkOptions{Home: "d"}},
		{"local flink install", "--output=json", local.FlinkOptions{Output: JSON}},
		{"local flink status", "--output=json", local.FlinkOptions{Output: JSON}},
		{"local flink remove", "--output=json", local.FlinkOptions{Output: JSON}},
		{"local dashboards", "--port=1", boards{Port: 1, Since: quarter, Collect: time.Minute}},
		{"local dashboards", "--open", boards{Port: 3000, Browser: true, Since: quarter, Collect: time.Minute}},
		{"local dashboards", "--since=1h", boards{Port: 3000, Since: time.Hour, Collect: time.Minute}},
		{"local dashboards", "--output=json", boards{Port: 3000, Since: quarter, Collect: time.Minute, Output: JSON}},
		{"local dashboards", "--file=f", boards{Port: 3000, Since: quarter, File: "f", Collect: time.Minute}},
		{"local dashboards", "--file=f --collect=2m", boards{Port: 3000, Since: quarter, File: "f", Collect: 2 * time.Minute}},
		{"local fault list", "--output=json", faults{Args: []string{}, Output: JSON}},
		{"local fault clear", "a:B", faults{Args: action}},
		{"local fault set", "a:B --error=E", faults{Args: action, Fault: fault{Error: "E"}}},
		{"local fault set", "a:B --error=E --message=m", faults{Args: action, Fault: fault{Error: "E", Message: "m"}}},
		{"local fault set", "a:B --error=E --match=m", faults{Args: action, Fault: fault{Error: "E", Match: "m"}}},
		{"local fault set", "a:B --error=E --times=4", faults{Args: action, Fault: fault{Error: "E", Times: 4}}},
		{"local fault set", "a:B --delay=2s", faults{Args: action, Delay: 2 * time.Second}},
		{"local fault drift", "vpc --set=a=1 --set=b=2", faults{Args: resource, Edit: change{Set: []string{"a=1", "b=2"}}}},
		{"local fault drift", "vpc --unset=a", faults{Args: resource, Edit: change{Unset: []string{"a"}}}},
		{"local fault drift", "vpc --delete", faults{Args: resource, Edit: change{Delete: true}}},
		{"state restore", "--from=f", state.Options{From: "f"}},
		{"state restore", "--dry-run", state.Options{DryRun: true}},
		{"state restore", "--output=json", state.Options{Output: JSON}},
		{"stack ls", "--output=json", stack.Options{Output: JSON}},
		{"eks-token", "--cluster=c", ekstoken.Options{Request: token{Cluster: "c"}}},
		{"eks-token", "--cluster=c --region=r", ekstoken.Options{Request: token{Cluster: "c", Region: "r"}}},
		{"eks-token", "--cluster=c --target=aws", ekstoken.Options{Request: token{Cluster: "c", Target: "aws"}}},
		{"state restore", "--from=f", state.Options{From: "f"}},
		{"state restore", "--dry-run", state.Options{DryRun: true}},
		{"state restore", "--output=json", state.Options{Output: JSON}},
		{"version", "--output=json", version.Options{Version: "v1.2.3", Output: JSON}},
		{"completion", "zsh", completion.Options{Shell: "zsh"}},
		{"docs", "", docs.Options{Dir: "docs/reference"}},
		{"docs", "--dir=d", docs.Options{Dir: "d"}},
	}
}

// TestEveryFlagSetsItsOptionAndNoOther compares all options of a command for each of its flags. A command line sets at
// most one flag that no line before it has set: two flags that set each other's option would look right together.
func TestEveryFlagSetsItsOptionAndNoOther(t *testing.T) {
	t.Parallel()
	set := map[string]bool{}
	for _, c := range slices.Concat(deploymentFlags(), jobFlags(), runningFlags(), stateFlags(), upgradeFlags(), otherFlags()) {
		line := strings.TrimSpace(c.command + " " + c.args)
		r, _ := newRun(t)
		r.Factory.Globals.StackNamed = c.command == "cleanup" // whose --yes needs it
		var got any
		cmd := keepers(r, &got)[c.command]
		require.NoError(t, r.Exec(t, cmd, strings.Fields(c.args)...), line)
		require.Equal(t, c.want, got, line)
		var fresh []string
		cmd.Flags().Visit(func(f *pflag.Flag) {
			if name := c.command + " --" + f.Name; !set[name] {
				set[name] = true
				fresh = append(fresh, name)
			}
		})
		require.LessOrEqual(t, len(fresh), 1, line)
	}
	r, _ := newRun(t)
	walk(root.New(r.Factory, r.operations), func(c *cobra.Command) {
		path := strings.TrimSpace(strings.TrimPrefix(c.CommandPath(), "emrflink"))
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			require.True(t, set[path+" --"+f.Name], "no line sets --%s of %q: add one to otherFlags", f.Name, path)
		})
	})
}
