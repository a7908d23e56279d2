// SPDX-License-Identifier: Apache-2.0

package flinksim

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"emrflink/internal/flinkrest"
	"emrflink/internal/localcloud/flinkconf"
)

// version is what the cluster says that it is.
const version = "1.20.1 (simulated by emrflink: no Flink code runs)"

// The things that can be asked for.
type want int

const (
	wantCheckpoint want = iota
	wantSavepoint
	wantStop
	wantCancel
)

// request is something that was asked for over the REST API; the next step does it.
type request struct {
	what want
	dir  string
	// Guarded by Cluster.mu.
	done     bool
	location string
	err      error
}

// Handler is the cluster's REST API.
func (c *Cluster) Handler() http.Handler {
	mux := http.NewServeMux()
	reply := func(pattern string, f func(r *http.Request) (int, any)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			c.mu.Lock()
			status, body := f(r)
			c.mu.Unlock()
			w.Header().Set("Content-Type", "application/json; charset=UTF-8")
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(body) // the client may be gone
		})
	}
	reply("GET /config", func(*http.Request) (int, any) {
		return http.StatusOK, flinkrest.Config{Version: version, Revision: "none"}
	})
	reply("GET /overview", func(*http.Request) (int, any) { return http.StatusOK, c.overview() })
	reply("GET /jobs/overview", func(*http.Request) (int, any) { return http.StatusOK, flinkrest.Jobs{Jobs: c.jobs()} })
	job := func(pattern string, f func(r *http.Request) (int, any)) {
		reply(pattern, func(r *http.Request) (int, any) {
			if id := r.PathValue("job"); len(c.jobs()) == 0 || id != c.jobID() {
				return refuse(http.StatusNotFound, "org.apache.flink.runtime.messages.FlinkJobNotFoundException: "+
					"Could not find Flink job (%s)", id)
			}
			return f(r)
		})
	}
	job("GET /jobs/{job}/checkpoints", func(*http.Request) (int, any) { return http.StatusOK, c.counts })
	job("GET /jobs/{job}/exceptions", func(*http.Request) (int, any) { return http.StatusOK, flinkrest.Exceptions{Root: c.cause} })
	job("POST /jobs/{job}/savepoints", func(r *http.Request) (int, any) {
		var in flinkrest.Savepoint
		return c.ask(r, &in, func() *request { return &request{what: wantSavepoint, dir: in.Directory} })
	})
	job("POST /jobs/{job}/stop", func(r *http.Request) (int, any) {
		var in flinkrest.Stop
		return c.ask(r, &in, func() *request { return &request{what: wantStop, dir: in.Directory} })
	})
	job("POST /jobs/{job}/checkpoints", func(r *http.Request) (int, any) {
		var in flinkrest.CheckpointTrigger
		return c.ask(r, &in, func() *request { return &request{what: wantCheckpoint} })
	})
	job("GET /jobs/{job}/savepoints/{request}", c.asked)
	job("GET /jobs/{job}/checkpoints/{request}", c.asked)
	job("PATCH /jobs/{job}", func(r *http.Request) (int, any) {
		if mode := r.URL.Query().Get("mode"); mode != "" && mode != "cancel" {
			return refuse(http.StatusBadRequest, "mode %q is not simulated", mode)
		}
		if !c.over() {
			c.state = "CANCELLING"
			c.todo = append(c.todo, &request{what: wantCancel})
		}
		return http.StatusAccepted, struct{}{}
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		_ = json.NewEncoder(w).Encode(flinkrest.Refusals{Errors: []string{
			fmt.Sprintf("%s %s is not simulated: no Flink is installed for the local target", r.Method, r.URL.Path),
		}})
	})
	return mux
}

func refuse(status int, format string, args ...any) (int, any) {
	return status, flinkrest.Refusals{Errors: []string{fmt.Sprintf(format, args...)}}
}

func (c *Cluster) overview() flinkrest.Overview {
	o := flinkrest.Overview{
		TaskManagers: c.workers, Slots: c.workers * c.conf.Number(flinkconf.Slots, 1), FreeSlots: c.free, Version: version,
		Commit: "none",
	}
	for _, j := range c.jobs() {
		switch j.State {
		case "FINISHED":
			o.Finished++
		case "CANCELED":
			o.Cancelled++
		case "FAILED":
			o.Failed++
		default:
			o.Running++
		}
	}
	return o
}

