// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"time"

	"emrflink/internal/flinkrest"
	"emrflink/internal/kube"
)

// Source is something that a job is judged by.
type Source string

// The sources.
const (
	Spec        Source = "job"          // the FlinkDeployment or FlinkSessionJob, and its JobManager's Deployment
	Operator    Source = "operator"     // the Deployment of the Flink operator
	Webhooks    Source = "webhooks"     // those that a change of a Flink job passes
	HA          Source = "leader"       // the leader's record of Flink's high availability
	Pods        Source = "pods"         // of the job
	Nodes       Source = "nodes"        // of the cluster
	Claims      Source = "node claims"  // of Karpenter
	Events      Source = "events"       // of the job's objects, and of nodes
	Quota       Source = "quota"        // of the namespace
	Snapshots   Source = "snapshots"    // FlinkStateSnapshots of the job
	Autoscaler  Source = "autoscaler"   // its ConfigMap
	Exceptions  Source = "exceptions"   // of Flink
	Checkpoints Source = "checkpoints"  // of Flink
	Graph       Source = "job graph"    // of Flink, with the load of each vertex
	Workers     Source = "taskmanagers" // of Flink, with their memory
	Logs        Source = "logs"         // of the pods, or where they were sent
	Bucket      Source = "bucket"       // the checkpoints that are in S3
)

// Sources are all of them, in the order in which they are shown.
func Sources() []Source {
	return []Source{Spec, Operator, Webhooks, HA, Pods, Nodes, Claims, Events, Quota, Snapshots, Autoscaler, Exceptions,
		Checkpoints, Graph, Workers, Logs, Bucket}
}

// Read is what a source gave, or why it gave nothing.
type Read[T any] struct {
	Value T
	Why   string // why it could not be read; "" = it was, or there is nothing to read
}

// Job is what Kubernetes knows of the job itself.
type Job struct {
	Wanted                 string // running, suspended
	Lifecycle, State       string // of the operator and of Flink
	JobManager             string // jobManagerDeploymentStatus
	Error                  string // of the operator, in plain words
	Refused                string // why Kubernetes makes no pods of the JobManager
	Generation, Observed   int64
	Changed                time.Time // the last change of the spec, as far as it is known
	Deleting               time.Time // since when, zero when it is not
	Finalizers             []string
	SessionCluster         bool // it has no job of its own
	HA                     bool // Flink's high availability is on
	Autoscaler             bool
	CheckpointDir          string
	Interval, Timeout      time.Duration // of checkpoints; 0 = it takes none, and Flink's default
	Parallelism, Tolerated int64
	App                    string // the FlinkDeployment whose pods run it
}

// Controller is a Deployment that others depend on.
type Controller struct {
	Found, Available bool
	Message          string // of its condition
}

// Webhook is one that the API server asks about changes of Flink jobs.
type Webhook struct {
	Name, Service string
	Ready         bool // its Service has an endpoint
	Fails         bool // failurePolicy Fail: nothing can be changed while it is away
}

// Leader is the record with which a JobManager says that it leads.
type Leader struct {
	Found       bool
	Renewed     time.Time
	Lease       time.Duration
	Transitions int
}

// Hard is one line of a quota.
type Hard struct {
	Quota, Resource, Used, Hard string
	Full                        bool
}

// Savepoint is a FlinkStateSnapshot.
type Savepoint struct {
	Name, State, Path, Error string
	At                       time.Time
}

// Scaling is what the operator's autoscaler keeps of a job.
type Scaling struct {
	Enabled   bool
	Decisions []Decision // newest first
	Delayed   string     // why it does not act, in words
}

// Decision is one change of parallelism that the autoscaler made.
type Decision struct {
	Vertex   string
	From, To int
	At       time.Time
}

// Load is how busy a vertex is now.
type Load struct {
	ID, Name string
	Inputs   []string // ids of vertices
	Status   string
	Busy     float64 // of 0 to 1, the busiest subtask; -1 = not known
	Back     float64 // backpressured, the worst subtask; -1 = not known
	Idle     float64 // the least idle subtask; -1 = not known
	Subtasks []Subtask
}

// Subtask is one of a vertex.
type Subtask struct {
	Index     int
	In, Out   int64 // records since it started
	Idle      float64
	Watermark int64 // of its input, Flink's smallest number when there is none yet; 0 = not known
	Host      string
}

// JobGraph is the running job.
type JobGraph struct {
	Since    time.Time // in its state
	Vertices []Load
}

// Worker is a TaskManager that Flink knows.
type Worker struct {
	ID                                     string
	HeapUsed, HeapMax                      int64
	MetaspaceUsed, MetaspaceMax            int64
	Heartbeat                              time.Time
	CollectionMillis, Uptime, Slots, Freed int64
}

// Tasks is which tasks of a checkpoint have answered.
type Tasks struct {
	Vertex           string // its name
	Acknowledged, Of int
	Millis           int64
}

// History is what Flink says of a job's checkpoints.
type History struct {
	flinkrest.Checkpoints
	Slowest []Tasks // of the last checkpoint that failed, or is slow
}

// Line is a line of a log, with what belongs to it.
type Line struct {
	At   time.Time
	Pod  string
	Text string
}

// Stored is a checkpoint in the bucket.
type Stored struct {
	URI string
	At  time.Time
}

// Snapshot is all that was read of a job at one time.
type Snapshot struct {
	Name, Namespace string

	Now         time.Time
	Job         Read[Job]
	Operator    Read[Controller]
	Webhooks    Read[[]Webhook]
	Leader      Read[Leader]
	Pods        Read[[]kube.Pod]
	Nodes       Read[[]kube.Node]
	Claims      Read[[]kube.NodeClaim]
	Events      Read[[]kube.Event]
	Quota       Read[[]Hard]
	Snapshots   Read[[]Savepoint]
	Autoscaler  Read[Scaling]
	Exceptions  Read[flinkrest.Exceptions]
	Checkpoints Read[History]
	Graph       Read[JobGraph]
	Workers     Read[[]Worker]
	Logs        Read[[]Line]
	Bucket      Read[[]Stored]
}

// unread is why a source could not be read, "" when it was.
func (s *Snapshot) unread(of Source) string {
	return map[Source]string{
		Spec: s.Job.Why, Operator: s.Operator.Why, Webhooks: s.Webhooks.Why, HA: s.Leader.Why, Pods: s.Pods.Why,
		Nodes: s.Nodes.Why, Claims: s.Claims.Why, Events: s.Events.Why, Quota: s.Quota.Why, Snapshots: s.Snapshots.Why,
		Autoscaler: s.Autoscaler.Why, Exceptions: s.Exceptions.Why, Checkpoints: s.Checkpoints.Why, Graph: s.Graph.Why,
		Workers: s.Workers.Why, Logs: s.Logs.Why, Bucket: s.Bucket.Why,
	}[of]
}
