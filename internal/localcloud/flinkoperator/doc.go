// SPDX-License-Identifier: Apache-2.0

// Package flinkoperator is the local target's stand-in for EMR's Flink Kubernetes operator, whose source is not public.
// It reconciles FlinkDeployments as AWS documents it: service accounts with the base36 name, RBAC, a JobManager
// Deployment, TaskManager pods, services, status, suspend, resume, upgrade and savepoints, and a finalizer that is
// honoured.
//
// No Flink code runs. When JobManager and TaskManagers are up, the stand-in acts for the JobManager: with a token of
// its service account it assumes the execution role through the AWS API, so that trust policy and permissions are
// really evaluated, and writes objects to the checkpoint and high-availability folders. Each object says in plain text
// what wrote it. A session job is driven the same way, on the TaskManagers of its session cluster.
//
// What it does not support it refuses by name in status.error: ingress, standalone mode. It makes no FlinkStateSnapshots: EMR's
// operator role has no permission for them, and the operator then writes savepoints into the status.
package flinkoperator
