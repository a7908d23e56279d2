// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Kind names a kind of object, e.g. {"apps/v1", "Deployment"}.
type Kind struct{ APIVersion, Kind string }

// The kinds that the tool itself reads and deletes.
var (
	// KindPod and its neighbours are core objects.
	KindPod            = Kind{"v1", "Pod"}
	KindNode           = Kind{"v1", "Node"}
	KindEvent          = Kind{"v1", "Event"}
	KindService        = Kind{"v1", "Service"}
	KindNamespace      = Kind{"v1", "Namespace"}
	KindPVC            = Kind{"v1", "PersistentVolumeClaim"}
	KindPV             = Kind{"v1", "PersistentVolume"}
	KindConfigMap      = Kind{"v1", "ConfigMap"}
	KindSecret         = Kind{"v1", "Secret"}
	KindServiceAccount = Kind{"v1", "ServiceAccount"}
	// KindDeployment is the workload of the operator and of JobManagers.
	KindDeployment = Kind{"apps/v1", "Deployment"}
	// KindStatefulSet makes claims of its pods.
	KindStatefulSet = Kind{"apps/v1", "StatefulSet"}
	// KindDaemonSet is what runs on every node, KindResourceQuota and KindLimitRange are what a namespace may have.
	KindDaemonSet     = Kind{"apps/v1", "DaemonSet"}
	KindResourceQuota = Kind{"v1", "ResourceQuota"}
	KindLimitRange    = Kind{"v1", "LimitRange"}
	// KindIngress stands for a load balancer of the AWS controller.
	KindIngress = Kind{"networking.k8s.io/v1", "Ingress"}
	// KindGateway is the Gateway API's, of which a cluster need not have the CRDs.
	KindGateway = Kind{"gateway.networking.k8s.io/v1", "Gateway"}
	// KindRole and KindRoleBinding are what the Flink operator leaves in a job namespace.
	KindRole        = Kind{"rbac.authorization.k8s.io/v1", "Role"}
	KindRoleBinding = Kind{"rbac.authorization.k8s.io/v1", "RoleBinding"}
	// KindCRD is asked whether an operator's kinds are served.
	KindCRD = Kind{"apiextensions.k8s.io/v1", "CustomResourceDefinition"}
	// KindFlinkDeployment, KindFlinkSessionJob and KindFlinkStateSnapshot are the operator's kinds.
	KindFlinkDeployment    = Kind{"flink.apache.org/v1beta1", "FlinkDeployment"}
	KindFlinkSessionJob    = Kind{"flink.apache.org/v1beta1", "FlinkSessionJob"}
	KindFlinkStateSnapshot = Kind{"flink.apache.org/v1beta1", "FlinkStateSnapshot"}
	// KindAPIService, KindValidatingWebhook and KindMutatingWebhook call servers in the cluster, which may be gone.
	KindAPIService        = Kind{"apiregistration.k8s.io/v1", "APIService"}
	KindValidatingWebhook = Kind{"admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"}
	KindMutatingWebhook   = Kind{"admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"}
	// KindEndpointSlice says whether a Service has somebody behind it.
	KindEndpointSlice = Kind{"discovery.k8s.io/v1", "EndpointSlice"}
	// KindNodePool, KindNodeClaim and KindEC2NodeClass are Karpenter's.
	KindNodePool     = Kind{"karpenter.sh/v1", "NodePool"}
	KindNodeClaim    = Kind{"karpenter.sh/v1", "NodeClaim"}
	KindEC2NodeClass = Kind{"karpenter.k8s.aws/v1", "EC2NodeClass"}
)

// Ref names one object of the kind; namespace is empty for cluster-wide kinds.
func (k Kind) Ref(namespace, name string) Ref {
	return Ref{Kind: k, Namespace: namespace, Name: name}
}

func (k Kind) gvk() schema.GroupVersionKind {
	return schema.FromAPIVersionAndKind(k.APIVersion, k.Kind)
}

// Ref names one object.
type Ref struct {
	Kind
	Namespace string
	Name      string
}

// RefOf returns the name of obj.
func RefOf(obj *unstructured.Unstructured) Ref {
	return Ref{
		Kind:      Kind{APIVersion: obj.GetAPIVersion(), Kind: obj.GetKind()},
		Namespace: obj.GetNamespace(),
		Name:      obj.GetName(),
	}
}

// String gives `Kind "namespace/name"` as messages show it.
func (r Ref) String() string {
	switch {
	case r.Kind.Kind == "":
		return "the API server"
	case r.Name == "" && r.Namespace == "":
		return r.Kind.Kind + " objects"
	case r.Name == "":
		return r.Kind.Kind + " objects in namespace \"" + r.Namespace + "\""
	}
	return r.Kind.Kind + " \"" + strings.TrimPrefix(r.Namespace+"/"+r.Name, "/") + "\""
}

// NewObject makes an object of a kind with a body, which may have metadata and is changed.
func NewObject(k Kind, namespace, name string, body map[string]any) *unstructured.Unstructured {
	body["apiVersion"], body["kind"] = k.APIVersion, k.Kind
	meta, _ := body["metadata"].(map[string]any)
	if meta == nil {
		meta = map[string]any{}
		body["metadata"] = meta
	}
	meta["name"], meta["namespace"] = name, namespace
	return &unstructured.Unstructured{Object: body}
}
