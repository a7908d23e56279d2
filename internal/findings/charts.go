// SPDX-License-Identifier: Apache-2.0

package findings

import (
	"slices"

	"emrflink/internal/untyped"
)

const releaseType = "kubernetes:helm.sh/v3:Release"

// prometheusCharts are the releases of the chart that has Prometheus and Grafana.
func prometheusCharts(g *graph) []Resource {
	return slices.DeleteFunc(slices.Clone(g.of(releaseType)), func(r Resource) bool {
		return untyped.Text(r.Inputs["chart"]) != "kube-prometheus-stack"
	})
}

func openDashboards(g *graph, rep *reporter) {
	for _, r := range prometheusCharts(g) {
		grafana := untyped.At(r.Inputs, "values", "grafana")
		if untyped.HasUnknown(grafana) {
			rep.skip(r)
			continue
		}
		if untyped.IsFalse(untyped.At(grafana, "enabled")) ||
			!untyped.IsTrue(untyped.At(grafana, "grafana.ini", "auth.anonymous", "enabled")) {
			continue
		}
		if kind := untyped.Text(untyped.At(grafana, "service", "type")); kind == "LoadBalancer" || kind == "NodePort" {
			rep.add(r, "values.grafana.service.type", "is %s, and everybody is a viewer", kind)
		}
		if untyped.IsTrue(untyped.At(grafana, "ingress", "enabled")) {
			rep.add(r, "values.grafana.ingress", "has an ingress, and everybody is a viewer")
		}
	}
}

func metricsVolume(g *graph, rep *reporter) {
	for _, r := range prometheusCharts(g) {
		spec := untyped.At(r.Inputs, "values", "prometheus", "prometheusSpec")
		switch claim := untyped.At(spec, "storageSpec", "volumeClaimTemplate"); {
		case untyped.IsUnknown(claim):
			rep.skip(r)
		case claim == nil && !untyped.IsFalse(untyped.At(r.Inputs, "values", "prometheus", "enabled")):
			rep.add(r, "values.prometheus.prometheusSpec.storageSpec", "there is no volume")
		}
	}
}
