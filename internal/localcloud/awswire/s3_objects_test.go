// SPDX-License-Identifier: Apache-2.0

package awswire_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/require"
)

// write puts an object and returns its ETag.
func (w *world) write(bucket, key, body string) string {
	w.t.Helper()
	out, err := w.s3(w.cfg).PutObject(w.t.Context(),
		&s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(body)})
	require.NoError(w.t, err)
	return *out.ETag
}

// content is an object's body.
func (w *world) content(bucket, key string) string {
	w.t.Helper()
	o, err := w.account.Objects.Get(bucket, key)
	require.NoError(w.t, err)
	return string(o.Body)
}

func TestReadsOfARange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bucket("data", false)
	etag := w.write("data", "k", "0123456789")
	w.write("data", "empty", "")
	for name, tc := range map[string]struct {
		path         string
		header       map[string]string
		status       int
		body, ranged string
	}{
		"all":           {"k", nil, 200, "0123456789", ""},
		"a range":       {"k", map[string]string{"Range": "bytes=2-4"}, 206, "234", "bytes 2-4/10"},
		"to the end":    {"k", map[string]string{"Range": "bytes=7-"}, 206, "789", "bytes 7-9/10"},
		"the end":       {"k", map[string]string{"Range": "bytes=-2"}, 206, "89", "bytes 8-9/10"},
		"several":       {"k", map[string]string{"Range": "bytes=1-2,4-5"}, 200, "0123456789", ""},
		"behind it":     {"k", map[string]string{"Range": "bytes=10-"}, 416, "<Code>InvalidRange</Code>", "bytes */10"},
		"of nothing":    {"empty", map[string]string{"Range": "bytes=0-"}, 416, "<Code>InvalidRange</Code>", "bytes */0"},
		"of this state": {"k", map[string]string{"Range": "bytes=0-0", "If-Match": etag}, 206, "0", "bytes 0-0/10"},
		"of another": {"k", map[string]string{"Range": "bytes=0-0", "If-Match": `"x"`}, 412,
			"<Code>PreconditionFailed</Code>", ""},
		"if it is another": {"k", map[string]string{"Range": "bytes=0-0", "If-Range": `"x"`}, 200, "0123456789", ""},
		"part 1":           {"k?partNumber=1", nil, 206, "0123456789", "bytes 0-9/10"},
		"part 2":           {"k?partNumber=2", nil, 416, "<Code>InvalidPartNumber</Code>", "bytes */10"},
		"another type":     {"k?response-content-type=text%2Fcsv", nil, 200, "0123456789", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := w.call(t.Context(), w.cfg, "s3", http.MethodGet, "/data/"+tc.path, tc.header, "")
			require.Equal(t, tc.status, a.status, string(a.body))
			require.Contains(t, string(a.body), tc.body)
			require.Equal(t, tc.ranged, a.header.Get("Content-Range"))
			head := w.call(t.Context(), w.cfg, "s3", http.MethodHead, "/data/"+tc.path, tc.header, "")
			require.Equal(t, tc.status, head.status)
			require.Empty(t, head.body)
			require.Equal(t, tc.ranged, head.header.Get("Content-Range"))
			if a.status < 300 {
				require.Equal(t, tc.body, string(a.body))
				require.Equal(t, fmt.Sprint(len(tc.body)), head.header.Get("Content-Length"))
				require.Equal(t, "bytes", a.header.Get("Accept-Ranges"))
			}
		})
	}
	a := w.call(t.Context(), w.cfg, "s3", http.MethodGet, "/data/k?response-content-type=text%2Fcsv", nil, "")
	require.Equal(t, "text/csv", a.header.Get("Content-Type"))
}

