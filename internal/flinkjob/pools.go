// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/kube"
)

// nodePool is what is read of a Karpenter NodePool.
type nodePool struct {
	Spec struct {
		Weight   int `json:"weight"`
		Template struct {
			Metadata struct {
				Labels map[string]string `json:"labels"`
			} `json:"metadata"`
			Spec struct {
				NodeClassRef struct{ Name string } `json:"nodeClassRef"`
				Requirements []requirement         `json:"requirements"`
				Taints       []taint               `json:"taints"`
			} `json:"spec"`
		} `json:"template"`
	} `json:"spec"`
}

type requirement struct {
	Key      string   `json:"key"`
	Operator string   `json:"operator"`
	Values   []string `json:"values"`
}

func (q requirement) String() string {
	return strings.TrimSpace(q.Key + " " + q.Operator + " " + strings.Join(q.Values, ","))
}

type taint struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Effect string `json:"effect"`
}

func poolOf(o *unstructured.Unstructured) (p nodePool, err error) {
	raw, err := json.Marshal(o.Object)
	if err == nil {
		err = json.Unmarshal(raw, &p)
	}
	return p, err
}

// pools are the NodePools of the cluster; known is false when it has no Karpenter.
func (r Runner) pools(ctx context.Context) (pools []unstructured.Unstructured, known bool, err error) {
	pools, err = r.Kube.List(ctx, kube.KindNodePool, kube.ListOptions{})
	if kube.IsNoKind(err) {
		return nil, false, nil
	}
	for i := range pools {
		if err := r.zoned(ctx, &pools[i]); err != nil {
			return nil, true, err
		}
	}
	return pools, true, err
}

// zoned adds the zones of the node class to the requirements of a pool, as Karpenter offers nodes in its subnets only. Without
// them, which is so until the class is ready, the pool takes every zone.
func (r Runner) zoned(ctx context.Context, pool *unstructured.Unstructured) error {
	class, _, _ := unstructured.NestedString(pool.Object, "spec", "template", "spec", "nodeClassRef", "name")
	if class == "" {
		return nil
	}
	o, err := r.Kube.Get(ctx, kube.KindEC2NodeClass.Ref("", class))
	if kube.IsNotFound(err) || kube.IsNoKind(err) {
		return nil // the pool is not Ready, and says why
	}
	if err != nil {
		return err
	}
	path := []string{"spec", "template", "spec", "requirements"}
	all, _, _ := unstructured.NestedSlice(pool.Object, path...)
	for label, name := range map[string]string{labelZone: "zone", "topology.k8s.aws/zone-id": "zoneID"} {
		var values []any
		for _, s := range items(field(o.Object, "status", "subnets")) {
			if v := text(s[name]); v != "" && !slices.Contains(values, any(v)) {
				values = append(values, v)
			}
		}
		if len(values) > 0 {
			all = append(all, obj{"key": label, "operator": "In", "values": values})
		}
	}
	return unstructured.SetNestedSlice(pool.Object, all, path...)
}

const labelZone = "topology.kubernetes.io/zone"

func (r Runner) checkNodePools(ctx context.Context, s Job) ([]Finding, error) {
	if s.Cluster != "" {
		return nil, nil // its pods are the cluster's
	}
	objs, known, err := r.pools(ctx)
	if err != nil {
		return nil, err
	}
	if !known {
		return []Finding{{Text: "the cluster has no Karpenter NodePools"}}, nil
	}
	var problems []Finding
	for _, role := range []string{RoleJobManager, RoleTaskManager} {
		spec, err := s.podSpec(role)
		if err != nil {
			return nil, err
		}
		var why []string
		fits, transient := false, false
		for i := range objs {
			reason, unready := PoolRefuses(&objs[i], spec), poolUnready(&objs[i])
			fits = fits || reason == "" && unready == ""
			transient = transient || reason == ""
			why = append(why, objs[i].GetName()+": "+orElse(reason, unready))
		}
		if !fits {
			text := fmt.Sprintf("no NodePool takes the %s pods (%s)", role, orElse(strings.Join(why, ", "), "there are none"))
			problems = append(problems, Finding{Text: text, Transient: transient, Path: "spec." + podField[role]})
		}
		problems = append(problems, s.architecture(role, spec, objs)...)
	}
	return problems, nil
}

// architecture says that an image of the user's own can come to nodes of arm64. EMR's are of both architectures.
func (j Job) architecture(role string, spec obj, pools []unstructured.Unstructured) []Finding {
	image := j.str("spec", "image")
	if image == "" || strings.Contains(image, "/emr-on-eks/") {
		return nil
	}
	var arm []string
	for i := range pools {
		p, err := poolOf(&pools[i])
		if err == nil && PoolRefuses(&pools[i], spec) == "" && !p.admits("kubernetes.io/arch", "amd64") {
			arm = append(arm, pools[i].GetName())
		}
	}
	if len(arm) == 0 {
		return nil
	}
	return []Finding{{
		Advice: true, Code: "architecture", Path: "spec.image",
		Text:   fmt.Sprintf("the %s pods can go to %s, whose nodes are arm64", role, strings.Join(arm, ", ")),
		Effect: "an image without arm64 ends there with: exec format error", Mend: "an image of both architectures",
	}}
}

