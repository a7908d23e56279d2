// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"emrflink/internal/localcloud/account"
	"emrflink/internal/untyped"
)

// Names of the two controllers that make load balancers for Services. That of Kubernetes' AWS cloud provider runs with every EKS
// control plane; the AWS Load Balancer Controller works while a pod of it is ready, and only for Services that are left to it.
const (
	serviceFinalizer    = "service.kubernetes.io/load-balancer-cleanup"
	controllerFinalizer = "service.k8s.aws/resources"
	appLabel            = "app.kubernetes.io/name"
	controllerApp       = "aws-load-balancer-controller"
	controllerClass     = "service.k8s.aws/nlb"

	annotationType     = "service.beta.kubernetes.io/aws-load-balancer-type"
	annotationInternal = "service.beta.kubernetes.io/aws-load-balancer-internal"
	annotationScheme   = "service.beta.kubernetes.io/aws-load-balancer-scheme"

	tagService = "kubernetes.io/service-name"
	tagStack   = "service.k8s.aws/stack"
	tagPart    = "service.k8s.aws/resource"
	tagOfLBC   = "elbv2.k8s.aws/cluster"
)

// balancer is a load balancer as a controller makes it for one Service.
type balancer struct {
	by        string // the controller: "service-controller" or controllerApp
	finalizer string
	kind      account.Kind
	name      string
	internal  bool
	tags      map[string]string // that the load balancer is found by
	// The security group of its own, "" without one, and its tags.
	group, description string
	groupTags          map[string]string
}

// balancerOf is what a Service asks for; ok is false when that is none, or one of a controller that is not there.
func (k *Kubelet) balancerOf(s *corev1.Service) (b balancer, ok bool) {
	kind, class := s.Annotations[annotationType], ""
	if s.Spec.LoadBalancerClass != nil {
		class = *s.Spec.LoadBalancerClass
	}
	whose, key := tagClusterOwned+k.cluster, s.Namespace+"/"+s.Name
	switch {
	case s.Spec.Type != corev1.ServiceTypeLoadBalancer:
		return balancer{}, false
	case class == controllerClass, class == "" && (kind == "external" || kind == "nlb-ip"):
		name := controllerName(k.cluster, s)
		b = balancer{
			by: controllerApp, finalizer: controllerFinalizer, kind: account.KindLoadBalancer, name: name,
			internal: s.Annotations[annotationScheme] != "internet-facing",
			tags:     map[string]string{tagOfLBC: k.cluster, tagStack: key, tagPart: "LoadBalancer"},
			group:    name, description: "[k8s] Managed SecurityGroup for LoadBalancer",
			groupTags: map[string]string{tagOfLBC: k.cluster, tagStack: key, tagPart: "ManagedLBSecurityGroup"},
		}
		return b, k.hasController()
	case class != "":
		return balancer{}, false
	}
	b = balancer{
		by: "service-controller", finalizer: serviceFinalizer, kind: account.KindClassicBalancer, name: cloudName(s),
		internal: s.Annotations[annotationInternal] == "true", tags: map[string]string{whose: "owned", tagService: key},
	}
	if kind == "nlb" {
		b.kind = account.KindLoadBalancer // whose groups are those of the nodes
		return b, true
	}
	b.group, b.groupTags = "k8s-elb-"+b.name, map[string]string{whose: "owned"}
	b.description = fmt.Sprintf("Security group for Kubernetes ELB %s (%s)", b.name, key)
	return b, true
}

// cloudName is the name that the cloud provider gives the load balancer of a Service.
func cloudName(s *corev1.Service) string {
	name := "a" + strings.ReplaceAll(string(s.UID), "-", "")
	return name[:min(32, len(name))]
}

