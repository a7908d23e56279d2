// SPDX-License-Identifier: Apache-2.0

package account

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"emrflink/internal/localcloud/logs"
	"emrflink/internal/localcloud/objects"
	"emrflink/internal/localcloud/queues"
)

func TestObjectsWithoutVersions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.make(KindBucket, Props{"bucket": "plain"})
	for _, body := range []string{"one", "two"} {
		v, err := w.Objects.Put("plain", "a/b", []byte(body), map[string]string{"k": "v"})
		require.NoError(t, err)
		require.Equal(t, "null", v)
	}
	o, err := w.Objects.Get("plain", "a/b")
	require.NoError(t, err)
	require.Equal(t, "two", string(o.Body))
	require.Equal(t, "b8a9f715dbb64fd5c56e7783c6820a61", o.ETag)
	require.Equal(t, map[string]string{"k": "v"}, o.Metadata)
	require.True(t, o.Latest)
	versions, err := w.Objects.ListVersions("plain", "")
	require.NoError(t, err)
	require.Len(t, versions, 1)
	require.NoError(t, w.Objects.Delete("plain", "a/b", ""))
	require.NoError(t, w.Objects.Delete("plain", "absent", ""), "as on S3")
	_, err = w.Objects.Get("plain", "a/b")
	w.refused("NoSuchKey", err)
	w.drop(KindBucket, "plain")
	_, err = w.Objects.Put("plain", "k", nil, nil)
	w.refused("NoSuchBucket", err)
	_, err = w.Objects.List("plain", "")
	w.refused("NoSuchBucket", err)
}

func TestObjectsWithVersions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.make(KindBucket, Props{"bucket": "kept"})
	w.make(KindBucketVersioning, Props{"bucket": "kept", "versioningConfiguration": Props{"status": "Enabled"}})
	first, err := w.Objects.Put("kept", "k", []byte("one"), nil)
	require.NoError(t, err)
	_, err = w.Objects.Put("kept", "k", []byte("two"), nil)
	require.NoError(t, err)
	_, err = w.Objects.Put("kept", "other", []byte("x"), nil)
	require.NoError(t, err)
	require.NoError(t, w.Objects.Delete("kept", "k", ""))
	_, err = w.Objects.Get("kept", "k")
	w.refused("NoSuchKey", err)
	o, err := w.Objects.GetVersion("kept", "k", first)
	require.NoError(t, err)
	require.Equal(t, "one", string(o.Body))
	_, err = w.Objects.GetVersion("kept", "k", "absent")
	w.refused("NoSuchVersion", err)
	current, err := w.Objects.List("kept", "")
	require.NoError(t, err)
	require.Len(t, current, 1)
	require.Equal(t, "other", current[0].Key)

	versions, err := w.Objects.ListVersions("kept", "k")
	require.NoError(t, err)
	require.Len(t, versions, 3)
	require.True(t, versions[0].DeleteMarker && versions[0].Latest)
	w.refused("BucketNotEmpty", w.Delete(t.Context(), Caller{}, KindBucket, "kept"))
	require.NoError(t, w.Objects.Delete("kept", "other", current[0].VersionID))
	for i, v := range versions {
		w.refused("BucketNotEmpty", w.Delete(t.Context(), Caller{}, KindBucket, "kept"))
		require.NoError(t, w.Objects.Delete("kept", "k", v.VersionID), "version %d", i)
	}
	w.drop(KindBucket, "kept")
	_, ok := w.Get(KindBucketVersioning, "kept")
	require.False(t, ok, "the settings go with the bucket")
}

func TestForceDestroyEmptiesTheBucket(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Dir: t.TempDir()})
	w.make(KindBucket, Props{"bucket": "forced", "forceDestroy": true})
	w.make(KindBucketVersioning, Props{"bucket": "forced", "versioningConfiguration": Props{"status": "Enabled"}})
	for range 3 {
		_, err := w.Objects.Put("forced", "k", []byte("x"), nil)
		require.NoError(t, err)
	}
	w.drop(KindBucket, "forced")
	w.make(KindBucket, Props{"bucket": "forced"})
	versions, err := w.Objects.ListVersions("forced", "")
	require.NoError(t, err)
	require.Empty(t, versions)
}

