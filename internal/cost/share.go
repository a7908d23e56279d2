// SPDX-License-Identifier: Apache-2.0

package cost

import "slices"

// Share is the part of an instance's on-demand price per hour that falls to pods, by what they ask for: of CPU or of memory, the
// larger part, because the rest of it cannot be used without the other. It is not known for a type that the table does not have.
func Share(p Prices, instanceType string, milliCPU, memoryMiB int64) (usd float64, known bool) {
	hourly, known := p.EC2[instanceType]
	all, err := shapes()
	i := slices.IndexFunc(all, func(s shape) bool { return s.name == instanceType })
	if !known || err != nil || i < 0 {
		return 0, false
	}
	cpu, memory := float64(milliCPU)/float64(1000*all[i].vcpus), float64(memoryMiB)/float64(all[i].memoryMiB)
	return hourly * min(1, max(cpu, memory)), true
}
