// SPDX-License-Identifier: Apache-2.0

package jobupgrade

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/awsapi"
	"emrflink/internal/cli/cmdtest"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cli/jobstate"
	"emrflink/internal/flinkjob"
	"emrflink/internal/flinkstate"
	"emrflink/internal/kube"
	"emrflink/internal/kube/kubetest"
	"emrflink/internal/stack"
)

type obj = map[string]any

// fake is a stack with one job, whose operator carries out at once what the spec says. It is a bucket with one savepoint, too.
type fake struct {
	kube   *kubetest.Store
	absent string
}

func (*fake) Info() stack.Info          { return cmdtest.Info() }
func (*fake) Close() error              { return nil }
func (*fake) Explained(err error) error { return err }

const savepoint = "s3://b/team/savepoints/basic/savepoint-1"

func (f *fake) ListObjects(_ context.Context, _, prefix string) ([]awsapi.Object, error) {
	const key = "team/savepoints/basic/savepoint-1/_metadata"
	if !strings.HasPrefix(key, prefix) {
		return nil, nil
	}
	return []awsapi.Object{{Key: key, Size: 9, LastModified: time.Date(2026, 1, 2, 1, 4, 5, 0, time.UTC)}}, nil
}

func (*fake) GetObject(context.Context, string, string) ([]byte, error) {
	return flinkstate.Empty(1, "test"), nil
}

func (*fake) PutObject(context.Context, string, string, io.Reader, string) error { return nil }

func (*fake) CopyObject(context.Context, string, string, int64, string, string) error { return nil }

func (*fake) DeleteObjects(context.Context, string, ...string) error { return nil }

func (f *fake) FindStates(ctx context.Context, job, _, _ string, timeout time.Duration) (flinkjob.Store, error) {
	s := flinkjob.Store{
		Job: job, Namespace: "team", Bucket: f, Below: []string{"s3://b/team/savepoints/basic"}, Absent: f.absent,
		Team: flinkjob.Spec{Namespace: "team", JarsURI: "s3://b/team/jars"},
	}
	r := flinkjob.Runner{Kube: f.kube, Upload: f, Poll: time.Millisecond, Timeout: timeout}
	d := flinkjob.Deployed{Connect: func(context.Context) (flinkjob.Runner, error) { return r, nil }}
	if f.absent != "" {
		return s, nil
	}
	running, err := d.Find(ctx, job, "", timeout)
	s.Running = &running
	return s, err
}

// cluster has a job that runs, in an upgrade mode.
func cluster(t *testing.T, mode string) *fake {
	t.Helper()
	job := kube.KindFlinkDeployment.Ref("team", "basic")
	s := kubetest.New(kubetest.Object(job.Kind, job.Namespace, job.Name, obj{
		"metadata": obj{"generation": int64(1), "creationTimestamp": "2026-01-02T01:04:05Z"},
		"spec": obj{
			"emrReleaseLabel": "emr-7.13.0-flink-latest", "executionRoleArn": "arn:aws:iam::111122223333:role/job",
			"image": "i:1", "flinkVersion": "v1_20", "flinkConfiguration": obj{"a.secret-key": "hush"},
			"jobManager":  obj{"resource": obj{"cpu": int64(1), "memory": "2g"}},
			"taskManager": obj{"resource": obj{"cpu": int64(1), "memory": "2g"}},
			"job":         obj{"jarURI": "local:///a.jar", "parallelism": int64(2), "upgradeMode": mode, "state": "running"},
		},
		"status": obj{
			"observedGeneration": int64(1), "lifecycleState": "STABLE", "jobManagerDeploymentStatus": "READY",
			"jobStatus": obj{"state": "RUNNING", "jobId": "job of 1"},
		},
	}))
	s.React(func(verb string, o *unstructured.Unstructured) {
		observed, _, _ := unstructured.NestedFieldNoCopy(o.Object, "status", "observedGeneration")
		if verb != "patch" || o.GetKind() != job.Kind.Kind || fmt.Sprint(observed) == fmt.Sprint(o.GetGeneration()) {
			return
		}
		status := obj{
			"observedGeneration": o.GetGeneration(), "lifecycleState": "STABLE",
			"jobStatus": obj{"state": "RUNNING", "jobId": fmt.Sprint("job of ", o.GetGeneration())},
		}
		if wanted, _, _ := unstructured.NestedString(o.Object, "spec", "job", "state"); wanted == "suspended" {
			status["lifecycleState"] = "SUSPENDED"
			status["jobStatus"] = obj{"state": "FINISHED", "upgradeSavepointPath": savepoint}
		}
		_, err := s.Patch(context.Background(), job, "status", obj{"status": status})
		require.NoError(t, err)
	})
	return &fake{kube: s}
}

func exec(t *testing.T, f *fake, line string) (*cmdtest.Run, error) {
	t.Helper()
	return cmdtest.ExecOf(t, "job", line, func(factory *cmdutil.Factory) []*cobra.Command {
		return NewCmds(factory, func(context.Context, string) (jobstate.Stack, error) { return f, nil })
	})
}

