// SPDX-License-Identifier: Apache-2.0

package findings

import (
	"slices"
	"strings"

	"emrflink/components/mirror"
	"emrflink/components/versions"
	"emrflink/internal/untyped"
)

const releaseType = "kubernetes:helm.sh/v3:Release"

// chartName is a chart's name without the registry that it is pulled from.
func chartName(reference string) string { return reference[strings.LastIndex(reference, "/")+1:] }

// prometheusCharts are the releases of the chart that has Prometheus and Grafana.
func prometheusCharts(g *graph) []Resource {
	return slices.DeleteFunc(slices.Clone(g.of(releaseType)), func(r Resource) bool {
		return chartName(untyped.Text(r.Inputs["chart"])) != "kube-prometheus-stack"
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

// image is the value of a release that names an image, and what it says; "" is the chart's own.
type image struct {
	release Resource
	path    string
	public  string // registry where the image is published
	value   any
}

// images are those of the charts of the blueprint, as far as values name them.
func images(g *graph) []image {
	var out []image
	for _, r := range g.of(releaseType) {
		chart := untyped.Text(r.Inputs["chart"])
		for _, c := range versions.Charts() {
			if chartName(chart) != chartName(c.Name) {
				continue
			}
			for _, i := range c.Images {
				path := i.Value + i.Registry
				registry, _, _ := strings.Cut(i.Repository, "/")
				var keys []any
				for _, key := range strings.Split(path, ".") {
					keys = append(keys, key)
				}
				out = append(out, image{r, "values." + path, registry, untyped.At(r.Inputs["values"], keys...)})
			}
		}
	}
	return out
}

// mirrored says whether a known image is pulled from elsewhere than where it is published.
func (i image) mirrored() bool {
	value := untyped.Known(i.value)
	return value != "" && value != i.public && !strings.HasPrefix(value, i.public+"/")
}

func partlyMirrored(g *graph, rep *reporter) {
	all := images(g)
	if !slices.ContainsFunc(all, image.mirrored) {
		for _, i := range all {
			if untyped.HasUnknown(i.value) {
				rep.skip(i.release)
			}
		}
		return
	}
	seen := map[string]bool{}
	for _, i := range all {
		switch {
		case untyped.HasUnknown(i.value):
			rep.skip(i.release)
		case !i.mirrored() && !seen[i.public]:
			seen[i.public] = true
			rep.add(i.release, i.path, "is pulled from %s", i.public)
		}
	}
}

// coldCache: an image that ECR does not have yet is fetched over the internet, for which AWS asks for a route.
func coldCache(g *graph, rep *reporter) {
	for _, r := range g.of(releaseType) {
		isolated := untyped.At(r.Inputs["values"], "settings", "isolatedVPC")
		switch {
		case untyped.IsUnknown(isolated):
			rep.skip(r)
			continue
		case !untyped.IsTrue(isolated):
			continue
		}
		for _, i := range images(g) {
			if region := mirror.Region(untyped.Known(i.value)); region != "" && i.release.URN == r.URN {
				rep.add(r, i.path, "is pulled from ECR in %s by nodes without a way to the internet", region)
			}
		}
	}
}
