// SPDX-License-Identifier: Apache-2.0

package flinkoperator

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/flinkstate"
	"emrflink/internal/kube"
	"emrflink/internal/kube/kubetest"
	"emrflink/internal/localcloud/flinkconf"
	"emrflink/internal/localcloud/flinksim"
)

func TestAJobRunsAndWritesCheckpointsThatSayWhatTheyAre(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Put(flink(nil))
	w.pass(8)
	require.Equal(t, "RUNNING", w.status("jobStatus", "state"))
	require.Equal(t, "STABLE", w.status("lifecycleState"))
	require.Equal(t, "READY", w.status("jobManagerDeploymentStatus"))
	require.Equal(t, "DEPLOYED", w.status("reconciliationStatus", "state"))
	require.Empty(t, w.status("error"))

	id := w.status("jobStatus", "jobId")
	require.Len(t, id, 32)
	chk := w.s3.keys("/checkpoints/")
	require.Len(t, chk, 1, "older checkpoints are deleted: one is retained")
	require.Regexp(t, `^b/team/checkpoints/basic/`+id+`/chk-[2-9]/_metadata$`, chk[0])
	require.NotEmpty(t, w.s3.keys("/jobmanager/basic/"))
	for key, body := range w.s3.objects {
		require.Contains(t, body, "No Flink code ran", key)
		_, err := flinkstate.Read([]byte(body))
		require.True(t, json.Valid([]byte(body)) || strings.HasSuffix(key, "/_metadata") && err == nil, key)
	}
	require.Equal(t, team+"/"+masterSA+" flink-basic", w.s3.assumed[0])
	require.Len(t, w.s3.assumed, 1, "the session is kept")
	require.Contains(t, w.printed.String(), "JobManager started.")
	require.Contains(t, w.printed.String(), "No Flink code ran")
}

// What the operator's chart sets for every job is under what the job's file says, and its own settings are no job's.
func TestTheDefaultsOfTheOperator(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Put(kubetest.Object(kube.KindConfigMap, "operators", "flink-operator-config", object{"data": object{
		"flink-conf.yaml": "metrics.reporter.prom.port: 9249\ntaskmanager.numberOfTaskSlots: 1\n" +
			"kubernetes.operator.metrics.reporter.prom.port: 9999\n",
	}}))
	w.Put(flink(nil))
	w.pass(4)
	text, _, err := unstructured.NestedString(w.get(kube.KindConfigMap.Ref(team, "flink-config-basic")).Object, "data",
		"flink-conf.yaml")
	require.NoError(t, err)
	conf := flinkconf.Parse(text)
	require.Equal(t, "9249", conf["metrics.reporter.prom.port"])
	require.Equal(t, "2", conf["taskmanager.numberOfTaskSlots"], "the file's")
	require.NotContains(t, conf, "kubernetes.operator.metrics.reporter.prom.port")
}

