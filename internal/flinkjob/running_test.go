// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/awsapi"
	"emrflink/internal/kube"
	"emrflink/internal/kube/kubetest"
)

var (
	basic  = kube.KindFlinkDeployment.Ref("flink-team-a", "basic")
	stable = obj{
		"observedGeneration": int64(1), "lifecycleState": "STABLE", "jobManagerDeploymentStatus": "READY",
		"jobStatus": obj{"state": "RUNNING", "jobId": "0123456789abcdef0123456789abcdef"},
	}
)

// flink is a FlinkDeployment with a job, changed by what differs.
func flink(ref kube.Ref, mode string, status obj) *unstructured.Unstructured {
	return kubetest.Object(ref.Kind, ref.Namespace, ref.Name, obj{
		"metadata": obj{"generation": int64(1)},
		"spec": obj{
			"flinkVersion": "v1_20", "emrReleaseLabel": "emr-7.13.0-flink-latest",
			"flinkConfiguration": obj{
				"state.checkpoints.dir": "s3://b/" + strings.TrimSuffix(chk, "/0123456789abcdef0123456789abcdef/"),
			},
			"job": obj{"parallelism": int64(2), "upgradeMode": mode, "state": "running"},
		},
		"status": status,
	})
}

func TestTheHealthOfAJob(t *testing.T) {
	t.Parallel()
	d := func(change func(*deployment)) deployment {
		ok := deployment{
			Generation: 2, Observed: 2, Lifecycle: "STABLE", State: "RUNNING", JobManager: "READY", Wanted: "running",
		}
		change(&ok)
		return ok
	}
	for name, c := range map[string]struct {
		d      deployment
		health Health
		cause  string
	}{
		"it runs":                         {d(func(*deployment) {}), Healthy, ""},
		"nothing is reported":             {deployment{Generation: 1}, Progressing, "not taken up"},
		"the last change is not taken up": {d(func(d *deployment) { d.Observed = 1 }), Progressing, "not taken up"},
		"it restarts inside of STABLE":    {d(func(d *deployment) { d.State = "RESTARTING" }), Degraded, "restarts"},
		"it starts": {
			d(func(d *deployment) { d.Lifecycle, d.State = "DEPLOYED", "CREATED" }), Progressing, "job CREATED",
		},
		"it failed": {d(func(d *deployment) { d.State = "FAILED" }), Degraded, "FAILED"},
		"its program has not submitted it": {
			d(func(d *deployment) { d.Error, d.State = "Job Not Found", "RECONCILING" }), Progressing, "no job yet",
		},
		"it failed before": {
			d(func(d *deployment) { d.Error, d.JobManager = "Job Not Found", "ERROR" }), Degraded, "Not Found",
		},
		"the operator refuses it": {d(func(d *deployment) { d.Error = "no jar" }), Degraded, "no jar"},
		"its change was taken back": {
			d(func(d *deployment) { d.Lifecycle = "ROLLED_BACK" }), Degraded, "took its last change back",
		},
		"it is deleted":   {d(func(d *deployment) { d.Deleting = true }), Progressing, "being deleted"},
		"it has finished": {d(func(d *deployment) { d.State = "FINISHED" }), Finished, ""},
		"it is stopped for an upgrade": {
			d(func(d *deployment) { d.Lifecycle, d.State = "UPGRADING", "FINISHED" }), Progressing, "UPGRADING",
		},
		"it is suspended": {
			d(func(d *deployment) { d.Wanted, d.Lifecycle, d.State = suspended, "SUSPENDED", "FINISHED" }), Suspended, "",
		},
		"it is on its way to be suspended": {
			d(func(d *deployment) { d.Wanted, d.State = suspended, "FINISHED" }), Progressing, "job FINISHED",
		},
		"a session cluster": {d(func(d *deployment) { d.SessionCluster, d.State = true, "" }), Healthy, ""},
	} {
		health, cause := c.d.health()
		require.Equal(t, c.health, health, name)
		require.Contains(t, cause, c.cause, name)
		require.Equal(t, c.cause == "", cause == "", name)
	}
}

