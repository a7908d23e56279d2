// SPDX-License-Identifier: Apache-2.0

package cost

import "sync"

// shapeOf are the instance types of the table by name: a list of jobs asks for the share of each pod.
var shapeOf = sync.OnceValue(func() map[string]shape {
	all, _ := shapes() // a test reads the table that is in the binary
	out := map[string]shape{}
	for _, s := range all {
		out[s.name] = s
	}
	return out
})

// Share is the part of an instance's on-demand price per hour that falls to pods, by what they ask for: of CPU or of memory, the
// larger part, because the rest of it cannot be used without the other. It is not known for a type that the table does not have.
func Share(p Prices, instanceType string, milliCPU, memoryMiB int64) (usd float64, known bool) {
	hourly, priced := p.EC2[instanceType]
	s, known := shapeOf()[instanceType]
	if !priced || !known {
		return 0, false
	}
	return hourly * min(1, max(float64(milliCPU)/float64(1000*s.vcpus), float64(memoryMiB)/float64(s.memoryMiB))), true
}
