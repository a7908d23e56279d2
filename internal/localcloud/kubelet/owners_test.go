// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/cache"

	"emrflink/internal/localcloud/account"
)

// object makes one of a kind, with a spec and annotations.
func object(resource schema.GroupVersionResource, kind, namespace, name string, spec map[string]any,
	annotations map[string]string) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{"spec": spec}}
	u.SetGroupVersionKind(resource.GroupVersion().WithKind(kind))
	u.SetNamespace(namespace)
	u.SetName(name)
	u.SetUID(types.UID(kind + namespace + name))
	u.SetAnnotations(annotations)
	return u
}

func ingress(name, class string, annotations map[string]string) *unstructured.Unstructured {
	return object(ingresses, "Ingress", "default", name, map[string]any{"ingressClassName": class}, annotations)
}

func gateway(class string) *unstructured.Unstructured {
	return object(gateways, "Gateway", "default", "web", map[string]any{"gatewayClassName": class}, nil)
}

// balancing is a kubelet whose cluster has classes of the AWS Load Balancer Controller and of another one.
type balancing struct {
	*Kubelet
	t     *testing.T
	cloud *cloud
}

func newBalancing(t *testing.T, installed bool, objects ...*unstructured.Unstructured) balancing {
	t.Helper()
	classes := []runtime.Object{
		object(ingressClasses, "IngressClass", "", "alb", map[string]any{"controller": "ingress.k8s.aws/alb"}, nil),
		object(ingressClasses, "IngressClass", "", "nginx", map[string]any{"controller": "k8s.io/ingress-nginx"}, nil),
		object(gatewayClasses, "GatewayClass", "", "alb", map[string]any{"controllerName": "gateway.k8s.aws/alb"}, nil),
		object(gatewayClasses, "GatewayClass", "", "nlb", map[string]any{"controllerName": "gateway.k8s.aws/nlb"}, nil),
		object(gatewayClasses, "GatewayClass", "", "istio", map[string]any{"controllerName": "istio.io/gateway"}, nil),
	}
	c := networked()
	k := New(Options{
		Account: c, Cluster: testCluster, Client: fake.NewClientset(),
		Dynamic: dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(),
			map[schema.GroupVersionResource]string{
				ingresses: "IngressList", ingressClasses: "IngressClassList", gateways: "GatewayList",
				gatewayClasses: "GatewayClassList",
			}, classes...),
	})
	k.gateways = k.dynamicInformer(gateways)
	for _, o := range objects {
		resource := ingresses
		if o.GetKind() == "Gateway" {
			resource = gateways
		}
		_, err := k.dynamic.Resource(resource).Namespace(o.GetNamespace()).Create(t.Context(), o, metav1.CreateOptions{})
		require.NoError(t, err)
	}
	if installed {
		require.NoError(t, k.pods.GetStore().Add(loadBalancerController()))
	}
	return balancing{k, t, c}
}

// settle looks at all objects, as the informers would show them, until nothing changes.
func (b balancing) settle() {
	b.t.Helper()
	for range 4 {
		for _, of := range []struct {
			kind     string
			resource schema.GroupVersionResource
			informer cache.SharedIndexInformer
		}{{kindIngress, ingresses, b.ingresses}, {kindGateway, gateways, b.gateways}} {
			list, err := b.dynamic.Resource(of.resource).List(b.t.Context(), metav1.ListOptions{})
			require.NoError(b.t, err)
			var all []any
			for i := range list.Items {
				if o := &list.Items[i]; o.GetDeletionTimestamp() == nil || len(o.GetFinalizers()) > 0 {
					all = append(all, o)
				}
			}
			require.NoError(b.t, of.informer.GetStore().Replace(all, ""))
			for _, key := range of.informer.GetStore().ListKeys() {
				require.NoError(b.t, b.reconcileBalanced(b.t.Context(), of.kind, key))
			}
		}
	}
}

func (b balancing) get(resource schema.GroupVersionResource, name string) *unstructured.Unstructured {
	b.t.Helper()
	u, err := b.dynamic.Resource(resource).Namespace("default").Get(b.t.Context(), name, metav1.GetOptions{})
	require.NoError(b.t, err)
	return u
}

// remove asks for the deletion of an object, and says which finalizers hold it when everything has settled.
func (b balancing) remove(resource schema.GroupVersionResource, name string) []string {
	b.t.Helper()
	u := b.get(resource, name)
	u.SetDeletionTimestamp(new(metav1.Now()))
	_, err := b.dynamic.Resource(resource).Namespace("default").Update(b.t.Context(), u, metav1.UpdateOptions{})
	require.NoError(b.t, err)
	b.settle()
	return b.get(resource, name).GetFinalizers()
}

func (b balancing) groups() (names []any) {
	for _, g := range balancersIn(b.cloud, account.KindSecurityGroup) {
		names = append(names, g.Props["name"])
	}
	return names
}

