// SPDX-License-Identifier: Apache-2.0

package flinksim

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"

	"emrflink/internal/flinkrest"
	"emrflink/internal/localcloud/flinkconf"
)

// version is what the cluster says that it is.
const version = "1.20.1 (simulated by emrflink: no Flink code runs)"

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
	reply("GET /jobs/overview", func(*http.Request) (int, any) { return http.StatusOK, flinkrest.Jobs{Jobs: c.listed()} })
	reply("POST /savepoint-disposal", c.askDisposal)
	reply("GET /savepoint-disposal/{request}", func(r *http.Request) (int, any) { return outcome(c.asked, r) })
	reply("POST /jars/upload", c.upload)
	reply("POST /jars/{jar}/run", c.runJar)
	of := func(pattern string, f func(j *job, r *http.Request) (int, any)) {
		reply(pattern, func(r *http.Request) (int, any) {
			j := c.find(r.PathValue("job"))
			if j == nil {
				return refuse(http.StatusNotFound, "org.apache.flink.runtime.messages.FlinkJobNotFoundException: "+
					"Could not find Flink job (%s)", r.PathValue("job"))
			}
			return f(j, r)
		})
	}
	of("GET /jobs/{job}/checkpoints", func(j *job, _ *http.Request) (int, any) { return http.StatusOK, j.counts })
	of("GET /jobs/{job}/exceptions", func(j *job, _ *http.Request) (int, any) {
		return http.StatusOK, flinkrest.Exceptions{Root: j.cause}
	})
	of("POST /jobs/{job}/savepoints", func(j *job, r *http.Request) (int, any) {
		var in flinkrest.Savepoint
		return c.ask(j, r, &in, func() *request { return &request{what: wantSavepoint, dir: in.Directory} })
	})
	of("POST /jobs/{job}/stop", func(j *job, r *http.Request) (int, any) {
		var in flinkrest.Stop
		return c.ask(j, r, &in, func() *request { return &request{what: wantStop, dir: in.Directory} })
	})
	of("POST /jobs/{job}/checkpoints", func(j *job, r *http.Request) (int, any) {
		var in flinkrest.CheckpointTrigger
		return c.ask(j, r, &in, func() *request { return &request{what: wantCheckpoint} })
	})
	ofJob := func(j *job, r *http.Request) (int, any) { return outcome(j.asked, r) }
	of("GET /jobs/{job}/savepoints/{request}", ofJob)
	of("GET /jobs/{job}/checkpoints/{request}", ofJob)
	of("PATCH /jobs/{job}", func(j *job, r *http.Request) (int, any) {
		if mode := r.URL.Query().Get("mode"); mode != "" && mode != "cancel" {
			return refuse(http.StatusBadRequest, "mode %q is not simulated", mode)
		}
		if !j.over() {
			j.state = "CANCELLING"
			j.todo = append(j.todo, &request{what: wantCancel})
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
	for _, j := range c.jobs {
		switch j.state {
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

// listed are the jobs that were submitted.
func (c *Cluster) listed() []flinkrest.Job {
	now, rows := c.r.Clock.Now(), []flinkrest.Job{}
	for _, j := range c.jobs {
		if !j.submitted {
			continue
		}
		row := flinkrest.Job{
			ID: j.id, Name: j.conf[flinkconf.Name], State: j.state, StartTime: j.began.UnixMilli(), EndTime: -1,
			Duration: now.Sub(j.began).Milliseconds(), LastModified: j.since.UnixMilli(),
		}
		if j.over() {
			row.EndTime = j.since.UnixMilli()
		}
		rows = append(rows, row)
	}
	return rows
}

// upload takes a jar, of which the name is all that counts.
func (c *Cluster) upload(r *http.Request) (int, any) {
	file, header, err := r.FormFile("jarfile")
	if err != nil {
		return refuse(http.StatusBadRequest, "Exactly 1 file must be sent, received 0: %v", err)
	}
	_ = file.Close() // it is not read
	id := fmt.Sprintf("%d_%s", len(c.jars)+1, header.Filename)
	c.jars[id] = header.Filename
	return http.StatusOK, flinkrest.Uploaded{Filename: "/tmp/flink-web-upload/" + id, Status: "success"}
}

// runJar submits a job of an uploaded jar.
func (c *Cluster) runJar(r *http.Request) (int, any) {
	var in flinkrest.Run
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return refuse(http.StatusBadRequest, "Request did not match expected format: %v", err)
	}
	if _, is := c.jars[r.PathValue("jar")]; !is {
		return refuse(http.StatusBadRequest, "Jar file %s does not exist", r.PathValue("jar"))
	}
	if len(in.JobID) != 32 || c.find(in.JobID) != nil {
		return refuse(http.StatusBadRequest, "Job with id %q was submitted already, or it is no job id", in.JobID)
	}
	own := flinkconf.Conf(maps.Clone(in.Configuration))
	if own == nil {
		own = flinkconf.Conf{}
	}
	own[flinkconf.Parallelism] = strconv.Itoa(max(in.Parallelism, 1))
	conf := maps.Clone(c.conf)
	maps.Copy(conf, own)
	j := &job{
		id: in.JobID, conf: conf, own: own, state: "INITIALIZING", asked: map[string]*request{},
		began: c.r.Clock.Now(), since: c.r.Clock.Now(),
	}
	c.jobs = append(c.jobs, j)
	return http.StatusOK, flinkrest.Submitted{JobID: in.JobID}
}

// ask notes a request that the next step answers.
func (c *Cluster) ask(j *job, r *http.Request, into any, want func() *request) (int, any) {
	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		return refuse(http.StatusBadRequest, "Request did not match expected format: %v", err)
	}
	if j.state != "RUNNING" {
		return refuse(http.StatusBadRequest, "org.apache.flink.runtime.checkpoint.CheckpointException: "+
			"Checkpoint triggering task of job %s is not being executed at the moment. The job is %s.", j.id, j.state)
	}
	q := want()
	j.todo = append(j.todo, q)
	return http.StatusAccepted, flinkrest.Trigger{RequestID: c.note(j.asked, j.id, q)}
}

// note keeps a request by an id of its own.
func (c *Cluster) note(asked map[string]*request, of string, q *request) string {
	sum := sha256.Sum256(fmt.Append(nil, of, len(asked), c.r.Clock.Now().UnixNano()))
	id := hex.EncodeToString(sum[:16])
	asked[id] = q
	return id
}

// askDisposal notes that a savepoint is to be deleted.
func (c *Cluster) askDisposal(r *http.Request) (int, any) {
	var in flinkrest.Disposal
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Location == "" {
		return refuse(http.StatusBadRequest, "Request did not match expected format: %v", err)
	}
	q := &request{what: wantDisposal, dir: in.Location}
	c.todo = append(c.todo, q)
	return http.StatusOK, flinkrest.Trigger{RequestID: c.note(c.asked, c.name, q)}
}

// outcome tells how a request went.
func outcome(asked map[string]*request, r *http.Request) (int, any) {
	q := asked[r.PathValue("request")]
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
