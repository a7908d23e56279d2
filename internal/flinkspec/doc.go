// SPDX-License-Identifier: Apache-2.0

// Package flinkspec knows what Apache Flink and its Kubernetes operator accept: the fields of FlinkDeployment,
// FlinkSessionJob and FlinkStateSnapshot, every configuration key with its type, the notations of memory and time, Flink's
// division of a process's memory, and the rules of the operator's validator. Nothing is contacted.
//
// The operator is that of EMR 7.6 and later, 1.10; what it does not have is known with the releases that do.
package flinkspec
