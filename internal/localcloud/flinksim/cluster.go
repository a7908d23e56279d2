// SPDX-License-Identifier: Apache-2.0

package flinksim

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/flinkstate"
	"emrflink/internal/kube"
	"emrflink/internal/localcloud/flinkconf"
)

type object = map[string]any

const (
	sessionLife = 45 * time.Minute // tokens and sessions are asked for an hour
	// notice is in every object and log line that is written.
	notice = "Written by emrflink's local stand-in of Flink. No Flink code ran; this object holds no state."
)

// Cluster is a simulated Flink cluster: an application cluster has one job from its start, a session cluster those that are
// submitted to it.
type Cluster struct {
	r               *Runtime
	kube            Kube
	namespace, name string
	account         string // service account of the JobManager
	conf            flinkconf.Conf
	template        string // of the TaskManagers
	// Out takes what the JobManager that leads prints. Nil: nobody reads it.
	Out io.Writer

	session Session
	until   time.Time
	started bool
	index   int // of the last TaskManager

	mu      sync.Mutex // guards what the REST API shows and asks for
	jobs    []*job
	jars    map[string]string // id of an uploaded jar -> its name
	asked   map[string]*request
	todo    []*request
	free    int // slots
	workers int
}

func (c *Cluster) ha() bool { return c.conf[flinkconf.HA] == "kubernetes" }

// slots is how many all jobs need.
func (c *Cluster) slots() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, j := range c.jobs {
		if !j.over() {
			n += j.conf.Number(flinkconf.Parallelism, 1)
		}
	}
	return n
}

// want is how many TaskManagers the jobs need.
func (c *Cluster) want() int {
	each := c.conf.Number(flinkconf.Slots, 1)
	return (c.slots() + each - 1) / each
}

// all are the jobs.
func (c *Cluster) all() []*job {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.jobs)
}

// Step takes the cluster one step on, on behalf of the JobManager that leads. An error ends the JobManager, as an exception in
// its entry point ends Flink's; what goes wrong with a job is the job's root exception.
func (c *Cluster) Step(ctx context.Context) error {
	if err := c.start(ctx); err != nil {
		return err
	}
	if len(c.all()) == 0 {
		return nil
	}
	if err := c.ensureSession(ctx); err != nil {
		return err
	}
	c.dispose(ctx)
	ready, err := c.ensureWorkers(ctx)
	for _, j := range c.all() {
		if err := c.step(ctx, j, ready, err); err != nil {
			return err
		}
	}
	return nil
}

// step takes one job on: ready is the number of TaskManagers, none what became of the request for more.
func (c *Cluster) step(ctx context.Context, j *job, ready int, none error) error {
	if err := c.submit(ctx, j); err != nil || j.over() {
		return err
	}
	switch {
	case none != nil:
		c.become(j, j.state, "the request for TaskManagers failed: "+none.Error())
		return nil
	case ready >= c.want() && j.state != "RUNNING" && j.state != "CANCELLING":
		c.become(j, "RUNNING", "")
	case ready < c.want() && (j.state == "RUNNING" || j.state == "RESTARTING"):
		c.become(j, "RESTARTING", "a TaskManager was lost")
		return nil
	case ready < c.want():
		c.become(j, "CREATED", "")
		return nil
	}
	c.answer(ctx, j)
	if j.over() {
		return nil
	}
	if err := c.checkpointWhenDue(ctx, j); err != nil {
		c.become(j, "RESTARTING", "checkpoint: "+err.Error())
	}
	return nil
}

func (c *Cluster) ensureSession(ctx context.Context) error {
	if c.session != nil && c.r.Clock.Now().Before(c.until) {
		return nil
	}
	first := c.session == nil
	s, err := c.r.Assume(ctx, c.namespace, c.account, "flink-"+c.name)
	if err != nil {
		return fmt.Errorf("assume the execution role as %s/%s: %w", c.namespace, c.account, err)
	}
	c.session, c.until = s, c.r.Clock.Now().Add(sessionLife)
	if first {
		c.log("JobManager started. " + notice)
	}
	return nil
}

// start finds the jobs that this cluster had before its JobManagers were lost, and begins the application's.
func (c *Cluster) start(ctx context.Context) error {
	if c.started {
		return nil
	}
	if c.ha() {
		if err := c.recover(ctx); err != nil {
			return err
		}
	}
	if id := c.conf[flinkconf.JobID]; id != "" && c.find(id) == nil {
		c.add(&job{id: id, conf: c.conf})
	}
	c.started = true
	return nil
}

// recover reads the jobs of the leader's ConfigMap.
func (c *Cluster) recover(ctx context.Context) error {
	cm, err := c.kube.Get(ctx, kube.KindConfigMap.Ref(c.namespace, c.haName()))
	if kube.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	data, _, _ := unstructured.NestedStringMap(cm.Object, "data")
	for key, raw := range data {
		id, is := strings.CutPrefix(key, graphKey)
		if !is {
			continue
		}
		own := flinkconf.Conf{}
		if err := json.Unmarshal([]byte(raw), &own); err != nil {
			return fmt.Errorf("read job %s in ConfigMap %s: %w", id, c.haName(), err)
		}
		conf := maps.Clone(c.conf)
		maps.Copy(conf, own)
		c.add(&job{id: id, conf: conf, own: own})
	}
	return nil
}

// graphKey begins the keys of jobs in the leader's ConfigMap.
const graphKey = "jobGraph-"

func (c *Cluster) haName() string { return c.name + "-cluster-config-map" }

// keep records the jobs that are not over in the leader's ConfigMap.
func (c *Cluster) keep(ctx context.Context) error {
	data := object{"notice": notice}
	for _, j := range c.all() {
		if j.over() {
			continue
		}
		raw, err := json.Marshal(j.own)
		if err != nil {
			return err
		}
		data[graphKey+j.id] = string(raw)
	}
	_, err := c.kube.Apply(ctx, kube.NewObject(kube.KindConfigMap, c.namespace, c.haName(), object{
		"metadata": object{"labels": object{
			"app": c.name, "configmap-type": "high-availability", "type": "flink-native-kubernetes",
		}},
		"data": data,
	}))
	return err
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

// putState writes the metadata of a checkpoint or savepoint: it has no operators, and says why.
func (c *Cluster) putState(ctx context.Context, bucket, dir string, number int) error {
	state := flinkstate.Empty(int64(number), notice)
	return c.session.PutObject(ctx, bucket, dir+"/_metadata", bytes.NewReader(state), "application/octet-stream")
}

// log prints one line, as the JobManager that leads.
func (c *Cluster) log(line string) {
	if c.Out != nil {
		_, _ = fmt.Fprintln(c.Out, line) // it can be lost, as a container's log can
	}
}
