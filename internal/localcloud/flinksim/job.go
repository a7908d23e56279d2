// SPDX-License-Identifier: Apache-2.0

package flinksim

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"emrflink/internal/flinkrest"
	"emrflink/internal/flinkspec"
	"emrflink/internal/localcloud/flinkconf"
)

// The scaled checkpoint interval stays above these: the first checkpoint proves
// the job soon, the later ones must not fill a versioned bucket.
const (
	leastFirst = time.Second
	leastLater = 5 * time.Second
)

// job is one job of a cluster. Cluster.mu guards what the REST API shows and asks for.
type job struct {
	id   string
	conf flinkconf.Conf // the cluster's with its own
	own  flinkconf.Conf // of a session job

	next      time.Time // the next checkpoint
	number    int       // of the last checkpoint; 0: look into the bucket
	submitted bool

	state  string
	since  time.Time
	began  time.Time
	cause  string // the root exception
	counts flinkrest.Checkpoints
	asked  map[string]*request
	todo   []*request
}

func (j *job) over() bool {
	switch j.state {
	case "FINISHED", "CANCELED", "FAILED":
		return true
	}
	return false
}

func (c *Cluster) add(j *job) {
	c.mu.Lock()
	defer c.mu.Unlock()
	j.state, j.asked, j.began, j.since = "INITIALIZING", map[string]*request{}, c.r.Clock.Now(), c.r.Clock.Now()
	c.jobs = append(c.jobs, j)
}

// find is the job of an id, nil when there is none.
func (c *Cluster) find(id string) *job {
	for _, j := range c.jobs {
		if j.id == id {
			return j
		}
	}
	return nil
}

// become changes a job's state.
func (c *Cluster) become(j *job, state, cause string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if j.state != state {
		j.state, j.since = state, c.r.Clock.Now()
	}
	if cause != "" || state == "RUNNING" {
		j.cause = cause
	}
}

// submit stores the job's metadata below the storage folder, as a JobManager with high availability does before it runs a job.
// One whose end is recorded there is not run again.
func (c *Cluster) submit(ctx context.Context, j *job) error {
	if j.submitted {
		return nil
	}
	if c.ha() {
		dir := c.conf[flinkconf.HAStorage]
		bucket, key := flinkconf.SplitURI(dir)
		ended, err := c.session.ListObjects(ctx, bucket, key+"/"+c.resultKey(j))
		if err != nil {
			return fmt.Errorf("read the results of ended jobs below %q: %w", dir, err)
		}
		if len(ended) > 0 {
			c.become(j, "FINISHED", "")
			j.submitted = true
			return nil
		}
		if err := c.put(ctx, bucket, key+"/"+c.name+"/submittedJobGraph", object{"jobId": j.id}); err != nil {
			return fmt.Errorf("store high-availability metadata below %q: %w", dir, err)
		}
		if err := c.keep(ctx); err != nil {
			return err
		}
	}
	c.become(j, "CREATED", "")
	j.submitted = true
	return nil
}

// resultKey is where the end of a job is recorded, below the storage folder.
func (c *Cluster) resultKey(j *job) string {
	return "job-result-store/" + c.name + "/" + j.id + ".json"
}

// end is a job's end: it is not to be run again.
func (c *Cluster) end(ctx context.Context, j *job, state string) error {
	if c.ha() {
		bucket, key := flinkconf.SplitURI(c.conf[flinkconf.HAStorage])
		if err := c.put(ctx, bucket, key+"/"+c.resultKey(j), object{"jobId": j.id, "state": state}); err != nil {
			return err
		}
	}
	c.become(j, state, "")
	if err := c.discard(ctx, j, state); err != nil {
		c.log("Could not discard the checkpoints of job " + j.id + ": " + err.Error()) // Flink tries again, and ends all the same
	}
	if c.ha() {
		return c.keep(ctx)
	}
	return nil
}

// discard deletes the checkpoints of a job that has ended, as Flink does: of one that has finished always, also when a savepoint
// finished it, of a cancelled one unless its configuration retains them.
func (c *Cluster) discard(ctx context.Context, j *job, state string) error {
	dir := j.conf[flinkconf.Checkpoints]
	if dir == "" || state != "FINISHED" && j.conf[flinkconf.Retention] == "RETAIN_ON_CANCELLATION" {
		return nil
	}
	bucket, key := flinkconf.SplitURI(dir)
	have, err := c.session.ListObjects(ctx, bucket, key+"/"+j.id+"/")
	if err != nil {
		return err
	}
	var keys []string
	for _, o := range have {
		keys = append(keys, o.Key)
	}
	return c.session.DeleteObjects(ctx, bucket, keys...)
}

// interval is a job's checkpoint interval on the local clock, never shorter than
// least nor longer than the job says; 0 means that the job does not checkpoint.
func (c *Cluster) interval(j *job, least time.Duration) time.Duration {
	v := j.conf[flinkconf.Interval]
	every, err := flinkspec.Duration(v)
	if v == "" || err != nil || every <= 0 {
		return 0
	}
	return max(time.Duration(float64(every)/c.r.Speed), min(every, least))
}

func (c *Cluster) checkpointWhenDue(ctx context.Context, j *job) error {
	every, now := c.interval(j, leastLater), c.r.Clock.Now()
	if every == 0 || j.conf[flinkconf.Checkpoints] == "" {
		return nil
	}
	if j.next.IsZero() {
		j.next = now.Add(c.interval(j, leastFirst))
	}
	if now.Before(j.next) {
		return nil
	}
	if err := c.checkpoint(ctx, j); err != nil {
		return err
	}
	j.next = now.Add(every)
	return nil
}

