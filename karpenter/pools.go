// SPDX-License-Identifier: Apache-2.0

package karpenter

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"emrflink/components/nodelabel"
)

// Labels of Flink's nodes; see the package comment.
const (
	LabelNodeGroupType = nodelabel.GroupType
	LabelFlinkRole     = nodelabel.FlinkRole
	RoleTaskManager    = nodelabel.TaskManager
	RoleJobManager     = nodelabel.JobManager
	// JobManagerSuffix is added to a pool's name for its job managers' NodePool.
	JobManagerSuffix = "-jobmanager"
)

// Capacity types, in Karpenter's words.
const (
	Spot     = "spot"
	OnDemand = "on-demand"
)

// Pool is an entry of the catalogue: an architecture with the instance families that Flink may use. It becomes two
// NodePools. Durations are in Karpenter's form: numbers with s, m or h, such as 720h.
type Pool struct {
	// Name is the name of the task managers' NodePool.
	Name string `json:"name"`
	// Arch is amd64 or arm64. It is always pinned: without it the cheapest node wins, whatever the image was built for.
	Arch string `json:"arch"`
	// NodeGroupType is the value of the label by which jobs choose the pool.
	NodeGroupType string `json:"nodeGroupType"`
	// Families are EC2 instance families with NVMe disks, such as c5d. More families mean more spot capacity.
	Families []string `json:"families"`
	// MinVcpu and MaxVcpu limit the size of a task manager's node. They are a range, because sizes differ between
	// families (c5d has 36 vCPU where c6id has 32).
	MinVcpu int `json:"minVcpu,omitempty"`
	MaxVcpu int `json:"maxVcpu,omitempty"`
	// CapacityTypes of task managers' nodes: spot, on-demand or both.
	CapacityTypes []string `json:"capacityTypes,omitempty"`
	// CPULimit and MemoryLimit limit each of the two NodePools, and so the costs.
	CPULimit    string `json:"cpuLimit,omitempty"`
	MemoryLimit string `json:"memoryLimit,omitempty"`
	// ConsolidateAfter is how long a node stays empty before it is removed.
	ConsolidateAfter string `json:"consolidateAfter,omitempty"`
	// ExpireAfter replaces nodes of that age. TerminationGracePeriod ends a drain that pods block.
	ExpireAfter            string `json:"expireAfter,omitempty"`
	TerminationGracePeriod string `json:"terminationGracePeriod,omitempty"`
	// Weight orders pools for pods that select none; the higher is tried first.
	Weight int `json:"weight,omitempty"`
}

// Defaults of a pool. Empty nodes stay for some minutes, so that a job that restarts after rescaling finds its nodes;
// nodes in use are never consolidated, because that restarts the job on them. Nodes do not expire: Karpenter ends expired nodes
// without regard to budgets, and all nodes of a job, which began together, at once. A new image (AMIAlias) replaces them one
// after the other, within the budgets.
const (
	defaultMinVcpu          = 4
	defaultMaxVcpu          = 48
	defaultCPULimit         = "1000"
	defaultMemoryLimit      = "4000Gi"
	defaultConsolidateAfter = "5m"
	defaultExpireAfter      = "Never"
	defaultGracePeriod      = "15m"
	defaultWeight           = 10

	// A job manager is small: 1 or 2 CPUs.
	jobManagerMinVcpu = 2
	jobManagerMaxVcpu = 8
)

// Catalog is the default catalogue. The labels are those of the Terraform blueprint emr-eks-flink; the families are the
// blueprint's (c5d, r6gd) and their successors.
func Catalog() []Pool {
	return []Pool{
		{
			Name: "flink-compute-optimized", Arch: "amd64", NodeGroupType: "FlinkComputeOptimized",
			// A pod that selects nothing gets amd64, for which nearly every image is built.
			Families: []string{"c5d", "c6id"}, Weight: 50,
		},
		{
			Name: "flink-graviton-memory-optimized", Arch: "arm64", NodeGroupType: "FlinkGravitonMemoryOptimized",
			Families: []string{"r6gd", "r7gd"},
		},
	}
}

