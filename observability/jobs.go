// SPDX-License-Identifier: Apache-2.0

package observability

import "strings"

// Commands of the panels.
const (
	diagnoseCommand = "emrflink job diagnose {job}"
	statusCommand   = "emrflink job status {job}"
	statesCommand   = "emrflink job state list {job}"
	workerLogs      = "emrflink job logs {job} --role taskmanager --since 15m"
)

// byJob are the labels of one job.
const byJob = "namespace, flink_deployment"

// chosen puts the reader's choice where an expression has {}.
func chosen(expr string) string {
	return strings.ReplaceAll(expr, "{}", `{namespace=~"$namespace",flink_deployment=~"$job"}`)
}

// age is how long ago a job's newest checkpoint was completed, to 90 seconds: their number has changed then. Empty when
// none was in the last two hours.
func age(selector string) string {
	return `time() - max by (` + byJob + `) (max_over_time(timestamp(changes(flink_jobmanager_job_numberOfCompletedCheckpoints` +
		selector + `[90s]) > 0)[2h:30s]))`
}

func jobDashboard() Dashboard {
	return Dashboard{
		UID: "emrflink-job", Title: "Flink job",
		Choices: []Choice{
			{Name: "namespace", Label: "namespace", Metric: "flink_jobmanager_numRunningJobs"},
			{Name: "job", Label: "flink_deployment", Metric: `flink_jobmanager_numRunningJobs{namespace=~"$namespace"}`},
		},
		Rows: []Row{
			{"State", statePanels()}, {"Checkpoints", checkpointPanels()}, {"Records", recordPanels()},
			{"Memory", memoryPanels()}, {"RocksDB", rocksPanels()},
		},
	}
}

func statePanels() []Panel {
	return []Panel{
		panel("Uptime", Seconds, chosen(`max by (`+byJob+`) (flink_jobmanager_job_uptime{}) / 1000`), "{{flink_deployment}}",
			under(60), "The job began again a moment ago, or does not run: without a break the line rises.", statusCommand),
		panel("Restarts in the last hour", Count,
			chosen(`max by (`+byJob+`) (increase(flink_jobmanager_job_numRestarts{}[1h]))`), "{{flink_deployment}}", above(3),
			"Each restart goes back to the last checkpoint and does the work since then again.", diagnoseCommand),
		panel("Time without running, since it is down", Seconds,
			chosen(`max by (`+byJob+`) (flink_jobmanager_job_downtime{}) / 1000`), "{{flink_deployment}}", above(60),
			"The job fails or restarts, and nothing is processed.", diagnoseCommand),
		panel("TaskManagers", Count, chosen(`sum by (`+byJob+`) (flink_jobmanager_numRegisteredTaskManagers{})`), "registered",
			under(1), "A job without all its TaskManagers waits for pods, and they for nodes.", statusCommand).
			with(chosen(`sum by (`+byJob+`) (flink_jobmanager_numPendingTaskManagers{})`), "asked for"),
		panel("Free task slots", Count, chosen(`sum by (`+byJob+`) (flink_jobmanager_taskSlotsAvailable{})`),
			"{{flink_deployment}}", nil, "Free slots are paid for and do nothing.", statusCommand),
	}
}

func checkpointPanels() []Panel {
	return []Panel{
		panel("Age of the newest checkpoint", Seconds, chosen(age("{}")), "{{flink_deployment}}", nil,
			"A restart now would do the work of this time again; it should stay near the interval of checkpoints.",
			diagnoseCommand),
		panel("Duration", Seconds, chosen(`max by (`+byJob+`) (flink_jobmanager_job_lastCheckpointDuration{}) / 1000`),
			"{{flink_deployment}}", nil, "A checkpoint that takes as long as its interval leaves no time for work; the "+
				"barriers wait behind records, or the state is large.", diagnoseCommand),
		panel("Failed in the last 15 minutes", Count,
			chosen(`max by (`+byJob+`) (increase(flink_jobmanager_job_numberOfFailedCheckpoints{}[15m]))`),
			"{{flink_deployment}}", above(1), "With too many failures in a row Flink restarts the job.", diagnoseCommand),
		panel("Completed a minute", Count,
			chosen(`max by (`+byJob+`) (rate(flink_jobmanager_job_numberOfCompletedCheckpoints{}[5m])) * 60`),
			"{{flink_deployment}}", nil, "It should be 60 divided by the interval in seconds.", statesCommand),
		panel("Size", Bytes, chosen(`max by (`+byJob+`) (flink_jobmanager_job_lastCheckpointSize{})`), "written", nil,
			"A state that only grows has no time-to-live, or keys that never come again.", statesCommand).
			with(chosen(`max by (`+byJob+`) (flink_jobmanager_job_lastCheckpointFullSize{})`), "whole state"),
	}
}

