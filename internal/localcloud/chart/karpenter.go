// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/kube"
)

// KarpenterVersion is the version of the controller that runs on the local
// target, and so of its two charts.
const KarpenterVersion = "1.14.1"

type karpenterValues struct {
	placement

	ServiceAccount      serviceAccount    `json:"serviceAccount"`
	Replicas            int               `json:"replicas"`
	RevisionHistory     int               `json:"revisionHistoryLimit"`
	Strategy            object            `json:"strategy"`
	PodLabels           map[string]string `json:"podLabels"`
	PodAnnotations      map[string]string `json:"podAnnotations"`
	PodDisruptionBudget pdb               `json:"podDisruptionBudget"`
	PodSecurityContext  object            `json:"podSecurityContext"`
	TerminationGrace    int               `json:"terminationGracePeriodSeconds"`
	HostNetwork         bool              `json:"hostNetwork"`
	SchedulerName       string            `json:"schedulerName"`
	DNSPolicy           string            `json:"dnsPolicy"`
	LogLevel            string            `json:"logLevel"`
	Controller          struct {
		Image struct {
			Repository string `json:"repository"`
			Tag        string `json:"tag"`
			Digest     string `json:"digest"`
		} `json:"image"`
		Env       objects `json:"env"`
		Resources object  `json:"resources"`
		Metrics   struct {
			Port int `json:"port"`
		} `json:"metrics"`
		HealthProbe struct {
			Port int `json:"port"`
		} `json:"healthProbe"`
	} `json:"controller"`
	Settings karpenterSettings `json:"settings"`
}

type karpenterSettings struct {
	BatchMaxDuration  string         `json:"batchMaxDuration"`
	BatchIdleDuration string         `json:"batchIdleDuration"`
	PreferencePolicy  string         `json:"preferencePolicy"`
	MinValuesPolicy   string         `json:"minValuesPolicy"`
	ClusterCABundle   string         `json:"clusterCABundle"`
	ClusterName       string         `json:"clusterName"`
	ClusterEndpoint   string         `json:"clusterEndpoint"`
	IsolatedVPC       bool           `json:"isolatedVPC"`
	EKSControlPlane   bool           `json:"eksControlPlane"`
	MemoryOverhead    any            `json:"vmMemoryOverheadPercent"`
	InterruptionQueue string         `json:"interruptionQueue"`
	EnableZonalShift  bool           `json:"enableZonalShift"`
	ReservedENIs      any            `json:"reservedENIs"`
	IgnoreDRARequests bool           `json:"ignoreDRARequests"`
	NoObservability   bool           `json:"disableClusterStateObservability"`
	DisableDryRun     bool           `json:"disableDryRun"`
	AMIRefresh        string         `json:"amiRefreshInterval"`
	SubnetRefresh     string         `json:"subnetRefreshInterval"`
	FeatureGates      karpenterGates `json:"featureGates"`
}

type karpenterGates struct {
	NodeRepair              bool `json:"nodeRepair"`
	NodeOverlay             bool `json:"nodeOverlay"`
	ReservedCapacity        bool `json:"reservedCapacity"`
	SpotToSpotConsolidation bool `json:"spotToSpotConsolidation"`
	StaticCapacity          bool `json:"staticCapacity"`
	CapacityBuffer          bool `json:"capacityBuffer"`
}

// String is the value of FEATURE_GATES.
func (g karpenterGates) String() string {
	return fmt.Sprintf("ReservedCapacity=%t,SpotToSpotConsolidation=%t,NodeRepair=%t,NodeOverlay=%t,StaticCapacity=%t,"+
		"CapacityBuffer=%t", g.ReservedCapacity, g.SpotToSpotConsolidation, g.NodeRepair, g.NodeOverlay, g.StaticCapacity,
		g.CapacityBuffer)
}

// Env are the variables that the chart always sets, in its order, without the
// three that come from the pod itself.
func (v *karpenterValues) Env(fullname string) []map[string]string {
	s := v.Settings
	var out []map[string]string
	add := func(name, value string) { out = append(out, map[string]string{"name": name, "value": value}) }
	some := func(name, value string) {
		if value != "" && value != "false" {
			add(name, value)
		}
	}
	add("KUBERNETES_MIN_VERSION", "1.19.0-0")
	add("KARPENTER_SERVICE", fullname)
	some("LOG_LEVEL", v.LogLevel)
	add("LOG_OUTPUT_PATHS", "stdout")
	add("LOG_ERROR_OUTPUT_PATHS", "stderr")
	add("METRICS_PORT", fmt.Sprint(v.Controller.Metrics.Port))
	add("HEALTH_PROBE_PORT", fmt.Sprint(v.Controller.HealthProbe.Port))
	add("FEATURE_GATES", s.FeatureGates.String())
	some("BATCH_MAX_DURATION", s.BatchMaxDuration)
	some("BATCH_IDLE_DURATION", s.BatchIdleDuration)
	some("PREFERENCE_POLICY", s.PreferencePolicy)
	some("MIN_VALUES_POLICY", s.MinValuesPolicy)
	some("CLUSTER_CA_BUNDLE", s.ClusterCABundle)
	add("CLUSTER_NAME", s.ClusterName)
	some("CLUSTER_ENDPOINT", s.ClusterEndpoint)
	some("ISOLATED_VPC", fmt.Sprint(s.IsolatedVPC))
	some("EKS_CONTROL_PLANE", fmt.Sprint(s.EKSControlPlane))
	some("VM_MEMORY_OVERHEAD_PERCENT", fmt.Sprint(s.MemoryOverhead))
	some("INTERRUPTION_QUEUE", s.InterruptionQueue)
	some("ENABLE_ZONAL_SHIFT", fmt.Sprint(s.EnableZonalShift))
	some("RESERVED_ENIS", fmt.Sprint(s.ReservedENIs))
	some("IGNORE_DRA_REQUESTS", fmt.Sprint(s.IgnoreDRARequests))
	some("DISABLE_CLUSTER_STATE_OBSERVABILITY", fmt.Sprint(s.NoObservability))
	some("DISABLE_DRY_RUN", fmt.Sprint(s.DisableDryRun))
	some("AMI_REFRESH_INTERVAL", s.AMIRefresh)
	some("SUBNET_REFRESH_INTERVAL", s.SubnetRefresh)
	return out
}