func TestConditionsOfARead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bucket("data", false)
	etag := w.write("data", "k", "body")
	before := time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)
	after := time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)
	for _, tc := range []struct {
		header map[string]string
		status int
	}{
		{map[string]string{"If-Match": etag}, 200},
		{map[string]string{"If-Match": `"x", ` + etag}, 200},
		{map[string]string{"If-Match": "*"}, 200},
		{map[string]string{"If-Match": `"x"`}, 412},
		{map[string]string{"If-None-Match": etag}, 304},
		{map[string]string{"If-None-Match": `"x"`}, 200},
		{map[string]string{"If-Modified-Since": before}, 200},
		{map[string]string{"If-Modified-Since": after}, 304},
		{map[string]string{"If-Unmodified-Since": before}, 412},
		{map[string]string{"If-Unmodified-Since": after}, 200},
		{map[string]string{"If-Unmodified-Since": "yesterday"}, 200},
		{map[string]string{"If-Match": etag, "If-Unmodified-Since": before}, 200},
		{map[string]string{"If-None-Match": etag, "If-Modified-Since": before}, 304},
		{map[string]string{"If-None-Match": `"x"`, "If-Modified-Since": after}, 200},
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			a := w.call(t.Context(), w.cfg, "s3", method, "/data/k", tc.header, "")
			require.Equal(t, tc.status, a.status, "%s %v %s", method, tc.header, a.body)
			if a.status == http.StatusNotModified {
				require.Empty(t, a.body)
				require.Equal(t, etag, a.header.Get("Etag"))
			}
		}
	}
}

func TestConditionsOfAWrite(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bucket("data", false)
	c, ctx := w.s3(w.cfg), t.Context()
	put := func(in s3.PutObjectInput, body string) error {
		in.Bucket, in.Key, in.Body = aws.String("data"), aws.String("k"), strings.NewReader(body)
		_, err := c.PutObject(ctx, &in)
		return err
	}
	require.Equal(t, "NoSuchKey", code(t, put(s3.PutObjectInput{IfMatch: aws.String(`"x"`)}, "0")))
	require.NoError(t, put(s3.PutObjectInput{IfNoneMatch: aws.String("*")}, "1"))
	require.Equal(t, "PreconditionFailed", code(t, put(s3.PutObjectInput{IfNoneMatch: aws.String("*")}, "2")))
	require.Equal(t, "NotImplemented", code(t, put(s3.PutObjectInput{IfNoneMatch: aws.String(`"x"`)}, "2")))
	require.Equal(t, "PreconditionFailed", code(t, put(s3.PutObjectInput{IfMatch: aws.String(`"x"`)}, "2")))
	require.Equal(t, "1", w.content("data", "k"))
	head, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String("data"), Key: aws.String("k")})
	require.NoError(t, err)
	require.NoError(t, put(s3.PutObjectInput{IfMatch: head.ETag}, "2"))

	_, err = c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String("data"), Key: aws.String("k"), IfMatch: head.ETag})
	require.Equal(t, "PreconditionFailed", code(t, err))
	many, err := c.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: aws.String("data"), Delete: &types.Delete{
		Objects: []types.ObjectIdentifier{{Key: aws.String("k"), ETag: head.ETag}, {Key: aws.String("none")}},
	}})
	require.NoError(t, err)
	require.Equal(t, "PreconditionFailed", *many.Errors[0].Code)
	require.Len(t, many.Deleted, 1)
	require.Equal(t, "2", w.content("data", "k"))
}

// TestOfManyWritersOneWins: all find nothing, and one may write.
func TestOfManyWritersOneWins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bucket("data", false)
	won := make(chan bool)
	for i := range 8 {
		go func() {
			_, err := w.s3(w.cfg).PutObject(context.WithoutCancel(t.Context()), &s3.PutObjectInput{
				Bucket: aws.String("data"), Key: aws.String("lock"), Body: strings.NewReader(fmt.Sprint(i)),
				IfNoneMatch: aws.String("*"),
			})
			won <- err == nil
		}()
	}
	n := 0
	for range 8 {
		if <-won {
			n++
		}
	}
	require.Equal(t, 1, n)
}

