// SPDX-License-Identifier: Apache-2.0

package account

import (
	"context"
	"emrflink/internal/localcloud/ledger"
	"emrflink/internal/localcloud/logs"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

func open(t *testing.T, o Options) *Account {
	t.Helper()
	a, err := Open(o)
	require.NoError(t, err)
	return a
}

// crash leaves an account as kill -9 would: what is on the disk at that moment is all that the next process finds.
func crash(t *testing.T, a *Account, o *Options) {
	t.Helper()
	copied := t.TempDir()
	require.NoError(t, os.CopyFS(copied, os.DirFS(o.Dir)))
	require.NoError(t, a.Close())
	o.Dir = copied
}

// fill puts something of each sort into an account.
func fill(t *testing.T, a *Account) {
	t.Helper()
	w := &world{Account: a, t: t}
	n := w.network()
	w.cluster(n)
	w.run(n, true)
	bucket := w.make(KindBucket, Props{"bucket": "demo-checkpoints"})
	w.make(KindBucketVersioning, Props{"bucket": bucket.ID, "versioningConfiguration": Props{"status": "Enabled"}})
	for i := range 3 {
		_, err := a.Objects.Put(bucket.ID, "checkpoints/1", fmt.Append(nil, "body ", i), map[string]string{"n": "1"})
		require.NoError(t, err)
	}
	require.NoError(t, a.Objects.Delete(bucket.ID, "checkpoints/1", ""))
	queue := w.make(KindQueue, Props{"name": "demo"})
	require.NoError(t, a.Queues.Send(queue.ID, "first"))
	require.NoError(t, a.Queues.Send(queue.ID, "second"))
	w.make(KindLogGroup, Props{"name": "/demo"})
	require.NoError(t, a.Logs.Put("/demo", "s", []logs.Event{{Timestamp: time.Unix(1, 0).UTC(), Message: "one"}}))
	w.drop(KindLogGroup, "/aws/eks/demo/cluster")
}

// contents is what a caller can see of an account.
func contents(t *testing.T, a *Account) map[string]any {
	t.Helper()
	versions, err := a.Objects.ListVersions("demo-checkpoints", "")
	require.NoError(t, err)
	var bodies []string
	for _, v := range versions {
		if !v.DeleteMarker {
			o, err := a.Objects.GetVersion("demo-checkpoints", v.Key, v.VersionID)
			require.NoError(t, err)
			bodies = append(bodies, string(o.Body))
		}
	}
	logs, err := a.Logs.Events("/demo", "")
	require.NoError(t, err)
	queue := a.List(KindQueue)[0]
	return map[string]any{
		"inventory": a.Inventory(), "versions": versions, "bodies": bodies, "logs": logs, "messages": a.Queues.Count(queue.ID),
	}
}

func closed(t *testing.T, a *Account, _ *Options) {
	t.Helper()
	require.NoError(t, a.Close())
}

func TestRestartKeepsTheState(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(*testing.T, *Account, *Options){
		"after a clean close": closed,
		"after kill -9":       crash,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := Options{Dir: t.TempDir()}
			a := open(t, o)
			fill(t, a)
			before := contents(t, a)
			for range 3 { // several generations
				leave(t, a, &o)
				a = open(t, o)
				require.Empty(t, cmp.Diff(before, contents(t, a)))
			}
			got, err := a.Queues.Receive(t.Context(), a.List(KindQueue)[0].ID, 10, 0)
			require.NoError(t, err)
			require.Len(t, got, 2)
			require.Equal(t, "first", got[0].Body)
			require.NoError(t, a.Close())
		})
	}
}

