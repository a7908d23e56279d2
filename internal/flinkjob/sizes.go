// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/cost"
	"emrflink/internal/flinkspec"
	"emrflink/internal/kube"
)

// mainContainer is Flink's own in its pods. sidecarMemory is what EMR gives its log sidecar when the job does not say.
const (
	mainContainer = "flink-main-container"
	sidecarMemory = "512Mi"
)

// idleWorthSaying is from how much idle processor and memory, in per cent of each added up, a pod's size is spoken of.
const idleWorthSaying = 100

// podCount is how many pods of a role the job starts with.
func (j Job) podCount(role string) int {
	of := func(path ...string) int {
		v, _, _ := unstructured.NestedFieldNoCopy(j.Object.Object, path...)
		n, _ := strconv.Atoi(fmt.Sprint(v))
		return max(1, n)
	}
	if role == RoleJobManager {
		const replicas, ha = "replicas", "highAvailabilityEnabled"
		on, isSet, _ := unstructured.NestedBool(j.Object.Object, "spec", "jobManager", ha)
		if _, has, _ := unstructured.NestedFieldNoCopy(j.Object.Object, "spec", "jobManager", replicas); !has && (on || !isSet) {
			return 2 // EMR's default with high availability, which is its default too
		}
		return of("spec", "jobManager", replicas)
	}
	slots := of("spec", "flinkConfiguration", "taskmanager.numberOfTaskSlots")
	return (of("spec", "job", "parallelism") + slots - 1) / slots
}

// amounts of containers, as texts: the main one's, the sidecar's, then those that the template brings; the defaults of the
// namespace are those of containers without requests.
func (j Job) amounts(role string, defaults obj) ([]container, error) {
	own := []string{"spec", podField[role], "resource"}
	bytes, err := flinkspec.ResourceMemory(j.str(append(own, "memory")...))
	if err != nil {
		return nil, err
	}
	cpu, found, _ := unstructured.NestedFieldNoCopy(j.Object.Object, append(own, "cpu")...)
	if !found {
		cpu = 1 // the operator's
	}
	all := []container{{mainContainer, fmt.Sprint(cpu), resource.NewQuantity(bytes, resource.BinarySI).String()}}
	if _, logs, _ := unstructured.NestedMap(j.Object.Object, "spec", "monitoringConfiguration"); logs {
		limits := []string{"spec", "monitoringConfiguration", "sideCarResources", "limits"}
		all = append(all, container{"the log sidecar", orElse(j.str(append(limits, "cpuLimit")...), text(defaults["cpu"])),
			orElse(j.str(append(limits, "memoryLimit")...), sidecarMemory)})
	}
	spec, err := j.podSpec(role)
	if err != nil {
		return nil, err
	}
	for _, c := range items(spec["containers"]) {
		if name := text(c["name"]); name != mainContainer {
			all = append(all, containerOf(name, c, defaults))
		}
	}
	return all, nil
}

// container is what one of a pod's containers requests.
type container struct{ name, cpu, memory string }

func containerOf(name string, c, defaults obj) container {
	of := func(what string) string {
		for _, from := range []any{
			field(c, "resources", "requests", what), field(c, "resources", "limits", what), defaults[what],
		} {
			if s := text(from); s != "" {
				return s
			}
		}
		return ""
	}
	return container{name, of("cpu"), of("memory")}
}

