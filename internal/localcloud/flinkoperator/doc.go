// SPDX-License-Identifier: Apache-2.0

// Package flinkoperator is the local target's stand-in of EMR's Flink Kubernetes
// operator, which is closed. It reconciles FlinkDeployments as AWS documents it:
// service accounts with the base36 name, RBAC, a JobManager Deployment,
// TaskManager pods, services, status, suspend, resume, upgrade and savepoints,
// and a finalizer that is honoured.
//
// No Flink code runs. When JobManager and TaskManagers are up, the stand-in takes
// the JobManager's part: with a token of its service account it assumes the
// execution role through the AWS API, so that trust policy and permissions are
// really evaluated, and writes objects to the checkpoint and high-availability
// folders. Each of them says in plain text what wrote it.
//
// What it does not do it refuses by name in status.error: session jobs, ingress,
// standalone mode.
package flinkoperator
