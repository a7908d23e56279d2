// SPDX-License-Identifier: Apache-2.0

// Package karpenter makes Karpenter and the nodes that it may launch for Flink.
//
// # Job managers on demand, task managers on spot
//
// A job survives the loss of a task manager with a restart from its last checkpoint; the loss of its job manager costs
// more. So job managers belong on on-demand nodes, and task managers on spot nodes, with on-demand nodes when there is
// no spot capacity. Whether this works depends on how a pod asks for it:
//
//   - One pool for both, job managers pinned to on-demand: Karpenter packs the task managers onto the job manager's
//     node, whose capacity type both accept. Preferring spot does not help, because the Kubernetes scheduler fills the
//     on-demand node that is already there before Karpenter is asked.
//   - Task managers pinned to spot (karpenter.sh/capacity-type: spot): works until spot capacity runs out; then they
//     stay pending, because Karpenter must not launch anything else.
//   - Two pools that a required label separates: this is what this package makes. The task managers' pool allows spot and
//     on-demand: Karpenter launches spot while there is any, on-demand when an offer fails, and spot again later. The job
//     managers' pool allows on-demand only, and its taint keeps everything else off.
//
// So a [Pool] of the catalogue (an architecture and its instance families) becomes two NodePools: one with the pool's
// name for task managers, and <name>-jobmanager. Their nodes have the labels NodeGroupType (the pool's) and FlinkRole
// (taskmanager or jobmanager). A job manager's pod selects both and tolerates the taint FlinkRole=jobmanager; a task
// manager's pod selects both; neither selects a capacity type. Jobs that select only NodeGroupType run in the task
// managers' pool, as jobs of the Terraform blueprint always did.
//
// # Order of deletion
//
// Only Karpenter deletes the instances of a NodePool, and only while it has a network, credentials and nodes of its
// own. Every NodePool therefore depends on its node class, the node class on the controller, the controller on its
// CRDs, roles, queue and access entry, and all of them on the core nodes, the VPC CNI and the internet access; Pulumi
// deletes in the opposite order, and waits for each NodePool until its last node is gone.
//
// The instance profile is ours, and named in the node class: a profile that Karpenter makes outlives the node class if
// the controller is deleted first, and then prevents the deletion of the node role.
package karpenter
