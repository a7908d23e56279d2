// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"

	"emrflink/internal/kube"
)

const labelHostname = "kubernetes.io/hostname"

// pods are those of a role, and the pools that take them.
type pods struct {
	role   string
	count  int
	spec   obj
	labels labels.Set
	pools  []nodePool
	names  []string // of the pools
}

// checkPlacement finds rules between pods, and between pods and volumes, that no node of the pools can meet, by the rules of
// Karpenter: a domain is a zone, a pool's label or the like; each new node is a domain of its own. Rules that are only preferred
// are left to it.
func (r Runner) checkPlacement(ctx context.Context, s Job) ([]Finding, error) {
	if s.Cluster != "" {
		return nil, nil // its pods are the cluster's
	}
	objs, known, err := r.pools(ctx)
	if err != nil || !known {
		return nil, err
	}
	var both []pods
	for _, role := range []string{RoleJobManager, RoleTaskManager} {
		p, err := s.podsOf(role, objs)
		if err != nil {
			return nil, err
		}
		both = append(both, p)
	}
	var all []Finding
	for i, p := range both {
		if len(p.pools) == 0 {
			continue // which is said elsewhere
		}
		found, err := r.placed(ctx, s, p, both[1-i])
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// podsOf are the pods of a role.
func (j Job) podsOf(role string, objs []unstructured.Unstructured) (pods, error) {
	template, err := j.podTemplate(role)
	if err != nil {
		return pods{}, err
	}
	spec := specIn(template)
	p := pods{role: role, count: j.podCount(role), spec: spec, labels: labels.Set{
		"app": j.Name, "component": role, "type": nativeType,
	}}
	of, _, _ := unstructured.NestedStringMap(template, "metadata", "labels")
	for k, v := range of {
		p.labels[k] = v
	}
	for i := range objs {
		if PoolRefuses(&objs[i], spec) != "" {
			continue
		}
		pool, err := poolOf(&objs[i])
		if err != nil {
			return pods{}, err
		}
		p.pools, p.names = append(p.pools, pool), append(p.names, objs[i].GetName())
	}
	return p, nil
}

// placed are the rules of one role's pods that cannot be met.
func (r Runner) placed(ctx context.Context, s Job, p, other pods) ([]Finding, error) {
	var all []Finding
	say := func(path, format string, args ...any) {
		all = append(all, Finding{Path: s.whereIs(p.role, path), Text: fmt.Sprintf("the "+p.role+" pods "+format, args...)})
	}
	for i, rule := range items(p.spec["topologySpreadConstraints"]) {
		if why := p.spread(rule); why != "" {
			say(fmt.Sprintf("topologySpreadConstraints[%d]", i), "%s", why)
		}
	}
	const required = "requiredDuringSchedulingIgnoredDuringExecution"
	for i, term := range items(field(p.spec, "affinity", "podAntiAffinity", required)) {
		if why := p.apart(term, other, s.Namespace); why != "" {
			say(fmt.Sprintf("affinity.podAntiAffinity.%s[%d]", required, i), "%s", why)
		}
	}
	for i, term := range items(field(p.spec, "affinity", "podAffinity", required)) {
		why, err := r.together(ctx, s, term, p, other)
		if err != nil {
			return nil, err
		}
		if why != "" {
			say(fmt.Sprintf("affinity.podAffinity.%s[%d]", required, i), "%s", why)
		}
	}
	for i, volume := range items(p.spec["volumes"]) {
		why, err := r.reaches(ctx, s, p, text(field(volume, "persistentVolumeClaim", "claimName")))
		if err != nil {
			return nil, err
		}
		if why != "" {
			say(fmt.Sprintf("volumes[%d]", i), "%s", why)
		}
	}
	return all, nil
}

// whereIs is the path of what the pods of a role have: in their own template, or else in the common one.
func (j Job) whereIs(role, path string) string {
	first, _, _ := strings.Cut(strings.ReplaceAll(path, "[", "."), ".")
	own := []string{"spec", podField[role], "podTemplate", "spec"}
	if _, has, _ := unstructured.NestedFieldNoCopy(j.Object.Object, append(own, first)...); !has {
		own = []string{"spec", "podTemplate", "spec"}
	}
	return strings.Join(append(own, path), ".")
}

// domains are the values of a label that nodes for the pods can have; endless when each node brings its own, or nobody lists
// them.
func (p pods) domains(key string) (values []string, endless bool) {
	for _, pool := range p.pools {
		offered := pool.on(key)
		if key == labelHostname || len(offered) == 0 && wellKnown(key) {
			return nil, true
		}
		listed := false
		for _, q := range offered {
			if q.Operator != "In" {
				continue
			}
			listed = true
			for _, v := range q.Values {
				if pool.admits(key, v) && p.wants(pool, key, v) && !slices.Contains(values, v) {
					values = append(values, v)
				}
			}
		}
		if !listed && len(offered) > 0 {
			return nil, true
		}
	}
	slices.Sort(values)
	return values, false
}

// wants says whether the pods' own selector and node affinity take a value that a pool offers.
func (p pods) wants(pool nodePool, key, value string) bool {
	selector, _ := p.spec["nodeSelector"].(obj)
	if want, set := selector[key]; set && text(want) != value {
		return false
	}
	terms := affinityTerms(p.spec)
	return len(terms) == 0 || slices.ContainsFunc(terms, func(term []requirement) bool {
		return pool.meetsAll(term) && !slices.ContainsFunc(term, func(q requirement) bool {
			return q.Key == key && !q.holds(value)
		})
	})
}

// selects says whether the selector of a rule is about pods with these labels. Without a selector it is about none.
func selects(rule obj, of labels.Set) bool {
	raw, err := json.Marshal(rule["labelSelector"])
	var selector *metav1.LabelSelector
	if err != nil || json.Unmarshal(raw, &selector) != nil {
		return false
	}
	by, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && by.Matches(of)
}

// about says whether a term is about the pods of a job in its namespace.
func about(term obj, namespace string, of labels.Set) bool {
	named, _, _ := unstructured.NestedStringSlice(term, "namespaces")
	if len(named) > 0 && !slices.Contains(named, namespace) {
		return false
	}
	if by, _ := term["namespaceSelector"].(obj); len(by) > 0 && len(named) == 0 {
		return false // which namespaces it is about is not looked at
	}
	return selects(term, of)
}

func key(rule obj) string { return text(rule["topologyKey"]) }

// nowhere is the reason when no node for the pods has the label.
func (p pods) nowhere(rule obj) string {
	return fmt.Sprintf("have a rule by %s, a label that no node of %s has", key(rule), strings.Join(p.names, ", "))
}

// spread is why a spread constraint cannot be met.
func (p pods) spread(rule obj) string {
	if rule["whenUnsatisfiable"] == "ScheduleAnyway" {
		return ""
	}
	values, endless := p.domains(key(rule))
	if endless {
		return ""
	}
	if len(values) == 0 {
		return p.nowhere(rule)
	}
	number := func(name string) int {
		q := quantityOf(text(rule[name]))
		return int(q.Value())
	}
	// With fewer domains than minDomains, the emptiest one counts as empty: none may have more than the skew.
	most := number("maxSkew") * len(values)
	if number("minDomains") <= len(values) || p.count <= most || !selects(rule, p.labels) {
		return ""
	}
	return fmt.Sprintf("are to be spread over %d of %s, and there are %d (%s): of %d pods, %d get a node", number("minDomains"),
		key(rule), len(values), strings.Join(values, ", "), p.count, most)
}

// apart is why a required anti-affinity cannot be met.
func (p pods) apart(term obj, other pods, namespace string) string {
	values, endless := p.domains(key(term))
	if endless {
		return ""
	}
	if len(values) == 0 {
		return p.nowhere(term)
	}
	need, who := 0, []string{}
	if about(term, namespace, p.labels) {
		need, who = p.count, append(who, p.role)
	}
	beside, _ := other.domains(key(term))
	among := len(beside) > 0 && !slices.ContainsFunc(beside, func(v string) bool { return !slices.Contains(values, v) })
	if among && about(term, namespace, other.labels) { // one of the values is theirs
		need, who = max(need, 1)+1, append(who, other.role)
	}
	if need <= len(values) {
		return ""
	}
	return fmt.Sprintf("share no %s with pods of %s: that takes %d of them, and there are %d (%s)", key(term),
		strings.Join(who, " and "), need, len(values), strings.Join(values, ", "))
}

// together is why a required affinity cannot be met.
func (r Runner) together(ctx context.Context, s Job, term obj, p, other pods) (string, error) {
	values, endless := p.domains(key(term))
	if !endless && len(values) == 0 {
		return p.nowhere(term), nil
	}
	switch {
	case about(term, s.Namespace, p.labels):
		return "", nil // the first one chooses
	case about(term, s.Namespace, other.labels):
		if p.meet(other, key(term)) {
			return "", nil
		}
		return fmt.Sprintf("are to be where the %s pods are, by %s, and no node of %s can be of %s", other.role, key(term),
			strings.Join(p.names, ", "), strings.Join(other.names, ", ")), nil
	}
	if by, _ := term["namespaceSelector"].(obj); by != nil {
		return "", nil // which pods it is about is not looked at
	}
	namespaces, _, _ := unstructured.NestedStringSlice(term, "namespaces")
	if len(namespaces) == 0 {
		namespaces = []string{s.Namespace}
	}
	for _, ns := range namespaces {
		there, err := r.Kube.Pods(ctx, ns, "")
		if err != nil {
			return "", unseen(err)
		}
		if slices.ContainsFunc(there, func(one kube.Pod) bool { return selects(term, one.Labels) }) {
			return "", nil
		}
	}
	return fmt.Sprintf("are to be where pods of a selector are, by %s, and no pod has its labels", key(term)), nil
}

// meet says whether pods of both roles can be in one domain: on one node, it is that of a pool that takes both.
func (p pods) meet(other pods, by string) bool {
	mine, endless := p.domains(by)
	theirs, all := other.domains(by)
	if by == labelHostname {
		mine, theirs, endless, all = p.names, other.names, false, false
	}
	return endless || all || slices.ContainsFunc(mine, func(v string) bool { return slices.Contains(theirs, v) })
}

// reaches is why pods cannot have the volume of a claim: it is in a zone in which no pool of theirs has nodes.
func (r Runner) reaches(ctx context.Context, s Job, p pods, claim string) (string, error) {
	if claim == "" {
		return "", nil
	}
	o, err := r.Kube.Get(ctx, kube.KindPVC.Ref(s.Namespace, claim))
	if err != nil {
		return "", unseen(err) // a claim that is missing is said elsewhere
	}
	name, _, _ := unstructured.NestedString(o.Object, "spec", "volumeName")
	if name == "" {
		return "", nil // it is made where the pod is
	}
	volume, err := r.Kube.Get(ctx, kube.KindPV.Ref("", name))
	if err != nil {
		return "", unseen(err)
	}
	at := obj{"affinity": obj{"nodeAffinity": obj{"requiredDuringSchedulingIgnoredDuringExecution": field(volume.Object, "spec",
		"nodeAffinity", "required")}}}
	terms := affinityTerms(at)
	for _, pool := range p.pools {
		if len(terms) == 0 || slices.ContainsFunc(terms, func(term []requirement) bool { return p.canBe(pool, term) }) {
			return "", nil
		}
	}
	return fmt.Sprintf("mount the claim %q, whose volume is at %s: no node of %s is there", claim, affinityText(terms),
		strings.Join(p.names, ", ")), nil
}

// unseen is no error where a thing is not there, or not for the user to see: nothing is said of it.
func unseen(err error) error {
	if kube.ReasonOf(err) == "Forbidden" {
		return nil
	}
	return notGone(err)
}

// canBe says whether a node of the pool can meet a term and what the pods select themselves.
func (p pods) canBe(pool nodePool, term []requirement) bool {
	return pool.meetsAll(term) && !slices.ContainsFunc(term, func(q requirement) bool {
		values, endless := p.in(pool).domains(q.Key)
		return !endless && !slices.ContainsFunc(values, q.holds)
	})
}

// in is p in one pool alone.
func (p pods) in(pool nodePool) pods {
	p.pools = []nodePool{pool}
	return p
}
