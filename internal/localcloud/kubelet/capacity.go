// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"emrflink/internal/localcloud/account"
)

// Sizes of an AL2023 node. The hypervisor and the kernel keep a part of an instance's memory; 7.5 % is what
// Karpenter assumes before it has seen a node (vm-memory-overhead-percent).
const (
	vmMemoryOverhead = 0.075
	defaultRootGiB   = 20
	evictionMiB      = 100 // memory.available
	evictionStorage  = 0.1 // nodefs.available
	mebi             = 1 << 20
	gibi             = 1 << 30
)

// capacities are a node's capacity and what of it pods can have, as AL2023 sets them: kube-reserved follows the
// number of pods and cores, and the eviction thresholds are taken off.
func capacities(t account.InstanceType, r registration, rootGiB int) (capacity, allocatable corev1.ResourceList, err error) {
	maxPods := int64(t.MaxPods())
	if r.maxPods > 0 {
		maxPods = int64(r.maxPods)
	}
	milliCPU := int64(t.VCPU) * 1000
	memory := int64(math.Floor(float64(t.MemoryMiB)*(1-vmMemoryOverhead))) * mebi
	storage := int64(rootGiB) * gibi
	if r.raid0 && t.NVMeGB > 0 {
		storage = int64(t.NVMeGB) * 1e9
	}
	capacity = list(milliCPU, memory, storage, maxPods)
	reserved := list(reservedMilliCPU(milliCPU), (11*maxPods+255)*mebi, gibi, 0)
	if err := override(reserved, r.kubelet.KubeReserved); err != nil {
		return nil, nil, err
	}
	system := corev1.ResourceList{}
	if err := override(system, r.kubelet.SystemReserved); err != nil {
		return nil, nil, err
	}
	evictMemory, err := threshold(r.kubelet.EvictionHard["memory.available"], memory, evictionMiB*mebi)
	if err != nil {
		return nil, nil, err
	}
	evictStorage, err := threshold(r.kubelet.EvictionHard["nodefs.available"], storage, int64(evictionStorage*float64(storage)))
	if err != nil {
		return nil, nil, err
	}
	allocatable = list(
		milliCPU-milli(reserved)-milli(system),
		memory-bytesOf(reserved, corev1.ResourceMemory)-bytesOf(system, corev1.ResourceMemory)-evictMemory,
		storage-bytesOf(reserved, corev1.ResourceEphemeralStorage)-bytesOf(system, corev1.ResourceEphemeralStorage)-evictStorage,
		maxPods)
	return capacity, allocatable, nil
}

// reservedMilliCPU is EKS's rule: 6 % of the first core, 1 % of the second, 0.5 % of the next two, 0.25 % of the
// others.
func reservedMilliCPU(total int64) int64 {
	var sum float64
	for _, step := range []struct {
		from, to int64
		share    float64
	}{{0, 1000, 0.06}, {1000, 2000, 0.01}, {2000, 4000, 0.005}, {4000, math.MaxInt64, 0.0025}} {
		if total > step.from {
			sum += float64(min(total, step.to)-step.from) * step.share
		}
	}
	return int64(sum)
}

func list(milliCPU, memory, storage, pods int64) corev1.ResourceList {
	return corev1.ResourceList{
		corev1.ResourceCPU:              *resource.NewMilliQuantity(milliCPU, resource.DecimalSI),
		corev1.ResourceMemory:           *resource.NewQuantity(memory, resource.BinarySI),
		corev1.ResourceEphemeralStorage: *resource.NewQuantity(storage, resource.BinarySI),
		corev1.ResourcePods:             *resource.NewQuantity(pods, resource.DecimalSI),
	}
}

func override(base corev1.ResourceList, set map[string]string) error {
	for name, value := range set {
		q, err := resource.ParseQuantity(value)
		if err != nil {
			return fmt.Errorf("parse reserved %s %q: %w", name, value, err)
		}
		base[corev1.ResourceName(name)] = q
	}
	return nil
}

func milli(l corev1.ResourceList) int64 { return l.Cpu().MilliValue() }

func bytesOf(l corev1.ResourceList, name corev1.ResourceName) int64 {
	q := l[name]
	return q.Value()
}

// threshold is an eviction signal's value in bytes: a quantity, or a percentage of the capacity.
func threshold(value string, of, otherwise int64) (int64, error) {
	if value == "" {
		return otherwise, nil
	}
	if percent, ok := strings.CutSuffix(value, "%"); ok {
		p, err := strconv.ParseFloat(percent, 64)
		if err != nil {
			return 0, fmt.Errorf("parse eviction threshold %q: %w", value, err)
		}
		return int64(math.Ceil(float64(of) / 100 * p)), nil
	}
	q, err := resource.ParseQuantity(value)
	if err != nil {
		return 0, fmt.Errorf("parse eviction threshold %q: %w", value, err)
	}
	return q.Value(), nil
}

func sizeOf(gib float64) *resource.Quantity {
	return resource.NewQuantity(int64(gib)*gibi, resource.BinarySI)
}
