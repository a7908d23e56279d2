// SPDX-License-Identifier: Apache-2.0

// Package nodelabel has the labels by which pods choose nodes: components put them on nodes, jobs and controllers
// select them. It imports nothing.
package nodelabel

// Keys of labels.
const (
	// GroupType distinguishes pools; jobs of the old blueprint select only this label.
	GroupType = "NodeGroupType"
	// WorkerType says how the core nodes are bought.
	WorkerType = "WorkerType"
	// FlinkRole says which of Flink's processes a node is for.
	FlinkRole = "FlinkRole"
)

// Values of labels.
const (
	// Core is the GroupType of the core nodes, on which controllers run.
	Core = "core"
	// OnDemand is the WorkerType of the core nodes.
	OnDemand = "ON_DEMAND"
	// TaskManager and JobManager are the FlinkRoles.
	TaskManager = "taskmanager"
	JobManager  = "jobmanager"
)
