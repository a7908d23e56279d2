// SPDX-License-Identifier: Apache-2.0

package karpenter_test

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// placementFile has rules between the pods of a job, and whether emrflink says that all of them get a node.
const placementFile = "../../../internal/flinkjob/testdata/placement.json"

// TestRulesBetweenPodsAreThoseOfKarpenter: what emrflink says of affinity and spread is what Karpenter's scheduler does.
func TestRulesBetweenPodsAreThoseOfKarpenter(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(placementFile)
	if err != nil {
		t.Fatal(err)
	}
	var rows []struct {
		What                      string
		JobManagers, TaskManagers int
		JobManager, TaskManager   json.RawMessage
		Fits                      bool
		Later                     bool // it takes Karpenter more than one batch: the zone of a node shows when it is there
	}
	if err := json.Unmarshal(raw, &rows); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	for _, row := range rows {
		t.Run(row.What, func(t *testing.T) {
			pods := append(w.ofJob(t, "jobmanager", max(1, row.JobManagers), row.JobManager),
				w.ofJob(t, "taskmanager", max(1, row.TaskManagers), row.TaskManager)...)
			results := w.solve(t, pods...)
			if fits := len(results.PodErrors) == 0; fits != row.Fits && !row.Later {
				t.Errorf("all pods get a node: %t, and emrflink says %t: %v", fits, row.Fits, results.PodErrors)
			}
		})
	}
}

// ofJob are the pods of a role of one job, with more in their spec.
func (w *world) ofJob(t *testing.T, role string, n int, more json.RawMessage) []*corev1.Pod {
	t.Helper()
	var out []*corev1.Pod
	for i := range n {
		p := w.pod(computePool, role, fmt.Sprintf("%s-%d", role, i))
		p.Labels = map[string]string{"app": "own", "component": role, "type": "flink-native-kubernetes"}
		if len(more) > 0 {
			if err := json.Unmarshal(more, &p.Spec); err != nil {
				t.Fatal(err)
			}
		}
		out = append(out, p)
	}
	return out
}
