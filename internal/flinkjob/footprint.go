// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"fmt"

	"emrflink/components/nodelabel"
	"emrflink/internal/cost"
)

// DefaultParallelism is how many task slots a sample job has when nobody says.
const DefaultParallelism = 2

// The size of a sample job: what Render writes and Footprints adds up.
const (
	jobManagers     = 2
	slots           = 1 // of a TaskManager
	flinkCPU        = 1
	flinkMiB        = 2048 // of the Flink process; Flink writes it 2048m
	sidecarMilliCPU = 500
	sidecarMiB      = 250
)

func flinkResource() obj { return obj{"memory": fmt.Sprintf("%dm", flinkMiB), "cpu": int64(flinkCPU)} }

// Footprints are the pods of a sample job on a node pool, by role. What they request includes the sidecar of the
// monitoring.
func Footprints(nodeGroupType, arch string, parallelism int) []cost.Pods {
	var out []cost.Pods
	for role, pods := range []int{jobManagers, (parallelism + slots - 1) / slots} {
		name := []string{RoleJobManager, RoleTaskManager}[role]
		out = append(out, cost.Pods{
			Role: name, Count: pods, MilliCPU: flinkCPU*1000 + sidecarMilliCPU, MemoryMiB: flinkMiB + sidecarMiB,
			Selector: map[string]string{nodelabel.GroupType: nodeGroupType, nodelabel.FlinkRole: name, "kubernetes.io/arch": arch},
		})
	}
	return out
}
