// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"context"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

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

// dropping is S3 while Flink completes a checkpoint and drops the one before, at the first copy.
type dropping struct {
	*vault
	drop func()
}

func (d *dropping) CopyObject(ctx context.Context, bucket, key string, size int64, toBucket, toKey string) error {
	d.mu.Lock()
	if d.drop != nil {
		d.drop()
		d.drop = nil
	}
	d.mu.Unlock()
	return d.vault.CopyObject(ctx, bucket, key, size, toBucket, toKey)
}

// The newest state that goes while it is copied is no longer the newest; one that was named is not replaced by another.
func TestTheNewestStateIsCopiedAlsoWhenFlinkDropsOneMeanwhile(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "chk-2"} {
		v := withStates(t)
		s := storeOf(v)
		next := strings.Replace(incremental, "chk-2", "chk-3", 1)
		s.Bucket = &dropping{v, func() {
			maps.DeleteFunc(v.objects, func(key string, _ []byte) bool { return strings.HasPrefix(key, incremental+"/") })
			v.state(t, next, "incremental-checkpoint", day.Add(2*time.Minute))
		}}
		st, m, err := s.CopyOf(t.Context(), name, s)
		if name != "" {
			require.Error(t, err)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, "s3://"+next, st.URI)
		_, err = s.Get(t.Context(), m.To)
		require.NoError(t, err)
	}
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

// A job that runs is stopped with a savepoint first. What it starts from is that, or what was named; a checkpoint of its own,
// which Flink deletes as the job goes on, is copied before.
func TestAJobIsRestoredFromAState(t *testing.T) {
	t.Parallel()
	const sp, chk, older = "s3://" + native, "s3://" + incremental, "s3://" + ours + "/flink-team-a/checkpoints/big/before/chk-9"
	copied := "s3://" + ours + "/flink-team-a/detached/big/" + day.Add(time.Minute).Format(detachedAt) + "-chk-2"
	runs := jobStatus("STABLE", "READY", "RUNNING", nil)
	restarts := jobStatus("STABLE", "READY", "RESTARTING", nil)
	failed := jobStatus("FAILED", "ERROR", "FAILED", nil)
	lastState := jobStatus("SUSPENDED", "MISSING", "FINISHED", obj{"upgradeSavepointPath": "KUBERNETES_OPERATOR_LAST_STATE"})
	for name, c := range map[string]struct {
		status     obj
		wanted     string
		state      string // "" for the newest
		discard    bool
		path, kept string
		modes      []any // that the operator was asked to stop it in
	}{
		"it runs":                                   {runs, "", "", false, sp, sp, []any{"savepoint"}},
		"it runs, from a savepoint":                 {runs, "", sp, false, sp, sp, []any{"savepoint"}},
		"it runs, from its checkpoint":              {runs, "", chk, false, copied, sp, []any{"savepoint"}},
		"it runs, from one of an earlier run":       {runs, "", older, false, older, sp, []any{"savepoint"}},
		"it runs, discarded":                        {runs, "", "", true, copied, "", nil},
		"it restarts":                               {restarts, "", "", false, chk, "", []any{"last-state"}},
		"it restarts, from its checkpoint":          {restarts, "", chk, false, copied, "", nil},
		"it has failed":                             {failed, "", "", false, chk, "", nil},
		"it was suspended with its last checkpoint": {lastState, suspended, "", false, chk, "", nil},
	} {
		v, s := inState(t, "last-state", orElse(c.wanted, "running"), c.status)
		v.state(t, strings.TrimPrefix(older, "s3://"), "incremental-checkpoint", day.Add(-time.Hour))
		var modes []any
		s.React(func(verb string, o *unstructured.Unstructured) {
			job, _, _ := unstructured.NestedMap(o.Object, "spec", "job")
			if verb == "patch" && job["state"] == suspended && o.GetKind() == bigRef.Kind.Kind && c.wanted == "" &&
				len(modes) == 0 {
				modes = append(modes, job["upgradeMode"])
			}
		})
		operator(t, s, sp, func(obj) bool { return true })
		store := withJob(v, s, nil)
		st, err := store.Get(t.Context(), c.state)
		require.NoError(t, err, name)
		res, err := store.Restore(t.Context(), st, Restoring{Start: true, Newest: c.state == "", Discard: c.discard}, nil)
		require.NoError(t, err, name)
		require.Equal(t, []any{true, c.kept, c.path, Healthy}, []any{res.Started, res.Savepoint, res.Path, res.Health}, name)
		job := specWith(t, s, "x", "x")["job"].(obj)
		is := []any{job["initialSavepointPath"], job["upgradeMode"], job["state"]}
		require.Equal(t, []any{c.path, "last-state", "running"}, is, name)
		require.EqualValues(t, 1, job["savepointRedeployNonce"], name)
		require.Equal(t, c.modes, modes, name)
	}
}

func TestHowAJobIsRestoredIsSaid(t *testing.T) {
	t.Parallel()
	v, s := inState(t, "savepoint", "running", jobStatus("STABLE", "READY", "RUNNING", nil))
	store := withJob(v, s, nil)
	said := func(name string) Restored {
		st, err := store.Get(t.Context(), name)
		require.NoError(t, err)
		res, err := store.Restore(t.Context(), st, Restoring{}, nil)
		require.NoError(t, err)
		return res
	}
	res := said("savepoint-2b4bba-7f921af0e6e4")
	require.Equal(t, "spec:\n  job:\n    initialSavepointPath: s3://"+native+"\n    savepointRedeployNonce: 1\n"+
		"    state: running\n", res.Redeploy)
	require.Equal(t, "kubectl -n flink-team-a patch flinkdeployment big --type merge --patch-file FILE", res.Command)
	require.Empty(t, res.Note)
	require.Contains(t, said("chk-2").Note, "Flink deletes this checkpoint")
	require.Empty(t, s.Calls(), "nothing was started")
	require.Empty(t, v.calls, "nothing was copied")

	o, err := s.Get(t.Context(), bigRef)
	require.NoError(t, err)
	o.Object["spec"].(obj)["job"].(obj)["parallelism"] = int64(200)
	s.Put(o)
	st, err := store.Get(t.Context(), "")
	require.NoError(t, err)
	_, err = store.Restore(t.Context(), st, Restoring{Start: true}, nil)
	var refused *Refusal
	require.ErrorAs(t, err, &refused)
	require.ErrorContains(t, err, "has a max parallelism of 128")
	gone := storeOf(v)
	res, err = gone.Restore(t.Context(), st, Restoring{}, nil)
	require.NoError(t, err)
	require.Equal(t, "emrflink job run --file FILE --name big --set spec.job.initialSavepointPath="+st.URI, res.Command)
	_, err = gone.Restore(t.Context(), st, Restoring{Start: true}, nil)
	require.ErrorAs(t, err, &refused)
}
