// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"fmt"
	"strings"
	"time"

	"emrflink/internal/kube"
)

// Phases of a run, in order.
const (
	phasePreflight  = "preflight"
	phaseSubmitted  = "submitted"
	phaseNodes      = "nodes"
	phaseStarting   = "starting"
	phaseCheckpoint = "checkpoint"
	phaseDeleting   = "deleting"
)

// verdict is what one observation means.
type verdict struct {
	phase, cause string
	done         bool
	// fails names the failure that this becomes: at once, or when the same cause
	// has stood for the grace period.
	fails  string
	atOnce bool
}

// jobNotFound is the operator's word from when a JobManager answers until its program has submitted the job: it lasts as long as
// the program plans, or as a Python takes to start. One that fails ends its JobManager.
const (
	jobNotFound = "Job Not Found"
	noJobYet    = "the JobManager answers, and its program has submitted no job yet"
)

// judge finds the one cause to show: what the operator says itself first, then
// what keeps containers from starting, then what keeps pods from a node.
func judge(o observation) verdict {
	j := o.job
	switch {
	case j.Deleting:
		return verdict{phase: phaseSubmitted, cause: "the FlinkDeployment is being deleted", fails: "deleted", atOnce: true}
	case j.Lifecycle == "FAILED" || j.State == "FAILED":
		return verdict{
			phase: phaseStarting, cause: orElse(j.Error, "the operator reports the job as FAILED"),
			fails: "operator", atOnce: true,
		}
	case crash(o.pods) != "": // the operator knows of the back-off only
		return verdict{phase: phaseStarting, cause: crash(o.pods), fails: "container"}
	case j.Error == jobNotFound:
		return verdict{phase: phaseStarting, cause: joinNonEmpty("; ", noJobYet, lastWords(o.pods))}
	case j.Error != "":
		return verdict{phase: phaseStarting, cause: "operator: " + j.Error, fails: "operator", atOnce: j.JobManager == "ERROR"}
	case j.Lifecycle == "SUSPENDED":
		return verdict{phase: phaseSubmitted, cause: "the job is suspended"}
	case j.Observed < j.Generation:
		return verdict{phase: phaseSubmitted, cause: "the Flink operator has not taken up the job yet", fails: "operator-silent"}
	}
	for _, of := range []func(observation) (verdict, bool){judgeEnd, judgeContainers, judgeScheduling, judgeStart} {
		if v, ok := of(o); ok {
			return v
		}
	}
	return judgeCheckpoint(o)
}

// judgeEnd is what ends a wait before pods do: a bounded job has run, or its pods are refused.
func judgeEnd(o observation) (verdict, bool) {
	switch {
	case o.job.State == "FINISHED" && o.job.Lifecycle != "UPGRADING": // in an upgrade the job was stopped, and starts again
		return verdict{phase: phaseStarting, cause: "the job has FINISHED", done: true}, true
	case o.refused != "":
		return verdict{
			phase: phaseStarting, cause: "Kubernetes refuses the JobManager's pods: " + o.refused, fails: "refused",
		}, true
	}
	return verdict{}, false
}

func judgeCheckpoint(o observation) verdict {
	switch {
	case o.checkpoint != nil:
		return verdict{phase: phaseCheckpoint, cause: "checkpoint " + o.checkpoint.URI, done: true}
	case o.job.CheckpointDir == "" || o.job.Interval == "":
		return verdict{
			phase: phaseStarting, cause: "the job is RUNNING; it is asked for no checkpoints that are kept", done: true,
		}
	}
	return verdict{phase: phaseCheckpoint, cause: "the job is RUNNING; no checkpoint below " + o.job.CheckpointDir + " yet"}
}

// crash is how a container ended that ends again and again; "" when there is none, or it is not known.
func crash(pods []kube.Pod) string {
	for _, p := range pods {
		for _, w := range p.Waiting {
			if w.Reason == "CrashLoopBackOff" && w.Last != "" {
				return fmt.Sprintf("pod %s, container %s: %s: %s", p.Name, w.Container, w.Reason, w.Last)
			}
		}
	}
	return ""
}

// lastWords are those of a JobManager's process that ended before the one that runs; "" when there was none.
func lastWords(pods []kube.Pod) string {
	for _, p := range pods {
		for _, e := range p.Ended {
			if roleOfPod(p) == RoleJobManager && e.Code != 0 && e.Message != "" {
				return fmt.Sprintf("the process before it ended with code %d: %s", e.Code, e.Message)
			}
		}
	}
	return ""
}

