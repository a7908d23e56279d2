// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"emrflink/internal/kube"
)

// How long something may take before it is a finding.
const (
	deletionTakes = 5 * time.Minute
	takingUpTakes = 2 * time.Minute
	joiningTakes  = 10 * time.Minute
	pendingTakes  = 3 * time.Minute
	startingTakes = 5 * time.Minute
	clocksDiffer  = 30 * time.Second
)

func operatorDown(f *facts) []Evidence {
	o := f.s.Operator.Value
	switch {
	case f.s.Operator.Why != "" || o.Available:
		return nil
	case !o.Found:
		return evidence(Operator, "", f.s.Now, "there is no Deployment of the operator")
	}
	return evidence(Operator, "", f.s.Now, "not available: %s", o.Message)
}

func stuckFinalizer(f *facts) []Evidence {
	j := f.s.Job.Value
	if j.Deleting.IsZero() || f.s.Now.Sub(j.Deleting) < deletionTakes {
		return nil
	}
	return evidence(Spec, "metadata.finalizers", j.Deleting, "deleted %s ago, held by %s", short(f.s.Now.Sub(j.Deleting)),
		strings.Join(j.Finalizers, ", "))
}

func webhookDown(f *facts) (out []Evidence) {
	for _, w := range f.s.Webhooks.Value {
		if !w.Ready && w.Fails {
			out = append(out, evidence(Webhooks, w.Name, f.s.Now, "its Service %s has no endpoint", w.Service)...)
		}
	}
	return out
}

// clockAhead finds a leader whose last renewal is in our future.
func clockAhead(f *facts) []Evidence {
	l := f.s.Leader.Value
	if ahead := l.Renewed.Sub(f.s.Now); l.Found && ahead > clocksDiffer {
		return evidence(HA, "renewTime", f.s.Now, "the leader renewed its lease %s from now, by this machine's clock",
			short(ahead))
	}
	return nil
}

func staleLease(f *facts) []Evidence {
	l, age := f.s.Leader.Value, f.s.Now.Sub(f.s.Leader.Value.Renewed)
	if !l.Found || f.s.Job.Value.Wanted == suspended || f.over() || age < max(4*l.Lease, time.Minute) {
		return nil
	}
	return evidence(HA, "renewTime", l.Renewed, "the leader's lease of %s was last renewed %s ago", l.Lease, short(age))
}

// leaderGone finds a job that could be recovered from its high-availability data only, and has none.
func leaderGone(f *facts) []Evidence {
	j := f.s.Job.Value
	if !j.HA || f.s.Leader.Why != "" || f.s.Leader.Value.Found || j.SessionCluster || f.over() {
		return nil
	}
	lost := (j.JobManager == "MISSING" || j.JobManager == "ERROR") && j.Observed > 0 && len(f.s.Bucket.Value) > 0
	if !lost || j.Wanted == suspended {
		return nil
	}
	return evidence(HA, "", f.s.Now, "the JobManager is %s, there is no leader's ConfigMap, and %s has checkpoints", j.JobManager,
		j.CheckpointDir)
}

func operatorSilent(f *facts) []Evidence {
	j := f.s.Job.Value
	if f.s.Job.Why != "" || j.Observed >= j.Generation && j.Observed > 0 || f.s.Now.Sub(j.Changed) < takingUpTakes {
		return nil
	}
	return evidence(Spec, "status.observedGeneration", j.Changed, "generation %d was written %s ago, the operator has "+
		"observed %d",
		j.Generation, short(f.s.Now.Sub(j.Changed)), j.Observed)
}

// fullQuota finds a quota that is used up while pods are missing.
func fullQuota(f *facts) (out []Evidence) {
	if f.asWanted() {
		return nil
	}
	for _, h := range f.s.Quota.Value {
		if h.Full {
			out = append(out, evidence(Quota, "ResourceQuota "+h.Quota, f.s.Now, "%s: %s of %s is used", h.Resource,
				h.Used, h.Hard)...)
		}
	}
	return out
}

