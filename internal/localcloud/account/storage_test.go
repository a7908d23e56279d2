// SPDX-License-Identifier: Apache-2.0

package account

import (
	"context"
	"emrflink/internal/localcloud/logs"
	"emrflink/internal/localcloud/queues"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
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
	}, got))
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