func judgeContainers(o observation) (verdict, bool) {
	for _, p := range o.pods {
		for _, w := range p.Waiting {
			cause := fmt.Sprintf("pod %s, container %s: %s", p.Name, w.Container, joinNonEmpty(": ", w.Reason, w.Message))
			if f, final := w.Fault(); f != kube.NoFault {
				return verdict{phase: phaseStarting, cause: cause, fails: string(f), atOnce: final}, true
			}
		}
	}
	return verdict{}, false
}

// judgeScheduling explains pods without a node: the scheduler's message, what
// Karpenter says about the pod, and the first unfinished step of its NodeClaim.
func judgeScheduling(o observation) (verdict, bool) {
	var waiting *kube.Pod
	n := 0
	for i, p := range o.pods {
		if p.Node == "" && !p.Deleting {
			if n++; waiting == nil {
				waiting = &o.pods[i]
			}
		}
	}
	if waiting == nil {
		return verdict{}, false
	}
	v := verdict{phase: phaseNodes}
	parts := []string{fmt.Sprintf("%d of %d pods have no node", n, len(o.pods))}
	if m := waiting.Scheduled.Message; m != "" {
		parts = append(parts, "scheduler: "+m)
	}
	karpenter := lastEvent(o.events, *waiting)
	if claim := claimProgress(o.claims); claim != "" {
		parts = append(parts, claim)
	} else if karpenter.Message != "" {
		parts = append(parts, "Karpenter: "+karpenter.Message)
		if karpenter.Type == "Warning" {
			v.fails = "scheduling"
		}
	}
	v.cause = strings.Join(parts, "; ")
	return v, true
}

// lastEvent is Karpenter's newest event about the pod.
func lastEvent(events []kube.Event, p kube.Pod) kube.Event {
	var last kube.Event
	for _, e := range events {
		if strings.HasPrefix(e.Source, "karpenter") && e.Object.Kind.Kind == "Pod" && e.Object.Name == p.Name &&
			e.Object.Namespace == p.Namespace {
			last = e
		}
	}
	return last
}

// claimProgress names the first condition that the newest unfinished NodeClaim
// still lacks, with the reason that Karpenter gives.
func claimProgress(claims []kube.NodeClaim) string {
	var newest *kube.NodeClaim
	for i, c := range claims {
		if kube.ConditionOf(c.Conditions, "Ready").Status == "True" || c.Deleting {
			continue
		}
		if newest == nil || c.Created.After(newest.Created) {
			newest = &claims[i]
		}
	}
	if newest == nil {
		return ""
	}
	what := joinNonEmpty(", ", newest.InstanceType, newest.CapacityType)
	if what != "" {
		what = " (" + what + ")"
	}
	for _, t := range []string{"Launched", "Registered", "Initialized"} {
		if c := kube.ConditionOf(newest.Conditions, t); c.Status != "True" {
			why := joinNonEmpty(": ", c.Reason, c.Message)
			return fmt.Sprintf("NodeClaim %s%s: not %s yet%s", newest.Name, what, t, prefixed(", ", why))
		}
	}
	return fmt.Sprintf("NodeClaim %s%s: initialized, not Ready yet", newest.Name, what)
}

func judgeStart(o observation) (verdict, bool) {
	masters, workers := 0, 0
	for _, p := range o.pods {
		if p.Deleting {
			continue
		}
		if !p.Ready {
			return verdict{phase: phaseStarting, cause: fmt.Sprintf("pod %s starts on node %s", p.Name, p.Node)}, true
		}
		if roleOfPod(p) == RoleTaskManager {
			workers++
		} else {
			masters++
		}
	}
	if masters == 0 {
		return verdict{
			phase: phaseSubmitted, cause: fmt.Sprintf("JobManager deployment: %s", orElse(o.job.JobManager, "not created yet")),
		}, true
	}
	if o.job.SessionCluster {
		cause := fmt.Sprintf("the session cluster's JobManager is ready; the operator calls it %s",
			orElse(o.job.Lifecycle, "nothing yet"))
		return verdict{phase: phaseStarting, cause: cause, done: o.job.Lifecycle == "STABLE"}, true
	}
	if o.job.State != "RUNNING" {
		return verdict{phase: phaseStarting, cause: fmt.Sprintf("JobManager is ready, %d TaskManagers are ready, the job is %s",
			workers, orElse(o.job.State, "not started"))}, true
	}
	return verdict{}, false
}

// failAfter is the grace before a standing cause fails a run; a lack of capacity
// heals more slowly than a missing image.
func (v verdict) failAfter(grace time.Duration) time.Duration {
	switch {
	case v.atOnce:
		return 0
	case v.fails == "scheduling" || v.fails == "operator-silent":
		return 2 * grace
	}
	return grace
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

func joinNonEmpty(sep string, parts ...string) string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, sep)
}