func notJoining(f *facts) (out []Evidence) {
	for _, c := range f.s.Claims.Value {
		launched, registered := kube.ConditionOf(c.Conditions, "Launched"), kube.ConditionOf(c.Conditions, "Registered")
		if age := f.s.Now.Sub(c.Created); !c.Deleting && launched.Status == "True" && registered.Status != "True" &&
			age > joiningTakes {
			out = append(out, evidence(Claims, "NodeClaim "+c.Name, c.Created, "launched %s ago and not registered: %s",
				short(age),
				strings.Join(nonEmpty(registered.Reason, registered.Message), ": "))...)
		}
	}
	return out
}

// pendingLong finds pods for which no node comes, though nobody says that one cannot.
func pendingLong(f *facts) (out []Evidence) {
	coming := slices.ContainsFunc(f.s.Claims.Value, func(c kube.NodeClaim) bool {
		return !c.Deleting && kube.ConditionOf(c.Conditions, "Ready").Status != "True"
	})
	for _, p := range f.s.Pods.Value {
		if p.Node == "" && !p.Deleting && !coming && f.s.Claims.Why == "" && f.s.Now.Sub(p.Created) > pendingTakes {
			out = append(out, evidence(Pods, "pod "+p.Name, p.Created, "it has no node since %s: %s",
				short(f.s.Now.Sub(p.Created)),
				p.Scheduled.Message)...)
		}
	}
	return out
}

// interruptions are the reasons of events of nodes that go.
func interruptions() []string {
	return []string{"SpotInterrupted", "TerminatingOnInterruption", "InstanceTerminating", "InstanceStopping",
		"InstanceUnhealthy",
		"DisruptionTerminating"}
}

func spotChurn(f *facts) []Evidence {
	const often = 3
	seen := map[string]kube.Event{}
	for _, e := range f.events(time.Hour, interruptions()...) {
		seen[e.Object.Name] = e
	}
	if len(seen) < often {
		return nil
	}
	var out []Evidence
	for _, e := range seen {
		out = append(out, Evidence{Events, e.Object.Kind.Kind + " " + e.Object.Name, e.Last, e.Reason + ": " + e.Message})
	}
	return out
}

func nodeLost(f *facts) (out []Evidence) {
	used := map[string]bool{}
	for _, p := range f.s.Pods.Value {
		used[p.Node] = true
	}
	for _, n := range f.s.Nodes.Value {
		if used[n.Name] && !n.Ready {
			out = append(out, evidence(Nodes, "node "+n.Name, f.s.Now, "%s, %s: not Ready", n.InstanceType, n.CapacityType)...)
		}
	}
	return out
}

func heapFull(f *facts) (out []Evidence) {
	const full, ofTime = 0.95, 0.3
	for _, w := range f.s.Workers.Value {
		used, collecting := ratio(w.HeapUsed, w.HeapMax), ratio(w.CollectionMillis, w.Uptime)
		if used >= full && collecting >= ofTime {
			out = append(out, evidence(Workers, w.ID, f.s.Now, "%.0f%% of its heap of %d MiB are used, and %.0f%% of its "+
				"time went "+
				"into garbage collection", 100*used, w.HeapMax>>20, 100*collecting)...)
		}
	}
	return out
}

func upgradeStuck(f *facts) []Evidence {
	j := f.s.Job.Value
	if j.Lifecycle != "UPGRADING" && j.Lifecycle != "ROLLING_BACK" || j.Error != "" || f.s.Events.Why != "" {
		return nil
	}
	last := j.Changed
	for _, e := range f.s.Events.Value {
		if e.Object.Name == f.s.Name && e.Last.After(last) && e.Reason != "SpecChanged" {
			last = e.Last
		}
	}
	if f.s.Now.Sub(last) < takingUpTakes {
		return nil
	}
	return evidence(Spec, "status", last, "%s since %s: job %s, JobManager %s, no error and no event", j.Lifecycle,
		short(f.s.Now.Sub(last)), orNone(j.State), orNone(j.JobManager))
}

