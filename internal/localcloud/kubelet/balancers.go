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

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"emrflink/internal/localcloud/account"
	"emrflink/internal/untyped"
)

// balancer is a load balancer as a controller makes it.
type balancer struct {
	by        string // the controller: "service-controller", or the name of a part of the AWS Load Balancer Controller
	finalizer string
	kind      account.Kind
	typ       string // "network" or "application" of a KindLoadBalancer
	name      string
	internal  bool
	tags      map[string]string // that the load balancer is found by
	// The security group of its own, "" without one, and its tags.
	group, description string
	groupTags          map[string]string
	// shared: nodes let in the one group that all load balancers of the AWS Load Balancer Controller have.
	shared bool
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

// ensure makes what an object asks for, and says in its status where it is.
func (k balancers) ensure(ctx context.Context, o owner, b balancer) error {
	if !slices.Contains(o.GetFinalizers(), b.finalizer) {
		return o.save(ctx, append(slices.Clone(o.GetFinalizers()), b.finalizer)) // which brings the object back here
	}
	lb, found := k.made(b.kind, b.tags)
	if !found {
		var err error
		if lb, err = k.create(ctx, b); err != nil {
			return err
		}
		if b.shared {
			k.record(ctx, o, corev1.EventTypeNormal, "SuccessfullyReconciled", "Successfully reconciled", b.by)
		} else {
			k.record(ctx, o, corev1.EventTypeNormal, "EnsuringLoadBalancer", "Ensuring load balancer", b.by)
			k.record(ctx, o, corev1.EventTypeNormal, "EnsuredLoadBalancer", "Ensured load balancer", b.by)
		}
	}
	if host := untyped.Text(lb.Attrs["dnsName"]); o.host != host {
		return o.show(ctx, host)
	}
	return nil
}

// failed says that a load balancer could not be made.
func (k balancers) failed(ctx context.Context, o owner, b balancer, err error) {
	if b.shared {
		k.record(ctx, o, corev1.EventTypeWarning, "FailedDeployModel", "Failed deploy model due to "+err.Error(), b.by)
		return
	}
	k.record(ctx, o, corev1.EventTypeWarning, "SyncLoadBalancerFailed", "Error syncing load balancer: "+err.Error(), b.by)
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
		p["loadBalancerType"] = b.typ
	}
	if b.group != "" {
		groups, err := k.ensureGroups(ctx, b)
		if err != nil {
			return account.Resource{}, err
		}
		p["securityGroups"] = groups
	}
	return k.cloud.Create(ctx, k.caller, b.kind, p)
}

// ensureGroups makes the security groups of a load balancer, of which the group of the nodes lets the last one in.
func (k balancers) ensureGroups(ctx context.Context, b balancer) ([]any, error) {
	group, err := k.ensureGroup(ctx, b.group, b.description, b.groupTags)
	if err != nil {
		return nil, err
	}
	groups := []any{group}
	if b.shared {
		if group, err = k.ensureGroup(ctx, sharedGroup(k.cluster), "[k8s] Shared Backend SecurityGroup for LoadBalancer",
			map[string]string{tagOfLBC: k.cluster, "elbv2.k8s.aws/resource": "backend-sg"}); err != nil {
			return nil, err
		}
		groups = append(groups, group)
	}
	if k.group == "" || len(k.rulesFrom(group)) > 0 {
		return groups, nil
	}
	_, err = k.cloud.Create(ctx, k.caller, account.KindSecurityGroupRule, account.Props{
		"securityGroupId": k.group, "sourceSecurityGroupId": group,
		"type": "ingress", "protocol": "-1", "fromPort": 0, "toPort": 0,
	})
	return groups, err
}

func (k balancers) ensureGroup(ctx context.Context, name, description string, tags map[string]string) (string, error) {
	group, found := k.groupNamed(name)
	if !found {
		var err error
		if group, err = k.cloud.Create(ctx, k.caller, account.KindSecurityGroup, account.Props{
			"vpcId": k.vpc, "name": name, "description": description, "tags": texts(tags),
		}); err != nil {
			return "", err
		}
	}
	return group.ID, nil
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

// remove deletes what an object had, and lets the object go. What one of the controllers made only that one deletes.
func (k balancers) remove(ctx context.Context, o owner) error {
	for _, finalizer := range o.GetFinalizers() {
		left, mine := k.leftBy(o, finalizer)
		if !mine {
			continue
		}
		for _, of := range left {
			if err := k.delete(ctx, of); err != nil {
				return err
			}
		}
		if o.GetDeletionTimestamp() == nil && o.host != "" {
			return o.show(ctx, "") // which brings the object back here
		}
		err := o.save(ctx, slices.DeleteFunc(slices.Clone(o.GetFinalizers()), func(f string) bool { return f == finalizer }))
		if apierrors.IsNotFound(err) {
			return nil
		}
		return err
	}
	return nil
}

// leaving is what goes with an object: the load balancers with the tags, and one security group.
type leaving struct {
	tags  map[string]string // nil: no load balancer
	group string            // by its name; "" is the one with the tags
}

// delete deletes load balancers, then the rules that name their group, and the group.
func (k balancers) delete(ctx context.Context, what leaving) error {
	for _, kind := range []account.Kind{account.KindClassicBalancer, account.KindLoadBalancer} {
		lb, found := k.made(kind, what.tags)
		if !found || what.tags == nil {
			continue
		}
		if err := k.cloud.Delete(ctx, k.caller, kind, lb.ID); err != nil {
			return fmt.Errorf("delete load balancer %q: %w", lb.Name, err)
		}
	}
	r, found := k.made(account.KindSecurityGroup, what.tags)
	if what.group != "" {
		r, found = k.groupNamed(what.group)
	}
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

// record writes an event of an object.
func (k *Kubelet) record(ctx context.Context, o owner, kind, reason, message, by string) {
	now := metav1.Now()
	sum := sha256.Sum256([]byte(string(o.GetUID()) + reason + message))
	version, name := o.kind.ToAPIVersionAndKind()
	e := &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: o.GetNamespace(), Name: o.GetName() + "." + hex.EncodeToString(sum[:])[:16],
			Annotations: map[string]string{AnnotationSimulated: "true"},
		},
		InvolvedObject: corev1.ObjectReference{
			APIVersion: version, Kind: name, Namespace: o.GetNamespace(), Name: o.GetName(), UID: o.GetUID(),
			ResourceVersion: o.GetResourceVersion(),
		},
		Type: kind, Reason: reason, Message: message, Source: corev1.EventSource{Component: by}, Count: 1,
		FirstTimestamp: now, LastTimestamp: now,
	}
	_, err := k.client.CoreV1().Events(o.GetNamespace()).Create(ctx, e, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		k.log.Debug("record an event", "object", o.GetName(), "reason", reason, "error", err)
	}
}

func texts(tags map[string]string) account.Props {
	out := account.Props{}
	for key, value := range tags {
		out[key] = value
	}
	return out
}