// checkpoint writes <state.checkpoints.dir>/<job id>/chk-N/_metadata and deletes
// the checkpoints that it makes superfluous (state.checkpoints.num-retained).
func (c *Cluster) checkpoint(ctx context.Context, j *job) error {
	dir := j.conf[flinkconf.Checkpoints]
	bucket, key := flinkconf.SplitURI(dir)
	key += "/" + j.id + "/"
	have, err := c.session.ListObjects(ctx, bucket, key)
	if err != nil {
		return err
	}
	numbers := map[int][]string{}
	for _, obj := range have {
		name, _, _ := strings.Cut(strings.TrimPrefix(obj.Key, key), "/")
		if n, err := strconv.Atoi(strings.TrimPrefix(name, "chk-")); err == nil {
			numbers[n] = append(numbers[n], obj.Key)
			j.number = max(j.number, n)
		}
	}
	next, begun := j.number+1, c.r.Clock.Now()
	if err := c.putState(ctx, bucket, fmt.Sprintf("%schk-%d", key, next), next); err != nil {
		c.mu.Lock()
		j.counts.Counts.Total, j.counts.Counts.Failed = j.counts.Counts.Total+1, j.counts.Counts.Failed+1
		c.mu.Unlock()
		return err
	}
	c.completed(j, next, false, fmt.Sprintf("%s/%s/chk-%d", strings.TrimSuffix(dir, "/"), j.id, next), begun)
	var old []string
	for n, keys := range numbers {
		if n <= next-j.conf.Number(flinkconf.Retained, 1) {
			old = append(old, keys...)
		}
	}
	if len(old) > 0 {
		if err := c.session.DeleteObjects(ctx, bucket, old...); err != nil {
			return err
		}
	}
	c.log(fmt.Sprintf("Completed checkpoint %d for job %s. %s", next, j.id, notice))
	return nil
}

// completed notes a checkpoint or savepoint.
func (c *Cluster) completed(j *job, number int, savepoint bool, path string, begun time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	j.number = number
	done := &flinkrest.Checkpoint{
		ID: int64(number), Status: flinkrest.Completed, Savepoint: savepoint, Path: path, Triggered: begun.UnixMilli(),
		Millis: c.r.Clock.Now().Sub(begun).Milliseconds(),
	}
	j.counts.Counts.Total, j.counts.Counts.Completed = j.counts.Counts.Total+1, j.counts.Counts.Completed+1
	if savepoint {
		j.counts.Latest.Savepoint = done
	} else {
		j.counts.Latest.Completed = done
	}
}

// The things that can be asked for.
type want int

const (
	wantCheckpoint want = iota
	wantSavepoint
	wantStop
	wantCancel
	wantDisposal
)

// request is something that was asked for over the REST API; the next step does it. Cluster.mu guards what is below.
type request struct {
	what want
	dir  string

	done     bool
	location string
	err      error
}

// answer does what was asked for since the last step.
func (c *Cluster) answer(ctx context.Context, j *job) {
	c.mu.Lock()
	todo := j.todo
	j.todo = nil
	c.mu.Unlock()
	for _, q := range todo {
		location, err := c.perform(ctx, j, q)
		c.mu.Lock()
		q.done, q.location, q.err = true, location, err
		c.mu.Unlock()
	}
}

func (c *Cluster) perform(ctx context.Context, j *job, q *request) (location string, err error) {
	switch q.what {
	case wantCheckpoint:
		return "", c.checkpoint(ctx, j)
	case wantSavepoint:
		return c.savepoint(ctx, j, q.dir)
	case wantStop:
		if location, err = c.savepoint(ctx, j, q.dir); err != nil {
			return "", err
		}
		return location, c.end(ctx, j, "FINISHED")
	default:
		return "", c.end(ctx, j, "CANCELED")
	}
}

// dispose deletes the savepoints that were asked to be deleted since the last step.
func (c *Cluster) dispose(ctx context.Context) {
	c.mu.Lock()
	todo := c.todo
	c.todo = nil
	c.mu.Unlock()
	for _, q := range todo {
		bucket, key := flinkconf.SplitURI(q.dir)
		files, err := c.session.ListObjects(ctx, bucket, key+"/")
		keys := make([]string, 0, len(files))
		for _, f := range files {
			keys = append(keys, f.Key)
		}
		if err == nil {
			err = c.session.DeleteObjects(ctx, bucket, keys...)
		}
		c.mu.Lock()
		q.done, q.err = true, err
		c.mu.Unlock()
	}
}

// savepoint writes DIR/savepoint-<job>-<random>/_metadata.
func (c *Cluster) savepoint(ctx context.Context, j *job, dir string) (string, error) {
	if dir == "" {
		dir = j.conf[flinkconf.Savepoints]
	}
	bucket, key := flinkconf.SplitURI(dir)
	begun := c.r.Clock.Now()
	sum := sha256.Sum256(fmt.Append(nil, j.id, begun.UnixNano(), j.number))
	name := fmt.Sprintf("savepoint-%s-%s", j.id[:6], hex.EncodeToString(sum[:6]))
	if err := c.putState(ctx, bucket, key+"/"+name, j.number); err != nil {
		return "", err
	}
	path := strings.TrimSuffix(dir, "/") + "/" + name
	c.completed(j, j.number+1, true, path, begun)
	return path, nil
}
