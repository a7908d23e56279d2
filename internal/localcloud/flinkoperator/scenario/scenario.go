// SPDX-License-Identifier: Apache-2.0

// Package scenario is one table of what is done to a Flink job under its operator, and what the operator then shows. The real
// Flink Kubernetes operator and the stand-in of the local target are taken through it side by side (make referee-operator), which
// writes recorded.json and docs/operator-scenarios.md; the tests of the stand-in go through it in memory and compare with the
// recording.
package scenario

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/kube"
)

// Cluster is what a user of the operator does.
type Cluster interface {
	Get(ctx context.Context, ref kube.Ref) (*unstructured.Unstructured, error)
	List(ctx context.Context, k kube.Kind, o kube.ListOptions) ([]unstructured.Unstructured, error)
	Create(ctx context.Context, obj *unstructured.Unstructured) (*unstructured.Unstructured, error)
	Patch(ctx context.Context, ref kube.Ref, subresource string, merge map[string]any) (*unstructured.Unstructured, error)
	Delete(ctx context.Context, ref kube.Ref, p kube.Propagation) error
}

// World is where a scenario takes place.
type World struct {
	Cluster
	// Job is a FlinkDeployment with high availability and upgradeMode savepoint, which scenarios create and change.
	Job *unstructured.Unstructured
	// Jar is the jar of a session job, in S3.
	Jar string
	// Savepoint is the path of a savepoint that an earlier job has left.
	Savepoint func(ctx context.Context) (string, error)
}

// Scenario is one thing that is done. The job of one goes on in the next of its chain; chains are independent.
type Scenario struct {
	Chain, Name string
	Action      string // what is done, for the table
	Do          func(ctx context.Context, w World) error
	// Ends is the status of the FlinkDeployment or FlinkSessionJob, as a Recorder writes it, that ends the scenario; "" when it
	// ends because nothing has changed for Quiet (Settle when that is 0).
	Ends  string
	Quiet time.Duration
	// NoSimulation says why a simulated JobManager cannot show it; "" when it can.
	NoSimulation string
}

// Settle is for how long nothing must have changed at the end of a scenario.
const Settle = 6 * time.Second

// Seen is what an operator showed in a scenario.
type Seen struct {
	// Statuses are those of the FlinkDeployment, then of other resources by their names, each when it changed.
	Statuses []string `json:"statuses,omitempty"`
	// Notes are the events and the errors of the statuses, each once, sorted: threads of the operator make them.
	Notes []string `json:"notes,omitempty"`
	// Objects are those of the job at the end.
	Objects []string `json:"objects,omitempty"`
}

// Recording is what both operators showed, by the name of the scenario.
type Recording struct {
	Operator string          `json:"operator"` // release of the real one
	Flink    string          `json:"flink"`
	Real     map[string]Seen `json:"real"`
	StandIn  map[string]Seen `json:"standIn"`
	// Details are what the objects of a job consist of, by object.
	RealDetails    map[string][]string `json:"realDetails"`
	StandInDetails map[string][]string `json:"standInDetails"`
}

//go:embed recorded.json
var recorded []byte

// Recorded is the committed recording.
func Recorded() (Recording, error) {
	var r Recording
	if err := json.Unmarshal(recorded, &r); err != nil {
		return r, fmt.Errorf("read recorded.json: %w", err)
	}
	return r, nil
}
