// SPDX-License-Identifier: Apache-2.0

package awswire_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/require"

	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/awswire"
	"emrflink/internal/localcloud/objects"
)

const (
	signedChunks   = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	unsignedChunks = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
)

// sign makes a signed request for S3 whose payload is described by hash, without a body. It returns the signature, too.
func (w *world) sign(cfg aws.Config, method, path, hash string, header map[string]string, at time.Time) (*http.Request, string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, nil)
	require.NoError(w.t, err)
	for k, v := range header {
		r.Header.Set(k, v)
	}
	r.Header.Set("X-Amz-Content-Sha256", hash)
	cr, err := cfg.Credentials.Retrieve(w.t.Context())
	require.NoError(w.t, err)
	require.NoError(w.t, v4.NewSigner().SignHTTP(w.t.Context(), cr, r, hash, "s3", region, at,
		func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }))
	_, signature, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
	return r, signature
}

// inChunks frames a body, signed by Amazon's signer of streams when it gets a seed.
func (w *world) inChunks(body, seed string, at time.Time, trailer string) string {
	w.t.Helper()
	cr, err := w.cfg.Credentials.Retrieve(w.t.Context())
	require.NoError(w.t, err)
	raw, err := hex.DecodeString(seed)
	require.NoError(w.t, err)
	signer := v4.NewStreamSigner(cr, "s3", region, raw)
	var out strings.Builder
	for rest, last := body, false; !last; {
		n := min(len(rest), 1000)
		last = n == 0
		fmt.Fprintf(&out, "%x", n)
		if seed != "" {
			value, err := signer.GetSignature(w.t.Context(), nil, []byte(rest[:n]), at)
			require.NoError(w.t, err)
			out.WriteString(";chunk-signature=" + hex.EncodeToString(value))
		}
		out.WriteString("\r\n" + rest[:n])
		if rest = rest[n:]; !last {
			out.WriteString("\r\n")
		}
	}
	return out.String() + trailer + "\r\n"
}

// put sends a body in frames, or as it is when the hash is its own.
func (w *world) put(path, hash string, header map[string]string, body func(seed string, at time.Time) string) answered {
	w.t.Helper()
	at := time.Now()
	r, seed := w.sign(w.cfg, http.MethodPut, path, hash, header, at)
	b := []byte(body(seed, at))
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
	return w.send(r)
}

func sum(a objects.Algorithm, s string) string {
	h := a.New()
	h.Write([]byte(s))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

func TestBodiesInChunksAreUnframed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bucket("data", false)
	body := strings.Repeat("0123456789", 345)
	length := map[string]string{"X-Amz-Decoded-Content-Length": fmt.Sprint(len(body)), "Content-Encoding": "aws-chunked,zstd"}
	a := w.put("/data/signed", signedChunks, length, func(seed string, at time.Time) string {
		return w.inChunks(body, seed, at, "")
	})
	require.Equal(t, http.StatusOK, a.status, string(a.body))
	names := []string{"signed"}
	for _, alg := range objects.Algorithms() {
		name := "x-amz-checksum-" + strings.ToLower(string(alg))
		length["X-Amz-Trailer"] = name
		a := w.put("/data/"+name, unsignedChunks, length, func(string, time.Time) string {
			return w.inChunks(body, "", time.Time{}, name+":"+sum(alg, body)+"\r\n")
		})
		require.Equal(t, http.StatusOK, a.status, string(a.body))
		require.Equal(t, sum(alg, body), a.header.Get(name))
		names = append(names, name)
	}
	for _, name := range names {
		got := w.call(t.Context(), w.cfg, "s3", "GET", "/data/"+name, map[string]string{"X-Amz-Checksum-Mode": "ENABLED"}, "")
		require.Equal(t, body, string(got.body), name)
		require.Equal(t, "zstd", got.header.Get("Content-Encoding"), "the framing is no encoding of the object")
		if name != "signed" {
			require.NotEmpty(t, got.header.Get(name))
		}
	}
}

func TestBodiesThatAreNotWhatTheySayAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bucket("data", false)
	const body = "the body"
	md := md5.Sum([]byte(body))
	right, wrong := base64.StdEncoding.EncodeToString(md[:]), base64.StdEncoding.EncodeToString(make([]byte, 16))
	decoded := map[string]string{"X-Amz-Decoded-Content-Length": "8"}
	trailing := map[string]string{"X-Amz-Decoded-Content-Length": "8", "X-Amz-Trailer": "x-amz-checksum-crc32"}
	signed := func(change func(string) string) func(string, time.Time) string {
		return func(seed string, at time.Time) string { return change(w.inChunks(body, seed, at, "")) }
	}
	as := func(s string) func(string, time.Time) string { return func(string, time.Time) string { return s } }
	for name, tc := range map[string]struct {
		hash   string
		header map[string]string
		body   func(string, time.Time) string
		code   string
	}{
		"a changed chunk": {signedChunks, decoded, signed(func(s string) string {
			return strings.Replace(s, body, "the b0dy", 1)
		}), "SignatureDoesNotMatch"},
		"a chunk that is missing": {signedChunks, decoded, signed(func(s string) string {
			return s[strings.Index(s, body)+len(body)+2:]
		}), "IncompleteBody"},
		"no last chunk": {signedChunks, decoded, signed(func(s string) string {
			return s[:strings.Index(s, body)+len(body)+2]
		}), "IncompleteBody"},
		"half a chunk":   {unsignedChunks, decoded, as("8\r\nthe "), "IncompleteBody"},
		"a longer chunk": {unsignedChunks, decoded, as("8\r\nthe body!\r\n0\r\n\r\n"), "IncompleteBody"},
		"more than said": {unsignedChunks, decoded, as("9\r\nthe body!\r\n0\r\n\r\n"), "IncompleteBody"},
		"no size":        {unsignedChunks, decoded, as("the body"), "IncompleteBody"},
		"no length":      {unsignedChunks, nil, as("8\r\nthe body\r\n0\r\n\r\n"), "MissingContentLength"},
		"a wrong trailer": {unsignedChunks, trailing, as("8\r\nthe body\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"),
			"BadDigest"},
		"no trailer":         {unsignedChunks, trailing, as("8\r\nthe body\r\n0\r\n\r\n"), "MalformedTrailerError"},
		"a trailer of noise": {unsignedChunks, trailing, as("8\r\nthe body\r\n0\r\nnoise\r\n\r\n"), "MalformedTrailerError"},
		"a wrong SHA-256":    {hexSum("other"), nil, as(body), "XAmzContentSHA256Mismatch"},
		"a wrong MD5":        {hexSum(body), map[string]string{"Content-Md5": wrong}, as(body), "BadDigest"},
		"no MD5":             {hexSum(body), map[string]string{"Content-Md5": "x"}, as(body), "InvalidDigest"},
		"a wrong checksum": {hexSum(body), map[string]string{"X-Amz-Checksum-Sha1": sum(objects.SHA1, "x")},
			as(body), "BadDigest"},
		"no checksum": {hexSum(body), map[string]string{"X-Amz-Checksum-Sha1": "eA=="}, as(body), "InvalidRequest"},
		"two checksums": {hexSum(body), map[string]string{"X-Amz-Checksum-Sha1": "x", "X-Amz-Checksum-Crc32": "x"},
			as(body), "InvalidRequest"},
		"an unknown encoding": {"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", decoded, as(body), "NotImplemented"},
		"tags":                {hexSum(body), map[string]string{"X-Amz-Tagging": "a=b"}, as(body), "NotImplemented"},
		"an ACL": {hexSum(body), map[string]string{"X-Amz-Acl": "public-read"},
			as(body), "AccessControlListNotSupported"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := w.put("/data/k", tc.hash, tc.header, tc.body)
			require.Contains(t, string(a.body), "<Code>"+tc.code+"</Code>")
			_, err := w.account.Objects.Get("data", "k")
			require.ErrorContains(t, err, "NoSuchKey", "nothing of it is kept")
		})
	}
	a := w.put("/data/right", hexSum(body), map[string]string{"Content-Md5": right}, as(body))
	require.Equal(t, http.StatusOK, a.status, string(a.body))
	t.Run("a deletion of many", func(t *testing.T) {
		t.Parallel()
		a := w.call(t.Context(), w.cfg, "s3", "POST", "/data?delete", map[string]string{"Content-Md5": wrong},
			"<Delete><Object><Key>right</Key></Object></Delete>")
		require.Contains(t, string(a.body), "<Code>BadDigest</Code>")
	})
}