func TestAllJobsAreListedWithWhatIsKnown(t *testing.T) {
	t.Parallel()
	session := kube.KindFlinkSessionJob.Ref("flink-team-b", "query")
	s := kubetest.New(flink(basic, "savepoint", stable), flink(session, "stateless", obj{}),
		pod("basic-1", RoleJobManager, "n1",
			obj{"containerStatuses": []any{obj{"restartCount": int64(2)}, obj{"restartCount": int64(1)}}}))
	_, err := s.Patch(t.Context(), session, "", obj{"spec": obj{"deploymentName": "cluster"}})
	require.NoError(t, err)
	b := &bucket{}
	r := Runner{Kube: s, Objects: b, Clock: newClock(nil)}.withDefaults()
	b.put(chk+"chk-3/_metadata", 23, r.Clock.Now())

	all, err := r.Jobs(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, all, 2)
	all[0].Created, all[1].Created = time.Time{}, time.Time{}
	require.Equal(t, Summary{
		Job: "basic", Namespace: "flink-team-a", State: "RUNNING", Kind: "FlinkDeployment", Health: Healthy, Lifecycle: "STABLE",
		Parallelism: 2, Restarts: 3, Release: "emr-7.13.0-flink-latest",
		Checkpoint: &Checkpoint{URI: "s3://b/" + chk + "chk-3", Bytes: 23, At: r.Clock.Now()},
	}, all[0])
	require.Equal(t, Progressing, all[1].Health)
	require.Equal(t, "FlinkSessionJob", all[1].Kind)
	s.Put(flink(kube.KindFlinkDeployment.Ref("flink-team-b", "cluster"), "stateless", obj{}))
	all, err = r.Jobs(t.Context(), "flink-team-b")
	require.NoError(t, err)
	require.Equal(t, "query", all[1].Job)
	require.Equal(t, "emr-7.13.0-flink-latest", all[1].Release, "its cluster's")

	r.Objects = denied{}
	all, err = r.Jobs(t.Context(), "flink-team-a")
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Nil(t, all[0].Checkpoint)
	require.Contains(t, all[0].NotAssessed, "AccessDenied")

	_, err = r.find(t.Context(), "", "nobody")
	require.ErrorIs(t, err, ErrNoJob)
	s.Put(flink(kube.KindFlinkDeployment.Ref("flink-team-b", "basic"), "savepoint", stable))
	_, err = r.find(t.Context(), "", "basic")
	var several *ManyJobsError
	require.ErrorAs(t, err, &several)
	require.Equal(t, []string{`FlinkDeployment "flink-team-a/basic"`, `FlinkDeployment "flink-team-b/basic"`}, several.Where)
	ref, err := r.find(t.Context(), "flink-team-b", "basic")
	require.NoError(t, err)
	require.Equal(t, "flink-team-b", ref.Namespace)
}

type denied struct{}

func (denied) ListObjects(context.Context, string, string) ([]awsapi.Object, error) {
	return nil, errors.New("AccessDenied")
}

// inCluster is a job whose operator carries out what the script says at its times.
func inCluster(t *testing.T, s *kubetest.Store, at map[time.Duration]obj) Running {
	t.Helper()
	script := map[time.Duration]func(){}
	for when, status := range at {
		script[when] = func() {
			_, err := s.Patch(t.Context(), basic, "status", obj{"status": status})
			require.NoError(t, err)
		}
	}
	r := Runner{Kube: s, Objects: &bucket{}, Clock: newClock(script), Poll: time.Second, Timeout: 5 * time.Minute}.withDefaults()
	return Running{Runner: r, Ref: basic}
}

func specOf(t *testing.T, s *kubetest.Store, path ...string) any {
	t.Helper()
	o, err := s.Get(t.Context(), basic)
	require.NoError(t, err)
	v, _, err := unstructured.NestedFieldNoCopy(o.Object, append([]string{"spec"}, path...)...)
	require.NoError(t, err)
	return v
}

