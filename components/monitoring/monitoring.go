// SPDX-License-Identifier: Apache-2.0

// Package monitoring collects the metrics of jobs, operator, Karpenter and nodes: with a Prometheus and a Grafana in the
// cluster. What is collected, shown and alerted about is described in package observability.
package monitoring

import (
	"errors"
	"fmt"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"emrflink/components/cluster"
	"emrflink/components/deployment"
	"emrflink/components/helm"
	"emrflink/components/manifest"
	"emrflink/components/versions"
	"emrflink/observability"
)

// Token is the Pulumi type of a Prometheus in the cluster.
const Token = "emrflink:monitoring:InCluster"

// Name is the release's, from which the chart makes the names of its objects.
const Name = "kube-prometheus-stack"

// Args describe a Prometheus in the cluster.
type Args struct {
	// Deployment is the deployment of the metrics.
	Deployment *deployment.Deployment
	// Targets are the pods whose metrics are collected.
	Targets []observability.Target
	// RetentionDays is how long they are kept, VolumeGiB on how large a volume of StorageClass.
	RetentionDays, VolumeGiB int
	StorageClass             string
	// Grafana installs it with the dashboards, Alerts the rules and an Alertmanager.
	Grafana, Alerts bool
	// Kubernetes is the provider of the cluster.
	Kubernetes *kubernetes.Provider
	// After must be ready first: nodes, CoreDNS, and the driver of volumes.
	After []pulumi.CustomResource
}

// InCluster is an installed Prometheus.
type InCluster struct {
	pulumi.ResourceState

	// Release is the chart's.
	Release *helm.Release
}

// MinVolumeGiB is the smallest volume on which compaction has room.
const MinVolumeGiB = 10

// VolumeGiB is the volume for a number of teams: some jobs each, at 30 seconds and two bytes a sample, for two weeks.
func VolumeGiB(teams int) int { return 20 + 10*teams }

// NewInCluster installs kube-prometheus-stack, whose pods run on core nodes but for a node-exporter on every node, and
// tells it what to collect.
func NewInCluster(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*InCluster, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("monitoring %q: %w", name, err)
	}
	m := &InCluster{}
	if err := ctx.RegisterComponentResource(Token, name, m, opts...); err != nil {
		return nil, fmt.Errorf("register %s %q: %w", Token, name, err)
	}
	parent, provider := pulumi.Parent(m), pulumi.Provider(args.Kubernetes)
	// node-exporter reads the host's file systems. The namespace has the volume's claim: it is deleted even with the
	// cluster, while the driver can delete the volume.
	ns, err := manifest.New(ctx, name+"-namespace", &manifest.Args{
		APIVersion: "v1", Kind: "Namespace", Name: observability.Namespace, Annotations: deployment.Owned(),
		Labels: pulumi.StringMap{"pod-security.kubernetes.io/enforce": pulumi.String("privileged")},
	}, parent, provider, deployment.DependsOn(args.After...))
	if err != nil {
		return nil, err
	}
	own := func(resource, apiVersion, kind, object string, fields pulumi.Map, after pulumi.CustomResource) error {
		_, err := manifest.New(ctx, name+"-"+resource, &manifest.Args{
			APIVersion: apiVersion, Kind: kind, Name: object, Namespace: observability.Namespace,
			Annotations: deployment.Owned(), Labels: labels(kind), Fields: fields,
		}, parent, provider, deployment.DependsOn(after), deployment.EndsWithCluster(args.Kubernetes))
		return err
	}
	// Neither Prometheus nor Grafana asks who somebody is: only what runs beside them, and port-forwards, which come from
	// the node, reach them.
	err = own("closed", "networking.k8s.io/v1", "NetworkPolicy", "within-monitoring", pulumi.Map{"spec": pulumi.Map{
		"podSelector": pulumi.Map{}, "policyTypes": pulumi.ToStringArray([]string{"Ingress"}),
		"ingress": pulumi.Array{pulumi.Map{"from": pulumi.Array{pulumi.Map{"podSelector": pulumi.Map{}}}}},
	}}, ns)
	if err != nil {
		return nil, err
	}
	if m.Release, err = release(ctx, name, args, parent, provider, deployment.DependsOn(append(args.After, ns)...)); err != nil {
		return nil, err
	}
	for _, t := range args.Targets {
		err := own(t.Name, "monitoring.coreos.com/v1", "PodMonitor", t.Name, pulumi.Map{"spec": plain(t.PodMonitor())}, m.Release)
		if err != nil {
			return nil, err
		}
	}
	if args.Alerts {
		err := own("rules", "monitoring.coreos.com/v1", "PrometheusRule", "emrflink",
			pulumi.Map{"spec": plain(observability.Groups(observability.Alerts()))}, m.Release)
		if err != nil {
			return nil, err
		}
	}
	if args.Grafana {
		for _, d := range observability.Dashboards() {
			err := own(d.UID, "v1", "ConfigMap", d.UID,
				pulumi.Map{"data": pulumi.StringMap{d.UID + ".json": pulumi.String(d.Grafana())}}, ns)
			if err != nil {
				return nil, err
			}
		}
	}
	return m, ctx.RegisterResourceOutputs(m, pulumi.Map{})
}

