// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"

	"emrflink/internal/localcloud/account"
	"emrflink/internal/untyped"
)

// Names of the two controllers that make load balancers. That of Kubernetes' AWS cloud provider runs with every EKS control
// plane, for Services; the AWS Load Balancer Controller works while a pod of it is ready, for Services that are left to it,
// Ingresses and Gateways. Its tags and finalizers are those of its v3 (pkg/shared_constants, pkg/deploy/tracking).
const (
	serviceFinalizer = "service.kubernetes.io/load-balancer-cleanup"
	appLabel         = "app.kubernetes.io/name"
	controllerApp    = "aws-load-balancer-controller"
	tagService       = "kubernetes.io/service-name"
	tagOfLBC         = "elbv2.k8s.aws/cluster"

	controllerFinalizer = "service.k8s.aws/resources"
	ingressFinalizer    = "ingress.k8s.aws/resources"
	groupFinalizer      = "group.ingress.k8s.aws/" // and the name of the group
	albFinalizer        = "gateway.k8s.aws/alb"
	nlbFinalizer        = "gateway.k8s.aws/nlb"

	serviceTags = "service.k8s.aws"
	ingressTags = "ingress.k8s.aws"
	albTags     = "gateway.k8s.aws.alb"
	nlbTags     = "gateway.k8s.aws.nlb"

	controllerClass  = "service.k8s.aws/nlb"
	classOfIngresses = "ingress.k8s.aws/alb"

	annotationType     = "service.beta.kubernetes.io/aws-load-balancer-type"
	annotationInternal = "service.beta.kubernetes.io/aws-load-balancer-internal"
	annotationScheme   = "service.beta.kubernetes.io/aws-load-balancer-scheme"
	annotationClass    = "kubernetes.io/ingress.class"
	annotationGroup    = "alb.ingress.kubernetes.io/group.name"
	annotationALB      = "alb.ingress.kubernetes.io/scheme"
	public             = "internet-facing"
)

var (
	ingresses      = schema.GroupVersionResource{Group: "networking.k8s.io", Version: "v1", Resource: "ingresses"}
	ingressClasses = ingresses.GroupVersion().WithResource("ingressclasses")
	gateways       = schema.GroupVersionResource{Group: "gateway.networking.k8s.io", Version: "v1", Resource: "gateways"}
	gatewayClasses = gateways.GroupVersion().WithResource("gatewayclasses")

	unfitForNames = regexp.MustCompile("[[:^alnum:]]")
)

// owner is an object that asks for a load balancer: a Service, an Ingress or a Gateway.
type owner struct {
	metav1.Object
	kind schema.GroupVersionKind
	host string // that its status names, "" for none
	// save writes its finalizers, show the host in its status.
	save func(ctx context.Context, finalizers []string) error
	show func(ctx context.Context, host string) error
}

func (o owner) key() string { return o.GetNamespace() + "/" + o.GetName() }

func (k *Kubelet) ownerOf(s *corev1.Service) owner {
	api := k.client.CoreV1().Services(s.Namespace)
	o := owner{Object: s, kind: corev1.SchemeGroupVersion.WithKind("Service")}
	if in := s.Status.LoadBalancer.Ingress; len(in) == 1 {
		o.host = in[0].Hostname
	}
	o.save = func(ctx context.Context, finalizers []string) error {
		changed := s.DeepCopy()
		changed.Finalizers = finalizers
		_, err := api.Update(ctx, changed, metav1.UpdateOptions{})
		return err
	}
	o.show = func(ctx context.Context, host string) error {
		changed := s.DeepCopy()
		changed.Status.LoadBalancer = corev1.LoadBalancerStatus{}
		if host != "" {
			changed.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{Hostname: host}}
		}
		_, err := api.UpdateStatus(ctx, changed, metav1.UpdateOptions{})
		return err
	}
	return o
}