func TestACorruptStateIsRefusedAndNotOverwritten(t *testing.T) {
	t.Parallel()
	flip := func(t *testing.T, file string) {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		i := strings.Index(string(raw), "10.0.0.0/16")
		require.Positive(t, i)
		raw[i] = '9'
		require.NoError(t, os.WriteFile(file, raw, 0o600))
	}
	for name, c := range map[string]struct {
		leave   func(*testing.T, *Account, *Options)
		damage  func(t *testing.T, dir string)
		file    string
		message string
	}{
		"a snapshot cut short": {
			closed,
			func(t *testing.T, dir string) {
				require.NoError(t, os.Truncate(filepath.Join(dir, "state.json"), 100))
			}, "state.json", "corrupt",
		},
		"a snapshot with a changed byte": {
			closed,
			func(t *testing.T, dir string) {
				flip(t, filepath.Join(dir, "state.json"))
			}, "state.json", "checksum",
		},
		"a journal with a changed byte": {crash, func(t *testing.T, dir string) {
			flip(t, filepath.Join(dir, "journal-1.jsonl"))
		}, "journal-1.jsonl", "line"},
		"a missing snapshot": {closed, func(t *testing.T, dir string) {
			require.NoError(t, os.Remove(filepath.Join(dir, "state.json")))
		}, "state.json", "missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := Options{Dir: t.TempDir()}
			a := open(t, o)
			fill(t, a)
			c.leave(t, a, &o)
			c.damage(t, o.Dir)
			before := tree(t, o.Dir)
			_, err := Open(o)
			var state *ledger.StateError
			require.ErrorAs(t, err, &state)
			require.Equal(t, filepath.Join(o.Dir, c.file), state.File)
			require.ErrorContains(t, err, c.message)
			if _, statErr := os.Stat(filepath.Join(o.Dir, "state.json.bak")); statErr == nil {
				require.ErrorContains(t, err, "state.json.bak")
			}
			require.Empty(t, cmp.Diff(before, tree(t, o.Dir)), "nothing is overwritten")
		})
	}
}

func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		if !e.IsDir() {
			raw, err := os.ReadFile(filepath.Join(dir, e.Name()))
			require.NoError(t, err)
			out[e.Name()] = string(raw)
		}
	}
	return out
}

func TestTheBackupIsThePreviousGeneration(t *testing.T) {
	t.Parallel()
	o := Options{Dir: t.TempDir()}
	a := open(t, o)
	fill(t, a)
	before := contents(t, a)
	crash(t, a, &o)
	require.NoError(t, open(t, o).Close()) // compacts twice: the backup is now the full state
	require.NoError(t, os.Rename(filepath.Join(o.Dir, "state.json.bak"), filepath.Join(o.Dir, "state.json")))
	a = open(t, o)
	require.Empty(t, cmp.Diff(before, contents(t, a)))
	require.NoError(t, a.Close())
}