func TestAJobIsSuspendedRescaledRestartedAndResumed(t *testing.T) {
	t.Parallel()
	const path = "s3://b/savepoints/savepoint-1"
	seen := func(status obj) obj { // after any number of changes
		out := obj{"observedGeneration": int64(9)}
		for k, v := range status {
			out[k] = v
		}
		return out
	}
	stopped := seen(obj{
		"lifecycleState": "SUSPENDED", "jobStatus": obj{"state": "FINISHED", "upgradeSavepointPath": path},
	})
	s := kubetest.New(flink(basic, "savepoint", stable))
	c, err := inCluster(t, s, map[time.Duration]obj{3 * time.Second: stopped}).Suspend(t.Context(), false, nil)
	require.NoError(t, err)
	require.Equal(t, Change{
		SchemaVersion: 1, Job: "basic", Namespace: "flink-team-a", Kind: "FlinkDeployment", State: "FINISHED",
		Lifecycle: "SUSPENDED", Health: Suspended, Parallelism: 2, Savepoint: path, Changed: true, ElapsedSeconds: 3,
	}, c)
	require.Equal(t, "suspended", specOf(t, s, "job", "state"))

	c, err = inCluster(t, s, nil).Suspend(t.Context(), false, nil)
	require.NoError(t, err)
	require.False(t, c.Changed, "it is suspended already")
	var refused *Refusal
	_, err = inCluster(t, s, nil).Rescale(t.Context(), 4, false, nil)
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "emrflink job resume basic", refused.Hint())

	runs := seen(obj{"lifecycleState": "STABLE", "jobStatus": obj{"state": "RUNNING"}})
	var causes []string
	c, err = inCluster(t, s, map[time.Duration]obj{
		2 * time.Second: seen(obj{"lifecycleState": "DEPLOYED", "jobStatus": obj{"state": "RECONCILING"}}), 8 * time.Second: runs,
	}).Resume(t.Context(), func(p Progress) { causes = append(causes, p.Cause) })
	require.NoError(t, err)
	require.Equal(t, Healthy, c.Health)
	require.NotEmpty(t, causes)
	require.Equal(t, "running", specOf(t, s, "job", "state"))

	c, err = inCluster(t, s, map[time.Duration]obj{2 * time.Second: runs}).Rescale(t.Context(), 4, false, nil)
	require.NoError(t, err)
	require.Equal(t, int64(4), c.Parallelism)
	c, err = inCluster(t, s, nil).Rescale(t.Context(), 4, false, nil)
	require.NoError(t, err)
	require.False(t, c.Changed)

	_, err = inCluster(t, s, map[time.Duration]obj{2 * time.Second: runs}).Restart(t.Context(), false, nil)
	require.NoError(t, err)
	require.EqualValues(t, 1, specOf(t, s, "restartNonce"))
}

func TestWhatWouldLoseStateIsRefusedAndNothingChanged(t *testing.T) {
	t.Parallel()
	restarts := obj{"observedGeneration": int64(1), "lifecycleState": "STABLE", "jobStatus": obj{"state": "RESTARTING"}}
	for name, c := range map[string]struct {
		mode   string
		status obj
		why    string
	}{
		"stateless":                   {"stateless", stable, "upgradeMode is stateless"},
		"savepoint, and not RUNNING":  {"savepoint", restarts, "it is RESTARTING"},
		"savepoint, and not reported": {"savepoint", obj{}, "it is not started"},
	} {
		s := kubetest.New(flink(basic, c.mode, c.status))
		j := inCluster(t, s, nil)
		for _, do := range []func() (Change, error){
			func() (Change, error) { return j.Suspend(t.Context(), false, nil) },
			func() (Change, error) { return j.Restart(t.Context(), false, nil) },
			func() (Change, error) { return j.Rescale(t.Context(), 7, false, nil) },
		} {
			_, err := do()
			var refused *Refusal
			require.ErrorAs(t, err, &refused, name)
			require.Contains(t, err.Error(), c.why, name)
			require.Contains(t, err.Error(), "nothing was changed", name)
			require.Equal(t, 2, refused.ExitCode())
			require.Contains(t, refused.Hint(), "emrflink job ", name)
		}
		require.Empty(t, s.Calls(), name)
	}
	session := flink(basic, "savepoint", stable)
	unstructured.RemoveNestedField(session.Object, "spec", "job")
	_, err := inCluster(t, kubetest.New(session), nil).Suspend(t.Context(), true, nil)
	require.ErrorContains(t, err, "session cluster")
	// What is said to be lost may be lost; a last-state upgrade needs no savepoint.
	for _, mode := range []string{"stateless", "last-state"} {
		s := kubetest.New(flink(basic, mode, stable))
		_, err := inCluster(t, s, map[time.Duration]obj{
			time.Second: {"observedGeneration": int64(9), "lifecycleState": "SUSPENDED", "jobStatus": obj{"state": "FINISHED"}},
		}).Suspend(t.Context(), mode == "stateless", nil)
		require.NoError(t, err, mode)
	}
}