// WithDefaults is the pool with its empty fields filled in.
func (p Pool) WithDefaults() Pool {
	set := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	setInt := func(field *int, value int) {
		if *field == 0 {
			*field = value
		}
	}
	setInt(&p.MinVcpu, defaultMinVcpu)
	setInt(&p.MaxVcpu, defaultMaxVcpu)
	setInt(&p.Weight, defaultWeight)
	set(&p.CPULimit, defaultCPULimit)
	set(&p.MemoryLimit, defaultMemoryLimit)
	set(&p.ConsolidateAfter, defaultConsolidateAfter)
	set(&p.ExpireAfter, defaultExpireAfter)
	set(&p.TerminationGracePeriod, defaultGracePeriod)
	if len(p.CapacityTypes) == 0 {
		p.CapacityTypes = []string{Spot, OnDemand}
	}
	return p
}

var (
	poolName   = regexp.MustCompile(`^[a-z]([-a-z0-9]*[a-z0-9])?$`)
	labelValue = regexp.MustCompile(`^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$`)
	family     = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
	duration   = regexp.MustCompile(`^([0-9]+(s|m|h))+$`)
	quantity   = regexp.MustCompile(`^[0-9]+(Ki|Mi|Gi|Ti|k|M|G|T)?$`)
)

// maxPoolName leaves room for JobManagerSuffix in a label's 63 characters.
const maxPoolName = 63 - len(JobManagerSuffix)

// Check lists what is wrong with a pool, each as "field: why". The defaults are filled in first.
func (p Pool) Check() []string {
	p = p.WithDefaults()
	var problems []string
	add := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Sprintf(format, args...))
		}
	}
	add(poolName.MatchString(p.Name) && len(p.Name) <= maxPoolName,
		"name: %q is not lower-case letters, digits and '-', at most %d", p.Name, maxPoolName)
	add(p.Arch == "amd64" || p.Arch == "arm64", "arch: %q is neither amd64 nor arm64", p.Arch)
	add(labelValue.MatchString(p.NodeGroupType) && len(p.NodeGroupType) <= 63, "nodeGroupType: %q is no label value",
		p.NodeGroupType)
	add(len(p.Families) > 0, "families: at least one instance family")
	for _, f := range p.Families {
		add(family.MatchString(f), "families: %q is no instance family, such as c5d", f)
	}
	add(p.MinVcpu >= 1 && p.MinVcpu <= p.MaxVcpu, "minVcpu: %d is not between 1 and maxVcpu %d", p.MinVcpu, p.MaxVcpu)
	for _, c := range p.CapacityTypes {
		add(c == Spot || c == OnDemand, "capacityTypes: %q is neither %s nor %s", c, Spot, OnDemand)
	}
	add(quantity.MatchString(p.CPULimit), "cpuLimit: %q is no quantity, such as 1000", p.CPULimit)
	add(quantity.MatchString(p.MemoryLimit), "memoryLimit: %q is no quantity, such as 4000Gi", p.MemoryLimit)
	add(duration.MatchString(p.ConsolidateAfter) || p.ConsolidateAfter == "Never",
		"consolidateAfter: %q is no duration, such as 5m", p.ConsolidateAfter)
	add(duration.MatchString(p.ExpireAfter) || p.ExpireAfter == "Never",
		"expireAfter: %q is no duration, such as 720h", p.ExpireAfter)
	add(duration.MatchString(p.TerminationGracePeriod), "terminationGracePeriod: %q is no duration, such as 15m",
		p.TerminationGracePeriod)
	add(p.Weight >= 1 && p.Weight <= 100, "weight: %d is not between 1 and 100", p.Weight)
	return problems
}

// NodePool is one NodePool that a Pool becomes.
type NodePool struct {
	// Name is the NodePool's name.
	Name string `json:"name"`
	// Arch, NodeGroupType and Families are the pool's.
	Arch          string   `json:"arch"`
	NodeGroupType string   `json:"nodeGroupType"`
	Families      []string `json:"families"`
	// FlinkRole is RoleTaskManager or RoleJobManager.
	FlinkRole string `json:"flinkRole"`
	// CapacityTypes are those that its nodes may have.
	CapacityTypes []string `json:"capacityTypes"`

	pool             Pool
	minVcpu, maxVcpu int
}

