// SPDX-License-Identifier: Apache-2.0

package flinkoperator

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/kube"
)

// tell makes a Kubernetes event of what a status shows for the first time. Of the job's state it tells what Flink has said: what
// the operator itself writes, to deploy and to suspend, has events of its own.
func (o *Operator) tell(ctx context.Context, d *deployment, r report) error {
	was := d.status("jobStatus", "state")
	if r.err != "" && r.err != d.status("error") {
		if reason, component, message := d.warning(r.err); reason != "" {
			if err := o.eventOf(ctx, d.ref, d.uid, component, "Warning", reason, message); err != nil {
				return err
			}
		}
	}
	own := r.job == "RECONCILING" || r.lifecycle == upgrading || r.lifecycle == suspended ||
		r.masters == missing
	if own || r.job == "" || r.job == was || was == "" {
		return nil
	}
	return o.eventOf(ctx, d.ref, d.uid, componentJob, "Normal", "JobStatusChanged",
		fmt.Sprintf("Job status changed from %s to %s", was, r.job))
}

// Who an event is of.
const (
	componentJob        = "Job"
	componentOperator   = "Operator"
	componentDeployment = "JobManagerDeployment"
	componentSnapshot   = "Snapshot"
)

// jobNotFound is the operator's own words, not as JSON: a JobManager answers and has not got its job yet.
const jobNotFound = "Job Not Found"

// warning is the event that tells of an error of the status; "" for those that have none.
func (d *deployment) warning(text string) (reason, component, message string) {
	if text == jobNotFound {
		return "Missing", componentJob, text
	}
	var e struct {
		Type, Message string
		Metadata      struct{ Reason string } `json:"additionalMetadata"`
	}
	if json.Unmarshal([]byte(text), &e) != nil {
		return "Error", componentOperator, text
	}
	switch e.Type[strings.LastIndex(e.Type, ".")+1:] {
	case "ValidationException":
		return "ValidationError", componentOperator, e.Message
	case "UpgradeFailureException":
		return "UpgradeFailed", componentDeployment, e.Message
	case "DeploymentFailedException":
		return e.Metadata.Reason, componentDeployment, e.Message
	case "ReconciliationException":
		if d.ref.Kind == kube.KindFlinkSessionJob {
			_, cause, _ := strings.Cut(e.Message, ": ") // without its class
			return "SessionJobException", componentJob, cause
		}
		return "ClusterDeploymentException", componentDeployment, e.Message
	}
	return "", "", ""
}

// changed tells that the spec is another one than the reconciled one, and what differs.
func (o *Operator) changed(ctx context.Context, d *deployment) error {
	last, had := d.lastReconciled()
	if !had {
		return nil
	}
	now, _, _ := unstructured.NestedMap(d.obj.Object, "spec")
	before, after := map[string]string{}, map[string]string{}
	flatten(before, "", last)
	flatten(after, "", now)
	var diff []string
	for _, path := range slices.Sorted(maps.Keys(union(before, after))) {
		if before[path] != after[path] {
			diff = append(diff, fmt.Sprintf("%s : %s -> %s", path, orNull(before[path]), orNull(after[path])))
		}
	}
	if len(diff) == 0 {
		return nil
	}
	kind := "UPGRADE"
	if d.redeploys() {
		kind = "SAVEPOINT_REDEPLOY"
	}
	return o.event(ctx, d, "Normal", "SpecChanged", fmt.Sprintf("%s change(s) detected (Diff: %sSpec[%s]), starting "+
		"reconciliation.", kind, d.ref.Kind.Kind, strings.Join(diff, ", ")))
}

// flatten writes the values of a document by their paths.
func flatten(out map[string]string, path string, v any) {
	join := func(k string) string { return strings.TrimPrefix(path+"."+k, ".") }
	switch v := v.(type) {
	case object:
		for k, inner := range v {
			flatten(out, join(k), inner)
		}
	case []any:
		for i, inner := range v {
			flatten(out, join(fmt.Sprint(i)), inner)
		}
	default:
		raw, _ := json.Marshal(v) // values of JSON always encode
		out[path] = strings.Trim(string(raw), `"`)
	}
}

func union(a, b map[string]string) map[string]string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

func orNull(s string) string {
	if s == "" {
		return "null"
	}
	return s
}

// event records one of a job; that it was not is no failure.
func (o *Operator) event(ctx context.Context, d *deployment, typ, reason, message string) error {
	return o.eventOf(ctx, d.ref, d.uid, componentDeployment, typ, reason, message)
}

// eventOf records one of any object.
func (o *Operator) eventOf(ctx context.Context, ref kube.Ref, uid, component, typ, reason, message string) error {
	now := o.Clock.Now().UTC()
	// Two of the same instant have names of their own.
	_, err := o.Cluster.Create(ctx,
		kube.NewObject(kube.KindEvent, ref.Namespace, fmt.Sprintf("%s.%x", ref.Name, now.UnixNano()+o.told.Add(1)), object{
			"type": typ, "reason": reason, "message": truncate(message, 1000), "count": int64(1),
			"source":         object{"component": component},
			"firstTimestamp": now.Format(time.RFC3339), "lastTimestamp": now.Format(time.RFC3339),
			"involvedObject": object{"apiVersion": ref.APIVersion, "kind": ref.Kind.Kind, "namespace": ref.Namespace,
				"name": ref.Name, "uid": uid},
		}))
	if err != nil && !strings.Contains(err.Error(), "AlreadyExists") {
		o.Logger.Debug("event was not recorded", "error", err)
	}
	return nil
}

func truncate(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n-3] + "..."
}
