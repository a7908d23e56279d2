// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"errors"
	"maps"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// workload is one of cert-manager's three Deployments.
type workload struct {
	placement

	ReplicaCount        int            `json:"replicaCount"`
	ServiceAccount      serviceAccount `json:"serviceAccount"`
	PodDisruptionBudget pdb            `json:"podDisruptionBudget"`
}

type certManagerValues struct {
	workload

	ImageRegistry string `json:"imageRegistry"`

	CRDs struct {
		Enabled bool `json:"enabled"`
		Keep    bool `json:"keep"`
	} `json:"crds"`
	Webhook    workload `json:"webhook"`
	CAInjector workload `json:"cainjector"`
	// StartupAPICheck is a hook: Helm runs its job after the install. Its values
	// are taken; no job is made.
	StartupAPICheck struct {
		placement

		Enabled bool `json:"enabled"`
	} `json:"startupapicheck"`
	EnableCertificateOwnerRef bool `json:"enableCertificateOwnerRef"`
}

// component is one Deployment of cert-manager for the template.
type component struct {
	workload

	Name, Image, Part string
}

// Components are cert-manager's Deployments.
func (v *certManagerValues) Components() []component {
	part := func(w workload, name, image, what string) component {
		if w.ServiceAccount.Name == "" {
			w.ServiceAccount.Name = name
		}
		return component{workload: w, Name: name, Image: v.ImageRegistry + "/jetstack/cert-manager-" + image, Part: what}
	}
	return []component{
		part(v.workload, "cert-manager", "controller", "controller"),
		part(v.CAInjector, "cert-manager-cainjector", "cainjector", "cainjector"),
		part(v.Webhook, "cert-manager-webhook", "webhook", "webhook"),
	}
}

func certManager(_ Charts, r Request) (out []*unstructured.Unstructured, err error) {
	one := workload{ReplicaCount: 1, ServiceAccount: serviceAccount{Create: true}}
	v := &certManagerValues{workload: one, Webhook: one, CAInjector: one}
	v.CRDs.Keep, v.ImageRegistry = true, "quay.io"
	if err := decode(r.Values, v); err != nil {
		return nil, err
	}
	if r.Release != r.name() {
		return nil, errors.New("the stand-in takes no other release name than cert-manager")
	}
	if v.CRDs.Enabled {
		if out, err = execute("cert-manager-crds.yaml", r, r.Version, v); err != nil {
			return nil, err
		}
	}
	more, err := execute("cert-manager.yaml", r, r.Version, v)
	return append(out, more...), err
}

type metricsServerValues struct {
	placement
	repository

	Replicas            int            `json:"replicas"`
	ServiceAccount      serviceAccount `json:"serviceAccount"`
	PodDisruptionBudget pdb            `json:"podDisruptionBudget"`
	Args                []string       `json:"args"`
	ContainerPort       int            `json:"containerPort"`
}

func metricsServer(_ Charts, r Request) (out []*unstructured.Unstructured, err error) {
	v := &metricsServerValues{Replicas: 1, ServiceAccount: serviceAccount{Create: true}, ContainerPort: 10250}
	v.PriorityClassName, v.Image.Repository = "system-cluster-critical", "registry.k8s.io/metrics-server/metrics-server"
	v.Resources = object{"requests": object{"cpu": "100m", "memory": "200Mi"}}
	if err := decode(r.Values, v); err != nil {
		return nil, err
	}
	if v.ServiceAccount.Name == "" {
		v.ServiceAccount.Name = fullname(r.Release, r.name())
	}
	out, err = execute("metrics-server.yaml", r, "0.8.0", v)
	return out, err
}

type cloudWatchValues struct {
	placement
	repository

	ClusterName    string         `json:"clusterName"`
	ServiceAccount serviceAccount `json:"serviceAccount"`
	HostNetwork    bool           `json:"hostNetwork"`
}

func cloudWatchMetrics(_ Charts, r Request) (out []*unstructured.Unstructured, err error) {
	v := &cloudWatchValues{ClusterName: "cluster_name", ServiceAccount: serviceAccount{Create: true}}
	v.Image.Repository = "amazon/cloudwatch-agent"
	v.Resources = object{
		"limits": object{"cpu": "200m", "memory": "200Mi"}, "requests": object{"cpu": "200m", "memory": "200Mi"},
	}
	if err := decode(r.Values, v); err != nil {
		return nil, err
	}
	if v.ServiceAccount.Name == "" {
		v.ServiceAccount.Name = fullname(r.Release, r.name())
	}
	out, err = execute("cloudwatch-metrics.yaml", r, "1.300032.2b361", v)
	return out, err
}

type autoscalerValues struct {
	placement
	repository

	AutoDiscovery struct {
		ClusterName string `json:"clusterName"`
	} `json:"autoDiscovery"`
	AWSRegion    string            `json:"awsRegion"`
	ReplicaCount int               `json:"replicaCount"`
	ExtraArgs    map[string]any    `json:"extraArgs"`
	PodLabels    map[string]string `json:"podLabels"`
	RBAC         struct {
		ServiceAccount serviceAccount `json:"serviceAccount"`
	} `json:"rbac"`
}

func clusterAutoscaler(_ Charts, r Request) (out []*unstructured.Unstructured, err error) {
	v := &autoscalerValues{ReplicaCount: 1, AWSRegion: "us-east-1"}
	v.RBAC.ServiceAccount.Create, v.Image.Repository = true, "registry.k8s.io/autoscaling/cluster-autoscaler"
	v.PriorityClassName = "system-cluster-critical"
	defaults := map[string]any{"logtostderr": true, "stderrthreshold": "info", "v": 4}
	if err := decode(r.Values, v); err != nil {
		return nil, err
	}
	if v.AutoDiscovery.ClusterName == "" {
		return nil, errors.New("autoDiscovery.clusterName is required")
	}
	maps.Copy(defaults, v.ExtraArgs)
	v.ExtraArgs = defaults
	if v.RBAC.ServiceAccount.Name == "" {
		v.RBAC.ServiceAccount.Name = r.Release + "-aws-cluster-autoscaler"
	}
	out, err = execute("cluster-autoscaler.yaml", r, "1.35.0", v)
	return out, err
}

type issuerKind struct{ Kind, Singular, Plural, Scope string }

// IssuerKinds are the two kinds of issuer, which differ in their scope.
func (v *certManagerValues) IssuerKinds() []issuerKind {
	return []issuerKind{
		{"Issuer", "issuer", "issuers", "Namespaced"}, {"ClusterIssuer", "clusterissuer", "clusterissuers", "Cluster"},
	}
}