func TestAHalfWrittenRecordIsDropped(t *testing.T) {
	t.Parallel()
	o := Options{Dir: t.TempDir()}
	a := open(t, o)
	fill(t, a)
	before := contents(t, a)
	crash(t, a, &o)
	f, err := os.OpenFile(filepath.Join(o.Dir, "journal-1.jsonl"), os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	_, err = f.WriteString(`0badf00d [{"k":"resource/ec2:v`)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	a = open(t, o)
	require.Empty(t, cmp.Diff(before, contents(t, a)))
	require.NoError(t, a.Close())
}

func TestAFailedWriteChangesNothing(t *testing.T) {
	t.Parallel()
	o := Options{Dir: t.TempDir()}
	a := open(t, o)
	fill(t, a)
	before := contents(t, a)
	full := errors.New("no space left on device")
	a.ledger.Break(full)
	_, err := a.Create(t.Context(), Caller{}, KindVPC, Props{"cidrBlock": "10.9.0.0/16"})
	require.ErrorIs(t, err, full)
	require.Error(t, a.Delete(t.Context(), Caller{}, KindLogGroup, "/demo"))
	_, err = a.Objects.Put("demo-checkpoints", "k", []byte("x"), nil)
	require.ErrorIs(t, err, full)
	require.Error(t, a.Queues.Send(a.List(KindQueue)[0].ID, "lost"))
	require.Empty(t, cmp.Diff(before, contents(t, a)), "memory is as before")
	requireNoDangling(t, a)
	a.ledger.Break(nil)
	require.NoError(t, a.Close())
	a = open(t, o)
	require.Empty(t, cmp.Diff(before, contents(t, a)), "the disk is as before")
	require.NoError(t, a.Close())
}

func TestWhatWasUnderWayIsCompletedAfterARestart(t *testing.T) {
	t.Parallel()
	o := Options{Dir: t.TempDir(), Speed: 0.001, Clock: newFakeClock()} // nothing ends by itself
	a := open(t, o)
	w := &world{Account: a, t: t}
	n := w.network()
	eip := w.make(KindEIP, Props{})
	late := func(k Kind, p Props) {
		interrupted(t, func(ctx context.Context) error {
			_, err := a.Create(ctx, Caller{}, k, p)
			return err
		}, func() bool { return len(a.List(k)) == 1 })
	}
	late(KindNATGateway, Props{"allocationId": eip.ID, "subnetId": n.subnets[0].ID})
	role := w.make(KindRole, Props{"name": "demo-cluster", "assumeRolePolicy": trust("eks.amazonaws.com")})
	late(KindCluster, clusterProps(n, role))
	instance := w.run(n, false)
	require.Equal(t, "pending", instance.State)
	crash(t, a, &o)

	a = open(t, o)
	require.Equal(t, "available", a.List(KindNATGateway)[0].State)
	cluster, ok := a.Get(KindCluster, "demo")
	require.True(t, ok)
	require.Equal(t, "ACTIVE", cluster.State)
	got, _ := a.Get(KindInstance, instance.ID)
	require.Equal(t, "running", got.State)

	interrupted(t, func(ctx context.Context) error { return a.Delete(ctx, Caller{}, KindCluster, "demo") }, func() bool {
		r, _ := a.Get(KindCluster, "demo")
		return r.State == "DELETING"
	})
	_, err := a.TerminateInstances(t.Context(), Caller{}, instance.ID)
	require.NoError(t, err)
	crash(t, a, &o)

	a = open(t, o)
	_, ok = a.Get(KindCluster, "demo")
	require.False(t, ok)
	got, _ = a.Get(KindInstance, instance.ID)
	require.Equal(t, "terminated", got.State)
	require.NoError(t, a.Close())
}

func TestResumeStartsTheClustersOfTheRuntimeAgain(t *testing.T) {
	t.Parallel()
	o := Options{Dir: t.TempDir(), Runtime: &fakeRuntime{}}
	a := open(t, o)
	w := &world{Account: a, t: t}
	w.cluster(w.network())
	require.NoError(t, a.Close())
	runtime := &fakeRuntime{}
	o.Runtime = runtime
	a = open(t, o)
	require.Empty(t, runtime.log(), "the caller says when")
	require.NoError(t, a.Resume(t.Context()))
	require.Equal(t, []string{"start demo 1.35"}, runtime.log())
	require.NoError(t, a.Close())
}

func TestAControlPlaneThatMovedIsFoundAtItsNewPort(t *testing.T) {
	t.Parallel()
	runtime := &fakeRuntime{block: make(chan struct{})}
	w := newWorld(t, Options{Runtime: runtime})
	require.NoError(t, w.MoveCluster("demo", ClusterEndpoint{URL: "https://127.0.0.1:1"}), "there is no such cluster")
	close(runtime.block)
	w.cluster(w.network())
	require.NoError(t, w.MoveCluster("demo", ClusterEndpoint{URL: "https://127.0.0.1:7777", CABase64: "Q0E="}))
	for _, ca := range []string{"another", ""} {
		_, ok := w.ClusterByCA([]byte(ca))
		require.False(t, ok, ca)
	}
	r, ok := w.ClusterByCA([]byte("CA"))
	require.True(t, ok)
	require.Equal(t, "https://127.0.0.1:7777", str(r.Attrs, "endpoint"), "DescribeCluster answers with it")
}

// A kill comes between the change that a caller asked for and what EKS does about it.
func TestResumeCompletesTheScalingOfANodeGroup(t *testing.T) {
	t.Parallel()
	for name, desired := range map[string]int{"up": 5, "down": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := Options{Dir: t.TempDir()}
			a := open(t, o)
			w := &world{Account: a, t: t}
			n := w.network()
			w.cluster(n)
			w.nodeGroup(n)
			require.NoError(t, a.do(Caller{}, func(tx *tx) error {
				tx.edit(KindNodeGroup, "demo:core", func(r *Resource) {
					r.Props["scalingConfig"] = Props{"minSize": 1.0, "maxSize": 9.0, "desiredSize": float64(desired)}
				})
				return nil
			}))
			require.NoError(t, a.Close())
			a = open(t, o)
			require.Len(t, a.Find(KindInstance, func(r Resource) bool { return r.State == stateRunning }), desired)
			require.NoError(t, a.Close())
		})
	}
}

