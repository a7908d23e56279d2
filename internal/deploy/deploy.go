// SPDX-License-Identifier: Apache-2.0

// Package deploy has the options, phases and result of a deploy.
package deploy

import (
	"cmp"
	"context"
	"strings"
	"time"

	"emrflink/internal/awskind"
	"emrflink/internal/check"
	"emrflink/internal/flinkjob"
	"emrflink/internal/plans"
	"emrflink/internal/preview"
	"emrflink/internal/stack"
)

// Options are those of one deploy.
type Options struct {
	// Refresh reads the account before it compares, so that what was changed there is put back.
	Refresh bool
	// Adopt are log groups of an earlier deployment that are taken into the stack: check.Adopted.
	Adopt []string
}

// Deployment is one deploy of a stack.
type Deployment interface {
	Plan(ctx context.Context) (preview.Report, error)
	// Matches checks that the plan in a file is this one; the error says what moved.
	Matches(ctx context.Context, r preview.Report, path string) error
	// Grave are the steps of a plan that are carried out only when each is agreed to; of namespaces only those with Flink jobs.
	Grave(ctx context.Context, r preview.Report) ([]preview.Step, error)
	// Moves are the jobs that have another release than the settings give the stack, when these change it.
	Moves(ctx context.Context) ([]flinkjob.Move, error)
	Deploy(ctx context.Context, sink func(plans.Event)) (plans.Result, error)
}

// SchemaVersion is that of the Document; fields are only added.
const SchemaVersion = 1

// Document is the JSON of a deploy.
type Document struct {
	SchemaVersion   int           `json:"schemaVersion"`
	Stack           string        `json:"stack"`
	Target          string        `json:"target"`
	Region          string        `json:"region"`
	Deployment      string        `json:"deployment"`
	Summary         plans.Summary `json:"summary"`
	DurationSeconds float64       `json:"durationSeconds"`
	// Jobs are those that have another release than the stack has now: they keep it until they are upgraded.
	Jobs []flinkjob.Move `json:"jobs"`
	// Next are the commands that a deploy is usually followed by.
	Next []string `json:"next"`
	// Warnings are the checks before the deploy that found something.
	Warnings  []check.Check `json:"warnings"`
	Simulated []string      `json:"simulated"`
}

// NewDocument is the document of a deploy of a stack.
func NewDocument(info stack.Info, res plans.Result, warnings []check.Check, jobs []flinkjob.Move, next []string) Document {
	return Document{
		SchemaVersion: SchemaVersion, Stack: info.Stack, Target: info.Target, Region: info.Region, Deployment: info.Deployment,
		Summary: res.Summary, DurationSeconds: res.Duration.Seconds(), Next: next,
		Jobs: append([]flinkjob.Move{}, jobs...), Warnings: append([]check.Check{}, warnings...),
		Simulated: append([]string{}, info.Simulated...),
	}
}

// Phase is a part of a deploy and how long AWS usually takes for it, 0 = not known.
type Phase struct {
	Name     string
	Expected time.Duration
}

// Names of the phases.
const (
	Network    = awskind.PhaseNetwork
	Bucket     = awskind.PhaseBucket
	Cluster    = awskind.PhaseCluster
	CoreNodes  = awskind.PhaseCoreNodes
	Addons     = "addons"
	Karpenter  = "karpenter"
	NodePools  = "node pools"
	Operator   = "flink operator"
	Teams      = "teams"
	Everything = awskind.PhaseRest
)

// Phases lists the phases in the order in which they begin. One that makes something slow takes as long as the catalogue of
// AWS kinds says of that.
func Phases() []Phase {
	return []Phase{
		{Network, slowest("aws:ec2/natGateway:NatGateway")},
		{Bucket, 10 * time.Second},
		{Cluster, slowest("aws:eks/cluster:Cluster")},
		{CoreNodes, slowest("aws:eks/nodeGroup:NodeGroup")},
		{Addons, awskind.SlowestAddon},
		{Karpenter, time.Minute},
		{NodePools, 10 * time.Second},
		{Operator, time.Minute},
		{Teams, 15 * time.Second},
		{Everything, 0},
	}
}

func slowest(typ string) time.Duration {
	k, _ := awskind.OfType(typ)
	return k.Create
}

// PhaseOf finds the phase of a resource: by its own type where that says it all, else by the outermost component around
// it, else by the row of its type in the catalogue of AWS kinds.
func PhaseOf(urn, typ string) string {
	k, _ := awskind.OfType(typ)
	switch {
	case k.Phase == CoreNodes:
		return CoreNodes
	case strings.Contains(typ, "karpenter.sh/"), strings.Contains(typ, "karpenter.k8s.aws/"):
		return NodePools
	}
	if parts := strings.Split(urn, "::"); len(parts) >= 3 {
		for t := range strings.SplitSeq(parts[2], "$") {
			if phase := ComponentPhase(t); phase != "" {
				return phase
			}
		}
	}
	if strings.HasPrefix(typ, "eks:") {
		return Cluster
	}
	return cmp.Or(k.Phase, Everything)
}

// ComponentPhase is the phase of a component by its Pulumi type, "" for what is no component of a platform.
func ComponentPhase(typ string) string {
	parts := strings.Split(typ, ":")
	if len(parts) != 3 || parts[0] != "emrflink" {
		return ""
	}
	return map[string]string{
		"encryption": Network, "network": Network, "checkpoints": Bucket, "cluster": Cluster, "addons": Addons,
		"observability": Addons, "monitoring": Addons, "karpenter": Karpenter, "flinkoperator": Operator, "team": Teams,
	}[parts[1]]
}

// OnlyInState reports whether a type exists only in the state: components and providers.
func OnlyInState(typ string) bool {
	return strings.HasPrefix(typ, "emrflink:") || strings.HasPrefix(typ, "pulumi:")
}