// TestAnObjectThatGoesDuringAConditionalWrite is the conflict that is no failed condition: it held when the write began.
func TestAnObjectThatGoesDuringAConditionalWrite(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bucket("data", false)
	etag := w.write("data", "k", "1")
	r, _ := w.sign(w.cfg, http.MethodPut, "/data/k", "UNSIGNED-PAYLOAD", map[string]string{"If-Match": etag}, time.Now())
	// The body is asked for once the condition was found to hold.
	r.Header.Set("Expect", "100-continue")
	body, send := io.Pipe()
	r.Body, r.ContentLength = body, 2
	type result struct {
		resp *http.Response
		err  error
	}
	done := make(chan result, 1)
	patient := &http.Transport{ExpectContinueTimeout: time.Minute}
	t.Cleanup(patient.CloseIdleConnections)
	go func() {
		resp, err := patient.RoundTrip(r)
		done <- result{resp, err}
	}()
	_, err := send.Write([]byte("2"))
	require.NoError(t, err)
	require.NoError(t, w.account.Objects.Delete("data", "k", ""))
	_, err = send.Write([]byte("3"))
	require.NoError(t, err)
	require.NoError(t, send.Close())
	got := <-done
	require.NoError(t, got.err)
	said, err := io.ReadAll(got.resp.Body)
	require.NoError(t, err)
	require.NoError(t, got.resp.Body.Close())
	require.Equal(t, http.StatusConflict, got.resp.StatusCode, string(said))
	require.Contains(t, string(said), "<Code>ConditionalRequestConflict</Code>")
}

func TestCopies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bucket("data", true)
	w.bucket("other", false)
	c, ctx := w.s3(w.cfg), t.Context()
	first, err := c.PutObject(ctx, &s3.PutObjectInput{
		Bucket: aws.String("data"), Key: aws.String("a b+c//ä?x"), Body: strings.NewReader("body"),
		Metadata: map[string]string{"n": "1"}, ContentType: aws.String("text/plain"), ContentMD5: nil,
	})
	require.NoError(t, err)
	source := "data/" + url.PathEscape("a b+c//ä?x")
	copied := func(change func(*s3.CopyObjectInput)) (*s3.CopyObjectOutput, error) {
		in := &s3.CopyObjectInput{Bucket: aws.String("other"), Key: aws.String("k"), CopySource: &source}
		change(in)
		return c.CopyObject(ctx, in)
	}
	head := func() *s3.HeadObjectOutput {
		out, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String("other"), Key: aws.String("k")})
		require.NoError(t, err)
		return out
	}
	out, err := copied(func(*s3.CopyObjectInput) {})
	require.NoError(t, err)
	require.Equal(t, *first.ETag, *out.CopyObjectResult.ETag)
	require.Equal(t, *first.VersionId, *out.CopySourceVersionId)
	require.Equal(t, "1", head().Metadata["n"])
	require.Equal(t, "text/plain", *head().ContentType)
	_, err = copied(func(in *s3.CopyObjectInput) {
		in.MetadataDirective, in.Metadata = types.MetadataDirectiveReplace, map[string]string{"m": "2"}
		in.ChecksumAlgorithm = types.ChecksumAlgorithmSha256
	})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"m": "2"}, head().Metadata)
	w.write("data", "a b+c//ä?x", "newer")
	_, err = copied(func(in *s3.CopyObjectInput) { in.CopySource = aws.String(source + "?versionId=" + *first.VersionId) })
	require.NoError(t, err)
	require.Equal(t, "body", w.content("other", "k"))
	for want, change := range map[string]func(*s3.CopyObjectInput){
		"PreconditionFailed": func(in *s3.CopyObjectInput) { in.CopySourceIfNoneMatch = aws.String("*") },
		"NoSuchKey":          func(in *s3.CopyObjectInput) { in.CopySource = aws.String("data/none") },
		"NoSuchBucket":       func(in *s3.CopyObjectInput) { in.CopySource = aws.String("none/k") },
		"InvalidArgument":    func(in *s3.CopyObjectInput) { in.CopySource = aws.String("none") },
		"InvalidRequest":     func(in *s3.CopyObjectInput) { in.CopySource = aws.String("other/k") },
	} {
		_, err := copied(change)
		require.Equal(t, want, code(t, err))
	}
	_, err = copied(func(in *s3.CopyObjectInput) { in.IfNoneMatch = aws.String("*") })
	require.Equal(t, "PreconditionFailed", code(t, err), "the target is there")

	// Who may write there, and not read here, may not copy.
	writer := w.s3(w.as(w.role("writer", "ec2.amazonaws.com", allow("arn:aws:s3:::other/*", "", "s3:PutObject"))))
	_, err = writer.CopyObject(ctx, &s3.CopyObjectInput{Bucket: aws.String("other"), Key: aws.String("k"), CopySource: &source})
	require.ErrorContains(t, err, "s3:GetObject")
}

