// SPDX-License-Identifier: Apache-2.0

// Package flinksim stands for Flink where no Flink is installed: a JobManager in Go that serves a part of Flink's REST API, asks
// Kubernetes for TaskManagers, keeps its leader in a ConfigMap and writes checkpoints and savepoints to S3 with the rights of the
// job. TaskManagers do nothing.
//
// Invariants: it reads what a real JobManager reads (the ConfigMaps of its cluster) and nothing else; everything that it writes
// says that no Flink code ran; all that it keeps in memory can be lost and is found again in the cluster and the bucket.
//
// Place: a runtime of the kubelet stand-in. The operator stand-in cannot tell it from Flink but by what it says of itself.
package flinksim