// text is a value of YAML as a text, "" for none.
func text(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// quantityOf reads a quantity of Kubernetes; what is none is 0: the API server says so.
func quantityOf(s string) resource.Quantity {
	q, err := resource.ParseQuantity(orElse(s, "0"))
	if err != nil {
		return resource.Quantity{}
	}
	return q
}

func sum(all []container) (p cost.Pods) {
	var cpu, memory resource.Quantity
	for _, c := range all {
		cpu.Add(quantityOf(c.cpu))
		memory.Add(quantityOf(c.memory))
	}
	p.MilliCPU, p.MemoryMiB = int(cpu.MilliValue()), int((memory.Value()+1<<20-1)>>20)
	return p
}

// daemons are the requests of the pods that run on every node.
func (r Runner) daemons(ctx context.Context) (cost.Pods, error) {
	sets, err := r.Kube.List(ctx, kube.KindDaemonSet, kube.ListOptions{})
	if err != nil && !kube.IsNoKind(err) {
		return cost.Pods{}, err
	}
	var all []container
	for i := range sets {
		for _, c := range items(field(sets[i].Object, "spec", "template", "spec", "containers")) {
			all = append(all, containerOf("", c, nil))
		}
	}
	return sum(all), nil
}

// checkSizes finds pods that no instance type of the pools holds, and those that leave most of the smallest one idle.
func (r Runner) checkSizes(ctx context.Context, s Job) ([]Finding, error) {
	pools, _, err := r.pools(ctx)
	if err != nil || s.Cluster != "" {
		return nil, err
	}
	daemons, err := r.daemons(ctx)
	if err != nil {
		return nil, err
	}
	var out []Finding
	for _, role := range []string{RoleJobManager, RoleTaskManager} {
		amounts, err := s.amounts(role, nil)
		if err != nil {
			continue // the file's own check says it
		}
		spec, err := s.podSpec(role)
		if err != nil {
			return nil, err
		}
		need := sum(amounts)
		need.Role, need.Count = role, s.podCount(role)
		f, err := r.sizeOf(ctx, need, spec, daemons, pools)
		if err != nil {
			return nil, err
		}
		if f.Text != "" {
			f.Path = "spec." + podField[role] + ".resource"
			out = append(out, f)
		}
	}
	return out, nil
}

// sizeOf is what there is to say of the size of one role's pods; a Finding without a text is nothing.
func (r Runner) sizeOf(ctx context.Context, need cost.Pods, spec obj, daemons cost.Pods, pools []unstructured.Unstructured) (
	Finding, error) {
	prices, err := cost.Table(r.Region)
	if err != nil {
		prices = cost.Prices{} // a region without prices: types are compared by their memory
	}
	var best, most cost.Fit
	var pool string
	for i := range pools {
		if PoolRefuses(&pools[i], spec) != "" {
			continue
		}
		p, err := poolOf(&pools[i])
		if err != nil {
			return Finding{}, err
		}
		maxPods, err := r.maxPods(ctx, p.Spec.Template.Spec.NodeClassRef.Name)
		if err != nil {
			return Finding{}, err
		}
		fit, err := cost.FitFor(prices, narrowed(p, pools[i].Object, spec), need, daemons, maxPods)
		if err != nil {
			return Finding{}, nil //nolint:nilerr // a pool of types that the table does not have: nobody knows
		}
		if fit.Type == "" {
			most.MilliCPU, most.MemoryMiB = max(most.MilliCPU, fit.MilliCPU), max(most.MemoryMiB, fit.MemoryMiB)
		} else if best.Type == "" || fit.HourlyUSD < best.HourlyUSD {
			best, pool = fit, pools[i].GetName()
		}
	}
	if best.Type != "" {
		return idle(need, best, pool), nil
	}
	if most.MilliCPU == 0 {
		return Finding{}, nil // no pool takes them, which is said elsewhere
	}
	return Finding{Text: fmt.Sprintf("a %s pod asks for %s; the largest type of its pools has %s", need.Role,
		size(need.MilliCPU, need.MemoryMiB), size(most.MilliCPU, most.MemoryMiB))}, nil
}

// idle says what the smallest node that takes the pods leaves unused, if it is much.
func idle(need cost.Pods, f cost.Fit, pool string) Finding {
	if f.IdleCPU+f.IdleMemory < idleWorthSaying {
		return Finding{}
	}
	price := ""
	if f.HourlyUSD > 0 {
		price = fmt.Sprintf(", about $%.3f of its $%.3f an hour on demand", f.WastedUSD(), f.HourlyUSD)
	}
	return Finding{
		Advice: true, Code: "idle",
		Text: fmt.Sprintf("the smallest node that takes a %s pod (%s) is a %s of %s: with %d of them, %d %% of its CPU and "+
			"%d %% of its memory stay idle%s", need.Role, size(need.MilliCPU, need.MemoryMiB), f.Type, pool,
			f.Pods, f.IdleCPU, f.IdleMemory, price),
		Effect: "the node costs as much as if it were full, unless Karpenter finds other pods for it",
		Mend: fmt.Sprintf("up to %s for each pod fill it, the log sidecar's part among them; or more slots in fewer pods",
			size(f.MilliCPU/f.Pods, f.MemoryMiB/f.Pods)),
	}
}

func size(milliCPU, memoryMiB int) string {
	return fmt.Sprintf("%g CPU and %d MiB", float64(milliCPU)/1000, memoryMiB)
}

// maxPods is that of a node class; 0 when it does not say.
func (r Runner) maxPods(ctx context.Context, nodeClass string) (int, error) {
	if nodeClass == "" {
		return 0, nil
	}
	o, err := r.Kube.Get(ctx, kube.KindEC2NodeClass.Ref("", nodeClass))
	if kube.IsNotFound(err) || kube.IsNoKind(err) {
		return 0, nil // the pool is not Ready, and says why
	}
	if err != nil {
		return 0, err
	}
	n, _ := strconv.Atoi(text(field(o.Object, "spec", "kubelet", "maxPods")))
	return n, nil
}

// narrowed is a NodePool with what the pods select among its requirements.
func narrowed(p nodePool, pool map[string]any, pod obj) map[string]any {
	all := slices.Clone(p.Spec.Template.Spec.Requirements)
	selector, _ := pod["nodeSelector"].(obj)
	for _, k := range slices.Sorted(maps.Keys(selector)) {
		all = append(all, requirement{k, "In", []string{text(selector[k])}})
	}
	for _, term := range affinityTerms(pod) {
		if p.meetsAll(term) { // Karpenter takes the first one that can be met
			all = append(all, term...)
			break
		}
	}
	out := unstructured.Unstructured{Object: map[string]any{"metadata": pool["metadata"]}}
	var list []any
	for _, q := range all {
		list = append(list, obj{"key": q.Key, "operator": q.Operator, "values": anyOf(q.Values)})
	}
	_ = unstructured.SetNestedSlice(out.Object, list, "spec", "template", "spec", "requirements") // the path is new
	return out.Object
}

func anyOf(values []string) []any {
	out := []any{}
	for _, v := range values {
		out = append(out, v)
	}
	return out
}
