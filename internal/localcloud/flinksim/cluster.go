// SPDX-License-Identifier: Apache-2.0

package flinksim

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"emrflink/internal/awsapi"
	"emrflink/internal/flinkrest"
	"emrflink/internal/kube"
	"emrflink/internal/localcloud/flinkconf"
)

type object = map[string]any

const (
	sessionLife = 45 * time.Minute // tokens and sessions are asked for an hour
	// The scaled checkpoint interval stays above these: the first checkpoint proves
	// the job soon, the later ones must not fill a versioned bucket.
	leastFirst = time.Second
	leastLater = 5 * time.Second
	// notice is in every object and log line that is written.
	notice = "Written by emrflink's local stand-in of Flink. No Flink code ran; this object holds no state."
)

// Cluster is a simulated Flink cluster with at most one job.
type Cluster struct {
	r               *Runtime
	kube            Kube
	namespace, name string
	account         string // service account of the JobManager
	conf            flinkconf.Conf
	template        string // of the TaskManagers
	logs            logs

	session Session
	until   time.Time
	next    time.Time // the next checkpoint
	index   int       // of the last TaskManager

	mu       sync.Mutex // guards what the REST API shows and asks for
	started  bool
	state    string // of the job
	since    time.Time
	began    time.Time
	cause    string // the root exception
	free     int    // slots
	workers  int
	counts   flinkrest.Checkpoints
	number   int // of the last checkpoint; 0: look into the bucket
	requests map[string]*request
	todo     []*request
}

func (c *Cluster) jobID() string { return c.conf[flinkconf.JobID] }

// hasJob says whether it is an application cluster, which has a job from the start.
func (c *Cluster) hasJob() bool { return c.jobID() != "" }

func (c *Cluster) ha() bool { return c.conf[flinkconf.HA] == "kubernetes" }

// want is how many TaskManagers the job needs.
func (c *Cluster) want() int {
	if !c.hasJob() || c.over() {
		return 0
	}
	slots := c.conf.Number(flinkconf.Slots, 1)
	return (c.conf.Number(flinkconf.Parallelism, 1) + slots - 1) / slots
}

func (c *Cluster) over() bool {
	switch c.state {
	case "FINISHED", "CANCELED", "FAILED":
		return true
	}
	return false
}

// become changes the job's state.
func (c *Cluster) become(state, cause string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != state {
		c.state, c.since = state, c.r.Clock.Now()
	}
	if cause != "" || state == "RUNNING" {
		c.cause = cause
	}
}

// Step takes the cluster one step on, on behalf of the JobManager that leads. An error ends the JobManager, as an exception in
// its entry point ends Flink's; what goes wrong with the job is the job's root exception.
func (c *Cluster) Step(ctx context.Context, pod string) error {
	if !c.hasJob() {
		return nil
	}
	if err := c.ensureSession(ctx); err != nil {
		return err
	}
	if err := c.start(ctx, pod); err != nil {
		return err
	}
	if c.over() {
		return c.answer(ctx, pod)
	}
	ready, err := c.ensureWorkers(ctx)
	switch {
	case err != nil:
		c.become(c.state, "the request for TaskManagers failed: "+err.Error())
		return nil
	case ready >= c.want() && c.state != "RUNNING" && c.state != "CANCELLING":
		c.become("RUNNING", "")
	case ready < c.want() && (c.state == "RUNNING" || c.state == "RESTARTING"):
		c.become("RESTARTING", "a TaskManager was lost")
		return nil
	case ready < c.want():
		c.become("CREATED", "")
		return nil
	}
	if err := c.answer(ctx, pod); err != nil {
		return err
	}
	if c.over() {
		return nil
	}
	if err := c.checkpointWhenDue(ctx, pod); err != nil {
		c.become("RESTARTING", "checkpoint: "+err.Error())
	}
	return nil
}

func (c *Cluster) ensureSession(ctx context.Context) error {
	if c.session != nil && c.r.Clock.Now().Before(c.until) {
		return nil
	}
	s, err := c.r.Assume(ctx, c.namespace, c.account, "flink-"+c.name)
	if err != nil {
		return fmt.Errorf("assume the execution role as %s/%s: %w", c.namespace, c.account, err)
	}
	c.session, c.until = s, c.r.Clock.Now().Add(sessionLife)
	return nil
}

// start stores the job graph's metadata below the storage folder, as a JobManager with high availability does before it
// runs anything, and the leader ConfigMap. A job whose end is recorded there is not run again.
func (c *Cluster) start(ctx context.Context, pod string) error {
	if c.started {
		return nil
	}
	if c.ha() {
		dir := c.conf[flinkconf.HAStorage]
		bucket, key := flinkconf.SplitURI(dir)
		ended, err := c.session.ListObjects(ctx, bucket, key+"/"+c.resultKey())
		if err != nil {
			return fmt.Errorf("read the results of ended jobs below %q: %w", dir, err)
		}
		if len(ended) > 0 {
			c.become("FINISHED", "")
			c.submitted()
			return nil
		}
		if err := c.put(ctx, bucket, key+"/"+c.name+"/submittedJobGraph", object{"jobId": c.jobID()}); err != nil {
			return fmt.Errorf("store high-availability metadata below %q: %w", dir, err)
		}
		cm := newObject(kube.KindConfigMap, c.namespace, c.haName(), object{
			"metadata": object{"labels": c.haLabels()},
			"data":     object{"jobGraph-" + c.jobID(): dir, "notice": notice},
		})
		if _, err := c.kube.Apply(ctx, cm); err != nil {
			return err
		}
	}
	if err := c.log(ctx, pod, "JobManager started. "+notice); err != nil {
		return err
	}
	c.become("CREATED", "")
	c.submitted()
	return nil
}

