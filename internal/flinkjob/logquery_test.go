// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// Lines of Flink 1.20.1, as jobs on the local target wrote them, and the queries that show them.
func TestLogQueriesFindWhatFlinkWrites(t *testing.T) {
	t.Parallel()
	const info = "2026-11-28 15:00:00,000 INFO  org.apache.flink.runtime."
	for line, want := range map[string][]string{
		info + "executiongraph.ExecutionGraph [] - Job observed (3c77) switched from state RUNNING to RESTARTING.": {"restarts"},
		info + "executiongraph.ExecutionGraph [] - work -> nowhere: Writer (1/1) (de0e) switched from RUNNING to FAILED on " +
			"restarts-taskmanager-1-1 @ 100.115.146.5 (dataPort=6121).\njava.lang.IllegalStateException: asked to fail": {
			"restarts", "errors"},
		info + "checkpoint.CheckpointCoordinator [] - Triggering checkpoint 7 (type=CheckpointType) @ 1795877 for job 3c77.": {
			"checkpoints"},
		info + "checkpoint.CheckpointCoordinator [] - Completed checkpoint 7 for job 3c77 (1234 bytes)": {
			"checkpoints"},
		"2026-11-28 15:00:00,000 WARN  org.apache.flink.runtime.checkpoint.CheckpointFailureManager [] - Failed to trigger " +
			"checkpoint 8 for job 3c77.": {"checkpoints"},
		info + "resourcemanager.active.ActiveResourceManager [] - Registering TaskManager with ResourceID a under b at " +
			"ResourceManager": {"taskmanagers"},
		info + "taskexecutor.TaskExecutor [] - Received task Source: events (1/1)": nil,
	} {
		var got []string
		for _, q := range LogQueries() {
			take := asked(q.Name, func(Entry) error { got = append(got, q.Name); return nil })
			require.NoError(t, take(Entry{Lines: []string{line}}))
		}
		require.Equal(t, want, got, line)
	}
	n := 0
	require.NoError(t, asked("", func(Entry) error { n++; return nil })(Entry{}))
	require.Equal(t, 1, n, "no query asks for all")
}

func TestLogQueriesAreWhole(t *testing.T) {
	t.Parallel()
	names := LogQueryNames()
	for i, q := range LogQueries() {
		require.NotEmpty(t, q.Title)
		require.Equal(t, i, slices.Index(names, q.Name))
		_, err := regexp.Compile(q.Words)
		require.NoError(t, err)
		require.NotContains(t, q.Words, "/", "it would end the expression in Insights")
		require.Contains(t, q.Insights(), "filter @message like /"+q.Words+"/")
	}
}
