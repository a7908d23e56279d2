// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"emrflink/internal/cost"
	"emrflink/internal/flinkjob/sample"
)

// Samples describes the samples of List.
func Samples() sample.List {
	l := sample.List{SchemaVersion: sample.SchemaVersion, Samples: []sample.Sample{}}
	for _, s := range List() {
		one := sample.Sample{
			Name: s.Name, Title: s.Title, Description: s.Description, Settings: s.Settings, Permissions: []string{},
		}
		if policy, err := s.policy(Spec{}); err == nil { // a test reads each
			one.Permissions = append(one.Permissions, actions(policy)...)
		}
		pods, _ := s.footprints(Spec{Sample: s.Name, Parallelism: DefaultParallelism}) // the same
		for _, p := range pods {
			one.Takes.Pods += p.Count
			one.Takes.CPU += float64(p.Count*p.MilliCPU) / 1000
			one.Takes.MemoryGiB += float64(p.Count*p.MemoryMiB) / 1024
		}
		one.Takes.CPU, one.Takes.MemoryGiB = cost.Round(one.Takes.CPU, 1), cost.Round(one.Takes.MemoryGiB, 1)
		l.Samples = append(l.Samples, one)
	}
	return l
}
