// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/kube/kubetest"
)

// specWith is the spec of a job with something set.
func specWith(t *testing.T, s *kubetest.Store, value any, path ...string) obj {
	t.Helper()
	o, err := s.Get(t.Context(), bigRef)
	require.NoError(t, err)
	spec, _, err := unstructured.NestedMap(o.Object, "spec")
	require.NoError(t, err)
	require.NoError(t, unstructured.SetNestedField(spec, value, path...))
	return spec
}

// inState is the job in a state, with upgradeMode, whose checkpoint and savepoint are there.
func inState(t *testing.T, mode, wanted string, status obj) (*vault, *kubetest.Store) {
	t.Helper()
	o := bigJob(status, "s3://"+ours+"/flink-team-a/checkpoints/big")
	require.NoError(t, unstructured.SetNestedField(o.Object, mode, "spec", "job", "upgradeMode"))
	require.NoError(t, unstructured.SetNestedField(o.Object, wanted, "spec", "job", "state"))
	return withStates(t), kubetest.New(o)
}

func jobStatus(lifecycle, masters, state string, extra obj) obj {
	job := obj{"state": state, "jobId": jobID}
	for k, v := range extra {
		job[k] = v
	}
	return obj{
		"observedGeneration": int64(1), "lifecycleState": lifecycle, "jobManagerDeploymentStatus": masters, "jobStatus": job,
	}
}

// The matrix of what a job is in when it is to be upgraded: from which state the new one starts, or why it is refused before
// anything was touched. The operator says nothing in most of the cases that are refused.
func TestFromWhichStateAnUpgradeStarts(t *testing.T) {
	t.Parallel()
	const chk2, sp = "s3://" + incremental, "s3://" + native
	stopped := func(path string) obj {
		return jobStatus("SUSPENDED", "READY", "FINISHED", obj{"upgradeSavepointPath": path})
	}
	runs := jobStatus("STABLE", "READY", "RUNNING", nil)
	fails := jobStatus("STABLE", "READY", "RESTARTING", nil)
	lastState := stopped("KUBERNETES_OPERATOR_LAST_STATE")
	rows := []struct {
		name         string
		mode, wanted string
		status       obj
		none         bool // no state is there
		release      bool // another release, not another parallelism
		from         string
		discard      bool
		acts, state  string
		refused      string
	}{
		{name: "it runs", status: runs, acts: FromSavepoint},
		{name: "it runs, with last-state", mode: "last-state", status: runs, acts: FromSavepoint},
		{name: "it runs, with last-state over a release", mode: "last-state", status: runs, release: true, acts: FromSavepoint},
		{name: "it runs, from an older state", status: runs, from: "chk-2", acts: FromCheckpoint, state: chk2},
		{name: "it runs, from a state that is not there", status: runs, from: "chk-9", refused: "there is no state"},
		{name: "it runs, from a checkpoint over a release", status: runs, from: "chk-2", release: true, refused: "release"},
		{name: "stateless", mode: "stateless", status: runs, refused: "upgradeMode is stateless"},
		{name: "stateless, as it is said", mode: "stateless", status: runs, discard: true, acts: FromNothing},
		{name: "it fails", status: fails, acts: FromCheckpoint, state: chk2},
		{name: "it fails, over a release", status: fails, release: true, refused: "a savepoint is needed"},
		{name: "it fails, with no state", status: fails, none: true, refused: "there is no state to start from"},
		{name: "it fails, with no state, as it is said", status: fails, none: true, discard: true, acts: FromNothing},
		{name: "it has failed", status: jobStatus("FAILED", "ERROR", "FAILED", nil), acts: FromCheckpoint, state: chk2},
		{name: "its JobManager does not answer", status: jobStatus("STABLE", "DEPLOYED_NOT_READY", "RUNNING", nil),
			refused: "JobManager DEPLOYED_NOT_READY"},
		{name: "it starts", status: jobStatus("DEPLOYED", "DEPLOYING", "RECONCILING", nil), refused: "it is RECONCILING"},
		{name: "it starts, from a state", status: jobStatus("DEPLOYED", "DEPLOYING", "RECONCILING", nil), from: sp,
			acts: FromCheckpoint, state: sp},
		{name: "its first start", status: obj{}, none: true, refused: "there is no state to start from"},
		{name: "suspended with a savepoint", wanted: suspended, status: stopped(sp), acts: FromCheckpoint, state: sp},
		{name: "suspended with a savepoint, over a release", wanted: suspended, status: stopped(sp), release: true,
			acts: FromCheckpoint, state: sp},
		{name: "suspended with a savepoint that is gone", wanted: suspended, status: stopped("s3://gone/savepoint-1"),
			refused: "there is no state to start from"},
		{name: "suspended with its last state", wanted: suspended, status: lastState, acts: FromCheckpoint, state: chk2},
		{name: "suspended with its last state, over a release", wanted: suspended, status: lastState, release: true,
			refused: "suspended with its last checkpoint"},
		{name: "being suspended", wanted: suspended, status: runs, refused: "it is being suspended"},
	}
	for _, c := range rows {
		v, s := inState(t, orElse(c.mode, "savepoint"), orElse(c.wanted, "running"), c.status)
		if c.none {
			v = newVault()
		}
		u := Upgrade{Spec: specWith(t, s, int64(4), "job", "parallelism"), From: c.from, Discard: c.discard}
		if c.release {
			u.Spec = specWith(t, s, "emr-7.12.0-flink-latest", "emrReleaseLabel")
		}
		p, err := withJob(v, s, nil).PlanUpgrade(t.Context(), u)
		require.Empty(t, s.Calls(), c.name)
		require.Empty(t, v.calls, c.name)
		if c.refused != "" {
			var refused *Refusal
			require.ErrorAs(t, err, &refused, c.name)
			require.ErrorContains(t, err, c.refused, c.name)
			require.Equal(t, 2, refused.ExitCode())
			require.Contains(t, refused.Hint(), "emrflink job ", c.name)
			continue
		}
		require.NoError(t, err, c.name)
		require.Equal(t, []string{c.acts, c.state}, []string{p.From, p.State}, c.name)
		require.Len(t, p.Changes, 1, c.name)
	}
}

