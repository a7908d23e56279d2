// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"errors"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type enabled struct {
	Enabled bool `json:"enabled"`
}

// placed is a workload with an image of its own.
type placed struct {
	placement
	registry
}

type prometheusValues struct {
	Prometheus struct {
		Spec struct {
			placement
			registry

			Retention     string `json:"retention"`
			RetentionSize string `json:"retentionSize"`
			AnyPodMonitor *bool  `json:"podMonitorSelectorNilUsesHelmValues"`
			AnyRule       *bool  `json:"ruleSelectorNilUsesHelmValues"`
			ClaimPolicy   object `json:"persistentVolumeClaimRetentionPolicy"`
			Storage       struct {
				Template struct {
					Spec object `json:"spec"`
				} `json:"volumeClaimTemplate"`
			} `json:"storageSpec"`
		} `json:"prometheusSpec"`
	} `json:"prometheus"`
	Operator struct {
		placement
		registry

		Reloader registry `json:"prometheusConfigReloader"`
		Thanos   struct {
			Registry string `json:"registry"`
		} `json:"thanosImage"`

		AdmissionWebhooks enabled `json:"admissionWebhooks"`
		TLS               enabled `json:"tls"`
	} `json:"prometheusOperator"`
	StateMetrics placed   `json:"kube-state-metrics"`
	NodeExporter registry `json:"prometheus-node-exporter"`
	Alertmanager struct {
		Enabled bool   `json:"enabled"`
		Spec    placed `json:"alertmanagerSpec"`
	} `json:"alertmanager"`
	Grafana struct {
		placed

		Sidecar registry `json:"sidecar"`

		Enabled           bool              `json:"enabled"`
		DefaultDashboards bool              `json:"defaultDashboardsEnabled"`
		INI               map[string]object `json:"grafana.ini"`
	} `json:"grafana"`
	ControllerManager enabled `json:"kubeControllerManager"`
	Scheduler         enabled `json:"kubeScheduler"`
	Etcd              enabled `json:"kubeEtcd"`
	Proxy             enabled `json:"kubeProxy"`
	DefaultRules      created `json:"defaultRules"`
}

// prometheusStack is the stand-in of kube-prometheus-stack: the workloads with their volumes and their access to the API.
// What Prometheus' operator makes of the chart's own objects (Prometheus, Alertmanager) is rendered at once, the CRDs are
// those of the objects that the blueprint makes, and nothing in the pods collects anything.
func prometheusStack(_ Charts, r Request) (out []*unstructured.Unstructured, err error) {
	v := &prometheusValues{}
	v.Operator.AdmissionWebhooks.Enabled, v.Operator.TLS.Enabled = true, true
	v.Alertmanager.Enabled, v.Grafana.Enabled, v.Grafana.DefaultDashboards, v.DefaultRules.Create = true, true, true, true
	if err := decode(r.Values, v); err != nil {
		return nil, err
	}
	if err := v.validate(); err != nil {
		return nil, err
	}
	out, err = execute("prometheus-stack.yaml", r, "v0.89.0", v)
	return out, err
}

// PrometheusCRDs are the CRDs of the objects that say what is collected and alerted about.
func PrometheusCRDs() ([]*unstructured.Unstructured, error) { return fill("prometheus-crds.yaml", nil) }

// validate refuses by name what the stand-in does not have.
func (v *prometheusValues) validate() error {
	monitors, rules := v.Prometheus.Spec.AnyPodMonitor, v.Prometheus.Spec.AnyRule
	switch {
	case v.Operator.AdmissionWebhooks.Enabled || v.Operator.TLS.Enabled:
		return errors.New("prometheusOperator: the stand-in has no webhook and no TLS: set enabled: false of both")
	case v.DefaultRules.Create:
		return errors.New("defaultRules.create: the stand-in has none of the chart's rules")
	case monitors == nil || *monitors || rules == nil || *rules:
		return errors.New("prometheusSpec: without podMonitorSelectorNilUsesHelmValues and ruleSelectorNilUsesHelmValues: " +
			"false, Prometheus takes only what has the label of the release")
	}
	return nil
}
