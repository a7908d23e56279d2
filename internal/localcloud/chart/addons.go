// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/stacks/nearest"
)

// addonData is what an addon's template sees.
type addonData struct {
	Version, RoleARN string
	Values           any
	Labels           map[string]string
}

// addon is one EKS addon: its template, and the configuration values that the
// blueprint uses.
type addon struct {
	template string
	values   func() any
}

type vpcCNIValues struct {
	EnableNetworkPolicy string            `json:"enableNetworkPolicy"`
	Env                 map[string]string `json:"env"`
}

type coreDNSValues struct {
	placement

	ReplicaCount int `json:"replicaCount"`
}

type ebsCSIValues struct {
	Controller struct {
		placement

		ExtraVolumeTags map[string]string `json:"extraVolumeTags"`
		ReplicaCount    int               `json:"replicaCount"`
	} `json:"controller"`
	Node struct {
		TolerateAllTaints bool `json:"tolerateAllTaints"`
	} `json:"node"`
}

func addons() map[string]addon {
	none := func() any { return &struct{}{} }
	return map[string]addon{
		"vpc-cni":                {"addon-vpc-cni.yaml", func() any { return &vpcCNIValues{EnableNetworkPolicy: "false"} }},
		"kube-proxy":             {"addon-kube-proxy.yaml", none},
		"eks-pod-identity-agent": {"addon-pod-identity.yaml", none},
		"coredns":                {"addon-coredns.yaml", func() any { return &coreDNSValues{ReplicaCount: 2} }},
		"aws-ebs-csi-driver": {"addon-ebs-csi.yaml", func() any {
			v := &ebsCSIValues{}
			v.Controller.ReplicaCount = 2
			return v
		}},
	}
}

// AddonNames returns the EKS addons that have a stand-in, sorted.
func AddonNames() []string { return slices.Sorted(maps.Keys(addons())) }

// Addon returns what the EKS addon installs. config are its configuration
// values; a key that the stand-in does not know is an error. roleARN is the
// addon's IAM role, "" for none.
func Addon(name, version string, config map[string]any, roleARN string) ([]*unstructured.Unstructured, error) {
	a, ok := addons()[name]
	if !ok {
		return nil, fmt.Errorf("addon %q: the local target has no stand-in for it%s", name, nearest.Suggest(name, AddonNames()))
	}
	values := a.values()
	if err := decode(config, values); err != nil {
		return nil, fmt.Errorf("addon %q: ConfigurationValue provided in request is not supported: %w", name, err)
	}
	if version == "" {
		version = "latest"
	}
	out, err := fill(a.template, addonData{
		Version: version, RoleARN: roleARN, Values: values, Labels: map[string]string{"app.kubernetes.io/managed-by": "EKS"},
	})
	if err != nil {
		return nil, fmt.Errorf("addon %q: %w", name, err)
	}
	return out, nil
}