// NodePools are the two NodePools of a pool: the task managers', then the job managers'.
func (p Pool) NodePools() []NodePool {
	p = p.WithDefaults()
	tasks := NodePool{
		Name: p.Name, Arch: p.Arch, NodeGroupType: p.NodeGroupType, Families: slices.Clone(p.Families),
		FlinkRole: RoleTaskManager, CapacityTypes: slices.Clone(p.CapacityTypes),
		pool: p, minVcpu: p.MinVcpu, maxVcpu: p.MaxVcpu,
	}
	jobs := tasks
	jobs.Name, jobs.FlinkRole, jobs.CapacityTypes = p.Name+JobManagerSuffix, RoleJobManager, []string{OnDemand}
	jobs.minVcpu, jobs.maxVcpu = jobManagerMinVcpu, jobManagerMaxVcpu
	return []NodePool{tasks, jobs}
}

// Labels are the labels of the NodePool's nodes, in addition to Karpenter's own.
func (n NodePool) Labels() map[string]string {
	return map[string]string{LabelNodeGroupType: n.NodeGroupType, LabelFlinkRole: n.FlinkRole}
}

// Spec is the spec of the karpenter.sh/v1 NodePool, as JSON types.
func (n NodePool) Spec(nodeClass string) map[string]any {
	requirement := func(key, operator string, values ...string) map[string]any {
		return map[string]any{"key": key, "operator": operator, "values": toAny(values)}
	}
	template := map[string]any{
		"nodeClassRef": map[string]any{"group": nodeClassGroup, "kind": nodeClassKind, "name": nodeClass},
		"requirements": []any{
			requirement("kubernetes.io/arch", "In", n.Arch),
			requirement("kubernetes.io/os", "In", "linux"),
			requirement("karpenter.sh/capacity-type", "In", n.CapacityTypes...),
			requirement("karpenter.k8s.aws/instance-family", "In", n.Families...),
			// Bare-metal sizes have no hypervisor: they take long to start and cost most.
			requirement("karpenter.k8s.aws/instance-hypervisor", "In", "nitro"),
			requirement("karpenter.k8s.aws/instance-cpu", "Gt", strconv.Itoa(n.minVcpu-1)),
			requirement("karpenter.k8s.aws/instance-cpu", "Lt", strconv.Itoa(n.maxVcpu+1)),
		},
		"expireAfter":            n.pool.ExpireAfter,
		"terminationGracePeriod": n.pool.TerminationGracePeriod,
	}
	// Budgets that are listed replace the default, and an inactive budget is no limit: one that always holds.
	budget := "10%"
	if n.FlinkRole == RoleJobManager {
		budget = "1"
		template["taints"] = []any{map[string]any{"key": LabelFlinkRole, "value": RoleJobManager, "effect": "NoSchedule"}}
	}
	return map[string]any{
		"template": map[string]any{"metadata": map[string]any{"labels": stringsToAny(n.Labels())}, "spec": template},
		"disruption": map[string]any{
			"consolidationPolicy": "WhenEmpty",
			"consolidateAfter":    n.pool.ConsolidateAfter,
			"budgets":             []any{map[string]any{"nodes": budget}},
		},
		"limits": map[string]any{"cpu": n.pool.CPULimit, "memory": n.pool.MemoryLimit},
		"weight": n.pool.Weight,
	}
}

// DeleteTimeout is how long the deletion of the NodePool may take: a drain to its end, then the instances.
func (n NodePool) DeleteTimeout() time.Duration {
	grace, err := time.ParseDuration(n.pool.TerminationGracePeriod)
	if err != nil {
		grace = time.Hour
	}
	return grace + 15*time.Minute
}

func toAny(in []string) []any {
	out := make([]any, 0, len(in))
	for _, s := range in {
		out = append(out, s)
	}
	return out
}

func stringsToAny(in map[string]string) map[string]any {
	out := make(map[string]any, len(in))
	for k, v := range in {
		out[k] = v
	}
	return out
}
