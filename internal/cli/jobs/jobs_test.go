// SPDX-License-Identifier: Apache-2.0

package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/cli/cmdtest"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/flinkjob"
	"emrflink/internal/kube"
	"emrflink/internal/kube/kubetest"
	"emrflink/internal/stack"
)

type obj = map[string]any

// fake is a stack with a cluster in memory, whose operator carries out at once what a job's spec says.
type fake struct {
	store  *kubetest.Store
	listed error
}

func (*fake) Info() stack.Info          { return cmdtest.Info() }
func (*fake) Close() error              { return nil }
func (*fake) Explained(err error) error { return err }

func (f *fake) runner() flinkjob.Runner {
	return flinkjob.Runner{Kube: f.store, Logs: f, Region: "us-west-2", Poll: time.Millisecond, Timeout: time.Minute}
}

func (f *fake) FindJob(ctx context.Context, name, team string, timeout time.Duration) (flinkjob.Running, error) {
	if f.listed != nil {
		return flinkjob.Running{}, f.listed
	}
	d := flinkjob.Deployed{Connect: func(context.Context) (flinkjob.Runner, error) { return f.runner(), nil }}
	return d.Find(ctx, name, team, timeout)
}

func (*fake) PodLogs(_ context.Context, _, pod string, o kube.LogOptions) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(fmt.Sprintf("2026-01-01T00:00:01Z 2026 INFO %s\n2026-01-01T00:00:01Z \tat a.B\n",
		pod))), nil
}

// cluster has one job that runs.
func cluster(t *testing.T, mode string) *fake {
	t.Helper()
	job := kube.KindFlinkDeployment.Ref("flink-team-a", "basic")
	s := kubetest.New(kubetest.Object(job.Kind, job.Namespace, job.Name, obj{
		"metadata": obj{"generation": int64(1), "creationTimestamp": "2026-01-02T01:04:05Z"},
		"spec": obj{
			"emrReleaseLabel": "emr-7.13.0-flink-latest",
			"job":             obj{"parallelism": int64(2), "upgradeMode": mode, "state": "running"},
		},
		"status": obj{
			"observedGeneration": int64(1), "lifecycleState": "STABLE", "jobManagerDeploymentStatus": "READY",
			"jobStatus": obj{"state": "RUNNING"},
		},
	}), kubetest.Object(kube.KindPod, "flink-team-a", "basic-1", obj{
		"metadata": obj{"labels": obj{"app": "basic", "type": "flink-native-kubernetes", "component": "jobmanager"}},
		"spec": obj{"nodeName": "n1", "containers": []any{obj{"resources": obj{"requests": obj{"cpu": "500m",
			"memory": "512Mi"}}}}},
		"status": obj{"phase": "Running", "conditions": []any{obj{"type": "Ready", "status": "True"}}},
	}))
	s.Put(kubetest.Object(kube.KindNode, "", "n1", obj{"metadata": obj{"labels": obj{
		"node.kubernetes.io/instance-type": "c5d.xlarge",
	}}}))
	s.Put(kubetest.Object(kube.KindEvent, "flink-team-a", "1", obj{
		"type": "Normal", "reason": "Submit", "message": "Starting\n deployment", "lastTimestamp": "2126-01-01T00:01:00Z",
		"involvedObject": obj{"kind": "FlinkDeployment", "namespace": "flink-team-a", "name": "basic"},
	}))
	s.React(func(verb string, o *unstructured.Unstructured) {
		if verb != "patch" || o.GetKind() != job.Kind.Kind {
			return
		}
		path := func(words ...string) string { v, _, _ := unstructured.NestedString(o.Object, words...); return v }
		status := obj{"observedGeneration": o.GetGeneration(), "lifecycleState": "STABLE", "jobStatus": obj{"state": "RUNNING"}}
		if path("spec", "job", "state") == "suspended" {
			status["lifecycleState"] = "SUSPENDED"
			status["jobStatus"] = obj{"state": "FINISHED", "upgradeSavepointPath": "s3://b/savepoint-1"}
		} else if nonce, asked, _ := unstructured.NestedFieldNoCopy(o.Object, "spec", "job", "savepointTriggerNonce"); asked {
			status["jobStatus"] = obj{"state": "RUNNING", "savepointInfo": obj{
				"lastSavepoint": obj{"location": "s3://b/savepoint-2", "triggerNonce": nonce},
			}}
		}
		observed, _, _ := unstructured.NestedFieldNoCopy(o.Object, "status", "observedGeneration")
		if fmt.Sprint(observed) != fmt.Sprint(o.GetGeneration()) {
			_, err := s.Patch(context.Background(), job, "status", obj{"status": status})
			require.NoError(t, err)
		}
	})
	return &fake{store: s}
}

