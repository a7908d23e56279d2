// SPDX-License-Identifier: Apache-2.0

package observability

import "time"

// Severity says how soon somebody must look.
type Severity string

// The severities.
const (
	Critical Severity = "critical" // now: work is not done, or lost
	Warning  Severity = "warning"  // today
)

// Alert is one rule.
type Alert struct {
	// Name is the rule's, Severity how soon somebody must look.
	Name     string
	Severity Severity
	// Expr is PromQL whose result are those that are in trouble, For how long they must be.
	Expr string
	For  time.Duration
	// Trouble is the runbook paragraph.
	Trouble Trouble
	// Job says that the labels of a result name a job.
	Job bool
}

// OperatorDown is the alert that the Flink operator offers no metrics.
const OperatorDown = "FlinkOperatorDown"

// Alerts are all rules.
func Alerts() []Alert { return append(jobAlerts(), platformAlerts()...) }

// job is an alert about one job.
func job(name string, s Severity, expr string, lasts time.Duration, trouble string) Alert {
	return Alert{Name: name, Severity: s, Expr: expr, For: lasts, Trouble: TroubleByID(trouble), Job: true}
}

func jobAlerts() []Alert {
	const completed = "flink_jobmanager_job_numberOfCompletedCheckpoints"
	// How often a job's checkpoints come is not in its metrics: what it did in the hour before says it.
	own := `3600 / max by (` + byJob + `) (increase(` + completed + `[1h] offset 15m) > 0)`
	return []Alert{
		job("FlinkJobNotRunning", Critical, `max by (`+byJob+`) (flink_jobmanager_job_downtime) > 0 or (max by (`+byJob+
			`) (flink_jobmanager_numRunningJobs) == 0 and max by (`+byJob+
			`) (max_over_time(flink_jobmanager_numRunningJobs[1h])) > 0)`, 5*time.Minute, "failed"),
		job("FlinkJobRestarting", Warning, `max by (`+byJob+`) (increase(flink_jobmanager_job_numRestarts[30m])) > 3`, 0,
			"restart-loop"),
		job("FlinkCheckpointOld", Critical, age("")+` > 3 * (`+own+`) > 60`, time.Minute, "checkpoint-none"),
		job("FlinkCheckpointNone", Critical, `max by (`+byJob+`) (`+completed+`) == 0 and max by (`+byJob+
			`) (flink_jobmanager_job_totalNumberOfCheckpoints) >= 3`, 5*time.Minute, "checkpoint-none"),
		job("FlinkCheckpointFailing", Warning,
			`max by (`+byJob+`) (increase(flink_jobmanager_job_numberOfFailedCheckpoints[15m])) > 2`, 0, "checkpoint-failing"),
		job("FlinkBackpressure", Warning, `max by (`+byJob+
			`) (avg_over_time(flink_taskmanager_job_task_backPressuredTimeMsPerSecond[5m])) > 500`, 15*time.Minute,
			"backpressure"),
		job("FlinkLagGrowing", Warning, `sum by (`+byJob+`) (flink_taskmanager_job_task_operator_pendingRecords) > 1000 and `+
			`sum by (`+byJob+`) (deriv(flink_taskmanager_job_task_operator_pendingRecords[15m])) > 0`, 15*time.Minute, "lag"),
		job("FlinkEventsLate", Warning, `min by (`+byJob+
			`) (flink_taskmanager_job_task_operator_currentEmitEventTimeLag) > 300000`, 15*time.Minute, "lag"),
		job("FlinkHeapFull", Warning, `max by (`+byJob+`) (flink_taskmanager_Status_JVM_Memory_Heap_Used / `+
			`flink_taskmanager_Status_JVM_Memory_Heap_Max) > 0.95`, 15*time.Minute, "heap-full"),
	}
}

func platformAlerts() []Alert {
	return []Alert{
		{Name: OperatorDown, Severity: Critical, For: 5 * time.Minute, Trouble: TroubleByID("operator-down"),
			Expr: `(sum (up{job=~".*` + OperatorTarget + `"}) or vector(0)) == 0`},
		{Name: "NoCapacityForPods", Severity: Critical, For: 10 * time.Minute, Trouble: TroubleByID("no-capacity"),
			Expr: `sum (karpenter_pods_state{phase="Pending"}) > 0`},
		{Name: "NodePoolLimitNear", Severity: Warning, For: 5 * time.Minute, Trouble: TroubleByID("pool-limit"),
			Expr: `max by (nodepool) (karpenter_nodepools_usage{resource_type="cpu"} / ` +
				`(karpenter_nodepools_limit{resource_type="cpu"} > 0)) > 0.9`},
		{Name: "SpotChurn", Severity: Warning, Trouble: TroubleByID("spot-churn"),
			Expr: `sum (increase(karpenter_interruption_received_messages_total{message_type=~"spot_interrupted|` +
				`rebalance_recommendation"}[1h])) > 5`},
		{Name: "PrometheusVolumeFilling", Severity: Warning, For: 15 * time.Minute, Trouble: TroubleByID("volume-full"),
			Expr: `kubelet_volume_stats_available_bytes{namespace="` + Namespace + `"} / ` +
				`kubelet_volume_stats_capacity_bytes{namespace="` + Namespace + `"} < 0.1`},
	}
}
