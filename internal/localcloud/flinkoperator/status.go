// SPDX-License-Identifier: Apache-2.0

package flinkoperator

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// operatorError is the JSON document that the operator puts into status.error.
func operatorError(typ, message string) string { return failed(typ, message, object{}) }

// failed is an operatorError with what else is known.
func failed(typ, message string, metadata object) string {
	raw, _ := json.Marshal(struct { // strings always encode
		Type          string   `json:"type"`
		Message       string   `json:"message"`
		Metadata      object   `json:"additionalMetadata"`
		ThrowableList []object `json:"throwableList"`
	}{"org.apache.flink.kubernetes.operator.exception." + typ, message, metadata, []object{}})
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
	spec      bool   // the current spec is now the reconciled one
	mode      string // ... which the job began or ended with, as an upgrade mode; "": as before
	stable    bool   // ... and the stable one
	extra     object
}

// publish writes what differs from the status as it was listed, and one event
// when the job's state or the error changed.
func (o *Operator) publish(ctx context.Context, d *deployment, r report) error {
	r = d.held(r)
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
	spec := d.reconciled(r.mode)
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

// held is a report without the spec, which is not the one that was deployed: the one that failed stays the reconciled one of a
// job that was rolled back.
func (d *deployment) held(r report) report {
	if !d.isBack && !d.pending {
		return r
	}
	r.spec, r.stable = false, false
	if d.isBack {
		r.lifecycle, r.state = rolledBack, rolledBack
		if r.masters == missing {
			r.lifecycle, r.state = rollingBack, rollingBack
		}
	}
	return r
}

// reconciled is the spec as it is noted: its upgrade mode is not what the user wants, but how the job began.
func (d *deployment) reconciled(mode string) object {
	spec, _, _ := unstructured.NestedMap(d.obj.Object, "spec")
	if d.spec.Job == nil {
		return spec
	}
	job, _ := spec["job"].(object)
	if last, had := d.lastSpec(); mode == "" && had && last.Job != nil {
		mode = last.Job.UpgradeMode
		if job["initialSavepointPath"] = last.Job.InitialSavepointPath; last.Job.InitialSavepointPath == "" {
			delete(job, "initialSavepointPath") // a path without a nonce is not looked at
		}
	}
	if mode != "" {
		job["upgradeMode"] = mode
	}
	return spec
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