func TestThePlanOfAnUpgradeNamesEachChangeAndNoSecret(t *testing.T) {
	t.Parallel()
	v, s := inState(t, "savepoint", "running", jobStatus("STABLE", "READY", "RUNNING", nil))
	spec := specWith(t, s, "hush", "flinkConfiguration", "s3.secret-key")
	spec["job"].(obj)["parallelism"] = int64(4)
	spec["job"].(obj)["initialSavepointPath"] = "s3://of/the/file" // acts at a first start only
	delete(spec["flinkConfiguration"].(obj), "state.checkpoints.dir")
	p, err := withJob(v, s, nil).PlanUpgrade(t.Context(), Upgrade{Spec: spec})
	require.NoError(t, err)
	require.Equal(t, []SpecChange{
		{"spec.flinkConfiguration.s3.secret-key", "", "[secret]"},
		{"spec.flinkConfiguration.state.checkpoints.dir", `"s3://` + ours + `/flink-team-a/checkpoints/big"`, ""},
		{"spec.job.parallelism", "2", "4"},
	}, p.Changes)
	require.NotEmpty(t, p.NotAssessed)
	same, err := withJob(v, s, nil).PlanUpgrade(t.Context(), Upgrade{Spec: specWith(t, s, int64(2), "job", "parallelism")})
	require.NoError(t, err)
	require.Empty(t, same.Changes)
	big := Upgrade{Spec: specWith(t, s, int64(400), "job", "parallelism"), From: "chk-2"}
	_, err = withJob(v, s, nil).PlanUpgrade(t.Context(), big)
	require.ErrorContains(t, err, "has a max parallelism of 128")
}

// operator carries out what a spec says: it stops with a savepoint, and starts what it can.
func operator(t *testing.T, s *kubetest.Store, savepoint string, starts func(spec obj) bool) {
	t.Helper()
	s.React(func(verb string, o *unstructured.Unstructured) {
		observed, _, _ := unstructured.NestedFieldNoCopy(o.Object, "status", "observedGeneration")
		if verb != "patch" || o.GetKind() != bigRef.Kind.Kind || fmt.Sprint(observed) == fmt.Sprint(o.GetGeneration()) {
			return
		}
		spec, _, _ := unstructured.NestedMap(o.Object, "spec")
		status := jobStatus("STABLE", "READY", "RUNNING", obj{"jobId": fmt.Sprint("job of ", o.GetGeneration())})
		switch job := spec["job"].(obj); {
		case job["state"] == suspended:
			status = jobStatus("SUSPENDED", "READY", "FINISHED", obj{"upgradeSavepointPath": savepoint})
		case !starts(spec):
			status = jobStatus("STABLE", "ERROR", "FAILED", nil)
		}
		status["observedGeneration"] = o.GetGeneration()
		_, err := s.Patch(t.Context(), bigRef, "status", obj{"status": status})
		require.NoError(t, err)
	})
}

