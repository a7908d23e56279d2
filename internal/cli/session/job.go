// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"time"
)

// JobSpec says which sample to run and how.
type JobSpec struct {
	Sample string
	Name   string // of the job in the cluster; "" = the sample's
	Team   string // "" = the first team of the stack
	Pool   string // node pool of the TaskManagers; "" = the first one
	// Parallelism is how many task slots the job uses; 0 = the sample's.
	Parallelism int
	Timeout     time.Duration
}

// JobNode is a node that a job runs on.
type JobNode struct {
	Name         string   `json:"name"`
	InstanceType string   `json:"instanceType"`
	CapacityType string   `json:"capacityType"` // on-demand, spot
	NodePool     string   `json:"nodePool"`
	Roles        []string `json:"roles"` // jobmanager, taskmanager
}

// Checkpoint is the object that proves that a job works.
type Checkpoint struct {
	URI   string `json:"uri"`
	Bytes int64  `json:"bytes"`
	At    string `json:"at"` // RFC 3339
}

// JobResult is how a job's run ended.
type JobResult struct {
	Job            string
	Namespace      string
	State          string
	Checkpoint     Checkpoint
	Nodes          []JobNode
	ElapsedSeconds float64
}

// JobProgress is what a run or a deletion is waiting for.
type JobProgress struct {
	Phase    string // "preflight", "submitted", "nodes", "starting", "checkpoint", "deleting"
	Cause    string // the scheduler's message, a NodeClaim's condition, the operator's error
	Expected time.Duration
}

// JobStatus is how one job is doing.
type JobStatus struct {
	Job        string      `json:"job"`
	Namespace  string      `json:"namespace"`
	State      string      `json:"state"`     // as Flink names it: RUNNING, RECONCILING; "" before the first report
	Lifecycle  string      `json:"lifecycle"` // as the operator names it: STABLE, DEPLOYED...
	Cause      string      `json:"cause"`     // what it waits for or runs into, "" = nothing
	Pods       []JobPod    `json:"pods"`
	Nodes      []JobNode   `json:"nodes"`
	Checkpoint *Checkpoint `json:"checkpoint,omitempty"` // the newest
}

// JobPod is one pod of a job.
type JobPod struct {
	Name  string `json:"name"`
	Role  string `json:"role"`
	Phase string `json:"phase"`
	Ready bool   `json:"ready"`
	Node  string `json:"node"`
}

// Jobs runs the samples.
type Jobs interface {
	// Render returns the manifests as a YAML stream.
	Render(ctx context.Context, s JobSpec) ([]byte, error)
	// Run submits the job and returns when a checkpoint is in the bucket.
	Run(ctx context.Context, s JobSpec, progress func(JobProgress)) (JobResult, error)
	// List returns the jobs in the cluster.
	List(ctx context.Context) ([]JobState, error)
	// Status looks at one job of a team ("" = the first one); an error with exit code 4 when there is none.
	Status(ctx context.Context, name, team string) (JobStatus, error)
	// Delete removes a job and waits until it is gone; found is false when there was none.
	Delete(ctx context.Context, name, team string, timeout time.Duration, progress func(JobProgress)) (found bool, err error)
}