func TestAWaitEndsWithTheStateOrWithTheCause(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		state  string
		status obj // after two seconds
		fails  string
		code   int
	}{
		"healthy": {AwaitHealthy, stable, "", 0},
		"it has finished": {
			AwaitHealthy, obj{"observedGeneration": int64(1), "jobStatus": obj{"state": "FINISHED"}}, "it is finished", 1,
		},
		"it failed": {
			AwaitFinished, obj{"observedGeneration": int64(1), "jobStatus": obj{"state": "FAILED"}}, "FAILED", 1,
		},
		"the operator refuses": {AwaitHealthy, obj{"error": "ValidationException: no"}, "ValidationException", 1},
		"it never comes": {
			AwaitHealthy, obj{"observedGeneration": int64(1), "lifecycleState": "DEPLOYED"}, "not within 5m0s", 6,
		},
	} {
		s := kubetest.New(flink(basic, "savepoint", obj{}))
		_, err := inCluster(t, s, map[time.Duration]obj{2 * time.Second: c.status}).Await(t.Context(), c.state, nil)
		if c.fails == "" {
			require.NoError(t, err, name)
			continue
		}
		var failed *Failure
		require.ErrorAs(t, err, &failed, name)
		require.Contains(t, failed.Error(), c.fails, name)
		require.Equal(t, c.code, failed.ExitCode(), name)
		require.Equal(t, "emrflink job status basic", failed.Hint())
	}
	s, b := kubetest.New(flink(basic, "savepoint", stable)), &bucket{}
	j := inCluster(t, s, nil)
	j.Runner.Objects = b
	b.put(chk+"chk-1/_metadata", 9, j.Runner.Clock.Now())
	j.Runner.Clock = newClock(map[time.Duration]func(){
		4 * time.Second: func() { b.put(chk+"chk-2/_metadata", 9, time.Date(2026, 1, 1, 0, 0, 4, 0, time.UTC)) },
	})
	c, err := j.Await(t.Context(), AwaitCheckpoint, nil)
	require.NoError(t, err)
	require.InDelta(t, 4, c.ElapsedSeconds, 0)
}

