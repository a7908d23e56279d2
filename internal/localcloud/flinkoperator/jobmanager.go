// SPDX-License-Identifier: Apache-2.0

package flinkoperator

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"emrflink/internal/awsapi"
	"emrflink/internal/kube"
)

const (
	webIdentityAudience = "sts.amazonaws.com"
	sessionLife         = 45 * time.Minute // tokens and sessions are asked for an hour
	// The scaled checkpoint interval stays above these: the first checkpoint proves
	// the job soon, the later ones must not fill a versioned bucket.
	leastFirst = time.Second
	leastLater = 5 * time.Second
	// notice is in every object and log line that the stand-in writes.
	notice = "Written by emrflink's local stand-in of the EMR Flink operator. No Flink code ran; this object holds no state."
)

// jobRun is what the stand-in keeps of a running job; all of it can be lost and
// is found again in the cluster and the bucket.
type jobRun struct {
	session Session
	until   time.Time
	started bool // high-availability data and the first log line are written
	next    time.Time
	number  int // of the last checkpoint; 0: look into the bucket
}

// drive plays the JobManager: it assumes the role, stores its metadata, asks
// Kubernetes for TaskManagers and checkpoints while all of them are ready.
func (o *Operator) drive(ctx context.Context, d *deployment, p parts, r *report) error {
	job := o.jobs[d.uid]
	if job == nil {
		job = &jobRun{}
		o.jobs[d.uid] = job
	}
	if err := o.ensureSession(ctx, d, job); err != nil {
		return err
	}
	if err := o.start(ctx, d, job, p); err != nil {
		return err
	}
	if err := o.ensureWorkers(ctx, d, p); err != nil {
		return err
	}
	want, have := d.workers(), ready(p.workers)
	r.extra = object{
		"taskManager": object{"replicas": int64(len(p.workers)), "labelSelector": "component=taskmanager,app=" + d.ref.Name},
	}
	switch was := d.status("jobStatus", "state"); {
	case have >= want:
		r.job = "RUNNING"
	case was == "RUNNING" || was == "RESTARTING":
		r.job = "RESTARTING"
		return nil
	default:
		r.job = "CREATED"
		return nil
	}
	return o.checkpointWhenDue(ctx, d, job, p, r)
}

func (o *Operator) ensureSession(ctx context.Context, d *deployment, job *jobRun) error {
	if job.session != nil && o.Clock.Now().Before(job.until) {
		return nil
	}
	if d.spec.ExecutionRoleARN == "" {
		return fmt.Errorf("the job has no executionRoleArn: the stand-in cannot write checkpoints without one")
	}
	master, _ := d.accounts()
	token, _, err := o.Tokens.ServiceAccountToken(ctx, d.ref.Namespace, master, []string{webIdentityAudience}, time.Hour)
	if err != nil {
		return err
	}
	s, err := o.Cloud(ctx, d.spec.ExecutionRoleARN, "flink-"+d.ref.Name, token)
	if err != nil {
		return fmt.Errorf("assume the execution role as %s/%s: %w", d.ref.Namespace, master, err)
	}
	job.session, job.until = s, o.Clock.Now().Add(sessionLife)
	return nil
}

// start stores the job graph's metadata below storageDir, as a JobManager with
// high availability does before it runs anything, and the leader ConfigMap.
func (o *Operator) start(ctx context.Context, d *deployment, job *jobRun, p parts) error {
	if job.started {
		return nil
	}
	if d.ha() {
		bucket, key := splitURI(d.spec.JobManager.StorageDir)
		if err := o.put(ctx, job.session, d, bucket, key+"/"+d.ref.Name+"/submittedJobGraph",
			object{"jobId": d.jobID()}); err != nil {
			return fmt.Errorf("store high-availability metadata below %q: %w", d.spec.JobManager.StorageDir, err)
		}
		cm := newObject(kube.KindConfigMap, d.ref.Namespace, d.haName(), object{
			"metadata": object{
				"labels": object{"app": d.ref.Name, "configmap-type": "high-availability", "type": "flink-native-kubernetes"},
			},
			"data": object{"jobGraph-" + d.jobID(): d.spec.JobManager.StorageDir, "notice": notice},
		})
		if _, err := o.Cluster.Apply(ctx, cm); err != nil {
			return err
		}
	}
	if err := o.log(ctx, d, job, p, "JobManager started. "+notice); err != nil {
		return err
	}
	job.started = true
	return nil
}

