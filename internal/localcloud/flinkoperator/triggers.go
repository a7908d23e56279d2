// SPDX-License-Identifier: Apache-2.0

package flinkoperator

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/flinkrest"
	"emrflink/internal/kube"
	"emrflink/internal/localcloud/flinkconf"
)

// triggers acts on nonces that differ from those of the reconciled spec. It says in the report when something of it has not
// ended: the job is not STABLE until then.
//
// Where the operator may make FlinkStateSnapshots, one is all that a nonce leaves; else the status tells of the savepoint.
func (o *Operator) triggers(ctx context.Context, d *deployment, f *flinkrest.Client, last flinkSpec, r *report) error {
	if last.Job == nil {
		return nil
	}
	if under, err := o.underWay(ctx, d); under || err != nil {
		r.spec, r.stable, r.lifecycle = false, false, "DEPLOYED"
		return err
	}
	if n := d.spec.Job.SavepointTriggerNonce; n != 0 && n != last.Job.SavepointTriggerNonce {
		made, err := o.makeSnapshot(ctx, d, "savepoint", manual,
			savepointSpec(d.spec.FlinkConfiguration[flinkconf.Savepoints], false))
		if err != nil {
			return fmt.Errorf("savepoint: %w", err)
		}
		if made {
			r.stable, r.lifecycle = false, "DEPLOYED"
		} else if err := o.savepointIntoStatus(ctx, d, f, n, r); err != nil || !r.spec {
			return err
		}
	}
	if n := d.spec.Job.CheckpointTriggerNonce; n != 0 && n != last.Job.CheckpointTriggerNonce {
		made, err := o.makeSnapshot(ctx, d, "checkpoint", manual, object{"checkpoint": object{}})
		if made {
			r.stable, r.lifecycle = false, "DEPLOYED"
		} else if err == nil {
			_, err = f.TriggerCheckpoint(ctx, d.jobID())
		}
		if err != nil {
			return fmt.Errorf("checkpoint: %w", err)
		}
	}
	return nil
}

func (o *Operator) savepointIntoStatus(ctx context.Context, d *deployment, f *flinkrest.Client, nonce int64, r *report) error {
	path, done, err := o.savepoint(ctx, d, f, false)
	if err != nil {
		return fmt.Errorf("savepoint: %w", err)
	}
	if !done {
		r.spec, r.stable, r.lifecycle = false, false, "DEPLOYED"
		return nil
	}
	r.extra = o.savepointStatus(path, strings.ToUpper(manual), nonce)
	return nil
}

// Why a snapshot is taken.
const (
	manual  = "manual"
	upgrade = "upgrade"
)

func savepointSpec(path string, exists bool) object {
	return object{"savepoint": object{
		"alreadyExists": exists, "disposeOnDelete": false, "formatType": "CANONICAL", "path": path,
	}}
}

// makeSnapshot makes a FlinkStateSnapshot of a job. It has no owner: it outlives the job. made is false where there is no such
// kind, or where the operator may not make one, as EMR's.
func (o *Operator) makeSnapshot(ctx context.Context, d *deployment, kind, why string, spec object) (made bool, err error) {
	spec["backoffLimit"] = int64(0)
	spec["jobReference"] = object{"kind": d.ref.Kind.Kind, "name": d.ref.Name}
	name := fmt.Sprintf("%s-%s-%s-%d", d.ref.Name, kind, why, o.Clock.Now().UnixMilli())
	_, err = o.Cluster.Create(ctx, kube.NewObject(kube.KindFlinkStateSnapshot, d.ref.Namespace, name, object{
		"metadata": object{
			"finalizers": []any{snapshotFinalizer}, "labels": object{triggerType: strings.ToUpper(why)},
		},
		"spec": spec,
	}))
	if kube.IsNoKind(err) || kube.ReasonOf(err) == "Forbidden" || kube.ReasonOf(err) == "NotFound" {
		return false, nil
	}
	return err == nil, err
}

// recorded keeps the savepoint of an upgrade: as a snapshot, or in the status that it returns.
func (o *Operator) recorded(ctx context.Context, d *deployment, path string) (object, error) {
	made, err := o.makeSnapshot(ctx, d, "savepoint", upgrade, savepointSpec(path, true))
	if made || err != nil {
		return nil, err
	}
	return o.savepointStatus(path, strings.ToUpper(upgrade), 0), nil
}

// underWay says whether a snapshot of a nonce has not ended: a job that is STABLE has none.
func (o *Operator) underWay(ctx context.Context, d *deployment) (bool, error) {
	if d.status("lifecycleState") != "DEPLOYED" {
		return false, nil
	}
	list, err := o.Cluster.List(ctx, kube.KindFlinkStateSnapshot, kube.ListOptions{Namespace: d.ref.Namespace})
	if kube.IsNoKind(err) || kube.IsNotFound(err) || kube.ReasonOf(err) == "Forbidden" {
		return false, nil
	}
	return slices.ContainsFunc(list, func(s unstructured.Unstructured) bool {
		state, _, _ := unstructured.NestedString(s.Object, "status", "state")
		ended := state == snapshotCompleted || state == snapshotFailed || state == snapshotAbandoned
		return !ended && strings.HasPrefix(s.GetName(), d.ref.Name+"-") && strings.Contains(s.GetName(), "-"+manual+"-")
	}), err
}