// jobs is the job once it was submitted.
func (c *Cluster) jobs() []flinkrest.Job {
	if !c.hasJob() || !c.started {
		return []flinkrest.Job{}
	}
	now := c.r.Clock.Now()
	j := flinkrest.Job{
		ID: c.jobID(), Name: c.conf[flinkconf.Name], State: c.state, StartTime: c.began.UnixMilli(), EndTime: -1,
		Duration: now.Sub(c.began).Milliseconds(), LastModified: c.since.UnixMilli(),
	}
	if c.over() {
		j.EndTime = c.since.UnixMilli()
	}
	return []flinkrest.Job{j}
}

// ask notes a request that the next step answers.
func (c *Cluster) ask(r *http.Request, into any, make func() *request) (int, any) {
	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		return refuse(http.StatusBadRequest, "Request did not match expected format: %v", err)
	}
	if c.state != "RUNNING" {
		return refuse(http.StatusBadRequest, "org.apache.flink.runtime.checkpoint.CheckpointException: "+
			"Checkpoint triggering task of job %s is not being executed at the moment. The job is %s.", c.jobID(), c.state)
	}
	q := make()
	sum := sha256.Sum256(fmt.Append(nil, c.jobID(), len(c.requests), c.r.Clock.Now().UnixNano()))
	id := hex.EncodeToString(sum[:16])
	c.requests[id] = q
	c.todo = append(c.todo, q)
	return http.StatusAccepted, flinkrest.Trigger{RequestID: id}
}

// asked tells how a request went.
func (c *Cluster) asked(r *http.Request) (int, any) {
	q := c.requests[r.PathValue("request")]
	if q == nil {
		return refuse(http.StatusNotFound, "There is no operation with the trigger id %s", r.PathValue("request"))
	}
	var op flinkrest.Operation
	op.Status.ID = flinkrest.InProgress
	if q.done {
		op.Status.ID, op.Operation = flinkrest.Completed, &flinkrest.Outcome{Location: q.location}
		if q.err != nil {
			op.Operation = &flinkrest.Outcome{Failure: &flinkrest.Cause{Class: "java.io.IOException", Trace: q.err.Error()}}
		}
	}
	return http.StatusOK, op
}

// answer does what was asked for since the last step.
func (c *Cluster) answer(ctx context.Context, pod string) error {
	c.mu.Lock()
	todo := c.todo
	c.todo = nil
	c.mu.Unlock()
	for _, q := range todo {
		location, err := c.perform(ctx, pod, q)
		c.mu.Lock()
		q.done, q.location, q.err = true, location, err
		c.mu.Unlock()
	}
	return nil
}

func (c *Cluster) perform(ctx context.Context, pod string, q *request) (location string, err error) {
	switch q.what {
	case wantCheckpoint:
		return "", c.checkpoint(ctx, pod)
	case wantSavepoint:
		return c.savepoint(ctx, q.dir)
	case wantStop:
		if location, err = c.savepoint(ctx, q.dir); err != nil {
			return "", err
		}
		return location, c.end(ctx, "FINISHED")
	default:
		return "", c.end(ctx, "CANCELED")
	}
}

// savepoint writes DIR/savepoint-<job>-<random>/_metadata.
func (c *Cluster) savepoint(ctx context.Context, dir string) (string, error) {
	if dir == "" {
		dir = c.conf[flinkconf.Savepoints]
	}
	bucket, key := flinkconf.SplitURI(dir)
	begun := c.r.Clock.Now()
	sum := sha256.Sum256(fmt.Append(nil, c.jobID(), begun.UnixNano()))
	name := fmt.Sprintf("savepoint-%s-%s", c.jobID()[:6], hex.EncodeToString(sum[:6]))
	if err := c.put(ctx, bucket, key+"/"+name+"/_metadata", object{"jobId": c.jobID()}); err != nil {
		return "", err
	}
	path := strings.TrimSuffix(dir, "/") + "/" + name
	c.completed(c.number+1, true, path, begun)
	return path, nil
}
