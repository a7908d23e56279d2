// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/awsapi"
	"emrflink/internal/flinkstate"
	"emrflink/internal/kube"
	"emrflink/internal/kube/kubetest"
)

// vault is S3, by bucket/key.
type vault struct {
	mu      sync.Mutex // copies are made beside each other, and beside a look at a folder
	objects map[string][]byte
	at      map[string]time.Time
	fail    string // the call that fails, with the key
	calls   []string
}

const (
	ours  = "emr-eks-flink-111122223333-us-west-2-checkpoints"
	jobID = "2b4bba81ce683d7df4509aa55a615c07"
	// native and incremental are where Flink wrote the states of testdata.
	native      = ours + "/flink-team-a/savepoints/big/savepoint-2b4bba-7f921af0e6e4"
	incremental = ours + "/flink-team-a/checkpoints/big/" + jobID + "/chk-2"
)

var day = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func newVault() *vault { return &vault{objects: map[string][]byte{}, at: map[string]time.Time{}} }

func (v *vault) put(name string, content []byte, at time.Time) {
	v.objects[name], v.at[name] = content, at
}

// state puts a state that Flink wrote, with all its files.
func (v *vault) state(t *testing.T, dir, golden string, at time.Time) {
	t.Helper()
	raw, err := os.ReadFile("../flinkstate/testdata/" + golden)
	require.NoError(t, err)
	m, err := flinkstate.Read(raw)
	require.NoError(t, err)
	for _, f := range m.Files {
		name := strings.TrimPrefix(f.Path, "s3://")
		if f.Relative {
			name = dir + "/" + f.Path
		}
		v.put(name, make([]byte, f.Bytes), at)
	}
	v.put(dir+"/_metadata", raw, at)
}

func (v *vault) called(call, key string) error {
	v.calls = append(v.calls, call+" "+key)
	if v.fail != "" && strings.HasPrefix(call+" "+key, v.fail) {
		return errors.New("AccessDenied")
	}
	return nil
}

func (v *vault) ListObjects(_ context.Context, bucket, prefix string) (all []awsapi.Object, _ error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(v.objects)) {
		if key, ok := strings.CutPrefix(name, bucket+"/"); ok && strings.HasPrefix(key, prefix) {
			all = append(all, awsapi.Object{
				Key: key, Size: int64(len(v.objects[name])), LastModified: v.at[name], ETag: fmt.Sprint(len(v.objects[name])),
			})
		}
	}
	if v.fail == "list" {
		return nil, errors.New("AccessDenied")
	}
	return all, nil
}

func (v *vault) GetObject(_ context.Context, bucket, key string) ([]byte, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	raw, ok := v.objects[bucket+"/"+key]
	if !ok {
		return nil, &awsapi.Error{Op: "s3:GetObject", Code: "NoSuchKey"}
	}
	return raw, nil
}

func (v *vault) PutObject(_ context.Context, bucket, key string, body io.Reader, _ string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	raw, err := io.ReadAll(body)
	if err == nil {
		err = v.called("put", bucket+"/"+key)
	}
	if err == nil {
		v.put(bucket+"/"+key, raw, day.Add(time.Hour))
	}
	return err
}

func (v *vault) CopyObject(_ context.Context, bucket, key string, size int64, toBucket, toKey string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	raw, ok := v.objects[bucket+"/"+key]
	if !ok || int64(len(raw)) != size {
		return &awsapi.Error{Op: "s3:CopyObject", Code: "NoSuchKey"}
	}
	if err := v.called("copy", toBucket+"/"+toKey); err != nil {
		return err
	}
	v.put(toBucket+"/"+toKey, raw, day.Add(time.Hour))
	return nil
}

func (v *vault) DeleteObjects(_ context.Context, bucket string, keys ...string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, key := range keys {
		if err := v.called("delete", bucket+"/"+key); err != nil {
			return err
		}
		delete(v.objects, bucket+"/"+key)
	}
	return nil
}