func TestWhatIsMadeIsWhatEMRMakes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Put(flink(nil))
	w.pass(4)
	require.Contains(t, w.get(jobRef).GetFinalizers(), finalizer)
	for _, sa := range []string{masterSA, workerSA} {
		o := w.get(kube.KindServiceAccount.Ref(team, sa))
		require.Equal(t, role, o.GetAnnotations()["eks.amazonaws.com/role-arn"])
		require.Equal(t, "flink.operator", o.GetLabels()[operatorLabel])
	}
	w.get(kube.KindRole.Ref(team, masterSA))
	w.get(kube.KindRoleBinding.Ref(team, masterSA))
	w.get(kube.KindConfigMap.Ref(team, "flink-config-basic"))
	w.get(kube.KindConfigMap.Ref(team, "basic-cluster-config-map"))
	w.get(kube.KindConfigMap.Ref(team, "pod-template-basic"))
	w.get(kube.KindService.Ref(team, "basic-rest"))
	_, err := w.Get(t.Context(), kube.KindService.Ref(team, "basic"))
	require.True(t, kube.IsNotFound(err), "with high availability nobody needs the internal Service")

	d := w.get(kube.KindDeployment.Ref(team, "basic"))
	require.Equal(t, "FlinkDeployment", d.GetOwnerReferences()[0].Kind)
	tmpl, _, _ := unstructured.NestedMap(d.Object, "spec", "template")
	raw, err := json.Marshal(tmpl)
	require.NoError(t, err)
	for _, want := range []string{
		`"karpenter.sh/do-not-disrupt":"true"`, `"FlinkRole":"jobmanager"`, `"serviceAccountName":"` + masterSA + `"`,
		`"image":"public.ecr.aws/emr-on-eks/flink/emr-7.13.0-flink:latest"`,
		`"image":"public.ecr.aws/emr-on-eks/fluentd/emr-7.13.0:latest"`,
		`"requests":{"cpu":"0.5","memory":"2048Mi"}`, `"env":[{"name":"A","value":"b"},`, `"memory":"250Mi"`,
		`"emr-containers.amazonaws.com/component":"flink.jobmanager"`,
	} {
		require.Contains(t, string(raw), want)
	}
	replicas, _, _ := unstructured.NestedFloat64(d.Object, "spec", "replicas")
	require.EqualValues(t, 2, replicas, "EMR's default with high availability")

	pods, err := w.Pods(t.Context(), team, "component=taskmanager")
	require.NoError(t, err)
	require.Len(t, pods, 2, "parallelism 3 on 2 slots")
	require.Equal(t, "basic-taskmanager-1-1", pods[0].Name)
	require.Equal(t, []string{team + "/" + masterSA}, w.asked, "the JobManager's account asks for TaskManagers")
	worker := w.get(kube.KindPod.Ref(team, "basic-taskmanager-1-1"))
	require.Equal(t, "Deployment", worker.GetOwnerReferences()[0].Kind)
	require.NotContains(t, worker.GetAnnotations(), "karpenter.sh/do-not-disrupt")
}

func TestRefusedSpecsAreNotDeployed(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change object
		want   string
	}{
		"no storageDir with high availability": {object{"jobManager": object{"storageDir": ""}}, "storageDir is required"},
		"storageDir outside S3": {object{"jobManager": object{"storageDir": "hdfs://x"}},
			"must be an S3 path"},
		"standby JobManagers without HA": {
			object{"jobManager": object{"highAvailabilityEnabled": false, "replicas": 2}}, "High availability should be enabled",
		},
		"no memory": {object{"taskManager": object{"resource": object{"memory": ""}}},
			"TaskManager resource memory must be defined"},
		"a savepoint mode without folder": {object{"flinkConfiguration": object{"state.savepoints.dir": ""}},
			"state.savepoints.dir"},
		"last-state without checkpoint folder": {object{
			"job": object{"upgradeMode": "last-state"}, "flinkConfiguration": object{"state.checkpoints.dir": ""},
		}, "state.checkpoints.dir"},
		"a reserved key": {object{"flinkConfiguration": object{"kubernetes.cluster-id": "x"}},
			"Forbidden Flink config key: kubernetes.cluster-id"},
		"a role that is none": {object{"executionRoleArn": "arn:aws:s3:::x"},
			"is not the ARN of an IAM role"},
		"a release label of the operator": {object{"emrReleaseLabel": "emr-7.13.0-flink-k8s-operator-latest"},
			"emrReleaseLabel"},
		"standalone mode is refused by name": {
			object{"mode": "standalone"}, "stand-in of the EMR Flink operator does not do mode: standalone",
		},
		"an ingress is refused by name": {object{"ingress": object{"template": "x"}}, "does not do spec.ingress"},
		"no parallelism": {object{"job": object{"parallelism": 0}},
			"parallelism must be larger than 0"},
		"checkpoints to a disk are refused": {
			object{"flinkConfiguration": object{"state.checkpoints.dir": "file:///tmp"}}, "to S3 only",
		},
		"an interval that is no duration is named": {
			object{"flinkConfiguration": object{"execution.checkpointing.interval": "soon"}}, "execution.checkpointing.interval",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.Put(flink(tc.change))
			w.pass(3)
			require.Contains(t, w.status("error"), tc.want)
			require.True(t, json.Valid([]byte(w.status("error"))))
			require.Equal(t, "FAILED", w.status("lifecycleState"))
			_, err := w.Get(t.Context(), kube.KindDeployment.Ref(team, "basic"))
			require.True(t, kube.IsNotFound(err))
		})
	}
}

