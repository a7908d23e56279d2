// SPDX-License-Identifier: Apache-2.0

// Package session says, in plain types, what the commands may ask of one stack on its target. Package wire
// implements it with the engine, the AWS and Kubernetes clients and the target; each command picks the few methods
// it needs into an interface of its own, so that its tests need none of them.
package session

import (
	"context"
	"io"
	"time"
)

// Info names what a command works on. Nothing has been contacted to know it.
type Info struct {
	Stack      string
	File       string // stack file, "" = the defaults
	Home       string // state folder
	State      string // URL of the state backend as the user named it, "" = below Home
	Target     string // "local" or "aws"
	Region     string
	Deployment string // name of the deployment: the prefix of what it makes
	Kubernetes string // version of the control plane: "1.35"
	// PrivateAPI says that the Kubernetes API has no public endpoint.
	PrivateAPI bool
	// Needs is what the target needs of this machine.
	Needs Needs
	// Speed is what the target divides AWS's durations by; 1 is real time.
	Speed float64
	// Simulated says, a line each, what stands in for the real thing. Empty on AWS.
	Simulated []string
}

// Timed says where AWS's usual durations hold: "" = on this target, "on AWS" where its clock is another.
func (i Info) Timed() string {
	if i.Speed == 1 {
		return ""
	}
	return "on AWS"
}

// Needs is what a target needs of the machine that it is used from.
type Needs struct {
	Daemon      bool     // the local target's process and the binary of its control plane
	Credentials bool     // AWS credentials of the user's own
	Programs    []string // programs on the PATH
	Registries  []string // registries of charts that are pulled from without a login
}

// Op is what happens to a resource: create, update, replace, delete, same, read.
type Op string

// The operations that change something.
const (
	OpCreate  Op = "create"
	OpUpdate  Op = "update"
	OpReplace Op = "replace"
	OpDelete  Op = "delete"
	OpSame    Op = "same"
)

// Summary counts the resources of a plan or a result by operation.
type Summary struct {
	Create  int `json:"create"`
	Update  int `json:"update"`
	Replace int `json:"replace"`
	Delete  int `json:"delete"`
	Same    int `json:"same"`
}

// Changes counts what is not the same.
func (s Summary) Changes() int { return s.Create + s.Update + s.Replace + s.Delete }

// Step is one resource of a plan.
type Step struct {
	URN  string
	Type string // Pulumi type
	Name string
	Op   Op
}

// CostLine is a resource that is billed by the hour.
type CostLine struct {
	Name      string
	Type      string  // what it is, in words or as a Pulumi type
	HourlyUSD float64 // US dollars per hour for all of it
	Note      string  // "3 x m5.xlarge", "at least"
}

// Plan is what a deploy would do.
type Plan struct {
	Summary    Summary
	Steps      []Step
	Costs      []CostLine // resources that are billed by the hour once the plan is carried out
	HourlyUSD  float64    // sum of Costs
	UsageNotes []string   // what is billed by use and is not in the sum
	// Text prints the plan for a reader. width is the terminal's, 0 = lines are not cut.
	Text func(w io.Writer, color bool, width int) error
	// Document is the JSON contract of preview.
	Document any
	// MayReplace counts the updates that may turn into a replacement.
	MayReplace int
	// SaveBaseline writes the desired graph to a file that later previews can be compared with.
	SaveBaseline func(path string) error
	// Save writes the plan to a file that a deploy can be held to. Nil for a plan that no deploy can carry out.
	Save func(path string) error
	// Matches checks that the plan in a file is this one; the error says what moved. Nil as Save is.
	Matches func(path string) error
	// Markdown and HTML print the plan for a review: as one comment, and as one page. SVG and Mermaid draw the
	// resources that there are once it is carried out.
	Markdown, HTML, SVG, Mermaid func(w io.Writer) error
}

// Event is something that happened to a resource while the engine works.
type Event struct {
	Kind    string // start, done, failed, diagnostic, notice
	URN     string
	Type    string
	Name    string
	Op      Op
	Message string
	Elapsed time.Duration
}

// Result is what a deploy did.
type Result struct {
	Summary  Summary
	Duration time.Duration
	Outputs  map[string]Output
}

// Output is one output of a stack.
type Output struct {
	Value  any
	Secret bool
}

// State is what the recorded state of a stack says.
type State struct {
	Resources int            // resources that exist, providers and the stack itself not counted
	ByService map[string]int // "ec2": 30
	LockedBy  string         // who is changing the stack now, "" = nobody
	Pending   []Pending      // operations of which nobody recorded the end
	Outputs   map[string]Output
}

// Pending is an operation that was begun and whose end was not recorded: it is under way while somebody holds the
// stack, else its process was killed and the next deploy or cleanup finds out what became of it.
type Pending struct {
	Kind string `json:"kind"` // creating, updating, deleting, reading, importing
	Type string `json:"type"` // Pulumi type
	Name string `json:"name"`
	URN  string `json:"urn"`
}

// Cluster is what the cloud says about the cluster now.
type Cluster struct {
	Name    string
	Status  string // ACTIVE, CREATING, ...; "" = it does not exist
	Version string
	Health  []string
	Nodes   []Node
	Jobs    []JobState
}

// Node is a Kubernetes node.
type Node struct {
	Name         string `json:"name"`
	InstanceType string `json:"instanceType"`
	CapacityType string `json:"capacityType"` // on-demand, spot
	NodePool     string `json:"nodePool"`     // Karpenter's, "" = the managed node group
}

// JobState is a Flink job in the cluster, in one line.
type JobState struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	Sample    string `json:"sample"` // "" for a job that this tool did not render
	State     string `json:"state"`  // of the job, as Flink names it: RUNNING, RECONCILING...
}

// Planner computes plans.
type Planner interface {
	Info() Info
	Plan(ctx context.Context) (Plan, error)
	Close() error
}

// Session works on one stack. Methods contact the target only as far as they need it.
type Session interface {
	Planner
	// Preflight looks for what would make a deploy fail. It opens the target and changes nothing.
	Preflight(ctx context.Context) ([]Check, error)
	// AdoptLeftOver makes Preflight look for log groups of an earlier deployment, and Plan and Deploy take them into the
	// stack.
	AdoptLeftOver()
	// RefreshFirst makes Plan and Deploy read the account before they compare, so that they put back what was changed
	// there.
	RefreshFirst()
	// Deploy carries the plan out; it may be repeated until it succeeds.
	Deploy(ctx context.Context, sink func(Event)) (Result, error)
	// State reads the recorded state; an error with exit code 4 when the stack was never deployed.
	State(ctx context.Context) (State, error)
	// Cluster asks the cloud.
	Cluster(ctx context.Context) (Cluster, error)
	// Cleanup finds out what a cleanup would delete.
	Cleanup(ctx context.Context) (Cleanup, error)
	// Jobs runs Flink jobs on the deployment.
	Jobs(ctx context.Context) (Jobs, error)
}