func TestQueue(t *testing.T) {
	t.Parallel()
	clock := newFakeClock()
	w := newWorld(t, Options{Clock: clock})
	q := w.make(KindQueue, Props{"name": "q", "messageRetentionSeconds": 300, "visibilityTimeoutSeconds": 30}).ID
	require.Equal(t, "https://sqs.us-west-2.amazonaws.com/111122223333/q", q)
	for _, body := range []string{"one", "two"} {
		require.NoError(t, w.Queues.Send(q, body))
	}
	receive := func() []string {
		got, err := w.Queues.Receive(t.Context(), q, 10, 0)
		require.NoError(t, err)
		var bodies []string
		for _, m := range got {
			bodies = append(bodies, m.Body)
		}
		return bodies
	}
	first, err := w.Queues.Receive(t.Context(), q, 1, 0)
	require.NoError(t, err)
	require.Equal(t, "one", first[0].Body)
	require.Equal(t, []string{"two"}, receive(), "a received message is hidden")
	require.NoError(t, w.Queues.Delete(q, first[0].Receipt))
	clock.advance(31 * time.Second)
	require.Equal(t, []string{"two"}, receive(), "and comes back when it is not deleted")
	clock.advance(301 * time.Second)
	require.Empty(t, receive(), "and is dropped after the retention")
	require.Zero(t, w.Queues.Count(q))
	w.refused("AWS.SimpleQueueService.NonExistentQueue", w.Queues.Send("https://absent", "x"))
	_, err = w.Queues.Receive(t.Context(), q, 11, 0)
	w.refused("InvalidParameterValue", err)
}

func TestTheLongPollEndsWithAMessageOrItsTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	q := w.make(KindQueue, Props{"name": "q"}).ID
	began := time.Now()
	got, err := w.Queues.Receive(t.Context(), q, 1, 30*time.Millisecond)
	require.NoError(t, err)
	require.Empty(t, got)
	require.GreaterOrEqual(t, time.Since(began), 30*time.Millisecond)

	arrived := make(chan []queues.Message, 1)
	go func() {
		got, _ := w.Queues.Receive(t.Context(), q, 1, 20*time.Second)
		arrived <- got
	}()
	time.Sleep(10 * time.Millisecond)
	require.NoError(t, w.Queues.Send(q, "hello"))
	select {
	case got := <-arrived:
		require.Len(t, got, 1)
		require.Equal(t, "hello", got[0].Body)
	case <-time.After(patience):
		require.Fail(t, "the poll did not wake up")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err = w.Queues.Receive(ctx, q, 1, 20*time.Second)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestLogs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.refused("ResourceNotFoundException", w.Logs.Put("/team", "s", []logs.Event{{Message: "x"}}))
	w.make(KindLogGroup, Props{"name": "/team", "retentionInDays": 7})
	at := func(s int64) time.Time { return time.Unix(s, 0).UTC() }
	require.NoError(t, w.Logs.Put("/team", "job/b", []logs.Event{{Timestamp: at(3), Message: "three"}}))
	require.NoError(t,
		w.Logs.Put("/team", "job/a", []logs.Event{{Timestamp: at(1), Message: "one"}, {Timestamp: at(2), Message: "two"}}))
	require.NoError(t, w.Logs.Put("/team", "operator", []logs.Event{{Timestamp: at(0), Message: "zero"}}))
	got, err := w.Logs.Events("/team", "job/")
	require.NoError(t, err)
	require.Empty(t, cmp.Diff([]logs.Event{
		{Stream: "job/a", Timestamp: at(1), Message: "one"}, {Stream: "job/a", Timestamp: at(2), Message: "two"},
		{Stream: "job/b", Timestamp: at(3), Message: "three"},
	}, got, cmpopts.IgnoreFields(logs.Event{}, "Ingested")))
	require.False(t, got[0].Ingested.Before(got[2].Ingested), "what was put later was taken in later")
	for range 5 {
		require.NoError(t, w.Logs.Put("/team", "many", make([]logs.Event, logs.KeepEvents/4)))
	}
	got, err = w.Logs.Events("/team", "")
	require.NoError(t, err)
	require.LessOrEqual(t, len(got), logs.KeepEvents)
	w.drop(KindLogGroup, "/team")
	_, err = w.Logs.Events("/team", "")
	w.refused("ResourceNotFoundException", err)
}