func TestAnUpgradeStartsFromTheSavepointThatItTook(t *testing.T) {
	t.Parallel()
	const sp = "s3://" + native
	parallelism := func(s *kubetest.Store) any { return specWith(t, s, "x", "x")["job"].(obj)["parallelism"] }
	all := func(obj) bool { return true }
	job := func(s *kubetest.Store) obj { return specWith(t, s, "x", "x")["job"].(obj) }
	for name, c := range map[string]struct {
		savepoint string
		starts    func(obj) bool
		rollback  bool
		fails     string
		back      bool  // the old spec is in place, and runs
		is        int64 // the parallelism afterwards
	}{
		"it is healthy":                        {sp, all, false, "", false, 4},
		"the operator takes none":              {"KUBERNETES_OPERATOR_LAST_STATE", all, false, "without a savepoint", true, 2},
		"the savepoint is not there":           {"s3://gone/savepoint-1", all, false, "no usable state", true, 2},
		"the new one fails":                    {sp, isTwo, false, "start the new spec", false, 4},
		"the new one fails, and is taken back": {sp, isTwo, true, "runs with its old spec", true, 2},
	} {
		v, s := inState(t, "last-state", "running", jobStatus("STABLE", "READY", "RUNNING", nil))
		operator(t, s, c.savepoint, c.starts)
		store := withJob(v, s, nil)
		u := Upgrade{Spec: specWith(t, s, int64(4), "job", "parallelism"), Rollback: c.rollback}
		p, err := store.PlanUpgrade(t.Context(), u)
		require.NoError(t, err, name)
		res, err := store.Upgrade(t.Context(), u, p, nil)
		require.EqualValues(t, c.is, parallelism(s), name)
		require.Equal(t, "last-state", job(s)["upgradeMode"], name)
		require.Equal(t, "running", job(s)["state"], name)
		if c.fails == "" {
			require.NoError(t, err, name)
			require.Equal(t, []any{sp, Healthy, true}, []any{res.StartedFrom, res.Health, res.Change.Changed}, name)
			require.Equal(t, sp, job(s)["initialSavepointPath"])
			all, err := store.Running.History(t.Context())
			require.NoError(t, err)
			require.Len(t, all, 2)
			require.Equal(t, []any{sp, "upgrade", true}, []any{all[1].State, all[1].Why, all[1].Current})
			continue
		}
		var failed *UpgradeError
		require.ErrorAs(t, err, &failed, name)
		require.ErrorContains(t, err, c.fails, name)
		require.Equal(t, c.back, failed.Back, name)
		require.Equal(t, c.rollback, res.RolledBack, name)
		if c.savepoint == sp {
			require.ErrorContains(t, err, "its state is in "+sp, name)
		}
		require.NotEmpty(t, failed.Hint())
	}
}

func isTwo(spec obj) bool {
	n := spec["job"].(obj)["parallelism"]
	return n == int64(2) || n == float64(2)
}

// What is reported of a job that has failed says nothing of the one that takes its place.
func TestAJobThatHasFailedIsUpgraded(t *testing.T) {
	t.Parallel()
	v, s := inState(t, "savepoint", "running", jobStatus("FAILED", "ERROR", "FAILED", nil))
	at := func(status obj) func() {
		return func() {
			status["observedGeneration"] = int64(9)
			_, err := s.Patch(t.Context(), bigRef, "status", obj{"status": status})
			require.NoError(t, err)
		}
	}
	store := withJob(v, s, map[time.Duration]func(){
		2 * time.Second: at(jobStatus("STABLE", "MISSING", "FINISHED", nil)),
		4 * time.Second: at(jobStatus("STABLE", "DEPLOYING", "RECONCILING", obj{"jobId": "new"})),
		9 * time.Second: at(jobStatus("STABLE", "READY", "RUNNING", obj{"jobId": "new"})),
	})
	u := Upgrade{Spec: specWith(t, s, int64(4), "job", "parallelism")}
	p, err := store.PlanUpgrade(t.Context(), u)
	require.NoError(t, err)
	res, err := store.Upgrade(t.Context(), u, p, nil)
	require.NoError(t, err)
	require.Equal(t, []any{"s3://" + incremental, 9.0, Healthy}, []any{res.StartedFrom, res.ElapsedSeconds, res.Health})

	v, s = inState(t, "savepoint", "running", jobStatus("FAILED", "ERROR", "FAILED", nil))
	store = withJob(v, s, map[time.Duration]func(){2 * time.Second: func() {
		_, err := s.Patch(t.Context(), bigRef, "status", obj{"status": obj{"error": "ValidationException: no"}})
		require.NoError(t, err)
	}})
	_, err = store.Upgrade(t.Context(), u, p, nil)
	require.ErrorContains(t, err, "ValidationException: no")
	require.ErrorContains(t, err, "its state is in s3://"+incremental)
}