// storeOf is the store of the job "big", which is not in the cluster.
func storeOf(v *vault) Store {
	team := "s3://" + ours + "/flink-team-a"
	return Store{
		Job: "big", Namespace: "flink-team-a", Bucket: v, Detached: team + "/detached/big",
		Below: []string{team + "/checkpoints/big", team + "/savepoints/big", team + "/detached/big"},
	}
}

// withStates has a usable savepoint, a newer usable checkpoint, and what must never be offered.
func withStates(t *testing.T) *vault {
	t.Helper()
	v := newVault()
	v.state(t, native, "native-savepoint", day)
	v.state(t, incremental, "incremental-checkpoint", day.Add(time.Minute))
	return v
}

func TestTheNewestStateIsOfferedOfWhichNothingIsMissing(t *testing.T) {
	t.Parallel()
	v := withStates(t)
	all, err := storeOf(v).List(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 2)
	newest, oldest := all[0], all[1]
	require.Equal(t, []any{"chk-2", "checkpoint", "", true, "", 5, int64(28042)}, []any{
		newest.Name, newest.Kind, newest.Format, newest.Usable, newest.Problem, len(newest.Operators), newest.Operators[3].Bytes,
	})
	require.Equal(t, []any{"savepoint", "native", true}, []any{oldest.Kind, oldest.Format, oldest.Usable})

	require.Greater(t, oldest.meta.ID, newest.meta.ID)
	v.at[native+"/_metadata"], v.at[incremental+"/_metadata"] = day, day.Add(900*time.Millisecond) // S3 knows seconds only
	same, err := storeOf(v).Get(t.Context(), "")
	require.NoError(t, err)
	require.Equal(t, oldest.Name, same.Name, "of the same second, what the job numbered last")

	shared := ""
	for name := range v.objects {
		if strings.Contains(name, "/shared/") && name > shared {
			shared = name
		}
	}
	for name, c := range map[string]struct {
		harm func(*vault)
		why  string
	}{
		"a shared file is gone": {
			func(v *vault) { delete(v.objects, shared) }, "refers to s3://" + shared + ", which is not there",
		},
		"a file is shorter": {func(v *vault) { v.objects[shared] = nil }, "has 0 bytes of"},
		"it is half written": {func(v *vault) { delete(v.objects, incremental+"/_metadata") },
			"has no _metadata, which Flink writes last"},
		"its metadata is cut off": {func(v *vault) {
			v.objects[incremental+"/_metadata"] = v.objects[incremental+"/_metadata"][:99]
		}, "it is cut off"},
		"it is of another Flink": {func(v *vault) {
			raw := slices.Clone(v.objects[incremental+"/_metadata"])
			raw[7] = 6
			v.objects[incremental+"/_metadata"] = raw
		}, "its version is 6"},
	} {
		v := withStates(t)
		c.harm(v)
		got, err := storeOf(v).Get(t.Context(), "")
		require.NoError(t, err, name)
		require.Equal(t, "savepoint-2b4bba-7f921af0e6e4", got.Name, name)
		_, err = storeOf(v).Get(t.Context(), "chk-2")
		var none *NoStateError
		require.ErrorAs(t, err, &none, name)
		require.ErrorContains(t, err, c.why, name)
		require.Equal(t, 4, none.ExitCode())
	}
	_, err = storeOf(newVault()).Get(t.Context(), "")
	require.ErrorContains(t, err, `job "big" has no usable checkpoint or savepoint below s3://`)
	v.fail = "list"
	_, err = storeOf(v).List(t.Context())
	require.ErrorContains(t, err, "AccessDenied")
}

// deployedWith is a stack whose cluster is as connect says.
func deployedWith(v *vault, s *kubetest.Store, err error) Deployed {
	return Deployed{
		Outputs: stack(), Account: func(context.Context) (Bucket, error) { return v, nil },
		Connect: func(context.Context) (Runner, error) { return Runner{Kube: s, Clock: newClock(nil)}, err },
	}
}