// TestTheSDKsChecksums writes and reads with each checksum; the SDK compares what it reads.
func TestTheSDKsChecksums(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bucket("data", false)
	c := w.s3(w.cfg)
	for _, alg := range append(types.ChecksumAlgorithm("").Values(), "") {
		if alg != "" && !objects.Algorithm(alg).Known() {
			continue // newer than those that S3 clients use
		}
		out, err := c.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: aws.String("data"), Key: aws.String("k"), Body: strings.NewReader("body"), ChecksumAlgorithm: alg,
			ContentType: aws.String("text/plain"), CacheControl: aws.String("no-cache"),
		})
		require.NoError(t, err, alg)
		require.Equal(t, types.ChecksumTypeFullObject, out.ChecksumType)
		got, err := c.GetObject(t.Context(), &s3.GetObjectInput{
			Bucket: aws.String("data"), Key: aws.String("k"), ChecksumMode: types.ChecksumModeEnabled,
		})
		require.NoError(t, err, alg)
		b, err := io.ReadAll(got.Body)
		require.NoError(t, err, alg)
		require.Equal(t, "body", string(b))
		require.Equal(t, "text/plain", *got.ContentType)
		require.Equal(t, "no-cache", *got.CacheControl)
	}
}

// TestOneWhoWaitsForContinueSendsNothingInVain asks as Java's clients do.
func TestOneWhoWaitsForContinueSendsNothingInVain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bucket("data", false)
	nobody := w.as(w.role("nobody", "ec2.amazonaws.com", ""))
	ask := func(cfg aws.Config) (*bufio.Reader, net.Conn, string) {
		r, _ := w.sign(cfg, http.MethodPut, "/data/k", hexSum("body"), map[string]string{"Expect": "100-continue"}, time.Now())
		var d net.Dialer
		conn, err := d.DialContext(context.WithoutCancel(t.Context()), "tcp", r.URL.Host)
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
		r.Header.Set("Content-Length", "4")
		head := "PUT /data/k HTTP/1.1\r\nHost: " + r.URL.Host + "\r\n"
		for k := range r.Header {
			head += k + ": " + r.Header.Get(k) + "\r\n"
		}
		_, err = io.WriteString(conn, head+"\r\n")
		require.NoError(t, err)
		in := bufio.NewReader(conn)
		line, err := in.ReadString('\n')
		require.NoError(t, err)
		return in, conn, line
	}
	_, _, line := ask(nobody)
	require.Contains(t, line, "403")
	in, conn, line := ask(w.cfg)
	require.Contains(t, line, "100 Continue")
	_, err := in.ReadString('\n')
	require.NoError(t, err)
	_, err = io.WriteString(conn, "body")
	require.NoError(t, err)
	line, err = in.ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, line, "200")
}

// TestLargeObjectsAreNotHeldInMemory counts what is allocated, so nothing else may run beside it.
func TestLargeObjectsAreNotHeldInMemory(t *testing.T) { //nolint:paralleltest // see above
	a, err := account.Open(account.Options{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	srv := httptest.NewServer(awswire.New(a, awswire.Options{}))
	t.Cleanup(srv.Close)
	w := &world{t: t, account: a, url: srv.URL}
	w.cfg = w.config(account.StaticAccessKey, account.StaticSecretKey, "")
	w.bucket("data", false)
	const size = 64 << 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)

	r, _ := w.sign(w.cfg, http.MethodPut, "/data/large", "UNSIGNED-PAYLOAD", nil, time.Now())
	r.Body, r.ContentLength = io.NopCloser(io.LimitReader(zeros{}, size)), size
	put := w.send(r)
	require.Equal(t, http.StatusOK, put.status, string(put.body))
	r, _ = w.sign(w.cfg, http.MethodPut, "/data/copy", hexSum(""), map[string]string{"X-Amz-Copy-Source": "data/large"},
		time.Now())
	copied := w.send(r)
	require.Equal(t, http.StatusOK, copied.status, string(copied.body))
	r, _ = w.sign(w.cfg, http.MethodGet, "/data/copy", hexSum(""), nil, time.Now())
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	n, err := io.Copy(io.Discard, resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.EqualValues(t, size, n)

	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(8<<20), "of client and server together")
}

type zeros struct{}

// Read reads zeros.
func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
