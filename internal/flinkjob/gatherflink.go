// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/yaml"

	"emrflink/internal/diagnose"
	"emrflink/internal/flinkrest"
	"emrflink/internal/kube"
)

// flink reads what only the JobManager knows. Of a job that is not to run there is nothing to read.
func (g *gatherer) flink(ctx context.Context) {
	if g.s.Job.Why == "" && (g.d.Wanted == suspended || g.d.State == "FINISHED" && g.d.JobManager != "READY") {
		return
	}
	err := errors.New("its pods could not be read")
	if g.s.Pods.Why == "" {
		_, err = master(g.s.Pods.Value)
	}
	if err == nil && g.Runner.Dial == nil {
		err = errors.New("there is no way to the pods")
	}
	if err != nil {
		why := "Flink's REST API: " + err.Error()
		g.s.Exceptions.Why, g.s.Checkpoints.Why, g.s.Graph.Why, g.s.Workers.Why = why, why, why, why
		return
	}
	c, done := g.Runner.rest(g.d.Namespace, g.d.cluster())
	defer done()
	var all sync.WaitGroup
	all.Go(func() {
		read(ctx, &g.s.Workers, func(ctx context.Context) ([]diagnose.Worker, error) {
			return g.workers(ctx, c)
		})
	})
	if g.d.JobID == "" || g.d.SessionCluster {
		if !g.d.SessionCluster {
			why := "Flink has no job yet"
			g.s.Exceptions.Why, g.s.Checkpoints.Why, g.s.Graph.Why = why, why, why
		}
		all.Wait()
		return
	}
	all.Go(func() {
		read(ctx, &g.s.Exceptions, func(ctx context.Context) (flinkrest.Exceptions, error) {
			return c.Exceptions(ctx,
				g.d.JobID)
		})
	})
	read(ctx, &g.s.Graph, func(ctx context.Context) (diagnose.JobGraph, error) { return graph(ctx, c, g.d.JobID) })
	read(ctx, &g.s.Checkpoints, func(ctx context.Context) (diagnose.History, error) {
		return history(ctx, c, g.d.JobID, g.s.Graph.Value)
	})
	all.Wait()
}

// mostAsked is how many vertices or TaskManagers are asked at once, and mostWorkers how many TaskManagers at all.
const (
	mostAsked   = 6
	mostWorkers = 50
)

// workers asks the TaskManagers for their memory. Flink does not say since when they run: it names them after their pods, which
// do.
func (g *gatherer) workers(ctx context.Context, c *flinkrest.Client) ([]diagnose.Worker, error) {
	since := map[string]time.Time{}
	for _, p := range g.s.Pods.Value {
		since[p.Name] = p.Created
		if last := p.LastEnd(); last.After(p.Created) {
			since[p.Name] = last
		}
	}
	all, err := c.TaskManagers(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]diagnose.Worker, min(len(all), mostWorkers))
	asked, ctx := errgroup.WithContext(ctx)
	asked.SetLimit(mostAsked)
	for i := range out {
		asked.Go(func() error {
			t, err := c.TaskManager(ctx, all[i].ID)
			if err != nil {
				return err
			}
			out[i] = diagnose.Worker{
				ID: t.ID, HeapUsed: t.Metrics.HeapUsed, HeapMax: t.Metrics.HeapMax, Heartbeat: time.UnixMilli(t.Heartbeat),
				Slots: t.Slots, Freed: t.Free,
			}
			if began, known := since[t.ID]; known {
				out[i].Uptime = g.s.Now.Sub(began).Milliseconds()
			}
			for _, gc := range t.Metrics.Collectors {
				out[i].CollectionMillis += gc.Millis
			}
			return nil
		})
	}
	return out, asked.Wait()
}

func graph(ctx context.Context, c *flinkrest.Client, job string) (diagnose.JobGraph, error) {
	doc, err := c.Job(ctx, job)
	if err != nil {
		return diagnose.JobGraph{}, err
	}
	inputs := map[string][]string{}
	for _, n := range doc.Plan.Nodes {
		for _, in := range n.Inputs {
			inputs[n.ID] = append(inputs[n.ID], in.ID)
		}
	}
	out := diagnose.JobGraph{Vertices: make([]diagnose.Load, len(doc.Vertices))}
	if at := doc.Timestamps[doc.State]; at > 0 {
		out.Since = time.UnixMilli(at)
	}
	asked, ctx := errgroup.WithContext(ctx)
	asked.SetLimit(mostAsked)
	for i, v := range doc.Vertices {
		asked.Go(func() error {
			load, err := loadOf(ctx, c, job, v, inputs[v.ID])
			out.Vertices[i] = load
			return err
		})
	}
	return out, asked.Wait()
}