func TestWhatTheCommandsShow(t *testing.T) {
	t.Parallel()
	f := cluster(t, "savepoint")
	file := filepath.Join(t.TempDir(), "job.yaml")
	for _, step := range []struct{ line, says string }{
		{"history basic", "N\tAPPLIED\tBY\tWHY\tFROM\n1 (now)\t2026-01-02T01:04:05Z\t-\tnot applied by emrflink\t-\n"},
		{"upgrade basic --parallelism 4 --dry-run", "FIELD\tOLD\tNEW\nspec.job.parallelism\t2\t4\n" +
			"starts from: a savepoint with which it is stopped (upgradeMode savepoint)\nstands still: from the stop"},
		{"upgrade basic --parallelism 2 --yes", "job basic has this spec already\n"},
		{"upgrade basic --parallelism 4 --yes", "job basic in namespace team is healthy, parallelism 4; after 0s\n" +
			"it started from: " + savepoint + "\n"},
		{"history basic 1", "FIELD\tOLD\tNEW\nspec.job.parallelism\t2\t4\n"},
		{"history basic 1 1", ""},
		{"rollback basic --dry-run", "spec.job.parallelism\t4\t2\n"},
		{"rollback basic 1 --yes", "is healthy, parallelism 2"},
		{"upgrade basic --from savepoint-1 --set spec.flinkConfiguration.web.timeout=5s --image i:2 --dry-run",
			"spec.flinkConfiguration.web.timeout\t\t\"5s\"\nspec.image\t\"i:1\"\t\"i:2\"\nstarts from: " + savepoint +
				", of 2h00m ago"},
		{"upgrade basic -f " + file + " --yes", "is healthy, parallelism 7"},
	} {
		if strings.Contains(step.line, "-f ") {
			o, err := f.kube.Get(t.Context(), kube.KindFlinkDeployment.Ref("team", "basic"))
			require.NoError(t, err)
			require.NoError(t, unstructured.SetNestedField(o.Object, int64(7), "spec", "job", "parallelism"))
			_, text, err := asFile(o)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(file, text, 0o600))
		}
		r, err := exec(t, f, step.line)
		require.NoError(t, err, step.line)
		require.Contains(t, cmdtest.Timeless(r.Out.String()), step.says, step.line)
		require.NotContains(t, r.Out.String(), "hush")
	}
	o, err := f.kube.Get(t.Context(), kube.KindFlinkDeployment.Ref("team", "basic"))
	require.NoError(t, err)
	secret, _, _ := unstructured.NestedStringMap(o.Object, "spec", "flinkConfiguration")
	require.Equal(t, "hush", secret["a.secret-key"], "a rollback leaves it as it is")
}

func TestTheJSONOfTheCommandsIsTheDocumentedOne(t *testing.T) {
	t.Parallel()
	const change = "changed elapsedSeconds health job kind lifecycle namespace parallelism savepoint schemaVersion simulated " +
		"state "
	const changes = "changes changes[].new changes[].old changes[].path "
	for line, fields := range map[string]string{
		"upgrade basic --parallelism 4 --yes": change + changes + "cause from rolledBack startedFrom",
		"upgrade basic --parallelism 4 --dry-run": changes + "from jar job namespace notAssessed schemaVersion simulated " +
			"standStill state upgradeMode",
		"history basic": "changes job namespace revisions revisions[].at revisions[].current revisions[].jarETag " +
			"revisions[].number revisions[].secrets revisions[].spec revisions[].state revisions[].who revisions[].why " +
			"schemaVersion simulated",
	} {
		r, err := exec(t, cluster(t, "savepoint"), line+" --output json")
		require.NoError(t, err, line)
		text := r.Out.String()
		if i := strings.Index(text, `"spec": {`); i > 0 { // its fields are the job's
			end := i + strings.Index(text[i:], "\n      }")
			text = text[:i] + `"spec": {` + text[end:]
		}
		cmdtest.Fields(t, []byte(text), strings.Fields(fields)...)
	}
}

func TestWhatIsRefusedSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for line, c := range map[string]struct {
		code int
		says string
	}{
		"upgrade nobody --parallelism 4 --yes":          {cmdutil.ExitNotFound, `there is no Flink job "nobody"`},
		"upgrade basic":                                 {cmdutil.ExitUsage, "needs what is to change"},
		"upgrade basic --parallelism 0":                 {cmdutil.ExitUsage, "must be 1 or more"},
		"upgrade basic --parallelism 4":                 {cmdutil.ExitUsage, "upgradeMode is stateless"},
		"upgrade basic --parallelism 4 --discard-state": {cmdutil.ExitUsage, "there is no terminal to ask on"},
		"upgrade basic --set spec.job.paralelism=4":     {cmdutil.ExitUsage, "parallelism"},
		"upgrade basic -f none.yaml --yes":              {cmdutil.ExitNotFound, "none.yaml"},
		"upgrade basic --jar none.jar --yes":            {cmdutil.ExitNotFound, "none.jar"},
		"upgrade basic --release newest --yes":          {cmdutil.ExitUsage, "nothing was changed"},
		"rollback basic 7 --yes":                        {cmdutil.ExitNotFound, "has no spec 7 in its history"},
		"rollback basic x":                              {cmdutil.ExitUsage, `"x" is no number of a spec`},
		"history basic 1 2":                             {cmdutil.ExitNotFound, "has no spec 2"},
		"history":                                       {cmdutil.ExitUsage, "needs the name of a job"},
	} {
		_, err := exec(t, cluster(t, "stateless"), line)
		require.ErrorContains(t, err, c.says, line)
		require.Equal(t, c.code, cmdtest.Code(err), line)
		require.LessOrEqual(t, strings.Count(err.Error(), "upgrade job"), 1, "what failed is said once: %v", err)
	}
	_, err := exec(t, &fake{absent: "the cluster was not asked: no route"}, "history basic")
	require.ErrorContains(t, err, "no route")
}
