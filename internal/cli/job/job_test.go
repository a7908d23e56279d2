// SPDX-License-Identifier: Apache-2.0

package job

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/flinkjob"
	"emrflink/internal/iostreams"
	"emrflink/internal/jobfile"
	"emrflink/internal/stack"
)

const wrong = "apiVersion: flink.apache.org/v1beta1\nkind: FlinkSessionJob\nmetadata: {name: j}\n" +
	"spec: {deploymentName: c, job: {jarURI: \"https://x.example.org/j.jar\", parallelism: 1}}\n"

func TestValidate(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "job.yaml")
	require.NoError(t, os.WriteFile(file, []byte(wrong), 0o600))
	run := func(o ValidateOptions) (string, error) {
		ios, in, out, _ := iostreams.Test()
		in.WriteString(wrong)
		o.IO = ios
		if o.Globals == nil {
			o.Globals = &cmdutil.Globals{}
		}
		err := validate(t.Context(), &o)
		return out.String(), err
	}
	text, err := run(ValidateOptions{Files: []string{file}})
	require.NoError(t, err)
	require.Contains(t, text,
		file+":4: warning: the jar is fetched by https [jar]\n    at   spec.job.jarURI\n    then it needs a way out")
	require.Contains(t, text,
		"1 object of Flink, by the rules of operator 1.10.0 and Flink 1.20: 0 errors, 1 warning, 0 notes.\n")
	_, err = run(ValidateOptions{Files: []string{file}, Strict: true})
	require.Equal(t, cmdutil.ExitStatus(cmdutil.ExitUsage), err)

	text, err = run(ValidateOptions{Files: []string{"-"}, Output: cmdutil.JSON})
	require.NoError(t, err)
	var r jobfile.Result
	require.NoError(t, json.Unmarshal([]byte(text), &r))
	require.Equal(t, 1, r.Warnings)
	require.Equal(t, "-", r.Problems[0].File)
	text, err = run(ValidateOptions{Files: []string{"-"}, Output: cmdutil.SARIF})
	require.NoError(t, err)
	require.Contains(t, text, `"version": "2.1.0"`)

	var e *cmdutil.Error
	_, err = run(ValidateOptions{Files: []string{"nowhere.yaml"}})
	require.ErrorAs(t, err, &e)
	require.Equal(t, cmdutil.ExitNotFound, e.ExitCode())
	require.Contains(t, e.Error(), `read "nowhere.yaml": no such file or directory`)
	_, err = run(ValidateOptions{Files: []string{t.TempDir()}})
	require.ErrorAs(t, err, &e)
	require.Equal(t, cmdutil.ExitFailed, e.ExitCode())
}

func TestValidateByOtherVersionsAndOnAStack(t *testing.T) {
	t.Parallel()
	whole := strings.Replace(mine, "${FLINK_JOB_ROLE}", "arn:aws:iam::111122223333:role/r", 1)
	whole = strings.ReplaceAll(whole, "${S3_BUCKET}", "bucket/flink-team-a")
	run := func(o ValidateOptions, d deployed) (jobfile.Result, error) {
		ios, in, out, _ := iostreams.Test()
		if o.Globals == nil {
			in.WriteString(whole)
		} else {
			in.WriteString(mine) // the stack knows the rest
		}
		o.IO, o.Output, o.Files, o.Open = ios, cmdutil.JSON, []string{"-"}, func(context.Context) (Stack, error) { return d, nil }
		if o.Globals == nil {
			o.Globals = &cmdutil.Globals{}
		}
		err := validate(t.Context(), &o)
		var r jobfile.Result
		if out.Len() > 0 {
			require.NoError(t, json.Unmarshal(out.Bytes(), &r))
		}
		return r, err
	}
	r, err := run(ValidateOptions{Operator: "1.14"}, deployed{})
	require.NoError(t, err)
	require.Equal(t, "1.14.0", r.Operator)
	require.Len(t, r.NotChecked, 2)
	_, err = run(ValidateOptions{Release: "latest"}, deployed{})
	require.ErrorContains(t, err, "no release label of EMR")
	_, err = run(ValidateOptions{Set: []string{"spec.job.paralelism=3"}}, deployed{})
	require.ErrorContains(t, err, `the nearest is "parallelism"`)

	named := &cmdutil.Globals{StackNamed: true}
	found := []flinkjob.Finding{
		{Object: "FlinkDeployment mine", Code: "node-pool", Path: "spec.taskManager", Text: "no NodePool takes the pods"},
		{Object: "FlinkDeployment mine", Code: "idle", Path: "spec.jobManager.resource", Text: "half of it", Advice: true},
	}
	r, err = run(ValidateOptions{Globals: named}, deployed{found: found})
	require.Equal(t, cmdutil.ExitStatus(cmdutil.ExitFailed), err, "the file itself is right")
	require.Equal(t, 1, r.Errors)
	at := map[string]int{}
	for _, p := range r.Problems {
		at[p.Code] = p.Line
	}
	require.Equal(t, 15, at["stack-node-pool"])
	require.Equal(t, 14, at["stack-idle"])
	require.NotContains(t, at, "reference", "the stack was asked")
	require.NotContains(t, at, "placeholder")
	_, err = run(ValidateOptions{Globals: named, Set: []string{"spec.flinkVersion=v1_99"}}, deployed{found: found})
	require.Equal(t, cmdutil.ExitStatus(cmdutil.ExitUsage), err)
	_, err = run(ValidateOptions{Globals: named, Release: "emr-7.9.0-flink-latest"}, deployed{})
	require.NoError(t, err)
	r, err = run(ValidateOptions{Globals: named, Set: []string{"metadata.namespace=other"}}, deployed{})
	require.Equal(t, cmdutil.ExitStatus(cmdutil.ExitFailed), err)
	require.Contains(t, r.NotChecked[len(r.NotChecked)-1], "the live stack")
}