func rolledBack(f *facts) []Evidence {
	if j := f.s.Job.Value; j.Lifecycle != "ROLLED_BACK" && j.Lifecycle != "ROLLING_BACK" {
		return nil
	}
	out := evidence(Spec, "status.lifecycleState", f.s.Now, "%s", f.s.Job.Value.Lifecycle)
	for _, e := range f.events(24*time.Hour, "Rollback") {
		out = append(out, Evidence{Events, e.Object.Name, e.Last, e.Message})
	}
	return out
}

func snapshotFailed(f *facts) (out []Evidence) {
	for _, s := range f.s.Snapshots.Value {
		if (s.State == "FAILED" || s.State == "ABANDONED") && f.s.Now.Sub(s.At) < recent {
			out = append(out, Evidence{Snapshots, "FlinkStateSnapshot " + s.Name, s.At, s.State + ": " + s.Error})
		}
	}
	return out
}

// over says that the job has ended by itself.
func (f *facts) over() bool {
	j := f.s.Job.Value
	return j.State == "FINISHED" || j.State == "CANCELED"
}

// restartLoop counts the restarts of a quarter of an hour, of the job and of its JobManager.
func restartLoop(f *facts) (out []Evidence) {
	const often, within = 3, 15 * time.Minute
	for _, e := range f.s.Exceptions.Value.History.Entries {
		if at := time.UnixMilli(e.Millis); f.s.Now.Sub(at) < within {
			out = append(out, Evidence{Exceptions, e.Task, at, lineAround(e.Trace, 0)})
		}
	}
	if len(out) < often {
		out = nil
	}
	for _, p := range f.s.Pods.Value {
		if newest := p.LastEnd(); p.Restarts >= often && f.s.Now.Sub(newest) < within {
			out = append(out, evidence(Pods, "pod "+p.Name, newest, "its containers were started again %d times", p.Restarts)...)
		}
	}
	return out
}

// failed is the root exception of a job that does not run, or ran into it a short time ago.
func failed(f *facts) (out []Evidence) {
	j := f.s.Job.Value
	for _, t := range f.texts {
		if t.source == Exceptions {
			out = append(out, Evidence{Exceptions, t.where, t.at, rootCause(t.text)})
		}
	}
	if j.Error != "" {
		out = append(out, evidence(Spec, "status.error", f.s.Now, "%s", firstLine(j.Error))...)
	}
	if len(out) == 0 && (j.State == "FAILED" || j.Lifecycle == "FAILED") {
		out = evidence(Spec, "status", f.s.Now, "job %s, lifecycle %s", orNone(j.State), orNone(j.Lifecycle))
	}
	return out
}

func notStarting(f *facts) []Evidence {
	j := f.s.Job.Value
	restarts := j.State == "RESTARTING" || j.State == "FAILING" || j.State == "FAILED"
	if f.s.Job.Why != "" || f.asWanted() || restarts || !j.Deleting.IsZero() || f.s.Now.Sub(j.Changed) < startingTakes {
		return nil
	}
	return evidence(Spec, "status", j.Changed, "since %s: %s, job %s, JobManager %s", short(f.s.Now.Sub(j.Changed)),
		orNone(j.Lifecycle), orNone(j.State), orNone(j.JobManager))
}

// rootCause is the last "Caused by" of a trace, else its first line.
func rootCause(trace string) string {
	if at := strings.LastIndex(trace, "Caused by: "); at >= 0 {
		return lineAround(trace, at)
	}
	lines := strings.SplitN(trace, "\n", 3)
	return lineAround(lines[min(1, len(lines)-1)], 0)
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

func ratio(part, whole int64) float64 {
	if whole <= 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

func short(d time.Duration) string {
	if d >= time.Hour {
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return d.Round(time.Second).String()
}
