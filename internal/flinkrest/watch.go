// SPDX-License-Identifier: Apache-2.0

package flinkrest

import "context"

// JobDetail is the document of GET /jobs/ID, as far as it is read.
type JobDetail struct {
	State      string           `json:"state"`
	Timestamps map[string]int64 `json:"timestamps"` // by state, 0 for one that it was never in
	Vertices   []Vertex         `json:"vertices"`
	Plan       struct {
		Nodes []struct {
			ID     string `json:"id"`
			Inputs []struct {
				ID string `json:"id"`
			} `json:"inputs"`
		} `json:"nodes"`
	} `json:"plan"`
}

// Vertex is one of a job's. Its Subtasks are set by Client.Vertex only.
type Vertex struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Status      string `json:"status"`
	Parallelism int    `json:"parallelism"`
	Duration    int64  `json:"duration"` // milliseconds since it began
	Metrics     struct {
		Idle int64 `json:"accumulated-idle-time"` // milliseconds, of all subtasks together
	} `json:"metrics"`
	Subtasks []Subtask `json:"subtasks,omitempty"`
}

// Subtask is one of a vertex.
type Subtask struct {
	Index   int    `json:"subtask"`
	Status  string `json:"status"`
	Host    string `json:"host"`
	Metrics struct {
		Read  int64 `json:"read-records"`
		Wrote int64 `json:"write-records"`
		Idle  int64 `json:"accumulated-idle-time"`
		Busy  any   `json:"accumulated-busy-time"` // a number, or "NaN"
	} `json:"metrics"`
}

// Backpressure is how a vertex spends its time now.
type Backpressure struct {
	Status   string `json:"status"`
	Subtasks []struct {
		Index int     `json:"subtask"`
		Back  float64 `json:"ratio"`
		Idle  float64 `json:"idleRatio"`
		Busy  any     `json:"busyRatio"` // a number, or "NaN"
	} `json:"subtasks"`
}

// Metric is one of GET .../metrics.
type Metric struct {
	ID    string `json:"id"`
	Value string `json:"value"`
}

// CheckpointDetail is the document of GET /jobs/ID/checkpoints/details/N: how far each vertex is with it.
type CheckpointDetail struct {
	Tasks map[string]struct {
		Acknowledged int   `json:"num_acknowledged_subtasks"`
		Subtasks     int   `json:"num_subtasks"`
		Millis       int64 `json:"end_to_end_duration"`
	} `json:"tasks"`
}

// TaskManager is one that the JobManager knows. Its Metrics are set by Client.TaskManager only.
type TaskManager struct {
	ID        string `json:"id"`
	Heartbeat int64  `json:"timeSinceLastHeartbeat"` // milliseconds since 1970, in spite of its name
	Slots     int64  `json:"slotsNumber"`
	Free      int64  `json:"freeSlots"`
	Metrics   struct {
		HeapUsed   int64 `json:"heapUsed"`
		HeapMax    int64 `json:"heapMax"`
		Collectors []struct {
			Millis int64 `json:"time"`
		} `json:"garbageCollectors"`
	} `json:"metrics"`
}

// Exceptions is what a job failed with, the newest first.
func (c *Client) Exceptions(ctx context.Context, job string) (Exceptions, error) {
	return get[Exceptions](ctx, c, jobPath(job, "exceptions")+"?maxExceptions=20")
}

// Job tells of a job and its vertices.
func (c *Client) Job(ctx context.Context, job string) (JobDetail, error) {
	return get[JobDetail](ctx, c, jobPath(job))
}

// Vertex tells of a vertex and its subtasks.
func (c *Client) Vertex(ctx context.Context, job, vertex string) (Vertex, error) {
	return get[Vertex](ctx, c, jobPath(job, "vertices", vertex))
}

// Backpressure tells how a vertex spends its time.
func (c *Client) Backpressure(ctx context.Context, job, vertex string) (Backpressure, error) {
	return get[Backpressure](ctx, c, jobPath(job, "vertices", vertex, "backpressure"))
}

// Watermarks gives the watermark of the input of each subtask of a vertex; there are none for a source.
func (c *Client) Watermarks(ctx context.Context, job, vertex string) ([]Metric, error) {
	return get[[]Metric](ctx, c, jobPath(job, "vertices", vertex, "watermarks"))
}

// CheckpointDetail tells how far each vertex is, or was, with a checkpoint.
func (c *Client) CheckpointDetail(ctx context.Context, job, checkpoint string) (CheckpointDetail, error) {
	return get[CheckpointDetail](ctx, c, jobPath(job, "checkpoints", "details", checkpoint))
}

// TaskManagers lists the TaskManagers.
func (c *Client) TaskManagers(ctx context.Context) ([]TaskManager, error) {
	all, err := get[struct{ TaskManagers []TaskManager }](ctx, c, "/taskmanagers")
	return all.TaskManagers, err
}

// TaskManager tells of one, with its memory.
func (c *Client) TaskManager(ctx context.Context, id string) (TaskManager, error) {
	return get[TaskManager](ctx, c, "/taskmanagers/"+id)
}
