// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiextensionsscheme "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset/scheme"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/cel/openapi/resolver"
	"k8s.io/apiserver/pkg/quota/v1/generic"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/util/keyutil"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/controller/certificates/rootcacertpublisher"
	"k8s.io/kubernetes/pkg/controller/clusterroleaggregation"
	"k8s.io/kubernetes/pkg/controller/garbagecollector"
	"k8s.io/kubernetes/pkg/controller/namespace"
	"k8s.io/kubernetes/pkg/controller/resourcequota"
	serviceaccounts "k8s.io/kubernetes/pkg/controller/serviceaccount"
	"k8s.io/kubernetes/pkg/controller/validatingadmissionpolicystatus"
	"k8s.io/kubernetes/pkg/controller/volume/ephemeral"
	"k8s.io/kubernetes/pkg/controller/volume/persistentvolume"
	"k8s.io/kubernetes/pkg/controller/volume/pvcprotection"
	"k8s.io/kubernetes/pkg/controller/volume/pvprotection"
	"k8s.io/kubernetes/pkg/generated/openapi"
	quota "k8s.io/kubernetes/pkg/quota/v1/install"
	"k8s.io/kubernetes/pkg/serviceaccount"
)

// constructor makes a controller from what all share.
type constructor func(context.Context, *manager) (loop, error)

// controllers are those that the blueprint and a Flink job depend on, by the names that upstream gives them. Left out:
// what a node agent drives (node lifecycle, IPAM, attach/detach, certificates), what needs metrics (autoscaler), and
// legacy. Workers and periods are upstream's defaults.
func controllers() map[string]constructor {
	return map[string]constructor{
		"namespace": namespaces, "serviceaccount": serviceAccounts, "serviceaccount-token": serviceAccountTokens,
		"root-ca-certificate-publisher": rootCA, "garbage-collector": garbage, "resourcequota": quotas,
		"clusterrole-aggregation": clusterRoles, "deployment": deployments, "replicaset": replicaSets,
		"statefulset": statefulSets, "daemonset": daemonSets, "job": jobs, "cronjob": cronJobs,
		"ttl-after-finished": finishedJobs, "disruption": disruptions, "pod-garbage-collector": orphanedPods,
		"taint-eviction": taintEvictions, "endpoints": endpoints, "endpointslice": endpointSlices,
		"persistentvolume-binder": volumes, "persistentvolumeclaim-protection": claimProtection,
		"persistentvolume-protection": volumeProtection, "ephemeral-volume": ephemeralVolumes,
		"validatingadmissionpolicy-status": policyStatus,
	}
}

func namespaces(ctx context.Context, m *manager) (loop, error) {
	c := namespace.NewNamespaceController(ctx, m.client, m.metadata, m.client.Discovery().ServerPreferredNamespacedResources,
		m.typed.Core().V1().Namespaces(), 5*time.Minute, corev1.FinalizerKubernetes)
	return running(c.Run, 10), nil
}

func serviceAccounts(ctx context.Context, m *manager) (loop, error) {
	c, err := serviceaccounts.NewServiceAccountsController(klog.FromContext(ctx), m.typed.Core().V1().ServiceAccounts(),
		m.typed.Core().V1().Namespaces(), m.client, serviceaccounts.DefaultServiceAccountsControllerOptions())
	if err != nil {
		return nil, err
	}
	return running(c.Run, 1), nil
}

func serviceAccountTokens(ctx context.Context, m *manager) (loop, error) {
	key, err := keyutil.PrivateKeyFromFile(m.dir.path(signingKey))
	if err != nil {
		return nil, err
	}
	generator, err := serviceaccount.JWTTokenGenerator(serviceaccount.LegacyIssuer, key)
	if err != nil {
		return nil, err
	}
	ca, err := m.dir.read(caCertFile)
	if err != nil {
		return nil, err
	}
	c, err := serviceaccounts.NewTokensController(klog.FromContext(ctx), m.typed.Core().V1().ServiceAccounts(),
		m.typed.Core().V1().Secrets(),
		m.client, serviceaccounts.TokensControllerOptions{TokenGenerator: generator, RootCA: ca})
	if err != nil {
		return nil, err
	}
	return running(c.Run, syncs), nil
}

func rootCA(_ context.Context, m *manager) (loop, error) {
	ca, err := m.dir.read(caCertFile)
	if err != nil {
		return nil, err
	}
	c, err := rootcacertpublisher.NewPublisher(m.typed.Core().V1().ConfigMaps(), m.typed.Core().V1().Namespaces(), m.client, ca)
	if err != nil {
		return nil, err
	}
	return running(c.Run, 1), nil
}

