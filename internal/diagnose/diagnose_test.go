// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/flinkrest"
	"emrflink/internal/kube"
)

func TestAJobThatIsWellIsHealthy(t *testing.T) {
	t.Parallel()
	r := Run(well())
	require.Empty(t, r.Findings)
	require.Equal(t, Healthy, r.Verdict)
	require.Empty(t, r.NotAssessed)
}

func TestTheInjectedFaultComesFirst(t *testing.T) {
	t.Parallel()
	all := faults()
	require.GreaterOrEqual(t, len(all), 40)
	for name, inject := range all {
		id, _, _ := strings.Cut(name, " ")
		s := well()
		inject(&s)
		r := Run(s)
		require.NotEmpty(t, r.Findings, name)
		first := r.Findings[0]
		require.Equal(t, id, first.ID, "%s: %+v", name, r.Findings)
		require.NotEmpty(t, first.Evidence, name)
		require.NotEmpty(t, first.Cause, name)
		require.True(t, strings.HasPrefix(first.Command, "emrflink "), name)
		require.NotContains(t, first.Command, "{", name)
		require.Equal(t, first.Weight < noteBelow, r.Verdict == Healthy, name)
		require.NotEqual(t, Unknown, r.Verdict, name)
	}
}

func TestEachRuleIsTried(t *testing.T) {
	t.Parallel()
	tried := map[string]bool{}
	for name := range faults() {
		id, _, _ := strings.Cut(name, " ")
		tried[id] = true
	}
	seen := map[string]bool{}
	for _, r := range Rules() {
		require.True(t, tried[r.ID], "rule %s has no fault", r.ID)
		require.False(t, seen[r.ID], "rule %s is there twice", r.ID)
		seen[r.ID] = true
		require.NotEmpty(t, r.In, r.ID)
		_, err := regexp.Compile(r.Words + r.unless)
		require.NoError(t, err, r.ID)
	}
}

// without makes a source unreadable, as the one that reads it leaves it.
func without(s *Snapshot, source Source) {
	const why = "Forbidden"
	map[Source]func(){
		Spec:        func() { s.Job = Read[Job]{Why: why} },
		Operator:    func() { s.Operator = Read[Controller]{Why: why} },
		Webhooks:    func() { s.Webhooks = Read[[]Webhook]{Why: why} },
		HA:          func() { s.Leader = Read[Leader]{Why: why} },
		Pods:        func() { s.Pods = Read[[]kube.Pod]{Why: why} },
		Nodes:       func() { s.Nodes = Read[[]kube.Node]{Why: why} },
		Claims:      func() { s.Claims = Read[[]kube.NodeClaim]{Why: why} },
		Events:      func() { s.Events = Read[[]kube.Event]{Why: why} },
		Quota:       func() { s.Quota = Read[[]Hard]{Why: why} },
		Snapshots:   func() { s.Snapshots = Read[[]Savepoint]{Why: why} },
		Autoscaler:  func() { s.Autoscaler = Read[Scaling]{Why: why} },
		Exceptions:  func() { s.Exceptions = Read[flinkrest.Exceptions]{Why: why} },
		Checkpoints: func() { s.Checkpoints = Read[History]{Why: why} },
		Graph:       func() { s.Graph = Read[JobGraph]{Why: why} },
		Workers:     func() { s.Workers = Read[[]Worker]{Why: why} },
		Logs:        func() { s.Logs = Read[[]Line]{Why: why} },
		Bucket:      func() { s.Bucket = Read[[]Stored]{Why: why} },
	}[source]()
}

func TestWhatCannotBeReadIsNotAssessed(t *testing.T) {
	t.Parallel()
	for _, source := range Sources() {
		s := well()
		without(&s, source)
		r := Run(s)
		require.Equal(t, Unknown, r.Verdict, "%s: never healthy", source)
		require.Empty(t, r.Findings, "%s: nothing is invented", source)
		require.Len(t, r.NotAssessed, 1, source)
		require.Equal(t, source, r.NotAssessed[0].Source)
		require.Equal(t, "Forbidden", r.NotAssessed[0].Why)
		require.NotEmpty(t, r.NotAssessed[0].Checks, source)
	}
}

func TestAFaultWhoseSourceIsUnreadableIsNamedAsNotAssessed(t *testing.T) {
	t.Parallel()
	pairs := 0
	for name, inject := range faults() {
		id, _, _ := strings.Cut(name, " ")
		for _, source := range Sources() {
			s := well()
			inject(&s)
			without(&s, source)
			r := Run(s)
			pairs++
			if slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.ID == id }) {
				continue // another source has it
			}
			if !slices.Contains(r.NotAssessed[0].Checks, id) || r.Verdict == Healthy {
				t.Errorf("%s without %s: %s, %v", name, source, r.Verdict, r.NotAssessed[0].Checks)
			}
		}
	}
	require.GreaterOrEqual(t, pairs, 40*len(Sources()))
}

func TestWhatWasSaidLongAgoExplainsNothing(t *testing.T) {
	t.Parallel()
	s := well()
	throws("java.lang.OutOfMemoryError: Java heap space")(&s)
	s.Job.Value.State = "RUNNING"
	require.Equal(t, Degraded, Run(s).Verdict)
	s.Exceptions.Value.History.Entries[0].Millis = ago(3 * time.Hour).UnixMilli()
	require.Equal(t, Healthy, Run(s).Verdict)
	s.Job.Value.State = "FAILED"
	require.Equal(t, Failing, Run(s).Verdict, "of one that does not run, the last exception counts, however old")
}