// labels are those by which Grafana's sidecar finds a dashboard.
func labels(kind string) pulumi.StringMap {
	if kind == "ConfigMap" {
		return pulumi.StringMap{"grafana_dashboard": pulumi.String("1")}
	}
	return nil
}

// plain makes Pulumi's values of JSON's.
func plain(v any) pulumi.Input {
	switch v := v.(type) {
	case map[string]any:
		out := pulumi.Map{}
		for k, item := range v {
			out[k] = plain(item)
		}
		return out
	case []any:
		out := pulumi.Array{}
		for _, item := range v {
			out = append(out, plain(item))
		}
		return out
	case []string:
		return pulumi.ToStringArray(v)
	case map[string]string:
		return pulumi.ToStringMap(v)
	case bool:
		return pulumi.Bool(v)
	case int:
		return pulumi.Int(v)
	}
	return pulumi.String(fmt.Sprint(v))
}

func release(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*helm.Release, error) {
	chart, core := versions.PrometheusStack(), pulumi.ToStringMap(cluster.CoreSelector())
	off := pulumi.Map{"enabled": pulumi.Bool(false)}
	const full = 85 // percent of the volume at which the oldest samples go: compaction needs room beside them
	return helm.NewRelease(ctx, name+"-chart", &helm.Args{
		Name: Name, Chart: chart.Name, Repo: chart.Repo, Version: chart.Version,
		Mirrors: args.Deployment.Mirrors, Images: chart.Images,
		Namespace: pulumi.String(observability.Namespace),
		Values: pulumi.Map{
			"prometheus": pulumi.Map{"prometheusSpec": pulumi.Map{
				"retention":     pulumi.Sprintf("%dd", args.RetentionDays),
				"retentionSize": pulumi.Sprintf("%dMB", args.VolumeGiB*1024*full/100),
				"nodeSelector":  core,
				"resources": pulumi.Map{
					"requests": pulumi.StringMap{"cpu": pulumi.String("500m"), "memory": pulumi.String("2Gi")},
					"limits":   pulumi.StringMap{"memory": pulumi.String("4Gi")},
				},
				// Ours have no label of the release.
				"podMonitorSelectorNilUsesHelmValues": pulumi.Bool(false), "ruleSelectorNilUsesHelmValues": pulumi.Bool(false),
				// The volume goes with Prometheus: without this its claim would stay.
				"persistentVolumeClaimRetentionPolicy": pulumi.Map{"whenDeleted": pulumi.String("Delete")},
				"storageSpec": pulumi.Map{"volumeClaimTemplate": pulumi.Map{"spec": pulumi.Map{
					"storageClassName": pulumi.String(args.StorageClass),
					"accessModes":      pulumi.ToStringArray([]string{"ReadWriteOnce"}),
					"resources":        pulumi.Map{"requests": pulumi.Map{"storage": pulumi.Sprintf("%dGi", args.VolumeGiB)}},
				}}},
			}},
			// Its webhook would need a certificate, and checks only what a test has checked already.
			"prometheusOperator": pulumi.Map{
				"nodeSelector": core, "admissionWebhooks": off, "tls": off,
			},
			"kube-state-metrics": pulumi.Map{"nodeSelector": core},
			"alertmanager": pulumi.Map{
				"enabled": pulumi.Bool(args.Alerts), "alertmanagerSpec": pulumi.Map{"nodeSelector": core},
			},
			"grafana": grafana(args, core),
			// EKS does not let anybody read these.
			"kubeControllerManager": off, "kubeScheduler": off, "kubeEtcd": off, "kubeProxy": off,
			"defaultRules": pulumi.Map{"create": pulumi.Bool(false)},
		},
	}, opts...)
}

// grafana shows everything and changes nothing: who reaches it has the right to make port-forwards, and there is no
// password that everybody knows.
func grafana(args *Args, core pulumi.StringMap) pulumi.Map {
	if !args.Grafana {
		return pulumi.Map{"enabled": pulumi.Bool(false)}
	}
	return pulumi.Map{
		"enabled": pulumi.Bool(true), "nodeSelector": core, "defaultDashboardsEnabled": pulumi.Bool(false),
		"grafana.ini": pulumi.Map{
			"auth":           pulumi.Map{"disable_login_form": pulumi.Bool(true)},
			"auth.anonymous": pulumi.Map{"enabled": pulumi.Bool(true), "org_role": pulumi.String("Viewer")},
			"security":       pulumi.Map{"disable_initial_admin_creation": pulumi.Bool(true)},
		},
	}
}

func (a *Args) validate() error {
	switch {
	case a == nil:
		return errors.New("no arguments")
	case a.Kubernetes == nil:
		return errors.New("no Kubernetes provider")
	case len(a.After) == 0:
		return errors.New("nothing to wait for: nodes and the driver of volumes must be ready first")
	case len(a.Targets) == 0:
		return errors.New("nothing to collect")
	case a.RetentionDays <= 0 || a.VolumeGiB <= 0 || a.StorageClass == "":
		return fmt.Errorf("retention of %d days on a volume of %d GiB of class %q", a.RetentionDays, a.VolumeGiB, a.StorageClass)
	}
	return a.Deployment.Validate()
}