// files are the bodies of a state's directory.
func files(t *testing.T, dir string) int {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, objects.Dir))
	require.NoError(t, err)
	return len(entries)
}

func TestUploadsSurviveARestart(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(*testing.T, *Account, *Options){"a clean close": closed, "kill -9": crash} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := Options{Dir: t.TempDir()}
			w := &world{Account: open(t, o), t: t}
			w.make(KindBucket, Props{"bucket": "data"})
			begun, err := w.Objects.Begin(objects.Upload{
				Bucket: "data", Key: "k", Type: objects.FullObject,
				Attributes: objects.Attributes{Metadata: map[string]string{"n": "1"}},
			})
			require.NoError(t, err)
			var claimed []objects.Part
			part := func(n int, body string) {
				d, err := w.Objects.Draft("")
				require.NoError(t, err)
				defer d.Discard()
				_, err = d.Write([]byte(body))
				require.NoError(t, err)
				p, err := w.Objects.PutPart("data", "k", begun.ID, n, d)
				require.NoError(t, err)
				claimed = append(claimed, p)
			}
			part(1, strings.Repeat("a", 5<<20))
			part(2, "replaced")
			claimed = claimed[:1]
			part(2, "end")
			lost, err := w.Objects.Draft("") // one that the process was writing when it died
			require.NoError(t, err)
			_, err = lost.Write([]byte("lost"))
			require.NoError(t, err)
			for range 2 {
				leave(t, w.Account, &o)
				w.Account = open(t, o)
				_, parts, err := w.Objects.Parts("data", "k", begun.ID)
				require.NoError(t, err)
				require.Empty(t, cmp.Diff(claimed, parts))
				require.Equal(t, 2, files(t, o.Dir), "and nothing else is left")
			}
			_, err = w.Objects.Complete("data", "k", begun.ID, claimed, nil, nil)
			require.NoError(t, err)
			require.Equal(t, 1, files(t, o.Dir))
			leave(t, w.Account, &o)
			w.Account = open(t, o)
			got, err := w.Objects.Get("data", "k")
			require.NoError(t, err)
			require.True(t, strings.Repeat("a", 5<<20)+"end" == string(got.Body))
			require.Equal(t, "1", got.Metadata["n"])
			require.Equal(t, []int64{5 << 20, 3}, got.Parts)
			left, err := w.Objects.Uploads("data")
			require.NoError(t, err)
			require.Empty(t, left)
			require.NoError(t, w.Close())
		})
	}
}

func TestABucketTakesItsUploadsAlong(t *testing.T) {
	t.Parallel()
	o := Options{Dir: t.TempDir()}
	w := &world{Account: open(t, o), t: t}
	w.make(KindBucket, Props{"bucket": "data"})
	begun, err := w.Objects.Begin(objects.Upload{Bucket: "data", Key: "k"})
	require.NoError(t, err)
	d, err := w.Objects.Draft("")
	require.NoError(t, err)
	_, err = w.Objects.PutPart("data", "k", begun.ID, 1, d)
	require.NoError(t, err)
	full := errors.New("no space left on device")
	w.ledger.Break(full)
	require.ErrorIs(t, w.Objects.Abort("data", "k", begun.ID), full)
	empty := []objects.Part{{Number: 1, ETag: "d41d8cd98f00b204e9800998ecf8427e"}}
	_, err = w.Objects.Complete("data", "k", begun.ID, empty, nil, nil)
	require.ErrorIs(t, err, full)
	w.ledger.Break(nil)
	_, parts, err := w.Objects.Parts("data", "k", begun.ID)
	require.NoError(t, err)
	require.Len(t, parts, 1, "a failed change is taken back")
	require.Equal(t, 1, files(t, o.Dir))
	w.drop(KindBucket, "data")
	require.Zero(t, files(t, o.Dir))
	require.NoError(t, w.Close())
	w.Account = open(t, o)
	require.NoError(t, w.Close())
}
