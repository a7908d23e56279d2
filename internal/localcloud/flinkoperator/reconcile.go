// SPDX-License-Identifier: Apache-2.0

package flinkoperator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/kube"
)

// parts are the objects of a job that exist.
type parts struct {
	cluster *unstructured.Unstructured // the JobManager Deployment, or nil
	masters []kube.Pod
	workers []kube.Pod
}

func (p parts) gone() bool { return p.cluster == nil && len(p.masters)+len(p.workers) == 0 }

func (o *Operator) parts(ctx context.Context, d *deployment) (parts, error) {
	var p parts
	cluster, err := o.Cluster.Get(ctx, kube.KindDeployment.Ref(d.ref.Namespace, d.ref.Name))
	if err != nil && !kube.IsNotFound(err) {
		return p, err
	}
	if err == nil {
		p.cluster = cluster
	}
	objs, err := o.Cluster.List(ctx, kube.KindPod, kube.ListOptions{Namespace: d.ref.Namespace, Labels: d.selector()})
	if err != nil {
		return p, err
	}
	for _, pod := range kube.PodsFrom(objs) {
		switch pod.Labels["component"] {
		case componentMaster:
			p.masters = append(p.masters, pod)
		case componentWorker:
			p.workers = append(p.workers, pod)
		}
	}
	return p, nil
}

// reconcile moves one FlinkDeployment one step towards its spec.
func (o *Operator) reconcile(ctx context.Context, d *deployment) error {
	if d.obj.GetDeletionTimestamp() != nil {
		return o.finalize(ctx, d)
	}
	if !slices.Contains(d.obj.GetFinalizers(), finalizer) {
		fins := append(d.obj.GetFinalizers(), finalizer)
		_, err := o.Cluster.Patch(ctx, d.ref, "", object{"metadata": object{"finalizers": fins}})
		return err
	}
	if problem := d.validate(); problem != "" {
		r := report{err: operatorError("ValidationException", problem)}
		if _, deployed := d.lastSpec(); !deployed {
			r.lifecycle = "FAILED"
		}
		return o.publish(ctx, d, r)
	}
	p, err := o.parts(ctx, d)
	if err != nil {
		return err
	}
	switch {
	case d.spec.Job != nil && d.spec.Job.State == "suspended":
		return o.suspend(ctx, d, p)
	case p.cluster != nil && d.outdated(p.cluster):
		return o.stop(ctx, d, p)
	case p.cluster == nil && len(p.masters)+len(p.workers) > 0:
		_, err := o.tearDown(ctx, d, p) // the rest of an earlier generation
		return err
	case p.cluster == nil:
		return o.begins(ctx, d)
	}
	return o.goesOn(ctx, d, p)
}

// begins deploys a job, or what was lost of it.
func (o *Operator) begins(ctx context.Context, d *deployment) error {
	if d.isLost() {
		return o.recover(ctx, d)
	}
	return o.deploy(ctx, d)
}

// goesOn follows what is deployed, unless it has to go back to what was.
func (o *Operator) goesOn(ctx context.Context, d *deployment, p parts) error {
	if back, err := o.rollsBack(ctx, d); err != nil || back {
		return errors.Join(err, o.rollBack(ctx, d, p))
	}
	return o.observe(ctx, d, p)
}

// outdated says that a cluster is not the one of the spec. One that outlived its suspension goes when the job resumes, and one
// that was rolled back when its spec is another one again, whatever it is.
func (d *deployment) outdated(cluster *unstructured.Unstructured) bool {
	return cluster.GetAnnotations()[hashKey] != d.hash() || cluster.GetDeletionTimestamp() != nil ||
		d.status("lifecycleState") == suspended || !d.isBack && d.status("reconciliationStatus", "state") == rolledBack
}

func (o *Operator) deploy(ctx context.Context, d *deployment) error {
	redeployed := d.redeploys()
	if d.spec.Job == nil || redeployed || d.status("jobStatus", "upgradeSavepointPath") != lastState {
		if err := o.deleteHA(ctx, d); err != nil { // the job does not go on from it
			return err
		}
	}
	if err := o.announce(ctx, d); err != nil {
		return err
	}
	job := o.begin(d)
	err := o.ensureIdentity(ctx, d)
	if err == nil {
		var owner *unstructured.Unstructured
		if owner, err = o.Cluster.Apply(ctx, d.cluster()); err == nil {
			var objs []*unstructured.Unstructured
			if objs, err = o.configAndServices(ctx, d, owner, job); err == nil {
				err = o.applyAll(ctx, objs)
			}
		}
	}
	if err != nil {
		failed := report{err: operatorError("DeploymentFailedException", err.Error()), masters: "ERROR"}
		return errors.Join(err, o.publish(ctx, d, failed))
	}
	o.Logger.Info("flink job deployed", "job", d.ref.String(), "id", job.id)
	r := report{masters: "DEPLOYING", lifecycle: "DEPLOYED", state: "DEPLOYED", spec: true, id: job.id, mode: job.mode}
	if d.spec.Job != nil {
		r.job = "RECONCILING"
	}
	if redeployed { // it counts as stable before anything runs
		r.lifecycle, r.stable = "STABLE", true
	} else if d.recovers() {
		r.lifecycle, r.mode = d.status("lifecycleState"), ""
	}
	return o.publish(ctx, d, r)
}

