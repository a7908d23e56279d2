// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/kube"
)

// checkQuota compares what the job adds with what the namespace's quotas have left.
func (r Runner) checkQuota(ctx context.Context, s Job) ([]Finding, error) {
	if s.Cluster != "" {
		return nil, nil
	}
	quotas, err := r.Kube.List(ctx, kube.KindResourceQuota, kube.ListOptions{Namespace: s.Namespace})
	if err != nil || len(quotas) == 0 {
		return nil, err
	}
	need, err := r.whole(ctx, s)
	if need == nil || err != nil {
		return nil, err
	}
	_, err = r.Kube.Get(ctx, s.ref())
	runs := err == nil // its pods are in what is used
	if err != nil && !kube.IsNotFound(err) && !kube.IsNoKind(err) {
		return nil, err
	}
	var out []Finding
	for i := range quotas {
		hard, _, _ := unstructured.NestedMap(quotas[i].Object, "spec", "hard")
		for _, what := range slices.Sorted(maps.Keys(need)) {
			limit, limited := hard[what]
			if !limited {
				continue
			}
			used := quantityOf("")
			if !runs {
				used = quantityOf(text(field(quotas[i].Object, "status", "used", what)))
			}
			total := need[what]
			total.Add(used)
			if most := quantityOf(text(limit)); total.Cmp(most) > 0 {
				asks := need[what]
				out = append(out, Finding{Text: fmt.Sprintf("the job asks for %s of %s; the quota %q of namespace %q has %s, "+
					"and %s are in use", asks.String(), what, quotas[i].GetName(), s.Namespace, most.String(), used.String())})
			}
		}
	}
	return out, nil
}

// whole is what all pods of the job ask for, in the words of a quota; nil when the file does not say it right.
func (r Runner) whole(ctx context.Context, s Job) (map[string]resource.Quantity, error) {
	defaults, _, err := r.limitRange(ctx, s.Namespace)
	if err != nil {
		return nil, err
	}
	var cpu, memory int64
	pods := 0
	for _, role := range []string{RoleJobManager, RoleTaskManager} {
		amounts, err := s.amounts(role, defaults)
		if err != nil {
			return nil, nil //nolint:nilerr // the file's own check says it
		}
		one, n := sum(amounts), s.podCount(role)
		cpu += int64(one.MilliCPU * n)
		memory += int64(one.MemoryMiB*n) << 20
		pods += n
	}
	return map[string]resource.Quantity{
		"requests.cpu":    *resource.NewMilliQuantity(cpu, resource.DecimalSI),
		"requests.memory": *resource.NewQuantity(memory, resource.BinarySI),
		"pods":            *resource.NewQuantity(int64(pods), resource.DecimalSI),
	}, nil
}

// limit is one entry of a LimitRange for containers.
type limit struct {
	Type                     string
	Min, Max, DefaultRequest map[string]string
	name                     string
}

// limitRange are the limits of the namespace's containers, and the requests of those that have none.
func (r Runner) limitRange(ctx context.Context, namespace string) (defaults obj, limits []limit, err error) {
	ranges, err := r.Kube.List(ctx, kube.KindLimitRange, kube.ListOptions{Namespace: namespace})
	if err != nil {
		return nil, nil, err
	}
	defaults = obj{}
	for i := range ranges {
		for _, one := range items(field(ranges[i].Object, "spec", "limits")) {
			l := limit{name: ranges[i].GetName()}
			raw, err := json.Marshal(one)
			if err == nil {
				err = json.Unmarshal(raw, &l)
			}
			if err != nil {
				return nil, nil, fmt.Errorf("read the LimitRange %q: %w", l.name, err)
			}
			if l.Type == "Container" {
				limits = append(limits, l)
				for what, v := range l.DefaultRequest {
					defaults[what] = v
				}
			}
		}
	}
	return defaults, limits, nil
}

// checkLimitRange compares each container with the limits of the namespace.
func (r Runner) checkLimitRange(ctx context.Context, s Job) ([]Finding, error) {
	if s.Cluster != "" {
		return nil, nil
	}
	defaults, limits, err := r.limitRange(ctx, s.Namespace)
	if err != nil || len(limits) == 0 {
		return nil, err
	}
	var out []Finding
	for _, role := range []string{RoleJobManager, RoleTaskManager} {
		amounts, err := s.amounts(role, defaults)
		if err != nil {
			continue // the file's own check says it
		}
		for _, c := range amounts {
			for _, l := range limits {
				for what, has := range map[string]string{"cpu": c.cpu, "memory": c.memory} {
					if why := l.refuses(what, has); why != "" {
						out = append(out, Finding{
							Path: "spec." + podField[role] + ".resource." + what,
							Text: fmt.Sprintf("%s of the %s pods has %s of %s; the LimitRange %q of namespace %q allows %s",
								c.name, role, has, what, l.name, s.Namespace, why),
						})
					}
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b Finding) int { return strings.Compare(a.Text, b.Text) })
	return out, nil
}

// refuses says which bound an amount breaks, "" for none.
func (l limit) refuses(what, has string) string {
	q := quantityOf(has)
	if most, set := l.Max[what]; set && q.Cmp(quantityOf(most)) > 0 {
		return "at most " + most
	}
	if least, set := l.Min[what]; set && q.Cmp(quantityOf(least)) < 0 {
		return "at least " + least
	}
	return ""
}