// A savepoint is found whichever way the operator records it.
func TestASavepointIsTakenWhileTheJobRunsOn(t *testing.T) {
	t.Parallel()
	const path = "s3://b/savepoints/savepoint-1"
	record := func(name, job, state string) *unstructured.Unstructured {
		return kubetest.Object(kube.KindFlinkStateSnapshot, "flink-team-a", name, obj{
			"spec": obj{
				"jobReference": obj{"kind": "FlinkDeployment", "name": job}, "savepoint": obj{"disposeOnDelete": false},
			},
			"status": obj{"state": state, "path": path, "error": `{"message":"S3: AccessDenied"}`},
		})
	}
	for name, c := range map[string]struct {
		react func(*testing.T, *kubetest.Store)
		path  string
		fails string
	}{
		"in the status": {func(t *testing.T, s *kubetest.Store) {
			_, err := s.Patch(t.Context(), basic, "status", obj{"status": obj{"jobStatus": obj{"savepointInfo": obj{
				"lastSavepoint": obj{"location": path, "triggerNonce": int64(1)}}}}})
			require.NoError(t, err)
		}, path, ""},
		"as a FlinkStateSnapshot": {
			func(_ *testing.T, s *kubetest.Store) { s.Put(record("new", "basic", "COMPLETED")) }, path, "",
		},
		"Flink cannot write it": {
			func(_ *testing.T, s *kubetest.Store) { s.Put(record("new", "basic", "FAILED")) }, "", "S3: AccessDenied",
		},
		"only another job has one": {
			func(_ *testing.T, s *kubetest.Store) { s.Put(record("new", "other", "COMPLETED")) }, "", "not within",
		},
		"the operator refuses": {
			func(t *testing.T, s *kubetest.Store) { setStatus(t, s, obj{"error": "no savepoints dir"}) }, "", "no savepoints dir",
		},
		"the operator does not look up": {func(*testing.T, *kubetest.Store) {}, "", "not taken it up"},
	} {
		s := kubetest.New(flink(basic, "savepoint", stable), record("old", "basic", "COMPLETED"))
		j := inCluster(t, s, nil)
		j.Runner.Clock = newClock(map[time.Duration]func(){2 * time.Second: func() { c.react(t, s) }})
		got, err := j.Savepoint(t.Context(), nil)
		require.EqualValues(t, 1, specOf(t, s, "job", "savepointTriggerNonce"), name)
		if c.fails != "" {
			require.ErrorContains(t, err, c.fails, name)
			continue
		}
		require.NoError(t, err, name)
		require.Equal(t, c.path, got.Path, name)
	}
	s := kubetest.New(flink(basic, "savepoint", obj{"jobStatus": obj{"state": "RESTARTING"}}))
	_, err := inCluster(t, s, nil).Savepoint(t.Context(), nil)
	require.ErrorContains(t, err, "it is RESTARTING")
	require.Empty(t, s.Calls())
}

func TestTheEventsOfAJobAreItsOwn(t *testing.T) {
	t.Parallel()
	event := func(name, kind, of, reason string, minute int) *unstructured.Unstructured {
		return kubetest.Object(kube.KindEvent, "flink-team-a", name, obj{
			"type": "Normal", "reason": reason, "message": `{"message":"said"}`, "count": int64(2),
			"lastTimestamp": fmt.Sprintf("2126-01-01T00:%02d:00Z", minute), "source": obj{"component": "Job"},
			"involvedObject": obj{"kind": kind, "namespace": "flink-team-a", "name": of},
		})
	}
	s := kubetest.New(flink(basic, "savepoint", stable),
		event("1", "FlinkDeployment", "basic", "Submit", 3), event("2", "Pod", "basic-taskmanager-1-1", "Scheduled", 1),
		event("3", "Pod", "basically-another", "Scheduled", 1), event("4", "FlinkDeployment", "other", "Submit", 1))
	all, err := inCluster(t, s, nil).Events(t.Context())
	require.NoError(t, err)
	require.Equal(t, []JobEvent{
		{
			At: time.Date(2126, 1, 1, 0, 1, 0, 0, time.UTC), Type: "Normal", Reason: "Scheduled", Source: "Job",
			Object: "Pod/basic-taskmanager-1-1", Message: "said", Count: 2,
		},
		{
			At: time.Date(2126, 1, 1, 0, 3, 0, 0, time.UTC), Type: "Normal", Reason: "Submit", Source: "Job",
			Object: "FlinkDeployment/basic", Message: "said", Count: 2,
		},
	}, all)
}

// logged answers with the logs of pods.
type logged map[string]string

func (l logged) PodLogs(_ context.Context, _, pod string, o kube.LogOptions) (io.ReadCloser, error) {
	if o.Container != mainContainer || !o.Previous || o.Tail != 7 {
		return nil, fmt.Errorf("asked for %+v", o)
	}
	return io.NopCloser(strings.NewReader(l[pod])), nil
}

