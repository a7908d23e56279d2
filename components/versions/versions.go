// SPDX-License-Identifier: Apache-2.0

// Package versions is the one table of pinned versions: Kubernetes, addons, charts, the EMR release and the node image.
// Each entry says which rule connects it with the others and the source of that rule. No other code contains a version.
package versions

import "slices"

// Kubernetes is the default Kubernetes version of a cluster.
const Kubernetes = "1.35"

// AMIAlias pins the image of the nodes that Karpenter launches. A moving alias (@latest) would replace every node, and
// restart every job on it, each time AWS publishes an image. Source: awslabs/amazon-eks-ami release v20261023, built for
// Kubernetes 1.31 to 1.37.
const AMIAlias = "al2023@v20261023"

// Chart is a pinned Helm chart.
type Chart struct {
	// Name is the chart's name or its full oci:// reference.
	Name string
	// Repo is the repository's URL, empty for oci:// references.
	Repo string
	// Version is the exact chart version.
	Version string
	// Images are those that it runs, as far as a value of the chart names them.
	Images []Image
}

// Karpenter's two charts have one version: the CRDs must match the controller. 1.14 supports Kubernetes up to 1.36
// (karpenter.sh, compatibility matrix), needs ec2:DescribeInstanceStatus and iam:ListInstanceProfiles, and is the newest
// version whose documentation and IAM policies have been read.
func Karpenter() Chart {
	return Chart{Name: "oci://public.ecr.aws/karpenter/karpenter", Version: "1.14.1", Images: karpenterImages()}
}

// KarpenterCRD installs Karpenter's CRDs as templates, so that an upgrade upgrades them (Helm never upgrades crds/).
func KarpenterCRD() Chart {
	return Chart{Name: "oci://public.ecr.aws/karpenter/karpenter-crd", Version: "1.14.1"}
}

// CertManager serves the Flink operator's webhook. 1.21 supports Kubernetes 1.33 to 1.36 (cert-manager.io, supported
// releases); the v1.12.0 of EMR's documentation is out of support.
func CertManager() Chart {
	return Chart{Name: "cert-manager", Repo: "https://charts.jetstack.io", Version: "v1.21.2", Images: certManagerImages()}
}

// MetricsServer is the chart of metrics-server 0.8, which supports Kubernetes 1.31 and later (its README's matrix).
func MetricsServer() Chart {
	return Chart{
		Name: "metrics-server", Repo: "https://kubernetes-sigs.github.io/metrics-server/", Version: "3.13.0",
		Images: metricsServerImages(),
	}
}

// CloudWatchMetrics is the newest chart of aws/eks-charts for the CloudWatch agent.
func CloudWatchMetrics() Chart {
	return Chart{
		Name: "aws-cloudwatch-metrics", Repo: "https://aws.github.io/eks-charts", Version: "0.0.11",
		Images: []Image{{Repository: CloudWatchAgent, Value: "image.repository"}},
	}
}

// PrometheusStack is the chart of Prometheus' operator, Prometheus, Alertmanager, Grafana and the exporters. It supports
// Kubernetes 1.25 and later (kubeVersion of its Chart.yaml).
func PrometheusStack() Chart {
	return Chart{
		Name: "kube-prometheus-stack", Repo: "https://prometheus-community.github.io/helm-charts", Version: "82.13.3",
		Images: prometheusImages(),
	}
}

// ClusterAutoscaler is the chart whose application is cluster-autoscaler 1.35.0.
func ClusterAutoscaler() Chart {
	return Chart{
		Name: "cluster-autoscaler", Repo: "https://kubernetes.github.io/autoscaler", Version: "9.59.0",
		Images: clusterAutoscalerImages(),
	}
}

// ClusterAutoscalerRule holds when cluster-autoscaler is on: it simulates the scheduler of one Kubernetes version, and is
// tested with no other.
func ClusterAutoscalerRule() KubernetesSupport {
	return KubernetesSupport{
		Part: "cluster-autoscaler 1.35.0 (chart " + ClusterAutoscaler().Version + ")", Min: 35, Max: 35,
		Source: "https://github.com/kubernetes/autoscaler/tree/master/cluster-autoscaler#releases",
	}
}

