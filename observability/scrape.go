// SPDX-License-Identifier: Apache-2.0

package observability

import (
	"fmt"
	"strings"
)

// Target is a group of pods that offer metrics.
type Target struct {
	// Name is the group's.
	Name string
	// Namespaces are where the pods are, Labels those by which they are found.
	Namespaces []string
	Labels     map[string]string
	// Container is the one that offers metrics at Port, whether it declares the port or not.
	Container string
	Port      int
	// Flink says that the pods carry the name of their FlinkDeployment.
	Flink bool
}

// OperatorTarget is the name of the Flink operator's group.
const OperatorTarget = "flink-operator"

// Targets are the pods of a platform with these teams, whose Karpenter is in that namespace.
func Targets(teams []string, operator, karpenter string) []Target {
	return []Target{
		{Name: "flink-jobs", Namespaces: teams, Labels: map[string]string{"type": "flink-native-kubernetes"},
			Container: "flink-main-container", Port: JobPort, Flink: true},
		{Name: OperatorTarget, Namespaces: []string{operator}, Container: "flink-kubernetes-operator", Port: OperatorPort,
			Labels: map[string]string{"app.kubernetes.io/name": "flink-kubernetes-operator"}},
		{Name: "karpenter", Namespaces: []string{karpenter}, Container: "controller", Port: KarpenterPort,
			Labels: map[string]string{"app.kubernetes.io/name": "karpenter"}},
	}
}

// scrapeInterval is how often metrics are read: alerts look at minutes.
const scrapeInterval = "30s"

// honor says that a label namespace of the metric itself, that of a pod which Karpenter speaks of, is kept.
func (t Target) honor() bool { return !t.Flink }

// meta is the prefix of what Prometheus knows of a pod.
const meta = "__meta_kubernetes_pod_"

// relabelings find the address and say whose a metric is. Discovery gives a pod a target for each container and each port
// that one declares: those of one container get the same labels, and Prometheus keeps one of them.
func (t Target) relabelings() []any {
	from := func(source, target string) object {
		return object{"source_labels": []any{source}, "target_label": target}
	}
	out := []any{
		object{"source_labels": []any{meta + "container_name"}, "regex": t.Container, "action": "keep"},
		object{
			"source_labels": []any{meta + "ip"}, "target_label": "__address__", "regex": "(.+)",
			"replacement": fmt.Sprintf("$1:%d", t.Port),
		},
		from("__meta_kubernetes_namespace", "namespace"), from(meta+"name", "pod"),
	}
	if t.Flink {
		out = append(out, from(meta+"label_app", "flink_deployment"), from(meta+"label_component", "component"))
	}
	return out
}

// PodMonitor is the spec of the target's PodMonitor.
func (t Target) PodMonitor() map[string]any {
	relabelings := []any{}
	for _, r := range t.relabelings() {
		relabelings = append(relabelings, camel(r.(object)))
	}
	return object{
		"namespaceSelector": object{"matchNames": t.Namespaces}, "selector": object{"matchLabels": t.Labels},
		"podMetricsEndpoints": []any{object{
			"interval": scrapeInterval, "honorLabels": t.honor(), "relabelings": relabelings,
		}},
	}
}

// camel spells a relabelling as Prometheus' operator does.
func camel(r object) object {
	out := object{}
	for from, to := range map[string]string{
		"source_labels": "sourceLabels", "target_label": "targetLabel", "regex": "regex", "replacement": "replacement",
		"action": "action",
	} {
		if v, ok := r[from]; ok {
			out[to] = v
		}
	}
	return out
}

// Job is the target as a job of Prometheus' own configuration.
func (t Target) Job() map[string]any {
	discovery := object{"role": "pod", "namespaces": object{"names": t.Namespaces}}
	relabel := []any{}
	for k, v := range t.Labels {
		relabel = append(relabel, object{"source_labels": []any{meta + "label_" + sanitized(k)}, "regex": v, "action": "keep"})
	}
	relabel = append(relabel, object{"source_labels": []any{meta + "phase"}, "regex": "Running", "action": "keep"})
	return object{
		"job_name": t.Name, "honor_labels": t.honor(), "kubernetes_sd_configs": []any{discovery},
		"relabel_configs": append(relabel, t.relabelings()...),
	}
}

// sanitized is a Kubernetes label as part of the name of a label of Prometheus.
func sanitized(label string) string {
	return strings.NewReplacer(".", "_", "/", "_", "-", "_").Replace(label)
}
