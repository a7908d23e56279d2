// SPDX-License-Identifier: Apache-2.0

package flinkoperator

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/flinkspec"
	"emrflink/internal/kube"
)

// The states of a reconciliation that goes back to the last spec that was stable.
const (
	rollingBack = "ROLLING_BACK"
	rolledBack  = "ROLLED_BACK"
)

// The settings of it, and their defaults.
const (
	keyRollback      = "kubernetes.operator.deployment.rollback.enabled"
	keyReadiness     = "kubernetes.operator.deployment.readiness.timeout"
	defaultReadiness = 5 * time.Minute
)

// back gives a deployment that was rolled back the spec that it runs, until somebody changes its own.
func (d *deployment) back() {
	state := d.status("reconciliationStatus", "state")
	last, had := d.lastReconciled()
	if state != rollingBack && state != rolledBack || !had || hashOf(last) != d.hash() {
		return
	}
	var stable struct {
		Spec object `json:"spec"`
	}
	if json.Unmarshal([]byte(d.status("reconciliationStatus", "lastStableSpec")), &stable) != nil {
		return
	}
	d.obj = d.obj.DeepCopy()
	d.obj.Object["spec"] = stable.Spec
	d.read()
	d.isBack = true
	if failed, _ := d.lastSpec(); d.spec.Job != nil && failed.Job != nil && failed.Job.UpgradeMode != "stateless" {
		d.spec.Job.UpgradeMode = "last-state" // however it had begun
	}
}

// rollsBack says that the spec which was deployed last has not become stable in time, and that the one before it can go on from
// what high availability has.
func (o *Operator) rollsBack(ctx context.Context, d *deployment) (bool, error) {
	stable := d.status("reconciliationStatus", "lastStableSpec")
	if d.isBack || d.spec.FlinkConfiguration[keyRollback] != "true" || stable == "" ||
		stable == d.status("reconciliationStatus", "lastReconciledSpec") ||
		d.status("reconciliationStatus", "state") != "DEPLOYED" {
		return false, nil
	}
	timeout := defaultReadiness
	if t, err := flinkspec.Duration(d.spec.FlinkConfiguration[keyReadiness]); err == nil {
		timeout = t
	}
	began := number(d.obj, "status", "reconciliationStatus", "reconciliationTimestamp")
	if began == 0 || o.Clock.Now().Before(time.UnixMilli(began).Add(timeout)) {
		return false, nil
	}
	return o.hasHA(ctx, d)
}

// rollBack stops what has not become stable. Its cluster is the one that deploys the stable spec, at the next pass.
func (o *Operator) rollBack(ctx context.Context, d *deployment, p parts) error {
	for reason, message := range map[string]string{
		"Rollback": "Rolling back failed deployment.", "Suspended": "Suspending existing deployment.",
	} {
		if err := o.event(ctx, d, "Normal", reason, message); err != nil {
			return err
		}
	}
	r := report{masters: missing, job: "FINISHED", lifecycle: rollingBack, state: rollingBack, mode: "last-state",
		extra: object{"jobStatus": object{"upgradeSavepointPath": lastState}}}
	if err := o.publish(ctx, d, r); err != nil {
		return err
	}
	_, err := o.tearDown(ctx, d, p)
	return err
}

// hasHA says whether high availability has the job.
func (o *Operator) hasHA(ctx context.Context, d *deployment) (bool, error) {
	all, err := o.Cluster.List(ctx, kube.KindConfigMap, kube.ListOptions{Namespace: d.ref.Namespace, Labels: d.haSelector()})
	return slices.ContainsFunc(all, func(cm unstructured.Unstructured) bool {
		data, _, _ := unstructured.NestedMap(cm.Object, "data")
		_, graph := data["jobGraph-"+d.jobID()]
		return cm.GetDeletionTimestamp() == nil && (graph || cm.GetName() == d.ref.Name+"-"+d.jobID()+"-config-map")
	}), err
}