// karpenterDefaults are the chart's values.yaml.
func karpenterDefaults(r Request) *karpenterValues {
	v := &karpenterValues{
		Replicas: 2, RevisionHistory: 10, SchedulerName: "default-scheduler", DNSPolicy: "ClusterFirst", LogLevel: "info",
		ServiceAccount:      serviceAccount{Create: true},
		Strategy:            object{"rollingUpdate": object{"maxUnavailable": 1}},
		PodDisruptionBudget: pdb{Name: "karpenter", MaxUnavailable: 1},
		PodSecurityContext:  object{"fsGroup": 65532, "seccompProfile": object{"type": "RuntimeDefault"}},
	}
	v.Controller.Image.Repository = "public.ecr.aws/karpenter/controller"
	v.Controller.Image.Tag = r.Version
	v.Controller.Metrics.Port, v.Controller.HealthProbe.Port = 8080, 8081
	v.PriorityClassName = "system-cluster-critical"
	v.NodeSelector = map[string]string{"kubernetes.io/os": "linux"}
	v.Tolerations = objects{object{"key": "CriticalAddonsOnly", "operator": "Exists"}}
	selector := object{"matchLabels": object{"app.kubernetes.io/name": r.name(), "app.kubernetes.io/instance": r.Release}}
	v.Affinity = object{
		"nodeAffinity": object{"requiredDuringSchedulingIgnoredDuringExecution": object{"nodeSelectorTerms": objects{
			object{"matchExpressions": objects{object{"key": "karpenter.sh/nodepool", "operator": "DoesNotExist"}}},
		}}},
		"podAntiAffinity": object{"requiredDuringSchedulingIgnoredDuringExecution": objects{
			object{"topologyKey": "kubernetes.io/hostname", "labelSelector": selector},
		}},
	}
	v.TopologySpreadConstraints = objects{object{
		"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "DoNotSchedule",
		"labelSelector": selector,
	}}
	v.Settings = karpenterSettings{
		BatchMaxDuration: "10s", BatchIdleDuration: "1s", PreferencePolicy: "Respect", MinValuesPolicy: "Strict",
		MemoryOverhead: 0.075, ReservedENIs: "0", IgnoreDRARequests: true, AMIRefresh: "1m", SubnetRefresh: "1m",
		FeatureGates: karpenterGates{ReservedCapacity: true},
	}
	return v
}

func karpenter(_ Charts, r Request) (out []*unstructured.Unstructured, err error) {
	v := karpenterDefaults(r)
	if err := decode(r.Values, v); err != nil {
		return nil, err
	}
	if v.Settings.ClusterName == "" {
		return nil, errors.New("Chart cannot be installed without a valid settings.clusterName!") // the chart's own words
	}
	if v.ServiceAccount.Name == "" {
		v.ServiceAccount.Name = fullname(r.Release, r.name())
	}
	out, err = execute("karpenter.yaml", r, r.Version, v)
	return out, err
}

// karpenterCRD renders the CRDs as templates: they go when the release goes.
func karpenterCRD(c Charts, r Request) (out []*unstructured.Unstructured, err error) {
	v := struct {
		AdditionalAnnotations map[string]string `json:"additionalAnnotations"`
	}{}
	if err := decode(r.Values, &v); err != nil {
		return nil, err
	}
	out, err = c.karpenterCRDs()
	for _, crd := range out {
		if a := v.AdditionalAnnotations; len(a) > 0 {
			crd.SetAnnotations(union(a, crd.GetAnnotations()))
		}
	}
	return out, err
}

func (c Charts) karpenterCRDs() ([]*unstructured.Unstructured, error) {
	if c.KarpenterCRDs == nil {
		return nil, errors.New("Karpenter's CRDs are not available")
	}
	stream, err := c.KarpenterCRDs()
	if err != nil {
		return nil, fmt.Errorf("get Karpenter's CRDs: %w", err)
	}
	crds, err := kube.Objects(stream)
	if err != nil {
		return nil, fmt.Errorf("read Karpenter's CRDs: %w", err)
	}
	if len(crds) == 0 {
		return nil, errors.New("get Karpenter's CRDs: there are none")
	}
	return crds, nil
}