// deployed is a stack with one team.
type deployed struct {
	err    error
	ran    *[]flinkjob.Job
	found  []flinkjob.Finding
	server flinkjob.DryRunResult
}

func (d deployed) RunJobs(_ context.Context, jobs []flinkjob.Job, _ flinkjob.Options, report func(flinkjob.Progress)) (
	flinkjob.RunResult, error) {
	*d.ran = jobs
	report(flinkjob.Progress{Phase: "submitted"})
	var res flinkjob.RunResult
	for _, j := range jobs {
		one := flinkjob.RunResult{Job: j.Name, Namespace: j.Namespace, State: "RUNNING"}
		all := append(res.Jobs, one)
		res = one
		res.Jobs = all
	}
	if len(jobs) == 1 {
		res.Jobs = nil
	}
	return res, nil
}

func (d deployed) ExamineJobs(context.Context, []flinkjob.Job) ([]flinkjob.Finding, error) {
	return d.found, d.err
}
func (d deployed) DryRunJobs(context.Context, []flinkjob.Job) (flinkjob.DryRunResult, error) {
	return d.server, d.err
}

func (deployed) Info() stack.Info { return stack.Info{Region: "us-west-2"} }
func (deployed) Close() error     { return nil }
func (d deployed) Job(context.Context, flinkjob.Options) (flinkjob.Spec, error) {
	return flinkjob.Spec{
		Namespace: "flink-team-a", RoleARN: "arn:aws:iam::111122223333:role/r",
		CheckpointURI: "s3://bucket/flink-team-a/checkpoints", SavepointURI: "s3://bucket/flink-team-a/savepoints",
		JobManagerURI: "s3://bucket/flink-team-a/jobmanager", EmrReleaseLabel: "emr-7.13.0-flink-latest", FlinkVersion: "v1_20",
		NodeGroupType: "FlinkComputeOptimized", JarsURI: "s3://bucket/flink-team-a/jars",
	}, d.err
}

func team(t *testing.T) flinkjob.Spec {
	t.Helper()
	spec, err := deployed{}.Job(t.Context(), flinkjob.Options{})
	require.NoError(t, err)
	return spec
}

func TestFix(t *testing.T) {
	t.Parallel()
	broken := strings.Replace(wrong, "{deploymentName", "{flinkVersion: x, deploymentName", 1) + "# the end\n"
	broken = strings.Replace(broken, "parallelism: 1", "parallelism: 1, upgradeMode: last-state", 1)
	file := filepath.Join(t.TempDir(), "job.yaml")
	require.NoError(t, os.WriteFile(file, []byte(broken), 0o600))
	run := func(o FixOptions, s deployed) (string, error) {
		ios, in, out, _ := iostreams.Test()
		in.WriteString(broken)
		o.IO, o.Open = ios, func(context.Context) (Stack, error) { return s, nil }
		err := fix(t.Context(), &o)
		return out.String(), err
	}
	text, err := run(FixOptions{File: file}, deployed{})
	require.Equal(t, cmdutil.ExitStatus(cmdutil.ExitUsage), err, "a field that does not exist is for the author")
	require.Contains(t, text, "FlinkSessionJob j: spec.job.upgradeMode: now savepoint\n")
	require.Contains(t, text, "2 changes; "+file+" is as it was.\nwrote "+strings.TrimSuffix(file, ".yaml")+".fixed.yaml\n")
	require.Contains(t, text, `spec has no field "flinkVersion"`)
	original, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, broken, string(original))
	copied, err := os.ReadFile(strings.TrimSuffix(file, ".yaml") + ".fixed.yaml")
	require.NoError(t, err)
	require.Contains(t, string(copied), "upgradeMode: savepoint")
	require.Contains(t, string(copied), "# the end")

	_, err = run(FixOptions{File: file}, deployed{})
	require.ErrorContains(t, err, "it exists, and may have changes of yours")
	text, err = run(FixOptions{File: "-"}, deployed{})
	require.Equal(t, cmdutil.ExitStatus(cmdutil.ExitUsage), err)
	require.Equal(t, string(copied), text, "a copy of standard input is on standard output, and nothing else")
	_, err = run(FixOptions{File: "-", Output: cmdutil.JSON}, deployed{})
	require.ErrorContains(t, err, "--output json")
	text, err = run(FixOptions{File: file, To: filepath.Join(t.TempDir(), "b.yaml"), Output: cmdutil.JSON}, deployed{})
	require.Equal(t, cmdutil.ExitStatus(cmdutil.ExitUsage), err)
	var doc fixDocument
	require.NoError(t, json.Unmarshal([]byte(text), &doc))
	require.Len(t, doc.Changes, 2)
	_, err = run(FixOptions{File: file, To: filepath.Join(t.TempDir(), "c.yaml")}, deployed{err: errors.New("not deployed")})
	require.ErrorContains(t, err, "fix "+file+": not deployed")
}
