// SPDX-License-Identifier: Apache-2.0

package observability

import "strings"

// Commands of the panels about more than one job.
const (
	listCommand   = "emrflink job list"
	statusOfStack = "emrflink status"
	costCommand   = "emrflink cost"
	doctorCommand = "emrflink doctor"
	eventsCommand = "emrflink job events {job}"
)

// flinkPods are the running pods of Flink jobs that Karpenter knows, with their node: one series a pod.
const flinkPods = `karpenter_pods_state{phase="Running",namespace=~"$namespace",node!="",owner!~".*/daemonsets/.*"}`

// podCost is the price of an hour of each pod: that of its node, shared equally by the running
// pods on it that are no DaemonSet's.
const podCost = `(` + flinkPods + ` / on (node) group_left () ` +
	`(count by (node) (karpenter_pods_state{phase="Running",nodepool!="",owner!~".*/daemonsets/.*"}))` +
	` * on (instance_type, capacity_type, zone) group_left () ` +
	`max by (instance_type, capacity_type, zone) (karpenter_cloudprovider_instance_type_offering_price_estimate))`

func teamDashboard() Dashboard {
	const job = "{{flink_deployment}}"
	return Dashboard{
		UID: "emrflink-team", Title: "Flink jobs of a team",
		Choices: []Choice{{Name: "namespace", Label: "namespace", Metric: "flink_jobmanager_numRunningJobs"}},
		Rows: []Row{
			{"Jobs", []Panel{
				panel("Jobs that run", Count, `sum by (namespace) (flink_jobmanager_numRunningJobs{namespace=~"$namespace"})`,
					"{{namespace}}", nil, "A line that falls is a job that ended, failed or was deleted.", listCommand),
				panel("Restarts in the last hour", Count,
					`max by (`+byJob+`) (increase(flink_jobmanager_job_numRestarts{namespace=~"$namespace"}[1h]))`, job, above(3),
					"Each restart does work again; what is behind the first one says why.", diagnoseCommand),
				panel("Age of the newest checkpoint", Seconds, age(`{namespace=~"$namespace"}`), job, nil,
					"What a restart of the job would do again.", diagnoseCommand),
				panel("Most backpressured vertex", Share, `max by (`+byJob+`) (flink_taskmanager_job_task_`+
					`backPressuredTimeMsPerSecond{namespace=~"$namespace"}) / 1000`, job, above(0.5),
					"The job does not keep up with what comes in.", diagnoseCommand),
				panel("Event time lag", Seconds, `max by (`+byJob+`) (flink_taskmanager_job_task_operator_`+
					`currentEmitEventTimeLag{namespace=~"$namespace"}) / 1000`, job, above(300),
					"The job is behind, or its records come late.", diagnoseCommand).only("sources of the new interface"),
			}},
			{"Money", []Panel{
				panel("Idle time of the tasks", Share, `avg by (`+byJob+`) (flink_taskmanager_job_task_idleTimeMsPerSecond`+
					`{namespace=~"$namespace"}) / 1000`, job, above(0.8),
					"The job is larger than its work: fewer TaskManagers, or the autoscaler.", statusCommand),
				panel("Nodes, USD an hour", USD, `sum by (namespace) (`+podCost+`)`, "{{namespace}}", nil,
					"The team's share of the nodes that Karpenter started, by list prices and pods.", listCommand),
			}},
		},
	}
}

func operatorDashboard() Dashboard {
	const prefix = "flink_k8soperator_"
	return Dashboard{
		UID: "emrflink-operator", Title: "Flink operator",
		Rows: []Row{{"Operator", []Panel{
			panel("Operators that answer", Count, `sum (up{job=~".*flink-operator"})`, "replicas", under(1),
				"Without an operator no job is started, changed, or started again after its JobManager was lost.", statusOfStack).
				only(operatorNeeds),
			panel("JobManagers that cannot be started", Count,
				`sum by (resourcens) (`+prefix+`namespace_JmDeploymentStatus_ERROR_Count)`, "{{resourcens}}", above(1),
				"Quota, a node or an image is missing.", listCommand).only(operatorNeeds),
			panel("Jobs that failed", Count, `sum by (resourcens) (`+prefix+`namespace_Lifecycle_State_FAILED_Count)`,
				"{{resourcens}}", above(1), "Their files are refused, or the job ended with an error.", diagnoseCommand).
				only(operatorNeeds),
			panel("Jobs that are upgraded now", Count,
				`sum by (resourcens) (`+prefix+`namespace_Lifecycle_State_UPGRADING_Count)`, "{{resourcens}}", nil,
				"One that stays here waits for a savepoint or for its pods.", listCommand).
				only(operatorNeeds),
			panel("Heap", Share, `max by (pod) (`+prefix+`Status_JVM_Memory_Heap_Used / `+prefix+`Status_JVM_Memory_Heap_Max)`,
				"{{pod}}", above(0.9), "Too many jobs for the memory of the operator's pods.", statusOfStack).
				only(operatorNeeds),
		}}},
	}
}

// operatorNeeds says why nothing is seen on the local target.
const operatorNeeds = "the operator of EMR: the local target's stand-in offers no metrics"