// neverStarted says that no JobManager of a Deployment was ever ready: its condition is as old as the Deployment itself, by the
// second.
func neverStarted(cluster *unstructured.Unstructured) bool {
	list, _, _ := unstructured.NestedSlice(cluster.Object, "status", "conditions")
	return slices.ContainsFunc(list, func(v any) bool {
		c, _ := v.(object)
		return c["type"] == "Available" && c["status"] == "False" &&
			c["lastTransitionTime"] == cluster.GetCreationTimestamp().UTC().Format(time.RFC3339)
	})
}

// unsafe is what keeps a job that does not run from being upgraded with its state: an error, or waits, when the job may still
// come.
func (o *Operator) unsafe(ctx context.Context, d *deployment, p parts) (problem string, waits bool, err error) {
	if d.spec.Job == nil || d.spec.Job.UpgradeMode == "stateless" || d.status("jobStatus", "state") == "RUNNING" ||
		d.status("lifecycleState") == suspended {
		return "", false, nil
	}
	if over, problem, err := o.isOver(ctx, d, p); over || err != nil {
		return problem, false, err
	}
	if has, err := o.hasHA(ctx, d); has || err != nil {
		return "", false, err
	}
	masters := d.status("jobManagerDeploymentStatus")
	if last, _ := d.lastSpec(); masters != missing && last.Job != nil && last.Job.UpgradeMode != "last-state" &&
		neverStarted(p.cluster) {
		return "", false, nil // it goes on from where it was to begin
	}
	if masters == missing || masters == "ERROR" {
		return operatorError("UpgradeFailureException", "JobManager deployment is missing and HA data is not available to make "+
			"stateful upgrades. It is possible that the job has finished or terminally failed, or the configmaps have been "+
			"deleted. Manual restore required."), false, nil
	}
	return "", true, nil
}

// isOver says whether the job has ended by itself, and notes what it goes on from; problem, when nobody knows.
func (o *Operator) isOver(ctx context.Context, d *deployment, p parts) (over bool, problem string, err error) {
	f := o.flink(p)
	if f == nil {
		return false, "", nil
	}
	if d.from, over, err = o.ended(ctx, d, f); over && d.from == "" {
		problem = operatorError("UpgradeFailureException", "Job is in terminal state but last checkpoint is unknown, possibly "+
			"due to an unrecoverable restore error. Manual restore required.")
	}
	return over, problem, err
}

// isLost says that the Deployment of a job that is to run is gone, and that the operator has not deleted it.
func (d *deployment) isLost() bool {
	masters := d.status("jobManagerDeploymentStatus")
	return d.status("reconciliationStatus", "state") == "DEPLOYED" && masters != missing && masters != "ERROR" && masters != "" &&
		!strings.EqualFold(d.status("lifecycleState"), suspended)
}

// recovers says that a job which was lost is deployed again: its lifecycle stays.
func (d *deployment) recovers() bool {
	return !d.isBack && d.status("reconciliationStatus", "state") == "DEPLOYED" &&
		d.status("jobManagerDeploymentStatus") == missing && d.status("lifecycleState") != suspended
}

// recover begins to deploy again what was lost.
func (o *Operator) recover(ctx context.Context, d *deployment) error {
	r := report{masters: missing}
	if d.spec.Job != nil {
		r.job = "RECONCILING"
		if has, err := o.hasHA(ctx, d); err != nil {
			return err
		} else if has && d.spec.Job.UpgradeMode != "stateless" {
			r.extra = object{"jobStatus": object{"upgradeSavepointPath": lastState}}
		}
	}
	if err := o.publish(ctx, d, r); err != nil {
		return err
	}
	if err := o.event(ctx, d, "Warning", "Missing", "Missing JobManager deployment"); err != nil {
		return err
	}
	return o.eventOf(ctx, d.ref, d.uid, componentJob, "Warning", "RecoverDeployment", "Recovering lost deployment")
}
