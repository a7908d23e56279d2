// SPDX-License-Identifier: Apache-2.0

package addons

import (
	"errors"
	"fmt"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"emrflink/components/cluster"
	"emrflink/components/deployment"
	"emrflink/components/helm"
	"emrflink/components/irsa"
	"emrflink/components/manifest"
	"emrflink/components/versions"
)

// Token is the Pulumi type of Addons.
const Token = "emrflink:addons:Addons"

// Names in the cluster.
const (
	// StorageClass is the default storage class: encrypted gp3 volumes.
	StorageClass         = "gp3"
	certManagerNamespace = "cert-manager"
)

// Args describe the addons that run on nodes.
type Args struct {
	// Deployment is the deployment of the addons.
	Deployment *deployment.Deployment
	// ClusterName is the cluster, OidcProviderArn and OidcIssuer its identity provider.
	ClusterName, OidcProviderArn, OidcIssuer pulumi.StringInput
	// PodIdentityCluster replaces the identity provider for the EBS CSI driver; see package irsa.
	PodIdentityCluster pulumi.StringInput
	// KmsKeyArn encrypts volumes of the default storage class; nil is AWS's own key.
	KmsKeyArn pulumi.StringPtrInput
	// Kubernetes is the provider of the cluster.
	Kubernetes *kubernetes.Provider
	// Nodes must be ready first: the core nodes.
	Nodes []pulumi.CustomResource
}

// Addons has the addons that run on nodes.
type Addons struct {
	pulumi.ResourceState

	// Base is CoreDNS: nothing that resolves a name works before it. The EBS CSI driver takes a minute; what mounts a volume
	// waits for the storage class.
	Base []pulumi.CustomResource
	// Storage is the default storage class, whose driver makes and deletes volumes.
	Storage pulumi.CustomResource
	// CertManager is ready when its webhook answers.
	CertManager *helm.Release
	// MetricsServer serves metrics.k8s.io.
	MetricsServer *helm.Release
}

// NewAddons installs CoreDNS, the EBS CSI driver with its role, a default storage class, cert-manager and metrics-server.
func NewAddons(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Addons, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("addons %q: %w", name, err)
	}
	a := &Addons{}
	if err := ctx.RegisterComponentResource(Token, name, a, opts...); err != nil {
		return nil, fmt.Errorf("register %s %q: %w", Token, name, err)
	}
	parent, nodes := pulumi.Parent(a), deployment.DependsOn(args.Nodes...)
	coredns, err := newAddon(ctx, name, args.Deployment, args.ClusterName, versions.CoreDNS(),
		map[string]any{"nodeSelector": coreLinux()}, nil, parent, nodes)
	if err != nil {
		return nil, err
	}
	ebs, err := ebsCSI(ctx, name, args, parent)
	if err != nil {
		return nil, err
	}
	a.Base = []pulumi.CustomResource{coredns}
	if a.Storage, err = storageClass(ctx, name, args, parent, deployment.DependsOn(ebs)); err != nil {
		return nil, err
	}
	after := deployment.DependsOn(append([]pulumi.CustomResource{coredns}, args.Nodes...)...)
	if a.CertManager, err = certManager(ctx, name, args, parent, after); err != nil {
		return nil, err
	}
	if a.MetricsServer, err = metricsServer(ctx, name, args, parent, after); err != nil {
		return nil, err
	}
	return a, ctx.RegisterResourceOutputs(a, pulumi.Map{})
}

// ebsCSI tags the volumes that it makes with the deployment's tags, which is how cleanup finds one that was left over.
func ebsCSI(ctx *pulumi.Context, name string, args *Args, parent pulumi.ResourceOption) (pulumi.CustomResource, error) {
	role, err := irsa.NewRole(ctx, name+"-ebs-csi", &irsa.Args{
		Deployment:         args.Deployment,
		RoleName:           args.Deployment.AccountName("ebs-csi"),
		Description:        "EBS CSI driver of EKS cluster " + args.Deployment.Name,
		OidcProviderArn:    args.OidcProviderArn,
		OidcIssuer:         args.OidcIssuer,
		PodIdentityCluster: args.PodIdentityCluster,
		Namespace:          "kube-system",
		ServiceAccounts:    []string{"ebs-csi-controller-sa"},
		ManagedPolicyArns:  []string{args.Deployment.ManagedPolicyARN("service-role/AmazonEBSCSIDriverPolicy")},
	}, parent)
	if err != nil {
		return nil, err
	}
	configuration := map[string]any{"controller": map[string]any{
		"extraVolumeTags": args.Deployment.PlainTags(), "nodeSelector": coreLinux(),
	}}
	var annotation pulumi.StringPtrInput
	if args.PodIdentityCluster == nil {
		annotation = role.Arn.ToStringPtrOutput()
	}
	return newAddon(ctx, name, args.Deployment, args.ClusterName, versions.EBSCSI(), configuration, annotation, parent,
		deployment.DependsOn(append(role.Attachments, args.Nodes...)...))
}

