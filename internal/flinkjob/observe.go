// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/kube"
)

// deployment is what is read of a FlinkDeployment or a FlinkSessionJob.
type deployment struct {
	Kind                 kube.Kind
	Namespace, Name      string
	Wanted               string // spec.job.state: running, suspended
	UpgradeMode          string // of the CRD's default when the file says none
	Savepoint            string // what the operator stopped it with, or a word of its own
	Parallelism          int64
	RestartNonce         int64
	SavepointNonce       int64
	RedeployNonce        int64
	FlinkVersion         string
	Release              string // emrReleaseLabel, "" for a session job
	Generation, Observed int64
	State, Lifecycle     string // jobStatus.state, lifecycleState
	JobManager           string // jobManagerDeploymentStatus
	Error                string // plain words of status.error
	CheckpointDir        string // with the scheme of the configuration
	SavepointDir         string // as CheckpointDir
	Interval             string // between checkpoints; "" = the file does not say
	Deleting             bool
	JobID                string
	SessionCluster       bool   // it has no job of its own
	Cluster              string // of a session job
	Labels               map[string]string
	Created              time.Time
}

// cluster is the FlinkDeployment whose pods run the job: its own, but for a session job.
func (d deployment) cluster() string { return orElse(d.Cluster, d.Name) }

func deploymentOf(o *unstructured.Unstructured) deployment {
	str := func(path ...string) string { s, _, _ := unstructured.NestedString(o.Object, path...); return s }
	num := func(path ...string) int64 {
		switch v, _, _ := unstructured.NestedFieldNoCopy(o.Object, path...); n := v.(type) {
		case int64:
			return n
		case float64:
			return int64(n)
		}
		return 0
	}
	_, hasJob, _ := unstructured.NestedMap(o.Object, "spec", "job")
	d := deployment{
		Kind: kube.RefOf(o).Kind, SessionCluster: !hasJob,
		Wanted:      orElse(str("spec", "job", "state"), "running"),
		UpgradeMode: orElse(str("spec", "job", "upgradeMode"), "stateless"),
		Savepoint:   str("status", "jobStatus", "upgradeSavepointPath"), Parallelism: num("spec", "job", "parallelism"),
		RestartNonce:   num("spec", "restartNonce"),
		RedeployNonce:  num("spec", "job", "savepointRedeployNonce"),
		SavepointNonce: num("spec", "job", "savepointTriggerNonce"), FlinkVersion: str("spec", "flinkVersion"),
		Release: str("spec", "emrReleaseLabel"), Observed: num("status", "observedGeneration"),
		Namespace: o.GetNamespace(), Name: o.GetName(), Generation: o.GetGeneration(),
		State: str("status", "jobStatus", "state"), JobID: str("status", "jobStatus", "jobId"),
		Lifecycle: str("status", "lifecycleState"), JobManager: str("status", "jobManagerDeploymentStatus"),
		Error:         plainError(str("status", "error")),
		CheckpointDir: str("spec", "flinkConfiguration", "state.checkpoints.dir"), Cluster: str("spec", "deploymentName"),
		SavepointDir: str("spec", "flinkConfiguration", "state.savepoints.dir"),
		Interval:     str("spec", "flinkConfiguration", "execution.checkpointing.interval"),
		Deleting:     o.GetDeletionTimestamp() != nil, Labels: o.GetLabels(), Created: o.GetCreationTimestamp().Time,
	}
	return d
}

// plainError takes the messages out of the operator's error, which is a JSON
// document in a string: {"type", "message", "throwableList": [{"message"}]}.
func plainError(raw string) string {
	var doc struct {
		Type          string
		Message       string
		ThrowableList []struct{ Message string }
	}
	if raw == "" || json.Unmarshal([]byte(raw), &doc) != nil {
		return raw
	}
	text := doc.Message
	for _, t := range doc.ThrowableList {
		if t.Message != "" && !strings.Contains(text, t.Message) {
			text += ": " + t.Message
		}
	}
	if text == "" {
		return raw
	}
	return strings.TrimPrefix(text, ": ")
}

// observation is one look at everything that can tell why a job waits.
type observation struct {
	job        deployment
	pods       []kube.Pod
	claims     []kube.NodeClaim
	events     []kube.Event
	checkpoint *Checkpoint
	refused    string // why Kubernetes makes no JobManager pods: quota, pod security
}

const (
	nativeType = "flink-native-kubernetes"
	flinkPods  = "type=" + nativeType
)

// OtherPods selects the pods that are no job's.
const OtherPods = "type!=" + nativeType

func podSelector(cluster string) string { return "app=" + cluster + "," + flinkPods }

// look reads the job's objects; events of the last minutes only, so that an old
// complaint does not explain a new wait.
func (r Runner) look(ctx context.Context, ref kube.Ref, since time.Time) (observation, error) {
	o, err := r.Kube.Get(ctx, ref)
	if err != nil {
		return observation{}, err
	}
	ob := observation{job: deploymentOf(o)}
	if ob.job.Cluster != "" { // its pods are the cluster's, and what it does not configure itself
		ref = kube.KindFlinkDeployment.Ref(ref.Namespace, ob.job.Cluster)
		cluster, err := r.Kube.Get(ctx, ref)
		if err != nil {
			return ob, err
		}
		of := deploymentOf(cluster)
		ob.job.CheckpointDir = orElse(ob.job.CheckpointDir, of.CheckpointDir)
		ob.job.SavepointDir = orElse(ob.job.SavepointDir, of.SavepointDir)
		ob.job.Interval = orElse(ob.job.Interval, of.Interval)
		ob.job.JobManager = of.JobManager
	}
	if ob.pods, err = r.Kube.Pods(ctx, ref.Namespace, podSelector(ref.Name)); err != nil {
		return ob, err
	}
	if ob.ready() {
		return ob, nil
	}
	if ob.refused, err = r.refusal(ctx, ref.Namespace, ref.Name); err != nil {
		return ob, err
	}
	if ob.claims, err = r.Kube.NodeClaims(ctx); err != nil {
		return ob, err
	}
	for _, ns := range []string{ref.Namespace, "default"} { // cluster-wide objects have their events in default
		events, err := r.Kube.Events(ctx, ns)
		if err != nil {
			return ob, err
		}
		for _, e := range events {
			if e.Last.After(since.Add(-5 * time.Second)) {
				ob.events = append(ob.events, e)
			}
		}
	}
	return ob, nil
}

// refusal is why the Deployment of the JobManager gets no pods, in the words of the API server.
func (r Runner) refusal(ctx context.Context, namespace, cluster string) (string, error) {
	o, err := r.Kube.Get(ctx, kube.KindDeployment.Ref(namespace, cluster))
	if kube.IsNotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if c := kube.ConditionOf(kube.Conditions(o), "ReplicaFailure"); c.Status == "True" {
		return joinNonEmpty(": ", c.Reason, c.Message), nil
	}
	return "", nil
}

// ready says whether every pod runs and there is one.
func (o observation) ready() bool {
	for _, p := range o.pods {
		if !p.Ready && !p.Deleting {
			return false
		}
	}
	return len(o.pods) > 0
}

func roleOfPod(p kube.Pod) string { return p.Labels["component"] }
