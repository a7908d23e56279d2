// SPDX-License-Identifier: Apache-2.0

// Package deploy has what a deploy is told, goes through and reports.
package deploy

import (
	"context"
	"strings"
	"time"

	"emrflink/internal/check"
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
	// Next are the commands that a deploy is usually followed by.
	Next []string `json:"next"`
	// Warnings are the checks before the deploy that found something.
	Warnings  []check.Check `json:"warnings"`
	Simulated []string      `json:"simulated"`
}

// NewDocument is the document of a deploy of a stack.
func NewDocument(info stack.Info, res plans.Result, warnings []check.Check, next []string) Document {
	return Document{
		SchemaVersion: SchemaVersion, Stack: info.Stack, Target: info.Target, Region: info.Region, Deployment: info.Deployment,
		Summary: res.Summary, DurationSeconds: res.Duration.Seconds(), Next: next,
		Warnings: append([]check.Check{}, warnings...), Simulated: append([]string{}, info.Simulated...),
	}
}

// Phase is a part of a deploy and how long AWS usually takes for it, 0 = not known.
type Phase struct {
	Name     string
	Expected time.Duration
}

// Names of the phases.
const (
	Network    = "network"
	Bucket     = "checkpoint bucket"
	Cluster    = "cluster"
	CoreNodes  = "core nodes"
	Addons     = "addons"
	Karpenter  = "karpenter"
	NodePools  = "node pools"
	Operator   = "flink operator"
	Teams      = "teams"
	Everything = "the rest"
)

// Phases lists the phases in the order in which they begin. Expected times are medians of published runs: an EKS control
// plane 10m17s, a managed node group 1m59s, a NAT gateway 1m46s, the slowest addon 54s.
func Phases() []Phase {
	return []Phase{
		{Network, 106 * time.Second},
		{Bucket, 10 * time.Second},
		{Cluster, 617 * time.Second},
		{CoreNodes, 119 * time.Second},
		{Addons, 54 * time.Second},
		{Karpenter, time.Minute},
		{NodePools, 10 * time.Second},
		{Operator, time.Minute},
		{Teams, 15 * time.Second},
		{Everything, 0},
	}
}

// PhaseOf finds the phase of a resource: by its own type where that says it all, else by the outermost component around
// it, else by the service that it belongs to.
func PhaseOf(urn, typ string) string {
	switch {
	case strings.HasPrefix(typ, "aws:eks/nodeGroup:"):
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
	switch {
	case strings.HasPrefix(typ, "aws:ec2/"):
		return Network
	case strings.HasPrefix(typ, "aws:s3/"):
		return Bucket
	case strings.HasPrefix(typ, "eks:"), strings.HasPrefix(typ, "aws:eks/"), strings.HasPrefix(typ, "aws:iam/"):
		return Cluster
	}
	return Everything
}

// ComponentPhase is the phase of a component by its Pulumi type, "" for what is no component of a platform.
func ComponentPhase(typ string) string {
	parts := strings.Split(typ, ":")
	if len(parts) != 3 || parts[0] != "emrflink" {
		return ""
	}
	return map[string]string{
		"encryption": Network, "network": Network, "checkpoints": Bucket, "cluster": Cluster, "addons": Addons,
		"observability": Addons, "karpenter": Karpenter, "flinkoperator": Operator, "team": Teams,
	}[parts[1]]
}

// Bookkeeping reports whether a type is no resource of its own: components and providers.
func Bookkeeping(typ string) bool {
	return strings.HasPrefix(typ, "emrflink:") || strings.HasPrefix(typ, "pulumi:")
}