// loadOf asks how busy a vertex is.
func loadOf(ctx context.Context, c *flinkrest.Client, job string, v flinkrest.Vertex, inputs []string) (diagnose.Load, error) {
	load := diagnose.Load{ID: v.ID, Name: v.Name, Inputs: inputs, Status: v.Status, Busy: -1, Back: -1, Idle: -1}
	detail, err := c.Vertex(ctx, job, v.ID)
	if err != nil {
		return load, err
	}
	now, err := again(ctx, func() (flinkrest.Backpressure, error) { return c.Backpressure(ctx, job, v.ID) })
	if err != nil {
		return load, err
	}
	for i, t := range now.Subtasks {
		busy, _ := t.Busy.(float64) // "NaN" of a legacy source is not known
		load.Busy, load.Back = max(load.Busy, busy), max(load.Back, t.Back)
		if i == 0 || t.Idle < load.Idle {
			load.Idle = t.Idle
		}
	}
	marks := map[int]int64{}
	if len(inputs) > 0 {
		all, err := again(ctx, func() ([]flinkrest.Metric, error) { return c.Watermarks(ctx, job, v.ID) })
		if err != nil {
			return load, err
		}
		for _, m := range all { // 0.currentInputWatermark
			index, _, _ := strings.Cut(m.ID, ".")
			n, err1 := strconv.Atoi(index)
			at, err2 := strconv.ParseInt(m.Value, 10, 64)
			if err1 == nil && err2 == nil {
				marks[n] = at
			}
		}
	}
	for _, t := range detail.Subtasks {
		load.Subtasks = append(load.Subtasks, diagnose.Subtask{
			Index: t.Index, In: t.Metrics.Read, Out: t.Metrics.Wrote, Host: t.Host, Watermark: marks[t.Index],
		})
	}
	return load, nil
}

// again asks a second and a third time: a JobManager has no metrics of a vertex that has just begun, and answers 500.
func again[T any](ctx context.Context, ask func() (T, error)) (got T, err error) {
	for range 3 {
		var refused *flinkrest.Error
		if got, err = ask(); !errors.As(err, &refused) || refused.Status != http.StatusInternalServerError {
			return got, err
		}
		if (wallClock{}).Sleep(ctx, time.Second) != nil {
			return got, err
		}
	}
	return got, err
}

// history reads a job's checkpoints; of the last one that failed or was slow, which vertices it waited for.
func history(ctx context.Context, c *flinkrest.Client, job string, graph diagnose.JobGraph) (diagnose.History, error) {
	all, err := c.Checkpoints(ctx, job)
	if err != nil {
		return diagnose.History{}, err
	}
	h := diagnose.History{Checkpoints: all}
	i := slices.IndexFunc(all.History, func(c flinkrest.Checkpoint) bool { return !c.Savepoint })
	if i < 0 || all.History[i].Status == flinkrest.Completed && all.History[i].Millis < time.Minute.Milliseconds() {
		return h, nil
	}
	detail, err := c.CheckpointDetail(ctx, job, strconv.FormatInt(all.History[i].ID, 10))
	var refused *flinkrest.Error
	if errors.As(err, &refused) { // it is not kept any more
		return h, nil
	}
	if err != nil {
		return h, err
	}
	for _, v := range graph.Vertices {
		if t, ok := detail.Tasks[v.ID]; ok {
			h.Slowest = append(h.Slowest, diagnose.Tasks{Vertex: v.Name, Acknowledged: t.Acknowledged, Of: t.Subtasks,
				Millis: t.Millis})
		}
	}
	slices.SortStableFunc(h.Slowest, func(a, b diagnose.Tasks) int { return int(b.Millis - a.Millis) })
	return h, nil
}

// How much of the logs is read for a diagnosis.
const (
	logSince = 30 * time.Minute
	logTail  = 2000
)

// logs reads the warnings and exceptions of the job's pods, also of the runs of their containers before the last one. Where there
// are no pods it looks where the logs were sent.
func (g *gatherer) logs(ctx context.Context) ([]diagnose.Line, error) {
	if g.s.Pods.Why != "" {
		return nil, errors.New("its pods could not be read")
	}
	var mu sync.Mutex
	var out []diagnose.Line
	take := func(e Entry) error {
		if text := strings.Join(e.Lines, "\n"); alarming(text) {
			mu.Lock()
			defer mu.Unlock()
			out = append(out, diagnose.Line{At: e.At, Pod: e.Pod, Text: text})
		}
		return nil
	}
	if len(g.s.Pods.Value) == 0 {
		return g.sentLines(ctx)
	}
	if g.Runner.Logs == nil {
		return nil, errors.New("there is no way to the logs")
	}
	reads, ctx := errgroup.WithContext(ctx)
	reads.SetLimit(mostAsked)
	for _, p := range g.s.Pods.Value {
		for _, previous := range []bool{false, true} {
			if previous && p.Restarts == 0 || p.Phase == "Pending" && !previous {
				continue
			}
			reads.Go(func() error {
				stream, err := g.Runner.Logs.PodLogs(ctx, p.Namespace, p.Name, kube.LogOptions{
					Container: mainContainer, Previous: previous, Since: logSince, Tail: logTail,
				})
				if err != nil {
					return err
				}
				defer stream.Close() // it was only read
				return entries(p.Name, stream, false, take)
			})
		}
	}
	return out, reads.Wait()
}

