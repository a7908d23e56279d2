// SPDX-License-Identifier: Apache-2.0

package job

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/cli/cmdtest"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/flinkjob"
)

const mine = `apiVersion: v1
kind: ConfigMap
metadata: {name: rules}
---
apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata: {name: mine}
spec:
  emrReleaseLabel: emr-7.13.0-flink-latest
  executionRoleArn: ${FLINK_JOB_ROLE}
  flinkVersion: v1_20
  flinkConfiguration:
    state.checkpoints.dir: s3p://${S3_BUCKET}/checkpoints
  jobManager: {storageDir: "s3://${S3_BUCKET}/ha", resource: {memory: 2048m, cpu: 1}}
  taskManager: {resource: {memory: 2048m, cpu: 1}}
  job: {jarURI: "local:///opt/flink/x.jar", parallelism: 2}
`

func TestRun(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "job.yaml")
	do := func(content string, o RunOptions) (*cmdtest.Run, flinkjob.Job, error) {
		require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
		r := cmdtest.New(t)
		var ran []flinkjob.Job
		o.IO, o.Interrupt, o.File = r.Factory.IO, r.Factory.Interrupt, file
		o.Open = func(context.Context) (Stack, error) { return deployed{ran: &ran}, nil }
		err := run(t.Context(), &o)
		if len(ran) == 0 {
			ran = []flinkjob.Job{{}}
		}
		return r, ran[len(ran)-1], err
	}
	r, ran, err := do(mine, RunOptions{})
	require.NoError(t, err)
	require.Equal(t, "flink-team-a/mine", ran.Namespace+"/"+ran.Name)
	require.Equal(t, "arn:aws:iam::111122223333:role/r", ran.RoleARN)
	require.Equal(t, "s3p://bucket/flink-team-a/checkpoints/mine", ran.CheckpointDir)
	parallelism, _, _ := unstructured.NestedInt64(ran.Object.Object, "spec", "job", "parallelism")
	require.Equal(t, int64(2), parallelism)
	require.Equal(t, "rules", ran.Beside[0].GetName())
	require.Contains(t, r.Out.String(), "job mine in namespace flink-team-a is RUNNING; it keeps no checkpoints")
	require.Contains(t, r.Err.String(), "FlinkDeployment mine: spec.executionRoleArn: now arn:aws:iam::111122223333:role/r")
	_, ran, err = do(mine, RunOptions{Job: flinkjob.Options{Name: "other"}})
	require.NoError(t, err)
	require.Equal(t, "other", ran.Name)

	newer := strings.Replace(mine, "flinkVersion: v1_20", "flinkVersion: v2_0", 1)
	r, ran, err = do(newer, RunOptions{})
	var e *cmdutil.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, cmdutil.ExitUsage, e.ExitCode())
	require.Contains(t, e.Error(), "1 error in the file; nothing was submitted")
	require.Equal(t, "emrflink job fix "+file, e.Hint())
	require.Contains(t, r.Err.String(), `spec.flinkVersion is "v2_0"`)
	require.Empty(t, ran.Name)
	_, ran, err = do(newer, RunOptions{Fix: true})
	require.NoError(t, err)
	require.Equal(t, "mine", ran.Name)

	_, _, err = do("a: [", RunOptions{})
	require.ErrorContains(t, err, "no YAML")
	_, _, err = do(strings.Replace(mine, "parallelism: 2}", "parallelism: 2, state: suspended}", 1), RunOptions{})
	require.ErrorContains(t, err, "suspended from the start")

	foreign := strings.Replace(mine, "metadata: {name: mine}", "metadata: {name: mine, namespace: other}", 1)
	_, _, err = do(foreign, RunOptions{})
	require.ErrorAs(t, err, &e)
	require.Contains(t, e.Error(), `is of namespace "other"; the team's is "flink-team-a"`)
	require.Equal(t, "emrflink job fix "+file, e.Hint())
	_, ran, err = do(foreign, RunOptions{Fix: true})
	require.NoError(t, err)
	require.Equal(t, "flink-team-a", ran.Namespace)

	_, ran, err = do(mine, RunOptions{Set: []string{"spec.job.parallelism=5"}})
	require.NoError(t, err)
	parallelism, _, _ = unstructured.NestedInt64(ran.Object.Object, "spec", "job", "parallelism")
	require.Equal(t, int64(5), parallelism)
	jar := filepath.Join(filepath.Dir(file), "my-job.jar")
	require.NoError(t, os.WriteFile(jar, []byte("jar"), 0o600))
	_, ran, err = do(mine, RunOptions{Jar: jar})
	require.NoError(t, err)
	uri, _, _ := unstructured.NestedString(ran.Object.Object, "spec", "job", "jarURI")
	require.Regexp(t, `^s3://bucket/flink-team-a/jars/my-job-[0-9a-f]{16}\.jar$`, uri)
	require.Equal(t, flinkjob.Jar{File: jar, URI: uri}, ran.Jar)
	_, _, err = do(mine, RunOptions{Jar: jar + "x"})
	require.ErrorContains(t, err, "no such file")
	r, ran, err = do(sessions, RunOptions{})
	require.NoError(t, err)
	require.Equal(t, "two", ran.Name)
	require.Equal(t, "cluster", ran.Cluster)
	require.Regexp(t, `(?s)job cluster .*job one .*job two `, r.Out.String())
}

// sessions has a session job before its cluster, and one after it.
const sessions = `apiVersion: flink.apache.org/v1beta1
kind: FlinkSessionJob
metadata: {name: one}
spec: {deploymentName: cluster, job: {jarURI: "s3://bucket/flink-team-a/j.jar", parallelism: 1, upgradeMode: stateless}}
---
apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata: {name: cluster}
spec:
  emrReleaseLabel: emr-7.13.0-flink-latest
  executionRoleArn: ${FLINK_JOB_ROLE}
  flinkVersion: v1_20
  jobManager: {storageDir: "s3://${S3_BUCKET}/ha", resource: {memory: 2048m, cpu: 1}}
  taskManager: {resource: {memory: 2048m, cpu: 1}}
---
apiVersion: flink.apache.org/v1beta1
kind: FlinkSessionJob
metadata: {name: two}
spec: {deploymentName: cluster, job: {jarURI: "s3://bucket/flink-team-a/j.jar", parallelism: 1, upgradeMode: stateless}}
`

func TestADryRunSubmitsNothing(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "job.yaml")
	require.NoError(t, os.WriteFile(file, []byte(mine), 0o600))
	r := cmdtest.New(t)
	do := func(res flinkjob.DryRunResult) error {
		return run(t.Context(), &RunOptions{
			IO: r.Factory.IO, Interrupt: r.Factory.Interrupt, File: file, DryRun: true,
			Open: func(context.Context) (Stack, error) { return deployed{server: res}, nil },
		})
	}
	objects := []flinkjob.DryRunObject{{Kind: "FlinkDeployment", Name: "mine", Action: "create"}}
	require.NoError(t, do(flinkjob.DryRunResult{Objects: objects}))
	require.Contains(t, r.Out.String(), "FlinkDeployment\tmine\tcreate")
	objects[0].Action, objects[0].Reason = "refuse", "exceeded quota"
	require.ErrorContains(t, do(flinkjob.DryRunResult{Refused: 1, Objects: objects}), "the API server refuses 1 object")
	require.Contains(t, r.Out.String(), "exceeded quota")

	var d server
	require.ErrorContains(t, d.Set("client"), `must be "server"`)
	require.NoError(t, d.Set("server"))
	require.True(t, bool(d))
}
