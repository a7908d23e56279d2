// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/kube"
	"emrflink/internal/kube/kubetest"
)

// bigRef is the job of bigJob.
var bigRef = kube.KindFlinkDeployment.Ref("flink-team-a", "big")

// withJob is the store of the job in a cluster.
func withJob(v *vault, s *kubetest.Store, at map[time.Duration]func()) Store {
	store := storeOf(v)
	r := Runner{Kube: s, Objects: v, Clock: newClock(at), Poll: time.Second, Timeout: 5 * time.Minute}.withDefaults()
	store.Running = &Running{Runner: r, Ref: bigRef}
	return store
}

func TestACopyStandsAlone(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"chk-2", "savepoint-2b4bba-7f921af0e6e4"} {
		v := withStates(t)
		s := storeOf(v)
		st, err := s.Get(t.Context(), name)
		require.NoError(t, err)
		m, err := s.Detach(t.Context(), st)
		require.NoError(t, err, name)
		require.Equal(t, s.Detached+"/"+st.At.Format(detachedAt)+"-"+name, m.To)
		require.Equal(t, len(st.Files)+1, m.Files)
		require.Equal(t, "put "+strings.TrimPrefix(m.To, "s3://")+"/_metadata", v.calls[len(v.calls)-1], "it is last")
		for key := range v.objects {
			if !strings.Contains(key, "/detached/") {
				delete(v.objects, key)
			}
		}
		copied, err := s.Get(t.Context(), "")
		require.NoError(t, err, "the original is gone")
		require.Equal(t, m.To, copied.URI)
		require.Equal(t, st.Operators, copied.Operators)
		require.Equal(t, st.At, copied.At, "a copy of an old state is no newer one")
		require.Equal(t, st.Kind, copied.Kind)
		for _, f := range copied.Files {
			require.True(t, strings.HasPrefix(f.URI, m.To+"/"), f.URI)
		}
		again, err := s.Detach(t.Context(), copied)
		require.NoError(t, err)
		require.Equal(t, m.To, again.To)
	}
}

func TestACopyThatWasInterruptedIsNone(t *testing.T) {
	t.Parallel()
	target := Store{Job: "big", Detached: "s3://other/team/detached/big", Below: []string{"s3://other/team/detached/big"}}
	for _, fail := range []string{"copy other/", "put other/"} {
		v := withStates(t)
		target.Bucket = v
		st, err := storeOf(v).Get(t.Context(), "chk-2")
		require.NoError(t, err)
		v.fail = fail
		_, err = storeOf(v).CopyTo(t.Context(), st, target)
		require.ErrorContains(t, err, "AccessDenied", fail)
		_, err = target.Get(t.Context(), "")
		var none *NoStateError
		require.ErrorAs(t, err, &none, fail)
		v.fail = ""
		m, err := storeOf(v).CopyTo(t.Context(), st, target)
		require.NoError(t, err)
		_, err = target.Get(t.Context(), m.To)
		require.NoError(t, err, "the same again completes it")
	}
	v := withStates(t)
	target.Bucket = v
	st, err := storeOf(v).Get(t.Context(), "chk-2")
	require.NoError(t, err)
	for key := range v.objects {
		if strings.Contains(key, "/shared/") {
			delete(v.objects, key)
		}
	}
	_, err = storeOf(v).CopyTo(t.Context(), st, target)
	require.ErrorContains(t, err, "was deleted in the meantime")
}

func TestAStateIsDeletedAndWhatOthersReferToIsKept(t *testing.T) {
	t.Parallel()
	next := strings.Replace(incremental, "chk-2", "chk-3", 1)
	v := withStates(t)
	v.state(t, next, "incremental-checkpoint", day.Add(2*time.Minute)) // the same shared files
	before := len(v.objects)
	s := storeOf(v)
	m, err := s.Delete(t.Context(), "chk-3")
	require.NoError(t, err)
	require.Equal(t, 9, m.Files, "its own files and its metadata")
	require.Equal(t, 10, m.Kept)
	require.Equal(t, "delete "+next+"/_metadata", v.calls[0], "an interrupted deletion is offered to nobody")
	require.Len(t, v.objects, before-9)
	st, err := s.Get(t.Context(), "chk-2")
	require.NoError(t, err, "nothing of it was taken")
	v.objects[native+"/_metadata"] = []byte("damaged")
	m, err = s.Delete(t.Context(), st.URI)
	require.NoError(t, err)
	require.Equal(t, 10, m.Kept, "it is not known what the damaged one refers to")
	_, err = s.Delete(t.Context(), native[strings.LastIndex(native, "/")+1:])
	require.NoError(t, err, "what cannot be used can be deleted")
	_, err = s.Delete(t.Context(), "chk-7")
	var none *NoStateError
	require.ErrorAs(t, err, &none)
}