// sentLines are the last lines of pods that are gone; none where they were sent nowhere.
func (g *gatherer) sentLines(ctx context.Context) ([]diagnose.Line, error) {
	if g.Runner.Sent == nil || g.o == nil || monitoringOf(g.o).group == "" {
		return nil, nil
	}
	all, err := g.sent(ctx, g.d, LogOptions{From: FromCloudWatch, Since: logSince, Tail: logTail})
	var out []diagnose.Line
	for _, e := range all {
		if text := strings.Join(e.Lines, "\n"); alarming(text) {
			out = append(out, diagnose.Line{At: e.At, Pod: e.Pod, Text: text})
		}
	}
	return out, err
}

// alarming says whether an entry of a log can explain something.
func alarming(text string) bool {
	for _, word := range []string{" WARN ", " ERROR ", " FATAL ", "Exception", "Error: ", "Caused by: "} {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

// autoscaler reads what the operator's autoscaler keeps of the job: ConfigMap autoscaler-NAME, gzip and base64 of YAML.
func (g *gatherer) autoscaler(ctx context.Context) (diagnose.Scaling, error) {
	if !g.s.Job.Value.Autoscaler {
		return diagnose.Scaling{}, nil
	}
	out := diagnose.Scaling{Enabled: true, Delayed: heldBack(g.s.Events.Value, g.d.Name)}
	o, err := g.Runner.Kube.Get(ctx, kube.KindConfigMap.Ref(g.d.Namespace, "autoscaler-"+g.d.Name))
	if kube.IsNotFound(err) {
		out.Delayed = orElse(out.Delayed, "it has kept nothing of this job yet (ConfigMap autoscaler-"+g.d.Name+")")
		return out, nil
	}
	if err != nil {
		return out, err
	}
	out.Decisions, err = decisions(text(field(o.Object, "data", "scalingHistory")))
	names := map[string]string{}
	for _, v := range g.s.Graph.Value.Vertices {
		names[v.ID] = v.Name
	}
	for i, d := range out.Decisions {
		out.Decisions[i].Vertex = orElse(names[d.Vertex], "vertex "+d.Vertex)
	}
	return out, err
}

// decisions reads a scalingHistory, the newest first; "" has none.
func decisions(kept string) ([]diagnose.Decision, error) {
	if kept == "" {
		return nil, nil
	}
	zipped, err := base64.StdEncoding.DecodeString(kept)
	if err != nil {
		return nil, fmt.Errorf("read the autoscaler's history: %w", err)
	}
	raw, err := unzip(zipped)
	if err != nil {
		return nil, fmt.Errorf("read the autoscaler's history: %w", err)
	}
	var doc map[string]map[string]struct{ CurrentParallelism, NewParallelism int }
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		return nil, fmt.Errorf("read the autoscaler's history: %w", err)
	}
	var out []diagnose.Decision
	for vertex, changes := range doc {
		for when, c := range changes {
			at, err := time.Parse(time.RFC3339Nano, when)
			if err != nil {
				return nil, fmt.Errorf("read the autoscaler's history: %w", err)
			}
			out = append(out, diagnose.Decision{Vertex: vertex, From: c.CurrentParallelism, To: c.NewParallelism, At: at})
		}
	}
	slices.SortFunc(out, func(a, b diagnose.Decision) int { return b.At.Compare(a.At) })
	return out[:min(len(out), 10)], nil
}

// heldBack is why the autoscaler does not act, in its own words of the last event about that; "" when it acts.
func heldBack(events []kube.Event, job string) string {
	for i := len(events) - 1; i >= 0; i-- {
		e := events[i]
		switch {
		case e.Object.Name != job:
		case e.Reason == "ScalingReport" && !strings.Contains(e.Message, "execution disabled"):
			return ""
		case slices.Contains([]string{"ScalingReport", "IneffectiveScaling", "ScalingLimited", "ResourceQuotaReached",
			"MemoryPressure",
			"AutoscalerError", "AutoscalerNotSimulated"}, e.Reason):
			return e.Message
		}
	}
	return ""
}
