// SPDX-License-Identifier: Apache-2.0

// Package kubelet simulates the nodes of a cluster of the local target: it makes a Node for each running instance that
// has permission to join, lets the pods on it start, run and finish, provisions EBS volumes for claims, and removes
// what belonged to instances that are gone. Nothing runs in a simulated pod, and the annotation emrflink.dev/simulated
// of each pod says so. The exceptions are [Runner]s: controllers that the local target runs as real programs, such as
// Karpenter ([KarpenterRunner]), each as long as the pod that represents it; and [Runtime]s, which run the main container of a
// pod, with restarts, exit codes and a startup probe, as Flink's pods have it.
//
// All state is in the API server and in the account: after a restart this process continues where it was.
package kubelet
