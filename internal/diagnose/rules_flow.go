// SPDX-License-Identifier: Apache-2.0

package diagnose

import "emrflink/observability"

func checkpointRules() []Rule {
	logs := "emrflink job logs {job} --since 15m"
	return []Rule{
		{
			ID: "checkpoint-timeout", Weight: 52, Title: "checkpoints expire before they are complete",
			In:    []Source{Checkpoints, Exceptions},
			Words: `Checkpoint expired before completing|expired before completing`, find: slowTask,
			Cause: "The barriers wait behind records (backpressure), or the state is too large for the time: mend the slow " +
				"vertex, " +
				"use unaligned or incremental checkpoints, or raise execution.checkpointing.timeout.",
			Command: logs,
		},
		shared("checkpoint-failing", Rule{
			Weight: 51, In: []Source{Checkpoints, Exceptions},
			Words: `Exceeded checkpoint tolerable failure threshold|Asynchronous task checkpoint failed|Checkpoint was ` +
				`declined|` +
				`Could not (materialize|finalize|complete) .*checkpoint|Failure to finalize checkpoint`,
			find:   checkpointsFail,
			unless: `expired before completing`,
		}),
		{
			ID: "checkpoint-slow", Weight: 48, Title: "checkpoints take almost as long as they may",
			In:   []Source{Checkpoints, Spec},
			find: checkpointSlow,
			Cause: "A restart goes back further, and the next one expires: incremental checkpoints, a larger interval, or a " +
				"smaller " +
				"state.",
			Command: logs,
		},
		shared("checkpoint-none", Rule{
			Weight: 47, In: []Source{Checkpoints, Spec, Bucket, Graph},
			find: checkpointNone,
		}),
		{
			ID: "checkpoint-off", Weight: 10, Title: "the job takes no checkpoints", In: []Source{Spec}, find: checkpointOff,
			Cause: "After a failure it begins from nothing: execution.checkpointing.interval and state.checkpoints.dir " +
				"are not set.",
			Command: "emrflink job validate FILE",
		},
	}
}

// loadRules are about how records flow.
func loadRules() []Rule {
	return []Rule{
		{
			ID: "skew", Weight: 44, Title: "the records are not spread evenly", In: []Source{Graph}, find: skewed,
			Cause: "Few keys have most of the records: more parallelism does not help; a finer key or two-step " +
				"aggregation does.",
			Command: "emrflink job ui {job}",
		},
		shared("backpressure", Rule{
			Weight: 43, In: []Source{Graph},
			find: backpressured,
		}),
		{
			ID: "idle-source", Weight: 42, Title: "a source gives nothing", In: []Source{Graph, Spec}, find: idleSource,
			Cause: "There is nothing to read, it may not read it, or a partition is empty and holds the watermark back " +
				"(withIdleness lets the others go on).",
			Command: "emrflink job logs {job} --role taskmanager --since 15m",
		},
		{
			ID: "watermark", Weight: 41, Title: "the watermark stands still", In: []Source{Graph}, find: watermarkHeld,
			Cause: "A subtask of a source gives no watermark, so windows and timers of all wait (withIdleness, or its " +
				"partition).",
			Command: "emrflink job ui {job}",
		},
	}
}

// runRules are about failures that have no name of their own, and those that are a consequence.
func runRules() []Rule {
	return []Rule{
		{
			ID: "source-denied", Weight: 53, Title: "a source or sink refuses the job",
			In: []Source{Exceptions, Logs},
			Words: `SaslAuthenticationException|TopicAuthorizationException|GroupAuthorizationException|` +
				`ClusterAuthorizationException`,
			Cause: "Its credentials, or its permissions for the topic or the group, are not those that the broker wants.",
			// The trace has the name of the topic.
			Command: "emrflink job logs {job} --role taskmanager --since 15m",
		},
		{
			ID: "unreachable", Weight: 50, Title: "a source, a sink or a service is not reached", In: []Source{Exceptions, Logs},
			Words: `UnknownHostException|Failed to list subscribed topic partitions|fetching topic metadata|not present in ` +
				`metadata|` +
				`UnknownTopicOrPartition|ConnectException: |ConnectTimeoutException|NoRouteToHostException`,
			unless:  `(?i)task ?manager|akka|pekko|JobMaster|ResourceManager`,
			Cause:   "Its name is wrong, it is not there, or the network policy of the team does not let the port out.",
			Command: "emrflink job logs {job} --role taskmanager --since 15m",
		},
		{
			ID: "slots", Weight: 49, Title: "there are not enough task slots", In: said(),
			Words: `Could not acquire the minimum required resources|NoResourceAvailableException|Slot request bulk is not ` +
				`fulfillable`,
			Cause:   "TaskManagers did not come in time: their pods have no node, do not start, or the quota holds them.",
			Command: "emrflink job status {job}",
		},
		{
			ID: "taskmanager-lost", Weight: 38, Title: "a TaskManager was lost", In: []Source{Exceptions, Logs},
			Words: `Heartbeat of TaskManager .*timed out|TaskManager with id .* is no longer reachable|` +
				`Connection unexpectedly closed by remote task manager|Lost connection to task manager|` +
				`TaskManager .*(was terminated|disconnected|shutting down)|Pod terminated`,
			Cause:   "Its container or its node ended, or it stood still for too long.",
			Command: "emrflink job logs {job} --role taskmanager --previous",
		},
		shared("restart-loop", Rule{
			Weight: 37, In: []Source{Exceptions, Pods},
			find: restartLoop,
		}),
		{
			ID: "container", Weight: 36, Title: "a container ends again and again", In: []Source{Pods, Events, Spec},
			Words: `CrashLoopBackOff|RunContainerError|CreateContainerError|back-off \d+\w* restarting failed container`,
			Cause: "Its program ends at once; its log says why.", Command: "emrflink job logs {job} --previous",
		},
		shared("failed", Rule{
			Weight: 30, In: []Source{Exceptions, Spec}, find: failed,
		}),
		{
			ID: "not-starting", Weight: 25, Title: "it has been starting for a long time", In: []Source{Spec, Pods,
				Events}, find: notStarting,
			Cause:   "Nothing of what could be read says why.",
			Command: "emrflink job status {job}",
		},
		{
			ID: "autoscaler-held", Weight: 15, Title: "the autoscaler does not act", In: []Source{Autoscaler, Events},
			find:    scalerHeld,
			Cause:   "It says why itself; the job runs with the parallelism that it has.",
			Command: "emrflink job events {job}",
		},
	}
}

// shared is a rule whose words are those of the alert about the same trouble.
func shared(id string, r Rule) Rule {
	t := observability.TroubleByID(id)
	r.ID, r.Title, r.Cause, r.Command = t.ID, t.Title, t.Cause, t.Command
	return r
}
