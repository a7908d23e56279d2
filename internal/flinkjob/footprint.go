// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"emrflink/internal/cost"

	"k8s.io/apimachinery/pkg/api/resource"
)

// DefaultParallelism is the number of task slots of a sample job if none is given.
const DefaultParallelism = 2

// podField is the field of a FlinkDeployment's spec that describes the pods of a role.
var podField = map[string]string{RoleJobManager: "jobManager", RoleTaskManager: "taskManager"}

// SamplePods are the pods of the default sample job on a node pool. A test checks that its manifest describes them.
func SamplePods(nodeGroupType, arch string, parallelism int) []cost.Pods {
	sample, err := findSample(defaultSample)
	if err != nil {
		return nil
	}
	out, _ := sample.footprints(Spec{
		Sample: sample.Name, NodeGroupType: nodeGroupType, Arch: arch, Parallelism: parallelism,
	})
	return out
}

// sized is what a FlinkDeployment says about the size of its pods.
type sized struct {
	Spec struct {
		FlinkConfiguration      map[string]string
		JobManager, TaskManager sizedPods
		MonitoringConfiguration struct {
			SideCarResources struct {
				Limits struct{ CPULimit, MemoryLimit string }
			}
		}
	}
}

type sizedPods struct {
	Replicas int
	Resource struct {
		CPU    float64
		Memory string
	}
	PodTemplate struct {
		Spec struct{ NodeSelector map[string]string }
	}
}

// flinkUnits turns Flink's units, 2048m and 2g, into those of Kubernetes.
var flinkUnits = strings.NewReplacer("m", "Mi", "g", "Gi")

func (s Sample) footprints(spec Spec) ([]cost.Pods, error) {
	objs, err := s.render(spec)
	if err != nil {
		return nil, err
	}
	raw, err := objs[0].MarshalJSON()
	if err != nil {
		return nil, err
	}
	var job sized
	if err := json.Unmarshal(raw, &job); err != nil {
		return nil, fmt.Errorf("read the sizes of sample job %q: %w", s.Name, err)
	}
	var mistakes []error
	quantity := func(what, text string) resource.Quantity {
		q, err := resource.ParseQuantity(text)
		if err == nil && q.Sign() <= 0 {
			err = errors.New("not above zero")
		}
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("sample job %q: %s %q: %w", s.Name, what, text, err))
		}
		return q
	}
	slots := quantity("task slots", job.Spec.FlinkConfiguration["taskmanager.numberOfTaskSlots"])
	sidecar := job.Spec.MonitoringConfiguration.SideCarResources.Limits
	cpu, memory := quantity("CPU of the sidecar", sidecar.CPULimit), quantity("memory of the sidecar", sidecar.MemoryLimit)
	job.Spec.TaskManager.Replicas = (spec.Parallelism + int(slots.Value()) - 1) / max(int(slots.Value()), 1)
	out := make([]cost.Pods, 0, len(podField))
	for i, pod := range []sizedPods{job.Spec.JobManager, job.Spec.TaskManager} {
		of := quantity("memory of the pods", flinkUnits.Replace(pod.Resource.Memory))
		out = append(out, cost.Pods{
			Role: []string{RoleJobManager, RoleTaskManager}[i], Count: pod.Replicas, Selector: pod.PodTemplate.Spec.NodeSelector,
			MilliCPU:  int(pod.Resource.CPU*1000) + int(cpu.MilliValue()),
			MemoryMiB: int((of.Value() + memory.Value()) >> 20),
		})
	}
	return out, errors.Join(mistakes...)
}