func garbage(ctx context.Context, m *manager) (loop, error) {
	const workers = 20
	ignored := map[schema.GroupResource]struct{}{}
	for r := range garbagecollector.DefaultIgnoredResources() {
		ignored[r] = struct{}{}
	}
	graph := garbagecollector.NewDependencyGraphBuilder(ctx, m.metadata, m.mapper, ignored, m.all, m.started)
	c, err := garbagecollector.NewComposedGarbageCollector(ctx, m.client, m.metadata, m.mapper, graph)
	if err != nil {
		return nil, err
	}
	return together(
		func(ctx context.Context) { c.Run(ctx, workers, discoverAgain) },
		func(ctx context.Context) { c.Sync(ctx, m.client.Discovery(), discoverAgain) },
	), nil
}

func quotas(ctx context.Context, m *manager) (loop, error) {
	discover := m.client.Discovery().ServerPreferredNamespacedResources
	kinds := quota.NewQuotaConfigurationForControllers(generic.ListerFuncForResourceFunc(m.typed.ForResource), m.typed)
	c, err := resourcequota.NewController(ctx, &resourcequota.ControllerOptions{
		QuotaClient:               m.client.CoreV1(),
		ResourceQuotaInformer:     m.typed.Core().V1().ResourceQuotas(),
		ResyncPeriod:              func() time.Duration { return 5 * time.Minute },
		InformerFactory:           m.all,
		ReplenishmentResyncPeriod: func() time.Duration { return resync },
		DiscoveryFunc:             discover,
		IgnoredResourcesFunc:      kinds.IgnoredResources,
		InformersStarted:          m.started,
		Registry:                  generic.NewRegistry(kinds.Evaluators()),
		UpdateFilter:              quota.DefaultUpdateFilter(),
	})
	if err != nil {
		return nil, err
	}
	return together(running(c.Run, syncs), func(ctx context.Context) { c.Sync(ctx, discover, discoverAgain) }), nil
}

func clusterRoles(_ context.Context, m *manager) (loop, error) {
	return running(clusterroleaggregation.NewClusterRoleAggregation(m.typed.Rbac().V1().ClusterRoles(),
		m.client.RbacV1()).Run, syncs), nil
}

// volumes binds claims. The only driver is EBS's, which makes its volumes itself: no plugin of upstream's is needed.
func volumes(ctx context.Context, m *manager) (loop, error) {
	core := m.typed.Core().V1()
	c, err := persistentvolume.NewController(ctx, persistentvolume.ControllerParameters{
		KubeClient: m.client, SyncPeriod: 15 * time.Second, EnableDynamicProvisioning: true,
		VolumeInformer: core.PersistentVolumes(), ClaimInformer: core.PersistentVolumeClaims(),
		ClassInformer: m.typed.Storage().V1().StorageClasses(), PodInformer: core.Pods(), NodeInformer: core.Nodes(),
	})
	if err != nil {
		return nil, err
	}
	return c.Run, nil
}

func claimProtection(ctx context.Context, m *manager) (loop, error) {
	core := m.typed.Core().V1()
	c, err := pvcprotection.NewPVCProtectionController(klog.FromContext(ctx), core.PersistentVolumeClaims(),
		core.Pods(), m.client)
	if err != nil {
		return nil, err
	}
	return running(c.Run, 1), nil
}

func volumeProtection(ctx context.Context, m *manager) (loop, error) {
	return running(pvprotection.NewPVProtectionController(klog.FromContext(ctx), m.typed.Core().V1().PersistentVolumes(),
		m.client).Run, 1), nil
}

func ephemeralVolumes(ctx context.Context, m *manager) (loop, error) {
	core := m.typed.Core().V1()
	c, err := ephemeral.NewController(ctx, m.client, core.Pods(), core.PersistentVolumeClaims())
	if err != nil {
		return nil, err
	}
	return running(c.Run, syncs), nil
}

func policyStatus(_ context.Context, m *manager) (loop, error) {
	schemas := resolver.NewDefinitionsSchemaResolver(openapi.GetOpenAPIDefinitions, scheme.Scheme, apiextensionsscheme.Scheme).
		Combine(&resolver.ClientDiscoveryResolver{Discovery: m.client.Discovery()})
	c, err := validatingadmissionpolicystatus.NewController(m.typed.Admissionregistration().V1().ValidatingAdmissionPolicies(),
		m.client.AdmissionregistrationV1().ValidatingAdmissionPolicies(),
		&validating.TypeChecker{SchemaResolver: schemas, RestMapper: m.mapper})
	if err != nil {
		return nil, err
	}
	return running(c.Run, syncs), nil
}
