// SPDX-License-Identifier: Apache-2.0

// Package flinkoperator is the local target's stand-in for EMR's Flink Kubernetes operator, whose source is not public.
// It reconciles FlinkDeployments as AWS documents it: service accounts with the base36 name, RBAC, a JobManager
// Deployment, TaskManager pods, services, status, suspend, resume, upgrade and savepoints, and a finalizer that is
// honoured.
//
// It knows a job by Flink's REST API only (internal/flinkrest) and cannot tell whether Flink itself answers or a simulated
// JobManager: objects, configuration keys, job ids and status are those of the open-source operator 1.10, as far as it was
// watched.
//
// What it does not support it refuses by name in status.error: ingress, standalone mode. EMR's operator role has no permission
// for FlinkStateSnapshots, and the operator then writes savepoints into the status. Where somebody gave the role that permission,
// a trigger nonce and the savepoint of an upgrade are FlinkStateSnapshots, and those that a user makes are taken and disposed of.
package flinkoperator