func TestKeysAreKeptAsTheyAre(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bucket("data", false)
	c, ctx := w.s3(w.cfg), t.Context()
	keys := []string{"//", "/a", "a//b", "a/./b", "a/../b", "a b", "a+b", "a%2Fb", "a%b", "ä/ö", "a&b=c?d#e", "a\"<b>'", "a/",
		"*()!~", "日本語/🚀", "a\tb\nc"}
	for _, k := range keys {
		w.write("data", k, "at "+k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		got, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("data"), Key: aws.String(k)})
		require.NoError(t, err, "%q", k)
		b, err := io.ReadAll(got.Body)
		require.NoError(t, err)
		require.Equal(t, "at "+k, string(b))
	}
	list := func(encoding types.EncodingType) []string {
		out, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("data"), EncodingType: encoding})
		require.NoError(t, err)
		var got []string
		for _, o := range out.Contents {
			k := *o.Key
			if encoding != "" {
				k, err = url.QueryUnescape(k)
				require.NoError(t, err)
			}
			got = append(got, k)
		}
		return got
	}
	require.Equal(t, keys, list(""))
	require.Equal(t, keys, list(types.EncodingTypeUrl))
	var ids []types.ObjectIdentifier
	for _, k := range keys {
		ids = append(ids, types.ObjectIdentifier{Key: aws.String(k)})
	}
	out, err := c.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: aws.String("data"), Delete: &types.Delete{Objects: ids}})
	require.NoError(t, err)
	require.Empty(t, out.Errors)
	require.Len(t, out.Deleted, len(keys))
	require.Empty(t, list(""))
}

func TestDeletionsSayWhatTheyMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bucket("data", true)
	c, ctx := w.s3(w.cfg), t.Context()
	w.write("data", "k", "body")
	out, err := c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String("data"), Key: aws.String("k")})
	require.NoError(t, err)
	require.True(t, *out.DeleteMarker)
	many, err := c.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: aws.String("data"), Delete: &types.Delete{
		Objects: []types.ObjectIdentifier{{Key: aws.String("k"), VersionId: out.VersionId}},
	}})
	require.NoError(t, err)
	require.True(t, *many.Deleted[0].DeleteMarker)
	require.Equal(t, *out.VersionId, *many.Deleted[0].DeleteMarkerVersionId)
	require.Equal(t, "body", w.content("data", "k"))
}

// TestAMissingKeyIsToldToWhoMayListIt: Hadoop looks for what is not there before it writes.
func TestAMissingKeyIsToldToWhoMayListIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bucket("data", false)
	read := `{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`
	list := `,{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::data",` +
		`"Condition":{"StringLike":{"s3:prefix":"team/*"}}}`
	policy := func(statements string) string { return `{"Version":"2012-10-17","Statement":[` + statements + `]}` }
	reader := w.as(w.role("reader", "ec2.amazonaws.com", policy(read)))
	lister := w.as(w.role("lister", "ec2.amazonaws.com", policy(read+list)))
	for _, tc := range []struct {
		cfg    aws.Config
		key    string
		status int
	}{{reader, "team/none", 403}, {lister, "team/none", 404}, {lister, "other/none", 403}} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			require.Equal(t, tc.status, w.call(t.Context(), tc.cfg, "s3", method, "/data/"+tc.key, nil, "").status, tc.key)
		}
	}
}