// ensureWorkers creates missing TaskManagers, as the JobManager's service
// account, and takes away those that ended.
func (o *Operator) ensureWorkers(ctx context.Context, d *deployment, p parts) error {
	live, top := 0, 0
	var ended []kube.Ref
	for _, w := range p.workers {
		top = max(top, d.workerIndex(w.Name))
		switch {
		case w.Deleting:
		case w.Phase == "Failed" || w.Phase == "Succeeded":
			ended = append(ended, kube.KindPod.Ref(w.Namespace, w.Name))
		default:
			live++
		}
	}
	if err := o.deleteAll(ctx, ended); err != nil {
		return err
	}
	if live >= d.workers() {
		return nil
	}
	cluster, err := o.asJob(ctx, d)
	if err != nil {
		return err
	}
	for n := live; n < d.workers(); n++ {
		top++
		if _, err := cluster.Create(ctx, d.taskManager(top, p.cluster)); err != nil {
			return err
		}
	}
	return nil
}

func (o *Operator) asJob(ctx context.Context, d *deployment) (Cluster, error) {
	if o.AsJob == nil {
		return o.Cluster, nil
	}
	master, _ := d.accounts()
	return o.AsJob(ctx, d.ref.Namespace, master)
}

// interval is the job's checkpoint interval on the local clock, never shorter than
// least nor longer than the job says; 0 means that the job does not checkpoint.
func (o *Operator) interval(d *deployment, least time.Duration) time.Duration {
	v := d.spec.FlinkConfiguration["execution.checkpointing.interval"]
	every, err := duration(v)
	if v == "" || err != nil || every <= 0 {
		return 0
	}
	return max(time.Duration(float64(every)/o.Speed), min(every, least))
}

func (o *Operator) checkpointWhenDue(ctx context.Context, d *deployment, job *jobRun, p parts, r *report) error {
	every, now := o.interval(d, leastLater), o.Clock.Now()
	if every == 0 || d.spec.FlinkConfiguration["state.checkpoints.dir"] == "" {
		return nil
	}
	if job.next.IsZero() {
		job.next = now.Add(o.interval(d, leastFirst))
	}
	if now.Before(job.next) {
		return nil
	}
	if err := o.checkpoint(ctx, d, job); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	job.next = now.Add(every)
	info := object{"timeStamp": now.UnixMilli(), "triggerType": "PERIODIC", "formatType": "FULL"}
	r.extra["jobStatus"] = object{
		"checkpointInfo": object{"lastCheckpoint": info, "lastPeriodicCheckpointTimestamp": now.UnixMilli()},
	}
	return o.log(ctx, d, job, p, fmt.Sprintf("Completed checkpoint %d for job %s. %s", job.number, d.jobID(), notice))
}

// checkpoint writes <state.checkpoints.dir>/<job id>/chk-N/_metadata and deletes
// the checkpoints that it makes superfluous (state.checkpoints.num-retained).
func (o *Operator) checkpoint(ctx context.Context, d *deployment, job *jobRun) error {
	bucket, dir := splitURI(d.spec.FlinkConfiguration["state.checkpoints.dir"])
	dir += "/" + d.jobID() + "/"
	have, err := job.session.ListObjects(ctx, bucket, dir)
	if err != nil {
		return err
	}
	numbers := map[int][]string{}
	for _, obj := range have {
		name, _, _ := strings.Cut(strings.TrimPrefix(obj.Key, dir), "/")
		if n, err := strconv.Atoi(strings.TrimPrefix(name, "chk-")); err == nil {
			numbers[n] = append(numbers[n], obj.Key)
			job.number = max(job.number, n)
		}
	}
	next := job.number + 1
	if err := o.put(ctx, job.session, d, bucket, fmt.Sprintf("%schk-%d/_metadata", dir, next),
		object{"checkpoint": next, "jobId": d.jobID()}); err != nil {
		return err
	}
	job.number = next
	keep, err := strconv.Atoi(d.spec.FlinkConfiguration["state.checkpoints.num-retained"])
	if err != nil || keep < 1 {
		keep = 1
	}
	var old []string
	for n, keys := range numbers {
		if n <= next-keep {
			old = append(old, keys...)
		}
	}
	if len(old) == 0 {
		return nil
	}
	return job.session.DeleteObjects(ctx, bucket, old...)
}