// announce shows that a cluster is made, before it is.
func (o *Operator) announce(ctx context.Context, d *deployment) error {
	if d.status("jobManagerDeploymentStatus") == "ERROR" { // it is tried again
		return nil
	}
	r := report{masters: missing, lifecycle: upgrading, state: upgrading}
	if d.redeploys() || d.recovers() {
		r = report{masters: missing}
	} else if d.status("lifecycleState") == suspended {
		r.job = "RECONCILING"
		if err := o.changed(ctx, d); err != nil {
			return err
		}
	}
	if err := o.publish(ctx, d, r); err != nil {
		return err
	}
	if d.spec.Job == nil { // the operator says nothing of a session cluster
		return nil
	}
	if d.spec.FlinkConfiguration[keyAutoscaler] == "true" {
		if err := o.event(ctx, d, "Warning", "AutoscalerNotSimulated", "the local stand-in of the EMR Flink operator does not "+
			"simulate the autoscaler ("+keyAutoscaler+"): the parallelism stays until somebody changes it"); err != nil {
			return err
		}
	}
	return o.event(ctx, d, "Normal", "Submit", "Starting deployment")
}

// keyAutoscaler switches the autoscaler of the operator on.
const keyAutoscaler = "job.autoscaler.enabled"

// observe follows a deployed cluster: JobManagers, then the job, of which Flink's REST API tells.
func (o *Operator) observe(ctx context.Context, d *deployment, p parts) error {
	r := report{lifecycle: "DEPLOYED", state: "DEPLOYED", masters: "DEPLOYING"}
	if d.spec.Job != nil {
		r.job = "RECONCILING"
	}
	if d.status("lifecycleState") == "STABLE" {
		r.lifecycle = "STABLE" // neither a lost JobManager nor a redeploy changes it
	}
	f := o.flink(p)
	if f == nil {
		if why := crashing(p.masters); why != "" {
			r.masters, r.err = "ERROR", failed("DeploymentFailedException", why, object{"reason": "CrashLoopBackOff"})
		}
		return o.publish(ctx, d, r)
	}
	was := d.status("jobManagerDeploymentStatus")
	if _, err := f.Config(ctx); err != nil || was != notReady && was != "READY" { // it is given a moment
		r.masters = notReady
		return o.publish(ctx, d, r)
	}
	r.masters = "READY"
	if d.spec.Job == nil {
		r.lifecycle, r.spec, r.stable = "STABLE", true, true
		return o.publish(ctx, d, r)
	}
	if err := o.follow(ctx, d, p, f, &r); err != nil {
		return errors.Join(err, o.publish(ctx, d, r))
	}
	if last, had := d.lastSpec(); r.job == "RUNNING" && had {
		if err := o.triggers(ctx, d, f, last, &r); err != nil {
			r.err, r.spec = operatorError("ReconciliationException", err.Error()), false // asked for again at the next pass
		}
	}
	return o.publish(ctx, d, r)
}

// crashing is what the kubelet says of a JobManager that ends again and again; "" when none does.
func crashing(masters []kube.Pod) string {
	for _, m := range masters {
		for _, w := range m.Waiting {
			if w.Reason == "CrashLoopBackOff" {
				return w.Message
			}
		}
	}
	return ""
}

const (
	suspended = "SUSPENDED"
	upgrading = "UPGRADING"
	missing   = "MISSING" // of JobManagers
	notReady  = "DEPLOYED_NOT_READY"
)

