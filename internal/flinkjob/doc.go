// SPDX-License-Identifier: Apache-2.0

// Package flinkjob renders, submits, watches and deletes Flink jobs for the EMR
// Flink Kubernetes operator.
//
// Invariants: everything that a job names (role, bucket prefixes, namespace, log group, release, node pools) comes from
// the outputs of the deployed stack, so no file is edited; a run ends with a checkpoint object in the bucket or with a
// named cause, never when the job is merely submitted.
package flinkjob