func nodeDashboard() Dashboard {
	const pool = "{{nodepool}}"
	return Dashboard{
		UID: "emrflink-nodes", Title: "Karpenter and nodes",
		Rows: []Row{
			{"Capacity", []Panel{
				panel("Share of a pool's CPU limit", Share, `max by (nodepool) (karpenter_nodepools_usage{resource_type="cpu"}`+
					` / (karpenter_nodepools_limit{resource_type="cpu"} > 0))`, pool, above(0.9),
					"Karpenter starts no more nodes of the pool, and new pods wait.", statusOfStack),
				panel("Nodes", Count, `max by (nodepool) (karpenter_nodepools_usage{resource_type="nodes"})`, pool, nil,
					"More nodes than the jobs need are looked after by consolidation.", statusOfStack),
				panel("Pods without a node", Count, `sum (karpenter_pods_state{phase="Pending"}) or vector(0)`, "pods", above(1),
					"No pool may or can start a node that fits, or EC2 has none.", eventsCommand),
				panel("Pods that no pool fits", Count, `sum (karpenter_scheduler_unschedulable_pods_count)`, "pods", above(1),
					"They ask for a size, a label or an architecture that no pool offers.", eventsCommand),
				panel("CPU that pods ask for, of what nodes have", Share,
					`sum by (nodepool) (karpenter_nodes_total_pod_requests{resource_type="cpu"}) / `+
						`sum by (nodepool) (karpenter_nodes_allocatable{resource_type="cpu"})`, pool, nil,
					"A small share is capacity that is paid for and not used.", costCommand),
			}},
			{"Changes", []Panel{
				panel("Nodes started an hour", Count,
					`sum by (nodepool, capacity_type) (increase(karpenter_nodeclaims_created_total[1h]))`,
					"{{nodepool}} {{capacity_type}}", nil, "Nodes that come and go restart jobs.", eventsCommand),
				panel("Nodes ended an hour", Count,
					`sum by (nodepool, capacity_type) (increase(karpenter_nodeclaims_terminated_total[1h]))`,
					"{{nodepool}} {{capacity_type}}", nil, "Each that had a TaskManager restarted a job.", eventsCommand).
					only("a cluster that has ended a node"),
				panel("Interruptions an hour", Count,
					`sum by (message_type) (increase(karpenter_interruption_received_messages_total[1h]))`, "{{message_type}}",
					above(3), "EC2 takes spot instances back: more types and zones, or on-demand, make it rarer.", eventsCommand).
					only("a cluster whose queue had a message"),
				panel("Consolidations an hour", Count,
					`sum by (decision, reason) (increase(karpenter_voluntary_disruption_decisions_total[1h]))`,
					"{{decision}} {{reason}}", nil,
					"Karpenter moves pods to fewer or cheaper nodes, within the budgets of the pools.", eventsCommand).
					only("a cluster that was consolidated"),
			}},
			{"Nodes", []Panel{
				panel("Memory that is free", Share,
					`min by (instance) (node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)`, "{{instance}}",
					under(0.05), "The kubelet evicts pods, or the kernel ends processes.", statusOfStack).only(nodeNeeds),
				panel("Disk that is free", Share, `min by (instance) (node_filesystem_avail_bytes{mountpoint="/"} / `+
					`node_filesystem_size_bytes{mountpoint="/"})`, "{{instance}}", under(0.1),
					"Logs and spilled state fill the disk; the kubelet then evicts pods.", statusOfStack).only(nodeNeeds),
			}},
		},
	}
}

// nodeNeeds says why nothing is seen on the local target.
const nodeNeeds = "node-exporter on the nodes (prometheus: inCluster); the local target's nodes are simulated"

func costDashboard() Dashboard {
	return Dashboard{
		UID: "emrflink-cost", Title: "Cost of Flink's nodes",
		Rows: []Row{{"USD an hour, by list prices; core nodes, control plane and traffic are in emrflink cost", []Panel{
			panel("By node pool", USD, `max by (nodepool) (karpenter_nodepools_cost_total)`, "{{nodepool}}", nil,
				"The bill of the nodes that Karpenter started.", costCommand),
			panel("All pools", USD, `sum (max by (nodepool) (karpenter_nodepools_cost_total))`, "all", nil,
				"What the jobs cost beside the idle platform.", costCommand),
			panel("By namespace", USD, `sum by (namespace) (`+allNamespaces(podCost)+`)`, "{{namespace}}", nil,
				"Each node's price, shared equally by its pods.", listCommand),
			panel("Cheapest offer of the types in use", USD,
				`min by (instance_type) ((karpenter_cloudprovider_instance_type_offering_price_estimate > 0) and `+
					`on (instance_type) karpenter_pods_state{nodepool!=""})`, "{{instance_type}}", nil,
				"A node that costs more than this could be cheaper on spot or in another zone.", costCommand),
		}}},
	}
}

// allNamespaces takes the reader's choice away.
func allNamespaces(expr string) string {
	return strings.ReplaceAll(expr, `,namespace=~"$namespace"`, "")
}
