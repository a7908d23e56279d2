// SPDX-License-Identifier: Apache-2.0

package cost

import (
	"cmp"
	"fmt"
)

// Fit is the smallest instance type that one pod fits on: the cheapest of those that a NodePool allows.
type Fit struct {
	Type      string // "" = it fits on none
	HourlyUSD float64
	// MilliCPU and MemoryMiB are what a node of the type has for pods; of a pod that fits nowhere, the most that one type has
	// of each.
	MilliCPU, MemoryMiB int
	// Pods is how many of them the node holds; IdleCPU and IdleMemory are the per cent that they leave.
	Pods, IdleCPU, IdleMemory int
}

// WastedUSD is the price of what stays idle, processor and memory counted alike.
func (f Fit) WastedUSD() float64 { return Round(f.HourlyUSD*float64(f.IdleCPU+f.IdleMemory)/200, 4) }

// FitFor finds the smallest type of a NodePool for one of the pods, beside the pods that run on every node. pool is the object,
// its requirements narrowed by what the pods select; maxPods is that of its node class, 0 = by the addresses of the type.
func FitFor(p Prices, pool map[string]any, pods, daemons Pods, maxPods int) (Fit, error) {
	all, err := shapes()
	if err != nil {
		return Fit{}, err
	}
	need := requirementsOf(Resource{Inputs: pool})
	var best, most Fit
	for _, s := range all {
		if !need.allow(s) {
			continue
		}
		cpu, memory := s.allocatable(maxPods)
		cpu, memory = cpu-daemons.MilliCPU, memory-daemons.MemoryMiB
		most.MilliCPU, most.MemoryMiB = max(most.MilliCPU, cpu), max(most.MemoryMiB, memory)
		if pods.MilliCPU > cpu || pods.MemoryMiB > memory {
			continue
		}
		n := min(max(1, pods.Count), cpu/max(1, pods.MilliCPU), memory/max(1, pods.MemoryMiB))
		fit := Fit{
			Type: s.name, HourlyUSD: p.EC2[s.name], MilliCPU: cpu, MemoryMiB: memory, Pods: n,
			IdleCPU: 100 - 100*n*pods.MilliCPU/cpu, IdleMemory: 100 - 100*n*pods.MemoryMiB/memory,
		}
		if best.Type == "" || fit.HourlyUSD < best.HourlyUSD || fit.HourlyUSD == best.HourlyUSD && memory < best.MemoryMiB {
			best = fit
		}
	}
	if best.Type == "" && most.MilliCPU == 0 {
		return Fit{}, fmt.Errorf("the table of instance types has none that the NodePool %q allows",
			objectName(Resource{Inputs: pool}))
	}
	if best.Type == "" {
		return most, nil
	}
	return best, nil
}

// allocatable is what a node of the shape has for pods, as Karpenter computes it: without 7.5 % of the memory, which the
// hypervisor takes (and 64 MiB that arm64's kernel keeps), what the kubelet of EKS's images reserves by processors and pods, and
// the 100 MiB below which it evicts. (pkg/providers/instancetype/types.go of karpenter-provider-aws v1.14.1.)
func (s shape) allocatable(maxPods int) (milliCPU, memoryMiB int) {
	memory := s.memoryMiB
	if s.arch == "arm64" {
		memory -= 64
	}
	memory -= (memory*75 + 999) / 1000
	reserved := 60
	for cpu := 1; cpu < s.vcpus; cpu++ {
		switch {
		case cpu < 2:
			reserved += 10
		case cpu < 4:
			reserved += 5
		}
	}
	reserved += max(0, s.vcpus-4) * 5 / 2
	return s.vcpus*1000 - reserved, memory - 255 - 11*cmp.Or(maxPods, s.pods) - 100
}
