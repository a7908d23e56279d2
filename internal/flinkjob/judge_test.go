// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/kube"
)

func podOn(node, role string) kube.Pod {
	return kube.Pod{Name: role, Namespace: "ns", Node: node, Ready: node != "", Labels: map[string]string{"component": role}}
}

// healthy is a job that runs, with its checkpoint.
func healthy() observation {
	return observation{
		job: deployment{
			Generation: 2, Observed: 2, State: "RUNNING", JobManager: "READY", CheckpointDir: "s3p://b/c", Interval: "10s",
		},
		pods:       []kube.Pod{podOn("n1", RoleJobManager), podOn("n2", RoleTaskManager)},
		checkpoint: &Checkpoint{URI: "s3://b/c/chk-1"},
	}
}

// TestEachObservationHasItsCause: each differs from a healthy one in what its name says.
func TestEachObservationHasItsCause(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*observation)
		want   verdict
	}{
		"done": {func(*observation) {}, verdict{phase: phaseCheckpoint, cause: "checkpoint s3://b/c/chk-1", done: true}},
		"deleted": {func(o *observation) { o.job.Deleting = true },
			verdict{phase: phaseSubmitted, cause: "the FlinkDeployment is being deleted", fails: "deleted", atOnce: true}},
		"failed by its lifecycle": {func(o *observation) { o.job.Lifecycle = "FAILED" },
			verdict{phase: phaseStarting, cause: "the operator reports the job as FAILED", fails: "operator", atOnce: true}},
		"failed by its state": {func(o *observation) { o.job.State, o.job.Error = "FAILED", "e" },
			verdict{phase: phaseStarting, cause: "e", fails: "operator", atOnce: true}},
		"an error that may heal": {func(o *observation) { o.job.Error = "e" },
			verdict{phase: phaseStarting, cause: "operator: e", fails: "operator"}},
		"a program that has not submitted its job": {func(o *observation) { o.job.Error = "Job Not Found" },
			verdict{phase: phaseStarting, cause: "the JobManager answers, and its program has submitted no job yet"}},
		"a program whose last process has ended": {func(o *observation) {
			o.job.Error = "Job Not Found"
			o.pods[0].Ended = []kube.Ended{{Code: 2, Message: "FileNotFoundException: chk-4"}}
			o.pods[1].Ended = []kube.Ended{{Code: 1, Message: "of a TaskManager"}}
		}, verdict{phase: phaseStarting, cause: "the JobManager answers, and its program has submitted no job yet; the process " +
			"before it ended with code 2: FileNotFoundException: chk-4"}},
		"an error of the JobManager": {func(o *observation) { o.job.Error, o.job.JobManager = "e", "ERROR" },
			verdict{phase: phaseStarting, cause: "operator: e", fails: "operator", atOnce: true}},
		"suspended": {func(o *observation) { o.job.Lifecycle = "SUSPENDED" },
			verdict{phase: phaseSubmitted, cause: "the job is suspended"}},
		"stopped by an upgrade": {func(o *observation) { o.job.State, o.job.Lifecycle = "FINISHED", "UPGRADING" },
			verdict{phase: phaseStarting, cause: "JobManager is ready, 1 TaskManagers are ready, the job is FINISHED"}},
		"not observed": {func(o *observation) { o.job.Observed = 1 }, verdict{
			phase: phaseSubmitted, cause: "the Flink operator has not taken up the job yet", fails: "operator-silent"}},
		"no node for a pod": {func(o *observation) { o.pods[1] = podOn("", RoleTaskManager) },
			verdict{phase: phaseNodes, cause: "1 of 2 pods have no node"}},
		"no node, but the pod goes": {func(o *observation) {
			o.pods = append(o.pods, kube.Pod{Name: "old", Deleting: true})
		}, verdict{phase: phaseCheckpoint, cause: "checkpoint s3://b/c/chk-1", done: true}},
		"a pod that is not ready": {func(o *observation) { o.pods[1].Ready = false },
			verdict{phase: phaseStarting, cause: "pod taskmanager starts on node n2"}},
		"no JobManager": {func(o *observation) { o.pods, o.job.JobManager = o.pods[1:], "" },
			verdict{phase: phaseSubmitted, cause: "JobManager deployment: not created yet"}},
		"a JobManager that is deployed": {func(o *observation) { o.pods, o.job.JobManager = nil, "DEPLOYING" },
			verdict{phase: phaseSubmitted, cause: "JobManager deployment: DEPLOYING"}},
		"ready, and not running": {func(o *observation) { o.job.State = "RECONCILING" },
			verdict{phase: phaseStarting, cause: "JobManager is ready, 1 TaskManagers are ready, the job is RECONCILING"}},
		"ready, and not started": {func(o *observation) { o.job.State = "" },
			verdict{phase: phaseStarting, cause: "JobManager is ready, 1 TaskManagers are ready, the job is not started"}},
		"no checkpoint": {func(o *observation) { o.checkpoint = nil },
			verdict{phase: phaseCheckpoint, cause: "the job is RUNNING; no checkpoint below s3p://b/c yet"}},
	} {
		o := healthy()
		c.change(&o)
		require.Equal(t, c.want, judge(o), name)
	}
}

