// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStuckPods(t *testing.T) {
	t.Parallel()
	unscheduled := Condition{Type: "PodScheduled", Status: "False", Reason: "Unschedulable", Message: "0/2 nodes are available"}
	for name, c := range map[string]struct {
		pod             Pod
		reason, message string
	}{
		"it runs":                 {Pod{Ready: true, Waiting: []Waiting{{Reason: "CrashLoopBackOff"}}}, "", ""},
		"it goes":                 {Pod{Deleting: true, Scheduled: unscheduled}, "", ""},
		"it is being made":        {Pod{Node: "n", Waiting: []Waiting{{Reason: "ContainerCreating"}}}, "", ""},
		"nobody has looked at it": {Pod{}, "", ""},
		"no node": {
			Pod{Namespace: "a", Name: "b", Scheduled: unscheduled}, "Unschedulable",
			"pod a/b: Unschedulable: 0/2 nodes are available",
		},
		"gated": {
			Pod{Namespace: "a", Name: "b", Scheduled: Condition{Status: "False", Reason: "SchedulingGated"}}, "SchedulingGated",
			"pod a/b: SchedulingGated",
		},
		"its second container ends": {
			Pod{Namespace: "a", Name: "b", Node: "n", Waiting: []Waiting{
				{Container: "x", Reason: "PodInitializing"},
				{Container: "c", Reason: "CrashLoopBackOff", Last: "exit code 1 (Error)"},
			}}, "CrashLoopBackOff", "pod a/b, container c: CrashLoopBackOff: exit code 1 (Error)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reason, message := c.pod.Stuck()
			require.Equal(t, c.reason, reason)
			require.Equal(t, c.message, message)
		})
	}
}
