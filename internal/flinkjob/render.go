// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"emrflink/components/nodelabel"
)

// Labels that every object of a sample carries.
const (
	labelManagedBy = "app.kubernetes.io/managed-by"
	labelSample    = "emrflink.dev/sample"
	managedBy      = "emrflink"
)

type obj = map[string]any

// Render makes the Kubernetes objects of the job. Every Flink setting is a
// string: the operator's CRD is a map of strings and refuses a bare number.
func Render(s Spec) ([]*unstructured.Unstructured, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	sample, err := findSample(s.Sample)
	if err != nil {
		return nil, err
	}
	deployment := obj{
		"apiVersion": "flink.apache.org/v1beta1",
		"kind":       "FlinkDeployment",
		"metadata": obj{
			"name": s.Name, "namespace": s.Namespace,
			"labels": obj{labelManagedBy: managedBy, labelSample: s.Sample},
		},
		"spec": obj{
			"emrReleaseLabel":    s.EmrReleaseLabel,
			"executionRoleArn":   s.RoleARN,
			"flinkVersion":       s.FlinkVersion,
			"flinkConfiguration": s.configuration(),
			"jobManager": obj{
				// EMR's defaults, written out: two replicas need storageDir.
				"highAvailabilityEnabled": true,
				"replicas":                int64(jobManagers),
				"storageDir":              s.JobManagerURI + "/" + s.Name,
				"resource":                flinkResource(),
				"podTemplate":             s.podTemplate(RoleJobManager),
			},
			"taskManager": obj{
				"resource":    flinkResource(),
				"podTemplate": s.podTemplate(RoleTaskManager),
			},
			"job": obj{
				"jarURI":      sample.JarURI,
				"parallelism": int64(s.Parallelism),
				"upgradeMode": "savepoint",
				"state":       "running",
			},
			"monitoringConfiguration": s.monitoring(),
		},
	}
	return []*unstructured.Unstructured{{Object: deployment}}, nil
}

func (s Spec) configuration() obj {
	return obj{
		"taskmanager.numberOfTaskSlots": strconv.Itoa(slots),
		// Fixed ports: a network policy cannot allow Flink's random default.
		"taskmanager.data.port":                                     "6121",
		"taskmanager.rpc.port":                                      "6122",
		"execution.checkpointing.interval":                          fmt.Sprintf("%dms", s.Interval.Milliseconds()),
		"execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
		"state.backend.type":                                        "rocksdb",
		"state.backend.incremental":                                 "true",
		// The Presto file system (s3p) for checkpoints, the Hadoop one for the rest, as EMR advises.
		"state.checkpoints.dir":                             s.checkpointDir(),
		"state.savepoints.dir":                              s.SavepointURI + "/" + s.Name,
		"restart-strategy.type":                             "exponential-delay",
		"cluster.taskmanager.graceful-decommission.enabled": "true",
		// The Flink UI has no authentication: no job is uploaded through it.
		"web.submit.enable": "false",
	}
}

func (s Spec) checkpointDir() string {
	return strings.Replace(s.CheckpointURI, "s3://", "s3p://", 1) + "/" + s.Name
}

// podTemplate puts JobManagers on the tainted on-demand pool and TaskManagers on
// the pool that prefers spot. Only the JobManager is kept from disruption: a spot
// TaskManager with that mark would get no eviction in its two minutes.
func (s Spec) podTemplate(role string) obj {
	meta := obj{"labels": obj{labelManagedBy: managedBy, labelSample: s.Sample}}
	spec := obj{
		"nodeSelector": obj{nodelabel.GroupType: s.NodeGroupType, nodelabel.FlinkRole: role, "kubernetes.io/arch": s.Arch},
		"containers":   []any{obj{"name": "flink-main-container"}},
	}
	if role == RoleJobManager {
		meta["annotations"] = obj{"karpenter.sh/do-not-disrupt": "true"}
		spec["tolerations"] = []any{
			obj{"key": nodelabel.FlinkRole, "operator": "Equal", "value": RoleJobManager, "effect": "NoSchedule"},
		}
	}
	return obj{"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}
}

func (s Spec) monitoring() obj {
	return obj{
		// EMR's form of logUri has no scheme: logs land at s3://<logUri>/<pod>/.
		"s3MonitoringConfiguration": obj{"logUri": strings.TrimPrefix(s.LogURI, "s3://") + "/" + s.Name},
		"cloudWatchMonitoringConfiguration": obj{
			"logGroupName": s.LogGroup, "logStreamNamePrefix": s.Name,
		},
		"sideCarResources": obj{"limits": obj{
			"cpuLimit": fmt.Sprintf("%dm", sidecarMilliCPU), "memoryLimit": fmt.Sprintf("%dMi", sidecarMiB),
		}},
		"containerLogRotationConfiguration": obj{
			"rotationSize": "1GB", "maxFilesToKeep": "10",
		},
	}
}

// YAML encodes objects as one stream for kubectl.
func YAML(objs []*unstructured.Unstructured) ([]byte, error) {
	var out bytes.Buffer
	for i, o := range objs {
		if i > 0 {
			out.WriteString("---\n")
		}
		doc, err := yaml.Marshal(o.Object)
		if err != nil {
			return nil, fmt.Errorf("encode %s %q: %w", o.GetKind(), o.GetName(), err)
		}
		out.Write(doc)
	}
	return out.Bytes(), nil
}