func TestARoleThatIsDeniedShowsInTheStatusAndHeals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.s3.deny["assume"] = denied("sts:AssumeRoleWithWebIdentity")
	w.Put(flink(nil))
	w.pass(5)
	require.Contains(t, w.status("error"), "sts:AssumeRoleWithWebIdentity")
	require.Equal(t, "RECONCILING", w.status("jobStatus", "state"))
	require.Empty(t, w.s3.objects)
	w.s3.deny["assume"] = nil
	w.pass(8)
	require.Empty(t, w.status("error"))
	require.Equal(t, "RUNNING", w.status("jobStatus", "state"))
	w.s3.deny["put chk-"] = denied("s3:PutObject")
	w.pass(4)
	require.Contains(t, w.status("error"), "s3:PutObject")
	require.Equal(t, "RESTARTING", w.status("jobStatus", "state"))
}

func TestPendingPodsAreNoRunningJob(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.hold = true
	w.Put(flink(nil))
	w.pass(4)
	require.Equal(t, "DEPLOYING", w.status("jobManagerDeploymentStatus"))
	require.Equal(t, "RECONCILING", w.status("jobStatus", "state"))
	require.Empty(t, w.s3.assumed)
}

func TestALostTaskManagerIsReplaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Put(flink(nil))
	w.pass(6)
	w.Remove(kube.KindPod.Ref(team, "basic-taskmanager-1-1"))
	w.run()
	w.pass(1)
	require.Equal(t, "RESTARTING", w.status("jobStatus", "state"))
	w.pass(2)
	require.Equal(t, "RUNNING", w.status("jobStatus", "state"))
	pods, err := w.Pods(t.Context(), team, "component=taskmanager")
	require.NoError(t, err)
	require.Equal(t, []string{"basic-taskmanager-1-2", "basic-taskmanager-1-3"}, []string{pods[0].Name, pods[1].Name})
}

func TestSuspendTakesASavepointAndResumeGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Put(flink(nil))
	w.pass(6)
	w.spec(object{"job": object{"state": "suspended"}})
	w.pass(5)
	require.Equal(t, "SUSPENDED", w.status("lifecycleState"))
	require.Equal(t, "FINISHED", w.status("jobStatus", "state"))
	require.Len(t, w.s3.keys("/savepoints/"), 1)
	require.Contains(t, w.status("jobStatus", "upgradeSavepointPath"), "s3://b/team/savepoints/basic/savepoint-")
	require.Equal(t, "READY", w.status("jobManagerDeploymentStatus"))
	require.Equal(t, "DEPLOYED", w.status("reconciliationStatus", "state"))
	pods, err := w.Pods(t.Context(), team, "")
	require.NoError(t, err)
	require.Len(t, pods, 4, "the cluster stays up until the job resumes")
	before := w.get(kube.KindDeployment.Ref(team, "basic")).GetUID()
	w.spec(object{"job": object{"state": "running"}})
	w.pass(8)
	require.Equal(t, "RUNNING", w.status("jobStatus", "state"))
	require.NotEqual(t, before, w.get(kube.KindDeployment.Ref(team, "basic")).GetUID())
	require.Len(t, w.s3.keys("/savepoints/"), 1)
}

func TestWithoutASavepointASuspensionDeletesTheCluster(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		hold       bool // the job does not run
		mode, path string
	}{
		"last-state":                        {false, "last-state", lastState},
		"stateless":                         {false, "stateless", ""},
		"a savepoint of a job without pods": {true, "savepoint", lastState},
	} {
		w := newWorld(t)
		w.hold = tc.hold
		w.Put(flink(object{"job": object{"upgradeMode": tc.mode}}))
		w.pass(6)
		w.spec(object{"job": object{"state": "suspended"}})
		w.pass(5)
		require.Equal(t, "SUSPENDED", w.status("lifecycleState"), name)
		require.Equal(t, "FINISHED", w.status("jobStatus", "state"), name)
		require.Equal(t, "MISSING", w.status("jobManagerDeploymentStatus"), name)
		require.Equal(t, tc.path, w.status("jobStatus", "upgradeSavepointPath"), name)
		require.Empty(t, w.s3.keys("/savepoints/"), name)
		pods, err := w.Pods(t.Context(), team, "")
		require.NoError(t, err)
		require.Empty(t, pods, name)
	}
}

