// SPDX-License-Identifier: Apache-2.0

package chart_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"emrflink/internal/golden"
	"emrflink/internal/localcloud/chart"
)

type object = map[string]any

// oneCRD stands for Karpenter's: the charts only pass them on.
const oneCRD = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: nodepools.karpenter.sh}
---
# an empty document is skipped
`

func charts() chart.Charts {
	return chart.Charts{KarpenterCRDs: func() ([]byte, error) { return []byte(oneCRD), nil }}
}

// equalObjects compares objects with a file of YAML documents.
func equalObjects(t *testing.T, name string, objs []*unstructured.Unstructured) {
	t.Helper()
	var out bytes.Buffer
	for _, o := range objs {
		b, err := yaml.Marshal(o.Object)
		require.NoError(t, err)
		out.WriteString("---\n")
		out.Write(b)
	}
	golden.Equal(t, "testdata/"+name+".yaml", out.String())
}

// clusterScoped are the kinds here that live in no namespace.
func clusterScoped(kind string) bool {
	switch kind {
	case "APIService", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "CSIDriver":
		return true
	}
	return false
}

func requireValid(t *testing.T, objs []*unstructured.Unstructured) {
	t.Helper()
	seen := map[string]bool{}
	for _, o := range objs {
		key := o.GetAPIVersion() + " " + o.GetKind() + " " + o.GetNamespace() + "/" + o.GetName()
		require.NotEmpty(t, o.GetName(), key)
		require.NotEmpty(t, o.GetAPIVersion(), key)
		require.Falsef(t, seen[key], "%s twice", key)
		seen[key] = true
		require.Equal(t, clusterScoped(o.GetKind()), o.GetNamespace() == "", key)
		require.NotContains(t, o.GetKind(), "WebhookConfiguration", "nothing would answer")
		if o.GetKind() == "Deployment" || o.GetKind() == "DaemonSet" {
			selector, _, err := unstructured.NestedStringMap(o.Object, "spec", "selector", "matchLabels")
			require.NoError(t, err)
			labels, _, err := unstructured.NestedStringMap(o.Object, "spec", "template", "metadata", "labels")
			require.NoError(t, err)
			for k, v := range selector {
				require.Equal(t, v, labels[k], "the selector of %s selects its pods", key)
			}
		}
	}
}

func requests() map[string]chart.Request {
	const arn = "arn:aws:iam::111122223333:role/r"
	selector := object{"NodeGroupType": "core"}
	account := object{"create": true, "name": "cloudwatch-agent", "annotations": object{"eks.amazonaws.com/role-arn": arn}}
	return map[string]chart.Request{
		"karpenter": {
			Chart: "oci://public.ecr.aws/karpenter/karpenter", Version: "1.14.1", Release: "karpenter", Namespace: "kube-system",
			Values: object{
				"settings": object{"clusterName": "c", "interruptionQueue": "q"},
				"serviceAccount": object{
					"create": true, "name": "karpenter", "annotations": object{"eks.amazonaws.com/role-arn": arn},
				},
				"replicas": 2, "nodeSelector": selector,
				"controller": object{"resources": object{"requests": object{"cpu": "1", "memory": "1Gi"}}},
			},
		},
		"karpenter-crd": {
			Chart: "oci://public.ecr.aws/karpenter/karpenter-crd", Version: "1.14.1", Release: "karpenter-crd",
			Namespace: "kube-system",
		},
		"cert-manager": {
			Chart: "cert-manager", Repo: "https://charts.jetstack.io", Version: "v1.21.2", Release: "cert-manager",
			Namespace: "cert-manager",
			Values: object{
				"crds": object{"enabled": true, "keep": false}, "nodeSelector": selector,
				"webhook": object{"replicaCount": 2, "nodeSelector": selector}, "cainjector": object{"nodeSelector": selector},
				"startupapicheck": object{"nodeSelector": selector},
			},
		},
		"metrics-server": {
			Chart: "metrics-server", Repo: "https://kubernetes-sigs.github.io/metrics-server/", Version: "3.13.0",
			Release: "metrics-server", Namespace: "kube-system",
			Values: object{
				"replicas": 2, "nodeSelector": selector, "podDisruptionBudget": object{"enabled": true, "maxUnavailable": 1},
			},
		},
		"aws-cloudwatch-metrics": {
			Chart: "aws-cloudwatch-metrics", Repo: "https://aws.github.io/eks-charts", Version: "0.0.11",
			Release: "aws-cloudwatch-metrics", Namespace: "amazon-cloudwatch",
			Values: object{"clusterName": "c", "serviceAccount": account, "tolerations": []any{object{"operator": "Exists"}}},
		},
		"cluster-autoscaler": {
			Chart: "cluster-autoscaler", Repo: "https://kubernetes.github.io/autoscaler", Version: "9.50.1",
			Release: "autoscaler", Namespace: "kube-system",
			Values: object{"autoDiscovery": object{"clusterName": "c"}, "awsRegion": "us-west-2"},
		},
		"kube-prometheus-stack": {
			Chart: "kube-prometheus-stack", Repo: "https://prometheus-community.github.io/helm-charts", Version: "82.13.3",
			Release: "kube-prometheus-stack", Namespace: "monitoring",
			Values: object{
				"prometheus": object{"prometheusSpec": object{
					"retention": "15d", "retentionSize": "8000MB", "nodeSelector": selector,
					"podMonitorSelectorNilUsesHelmValues": false, "ruleSelectorNilUsesHelmValues": false,
					"persistentVolumeClaimRetentionPolicy": object{"whenDeleted": "Delete"},
					"storageSpec": object{"volumeClaimTemplate": object{"spec": object{
						"storageClassName": "gp3", "accessModes": []any{"ReadWriteOnce"},
						"resources": object{"requests": object{"storage": "10Gi"}},
					}}},
				}},
				"prometheusOperator": object{"admissionWebhooks": object{"enabled": false}, "tls": object{"enabled": false}},
				"defaultRules":       object{"create": false},
				"grafana": object{
					"nodeSelector": selector, "grafana.ini": object{"auth": object{"disable_login_form": true}},
				},
			},
		},
		"flink-operator": {
			Chart: "oci://public.ecr.aws/emr-on-eks/flink-kubernetes-operator", Version: "7.13.0",
			Release: "flink-kubernetes-operator", Namespace: "flink-kubernetes-operator",
			Values: object{
				"emrContainers": object{"awsRegion": "us-west-2", "operatorExecutionRoleArn": arn},
				"replicas":      2, "highAvailabilityEnabled": true, "operatorPod": object{"nodeSelector": selector},
			},
		},
	}
}

func TestChartsRender(t *testing.T) {
	t.Parallel()
	for name, r := range requests() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := charts().Render(r)
			require.NoError(t, err)
			requireValid(t, out.Objects)
			equalObjects(t, name, out.Objects)
		})
	}
	require.Len(t, requests(), len(chart.Names()), "every chart is rendered here")
}

// TestChartsOfAMirrorRender: a mirror keeps the path of a chart below its registry, and the name of one in a repository.
func TestChartsOfAMirrorRender(t *testing.T) {
	t.Parallel()
	for from, to := range map[string][2]string{
		"karpenter":      {"oci://1.dkr.ecr.us-west-2.amazonaws.com/ecr-public/karpenter/karpenter", ""},
		"karpenter-crd":  {"oci://r.example.com/karpenter/karpenter-crd", ""},
		"cert-manager":   {"oci://r.example.com/charts/cert-manager", ""},
		"metrics-server": {"metrics-server", "https://charts.example.com/all"},
	} {
		r := requests()[from]
		want, err := charts().Render(r)
		require.NoError(t, err)
		r.Chart, r.Repo = to[0], to[1]
		got, err := charts().Render(r)
		require.NoError(t, err, from)
		require.Equal(t, want, got)
	}
}

func TestChartsRefuse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		of     string
		change func(*chart.Request)
		want   string
	}{
		"an unknown chart": {"karpenter", func(r *chart.Request) { r.Chart = "cert-manger" },
			`chart "cert-manger": the local target has no stand-in for this chart; the nearest is "cert-manager"`},
		"another repository": {"cert-manager", func(r *chart.Request) { r.Repo = "https://charts.jetstack.io/old" },
			`it is in "https://charts.jetstack.io"`},
		"another version": {"karpenter", func(r *chart.Request) { r.Version = "1.13.0" }, "the stand-in is of 1.14.1"},
		"an unknown value": {"karpenter", func(r *chart.Request) { r.Values = object{"settings": object{"clustername": "c"}} },
			`value settings.clustername is not one the stand-in knows; the nearest is "clusterName"`},
		"a value of a type": {"metrics-server", func(r *chart.Request) { r.Values = object{"replicas": "two"} },
			"value replicas: want int, got a string"},
		"a removed value": {"karpenter", func(r *chart.Request) { r.Values = object{"webhook": object{"enabled": false}} },
			"value webhook is not one"},
		"no cluster name": {"karpenter", func(r *chart.Request) { r.Values = nil }, "settings.clusterName"},
		"one replica too few": {"flink-operator", func(r *chart.Request) { r.Values = object{"highAvailabilityEnabled": false} },
			"leader election"},
		"a job's label": {"flink-operator", func(r *chart.Request) {
			r.Values = object{"emrContainers": object{"emrReleaseLabel": "emr-7.13.0-flink-latest"}}
		}, "want emr-7.x.0-flink-k8s-operator"},
		"a region without EMR's registry": {"flink-operator", func(r *chart.Request) {
			r.Values = object{"emrContainers": object{"awsRegion": "mars-1"}}
		}, "names no registry"},
		"a chart of nobody in a mirror": {"karpenter", func(r *chart.Request) { r.Chart = "oci://r.example.com/mykarpenter" },
			"has no stand-in"},
		"a mirror over plain HTTP": {"cert-manager", func(r *chart.Request) { r.Repo = "http://charts.example.com" }, "it is in"},
		"rules of the chart": {"kube-prometheus-stack", func(r *chart.Request) {
			off := object{"enabled": false}
			r.Values = object{"prometheusOperator": object{"admissionWebhooks": off, "tls": off}}
		}, "none of the chart's rules"},
		"a webhook of Prometheus": {"kube-prometheus-stack", func(r *chart.Request) { r.Values = nil }, "no webhook"},
		"monitors of the release": {"kube-prometheus-stack", func(r *chart.Request) {
			delete(r.Values, "prometheus")
		}, "podMonitorSelectorNilUsesHelmValues"},
		"an old release": {"flink-operator", func(r *chart.Request) { r.Version = "7.1.0" }, "EMR 7.6.0 to 7.14.0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := requests()[c.of]
			c.change(&r)
			_, err := charts().Render(r)
			require.ErrorContains(t, err, c.want)
		})
	}
	_, err := chart.Charts{}.Render(requests()["karpenter-crd"])
	require.ErrorContains(t, err, "CRDs are not available")
}

func TestCRDsOfTheFlinkOperatorHaveEMRsFields(t *testing.T) {
	t.Parallel()
	out, err := charts().Render(requests()["flink-operator"])
	require.NoError(t, err)
	require.Len(t, out.CRDs, 3)
	require.Equal(t, "flinkdeployments.flink.apache.org", out.CRDs[0].GetName())
	versions, _, err := unstructured.NestedSlice(out.CRDs[0].Object, "spec", "versions")
	require.NoError(t, err)
	version, ok := versions[0].(object)
	require.True(t, ok)
	spec := []string{"schema", "openAPIV3Schema", "properties", "spec", "properties"}
	for _, path := range [][]string{
		{"emrReleaseLabel"}, {"executionRoleArn"}, {"jobManager", "properties", "highAvailabilityEnabled"},
		{"jobManager", "properties", "storageDir"}, {"jobManager", "properties", "replicas"}, {"flinkVersion"},
		{"monitoringConfiguration", "properties", "cloudWatchMonitoringConfiguration", "properties", "logGroupName"},
	} {
		_, found, err := unstructured.NestedMap(version, append(append([]string{}, spec...), path...)...)
		require.NoError(t, err)
		require.Truef(t, found, "%v", path)
	}
}

func TestAddonsRender(t *testing.T) {
	t.Parallel()
	config := map[string]object{
		"vpc-cni":            {"enableNetworkPolicy": "true"},
		"aws-ebs-csi-driver": {"controller": object{"extraVolumeTags": object{"b": "2", "a": "1"}}},
	}
	for _, name := range chart.AddonNames() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := chart.Addon(name, "v1.2.3-eksbuild.1", config[name], "arn:aws:iam::111122223333:role/r")
			require.NoError(t, err)
			requireValid(t, out)
			equalObjects(t, "addon-"+name, out)
		})
	}
	_, err := chart.Addon("core-dns", "", nil, "")
	require.ErrorContains(t, err, `the nearest is "coredns"`)
	_, err = chart.Addon("vpc-cni", "", object{"enableNetworkPolicies": "true"}, "")
	require.ErrorContains(t, err, `ConfigurationValue provided in request is not supported: `+
		`value enableNetworkPolicies is not one the stand-in knows; the nearest is "enableNetworkPolicy"`)
}
