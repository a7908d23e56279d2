// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/exitcode"
	"emrflink/internal/kube"
)

const (
	operatorDeployment = "flink-kubernetes-operator"
	flinkCRD           = "flinkdeployments.flink.apache.org"
)

// PreflightError lists what would keep the job from running. Nothing was
// submitted.
type PreflightError struct {
	Problems  []string
	Transient bool // all of them end by themselves: what is installed is not ready yet
}

// problem is one of a PreflightError's.
type problem struct {
	text      string
	transient bool
}

// Error implements error.
func (e *PreflightError) Error() string {
	return "the job cannot run: " + strings.Join(e.Problems, "; ")
}

// Code is a stable id of the failure.
func (e *PreflightError) Code() string { return "flinkjob.preflight" }

// ExitCode is 1: the cluster is not as the job needs it.
func (e *PreflightError) ExitCode() int { return exitcode.Failed }

// Hint is the next command.
func (e *PreflightError) Hint() string { return "emrflink deploy" }

// Preflight checks, before anything is submitted, that the operator and its CRD
// are there, that the namespace exists, that live NodePools can take both kinds
// of pods, that the role trusts the service accounts that EMR will make, and that the jar, the state to start from, and the
// ConfigMaps, Secrets and volumes of the pods are there. All problems come in one *PreflightError.
func (r Runner) Preflight(ctx context.Context, s Job) error {
	r = r.withDefaults()
	failed := &PreflightError{Transient: true}
	for _, check := range []func(context.Context, Job) ([]problem, error){
		r.checkOperator, r.checkNamespace, r.checkNodePools, r.checkTrust, r.checkFiles, r.checkReferences,
	} {
		found, err := check(ctx, s)
		if err != nil {
			return fmt.Errorf("check job %q: %w", s.Name, err)
		}
		for _, p := range found {
			failed.Problems = append(failed.Problems, p.text)
			failed.Transient = failed.Transient && p.transient
		}
	}
	if len(failed.Problems) > 0 {
		return failed
	}
	return nil
}

func (r Runner) checkOperator(ctx context.Context, s Job) ([]problem, error) {
	crd, err := r.Kube.Get(ctx, kube.KindCRD.Ref("", flinkCRD))
	if kube.IsNotFound(err) {
		return []problem{{text: "the cluster does not know FlinkDeployment (CRD " + flinkCRD + ")"}}, nil
	}
	if err != nil {
		return nil, err
	}
	if c := kube.ConditionOf(kube.Conditions(crd), "Established"); c.Status != "True" {
		return []problem{{"CRD " + flinkCRD + " is not established yet" + prefixed(": ", c.Message), true}}, nil
	}
	d, err := r.Kube.Get(ctx, kube.KindDeployment.Ref(s.OperatorNamespace, operatorDeployment))
	if kube.IsNotFound(err) {
		return []problem{{text: fmt.Sprintf("the Flink operator is not installed (Deployment %q in namespace %q)",
			operatorDeployment, s.OperatorNamespace)}}, nil
	}
	if err != nil {
		return nil, err
	}
	if c := kube.ConditionOf(kube.Conditions(d), "Available"); c.Status != "True" {
		return []problem{{"the Flink operator is not available" + prefixed(": ", c.Message), true}}, nil
	}
	return nil, nil
}

func (r Runner) checkNamespace(ctx context.Context, s Job) ([]problem, error) {
	ns, err := r.Kube.Get(ctx, kube.KindNamespace.Ref("", s.Namespace))
	if kube.IsNotFound(err) {
		return []problem{{text: fmt.Sprintf("namespace %q does not exist", s.Namespace)}}, nil
	}
	if err == nil && ns.GetDeletionTimestamp() != nil {
		return []problem{{text: fmt.Sprintf("namespace %q is being deleted", s.Namespace)}}, nil
	}
	return nil, err
}

func (r Runner) checkTrust(ctx context.Context, s Job) ([]problem, error) {
	if r.Trust == nil || s.RoleARN == "" {
		return nil, nil
	}
	_, role, err := roleOf(s.RoleARN)
	if err != nil {
		return nil, err
	}
	doc, err := r.Trust.RoleTrust(ctx, role)
	if err != nil {
		return nil, err
	}
	var problems []problem
	for _, part := range []string{RoleJobManager, RoleTaskManager} {
		sa, err := ServiceAccount(s.RoleARN, part)
		if err != nil {
			return nil, err
		}
		ok, why, err := TrustAllows(doc, Subject(s.Namespace, sa))
		if err != nil {
			return nil, err
		}
		if !ok {
			problems = append(problems, problem{text: fmt.Sprintf("role %q does not trust %q: %s", role, Subject(s.Namespace, sa),
				why)})
		}
	}
	return problems, nil
}

// nodePool is what is read of a Karpenter NodePool.
type nodePool struct {
	Spec struct {
		Template struct {
			Metadata struct {
				Labels map[string]string `json:"labels"`
			} `json:"metadata"`
			Spec struct {
				Requirements []requirement `json:"requirements"`
				Taints       []taint       `json:"taints"`
			} `json:"spec"`
		} `json:"template"`
	} `json:"spec"`
}

type requirement struct {
	Key      string   `json:"key"`
	Operator string   `json:"operator"`
	Values   []string `json:"values"`
}

type taint struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Effect string `json:"effect"`
}

func (r Runner) checkNodePools(ctx context.Context, s Job) ([]problem, error) {
	objs, err := r.Kube.List(ctx, kube.KindNodePool, kube.ListOptions{})
	if kube.IsNoKind(err) {
		return []problem{{text: "the cluster has no Karpenter NodePools"}}, nil
	}
	if err != nil {
		return nil, err
	}
	var problems []problem
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
			problems = append(problems, problem{text, transient})
		}
	}
	return problems, nil
}

// PoolRefuses says why no node of a NodePool can take a pod of this spec; "" when
// one can. It looks at taints and node selectors, not at sizes.
func PoolRefuses(o *unstructured.Unstructured, pod map[string]any) string {
	var p nodePool
	raw, err := json.Marshal(o.Object)
	if err == nil {
		err = json.Unmarshal(raw, &p)
	}
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
		if want, _ := selector[k].(string); !p.offers(k, want) {
			return "does not offer " + k + "=" + want
		}
	}
	return ""
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

func (p nodePool) offers(key, value string) bool {
	if got, ok := p.Spec.Template.Metadata.Labels[key]; ok {
		return got == value
	}
	offered := false
	for _, rq := range p.Spec.Template.Spec.Requirements {
		if rq.Key != key {
			continue
		}
		switch rq.Operator {
		case "In":
			if !slices.Contains(rq.Values, value) {
				return false
			}
		case "NotIn":
			if slices.Contains(rq.Values, value) {
				return false
			}
		case "DoesNotExist":
			return false
		}
		offered = true
	}
	return offered || strings.HasPrefix(key, "kubernetes.io/") || strings.HasPrefix(key, "node.kubernetes.io/") ||
		strings.HasPrefix(key, "topology.kubernetes.io/")
}