// coreLinux selects the core nodes in the configuration of an addon, whose own selector it takes the place of. On Flink's
// nodes, a resolver or a driver would be away whenever a job ends.
func coreLinux() map[string]string {
	selector := cluster.CoreSelector()
	selector["kubernetes.io/os"] = "linux"
	return selector
}

func storageClass(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*manifest.Object, error) {
	parameters := pulumi.StringMap{"type": pulumi.String("gp3"), "encrypted": pulumi.String("true")}
	if args.KmsKeyArn != nil {
		parameters["kmsKeyId"] = args.KmsKeyArn.ToStringPtrOutput().Elem()
	}
	annotations := deployment.Owned()
	annotations["storageclass.kubernetes.io/is-default-class"] = pulumi.String("true")
	return manifest.New(ctx, name+"-"+StorageClass, &manifest.Args{
		APIVersion: "storage.k8s.io/v1", Kind: "StorageClass", Name: StorageClass, Annotations: annotations,
		Fields: pulumi.Map{
			"provisioner":          pulumi.String("ebs.csi.aws.com"),
			"parameters":           parameters,
			"reclaimPolicy":        pulumi.String("Delete"),
			"volumeBindingMode":    pulumi.String("WaitForFirstConsumer"),
			"allowVolumeExpansion": pulumi.Bool(true),
		},
	}, append(opts, pulumi.Provider(args.Kubernetes))...)
}

func certManager(ctx *pulumi.Context, name string, args *Args, parent, after pulumi.ResourceOption) (*helm.Release, error) {
	provider := pulumi.Provider(args.Kubernetes)
	ns, err := manifest.New(ctx, name+"-"+certManagerNamespace+"-namespace", &manifest.Args{
		APIVersion: "v1", Kind: "Namespace", Name: certManagerNamespace, Annotations: deployment.Owned(),
	}, parent, provider, after, deployment.EndsWithCluster(args.Kubernetes))
	if err != nil {
		return nil, err
	}
	chart := versions.CertManager()
	selector := pulumi.ToStringMap(cluster.CoreSelector())
	return helm.NewRelease(ctx, name+"-cert-manager", &helm.Args{
		Name: "cert-manager", Chart: chart.Name, Repo: chart.Repo, Version: chart.Version,
		Mirrors: args.Deployment.Mirrors, Images: chart.Images,
		Namespace: pulumi.String(certManagerNamespace),
		Values: pulumi.Map{
			"crds":            pulumi.Map{"enabled": pulumi.Bool(true), "keep": pulumi.Bool(false)},
			"nodeSelector":    selector,
			"webhook":         pulumi.Map{"replicaCount": pulumi.Int(2), "nodeSelector": selector},
			"cainjector":      pulumi.Map{"nodeSelector": selector},
			"startupapicheck": pulumi.Map{"nodeSelector": selector},
		},
	}, parent, provider, after, deployment.DependsOn(ns))
}

func metricsServer(ctx *pulumi.Context, name string, args *Args, parent, after pulumi.ResourceOption) (*helm.Release, error) {
	chart := versions.MetricsServer()
	return helm.NewRelease(ctx, name+"-metrics-server", &helm.Args{
		Name: "metrics-server", Chart: chart.Name, Repo: chart.Repo, Version: chart.Version,
		Mirrors: args.Deployment.Mirrors, Images: chart.Images,
		Namespace: pulumi.String("kube-system"),
		Values: pulumi.Map{
			"replicas":            pulumi.Int(2),
			"nodeSelector":        pulumi.ToStringMap(cluster.CoreSelector()),
			"podDisruptionBudget": pulumi.Map{"enabled": pulumi.Bool(true), "maxUnavailable": pulumi.Int(1)},
		},
	}, parent, pulumi.Provider(args.Kubernetes), after)
}

func (a *Args) validate() error {
	switch {
	case a == nil:
		return errors.New("no arguments")
	case a.ClusterName == nil || a.OidcProviderArn == nil || a.OidcIssuer == nil:
		return errors.New("no cluster or no OIDC provider")
	case a.Kubernetes == nil:
		return errors.New("no Kubernetes provider")
	case len(a.Nodes) == 0:
		return errors.New("no nodes to wait for")
	}
	return a.Deployment.Validate()
}