func TestNewBytesUnderTheOldNameOfAJarAreSaid(t *testing.T) {
	t.Parallel()
	v, s := inState(t, "savepoint", "running", jobStatus("STABLE", "READY", "RUNNING", nil))
	_, err := s.Patch(t.Context(), bigRef, "", inJob("jarURI", "s3://jars/a.jar"))
	require.NoError(t, err)
	v.put("jars/a.jar", []byte("old"), day)
	store := withJob(v, s, nil)
	require.NoError(t, store.Running.remember(t.Context(), "test", ""))
	plan := func() string {
		p, err := store.PlanUpgrade(t.Context(), Upgrade{Spec: specWith(t, s, int64(4), "job", "parallelism"), From: "chk-2"})
		require.NoError(t, err)
		return p.Jar
	}
	require.Empty(t, plan())
	v.put("jars/a.jar", []byte("new bytes"), day)
	require.Contains(t, plan(), "s3://jars/a.jar has other bytes")
}

func TestTheHistoryIsPruned(t *testing.T) {
	t.Parallel()
	v, s := inState(t, "savepoint", "running", jobStatus("STABLE", "READY", "RUNNING", nil))
	j := withJob(v, s, nil).Running
	for n := range historyKept + 3 {
		_, err := s.Patch(t.Context(), bigRef, "", inJob("parallelism", int64(n+1)))
		require.NoError(t, err)
		require.NoError(t, j.remember(t.Context(), "test", ""))
		require.NoError(t, j.remember(t.Context(), "the same again is no other", ""))
	}
	all, err := j.History(t.Context())
	require.NoError(t, err)
	require.Len(t, all, historyKept)
	require.Equal(t, []int{4, historyKept + 3}, []int{all[0].Number, all[historyKept-1].Number})
	require.True(t, all[historyKept-1].Current)
}

func TestAnUpgradeFromNothingLeavesTheUpgradeMode(t *testing.T) {
	t.Parallel()
	_, s := inState(t, "savepoint", "running", jobStatus("STABLE", "READY", "RESTARTING", nil))
	var modes []any
	operator(t, s, "", func(spec obj) bool {
		modes = append(modes, spec["job"].(obj)["upgradeMode"])
		return true
	})
	store := withJob(newVault(), s, nil)
	u := Upgrade{Spec: specWith(t, s, int64(4), "job", "parallelism"), Discard: true}
	p, err := store.PlanUpgrade(t.Context(), u)
	require.NoError(t, err)
	res, err := store.Upgrade(t.Context(), u, p, nil)
	require.NoError(t, err)
	require.Empty(t, res.StartedFrom)
	require.Equal(t, []any{"stateless", "savepoint"}, modes)
}

// Whatever fails on the way, the job runs with its old spec, or what is recorded says from where it goes on.
func TestAnUpgradeThatIsInterruptedLosesNothing(t *testing.T) {
	t.Parallel()
	for call, touched := range map[string]bool{"get ConfigMap": false, "apply ConfigMap": false, "patch FlinkDeployment": false} {
		v, s := inState(t, "savepoint", "running", jobStatus("STABLE", "READY", "RUNNING", nil))
		store := withJob(v, s, nil)
		u := Upgrade{Spec: specWith(t, s, int64(4), "job", "parallelism")}
		p, err := store.PlanUpgrade(t.Context(), u)
		require.NoError(t, err)
		s.Fail(call, errors.New("the API server does not answer"))
		_, err = store.Upgrade(t.Context(), u, p, nil)
		require.ErrorContains(t, err, "the API server does not answer", call)
		require.True(t, isTwo(specWith(t, s, "x", "x")), call)
		require.Equal(t, touched, strings.Contains(strings.Join(s.Calls(), " "), "patch FlinkDeployment"), call)
	}
}