// savepoint writes <state.savepoints.dir>/savepoint-<job>-<random>/_metadata.
func (o *Operator) savepoint(ctx context.Context, d *deployment, why string) (string, error) {
	job := o.jobs[d.uid]
	if job == nil {
		job = &jobRun{}
		o.jobs[d.uid] = job
	}
	if err := o.ensureSession(ctx, d, job); err != nil {
		return "", err
	}
	dir := d.spec.FlinkConfiguration["state.savepoints.dir"]
	bucket, key := splitURI(dir)
	sum := sha256.Sum256([]byte(d.uid + o.Clock.Now().Format(time.RFC3339Nano)))
	name := fmt.Sprintf("savepoint-%s-%s", d.jobID()[:6], hex.EncodeToString(sum[:6]))
	err := o.put(ctx, job.session, d, bucket, key+"/"+name+"/_metadata", object{"trigger": why, "jobId": d.jobID()})
	return strings.TrimSuffix(dir, "/") + "/" + name, err
}

func (o *Operator) savepointStatus(path, why string, nonce int64) object {
	now := o.Clock.Now().UnixMilli()
	last := object{"location": path, "timeStamp": now, "triggerType": why, "formatType": "CANONICAL"}
	if nonce != 0 {
		last["triggerNonce"] = nonce
	}
	return object{"jobStatus": object{"savepointInfo": object{"lastSavepoint": last, "savepointHistory": []any{last}}}}
}

// triggers acts on nonces that differ from those of the reconciled spec.
func (o *Operator) triggers(ctx context.Context, d *deployment, last flinkSpec, had bool, r *report) error {
	if !had || last.Job == nil {
		return nil
	}
	if n := d.spec.Job.SavepointTriggerNonce; n != 0 && n != last.Job.SavepointTriggerNonce {
		path, err := o.savepoint(ctx, d, "MANUAL")
		if err != nil {
			return fmt.Errorf("savepoint: %w", err)
		}
		mergeTemplate(r.extra, o.savepointStatus(path, "MANUAL", n))
	}
	if n := d.spec.Job.CheckpointTriggerNonce; n != 0 && n != last.Job.CheckpointTriggerNonce {
		if err := o.checkpoint(ctx, d, o.jobs[d.uid]); err != nil {
			return fmt.Errorf("checkpoint: %w", err)
		}
	}
	return nil
}

// put writes one object that says what wrote it.
func (o *Operator) put(ctx context.Context, s Session, d *deployment, bucket, key string, body object) error {
	body["notice"], body["flinkDeployment"] = notice, d.ref.Namespace+"/"+d.ref.Name
	body["writtenAt"] = o.Clock.Now().UTC().Format(time.RFC3339Nano)
	raw, err := json.MarshalIndent(body, "", "  ")
	if err != nil {
		return err
	}
	return s.PutObject(ctx, bucket, key, strings.NewReader(string(raw)), "application/json")
}

// log sends one line to the log stream of the first JobManager, as EMR's sidecar
// would: <prefix>/<pod>/STDOUT.
func (o *Operator) log(ctx context.Context, d *deployment, job *jobRun, p parts, line string) error {
	cw := d.spec.Monitoring.CloudWatch
	if cw.LogGroupName == "" || len(p.masters) == 0 {
		return nil
	}
	stream := strings.TrimPrefix(cw.LogStreamNamePrefix+"/"+p.masters[0].Name+"/STDOUT", "/")
	err := job.session.PutLogEvents(ctx, cw.LogGroupName, stream, []awsapi.LogEvent{{Time: o.Clock.Now(), Message: line}})
	if err != nil {
		return fmt.Errorf("write to log group %q: %w", cw.LogGroupName, err)
	}
	return nil
}