// suspend stops the job as its upgrade mode says. After a savepoint the cluster stays up until the job resumes; the other modes
// delete it. A job that does not run takes no savepoint, without a word: its mode becomes last-state.
func (o *Operator) suspend(ctx context.Context, d *deployment, p parts) error {
	r := report{masters: missing, job: "FINISHED", lifecycle: suspended, state: "DEPLOYED", spec: true}
	last, had := d.lastSpec()
	switch {
	case !had && p.cluster == nil:
		return nil // born suspended: nothing is to be done, and nothing is said
	case d.status("lifecycleState") == suspended && had && last.Job != nil && last.Job.State == d.spec.Job.State:
		return nil
	case d.takesSavepoint() && p.cluster != nil:
		r.masters = "READY"
		if err := o.leaves(ctx, d); err != nil {
			return err
		}
		if done, err := o.stopJob(ctx, d, p, &r); err != nil {
			return o.publish(ctx, d, savepointFailed(err))
		} else if !done {
			return nil
		}
		return o.publish(ctx, d, r)
	case !p.gone():
		return o.vanish(ctx, d, p)
	}
	next := any(lastState)
	if d.spec.Job.UpgradeMode == "stateless" {
		next = nil
	}
	r.extra = object{"jobStatus": object{"upgradeSavepointPath": next}}
	return o.publish(ctx, d, r)
}

// vanish ends a job that takes no savepoint, and deletes its cluster.
func (o *Operator) vanish(ctx context.Context, d *deployment, p parts) error {
	if p.cluster != nil && p.cluster.GetDeletionTimestamp() == nil {
		if err := o.leaves(ctx, d); err != nil {
			return err
		}
		if _, err := o.stopJob(ctx, d, p, &report{}); err != nil {
			return o.publish(ctx, d, savepointFailed(err))
		}
	}
	_, err := o.tearDown(ctx, d, p)
	return err
}

// takesSavepoint says that the job runs and that its mode asks for a savepoint when it is stopped.
func (d *deployment) takesSavepoint() bool {
	return d.spec.Job != nil && d.spec.Job.UpgradeMode == "savepoint" && d.status("jobStatus", "state") == "RUNNING"
}

// savepointFailed stops the upgrade, not the job.
func savepointFailed(err error) report {
	return report{err: operatorError("UpgradeFailureException", "savepoint: "+err.Error())}
}

// stop takes the cluster down, after a savepoint if the mode asks for one.
func (o *Operator) stop(ctx context.Context, d *deployment, p parts) error {
	if d.redeploys() {
		return o.cancel(ctx, d, p)
	}
	if state := d.status("reconciliationStatus", "state"); state != upgrading && state != rollingBack {
		problem, waits, err := o.unsafe(ctx, d, p)
		if err != nil {
			return err
		}
		if problem != "" || waits {
			return o.holdOff(ctx, d, p, problem)
		}
		r := report{lifecycle: upgrading, state: upgrading}
		if !d.takesSavepoint() && d.status("lifecycleState") != suspended {
			r.masters = missing // it is deleted at once
		}
		if err := o.leaves(ctx, d); err != nil {
			return err
		}
		done, err := o.stopJob(ctx, d, p, &r)
		if err != nil {
			return o.publish(ctx, d, savepointFailed(err))
		}
		if !done {
			return nil
		}
		if err := o.publish(ctx, d, r); err != nil {
			return err
		}
	}
	_, err := o.tearDown(ctx, d, p)
	return err
}

// holdOff leaves a job as it is that cannot be upgraded with its state: it says why, or looks at it until it can be.
func (o *Operator) holdOff(ctx context.Context, d *deployment, p parts, problem string) error {
	if o.first(o.waiting, d.uid+d.hash()) {
		if err := o.changed(ctx, d); err != nil {
			return err
		}
	}
	if problem != "" {
		return o.publish(ctx, d, report{err: problem})
	}
	d.pending = true
	return o.observe(ctx, d, p)
}

// cancel ends a job that is redeployed from a path that nobody has looked at, without a savepoint. Its lifecycle stays.
func (o *Operator) cancel(ctx context.Context, d *deployment, p parts) error {
	path := d.spec.Job.InitialSavepointPath
	if d.status("jobManagerDeploymentStatus") != missing || d.status("jobStatus", "upgradeSavepointPath") != path {
		if err := o.changed(ctx, d); err != nil {
			return err
		}
		if f := o.flink(p); f != nil && d.status("jobStatus", "state") == "RUNNING" {
			if err := f.Cancel(ctx, d.jobID()); err != nil {
				return err
			}
		}
		r := report{masters: missing, job: "FINISHED", extra: object{"jobStatus": object{"upgradeSavepointPath": path}}}
		if err := o.publish(ctx, d, r); err != nil {
			return err
		}
	}
	_, err := o.tearDown(ctx, d, p)
	return err
}