// controllerName is the name that the AWS Load Balancer Controller gives one.
func controllerName(cluster string, s *corev1.Service) string {
	sum := sha256.Sum256([]byte(cluster + "/" + string(s.UID)))
	word := func(text string) string {
		text = strings.NewReplacer("-", "", ".", "").Replace(text)
		return text[:min(8, len(text))]
	}
	return fmt.Sprintf("k8s-%s-%s-%s", word(s.Namespace), word(s.Name), hex.EncodeToString(sum[:])[:10])
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

// reconcileService makes the load balancer of a Service, and takes it away with the Service.
func (k *Kubelet) reconcileService(ctx context.Context, key string) error {
	o, ok, err := k.services.GetStore().GetByKey(key)
	s, isService := o.(*corev1.Service)
	if err != nil || !ok || !isService {
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
	b, wanted := k.balancerOf(s)
	if !wanted || s.DeletionTimestamp != nil {
		return m.remove(ctx, s)
	}
	if err = m.ensure(ctx, s, b); err != nil && !apierrors.IsConflict(err) {
		k.record(ctx, s, corev1.EventTypeWarning, "SyncLoadBalancerFailed", "Error syncing load balancer: "+err.Error(), b.by)
	}
	return err
}

// network is where a cluster has its load balancers, and who makes them.
type network struct {
	caller     account.Caller
	vpc, group string // group is that of the nodes
}

// balancers makes and deletes load balancers of one cluster.
type balancers struct {
	*Kubelet
	network
}

// ensure makes what a Service asks for, and says in its status where it is.
func (k balancers) ensure(ctx context.Context, s *corev1.Service, b balancer) error {
	if !slices.Contains(s.Finalizers, b.finalizer) {
		s = s.DeepCopy()
		s.Finalizers = append(s.Finalizers, b.finalizer)
		_, err := k.client.CoreV1().Services(s.Namespace).Update(ctx, s, metav1.UpdateOptions{})
		return err // which brings the Service back here
	}
	lb, found := k.made(b.kind, b.tags)
	if !found {
		k.record(ctx, s, corev1.EventTypeNormal, "EnsuringLoadBalancer", "Ensuring load balancer", b.by)
		var err error
		if lb, err = k.create(ctx, b); err != nil {
			return err
		}
		k.record(ctx, s, corev1.EventTypeNormal, "EnsuredLoadBalancer", "Ensured load balancer", b.by)
	}
	host := untyped.Text(lb.Attrs["dnsName"])
	if in := s.Status.LoadBalancer.Ingress; len(in) == 1 && in[0].Hostname == host {
		return nil
	}
	s = s.DeepCopy()
	s.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{Hostname: host}}
	_, err := k.client.CoreV1().Services(s.Namespace).UpdateStatus(ctx, s, metav1.UpdateOptions{})
	return err
}

// made finds what carries all of the tags.
func (k *Kubelet) made(kind account.Kind, tags map[string]string) (account.Resource, bool) {
	all := k.cloud.Find(kind, func(r account.Resource) bool {
		for key, value := range tags {
			if r.Tags[key] != value {
				return false
			}
		}
		return true
	})
	if len(all) == 0 {
		return account.Resource{}, false
	}
	return all[0], true
}

func (k balancers) create(ctx context.Context, b balancer) (account.Resource, error) {
	subnets := k.subnetsFor(b.internal)
	if len(subnets) == 0 {
		return account.Resource{}, errors.New("could not find any suitable subnets for creating the ELB")
	}
	p := account.Props{"name": b.name, "internal": b.internal, "subnets": subnets, "tags": texts(b.tags)}
	if b.kind == account.KindLoadBalancer {
		p["loadBalancerType"] = "network"
	}
	if b.group != "" {
		group, err := k.ensureGroup(ctx, b)
		if err != nil {
			return account.Resource{}, err
		}
		p["securityGroups"] = []any{group}
	}
	return k.cloud.Create(ctx, k.caller, b.kind, p)
}

// ensureGroup makes the security group of a load balancer, which the group of the nodes lets in.
func (k balancers) ensureGroup(ctx context.Context, b balancer) (string, error) {
	group, found := k.groupNamed(b.group)
	if !found {
		var err error
		if group, err = k.cloud.Create(ctx, k.caller, account.KindSecurityGroup, account.Props{
			"vpcId": k.vpc, "name": b.group, "description": b.description, "tags": texts(b.groupTags),
		}); err != nil {
			return "", err
		}
	}
	if k.group == "" || len(k.rulesFrom(group.ID)) > 0 {
		return group.ID, nil
	}
	_, err := k.cloud.Create(ctx, k.caller, account.KindSecurityGroupRule, account.Props{
		"securityGroupId": k.group, "sourceSecurityGroupId": group.ID,
		"type": "ingress", "protocol": "-1", "fromPort": 0, "toPort": 0,
	})
	return group.ID, err
}

func (k balancers) groupNamed(name string) (account.Resource, bool) {
	all := k.cloud.Find(account.KindSecurityGroup, func(r account.Resource) bool {
		return untyped.Text(r.Props["name"]) == name && untyped.Text(r.Props["vpcId"]) == k.vpc
	})
	if len(all) == 0 {
		return account.Resource{}, false
	}
	return all[0], true
}

// rulesFrom are the rules of other groups that let a group in.
func (k balancers) rulesFrom(group string) []account.Resource {
	return k.cloud.Find(account.KindSecurityGroupRule, func(r account.Resource) bool {
		return untyped.Text(r.Props["sourceSecurityGroupId"]) == group && untyped.Text(r.Props["securityGroupId"]) != group
	})
}

// subnetsFor are the subnets of a load balancer, one in each zone: those with the tag of their role.
func (k balancers) subnetsFor(internal bool) []any {
	role := "kubernetes.io/role/elb"
	if internal {
		role = "kubernetes.io/role/internal-elb"
	}
	zones := map[string]string{}
	for _, r := range k.cloud.Find(account.KindSubnet, func(r account.Resource) bool {
		return untyped.Text(r.Props["vpcId"]) == k.vpc && r.Tags[role] != ""
	}) {
		zone := untyped.Text(r.All()["availabilityZone"])
		if zones[zone] == "" || r.ID < zones[zone] {
			zones[zone] = r.ID
		}
	}
	out := []any{}
	for _, zone := range slices.Sorted(maps.Keys(zones)) {
		out = append(out, zones[zone])
	}
	return out
}

// remove deletes what a Service had, and lets the Service go. What one of the controllers made only that one deletes.
func (k balancers) remove(ctx context.Context, s *corev1.Service) error {
	var tags map[string]string
	key, group := s.Namespace+"/"+s.Name, ""
	api := k.client.CoreV1().Services(s.Namespace)
	for _, finalizer := range s.Finalizers {
		switch {
		case finalizer == serviceFinalizer:
			tags, group = map[string]string{tagClusterOwned + k.cluster: "owned", tagService: key}, "k8s-elb-"+cloudName(s)
		case finalizer == controllerFinalizer && k.hasController():
			tags, group = map[string]string{tagOfLBC: k.cluster, tagStack: key}, controllerName(k.cluster, s)
		default:
			continue
		}
		if err := k.delete(ctx, tags, group); err != nil {
			return err
		}
		rest := s.DeepCopy()
		if rest.DeletionTimestamp == nil && len(rest.Status.LoadBalancer.Ingress) > 0 {
			rest.Status.LoadBalancer = corev1.LoadBalancerStatus{}
			_, err := api.UpdateStatus(ctx, rest, metav1.UpdateOptions{})
			return err // which brings the Service back here
		}
		rest.Finalizers = slices.DeleteFunc(rest.Finalizers, func(f string) bool { return f == finalizer })
		_, err := api.Update(ctx, rest, metav1.UpdateOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return err
	}
	return nil
}

// delete deletes the load balancers with the tags, then the rules that name their group, and the group.
func (k balancers) delete(ctx context.Context, tags map[string]string, group string) error {
	for _, kind := range []account.Kind{account.KindClassicBalancer, account.KindLoadBalancer} {
		lb, found := k.made(kind, tags)
		if !found {
			continue
		}
		if err := k.cloud.Delete(ctx, k.caller, kind, lb.ID); err != nil {
			return fmt.Errorf("delete load balancer %q: %w", lb.Name, err)
		}
	}
	r, found := k.groupNamed(group)
	if !found {
		return nil
	}
	for _, rule := range k.rulesFrom(r.ID) {
		if err := k.cloud.Delete(ctx, k.caller, account.KindSecurityGroupRule, rule.ID); err != nil {
			return fmt.Errorf("revoke a rule of security group %q: %w", r.ID, err)
		}
	}
	if err := k.cloud.Delete(ctx, k.caller, account.KindSecurityGroup, r.ID); err != nil {
		return fmt.Errorf("delete security group %q: %w", r.ID, err)
	}
	return nil
}

// record writes an event of a Service.
func (k *Kubelet) record(ctx context.Context, s *corev1.Service, kind, reason, message, by string) {
	now := metav1.Now()
	sum := sha256.Sum256([]byte(string(s.UID) + reason + message))
	e := &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: s.Namespace, Name: s.Name + "." + hex.EncodeToString(sum[:])[:16],
			Annotations: map[string]string{AnnotationSimulated: "true"},
		},
		InvolvedObject: corev1.ObjectReference{
			APIVersion: "v1", Kind: "Service", Namespace: s.Namespace, Name: s.Name, UID: s.UID,
			ResourceVersion: s.ResourceVersion,
		},
		Type: kind, Reason: reason, Message: message, Source: corev1.EventSource{Component: by}, Count: 1,
		FirstTimestamp: now, LastTimestamp: now,
	}
	_, err := k.client.CoreV1().Events(s.Namespace).Create(ctx, e, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		k.log.Debug("record an event", "service", s.Name, "reason", reason, "error", err)
	}
}

func texts(tags map[string]string) account.Props {
	out := account.Props{}
	for key, value := range tags {
		out[key] = value
	}
	return out
}
