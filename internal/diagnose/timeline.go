// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"emrflink/internal/kube"
)

// kinds say of the reasons of events what they are of; others are of the operator when it said them of the job, else left out
// unless they are warnings.
func kinds() map[string]string {
	out := map[string]string{
		"SpecChanged": "spec", "Rollback": "spec", "ScalingReport": "rescale", "ScalingExecuted": "rescale",
		"NodeNotReady": "node", "Evicted": "pod", "Disrupted": "node", "DisruptionLaunching": "node",
		"InsufficientCapacityError": "node", "SpotRebalanceRecommendation": "node",
	}
	for _, r := range interruptions() {
		out[r] = "node"
	}
	return out
}

// rescaled is the field of a change that is a new parallelism.
const rescaled = "parallelism : "

// moments collects what happened.
type moments []Moment

func (m *moments) add(at time.Time, seen int, what, format string, args ...any) {
	if !at.IsZero() {
		words := strings.Join(strings.Fields(fmt.Sprintf(format, args...)), " ")
		*m = append(*m, Moment{At: at.UTC(), What: what, Text: lineAround(words, 0), Seen: seen})
	}
}

// timeline joins what happened to a job, oldest first.
func timeline(s *Snapshot) []Moment {
	all := moments{}
	known := kinds()
	for _, e := range latest(s.Events.Value) {
		if what := kindOf(known, e); what != "" {
			all.add(e.Last, e.Count, what, "%s %s: %s: %s", e.Object.Kind.Kind, e.Object.Name, e.Reason, e.Message)
		}
	}
	all.ofFlink(s)
	for _, p := range s.Pods.Value {
		for _, e := range p.Ended {
			all.add(e.At, 1, "pod", "pod %s, container %s: exit code %d, %s", p.Name, e.Container, e.Code, e.Reason)
		}
	}
	for _, sp := range s.Snapshots.Value {
		all.add(sp.At, 1, "savepoint", "FlinkStateSnapshot %s: %s %s%s", sp.Name, sp.State, sp.Path, sp.Error)
	}
	for _, d := range s.Autoscaler.Value.Decisions {
		all.add(d.At, 1, "rescale", "the autoscaler gave %s parallelism %d, after %d", d.Vertex, d.To, d.From)
	}
	slices.SortStableFunc(all, func(a, b Moment) int { return a.At.Compare(b.At) })
	return slices.CompactFunc(all, func(a, b Moment) bool { return a.What == b.What && a.Text == b.Text })
}

// kindOf says what an event is of; "" for one that says nothing.
func kindOf(known map[string]string, e kube.Event) string {
	what := known[e.Reason]
	switch {
	case what == "spec" && strings.Contains(e.Message, rescaled):
		return "rescale"
	case what != "" || e.Reason == "DisruptionBlocked": // of a node that starts
		return what
	case strings.HasPrefix(e.Object.Kind.Kind, "Flink"):
		return "operator"
	case e.Type == "Warning" && e.Object.Kind.Kind == "Pod":
		return "pod"
	case e.Type == "Warning":
		return "node"
	}
	return ""
}

// ofFlink adds restarts and checkpoints.
func (m *moments) ofFlink(s *Snapshot) {
	for _, e := range s.Exceptions.Value.History.Entries {
		m.add(time.UnixMilli(e.Millis), 1, "restart", "%s: %s", cmp.Or(e.Task, "the job"), rootCause(e.Name+"\n"+e.Trace))
	}
	for _, c := range s.Checkpoints.Value.History {
		switch {
		case c.Failure != "":
			m.add(time.UnixMilli(c.Failed), 1, "checkpoint", "checkpoint %d failed: %s", c.ID, firstLine(c.Failure))
		case c.Savepoint && c.Path != "":
			m.add(time.UnixMilli(c.Triggered), 1, "savepoint", "savepoint %d: %s", c.ID, c.Path)
		}
	}
}

// latest are the events with those of one object and one reason as one, as far as they only repeat it: the scheduler says again
// and
// again that a pod has no node, each time in other words.
func latest(events []kube.Event) []kube.Event {
	at := map[string]int{}
	var out []kube.Event
	for _, e := range events {
		key := e.Object.String() + e.Reason
		i, again := at[key]
		if !again || e.Type != "Warning" {
			at[key] = len(out)
			out = append(out, e)
			continue
		}
		e.Count += out[i].Count
		out[i] = e
	}
	return out
}

// autoscaler says in words what the autoscaler decided last, and why it does not act.
func autoscaler(s *Snapshot) []string {
	a, out := s.Autoscaler.Value, []string{}
	if s.Autoscaler.Why != "" || !a.Enabled {
		return out
	}
	for _, d := range a.Decisions {
		out = append(out, fmt.Sprintf("%s ago: %s from %d to %d", short(s.Now.Sub(d.At)), d.Vertex, d.From, d.To))
	}
	if len(out) == 0 {
		out = append(out, "it has not changed the parallelism of any vertex")
	}
	return append(out, nonEmpty(a.Delayed)...)
}

func scalerHeld(f *facts) []Evidence {
	if a := f.s.Autoscaler.Value; a.Enabled && a.Delayed != "" {
		return evidence(Autoscaler, "", f.s.Now, "%s", a.Delayed)
	}
	return nil
}