// Addon is an EKS addon.
type Addon struct {
	// Name is EKS's name of the addon.
	Name string
	// Version is empty: EKS then installs its default version for the cluster's Kubernetes version, which is the only
	// version known to match. Builds (v1.2.3-eksbuild.4) differ per Kubernetes version and are withdrawn over time.
	// Once installed, the version is in the state and does not move by itself. A stack chooses others by its key
	// addonVersions.
	Version string
}

// VPCCNI gives pods their addresses and enforces network policies.
func VPCCNI() Addon { return Addon{Name: "vpc-cni"} }

// KubeProxy implements Services on the nodes.
func KubeProxy() Addon { return Addon{Name: "kube-proxy"} }

// PodIdentityAgent serves credentials to pods with a pod identity association.
func PodIdentityAgent() Addon { return Addon{Name: "eks-pod-identity-agent"} }

// CoreDNS resolves names in the cluster.
func CoreDNS() Addon { return Addon{Name: "coredns"} }

// EBSCSI provisions EBS volumes.
func EBSCSI() Addon { return Addon{Name: "aws-ebs-csi-driver"} }

// Addons are all of them.
func Addons() []Addon {
	return []Addon{VPCCNI(), KubeProxy(), PodIdentityAgent(), CoreDNS(), EBSCSI()}
}

// EMRRelease ties the four names under which one EMR release appears.
type EMRRelease struct {
	// Version is EMR's release number. The operator chart has the same version.
	Version string
	// Label is the emrReleaseLabel of Flink deployments. It is dated: images behind -latest move, and a job manager and
	// task managers that pulled at different times do not work together.
	Label string
	// FlinkVersion is the flinkVersion of Flink deployments.
	FlinkVersion string
	// OperatorChart is the chart of the EMR Flink Kubernetes operator.
	OperatorChart Chart
}

// DefaultEMRRelease is the newest release whose operator chart is documented by AWS.
const DefaultEMRRelease = "7.13.0"

// EMRReleases lists the supported releases, oldest first: those with a published operator chart and a dated image.
// Source: EMR on EKS Development Guide, pages emr-eks-7.9.0 to emr-eks-7.13.0; all of them run Flink 1.20.
func EMRReleases() []EMRRelease {
	release := func(version, date string) EMRRelease {
		return EMRRelease{
			Version: version, Label: "emr-" + version + "-flink-" + date, FlinkVersion: "v1_20",
			OperatorChart: Chart{Name: "oci://public.ecr.aws/emr-on-eks/flink-kubernetes-operator", Version: version},
		}
	}
	return []EMRRelease{release("7.9.0", "20250425"), release("7.12.0", "20251111"), release("7.13.0", "20260410")}
}

// EMR finds a supported release by its version.
func EMR(version string) (EMRRelease, bool) {
	releases := EMRReleases()
	i := slices.IndexFunc(releases, func(r EMRRelease) bool { return r.Version == version })
	if i < 0 {
		return EMRRelease{}, false
	}
	return releases[i], true
}

// KubernetesSupport says which part limits the Kubernetes versions and to what.
type KubernetesSupport struct {
	// Part is the pinned component.
	Part string
	// Min and Max are the first and last supported minor versions of Kubernetes 1.x.
	Min, Max int
	// Source is where the limits are published.
	Source string
}

// KubernetesRules lists the limits that the pinned parts put on the Kubernetes version.
func KubernetesRules() []KubernetesSupport {
	return []KubernetesSupport{
		{
			Part: "Karpenter " + Karpenter().Version, Min: 26, Max: 36,
			Source: "karpenter-provider-aws v1.14.1 pkg/providers/version",
		},
		{Part: "cert-manager " + CertManager().Version, Min: 33, Max: 36, Source: "https://cert-manager.io/docs/releases/"},
		{
			Part: "node image " + AMIAlias, Min: 31, Max: 37,
			Source: "https://github.com/awslabs/amazon-eks-ami/releases/tag/v20261023",
		},
	}
}
