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

// deployment is what is read of a FlinkDeployment.
type deployment struct {
	Namespace, Name      string
	Generation, Observed int64
	State, Lifecycle     string // jobStatus.state, lifecycleState
	JobManager           string // jobManagerDeploymentStatus
	Error                string // plain words of status.error
	CheckpointDir        string // with the scheme of the configuration
	Interval             string // between checkpoints; "" = the file does not say
	Deleting             bool
	JobID                string
	SessionCluster       bool   // it has no job of its own
	Cluster              string // of a session job
	Labels               map[string]string
	Created              time.Time
}

func deploymentOf(o *unstructured.Unstructured) deployment {
	str := func(path ...string) string { s, _, _ := unstructured.NestedString(o.Object, path...); return s }
	d := deployment{
		Namespace: o.GetNamespace(), Name: o.GetName(), Generation: o.GetGeneration(),
		State: str("status", "jobStatus", "state"), JobID: str("status", "jobStatus", "jobId"),
		Lifecycle: str("status", "lifecycleState"), JobManager: str("status", "jobManagerDeploymentStatus"),
		Error:         plainError(str("status", "error")),
		CheckpointDir: str("spec", "flinkConfiguration", "state.checkpoints.dir"), Cluster: str("spec", "deploymentName"),
		Interval: str("spec", "flinkConfiguration", "execution.checkpointing.interval"),
		Deleting: o.GetDeletionTimestamp() != nil, Labels: o.GetLabels(), Created: o.GetCreationTimestamp().Time,
	}
	_, hasJob, _ := unstructured.NestedMap(o.Object, "spec", "job")
	d.SessionCluster = !hasJob
	switch v, _, _ := unstructured.NestedFieldNoCopy(o.Object, "status", "observedGeneration"); n := v.(type) {
	case int64:
		d.Observed = n
	case float64:
		d.Observed = int64(n)
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

func podSelector(job string) string { return "app=" + job + ",type=flink-native-kubernetes" }

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
		ob.job.Interval = orElse(ob.job.Interval, of.Interval)
		ob.job.JobManager = of.JobManager
	}
	if ob.pods, err = r.Kube.Pods(ctx, ref.Namespace, podSelector(ref.Name)); err != nil {
		return ob, err
	}
	if ob.ready() {
		return ob, nil
	}
	if ob.refused, err = r.refusal(ctx, ref); err != nil {
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
func (r Runner) refusal(ctx context.Context, ref kube.Ref) (string, error) {
	o, err := r.Kube.Get(ctx, kube.KindDeployment.Ref(ref.Namespace, ref.Name))
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