func TestTwoProcessesCannotShareAState(t *testing.T) {
	t.Parallel()
	o := Options{Dir: t.TempDir()}
	a := open(t, o)
	_, err := Open(o)
	require.ErrorContains(t, err, "in use by another process")
	require.NoError(t, a.Close())
	require.NoError(t, open(t, o).Close())
}

func TestResetEmptiesTheAccount(t *testing.T) {
	t.Parallel()
	runtime := &fakeRuntime{}
	o := Options{Dir: t.TempDir(), Runtime: runtime}
	a := open(t, o)
	fill(t, a)
	require.NoError(t, a.Reset())
	require.Empty(t, a.Inventory())
	require.Contains(t, runtime.log(), "stop demo")
	crash(t, a, &o)
	a = open(t, o)
	require.Empty(t, a.Inventory())
	files, err := os.ReadDir(filepath.Join(o.Dir, "objects"))
	require.NoError(t, err)
	require.Empty(t, files)
	require.NoError(t, a.Close())
	_, err = a.Create(t.Context(), Caller{}, KindVPC, Props{"cidrBlock": "10.0.0.0/16"})
	require.ErrorIs(t, err, ledger.ErrClosed)
}

func TestManyCallersAtOnce(t *testing.T) {
	t.Parallel()
	a := open(t, Options{Dir: t.TempDir(), Speed: 20_000})
	w := &world{Account: a, t: t}
	n := w.network()
	changes, stop := a.Subscribe()
	var seen sync.WaitGroup
	seen.Go(func() {
		for range changes { // drained
		}
	})
	var wg sync.WaitGroup
	failures := make(chan error, 1000)
	for i := range 16 {
		wg.Go(func() {
			for j := range 10 {
				name := fmt.Sprintf("r-%d-%d", i, j)
				_, err := a.Create(t.Context(), Caller{}, KindRole, Props{
					"name": name, "assumeRolePolicy": trust("ec2.amazonaws.com"),
				})
				failures <- err
				list, err := a.RunInstances(t.Context(), Caller{}, RunRequest{
					InstanceType: "c5d.large", SubnetID: n.subnets[i%3].ID, ImageID: "ami-0123456789abcdef0",
				})
				failures <- err
				failures <- a.Wait(t.Context(), KindInstance, list[0].ID)
				_, err = a.TerminateInstances(t.Context(), Caller{}, list[0].ID)
				failures <- err
				failures <- a.Wait(t.Context(), KindInstance, list[0].ID)
				failures <- a.Delete(t.Context(), Caller{}, KindRole, name)
			}
		})
	}
	wg.Wait()
	close(failures)
	for err := range failures {
		require.NoError(t, err)
	}
	requireNoDangling(t, a)
	require.Empty(t, a.List(KindNetworkInterface))
	require.Empty(t, a.List(KindVolume))
	stop()
	seen.Wait()
	require.NoError(t, a.Close())
}

func TestSubscribersSeeTheLatestOfEachResource(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	changes, stop := w.Subscribe()
	defer stop()
	vpc := w.make(KindVPC, Props{"cidrBlock": "10.0.0.0/16"})
	w.drop(KindVPC, vpc.ID)
	seen := map[string]string{}
	for seen[vpc.ID] != ChangeDelete {
		select {
		case c := <-changes:
			seen[c.ID] = c.Op
		case <-time.After(patience):
			require.Fail(t, "no deletion seen", "%v", seen)
		}
	}
	stop()
	_, open := <-changes
	require.False(t, open)
}