func TestLogsAreInTheOrderOfTimeAndStackTracesStayWhole(t *testing.T) {
	t.Parallel()
	s := kubetest.New(flink(basic, "savepoint", stable),
		pod("basic-1", RoleJobManager, "n1", obj{}), pod("basic-taskmanager-1-1", RoleTaskManager, "n1", obj{}))
	j := inCluster(t, s, nil)
	j.Runner.Logs = logged{
		"basic-1": "2026-01-01T00:00:01Z 2026-01-01 00:00:01 ERROR failed\n" +
			"2026-01-01T00:00:01Z java.lang.IllegalStateException: no\n" +
			"2026-01-01T00:00:03Z \tat a.b.C(D.java:1)\n" +
			"2026-01-01T00:00:03Z Caused by: java.io.IOException\n" +
			"2026-01-01T00:00:04Z 2026-01-01 00:00:04 INFO after",
		"basic-taskmanager-1-1": "2026-01-01T00:00:02.5Z 2026-01-01 00:00:02 INFO between\n",
	}
	var got []string
	take := func(e Entry) error { got = append(got, e.Pod+": "+strings.Join(e.Lines, "|")); return nil }
	o := LogOptions{Previous: true, Tail: 7}
	require.NoError(t, j.Logs(t.Context(), o, take))
	require.Equal(t, []string{
		"basic-1: 2026-01-01 00:00:01 ERROR failed|java.lang.IllegalStateException: no|\tat a.b.C(D.java:1)|Caused by: " +
			"java.io.IOException",
		"basic-taskmanager-1-1: 2026-01-01 00:00:02 INFO between",
		"basic-1: 2026-01-01 00:00:04 INFO after",
	}, got)
	got, o.Role = nil, RoleTaskManager
	require.NoError(t, j.Logs(t.Context(), o, take))
	require.Len(t, got, 1)
	o.Role, o.Follow, got = "", true, nil
	require.NoError(t, j.Logs(t.Context(), o, take))
	require.Len(t, got, 3)
	require.ErrorContains(t, j.Logs(t.Context(), o, func(Entry) error { return errors.New("pipe closed") }), "pipe closed")

	_, err := s.Get(t.Context(), basic)
	require.NoError(t, err)
	s.Remove(kube.KindPod.Ref("flink-team-a", "basic-1"))
	s.Remove(kube.KindPod.Ref("flink-team-a", "basic-taskmanager-1-1"))
	var none *NoPodsError
	require.ErrorAs(t, j.Logs(t.Context(), o, take), &none)
}

// A job is RUNNING before all its tasks are; what Flink refuses until then is asked for again.
func TestWhatAJobRefusesUntilItsTasksRunIsWaitedFor(t *testing.T) {
	t.Parallel()
	const notYet = "CheckpointException: Failure reason: Not all required tasks are currently running."
	runs := obj{"observedGeneration": int64(1), "lifecycleState": "STABLE", "jobStatus": obj{"state": "RUNNING"}}
	record := func(name, state string) *unstructured.Unstructured {
		return kubetest.Object(kube.KindFlinkStateSnapshot, "flink-team-a", name, obj{
			"spec": obj{
				"jobReference": obj{"kind": "FlinkDeployment", "name": "basic"}, "savepoint": obj{"disposeOnDelete": false},
			},
			"status": obj{"state": state, "path": "s3://b/" + name, "error": notYet},
		})
	}
	s := kubetest.New(flink(basic, "savepoint", runs))
	s.React(func(verb string, o *unstructured.Unstructured) {
		nonce, _, _ := unstructured.NestedFieldNoCopy(o.Object, "spec", "job", "savepointTriggerNonce")
		switch n := fmt.Sprint(nonce); {
		case verb != "patch" || o.GetKind() != basic.Kind.Kind:
		case n == "1":
			s.Put(record("too-early", "FAILED"))
		case n == "2":
			s.Put(record("taken", "COMPLETED"))
		}
	})
	got, err := inCluster(t, s, nil).Savepoint(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, "s3://b/taken", got.Path)

	s = kubetest.New(flink(basic, "savepoint", runs))
	stopped := obj{"error": nil, "lifecycleState": "SUSPENDED", "observedGeneration": int64(9),
		"jobStatus": obj{"state": "FINISHED", "upgradeSavepointPath": "s3://b/taken"}}
	j := inCluster(t, s, map[time.Duration]obj{time.Second: {"error": notYet}, 100 * time.Second: stopped})
	c, err := j.Suspend(t.Context(), false, nil)
	require.NoError(t, err)
	require.Equal(t, []any{"s3://b/taken", Suspended}, []any{c.Savepoint, c.Health})
}