func TestStatesAreFoundWithoutTheJobAndWithoutTheCluster(t *testing.T) {
	t.Parallel()
	v := withStates(t)
	find := func(d Deployed, name, below string) (Store, error) { return d.States(t.Context(), name, "", below, 0) }
	gone, err := find(deployedWith(v, kubetest.New(), nil), "big", "")
	require.NoError(t, err)
	require.Nil(t, gone.Running)
	require.Empty(t, gone.Absent)
	down, err := find(deployedWith(v, nil, errors.New("no such cluster")), "big", "")
	require.NoError(t, err)
	require.Contains(t, down.Absent, "no such cluster")
	for _, s := range []Store{gone, down} {
		st, err := s.Get(t.Context(), "")
		require.NoError(t, err)
		require.Equal(t, "chk-2", st.Name)
		require.Equal(t, "s3://"+ours+"/flink-team-a/detached/big", s.Detached)
	}
	elsewhere, err := find(deployedWith(v, nil, errors.New("no such cluster")), "x", "s3://"+native)
	require.NoError(t, err)
	st, err := elsewhere.Get(t.Context(), "")
	require.NoError(t, err)
	require.Equal(t, "savepoint-2b4bba-7f921af0e6e4", st.Name)
	_, err = find(deployedWith(v, kubetest.New(), nil), "big", "file:///tmp")
	require.ErrorContains(t, err, "is no s3:// URI")
}

// bigJob is a running job whose checkpoints are in a folder.
func bigJob(status obj, dir string) *unstructured.Unstructured {
	o := flink(kube.KindFlinkDeployment.Ref("flink-team-a", "big"), "savepoint", status)
	_ = unstructured.SetNestedField(o.Object, dir, "spec", "flinkConfiguration", "state.checkpoints.dir")
	return o
}

func runningBig(extra obj) obj {
	job := obj{"state": "RUNNING", "jobId": jobID}
	maps.Copy(job, extra)
	return obj{"observedGeneration": int64(1), "lifecycleState": "STABLE", "jobStatus": job}
}

func TestARecordLeadsToAStateAndAnotherJobsStateIsNotOffered(t *testing.T) {
	t.Parallel()
	v := newVault()
	const shared = ours + "/flink-team-a/all"
	v.state(t, shared+"/"+jobID+"/chk-1", "native-savepoint", day)
	v.state(t, shared+"/another/chk-9", "native-savepoint", day.Add(time.Hour))
	v.state(t, "elsewhere/savepoint-1", "native-savepoint", day.Add(time.Minute))
	snapshot := func(name, job, state, path string) *unstructured.Unstructured {
		return kubetest.Object(kube.KindFlinkStateSnapshot, "flink-team-a", name, obj{
			"spec":   obj{"jobReference": obj{"kind": "FlinkDeployment", "name": job}},
			"status": obj{"state": state, "path": path},
		})
	}
	s := kubetest.New(bigJob(runningBig(nil), "s3p://"+shared),
		snapshot("ours", "big", "COMPLETED", "s3://elsewhere/savepoint-1/"),
		snapshot("lost", "big", "COMPLETED", "s3://elsewhere/savepoint-0"),
		snapshot("failed", "big", "FAILED", "s3://x/y"),
		snapshot("other", "basic", "COMPLETED", "s3://elsewhere/savepoint-2"))
	found, err := deployedWith(v, s, nil).States(t.Context(), "big", "", "", 0)
	require.NoError(t, err)
	all, err := found.List(t.Context())
	require.NoError(t, err)
	var got []string
	for _, st := range all {
		got = append(got, st.URI+" "+st.Record)
	}
	require.Equal(t, []string{
		`s3://elsewhere/savepoint-1 FlinkStateSnapshot "flink-team-a/ours"`, "s3://" + shared + "/" + jobID + "/chk-1 ",
		`s3://elsewhere/savepoint-0 FlinkStateSnapshot "flink-team-a/lost"`,
	}, got)
	require.False(t, all[2].Usable)
}