// leaves tells once why a job is stopped: again only for another attempt, and not for one after an error.
func (o *Operator) leaves(ctx context.Context, d *deployment) error {
	if o.asked(d.uid) != nil || strings.Contains(d.status("error"), "UpgradeFailureException") {
		return nil
	}
	if err := o.changed(ctx, d); err != nil || d.status("lifecycleState") == suspended {
		return err
	}
	return o.event(ctx, d, "Normal", "Suspended", "Suspending existing deployment.")
}

// tearDown deletes the job's pods and objects; done says that none is left. The
// high-availability ConfigMaps stay: last-state resumes from them.
func (o *Operator) tearDown(ctx context.Context, d *deployment, p parts) (done bool, err error) {
	o.ask(d.uid, nil)
	if p.gone() {
		return true, nil
	}
	refs := []kube.Ref{
		kube.KindDeployment.Ref(d.ref.Namespace, d.ref.Name),
		kube.KindService.Ref(d.ref.Namespace, d.ref.Name+"-rest"),
		kube.KindService.Ref(d.ref.Namespace, d.ref.Name),
		kube.KindConfigMap.Ref(d.ref.Namespace, d.configName()),
		kube.KindConfigMap.Ref(d.ref.Namespace, d.templateName()),
	}
	for _, w := range p.workers {
		if !w.Deleting {
			refs = append(refs, kube.KindPod.Ref(w.Namespace, w.Name))
		}
	}
	return false, o.deleteAll(ctx, refs)
}

func (o *Operator) deleteAll(ctx context.Context, refs []kube.Ref) error {
	var errs []error
	for _, ref := range refs {
		if err := o.Cluster.Delete(ctx, ref, kube.Background); err != nil && !kube.IsNotFound(err) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// finalize takes everything down and only then the finalizer off. Checkpoints
// and savepoints stay in the bucket; the high-availability data goes.
func (o *Operator) finalize(ctx context.Context, d *deployment) error {
	fins := d.obj.GetFinalizers()
	if !slices.Contains(fins, finalizer) {
		return nil
	}
	if problem := d.unreadable(); problem != "" {
		return fmt.Errorf("clean up: Failed to load configuration: %s", problem) // the finalizer stays until the spec is mended
	}
	if len(d.sessions) > 0 {
		return o.isHeld(ctx, d)
	}
	if err := o.cleansUp(ctx, d); err != nil {
		return err
	}
	p, err := o.parts(ctx, d)
	if err != nil {
		return err
	}
	if d.spec.FlinkConfiguration["kubernetes.operator.job.savepoint-on-deletion"] == "true" &&
		p.cluster != nil && p.cluster.GetDeletionTimestamp() == nil {
		var r report
		if done, err := o.stopAs(ctx, d, p, "savepoint", &r); err != nil {
			return o.publish(ctx, d, report{
				err: operatorError("ReconciliationException", fmt.Sprintf("savepoint on deletion: %v", err)),
			})
		} else if !done {
			return nil
		}
	}
	done, err := o.tearDown(ctx, d, p)
	if err != nil || !done {
		return err
	}
	if err := o.deleteHA(ctx, d); err != nil {
		return err
	}
	fins = slices.DeleteFunc(slices.Clone(fins), func(f string) bool { return f == finalizer })
	_, err = o.Cluster.Patch(ctx, d.ref, "", object{"metadata": object{"finalizers": fins}})
	if err == nil {
		o.Logger.Info("flink job deleted", "job", d.ref.String(), "simulated", true)
	}
	return err
}

// isHeld tells once that session jobs keep their cluster.
func (o *Operator) isHeld(ctx context.Context, d *deployment) error {
	if !o.first(o.held, d.uid) {
		return nil
	}
	return o.eventOf(ctx, d.ref, d.uid, componentOperator, "Warning", "CleanupFailed",
		"The session jobs ["+strings.Join(d.sessions, ", ")+"] should be deleted first")
}

// cleansUp tells once that a deployment is cleaned up.
func (o *Operator) cleansUp(ctx context.Context, d *deployment) error {
	if !o.first(o.cleaning, d.uid) {
		return nil
	}
	return o.eventOf(ctx, d.ref, d.uid, componentOperator, "Normal", "Cleanup", "Cleaning up "+d.ref.Kind.Kind)
}

// deleteHA deletes what JobManagers keep in the cluster for their successors.
func (o *Operator) deleteHA(ctx context.Context, d *deployment) error {
	left, err := o.Cluster.List(ctx, kube.KindConfigMap, kube.ListOptions{Namespace: d.ref.Namespace, Labels: d.haSelector()})
	if err != nil {
		return err
	}
	var refs []kube.Ref
	for i := range left {
		refs = append(refs, kube.RefOf(&left[i]))
	}
	return o.deleteAll(ctx, refs)
}