// dynamicOwner is the owner of an Ingress or a Gateway; status is where it names hosts, and one entry of that.
func (k *Kubelet) dynamicOwner(resource schema.GroupVersionResource, u *unstructured.Unstructured) owner {
	api := k.dynamic.Resource(resource).Namespace(u.GetNamespace())
	at, field, entry := []string{"status", "loadBalancer", "ingress"}, "hostname", map[string]any{}
	if resource == gateways {
		at, field, entry = []string{"status", "addresses"}, "value", map[string]any{"type": "Hostname"}
	}
	o := owner{Object: u, kind: u.GroupVersionKind()}
	if now, _, _ := unstructured.NestedSlice(u.Object, at...); len(now) == 1 {
		in, _ := now[0].(map[string]any)
		o.host = untyped.Text(in[field])
	}
	o.save = func(ctx context.Context, finalizers []string) error {
		changed := u.DeepCopy()
		changed.SetFinalizers(finalizers)
		_, err := api.Update(ctx, changed, metav1.UpdateOptions{})
		return err
	}
	o.show = func(ctx context.Context, host string) error {
		changed, hosts := u.DeepCopy(), []any{}
		if host != "" {
			entry[field] = host
			hosts = append(hosts, entry)
		}
		if err := unstructured.SetNestedSlice(changed.Object, hosts, at...); err != nil {
			return err
		}
		_, err := api.UpdateStatus(ctx, changed, metav1.UpdateOptions{})
		return err
	}
	return o
}

// reconcileBalanced makes the load balancer of an object, and takes it away with the object.
func (k *Kubelet) reconcileBalanced(ctx context.Context, kind, key string) error {
	o, b, wanted, err := k.asks(ctx, kind, key)
	if err != nil || o.Object == nil {
		return err
	}
	cluster, ok := k.cloud.Get(account.KindCluster, k.cluster)
	if !ok {
		return nil // and with it the controllers
	}
	m := balancers{k, network{
		caller: account.Caller{Via: account.ByKubernetes, Region: cluster.Region},
		vpc:    untyped.Text(account.Value(cluster.All(), "vpcConfig.vpcId")),
		group:  untyped.Text(account.Value(cluster.All(), "vpcConfig.clusterSecurityGroupId")),
	}}
	if !wanted || o.GetDeletionTimestamp() != nil {
		return m.remove(ctx, o)
	}
	if err = m.ensure(ctx, o, b); err != nil && !apierrors.IsConflict(err) {
		m.failed(ctx, o, b, err)
	}
	return err
}

// asks finds an object and what it asks for; wanted is false when that is none, or one of a controller that is not there.
func (k *Kubelet) asks(ctx context.Context, kind, key string) (o owner, b balancer, wanted bool, err error) {
	informer, ok := k.balanced()[kind]
	if !ok {
		return o, b, false, nil
	}
	found, ok, err := informer.GetStore().GetByKey(key)
	if err != nil || !ok {
		return o, b, false, err
	}
	switch object := found.(type) {
	case *corev1.Service:
		b, wanted = k.balancerOf(object)
		return k.ownerOf(object), b, wanted, nil
	case *unstructured.Unstructured:
		if kind == kindIngress {
			b, wanted, err = k.ofIngress(ctx, object)
			return k.dynamicOwner(ingresses, object), b, wanted, err
		}
		b, wanted, err = k.ofGateway(ctx, object)
		return k.dynamicOwner(gateways, object), b, wanted, err
	}
	return o, b, false, nil
}

// balancerOf is what a Service asks for.
func (k *Kubelet) balancerOf(s *corev1.Service) (b balancer, wanted bool) {
	kind, class := s.Annotations[annotationType], ""
	if s.Spec.LoadBalancerClass != nil {
		class = *s.Spec.LoadBalancerClass
	}
	switch {
	case s.Spec.Type != corev1.ServiceTypeLoadBalancer:
		return balancer{}, false
	case class == controllerClass, class == "" && (kind == "external" || kind == "nlb-ip"):
		b = k.ofController(serviceTags, s.Namespace, s.Name, controllerFinalizer, "network")
		b.by, b.internal = "service", s.Annotations[annotationScheme] != public
		return b, k.hasController()
	case class != "":
		return balancer{}, false
	}
	whose, key := tagClusterOwned+k.cluster, s.Namespace+"/"+s.Name
	b = balancer{
		by: "service-controller", finalizer: serviceFinalizer, kind: account.KindClassicBalancer, name: cloudName(s.UID),
		internal: s.Annotations[annotationInternal] == "true", tags: map[string]string{whose: "owned", tagService: key},
	}
	if kind == "nlb" {
		b.kind, b.typ = account.KindLoadBalancer, "network" // whose groups are those of the nodes
		return b, true
	}
	b.group, b.groupTags = "k8s-elb-"+b.name, map[string]string{whose: "owned"}
	b.description = fmt.Sprintf("Security group for Kubernetes ELB %s (%s)", b.name, key)
	return b, true
}