func (c *Cluster) submitted() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.started, c.began = true, c.r.Clock.Now()
}

func (c *Cluster) haName() string { return c.name + "-cluster-config-map" }

func (c *Cluster) haLabels() object {
	return object{"app": c.name, "configmap-type": "high-availability", "type": "flink-native-kubernetes"}
}

// resultKey is where the end of the job is recorded, below the storage folder.
func (c *Cluster) resultKey() string { return "job-result-store/" + c.name + "/" + c.jobID() + ".json" }

// end is the job's end: nothing of it is to be run again.
func (c *Cluster) end(ctx context.Context, state string) error {
	if c.ha() {
		bucket, key := flinkconf.SplitURI(c.conf[flinkconf.HAStorage])
		if err := c.put(ctx, bucket, key+"/"+c.resultKey(), object{"jobId": c.jobID(), "state": state}); err != nil {
			return err
		}
	}
	c.become(state, "")
	return nil
}

// interval is the job's checkpoint interval on the local clock, never shorter than
// least nor longer than the job says; 0 means that the job does not checkpoint.
func (c *Cluster) interval(least time.Duration) time.Duration {
	v := c.conf[flinkconf.Interval]
	every, err := flinkconf.Duration(v)
	if v == "" || err != nil || every <= 0 {
		return 0
	}
	return max(time.Duration(float64(every)/c.r.Speed), min(every, least))
}

func (c *Cluster) checkpointWhenDue(ctx context.Context, pod string) error {
	every, now := c.interval(leastLater), c.r.Clock.Now()
	if every == 0 || c.conf[flinkconf.Checkpoints] == "" {
		return nil
	}
	if c.next.IsZero() {
		c.next = now.Add(c.interval(leastFirst))
	}
	if now.Before(c.next) {
		return nil
	}
	if err := c.checkpoint(ctx, pod); err != nil {
		return err
	}
	c.next = now.Add(every)
	return nil
}

// checkpoint writes <state.checkpoints.dir>/<job id>/chk-N/_metadata and deletes
// the checkpoints that it makes superfluous (state.checkpoints.num-retained).
func (c *Cluster) checkpoint(ctx context.Context, pod string) error {
	dir := c.conf[flinkconf.Checkpoints]
	bucket, key := flinkconf.SplitURI(dir)
	key += "/" + c.jobID() + "/"
	have, err := c.session.ListObjects(ctx, bucket, key)
	if err != nil {
		return err
	}
	numbers := map[int][]string{}
	for _, obj := range have {
		name, _, _ := strings.Cut(strings.TrimPrefix(obj.Key, key), "/")
		if n, err := strconv.Atoi(strings.TrimPrefix(name, "chk-")); err == nil {
			numbers[n] = append(numbers[n], obj.Key)
			c.number = max(c.number, n)
		}
	}
	next := c.number + 1
	begun := c.r.Clock.Now()
	if err := c.put(ctx, bucket, fmt.Sprintf("%schk-%d/_metadata", key, next),
		object{"checkpoint": next, "jobId": c.jobID()}); err != nil {
		c.mu.Lock()
		c.counts.Counts.Total, c.counts.Counts.Failed = c.counts.Counts.Total+1, c.counts.Counts.Failed+1
		c.mu.Unlock()
		return err
	}
	c.completed(next, false, fmt.Sprintf("%s/%s/chk-%d", strings.TrimSuffix(dir, "/"), c.jobID(), next), begun)
	keep := c.conf.Number(flinkconf.Retained, 1)
	var old []string
	for n, keys := range numbers {
		if n <= next-keep {
			old = append(old, keys...)
		}
	}
	if len(old) > 0 {
		if err := c.session.DeleteObjects(ctx, bucket, old...); err != nil {
			return err
		}
	}
	return c.log(ctx, pod, fmt.Sprintf("Completed checkpoint %d for job %s. %s", next, c.jobID(), notice))
}

// completed notes a checkpoint or savepoint.
func (c *Cluster) completed(number int, savepoint bool, path string, begun time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.number = number
	done := &flinkrest.Checkpoint{
		ID: int64(number), Status: flinkrest.Completed, Savepoint: savepoint, Path: path, Triggered: begun.UnixMilli(),
		Millis: c.r.Clock.Now().Sub(begun).Milliseconds(),
	}
	c.counts.Counts.Total, c.counts.Counts.Completed = c.counts.Counts.Total+1, c.counts.Counts.Completed+1
	if savepoint {
		c.counts.Latest.Savepoint = done
	} else {
		c.counts.Latest.Completed = done
	}
}

// put writes one object that says what wrote it.
func (c *Cluster) put(ctx context.Context, bucket, key string, body object) error {
	body["notice"], body["flinkDeployment"] = notice, c.namespace+"/"+c.name
	body["writtenAt"] = c.r.Clock.Now().UTC().Format(time.RFC3339Nano)
	raw, err := json.MarshalIndent(body, "", "  ")
	if err != nil {
		return err
	}
	return c.session.PutObject(ctx, bucket, key, strings.NewReader(string(raw)), "application/json")
}

// log sends one line to the log stream of a JobManager, as EMR's sidecar would: <prefix>/<pod>/STDOUT.
func (c *Cluster) log(ctx context.Context, pod, line string) error {
	if c.logs.group == "" {
		return nil
	}
	stream := strings.TrimPrefix(c.logs.prefix+"/"+pod+"/STDOUT", "/")
	err := c.session.PutLogEvents(ctx, c.logs.group, stream, []awsapi.LogEvent{{Time: c.r.Clock.Now(), Message: line}})
	if err != nil {
		return fmt.Errorf("write to log group %q: %w", c.logs.group, err)
	}
	return nil
}
