// SPDX-License-Identifier: Apache-2.0

// Package dashboards shows the panels of observability on one page, for people without Grafana: it collects the metrics of a
// cluster's pods through the API server, has a Prometheus of this machine keep and evaluate them, and draws what it answers.
//
// Invariants: pods are found and named by the same rules as in a cluster (observability.Target); only ports that a target
// declares are read; nothing listens to anything but this machine; Prometheus ends with the page.
//
// Place: beside flinkjob, which the commands use for single jobs. It imports kube and observability.
package dashboards
