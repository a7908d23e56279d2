// SPDX-License-Identifier: Apache-2.0

package flinkoperator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/flinkrest"
	"emrflink/internal/flinkspec"
	"emrflink/internal/kube"
	"emrflink/internal/localcloud/flinkconf"
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
	}
	return out, err
}

// reconcileSession moves one session job one step towards its spec. Its status has no word on a JobManager.
func (o *Operator) reconcileSession(ctx context.Context, j *sessionJob) error {
	fins := j.obj.GetFinalizers()
	switch {
	case j.obj.GetDeletionTimestamp() != nil:
		return o.finalizeSession(ctx, j)
	case j.cluster == nil:
		return o.withoutCluster(ctx, j)
	case j.cluster.status("lifecycleState") != "STABLE" || j.spec.Job == nil:
		return nil // no status: the cluster comes
	case !slices.Contains(fins, sessionFinalizer):
		_, err := o.Cluster.Patch(ctx, j.ref, "", object{"metadata": object{"finalizers": append(fins, sessionFinalizer)}})
		return err
	}
	if problem := ruleJob(j.deployment); problem != "" {
		return o.publish(ctx, j.deployment, report{err: operatorError("ValidationException", problem)})
	}
	p, err := o.parts(ctx, j.cluster)
	if err != nil {
		return err
	}
	upgrading := report{lifecycle: "UPGRADING", state: "UPGRADING"}
	switch now := j.status("lifecycleState"); {
	case j.spec.Job.State == "suspended" && now == suspended:
		return nil
	case j.spec.Job.State == "suspended":
		return o.stopSession(ctx, j, p, report{lifecycle: suspended, state: "DEPLOYED", spec: true})
	case now == "":
		return o.publish(ctx, j.deployment, upgrading)
	case now == "UPGRADING":
		return o.submitSession(ctx, j, p)
	case now == suspended || j.changed():
		return o.stopSession(ctx, j, p, upgrading)
	}
	return o.observeSession(ctx, j, p)
}

// withoutCluster says once, in the operator's words, that a job has no cluster, which may come. There is no status.
func (o *Operator) withoutCluster(ctx context.Context, j *sessionJob) error {
	if !o.first(o.held, j.uid) {
		return nil
	}
	return o.eventOf(ctx, j.ref, j.uid, componentOperator, "Warning", "UnsupportedFlinkVersion",
		"Flink version null is not supported by this operator version")
}

// changed says that the job's spec is not the one that runs.
func (j *sessionJob) changed() bool {
	var last struct {
		Spec object `json:"spec"`
	}
	raw := j.status("reconciliationStatus", "lastReconciledSpec")
	return json.Unmarshal([]byte(raw), &last) == nil && hashOf(last.Spec) != j.hash()
}

// stopSession ends the job as its upgrade mode says; its cluster stays.
func (o *Operator) stopSession(ctx context.Context, j *sessionJob, p parts, r report) error {
	r.job = "FINISHED"
	if err := o.leaves(ctx, j.deployment); err != nil {
		return err
	}
	if done, err := o.stopJob(ctx, j.deployment, p, &r); err != nil {
		return o.publish(ctx, j.deployment, savepointFailed(err))
	} else if !done {
		return nil
	}
	return o.publish(ctx, j.deployment, r)
}

// submitSession sends the job's jar to the cluster and starts it. What goes wrong is tried again at the next pass.
func (o *Operator) submitSession(ctx context.Context, j *sessionJob, p parts) error {
	job := o.begin(j.deployment)
	if j.status("error") == "" { // it is tried again and again
		if err := o.eventOf(ctx, j.ref, j.uid, componentJob, "Normal", "Submit", "Starting deployment"); err != nil {
			return err
		}
	}
	if err := o.sendJar(ctx, j, p, job); err != nil {
		return o.publish(ctx, j.deployment, report{
			lifecycle: "UPGRADING", state: "UPGRADING", err: operatorError("ReconciliationException", err.Error()),
		})
	}
	r := report{lifecycle: "DEPLOYED", state: "DEPLOYED", job: "CREATED", spec: true, id: job.id, mode: job.mode}
	return o.publish(ctx, j.deployment, r)
}