func TestWhatAJobNeedsIsNotDeleted(t *testing.T) {
	t.Parallel()
	stoppedWith := func(uri string) obj {
		return obj{"observedGeneration": int64(1), "lifecycleState": "SUSPENDED",
			"jobStatus": obj{"state": "FINISHED", "upgradeSavepointPath": uri}}
	}
	for name, c := range map[string]struct {
		status      obj
		state, held string
	}{
		"a checkpoint of the job that runs":     {runningBig(nil), "chk-2", "Flink deletes it"},
		"what the operator starts it from":      {stoppedWith("s3://" + native + "/"), native, "the operator starts the job"},
		"the newest of a job that has failed":   {obj{"jobStatus": obj{"state": "FAILED"}}, "chk-2", "the newest usable state"},
		"an older one of a job that has failed": {obj{"jobStatus": obj{"state": "FAILED"}}, native, ""},
		"a savepoint of a job that runs":        {runningBig(nil), native, ""},
	} {
		v := withStates(t)
		s := withJob(v, kubetest.New(bigJob(c.status, "s3://"+ours+"/flink-team-a/checkpoints/big")), nil)
		_, err := s.Delete(t.Context(), strings.TrimPrefix(c.state, ours+"/flink-team-a/savepoints/big/"))
		if c.held == "" {
			require.NoError(t, err, name)
			continue
		}
		var held *HeldError
		require.ErrorAs(t, err, &held, name)
		require.ErrorContains(t, err, c.held, name)
		require.Equal(t, 2, held.ExitCode())
		require.NotEmpty(t, held.Hint())
		require.Empty(t, v.calls, name)
	}
	s := storeOf(withStates(t))
	s.Absent = "the cluster was not asked"
	_, err := s.Delete(t.Context(), "chk-2")
	require.ErrorContains(t, err, "is not known: the cluster was not asked")
}

func TestAJobIsRestoredFromAState(t *testing.T) {
	t.Parallel()
	v := withStates(t)
	s := kubetest.New(bigJob(runningBig(nil), "s3://"+ours+"/flink-team-a/checkpoints/big"))
	status := func(status obj) func() {
		return func() {
			_, err := s.Patch(t.Context(), bigRef, "status", obj{"status": status})
			require.NoError(t, err)
		}
	}
	const kept = "s3://" + ours + "/flink-team-a/savepoints/big/savepoint-before"
	store := withJob(v, s, map[time.Duration]func(){
		time.Second: status(obj{"jobStatus": obj{"savepointInfo": obj{
			"lastSavepoint": obj{"location": kept, "triggerNonce": int64(1)},
		}}}),
		// The operator calls it STABLE while the old job is reported, and while nothing runs.
		2 * time.Second: status(obj{"observedGeneration": int64(9)}),
		4 * time.Second: status(obj{"jobStatus": obj{"state": "RECONCILING", "jobId": "new"}}),
		8 * time.Second: status(obj{"jobStatus": obj{"state": "RUNNING"}}),
	})
	st, err := store.Get(t.Context(), "savepoint-2b4bba-7f921af0e6e4")
	require.NoError(t, err)
	res, err := store.Restore(t.Context(), st, false, false, nil)
	require.NoError(t, err)
	require.Equal(t, "spec:\n  job:\n    initialSavepointPath: s3://"+native+"\n    savepointRedeployNonce: 1\n"+
		"    state: running\n", res.Redeploy)
	require.Equal(t, "kubectl -n flink-team-a patch flinkdeployment big --type merge --patch-file FILE", res.Command)
	require.Empty(t, s.Calls(), "nothing was started")

	res, err = store.Restore(t.Context(), st, true, false, nil)
	require.NoError(t, err)
	require.Equal(t, []any{true, kept, Healthy, 8.0}, []any{res.Started, res.Savepoint, res.Health, res.ElapsedSeconds})
	o, err := s.Get(t.Context(), bigRef)
	require.NoError(t, err)
	job := o.Object["spec"].(obj)["job"].(obj)
	require.Equal(t, "s3://"+native, job["initialSavepointPath"])
	require.EqualValues(t, 1, job["savepointRedeployNonce"])

	job["parallelism"] = int64(200)
	s.Put(o)
	_, err = store.Restore(t.Context(), st, true, false, nil)
	var refused *Refusal
	require.ErrorAs(t, err, &refused)
	require.ErrorContains(t, err, "has a max parallelism of 128")
	gone := storeOf(v)
	res, err = gone.Restore(t.Context(), st, false, false, nil)
	require.NoError(t, err)
	require.Equal(t, "emrflink job run --file FILE --name big --set spec.job.initialSavepointPath=s3://"+native, res.Command)
	_, err = gone.Restore(t.Context(), st, true, false, nil)
	require.ErrorAs(t, err, &refused)
	require.Contains(t, slices.Sorted(maps.Keys(v.objects)), native+"/_metadata")
}