func TestAnUpgradeModeWithoutAFolderIsRefusedAndTheJobRunsOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Put(flink(object{"job": object{"upgradeMode": "stateless"}, "flinkConfiguration": object{"state.savepoints.dir": ""}}))
	w.pass(6)
	w.spec(object{"job": object{"state": "suspended", "upgradeMode": "savepoint"}})
	w.pass(3)
	require.Contains(t, w.status("error"), "ValidationException")
	require.Equal(t, "RUNNING", w.status("jobStatus", "state"))
	w.spec(object{"job": object{"state": "running", "upgradeMode": "stateless"}})
	w.pass(3)
	require.Empty(t, w.status("error"))
}

func TestASpecChangeRedeploysOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Put(flink(nil))
	w.pass(6)
	before := w.get(kube.KindDeployment.Ref(team, "basic")).GetUID()
	w.spec(object{"job": object{"parallelism": 6}})
	w.pass(8)
	require.Equal(t, "STABLE", w.status("lifecycleState"))
	require.NotEqual(t, before, w.get(kube.KindDeployment.Ref(team, "basic")).GetUID())
	pods, err := w.Pods(t.Context(), team, "component=taskmanager")
	require.NoError(t, err)
	require.Len(t, pods, 3)
	require.Len(t, w.s3.keys("/savepoints/"), 1)
	after := w.get(kube.KindDeployment.Ref(team, "basic")).GetUID()
	w.pass(3)
	require.Equal(t, after, w.get(kube.KindDeployment.Ref(team, "basic")).GetUID())
}

// meeting answers when so many requests have come.
type meeting struct{ all sync.WaitGroup }

func (m *meeting) RoundTrip(*http.Request) (*http.Response, error) {
	m.all.Done()
	m.all.Wait()
	return nil, errors.New("it starts")
}

func TestASlowJobManagerDoesNotKeepOtherJobsWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // one after the other, they would wait for ever
		w := newWorld(t)
		names := []string{"one", "two", "three"}
		for _, name := range names {
			o := flink(nil)
			o.SetName(name)
			w.Put(o)
		}
		for range 2 {
			require.NoError(t, w.op.Reconcile(t.Context()))
		}
		m := &meeting{}
		m.all.Add(len(names))
		w.op.http = &http.Client{Transport: m}
		require.NoError(t, w.op.Reconcile(t.Context()))
	})
}

func TestAStatelessJobResumesWithoutTheSavepointOfAnEarlierUpgrade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Put(flink(nil))
	w.pass(6)
	w.spec(object{"job": object{"parallelism": 1}})
	w.pass(8)
	require.NotEmpty(t, w.status("jobStatus", "upgradeSavepointPath"))
	w.spec(object{"job": object{"upgradeMode": "stateless", "state": "suspended"}})
	w.pass(6)
	require.Equal(t, "SUSPENDED", w.status("lifecycleState"))
	require.Empty(t, w.status("jobStatus", "upgradeSavepointPath"))
}

func TestASavepointNonceTakesOneSavepoint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.mayNotMakeSnapshots()
	w.Put(flink(nil))
	w.pass(6)
	w.spec(object{"job": object{"savepointTriggerNonce": 7}})
	w.pass(4)
	require.Len(t, w.s3.keys("/savepoints/"), 1)
	require.Equal(t, "MANUAL", w.status("jobStatus", "savepointInfo", "lastSavepoint", "triggerType"))
	require.Equal(t, "RUNNING", w.status("jobStatus", "state"))
}

func TestDeletionRemovesEverythingAndThenTheFinalizer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Put(flink(nil))
	w.pass(6)
	require.NoError(t, w.Delete(t.Context(), jobRef, kube.Background))
	w.pass(1)
	require.NotNil(t, w.get(jobRef).GetDeletionTimestamp(), "it is there while its pods may be")
	w.pass(3)
	_, err := w.Get(t.Context(), jobRef)
	require.True(t, kube.IsNotFound(err))
	for _, k := range []kube.Kind{kube.KindPod, kube.KindDeployment, kube.KindService, kube.KindConfigMap} {
		left, err := w.List(t.Context(), k, kube.ListOptions{Namespace: team})
		require.NoError(t, err)
		require.Empty(t, left, k.Kind)
	}
	require.NotEmpty(t, w.s3.keys("/checkpoints/"), "checkpoints stay")
	require.Empty(t, w.op.requests)
}

