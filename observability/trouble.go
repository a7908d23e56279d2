// SPDX-License-Identifier: Apache-2.0

package observability

import (
	"slices"
	"strings"
)

// Trouble is what can be wrong with a job or the platform: the runbook paragraph of an alert, and the text of `job
// diagnose` where both look at the same.
type Trouble struct {
	// ID is its name, Title what is wrong.
	ID, Title string
	// Cause says why, and what to do; Command is what to run next. {job} stands for the job's name.
	Cause, Command string
}

// Of writes the command for a job.
func (t Trouble) Of(job string) string { return strings.ReplaceAll(t.Command, "{job}", job) }

// TroubleByID finds a trouble; tests look at every id that is asked for.
func TroubleByID(id string) Trouble {
	all := Troubles()
	if i := slices.IndexFunc(all, func(t Trouble) bool { return t.ID == id }); i >= 0 {
		return all[i]
	}
	return Trouble{}
}

// Troubles are all that alerts and diagnoses share, and those that only an alert can see.
func Troubles() []Trouble {
	const logs = "emrflink job logs {job} --since 15m"
	return []Trouble{
		{"restart-loop", "it restarts again and again",
			"What each restart fails with is the cause; a restart does not mend it.", "emrflink job logs {job} --previous"},
		{"failed", "the job failed", "The root exception is the evidence.", "emrflink job logs {job} --role jobmanager"},
		{"checkpoint-failing", "checkpoints fail",
			"The evidence names the call that failed; with too many in a row Flink restarts the job.", logs},
		{"checkpoint-none", "there is no checkpoint, though it is time",
			"Until the first one a restart begins from nothing: a task does not answer, or not all tasks run.", logs},
		{"backpressure", "a vertex is too slow for what comes",
			"Everything in front of it waits: give it more parallelism or CPU, or make what it calls faster.",
			"emrflink job ui {job}"},
		{"heap-full", "a TaskManager's heap is almost full",
			"Garbage collection takes the time of the job; heartbeats and checkpoints time out next.", workerLogs},
		{"spot-churn", "nodes of the job are taken away again and again",
			"EC2 takes spot instances back, or Karpenter moves pods to cheaper nodes: each time the job goes back to its " +
				"last checkpoint.", eventsCommand},
		{"no-capacity", "EC2 has no capacity",
			"None of the instance types of the pool is to be had in its zones now: allow more types, zones, or on-demand.",
			eventsCommand},
		{"pool-limit", "the node pool has reached its limit", "cpuLimit of the pool bounds all its nodes together.",
			statusOfStack},

		{"lag", "the job falls behind its source",
			"More comes in than it processes: the busy vertex without backpressure is the slow one; a source that alone is " +
				"behind has too few partitions or readers.", diagnoseCommand},
		{"operator-down", "the Flink operator does not run",
			"Nobody takes up changes, upgrades, or the recovery of a lost JobManager; jobs that run go on.", statusOfStack},
		{"volume-full", "the volume of Prometheus is almost full",
			"It stops taking samples: raise observability.volumeGiB, or keep them for fewer days.", statusOfStack},
	}
}