// PoolRefuses says why no node of a NodePool can take a pod of this spec; "" when
// one can. It looks at taints, node selectors and required node affinity, as Karpenter does, not at sizes.
func PoolRefuses(o *unstructured.Unstructured, pod map[string]any) string {
	p, err := poolOf(o)
	if err != nil {
		return err.Error()
	}
	if o.GetDeletionTimestamp() != nil {
		return "is being deleted"
	}
	tolerations, _ := pod["tolerations"].([]any)
	for _, t := range p.Spec.Template.Spec.Taints {
		if t.Effect != "PreferNoSchedule" && !t.tolerated(tolerations) {
			return "has taint " + t.Key + "=" + t.Value
		}
	}
	selector, _ := pod["nodeSelector"].(obj)
	for _, k := range slices.Sorted(maps.Keys(selector)) {
		if want, _ := selector[k].(string); !p.admits(k, want) {
			return "does not offer " + k + "=" + want
		}
	}
	terms := affinityTerms(pod)
	if len(terms) > 0 && !slices.ContainsFunc(terms, p.meetsAll) {
		return fmt.Sprintf("meets no term of the node affinity (%s)", affinityText(terms))
	}
	return ""
}

// affinityTerms are the terms of the required node affinity, of which one must hold.
func affinityTerms(pod obj) [][]requirement {
	var out [][]requirement
	for _, t := range items(field(pod, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution",
		"nodeSelectorTerms")) {
		var term []requirement
		for _, e := range items(t["matchExpressions"]) {
			var q requirement
			raw, err := json.Marshal(e)
			if err == nil && json.Unmarshal(raw, &q) == nil {
				term = append(term, q)
			}
		}
		out = append(out, term)
	}
	return out
}

func affinityText(terms [][]requirement) string {
	var out []string
	for _, t := range terms {
		var all []string
		for _, q := range t {
			all = append(all, q.String())
		}
		out = append(out, strings.Join(all, " and "))
	}
	return strings.Join(out, "; or ")
}

// poolUnready says why Karpenter starts no node for a NodePool at the moment; ""
// when it does. A new pool is not Ready until its EC2NodeClass is.
func poolUnready(o *unstructured.Unstructured) string {
	c := kube.ConditionOf(kube.Conditions(o), "Ready")
	if c.Status != "False" {
		return ""
	}
	return "is not Ready" + prefixed(": ", c.Message)
}

// tolerated says whether one of a pod's tolerations is of the taint.
func (t taint) tolerated(tolerations []any) bool {
	return slices.ContainsFunc(tolerations, func(one any) bool {
		m, _ := one.(obj)
		key, _ := m["key"].(string)
		value, _ := m["value"].(string)
		effect, _ := m["effect"].(string)
		exists := m["operator"] == "Exists"
		return (key == t.Key || key == "" && exists) && (exists || value == t.Value) && (effect == "" || effect == t.Effect)
	})
}

// on are the pool's own requirements on a label, its labels among them.
func (p nodePool) on(key string) []requirement {
	var out []requirement
	if v, ok := p.Spec.Template.Metadata.Labels[key]; ok {
		out = append(out, requirement{key, "In", []string{v}})
	}
	for _, q := range p.Spec.Template.Spec.Requirements {
		if q.Key == key {
			out = append(out, q)
		}
	}
	return out
}

// wellKnown are the labels that Karpenter or EC2 puts on every node: a pool without requirements on them has all values.
func wellKnown(key string) bool {
	return slices.ContainsFunc([]string{
		"kubernetes.io/", "node.kubernetes.io/", "topology.kubernetes.io/", "topology.k8s.aws/", "karpenter.k8s.aws/instance-",
	}, func(prefix string) bool { return strings.HasPrefix(key, prefix) })
}

// admits says whether a node of the pool can have a label.
func (p nodePool) admits(key, value string) bool {
	all := p.on(key)
	for _, q := range all {
		if !q.holds(value) {
			return false
		}
	}
	return len(all) > 0 || wellKnown(key)
}

// holds says whether a node whose label has the value meets the requirement.
func (q requirement) holds(value string) bool {
	switch q.Operator {
	case "In":
		return slices.Contains(q.Values, value)
	case "NotIn":
		return !slices.Contains(q.Values, value)
	case "DoesNotExist":
		return false
	case "Gt", "Lt":
		n, err := strconv.Atoi(value)
		bound, ok := q.bound()
		return err == nil && ok && (q.Operator == "Gt" && n > bound || q.Operator == "Lt" && n < bound)
	}
	return true // Exists
}

func (q requirement) bound() (int, bool) {
	if len(q.Values) != 1 {
		return 0, false
	}
	n, err := strconv.Atoi(q.Values[0])
	return n, err == nil
}

// meetsAll says whether a node of the pool can meet all expressions of a term. An empty term matches nothing.
func (p nodePool) meetsAll(term []requirement) bool {
	return len(term) > 0 && !slices.ContainsFunc(term, func(q requirement) bool { return !p.meets(q) })
}

// meets says whether a node of the pool can meet one expression of a pod.
func (p nodePool) meets(want requirement) bool {
	offered := p.on(want.Key)
	absent := slices.ContainsFunc(offered, func(q requirement) bool { return q.Operator == "DoesNotExist" }) ||
		len(offered) == 0 && !wellKnown(want.Key)
	if absent {
		return want.Operator == "NotIn" || want.Operator == "DoesNotExist"
	}
	if want.Operator == "Exists" || want.Operator == "DoesNotExist" {
		return want.Operator == "Exists"
	}
	values := borders(append(slices.Clone(offered), want))
	return len(values) == 0 || // there are only values that are excluded
		slices.ContainsFunc(values, func(v string) bool { return want.holds(v) && p.admits(want.Key, v) })
}

// borders are values of which one meets all requirements, if any does: those that are named, and those beside a bound.
func borders(all []requirement) (out []string) {
	for _, q := range all {
		n, isNumber := q.bound()
		switch {
		case q.Operator == "In":
			out = append(out, q.Values...)
		case isNumber && (q.Operator == "Gt" || q.Operator == "Lt"):
			out = append(out, strconv.Itoa(n+1), strconv.Itoa(n-1))
		}
	}
	return out
}