func TestHadoopsCareOfFoldersIsNoFinding(t *testing.T) {
	t.Parallel()
	s := well()
	s.Logs.Value = []Line{{ago(time.Minute), "orders-1", "2026-03-01 11:59:31,790 WARN org.apache.hadoop.fs.s3a.impl." +
		"MultiObjectDeleteSupport [] - AccessDenied: flink-team-a/: User: arn:aws:sts::1:assumed-role/r/s is not authorized to " +
		"perform: s3:DeleteObject on resource: arn:aws:s3:::b/flink-team-a/"}}
	require.Equal(t, Healthy, Run(s).Verdict)
}

func TestTheGuiltyVertexIsTheOneThatOthersWaitFor(t *testing.T) {
	t.Parallel()
	s := well()
	faults()["backpressure"](&s)
	e := Run(s).Findings[0].Evidence
	require.Len(t, e, 1)
	require.Equal(t, "sink", e[0].Where)
	require.Contains(t, e[0].Text, "busy 100%; window in front of it is held up 80%")
	s.Graph.Value.Vertices[2].Busy = .1
	require.Contains(t, Run(s).Findings[0].Evidence[0].Text, "outside of Flink")
}

func TestTheCallToS3IsNamed(t *testing.T) {
	t.Parallel()
	s := well()
	fails("org.apache.flink.util.FlinkException: Asynchronous task checkpoint failed.\nCaused by: java.io.IOException: " +
		"upload part #3 " +
		"on team-a/checkpoints/x: com.amazonaws.SdkClientException: Unable to execute HTTP request to s3.amazonaws.com: " +
		"timeout")(&s)
	require.Equal(t, "checkpoint-failing", Run(s).Findings[0].ID)
	texts := ""
	for _, e := range Run(s).Findings[0].Evidence {
		texts += e.Text + "\n"
	}
	require.Contains(t, texts, "S3 call upload part #3 on team-a/checkpoints/x:")
}

func TestJobsThatAreNotToRun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*Job)
		want   Verdict
		why    string
	}{
		"suspended": {func(j *Job) { j.Wanted, j.Lifecycle, j.State = suspended, "SUSPENDED", "FINISHED" },
			Healthy, "suspended"},
		"finished": {func(j *Job) { j.State = "FINISHED" }, Healthy, "it is over: FINISHED"},
		"just submitted": {func(j *Job) { j.State, j.Lifecycle, j.Changed = "", "DEPLOYED", ago(time.Minute) }, Unknown,
			"on its way"},
		"a session cluster": {func(j *Job) { j.SessionCluster, j.State, j.Interval = true, "", 0 }, Healthy, "nothing is wrong"},
		"being deleted":     {func(j *Job) { j.Deleting = ago(time.Minute) }, Unknown, "on its way"},
	} {
		s := well()
		c.change(&s.Job.Value)
		s.Graph.Value, s.Checkpoints.Value = JobGraph{}, History{}
		r := Run(s)
		require.Equal(t, c.want, r.Verdict, "%s: %+v", name, r.Findings)
		require.Contains(t, r.Why, c.why, name)
	}
}

func TestTheTimelineJoinsWhatHappened(t *testing.T) {
	t.Parallel()
	s := well()
	s.Events.Value = []kube.Event{
		event("FlinkDeployment", "orders", "SpecChanged", "UPGRADE change(s) detected (Diff: FlinkDeploymentSpec[image : a "+
			"-> b])", 20*time.Minute),
		event("FlinkDeployment", "orders", "SpecChanged", "UPGRADE change(s) detected (Diff: "+
			"FlinkDeploymentSpec[job.parallelism : 1 -> 2])",
			15*time.Minute),
		event("Node", "n2", "SpotInterrupted", "Spot interruption warning was triggered", 12*time.Minute),
		event("Pod", "orders-taskmanager-1-1", "FailedScheduling", "0/3 nodes are available", 11*time.Minute),
		event("Pod", "orders-taskmanager-1-1", "FailedScheduling", "0/4 nodes are available", 11*time.Minute-time.Second),
		event("Node", "n3", "DisruptionBlocked", "Node is nominated for a pending pod", 11*time.Minute),
	}
	s.Exceptions.Value.History.Entries = []flinkrest.Exception{{
		Name: "java.lang.RuntimeException", Trace: "java.lang.RuntimeException: x\nCaused by: my.Root: y",
		Millis: ago(10 * time.Minute).UnixMilli(),
	}}
	fails("Checkpoint expired before completing.")(&s)
	s.Snapshots.Value = []Savepoint{{Name: "sp", State: "COMPLETED", Path: "s3://b/sp", At: ago(5 * time.Minute)}}
	s.Autoscaler.Value = Scaling{Enabled: true, Decisions: []Decision{{Vertex: "window", From: 2, To: 4,
		At: ago(4 * time.Minute)}}}
	var kinds []string
	r := Run(s)
	for _, m := range r.Timeline {
		kinds = append(kinds, m.What)
	}
	require.Equal(t, []string{"spec", "rescale", "node", "pod", "restart", "savepoint", "rescale", "checkpoint"}, kinds)
	require.Equal(t, "Pod orders-taskmanager-1-1: FailedScheduling: 0/4 nodes are available", r.Timeline[3].Text)
	require.Equal(t, 2, r.Timeline[3].Seen)
	require.Equal(t, "the job: Caused by: my.Root: y", r.Timeline[4].Text)
	require.Equal(t, []string{"4m0s ago: window from 2 to 4"}, r.Autoscaler)
}
