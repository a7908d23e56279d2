// SPDX-License-Identifier: Apache-2.0

// Package flinkprocess runs the JobManager and TaskManager pods of Flink's native Kubernetes mode as processes of this
// machine: one JVM for one pod, with the pod's own configuration, files, arguments and AWS role, on a loopback address of its
// own. It is a runtime of the kubelet stand-in, which does restarts, back-off and the pod's status.
//
// Invariants: a pod is taken only while a Flink home and a Java that fits are there, and only on Linux, where each address of
// 127.0.0.0/8 can be bound; what a pod asks for and this package does not do is refused by name; nothing of Flink listens on
// another address than the pod's; no process outlives its run, nor this program; no credential of AWS is in a file, in the
// environment or in the log of a process.
//
// What differs from a container: the paths of the container are replaced in Flink's configuration, arguments and environment by
// those of the pod's folder (see paths); code that opens a fixed path sees this machine's files. All else of a pod, such as its
// side-cars, is only marked as running.
package flinkprocess
