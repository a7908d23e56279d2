// SPDX-License-Identifier: Apache-2.0

package flinkoperator

import (
	"context"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"

	"emrflink/internal/flinkrest"
	"emrflink/internal/flinkspec"
	"emrflink/internal/kube"
	"emrflink/internal/localcloud/flinkconf"
)

// lastState stands in the status for the path of a savepoint when the job goes on from its high-availability data.
const lastState = "KUBERNETES_OPERATOR_LAST_STATE"

// askTime is how long a JobManager may take to answer.
const askTime = 10 * time.Second

// start is how a job begins.
type start struct {
	id      string
	restore string // path of a savepoint; "" is none, or what high availability has
	mode    string // the upgrade mode that this is the end of
}

// begin decides how the job of the next deployment begins.
func (o *Operator) begin(d *deployment) start {
	j := d.spec.Job
	if j == nil {
		return start{}
	}
	fresh := start{id: d.nextJobID(o.Clock.Now()), mode: "stateless"}
	_, deployed := d.lastSpec()
	switch path := d.status("jobStatus", "upgradeSavepointPath"); {
	case !deployed, d.redeploys():
		fresh.restore = j.InitialSavepointPath
	case flinkspec.IsS3(path):
		fresh.restore = path
	case j.UpgradeMode != "" && j.UpgradeMode != "stateless" && d.jobID() != "":
		return start{id: d.jobID(), mode: "last-state"}
	}
	if fresh.restore != "" {
		fresh.mode = "savepoint"
	}
	return fresh
}

// request is something that a JobManager was asked for and has not answered.
type request struct {
	id   string
	stop bool // the job ends with it
}

// flink returns the REST API of a job's cluster, nil when no JobManager is ready.
func (o *Operator) flink(p parts) *flinkrest.Client {
	i := slices.IndexFunc(p.masters, func(m kube.Pod) bool { return m.Ready && !m.Deleting && m.IP != "" })
	if i < 0 {
		return nil
	}
	return flinkrest.New("http://"+net.JoinHostPort(p.masters[i].IP, strconv.Itoa(flinkconf.RESTPort)), o.http)
}

func httpClient(dial func(ctx context.Context, network, address string) (net.Conn, error)) *http.Client {
	return &http.Client{Timeout: askTime, Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
}

// follow asks the JobManager how the job is.
func (o *Operator) follow(ctx context.Context, d *deployment, p parts, f *flinkrest.Client, r *report) error {
	jobs, err := f.Jobs(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(jobs, func(j flinkrest.Job) bool { return j.ID == d.jobID() })
	if i < 0 {
		r.err = jobNotFound
		if why := crashing(p.masters); why != "" {
			r.err = failed("DeploymentFailedException", why, object{"reason": "CrashLoopBackOff"})
		}
		return nil
	}
	r.job = jobs[i].State
	if d.status("lifecycleState") == "STABLE" {
		r.lifecycle = "STABLE" // a restart of the job does not change it
	}
	switch r.job {
	case "RUNNING":
		r.lifecycle, r.spec, r.stable = "STABLE", true, true
		return nil
	case "FAILED":
		r.lifecycle = "FAILED"
	}
	cause, err := f.RootException(ctx, d.jobID())
	if cause != "" {
		r.err = operatorError("DeploymentFailedException", cause)
	}
	return err
}

// stopJob is stopAs by the job's own upgrade mode.
func (o *Operator) stopJob(ctx context.Context, d *deployment, p parts, r *report) (done bool, err error) {
	if d.spec.Job == nil || d.status("lifecycleState") == suspended { // it was stopped, and the status says with which savepoint
		return true, nil
	}
	mode := d.spec.Job.UpgradeMode
	if d.redeploys() { // from a path of the user's: what it has is of no use
		mode = "stateless"
	}
	return o.stopAs(ctx, d, p, mode, r)
}

// stopAs ends the job as an upgrade mode says, and adds what is to be known of it to the report. It is called again
// until it is done.
func (o *Operator) stopAs(ctx context.Context, d *deployment, p parts, mode string, r *report) (done bool, err error) {
	f := o.flink(p)
	running := f != nil && d.status("jobStatus", "state") == "RUNNING"
	next := any(nil)
	switch {
	case d.from != "":
		next = d.from
	case mode == "savepoint" && running:
		path, done, err := o.ended(ctx, d, f)
		if err == nil && !done {
			path, done, err = o.savepoint(ctx, d, f, true)
		}
		if err != nil || !done {
			return false, err
		}
		if path == "" { // nothing tells what it ended with
			next = lastState
			break
		}
		if r.extra, err = o.recorded(ctx, d, path); err != nil {
			return false, err
		}
		next = path
	case mode == "savepoint", mode == "last-state":
		next = lastState
	case running:
		if err := f.Cancel(ctx, d.jobID()); err != nil {
			return false, err
		}
	}
	if r.extra == nil {
		r.extra = object{"jobStatus": object{}}
	}
	r.extra["jobStatus"].(object)["upgradeSavepointPath"] = next
	r.job, r.mode = "FINISHED", modeOf(next)
	return true, nil
}

// modeOf is the upgrade mode by which a job goes on from what the status says of it.
func modeOf(path any) string {
	switch path {
	case nil:
		return "stateless"
	case lastState:
		return "last-state"
	}
	return "savepoint"
}

// ended says whether a job has ended although nobody has the answer to what stopped it, and with what: its last savepoint or
// checkpoint, as the operator observes it of a job in a terminal state.
func (o *Operator) ended(ctx context.Context, d *deployment, f *flinkrest.Client) (path string, ended bool, err error) {
	if o.asked(d.uid) != nil {
		return "", false, nil
	}
	jobs, err := f.Jobs(ctx)
	if err != nil {
		return "", false, err
	}
	ended = slices.ContainsFunc(jobs, func(j flinkrest.Job) bool {
		return j.ID == d.jobID() && slices.Contains([]string{"FINISHED", "CANCELED", "FAILED"}, j.State)
	})
	if !ended {
		return "", false, nil
	}
	all, err := f.Checkpoints(ctx, d.jobID())
	if err != nil {
		return "", false, err
	}
	if all.Latest.Completed != nil {
		path = all.Latest.Completed.Path
	}
	if last := all.Latest.Savepoint; last != nil && (all.Latest.Completed == nil || last.ID >= all.Latest.Completed.ID) {
		path = last.Path
	}
	return path, true, nil
}

// savepoint asks for a savepoint and says, when asked again, whether it is done.
func (o *Operator) savepoint(
	ctx context.Context, d *deployment, f *flinkrest.Client, stop bool,
) (path string, done bool, err error) {
	q := o.asked(d.uid)
	if q == nil {
		trigger := f.TriggerSavepoint
		if stop {
			trigger = f.StopWithSavepoint
		}
		id, err := trigger(ctx, d.jobID(), d.spec.FlinkConfiguration[flinkconf.Savepoints])
		if err == nil {
			o.ask(d.uid, &request{id: id, stop: stop})
		}
		return "", false, err
	}
	path, done, err = f.SavepointDone(ctx, d.jobID(), q.id)
	if done || err != nil {
		o.ask(d.uid, nil)
	}
	return path, done && q.stop == stop, err
}

func (o *Operator) savepointStatus(path, why string, nonce int64) object {
	now := o.Clock.Now().UnixMilli()
	last := object{"location": path, "timeStamp": now, "triggerType": why, "formatType": "CANONICAL"}
	if nonce != 0 {
		last["triggerNonce"] = nonce
	}
	return object{"jobStatus": object{"savepointInfo": object{"lastSavepoint": last, "savepointHistory": []any{last}}}}
}
