// SPDX-License-Identifier: Apache-2.0

package flinkoperator

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/kube"
)

const sessionFinalizer = "flinksessionjobs.flink.apache.org/finalizer"

// sessionJob is a FlinkSessionJob. It is seen as a deployment with the spec of its cluster and the job of its own, so that
// checkpoints, savepoints and status are those of any job.
type sessionJob struct {
	*deployment
	cluster *deployment // nil when there is none of the name
}

// sessionJobs lists the session jobs and tells their clusters about them.
func (o *Operator) sessionJobs(ctx context.Context, clusters map[kube.Ref]*deployment) ([]*sessionJob, error) {
	list, err := o.Cluster.List(ctx, kube.KindFlinkSessionJob, kube.ListOptions{})
	if kube.IsNoKind(err) || kube.IsNotFound(err) {
		return nil, nil
	}
	var out []*sessionJob
	for i := range list {
		j := &sessionJob{deployment: newDeployment(&list[i])}
		out = append(out, j)
		name, _, _ := unstructured.NestedString(list[i].Object, "spec", "deploymentName")
		c := clusters[kube.KindFlinkDeployment.Ref(j.ref.Namespace, name)]
		if c == nil || c.spec.Job != nil {
			continue
		}
		own := j.spec
		j.cluster, j.spec = c, c.spec
		j.spec.Job = own.Job
		j.spec.FlinkConfiguration = maps.Clone(c.spec.FlinkConfiguration)
		if j.spec.FlinkConfiguration == nil {
			j.spec.FlinkConfiguration = map[string]string{}
		}
		maps.Copy(j.spec.FlinkConfiguration, own.FlinkConfiguration)
		c.sessions = append(c.sessions, j.ref.Name)
		if own.Job != nil && own.Job.State != "suspended" && j.obj.GetDeletionTimestamp() == nil {
			c.slots += max(own.Job.Parallelism, 1)
		}
	}
	return out, err
}

// reconcileSession moves one session job one step towards its spec. Its status has no word on a JobManager.
func (o *Operator) reconcileSession(ctx context.Context, j *sessionJob) error {
	fins := j.obj.GetFinalizers()
	switch {
	case j.obj.GetDeletionTimestamp() != nil:
		return o.finalizeSession(ctx, j)
	case j.cluster == nil || j.cluster.status("lifecycleState") != "STABLE" || j.spec.Job == nil:
		return nil // no status: the cluster may come
	case !slices.Contains(fins, sessionFinalizer):
		_, err := o.Cluster.Patch(ctx, j.ref, "", object{"metadata": object{"finalizers": append(fins, sessionFinalizer)}})
		return err
	}
	if problem := ruleJob(j.deployment); problem != "" {
		return o.publish(ctx, j.deployment, report{err: operatorError("ValidationException", problem)})
	}
	upgrading := report{lifecycle: "UPGRADING", state: "UPGRADING"}
	if strings.HasPrefix(j.spec.Job.JarURI, "local:") {
		upgrading.err = operatorError("ReconciliationException", "org.apache.flink.core.fs.UnsupportedFileSystemSchemeException: "+
			"Could not find a file system implementation for scheme 'local'.")
		return o.publish(ctx, j.deployment, upgrading)
	}
	switch now := j.status("lifecycleState"); {
	case j.spec.Job.State == "suspended":
		return o.suspendSession(ctx, j)
	case now == "":
		return o.publish(ctx, j.deployment, upgrading)
	case now == "UPGRADING":
		r := report{lifecycle: "DEPLOYED", state: "DEPLOYED", job: "CREATED", spec: true}
		return o.publish(ctx, j.deployment, r)
	case now == suspended || j.changed():
		if now != suspended && j.takesSavepoint() {
			extra, err := o.stopWithSavepoint(ctx, j.deployment)
			if err != nil {
				return o.publish(ctx, j.deployment, savepointFailed(err))
			}
			upgrading.extra = extra
		}
		upgrading.job = "FINISHED"
		return o.publish(ctx, j.deployment, upgrading)
	}
	return o.runSession(ctx, j)
}

// changed says that the job's spec is not the one that runs.
func (j *sessionJob) changed() bool {
	var last struct {
		Spec object `json:"spec"`
	}
	raw := j.status("reconciliationStatus", "lastReconciledSpec")
	return json.Unmarshal([]byte(raw), &last) == nil && hashOf(last.Spec) != j.hash()
}

// suspendSession is suspend for a job whose cluster stays.
func (o *Operator) suspendSession(ctx context.Context, j *sessionJob) error {
	if j.status("lifecycleState") == suspended {
		return nil
	}
	r := report{job: "FINISHED", lifecycle: suspended, state: "DEPLOYED", spec: true}
	if j.takesSavepoint() {
		extra, err := o.stopWithSavepoint(ctx, j.deployment)
		if err != nil {
			return o.publish(ctx, j.deployment, savepointFailed(err))
		}
		r.extra = extra
	} else if j.spec.Job.UpgradeMode != "stateless" {
		r.extra = object{"jobStatus": object{"upgradeSavepointPath": lastState}}
	}
	delete(o.jobs, j.uid)
	return o.publish(ctx, j.deployment, r)
}

// runSession follows a job that its cluster has: it runs as soon as the cluster's TaskManagers do.
func (o *Operator) runSession(ctx context.Context, j *sessionJob) error {
	p, err := o.parts(ctx, j.cluster)
	if err != nil {
		return err
	}
	r := report{lifecycle: "DEPLOYED", state: "DEPLOYED", job: "CREATED", extra: object{}}
	if ready(p.workers) < j.cluster.workers() {
		if j.status("lifecycleState") == "STABLE" {
			r.lifecycle, r.job = "STABLE", "RESTARTING"
		}
		return o.publish(ctx, j.deployment, r)
	}
	job := o.jobs[j.uid]
	if job == nil {
		job = &jobRun{}
		o.jobs[j.uid] = job
	}
	r.lifecycle, r.job, r.stable = "STABLE", "RUNNING", true
	last, had := j.lastSpec()
	err = o.ensureSession(ctx, j.deployment, job)
	if err == nil {
		err = errors.Join(o.checkpointWhenDue(ctx, j.deployment, job, p, &r), o.triggers(ctx, j.deployment, last, had, &r))
	}
	if r.spec = err == nil; err != nil {
		r.err, r.job, r.stable = operatorError("ReconciliationException", err.Error()), "RESTARTING", false
	}
	return o.publish(ctx, j.deployment, r)
}

// finalizeSession cancels the job, and then takes the finalizer off.
func (o *Operator) finalizeSession(ctx context.Context, j *sessionJob) error {
	fins := j.obj.GetFinalizers()
	if !slices.Contains(fins, sessionFinalizer) {
		return nil
	}
	if state := j.status("jobStatus", "state"); j.cluster != nil && (state == "RUNNING" || state == "RESTARTING") {
		return o.publish(ctx, j.deployment, report{job: "CANCELLING"})
	}
	fins = slices.DeleteFunc(slices.Clone(fins), func(f string) bool { return f == sessionFinalizer })
	_, err := o.Cluster.Patch(ctx, j.ref, "", object{"metadata": object{"finalizers": fins}})
	return err
}