func exec(t *testing.T, f *fake, line string) (*cmdtest.Run, error) {
	t.Helper()
	return cmdtest.ExecOf(t, "job", line, func(factory *cmdutil.Factory) []*cobra.Command {
		return NewCmds(factory, func(context.Context) (Stack, error) { return f, nil })
	})
}

func TestWhatTheCommandsShow(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"list": "JOB\tNAMESPACE\tSTATE\tHEALTH\tPARALLELISM\tCHECKPOINT\tRESTARTS\tRELEASE\tAGE\t$/H\tIDLE\n" +
			"basic\tflink-team-a\tRUNNING\thealthy\t2\tnone\t0\temr-7.13.0-flink-latest\t2h00m\t0.024\t-\n",
		"status basic": "job basic in namespace flink-team-a: RUNNING, STABLE, healthy\n",
		"events basic": "TIME\tTYPE\tREASON\tOBJECT\tCOUNT\tMESSAGE\n" +
			"2126-01-01T00:01:00Z\tNormal\tSubmit\tFlinkDeployment/basic\t1\tStarting deployment\n",
		"logs basic": "[basic-1] 2026 INFO basic-1\n[basic-1] \tat a.B\n",
		"logs basic --role jobmanager --output json": `"text": "2026 INFO basic-1\n\tat a.B"`,
		"savepoint basic": "savepoint of job basic: s3://b/savepoint-2\n",
		"suspend basic": "job basic in namespace flink-team-a is suspended (finished), parallelism 2; " +
			"after 0s\nsavepoint: s3://b/savepoint-1\n",
		"resume basic":                  "nothing was changed",
		"rescale basic --parallelism 4": "is healthy (running), parallelism 4",
		"rescale basic --parallelism 2": "nothing was changed",
		"restart basic":                 "is healthy (running)",
		"wait basic":                    "nothing was changed",
		"delete basic":                  "job basic: deleted\n",
	} {
		f := cluster(t, "savepoint")
		if strings.HasPrefix(line, "delete") {
			f.store.Remove(kube.KindPod.Ref("flink-team-a", "basic-1"))
		}
		r, err := exec(t, f, line)
		require.NoError(t, err, line)
		require.Contains(t, cmdtest.Timeless(r.Out.String()), want, line)
	}
}

func TestTheJSONOfTheCommandsIsTheDocumentedOne(t *testing.T) {
	t.Parallel()
	change := "changed elapsedSeconds health job kind lifecycle namespace parallelism savepoint schemaVersion simulated state"
	for line, fields := range map[string]string{
		"list": "jobs jobs[].cause jobs[].health jobs[].kind jobs[].lifecycle jobs[].name jobs[].namespace jobs[].parallelism " +
			"jobs[].notAssessed jobs[].release jobs[].restarts jobs[].sample jobs[].state schemaVersion simulated",
		"events basic": "events events[].at events[].count events[].message events[].object events[].reason events[].source " +
			"events[].type job namespace schemaVersion simulated",
		"suspend basic":                 change,
		"rescale basic --parallelism 3": change,
		"wait basic":                    change,
		"savepoint basic":               "elapsedSeconds job namespace path record schemaVersion simulated",
		"delete basic":                  "deleted elapsedSeconds job namespace schemaVersion simulated",
	} {
		f := cluster(t, "savepoint")
		f.store.Remove(kube.KindPod.Ref("flink-team-a", "basic-1"))
		r, err := exec(t, f, line+" --output json")
		require.NoError(t, err, line)
		cmdtest.Fields(t, r.Out.Bytes(), strings.Fields(fields)...)
	}
}

func TestWhatIsRefusedSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for line, c := range map[string]struct {
		code int
		says string
	}{
		"status nobody":                 {cmdutil.ExitNotFound, `there is no Flink job "nobody"`},
		"suspend":                       {cmdutil.ExitUsage, "needs the name of a job"},
		"suspend basic":                 {cmdutil.ExitUsage, "upgradeMode is stateless"},
		"rescale basic":                 {cmdutil.ExitUsage, "--parallelism N"},
		"rescale basic --parallelism 0": {cmdutil.ExitUsage, "--parallelism N"},
		"wait basic --for ever": {
			cmdutil.ExitUsage, `--for is "ever"; it can be healthy, finished, suspended, checkpoint`,
		},
		"wait basic --for finished --timeout 200ms": {cmdutil.ExitTimeout, "not within 200ms"},
		"logs basic --role boss":                    {cmdutil.ExitUsage, `--role is "boss"`},
		"logs basic --tail -1":                      {cmdutil.ExitUsage, "cannot be negative"},
		"logs basic --from mars":                    {cmdutil.ExitUsage, `--from is "mars"; it can be pods, cloudwatch, s3`},
		"logs basic --from s3 --follow":             {cmdutil.ExitUsage, "are of pods, and the logs are read from s3"},
		"logs basic --from s3":                      {cmdutil.ExitFailed, "there is no access to the account"},
		"logs basic --follow --previous":            {cmdutil.ExitUsage, "nothing to follow"},
		"logs basic --role taskmanager":             {cmdutil.ExitFailed, `job "basic" has no taskmanager pods`},
	} {
		_, err := exec(t, cluster(t, "stateless"), line)
		require.ErrorContains(t, err, c.says, line)
		require.Equal(t, c.code, cmdtest.Code(err), line)
	}
	_, err := exec(t, &fake{store: kubetest.New(), listed: errors.New("the API server does not answer")}, "list")
	require.ErrorContains(t, err, "the API server does not answer")
	r, err := exec(t, &fake{store: kubetest.New()}, "list")
	require.NoError(t, err)
	require.Empty(t, r.Out.String())
}

func TestDiagnose(t *testing.T) {
	t.Parallel()
	f := cluster(t, "savepoint")
	f.store.Remove(kube.KindPod.Ref("flink-team-a", "basic-1"))
	r, err := exec(t, f, "diagnose basic")
	require.Equal(t, cmdutil.ExitFailed, cmdtest.Code(err))
	require.Equal(t, "job basic in namespace flink-team-a is degraded: it runs; the Flink operator does not run\n\n"+
		"1. the Flink operator does not run (operator-down)\n", r.Out.String()[:strings.Index(r.Out.String(), "   seen:")])
	for _, want := range []string{
		"   seen:  operator: there is no Deployment of the operator\n", "   next:  emrflink status\n",
		"\nNot assessed:\n   exceptions: Flink's REST API: no JobManager is ready\n      so it is not known whether there " +
			"is: clock, lease",
		"\nWhat happened:\n   2126-01-01T00:01:00Z  operator   FlinkDeployment basic: Submit: Starting deployment\n",
	} {
		require.Contains(t, r.Out.String(), want)
	}
	r, err = exec(t, f, "diagnose --output json")
	require.Equal(t, cmdutil.ExitFailed, cmdtest.Code(err))
	cmdtest.Fields(t, r.Out.Bytes(), strings.Fields("jobs jobs[].autoscaler jobs[].findings jobs[].findings[].cause "+
		"jobs[].findings[].command jobs[].findings[].evidence jobs[].findings[].evidence[].at "+
		"jobs[].findings[].evidence[].source "+
		"jobs[].findings[].evidence[].text jobs[].findings[].evidence[].where jobs[].findings[].id jobs[].findings[].seen "+
		"jobs[].findings[].title jobs[].findings[].weight jobs[].job jobs[].kind jobs[].namespace jobs[].notAssessed "+
		"jobs[].notAssessed[].checks jobs[].notAssessed[].source jobs[].notAssessed[].why jobs[].state jobs[].timeline "+
		"jobs[].timeline[].at jobs[].timeline[].seen jobs[].timeline[].text jobs[].timeline[].what jobs[].verdict jobs[].why "+
		"schemaVersion simulated")...)
	r, err = exec(t, &fake{store: kubetest.New()}, "diagnose")
	require.NoError(t, err, "no job, nothing wrong")
	require.Empty(t, r.Out.String())
	_, err = exec(t, f, "diagnose nobody")
	require.Equal(t, cmdutil.ExitNotFound, cmdtest.Code(err))
	_, err = exec(t, f, "diagnose basic other")
	require.Equal(t, cmdutil.ExitUsage, cmdtest.Code(err))
}