func recordPanels() []Panel {
	byVertex := "namespace, flink_deployment, task_name"
	const vertex = "{{flink_deployment}} {{task_name}}"
	return []Panel{
		panel("Backpressure by vertex", Share,
			chosen(`max by (`+byVertex+`) (flink_taskmanager_job_task_backPressuredTimeMsPerSecond{}) / 1000`), vertex,
			above(0.5), "The vertex behind this one is too slow: it is the busy one without backpressure of its own.",
			diagnoseCommand),
		panel("Busy by vertex", Share,
			chosen(`max by (`+byVertex+`) (flink_taskmanager_job_task_busyTimeMsPerSecond{} >= 0) / 1000`), vertex, above(0.9),
			"The vertex has no time left: more parallelism or CPU, or what it calls is slow.", diagnoseCommand),
		panel("Idle by vertex", Share,
			chosen(`min by (`+byVertex+`) (flink_taskmanager_job_task_idleTimeMsPerSecond{}) / 1000`), vertex, nil,
			"A job that is idle most of the time has more TaskManagers than it needs.", statusCommand),
		panel("Records in", PerSecond,
			chosen(`sum by (`+byVertex+`) (flink_taskmanager_job_task_numRecordsInPerSecond{})`), vertex, nil,
			"Nothing comes in: the source is empty, is refused, or waits.", workerLogs),
		panel("Records out", PerSecond,
			chosen(`sum by (`+byVertex+`) (flink_taskmanager_job_task_numRecordsOutPerSecond{})`), vertex, nil,
			"A vertex that takes records and gives none drops them, or waits for its watermark.", workerLogs),
		panel("Watermark lag by vertex", Seconds,
			chosen(`time() - min by (`+byVertex+`) (flink_taskmanager_job_task_currentInputWatermark{} > 0) / 1000`), vertex,
			above(300), "Windows and timers wait for the watermark; a partition without records holds it back.",
			diagnoseCommand).only("jobs with event time"),
		panel("Event time lag of the sources", Seconds,
			chosen(`max by (`+byVertex+`) (flink_taskmanager_job_task_operator_currentEmitEventTimeLag{}) / 1000`), vertex,
			above(300), "The source reads what happened this long ago: it is behind, or the records come late.",
			diagnoseCommand).only("sources of the new interface"),
		panel("Records not read yet", Count,
			chosen(`sum by (`+byVertex+`) (flink_taskmanager_job_task_operator_pendingRecords{})`), vertex, nil,
			"A line that rises says that more comes in than the job processes.", diagnoseCommand).only("jobs that read Kafka"),
		panel("Kafka: largest lag of a partition", Count,
			chosen(`max by (`+byVertex+`) (flink_taskmanager_job_task_operator_KafkaSourceReader_KafkaConsumer_`+
				`records_lag_max{} >= 0)`),
			vertex, nil, "One partition far behind the others is skew, all of them is a job that is too small.",
			diagnoseCommand).only("jobs that read Kafka"),
	}
}

func memoryPanels() []Panel {
	const pod = "{{pod}}"
	share := func(role, area string) string {
		metric := "flink_" + role + "_Status_JVM_Memory_" + area
		return chosen(`max by (namespace, pod) (` + metric + `_Used{} / ` + metric + `_Max{})`)
	}
	return []Panel{
		panel("Heap", Share, share("taskmanager", "Heap"), pod, above(0.9),
			"Garbage collection takes the time of the job; heartbeats and checkpoints time out next.", workerLogs).
			with(share("jobmanager", "Heap"), pod),
		panel("Garbage collection, share of the time", Share,
			chosen(`max by (namespace, pod) (flink_taskmanager_Status_JVM_GarbageCollector_All_TimeMsPerSecond{}) / 1000`), pod,
			above(0.2), "The heap is too small for what the functions keep.", workerLogs),
		panel("Metaspace", Share, share("taskmanager", "Metaspace"), pod, above(0.95),
			"Each restart leaves its classes behind, or there are too many: the next thing is an OutOfMemoryError.", workerLogs),
		panel("Managed memory", Share,
			chosen(`max by (namespace, pod) (flink_taskmanager_Status_Flink_Memory_Managed_Used{} / `+
				`flink_taskmanager_Status_Flink_Memory_Managed_Total{})`), pod, nil,
			"RocksDB takes all of it at once, which is as it should be; a job that keeps state on the heap pays for memory "+
				"that it does not use.", statusCommand),
		panel("CPU of the process", Share, chosen(`max by (namespace, pod) (flink_taskmanager_Status_JVM_CPU_Load{})`), pod, nil,
			"The share of its node's CPUs; a busy vertex on an idle CPU waits for something outside.", statusCommand),
		panel("Network buffers that are free", Share,
			chosen(`min by (namespace, pod) (flink_taskmanager_Status_Shuffle_Netty_AvailableMemorySegments{} / `+
				`flink_taskmanager_Status_Shuffle_Netty_TotalMemorySegments{})`), pod, under(0.05),
			"Records wait for buffers, and barriers of checkpoints behind them.", diagnoseCommand),
	}
}

func rocksPanels() []Panel {
	byState := "namespace, flink_deployment, task_name"
	metric := func(name string) string {
		return "flink_taskmanager_job_task_operator_column_family_rocksdb_" + name + "{}"
	}
	panels := []Panel{
		panel("Keys, as estimated", Count, chosen(`sum by (`+byState+`) (`+metric("estimate_num_keys")+`)`), "{{task_name}}", nil,
			"A number that only grows says that no state is ever removed.", statesCommand),
		panel("Compactions that wait", Count, chosen(`sum by (`+byState+`) (`+metric("compaction_pending")+`)`), "{{task_name}}",
			above(1), "RocksDB writes faster than it can tidy up: the disk is slow, or the memory small.", workerLogs),
		panel("Writes that are stopped", Count, chosen(`sum by (`+byState+`) (`+metric("is_write_stopped")+`)`), "{{task_name}}",
			above(0.5), "RocksDB lets nobody write until compactions are done, and the vertex waits.", workerLogs),
		panel("Block cache", Bytes, chosen(`sum by (`+byState+`) (`+metric("block_cache_usage")+`)`), "{{task_name}}", nil,
			"A full cache is normal; with a low hit rate each look-up reads the disk.", workerLogs),
	}
	for i := range panels {
		panels[i].Needs = "jobs with state in RocksDB"
	}
	return panels
}