// As of the real operator: it reads the configuration of a job before it cleans up, and cannot.
func TestAJobWhoseConfigurationCannotBeReadIsNeverDeleted(t *testing.T) {
	t.Parallel()
	for name, spec := range map[string]object{
		"no Flink version":           {"flinkVersion": nil},
		"memory that does not parse": {"taskManager": object{"resource": object{"memory": "12 elephants"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.Put(flink(nil))
			w.pass(6)
			w.spec(spec)
			require.NoError(t, w.Delete(t.Context(), jobRef, kube.Background))
			for range 3 {
				require.ErrorContains(t, w.op.Reconcile(t.Context()), "Failed to load configuration")
			}
			require.Contains(t, w.get(jobRef).GetFinalizers(), finalizer)
			w.spec(object{
				"flinkVersion": "v1_20", "taskManager": object{"resource": object{"memory": "2048m"}},
			})
			w.pass(4)
			_, err := w.Get(t.Context(), jobRef)
			require.True(t, kube.IsNotFound(err), "a spec that is mended lets it go")
		})
	}
}

func TestACheckpointNumberGoesOnAfterARestartOfTheOperator(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Put(flink(nil))
	w.pass(8)
	old := w.s3.keys("/checkpoints/")[0]
	w.op.requests, w.jobs = map[string]*request{}, map[string]*flinksim.Cluster{}
	w.pass(5)
	fresh := w.s3.keys("/checkpoints/")
	require.Len(t, fresh, 1)
	require.Greater(t, fresh[0], old)
}

func TestASteadyJobIsNotWrittenToAllTheTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Put(flink(object{"flinkConfiguration": object{"execution.checkpointing.interval": "1 h"}}))
	w.pass(6)
	n := len(w.Calls())
	w.pass(10)
	require.Empty(t, w.Calls()[n:])
}

func TestASessionClusterIsStableWithoutAJob(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cr := flink(nil)
	unstructured.RemoveNestedField(cr.Object, "spec", "job")
	w.Put(cr)
	w.pass(4)
	require.Equal(t, "STABLE", w.status("lifecycleState"))
	require.Empty(t, w.status("jobStatus", "state"))
	require.Empty(t, w.s3.assumed)
}

func TestTheOrderOfDeletionIsPodsBeforeFinalizer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Put(flink(nil))
	w.pass(6)
	require.NoError(t, w.Delete(t.Context(), jobRef, kube.Background))
	w.pass(4)
	var pods, patches []int
	for i, call := range w.Calls() {
		switch {
		case strings.HasPrefix(call, "delete Pod "+team+"/basic-taskmanager-"):
			pods = append(pods, i)
		case call == "patch FlinkDeployment "+team+"/basic":
			patches = append(patches, i)
		}
	}
	require.NotEmpty(t, pods)
	require.NotEmpty(t, patches)
	require.Greater(t, slices.Max(patches), slices.Max(pods), "the last patch removes the finalizer")
}

func TestPortNamesAreThoseThatTheAPIServerAccepts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Put(flink(nil))
	w.pass(6)
	pods, err := w.List(t.Context(), kube.KindPod, kube.ListOptions{Namespace: team})
	require.NoError(t, err)
	require.Len(t, pods, 4, "two JobManagers and two TaskManagers")
	for _, o := range pods {
		spec := o.Object["spec"].(object)
		ports := spec["containers"].([]any)[0].(object)["ports"].([]any)
		require.NotEmpty(t, ports)
		for _, p := range ports {
			require.LessOrEqual(t, len(p.(object)["name"].(string)), 15, o.GetName())
		}
	}
}

// TestTheAutoscalerIsNotSimulatedAndThatIsSaid: a job that asks for it runs, with the parallelism that it has.
func TestTheAutoscalerIsNotSimulatedAndThatIsSaid(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]int{"true": 1, "false": 0} {
		w := newWorld(t)
		w.Put(flink(object{"flinkConfiguration": object{keyAutoscaler: value}}))
		w.pass(8)
		require.Equal(t, "STABLE", w.status("lifecycleState"))
		events, err := w.Events(t.Context(), team)
		require.NoError(t, err)
		told := 0
		for _, e := range events {
			if e.Reason == "AutoscalerNotSimulated" {
				told++
				require.Contains(t, e.Message, "does not simulate the autoscaler (job.autoscaler.enabled)")
			}
		}
		require.Equal(t, want, told)
	}
}
