// SPDX-License-Identifier: Apache-2.0

// Package observability describes what is worth seeing of the platform: the metrics that are collected, the panels of the
// dashboards, the alerts, and for each trouble what it means and which command to run next.
//
// Invariants: a description is written once, and Grafana's dashboards, Prometheus' rules and the texts of `job diagnose`
// are made of it; every name of a metric was seen in what a running process offers (testdata).
//
// Place: beside the components, which install what it describes. It imports the standard library only.
package observability

// Ports at which metrics are offered, in the text format of Prometheus.
const (
	// JobPort is that of JobManagers and TaskManagers, the default of Flink's Prometheus reporter. Source: Flink, "Metric
	// Reporters".
	JobPort = 9249
	// OperatorPort is that of the Flink operator. Source: EMR on EKS Development Guide, "Monitoring with Prometheus".
	OperatorPort = 9999
	// KarpenterPort is that of Karpenter's chart (controller.metrics.port).
	KarpenterPort = 8080
)

// Namespace is where Prometheus and Grafana run in the cluster.
const Namespace = "monitoring"
