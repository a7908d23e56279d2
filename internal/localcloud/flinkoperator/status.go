// SPDX-License-Identifier: Apache-2.0

package flinkoperator

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/kube"
)

// operatorError is the JSON document that the operator puts into status.error.
func operatorError(typ, message string) string {
	raw, _ := json.Marshal(struct { // strings always encode
		Type          string   `json:"type"`
		Message       string   `json:"message"`
		ThrowableList []object `json:"throwableList"`
	}{"org.apache.flink.kubernetes.operator.exception." + typ, message, []object{}})
	return string(raw)
}

// report is the status that one pass wants; empty strings leave a field alone
// except Error, which is always written.
type report struct {
	masters   string // jobManagerDeploymentStatus
	job       string // jobStatus.state
	id        string // jobStatus.jobId, of a new job
	lifecycle string
	state     string // reconciliationStatus.state
	err       string
	spec      bool // the current spec is now the reconciled one
	stable    bool // ... and the stable one
	extra     object
}

// publish writes what differs from the status as it was listed, and one event
// when the job's state or the error changed.
func (o *Operator) publish(ctx context.Context, d *deployment, r report) error {
	st := object{"error": nil, "observedGeneration": d.obj.GetGeneration()}
	if r.err != "" {
		st["error"] = r.err
	}
	set := func(m object, k, v string) {
		if v != "" {
			m[k] = v
		}
	}
	set(st, "jobManagerDeploymentStatus", r.masters)
	set(st, "lifecycleState", r.lifecycle)
	rec, job := object{}, object{}
	set(rec, "state", r.state)
	spec, _, _ := unstructured.NestedMap(d.obj.Object, "spec")
	encoded, err := json.Marshal(object{"spec": spec, "resource_metadata": object{"apiVersion": d.ref.APIVersion}})
	if err != nil {
		return fmt.Errorf("encode spec of %s: %w", d.ref, err)
	}
	if r.spec {
		rec["lastReconciledSpec"] = string(encoded)
		rec["reconciliationTimestamp"] = o.Clock.Now().UnixMilli()
	}
	if r.stable {
		rec["lastStableSpec"] = string(encoded)
	}
	set(job, "state", r.job)
	if r.job != "" {
		job["jobName"] = d.ref.Name
		set(job, "jobId", r.id)
		if r.job != d.status("jobStatus", "state") {
			job["updateTime"] = strconv.FormatInt(o.Clock.Now().UnixMilli(), 10)
		}
	}
	for k, v := range map[string]object{"reconciliationStatus": rec, "jobStatus": job} {
		if len(v) > 0 {
			st[k] = v
		}
	}
	for k, v := range r.extra {
		if m, ok := st[k].(object); ok && v != nil {
			mergeTemplate(m, v.(object))
			continue
		}
		st[k] = v
	}
	have, _, _ := unstructured.NestedMap(d.obj.Object, "status")
	if !differs(have, st) {
		return nil
	}
	if _, err := o.Cluster.Patch(ctx, d.ref, "status", object{"status": st}); err != nil {
		return err
	}
	return o.tell(ctx, d, r)
}

// differs says whether the merge patch would change anything that matters;
// time stamps alone do not.
func differs(have, patch object) bool {
	for k, v := range patch {
		if k == "reconciliationTimestamp" || k == "updateTime" {
			continue
		}
		switch v := v.(type) {
		case nil:
			if have[k] != nil {
				return true
			}
		case object:
			sub, _ := have[k].(object)
			if differs(sub, v) {
				return true
			}
		case int64:
			if fmt.Sprint(have[k]) != fmt.Sprint(v) {
				return true
			}
		default:
			if !reflect.DeepEqual(have[k], v) {
				return true
			}
		}
	}
	return false
}

// tell makes a Kubernetes event, which is where kubectl describe looks.
func (o *Operator) tell(ctx context.Context, d *deployment, r report) error {
	typ, reason, message := "Normal", "", ""
	switch {
	case r.err != "" && r.err != d.status("error"):
		typ, reason, message = "Warning", "Error", r.err
	case r.job != "" && r.job != d.status("jobStatus", "state"):
		was := d.status("jobStatus", "state")
		if was == "" {
			was = "nothing"
		}
		reason, message = "JobStatusChanged", fmt.Sprintf("Job status changed from %s to %s", was, r.job)
	default:
		return nil
	}
	return o.event(ctx, d, typ, reason, message)
}

// event records one of a job; that it was not is no failure.
func (o *Operator) event(ctx context.Context, d *deployment, typ, reason, message string) error {
	return o.eventOf(ctx, d.ref, d.uid, "JobManagerDeployment", typ, reason, message)
}

// eventOf records one of any object.
func (o *Operator) eventOf(ctx context.Context, ref kube.Ref, uid, component, typ, reason, message string) error {
	now := o.Clock.Now().UTC()
	_, err := o.Cluster.Create(ctx,
		kube.NewObject(kube.KindEvent, ref.Namespace, fmt.Sprintf("%s.%x", ref.Name, now.UnixNano()), object{
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
