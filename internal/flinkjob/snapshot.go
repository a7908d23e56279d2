// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/kube"
)

// Snapshot is the JSON of `job savepoint`.
type Snapshot struct {
	SchemaVersion  int     `json:"schemaVersion"`
	Job            string  `json:"job"`
	Namespace      string  `json:"namespace"`
	Record         string  `json:"record"` // the FlinkStateSnapshot, "" where the operator records it in the job's status
	Path           string  `json:"path"`
	ElapsedSeconds float64 `json:"elapsedSeconds"`
}

// Savepoint takes a savepoint while the job runs on, and waits until it is in the bucket. It is asked for by the job's trigger
// nonce, which every operator understands; whether a FlinkStateSnapshot records it or the status is the operator's choice: the
// role that AWS documents for EMR's has no permission for FlinkStateSnapshots.
func (j Running) Savepoint(ctx context.Context, report func(Progress)) (Snapshot, error) {
	m := j.Runner.meter(report)
	d, err := j.read(ctx)
	if err != nil {
		return Snapshot{}, err
	}
	if d.State != "RUNNING" {
		return Snapshot{}, j.refusal("take a savepoint of",
			fmt.Sprintf("it is %s, and a savepoint is taken of a RUNNING job only",
				orElse(d.State, "not started")), "emrflink job status "+d.Name)
	}
	before, nonce, err := j.trigger(ctx, d.SavepointNonce)
	if err != nil {
		return Snapshot{}, err
	}
	for {
		s, cause, err := j.look(ctx, before, nonce, d.Error)
		if err != nil && passes(err.Error()) && m.elapsed() < j.Runner.Timeout { // the operator does not ask again
			cause = err.Error()
			before, nonce, err = j.trigger(ctx, nonce)
		}
		if err != nil {
			return Snapshot{}, &Failure{
				What: "take a savepoint of", Job: d.Name, Namespace: d.Namespace, ID: "savepoint", Cause: err.Error(),
				Elapsed: m.elapsed(),
			}
		}
		if s.Path != "" {
			s.SchemaVersion, s.Job, s.Namespace, s.ElapsedSeconds = SchemaVersion, d.Name, d.Namespace, m.elapsed().Seconds()
			return s, nil
		}
		m.say(phaseSavepoint, cause)
		if m.elapsed() >= j.Runner.Timeout {
			return Snapshot{}, &Failure{
				What: "take a savepoint of", Job: d.Name, Namespace: d.Namespace, ID: "timeout", Elapsed: m.elapsed(),
				Cause: fmt.Sprintf("not within %s; the operator goes on; last cause: %s", j.Runner.Timeout, cause),
			}
		}
		if err := j.Runner.Clock.Sleep(ctx, j.Runner.Poll); err != nil {
			return Snapshot{}, fmt.Errorf("watch the savepoint of job %q: %w", d.Name, err)
		}
	}
}

// trigger asks for a savepoint by the nonce after the last one. before are the snapshots that were there.
func (j Running) trigger(ctx context.Context, last int64) (before map[string]bool, nonce int64, err error) {
	if before, err = j.snapshots(ctx); err != nil {
		return nil, 0, err
	}
	nonce = last + 1
	if _, err := j.Runner.Kube.Patch(ctx, j.Ref, "", inJob("savepointTriggerNonce", nonce)); err != nil {
		return nil, 0, fmt.Errorf("take a savepoint of job %q: %w", j.Ref.Name, err)
	}
	return before, nonce, nil
}

// passes says of an error that it is over by itself: a job is RUNNING before all its tasks are, and takes no savepoint before.
func passes(text string) bool {
	return strings.Contains(text, "Not all required tasks are currently running")
}

// look is the savepoint of a nonce when it is taken, else what it waits for. An error is that there will be none: had is the one
// that the operator reported before.
func (j Running) look(ctx context.Context, before map[string]bool, nonce int64, had string) (
	s Snapshot, waits string, err error) {
	o, err := j.Runner.Kube.Get(ctx, j.Ref)
	failed := ""
	if err == nil {
		if problem := deploymentOf(o).Error; problem != "" && problem != had {
			return s, "", errors.New(problem)
		}
		s, failed, err = j.taken(ctx, o, before, nonce)
	}
	switch {
	case ctx.Err() != nil:
		return s, "", ctx.Err()
	case kube.IsNotFound(err):
		return s, "", errors.New("it was deleted by somebody else")
	case err != nil:
		return s, err.Error(), nil
	case failed != "":
		return s, "", errors.New(failed)
	case s.Record != "":
		return s, s.Record + " is being taken", nil
	}
	return s, "the operator has not taken it up yet", nil
}

// taken looks for the savepoint of a nonce, in the job and in its snapshots: its path, or its record and why it failed.
func (j Running) taken(ctx context.Context, o *unstructured.Unstructured, before map[string]bool, nonce int64) (
	s Snapshot, failed string, err error) {
	last, _, _ := unstructured.NestedMap(o.Object, "status", "jobStatus", "savepointInfo", "lastSavepoint")
	if path, _ := last["location"].(string); path != "" && fmt.Sprint(last["triggerNonce"]) == fmt.Sprint(nonce) {
		return Snapshot{Path: path}, "", nil
	}
	list, err := j.Runner.Kube.List(ctx, kube.KindFlinkStateSnapshot, kube.ListOptions{Namespace: j.Ref.Namespace})
	if unreadable(err) {
		return s, "", nil
	}
	for i := range list {
		if before[list[i].GetName()] || !ofJob(&list[i], j.Ref) {
			continue
		}
		status := func(field string) string {
			v, _, _ := unstructured.NestedString(list[i].Object, "status", field)
			return v
		}
		s.Record = kube.RefOf(&list[i]).String()
		switch state := status("state"); state {
		case "COMPLETED":
			s.Path = status("path")
		case "FAILED", "ABANDONED":
			failed = orElse(plainError(status("error")), s.Record+" is "+state)
		}
	}
	return s, failed, err
}

// snapshots are the names of those that the job has already.
func (j Running) snapshots(ctx context.Context) (map[string]bool, error) {
	list, err := j.Runner.Kube.List(ctx, kube.KindFlinkStateSnapshot, kube.ListOptions{Namespace: j.Ref.Namespace})
	if err != nil && !unreadable(err) {
		return nil, fmt.Errorf("list the snapshots of job %q: %w", j.Ref.Name, err)
	}
	names := map[string]bool{}
	for i := range list {
		names[list[i].GetName()] = true
	}
	return names, nil
}

// unreadable says that there are no snapshots for us: no such kind, or no permission.
func unreadable(err error) bool { return kube.IsNoKind(err) || kube.ReasonOf(err) == "Forbidden" }

// ofJob says whether a snapshot is a savepoint of a job.
func ofJob(o *unstructured.Unstructured, job kube.Ref) bool {
	_, savepoint, _ := unstructured.NestedMap(o.Object, "spec", "savepoint")
	return savepoint && referenceOf(o, job)
}