func TestIngressesAndGatewaysHaveTheLoadBalancerOfTheirClass(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		resource  schema.GroupVersionResource
		object    *unstructured.Unstructured
		prefix    string // of the tags, "" when no load balancer is made
		typ       string
		internal  bool
		finalizer string
		host      []string
		missing   bool // the controller
	}{
		"an Ingress": {
			ingresses, ingress("web", "alb", nil), "ingress.k8s.aws", "application", true, "ingress.k8s.aws/resources",
			[]string{"status", "loadBalancer", "ingress"}, false,
		},
		"a public one, by the old annotation": {
			ingresses, ingress("web", "", map[string]string{
				"kubernetes.io/ingress.class": "alb", "alb.ingress.kubernetes.io/scheme": "internet-facing",
			}), "ingress.k8s.aws", "application", false, "ingress.k8s.aws/resources",
			[]string{"status", "loadBalancer", "ingress"}, false,
		},
		"a Gateway": {
			gateways, gateway("alb"), "gateway.k8s.aws.alb", "application", true, "gateway.k8s.aws/alb",
			[]string{"status", "addresses"}, false,
		},
		"a Gateway of layer 4": {
			gateways, gateway("nlb"), "gateway.k8s.aws.nlb", "network", true, "gateway.k8s.aws/nlb",
			[]string{"status", "addresses"}, false,
		},
		"another's Ingress":    {ingresses, ingress("web", "nginx", nil), "", "", false, "", nil, false},
		"another's Gateway":    {gateways, gateway("istio"), "", "", false, "", nil, false},
		"a class of nobody":    {ingresses, ingress("web", "lost", nil), "", "", false, "", nil, false},
		"without a class":      {gateways, gateway(""), "", "", false, "", nil, false},
		"without a controller": {ingresses, ingress("web", "alb", nil), "", "", false, "", nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBalancing(t, !test.missing, test.object)
			b.settle()
			all := balancersIn(b.cloud, account.KindLoadBalancer)
			if test.prefix == "" {
				require.Empty(t, all)
				require.Empty(t, b.get(test.resource, "web").GetFinalizers())
				return
			}
			require.Len(t, all, 1)
			require.Equal(t, map[string]string{
				"elbv2.k8s.aws/cluster": testCluster, test.prefix + "/stack": "default/web",
				test.prefix + "/resource": "LoadBalancer",
			}, all[0].Tags)
			require.Equal(t, []any{test.typ, test.internal}, []any{all[0].Props["loadBalancerType"], all[0].Props["internal"]})
			require.Regexp(t, `^k8s-default-web-[0-9a-f]{10}$`, all[0].Props["name"])
			require.ElementsMatch(t, []any{all[0].Props["name"], sharedGroup(testCluster)}, b.groups())
			require.Len(t, balancersIn(b.cloud, account.KindSecurityGroupRule), 1)

			u := b.get(test.resource, "web")
			require.Equal(t, []string{test.finalizer}, u.GetFinalizers())
			hosts, _, err := unstructured.NestedSlice(u.Object, test.host...)
			require.NoError(t, err)
			require.Len(t, hosts, 1)

			require.Empty(t, b.remove(test.resource, "web"))
			require.Empty(t, balancersIn(b.cloud, account.KindLoadBalancer))
			require.Empty(t, b.groups(), "and the group that all load balancers share")
			require.Empty(t, balancersIn(b.cloud, account.KindSecurityGroupRule))
		})
	}
}

func TestIngressesOfOneGroupShareALoadBalancer(t *testing.T) {
	t.Parallel()
	group := map[string]string{"alb.ingress.kubernetes.io/group.name": "flink-uis"}
	b := newBalancing(t, true, ingress("one", "alb", group), ingress("two", "alb", group), ingress("alone", "alb", nil))
	b.settle()
	all := balancersIn(b.cloud, account.KindLoadBalancer)
	require.Len(t, all, 2)
	require.Equal(t, []string{"group.ingress.k8s.aws/flink-uis"}, b.get(ingresses, "two").GetFinalizers())
	require.Len(t, b.groups(), 3, "one of each load balancer, and the one that they share")

	require.Empty(t, b.remove(ingresses, "one"))
	require.Len(t, balancersIn(b.cloud, account.KindLoadBalancer), 2, "the other one of the group uses it")
	require.Empty(t, b.remove(ingresses, "two"))
	left := balancersIn(b.cloud, account.KindLoadBalancer)
	require.Len(t, left, 1)
	require.Equal(t, "default/alone", left[0].Tags["ingress.k8s.aws/stack"])
	require.Len(t, b.groups(), 2)
	require.Empty(t, b.remove(ingresses, "alone"))
	require.Empty(t, b.groups())
}

func TestAnIngressIsHeldWhileItsControllerIsAway(t *testing.T) {
	t.Parallel()
	b := newBalancing(t, true, ingress("web", "alb", nil))
	b.settle()
	require.NoError(t, b.pods.GetStore().Replace(nil, ""))
	require.Equal(t, []string{"ingress.k8s.aws/resources"}, b.remove(ingresses, "web"))
	require.Len(t, balancersIn(b.cloud, account.KindLoadBalancer), 1)
}