// ofIngress is what an Ingress asks for: those of one group share it.
func (k *Kubelet) ofIngress(ctx context.Context, u *unstructured.Unstructured) (b balancer, wanted bool, err error) {
	class, _, _ := unstructured.NestedString(u.Object, "spec", "ingressClassName")
	if wanted = u.GetAnnotations()[annotationClass] == "alb"; !wanted {
		if wanted, err = k.controlledBy(ctx, ingressClasses, class, "controller", classOfIngresses); !wanted {
			return b, false, err
		}
	}
	if group := u.GetAnnotations()[annotationGroup]; group != "" {
		b = k.ofController(ingressTags, "", group, groupFinalizer+group, "application")
	} else {
		b = k.ofController(ingressTags, u.GetNamespace(), u.GetName(), ingressFinalizer, "application")
	}
	b.by, b.internal = "ingress", u.GetAnnotations()[annotationALB] != public
	return b, k.hasController(), nil
}

// ofGateway is what a Gateway asks for. That of a LoadBalancerConfiguration is not simulated: it is internal.
func (k *Kubelet) ofGateway(ctx context.Context, u *unstructured.Unstructured) (b balancer, wanted bool, err error) {
	class, _, _ := unstructured.NestedString(u.Object, "spec", "gatewayClassName")
	for controller, typ := range map[string]string{albFinalizer: "application", nlbFinalizer: "network"} {
		if wanted, err = k.controlledBy(ctx, gatewayClasses, class, "controllerName", controller); wanted || err != nil {
			b = k.ofController(tagsOf(controller), u.GetNamespace(), u.GetName(), controller, typ)
			b.by, b.internal = controller, true
			return b, wanted && k.hasController(), err
		}
	}
	return b, false, nil
}

