// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"emrflink/internal/cli/session"
	"emrflink/internal/iostreams"
)

// stage is one phase of a deploy and how long AWS usually takes for it.
type stage struct {
	name     string
	expected time.Duration
}

// The phases. Expected times are medians of published runs: an EKS control plane 10m17s, a managed node group 1m59s, a
// NAT gateway 1m46s, the slowest addon 54s.
const (
	network    = "network"
	bucket     = "checkpoint bucket"
	cluster    = "cluster"
	coreNodes  = "core nodes"
	addons     = "addons"
	karpenter  = "karpenter"
	nodePools  = "node pools"
	operator   = "flink operator"
	teams      = "teams"
	everything = "the rest"
)

// stages lists the phases in the order in which they begin.
func stages() []stage {
	return []stage{
		{network, 106 * time.Second},
		{bucket, 10 * time.Second},
		{cluster, 617 * time.Second},
		{coreNodes, 119 * time.Second},
		{addons, 54 * time.Second},
		{karpenter, time.Minute},
		{nodePools, 10 * time.Second},
		{operator, time.Minute},
		{teams, 15 * time.Second},
		{everything, 0},
	}
}

// stageOf finds the phase of a resource: by its own type where that says it all, else by the outermost component
// around it, else by the service that it belongs to.
func stageOf(urn, typ string) string {
	switch {
	case strings.HasPrefix(typ, "aws:eks/nodeGroup:"):
		return coreNodes
	case strings.Contains(typ, "karpenter.sh/"), strings.Contains(typ, "karpenter.k8s.aws/"):
		return nodePools
	}
	if parts := strings.Split(urn, "::"); len(parts) >= 3 {
		for t := range strings.SplitSeq(parts[2], "$") {
			if s := componentStage(t); s != "" {
				return s
			}
		}
	}
	switch {
	case strings.HasPrefix(typ, "aws:ec2/"):
		return network
	case strings.HasPrefix(typ, "aws:s3/"):
		return bucket
	case strings.HasPrefix(typ, "eks:"), strings.HasPrefix(typ, "aws:eks/"), strings.HasPrefix(typ, "aws:iam/"):
		return cluster
	}
	return everything
}

// componentStage maps a component's type to its phase, "" when it is none.
func componentStage(typ string) string {
	parts := strings.Split(typ, ":")
	if len(parts) != 3 || parts[0] != "emrflink" {
		return ""
	}
	return map[string]string{
		"network": network, "checkpoints": bucket, "cluster": cluster, "addons": addons, "observability": addons,
		"karpenter": karpenter, "flinkoperator": operator, "team": teams,
	}[parts[1]]
}

// bookkeeping reports whether a type is no resource of its own: components and providers.
func bookkeeping(typ string) bool {
	return strings.HasPrefix(typ, "emrflink:") || strings.HasPrefix(typ, "pulumi:")
}

// tracker turns events of resources into progress of phases.
type tracker struct {
	progress *iostreams.Progress

	mu    sync.Mutex
	open  map[string]map[string]bool // phase -> URNs that are not done
	total map[string]int
}

// track announces the phases that the plan touches. where the expected times hold: "" = here.
func track(ios *iostreams.IOStreams, steps []session.Step, where string) *tracker {
	t := &tracker{open: map[string]map[string]bool{}, total: map[string]int{}}
	for _, s := range steps {
		if s.Op == session.OpSame || s.Op == "read" || bookkeeping(s.Type) {
			continue
		}
		name := stageOf(s.URN, s.Type)
		if t.open[name] == nil {
			t.open[name] = map[string]bool{}
		}
		t.open[name][s.URN] = true
	}
	var phases []iostreams.Phase
	for _, s := range stages() {
		if n := len(t.open[s.name]); n > 0 {
			t.total[s.name] = n
			phases = append(phases, iostreams.Phase{Name: s.name, Expected: s.expected, Where: where})
		}
	}
	t.progress = ios.NewProgress(phases...)
	return t
}

// event follows one event of the engine.
func (t *tracker) event(e session.Event) {
	if e.URN == "" || bookkeeping(e.Type) {
		return
	}
	name := stageOf(e.URN, e.Type)
	t.mu.Lock()
	defer t.mu.Unlock()
	left := t.open[name]
	if left == nil || !left[e.URN] && e.Kind != "failed" {
		return // not of the plan: the engine also says what stays as it is
	}
	switch e.Kind {
	case "start":
		t.progress.Start(name)
		t.progress.Note(name, t.counter(name)+", "+e.Name)
	case "done":
		t.progress.Start(name)
		delete(left, e.URN)
		t.progress.Note(name, t.counter(name))
		if len(left) == 0 {
			t.progress.Done(name)
		}
	case "failed":
		t.progress.Start(name)
		t.progress.Fail(name)
	}
}

func (t *tracker) counter(name string) string {
	return fmt.Sprintf("%d of %d", t.total[name]-len(t.open[name]), t.total[name])
}

// end closes the display. What is still open after a success had nothing to do.
func (t *tracker) end(ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !ok {
		t.progress.StopRunning()
	} else {
		for _, s := range stages() {
			if len(t.open[s.name]) > 0 {
				t.progress.Done(s.name)
			}
		}
	}
	t.progress.Stop()
}