func TestWhatAContainerWaitsFor(t *testing.T) {
	t.Parallel()
	for reason, want := range map[string]verdict{
		"InvalidImageName": {fails: "image", atOnce: true}, "ErrImageNeverPull": {fails: "image", atOnce: true},
		"ImagePullBackOff": {fails: "image"}, "ErrImagePull": {fails: "image"},
		"CrashLoopBackOff": {fails: "container"}, "CreateContainerConfigError": {fails: "container"},
		"CreateContainerError": {fails: "container"}, "RunContainerError": {fails: "container"},
	} {
		o := healthy()
		o.pods[0].Waiting = []kube.Waiting{{Container: "main", Reason: reason, Message: "m"}}
		want.phase, want.cause = phaseStarting, "pod jobmanager, container main: "+reason+": m"
		require.Equal(t, want, judge(o))
	}
	o := healthy()
	o.pods[0].Waiting = []kube.Waiting{{Container: "main", Reason: "ContainerCreating"}}
	require.True(t, judge(o).done, "what is on its way is no cause")
}

func TestWhyAPodHasNoNode(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	event := func(source, pod, kind, message string) kube.Event {
		return kube.Event{Type: kind, Source: source, Message: message, Object: kube.KindPod.Ref("ns", pod)}
	}
	claim := func(name string, age time.Duration, conditions ...string) kube.NodeClaim {
		c := kube.NodeClaim{Name: name, Created: at.Add(-age), InstanceType: "c5d.large", CapacityType: "spot"}
		for _, done := range conditions {
			c.Conditions = append(c.Conditions, kube.Condition{Type: done, Status: "True"})
		}
		return c
	}
	const none = "1 of 2 pods have no node"
	for name, c := range map[string]struct {
		change func(*observation)
		cause  string
		fails  string
	}{
		"the scheduler says": {func(o *observation) { o.pods[1].Scheduled.Message = "0/3 nodes" }, "; scheduler: 0/3 nodes", ""},
		"Karpenter's last word counts": {func(o *observation) {
			o.events = []kube.Event{
				event("karpenter", RoleTaskManager, "Warning", "first"),
				event("karpenter", RoleTaskManager, "Warning", "no pool"),
				event("karpenter", "other", "Warning", "of another pod"),
				event("kubelet", RoleTaskManager, "Warning", "of another"),
			}
		}, "; Karpenter: no pool", "scheduling"},
		"a word that is no warning fails nothing": {func(o *observation) {
			o.events = []kube.Event{event("karpenter", RoleTaskManager, "Normal", "nominated")}
		}, "; Karpenter: nominated", ""},
		"the newest claim that is not ready": {func(o *observation) {
			o.claims = []kube.NodeClaim{
				claim("old", time.Hour), claim("ready", 0, "Ready"), claim("new", time.Minute, "Launched"),
				claim("old2", time.Hour),
			}
			o.events = []kube.Event{event("karpenter", RoleTaskManager, "Warning", "not read")}
		}, "; NodeClaim new (c5d.large, spot): not Registered yet", ""},
		"a claim that has all steps behind it": {func(o *observation) {
			o.claims = []kube.NodeClaim{claim("c", 0, "Launched", "Registered", "Initialized")}
		}, "; NodeClaim c (c5d.large, spot): initialized, not Ready yet", ""},
		"a claim that goes": {func(o *observation) {
			o.claims = []kube.NodeClaim{claim("c", 0)}
			o.claims[0].Deleting = true
		}, "", ""},
	} {
		o := healthy()
		o.pods[1] = podOn("", RoleTaskManager)
		c.change(&o)
		require.Equal(t, verdict{phase: phaseNodes, cause: none + c.cause, fails: c.fails}, judge(o), name)
	}
}

func TestTheGraceOfACause(t *testing.T) {
	t.Parallel()
	require.Zero(t, verdict{fails: "image", atOnce: true}.failAfter(time.Minute))
	require.Equal(t, time.Minute, verdict{fails: "image"}.failAfter(time.Minute))
	for _, slow := range []string{"scheduling", "operator-silent"} {
		require.Equal(t, 2*time.Minute, verdict{fails: slow}.failAfter(time.Minute))
	}
}
