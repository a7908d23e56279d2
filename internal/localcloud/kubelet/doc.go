// SPDX-License-Identifier: Apache-2.0

// Package kubelet stands in for the node side of a cluster of the local target: it makes a Node for each running
// instance that may join, lets the pods on it start, run and finish, provisions EBS volumes for claims, and
// removes what belonged to instances that are gone. Nothing runs in a simulated pod, and each one says so in the
// annotation emrflink.dev/simulated. The exceptions are [Runner]s: controllers that the local target has as real
// programs, such as Karpenter ([KarpenterRunner]), which live exactly as long as the pods that stand for them.
//
// All state is in the API server and in the account: a restart of this process goes on where it was.
package kubelet
