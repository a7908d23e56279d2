// SPDX-License-Identifier: Apache-2.0

package flinkoperator

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/golden"
	"emrflink/internal/localcloud/flinkoperator/scenario"
)

// TestTheStandInShowsWhatTheRealOperatorDid takes the stand-in, with simulated JobManagers, through the scenarios in which the
// real operator was recorded.
func TestTheStandInShowsWhatTheRealOperatorDid(t *testing.T) {
	t.Parallel()
	recorded, err := scenario.Recorded()
	require.NoError(t, err)
	worlds := map[string]*world{}
	recorders := map[string]*scenario.Recorder{}
	for _, s := range scenario.Table() {
		w, r := worlds[s.Chain], recorders[s.Chain]
		if w == nil {
			w, r = newWorld(t), scenario.NewRecorder()
			w.late = 2
			w.React(func(verb string, o *unstructured.Unstructured) { r.Take(o, verb == "gone") })
			worlds[s.Chain], recorders[s.Chain] = w, r
		}
		if s.NoSimulation != "" {
			continue
		}
		r.Begin()
		job := flink(nil)
		require.NoError(t, scenario.Spec(job))
		require.NoError(t, s.Do(t.Context(), scenario.World{
			Cluster: w, Job: job, Jar: "s3://b/team/jars/x.jar",
			Savepoint: func(context.Context) (string, error) { return "s3://b/team/savepoints/basic/savepoint-1", nil },
		}), s.Name)
		w.pass(16)
		got, want := r.Seen(), recorded.Real[s.Name]
		want.Objects = nil // of a Kubernetes with controllers
		for _, d := range scenario.Unexplained(scenario.Compare(s.Name, want, got)) {
			t.Errorf("%s: only %s: %s", s.Name, d.Only, d.What)
		}
	}
}

// The page is that of the recording, which has no difference that nobody has explained; one that is planted is reported.
func TestTheRecordingIsExplained(t *testing.T) {
	t.Parallel()
	recorded, err := scenario.Recorded()
	require.NoError(t, err)
	golden.Equal(t, "../../../docs/operator-scenarios.md", scenario.Page(recorded))
	require.Empty(t, scenario.Unexplained(scenario.Differences(recorded)))
	planted, err := scenario.Plant(recorded)
	require.NoError(t, err)
	require.Positive(t, planted)
}
