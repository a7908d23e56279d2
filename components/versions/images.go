// SPDX-License-Identifier: Apache-2.0

package versions

import (
	"slices"
	"strings"
)

// Image is an image that a chart runs with the values of the blueprint, and the value of the chart that names it. The
// values are those of the charts' own values.yaml in the pinned versions.
type Image struct {
	// Repository is the image without its tag, which stays the chart's.
	Repository string
	// Value is the path of the value with the repository. Charts that have the registry apart have it in Registry.
	Value, Registry string
}

func karpenterImages() []Image {
	return []Image{{Repository: "public.ecr.aws/karpenter/controller", Value: "controller.image.repository"}}
}

// certManagerImages: one value has the registry of all of them.
func certManagerImages() []Image {
	var out []Image
	for _, part := range []string{"controller", "webhook", "cainjector", "acmesolver", "startupapicheck"} {
		out = append(out, Image{Repository: "quay.io/jetstack/cert-manager-" + part, Registry: "imageRegistry"})
	}
	return out
}

func metricsServerImages() []Image {
	return []Image{{Repository: "registry.k8s.io/metrics-server/metrics-server", Value: "image.repository"}}
}

// CloudWatchAgent is where AWS publishes the agent's image beside Docker Hub, under the same tags. Source: CloudWatch User
// Guide, "Set up the CloudWatch agent to collect cluster metrics".
const CloudWatchAgent = "public.ecr.aws/cloudwatch-agent/cloudwatch-agent"

func clusterAutoscalerImages() []Image {
	return []Image{{Repository: "registry.k8s.io/autoscaling/cluster-autoscaler", Value: "image.repository"}}
}

// prometheusImages: the chart's own and those of the charts in it. Its switch for all of them (global.imageRegistry) knows
// one registry only. Without persistence Grafana runs no busybox, and images of `helm test` are never pulled.
func prometheusImages() []Image {
	return []Image{
		{Repository: "quay.io/prometheus-operator/prometheus-operator", Registry: "prometheusOperator.image.registry"},
		{Repository: "quay.io/prometheus-operator/prometheus-config-reloader",
			Registry: "prometheusOperator.prometheusConfigReloader.image.registry"},
		{Repository: "quay.io/thanos/thanos", Registry: "prometheusOperator.thanosImage.registry"},
		{Repository: "quay.io/prometheus/prometheus", Registry: "prometheus.prometheusSpec.image.registry"},
		{Repository: "quay.io/prometheus/alertmanager", Registry: "alertmanager.alertmanagerSpec.image.registry"},
		{Repository: "registry.k8s.io/kube-state-metrics/kube-state-metrics", Registry: "kube-state-metrics.image.registry"},
		{Repository: "quay.io/prometheus/node-exporter", Registry: "prometheus-node-exporter.image.registry"},
		{Repository: "docker.io/grafana/grafana", Registry: "grafana.image.registry"},
		{Repository: "quay.io/kiwigrid/k8s-sidecar", Registry: "grafana.sidecar.image.registry"},
	}
}

// FlinkImage is the image that the release label stands for, as EMR publishes it. Source: EMR on EKS Development Guide,
// "Customizing Docker images for Flink and FluentD".
func (r EMRRelease) FlinkImage() string {
	date := r.Label[strings.LastIndex(r.Label, "-")+1:]
	return "public.ecr.aws/emr-on-eks/flink/emr-" + r.Version + "-flink:" + date
}

// LogImage is the image of the container that ships logs, from the same page.
func (r EMRRelease) LogImage() string {
	return "public.ecr.aws/emr-on-eks/fluentd/emr-" + r.Version + ":latest"
}

// Charts are all charts of the table, with those of the newest EMR release.
func Charts() []Chart {
	newest, _ := EMR(DefaultEMRRelease)
	return []Chart{
		Karpenter(), KarpenterCRD(), CertManager(), MetricsServer(), CloudWatchMetrics(), ClusterAutoscaler(), PrometheusStack(),
		newest.OperatorChart,
	}
}

// Registries are the public registries of images and of charts that are published beside images, sorted.
func Registries() []string {
	var out []string
	add := func(ref string) {
		if registry, _, _ := strings.Cut(ref, "/"); !slices.Contains(out, registry) {
			out = append(out, registry)
		}
	}
	for _, c := range Charts() {
		if rest, ok := strings.CutPrefix(c.Name, "oci://"); ok {
			add(rest)
		}
		for _, image := range c.Images {
			add(image.Repository)
		}
	}
	slices.Sort(out)
	return out
}

// ChartRepositories are the repositories of all other charts, without https://, sorted.
func ChartRepositories() []string {
	var out []string
	for _, c := range Charts() {
		if c.Repo != "" {
			out = append(out, strings.TrimSuffix(strings.TrimPrefix(c.Repo, "https://"), "/"))
		}
	}
	slices.Sort(out)
	return out
}