// controlledBy tells whether a class is one of a controller, which its spec names in a field.
func (k *Kubelet) controlledBy(ctx context.Context, classes schema.GroupVersionResource, class, field, controller string) (
	bool, error) {
	if class == "" {
		return false, nil
	}
	u, err := k.dynamic.Resource(classes).Get(ctx, class, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	name, _, _ := unstructured.NestedString(u.Object, "spec", field)
	return name == controller, nil
}

// ofController is a load balancer of the AWS Load Balancer Controller for one stack, as it calls an object, or a group of
// Ingresses (without a namespace).
func (k *Kubelet) ofController(tags, namespace, name, finalizer, typ string) balancer {
	stack := strings.TrimPrefix(namespace+"/"+name, "/")
	lb := controllerName(k.cluster, tags, namespace, name)
	return balancer{
		finalizer: finalizer, kind: account.KindLoadBalancer, typ: typ, name: lb, shared: true,
		tags:  k.stackTags(tags, stack, "LoadBalancer"),
		group: lb, description: "[k8s] Managed SecurityGroup for LoadBalancer",
		groupTags: k.stackTags(tags, stack, "ManagedLBSecurityGroup"),
	}
}

// stackTags are those of what the AWS Load Balancer Controller makes for a stack; of all of it when part is "".
func (k *Kubelet) stackTags(prefix, stack, part string) map[string]string {
	out := map[string]string{tagOfLBC: k.cluster, prefix + "/stack": stack}
	if part != "" {
		out[prefix+"/resource"] = part
	}
	return out
}

// leftBy is what goes when an object lets a finalizer go; mine is false when none of the controllers that are there held it.
func (k *Kubelet) leftBy(o owner, finalizer string) (left []leaving, mine bool) {
	if finalizer == serviceFinalizer {
		return []leaving{{
			tags:  map[string]string{tagClusterOwned + k.cluster: "owned", tagService: o.key()},
			group: "k8s-elb-" + cloudName(o.GetUID()),
		}}, true
	}
	prefix := tagsOf(finalizer)
	stack, ofGroup := strings.CutPrefix(finalizer, groupFinalizer)
	if !ofGroup {
		stack = o.key()
	}
	if prefix == "" || !k.hasController() {
		return nil, false
	}
	others := k.heldElsewhere(o)
	if !ofGroup || !slices.Contains(others, finalizer) {
		left = append(left, leaving{tags: k.stackTags(prefix, stack, "")})
	}
	if !slices.ContainsFunc(others, func(f string) bool { return tagsOf(f) != "" }) {
		left = append(left, leaving{group: sharedGroup(k.cluster)})
	}
	return left, true
}

// heldElsewhere are the finalizers of all other objects that can have a load balancer and do not go.
func (k *Kubelet) heldElsewhere(but owner) (out []string) {
	for _, informer := range k.balanced() {
		for _, found := range informer.GetStore().List() {
			if o, is := found.(metav1.Object); is && o.GetUID() != but.GetUID() && o.GetDeletionTimestamp() == nil {
				out = append(out, o.GetFinalizers()...)
			}
		}
	}
	return out
}

// tagsOf is the prefix of the tags of what a finalizer of the AWS Load Balancer Controller stands for, "" for any other.
func tagsOf(finalizer string) string {
	if strings.HasPrefix(finalizer, groupFinalizer) {
		return ingressTags
	}
	return map[string]string{
		controllerFinalizer: serviceTags, ingressFinalizer: ingressTags, albFinalizer: albTags, nlbFinalizer: nlbTags,
	}[finalizer]
}

// cloudName is the name that the cloud provider gives the load balancer of a Service.
func cloudName[UID ~string](uid UID) string {
	name := "a" + strings.ReplaceAll(string(uid), "-", "")
	return name[:min(32, len(name))]
}

// controllerName is the name that the AWS Load Balancer Controller gives one. Its hash is ours: that of the controller has the
// ids of objects in it, and the scheme.
func controllerName(cluster, tags, namespace, name string) string {
	sum := sha256.Sum256([]byte(cluster + "/" + tags + "/" + namespace + "/" + name))
	hash, fit := hex.EncodeToString(sum[:]), func(s string) string { return unfitForNames.ReplaceAllString(s, "") }
	if namespace == "" {
		return fmt.Sprintf("k8s-%.17s-%.10s", fit(name), hash)
	}
	return fmt.Sprintf("k8s-%.8s-%.8s-%.10s", fit(namespace), fit(name), hash)
}

// sharedGroup is the name of the security group that all load balancers of the AWS Load Balancer Controller have.
func sharedGroup(cluster string) string {
	sum := sha256.Sum256([]byte(cluster))
	return fmt.Sprintf("k8s-traffic-%.232s-%.10s", unfitForNames.ReplaceAllString(cluster, ""), hex.EncodeToString(sum[:]))
}

// hasController tells whether the AWS Load Balancer Controller runs: a pod with the name of its chart is ready.
func (k *Kubelet) hasController() bool {
	return slices.ContainsFunc(k.pods.GetStore().List(), func(o any) bool {
		p, is := o.(*corev1.Pod)
		return is && p.Labels[appLabel] == controllerApp && p.DeletionTimestamp == nil &&
			slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
				return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
			})
	})
}

// balanced are the informers of objects that can have a load balancer, by the kind of their items.
func (k *Kubelet) balanced() map[string]cache.SharedIndexInformer {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := map[string]cache.SharedIndexInformer{kindService: k.services}
	if k.ingresses != nil {
		out[kindIngress] = k.ingresses
	}
	if k.gateways != nil {
		out[kindGateway] = k.gateways
	}
	return out
}

// watchGateways begins to watch Gateways when the cluster has them: they are a user's CRDs.
func (k *Kubelet) watchGateways(ctx context.Context) {
	for !k.hasGateways() {
		select {
		case <-ctx.Done():
			return
		case <-time.After(gatewayPause):
		}
	}
	informer := k.dynamicInformer(gateways)
	if err := k.handle(kindGateway, informer); err != nil {
		k.log.Warn("watch Gateways", "error", err)
		return
	}
	k.mu.Lock()
	k.gateways = informer
	k.mu.Unlock()
	informer.RunWithContext(ctx)
}

func (k *Kubelet) hasGateways() bool {
	list, err := k.client.Discovery().ServerResourcesForGroupVersion(gateways.GroupVersion().String())
	return err == nil && slices.ContainsFunc(list.APIResources, func(r metav1.APIResource) bool {
		return r.Name == gateways.Resource
	})
}

func (k *Kubelet) dynamicInformer(resource schema.GroupVersionResource) cache.SharedIndexInformer {
	return informer(k.client, &unstructured.Unstructured{}, lister[*unstructured.UnstructuredList](k.dynamic.Resource(resource)))
}

var _ lister[*unstructured.UnstructuredList] = dynamic.ResourceInterface(nil)