func (o *Operator) sendJar(ctx context.Context, j *sessionJob, p parts, job start) error {
	uri := j.spec.Job.JarURI
	if scheme, _, _ := strings.Cut(uri, ":"); !flinkspec.IsS3(uri) {
		return fmt.Errorf("org.apache.flink.core.fs.UnsupportedFileSystemSchemeException: Could not find a file system "+
			"implementation for scheme '%s'. The scheme is not directly supported by Flink and no Hadoop file system to support "+
			"this scheme could be loaded. For a full list of supported file systems, please see "+
			"https://nightlies.apache.org/flink/flink-docs-stable/ops/filesystems/.", scheme)
	}
	f := o.flink(p)
	if f == nil {
		return errors.New("java.net.ConnectException: Connection refused")
	}
	jar, err := o.Jar(ctx, uri)
	if err != nil {
		return fmt.Errorf("read %s: %w", uri, err)
	}
	defer jar.Close() // it was only read
	id, err := f.Upload(ctx, path.Base(uri), jar)
	if err != nil {
		return err
	}
	// What the cluster has already is not sent again: its processes have it with the paths of this machine.
	conf := maps.Clone(j.spec.FlinkConfiguration)
	maps.DeleteFunc(conf, func(k, v string) bool { return j.cluster.spec.FlinkConfiguration[k] == v })
	conf[flinkconf.Name] = j.ref.Name
	return f.Run(ctx, id, flinkrest.Run{
		JobID: job.id, EntryClass: j.spec.Job.EntryClass, Args: j.spec.Job.Args, Parallelism: max(j.spec.Job.Parallelism, 1),
		Savepoint: job.restore, Configuration: conf,
	})
}

// observeSession follows a job that its cluster has.
func (o *Operator) observeSession(ctx context.Context, j *sessionJob, p parts) error {
	r := report{lifecycle: "DEPLOYED", state: "DEPLOYED", job: "RECONCILING"}
	f := o.flink(p)
	if f == nil {
		return o.publish(ctx, j.deployment, r)
	}
	if err := o.follow(ctx, j.deployment, p, f, &r); err != nil {
		return errors.Join(err, o.publish(ctx, j.deployment, r))
	}
	if last, had := j.lastSpec(); r.job == "RUNNING" && had {
		if err := o.triggers(ctx, j.deployment, f, last, &r); err != nil {
			r.err, r.spec = operatorError("ReconciliationException", err.Error()), false
		}
	}
	return o.publish(ctx, j.deployment, r)
}

// finalizeSession cancels the job, and takes the finalizer off when it is over.
func (o *Operator) finalizeSession(ctx context.Context, j *sessionJob) error {
	fins := j.obj.GetFinalizers()
	if !slices.Contains(fins, sessionFinalizer) {
		return nil
	}
	if err := o.cleansUp(ctx, j.deployment); err != nil {
		return err
	}
	if over, err := o.cancelled(ctx, j); err != nil || !over {
		return errors.Join(err, o.publish(ctx, j.deployment, report{job: "CANCELLING"}))
	}
	fins = slices.DeleteFunc(slices.Clone(fins), func(f string) bool { return f == sessionFinalizer })
	_, err := o.Cluster.Patch(ctx, j.ref, "", object{"metadata": object{"finalizers": fins}})
	return err
}

// cancelled asks for the end of a session job and says whether it is there. A job without a cluster has ended with it.
func (o *Operator) cancelled(ctx context.Context, j *sessionJob) (bool, error) {
	if j.cluster == nil || j.jobID() == "" {
		return true, nil
	}
	p, err := o.parts(ctx, j.cluster)
	if err != nil {
		return false, err
	}
	f := o.flink(p)
	if f == nil {
		return p.cluster == nil, nil
	}
	jobs, err := f.Jobs(ctx)
	if err != nil {
		return false, err
	}
	i := slices.IndexFunc(jobs, func(row flinkrest.Job) bool { return row.ID == j.jobID() })
	if i < 0 || slices.Contains([]string{"FINISHED", "CANCELED", "FAILED"}, jobs[i].State) {
		return true, nil
	}
	return false, f.Cancel(ctx, j.jobID())
}
