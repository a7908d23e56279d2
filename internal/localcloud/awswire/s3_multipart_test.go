// SPDX-License-Identifier: Apache-2.0

package awswire_test

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/require"

	"emrflink/internal/localcloud/objects"
)

const mib = 1 << 20

// inParts is an upload of the object "k" of the bucket "data" through the SDK.
type inParts struct {
	*world
	c    *s3.Client
	id   *string
	alg  types.ChecksumAlgorithm
	done []types.CompletedPart
}

func (w *world) begin(in s3.CreateMultipartUploadInput) *inParts {
	w.t.Helper()
	c := w.s3(w.cfg)
	in.Bucket, in.Key = aws.String("data"), aws.String("k")
	out, err := c.CreateMultipartUpload(w.t.Context(), &in)
	require.NoError(w.t, err)
	return &inParts{world: w, c: c, id: out.UploadId, alg: out.ChecksumAlgorithm}
}

// part uploads a part and notes it for the completion.
func (u *inParts) part(number int32, body []byte) {
	u.t.Helper()
	out, err := u.c.UploadPart(u.t.Context(), &s3.UploadPartInput{
		Bucket: aws.String("data"), Key: aws.String("k"), UploadId: u.id, PartNumber: &number, Body: bytes.NewReader(body),
		ChecksumAlgorithm: u.alg,
	})
	require.NoError(u.t, err)
	u.done = append(u.done, types.CompletedPart{
		PartNumber: &number, ETag: out.ETag, ChecksumCRC32: out.ChecksumCRC32, ChecksumCRC32C: out.ChecksumCRC32C,
		ChecksumCRC64NVME: out.ChecksumCRC64NVME, ChecksumSHA1: out.ChecksumSHA1, ChecksumSHA256: out.ChecksumSHA256,
	})
}

func (u *inParts) complete(change func(*s3.CompleteMultipartUploadInput)) (*s3.CompleteMultipartUploadOutput, error) {
	in := &s3.CompleteMultipartUploadInput{
		Bucket: aws.String("data"), Key: aws.String("k"), UploadId: u.id,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: append([]types.CompletedPart(nil), u.done...)},
	}
	change(in)
	return u.c.CompleteMultipartUpload(u.t.Context(), in)
}

type completing = s3.CompleteMultipartUploadInput

func asItIs(*completing) {}

func TestUploadsInParts(t *testing.T) {
	t.Parallel()
	parts := [][]byte{bytes.Repeat([]byte("a"), 5*mib), bytes.Repeat([]byte("b"), 5*mib+1), []byte("the end")}
	whole := bytes.Join(parts, nil)
	var sums []byte
	for _, p := range parts {
		md := md5.Sum(p)
		sums = append(sums, md[:]...)
	}
	md := md5.Sum(sums)
	etag := `"` + hex.EncodeToString(md[:]) + `-3"`
	for name, tc := range map[string]struct {
		in   s3.CreateMultipartUploadInput
		kind types.ChecksumType
	}{
		"as the SDK does it": {s3.CreateMultipartUploadInput{}, types.ChecksumTypeFullObject},
		"CRC32 of all": {
			s3.CreateMultipartUploadInput{ChecksumAlgorithm: "CRC32", ChecksumType: "FULL_OBJECT"}, types.ChecksumTypeFullObject,
		},
		"CRC64NVME":            {s3.CreateMultipartUploadInput{ChecksumAlgorithm: "CRC64NVME"}, types.ChecksumTypeFullObject},
		"CRC32C of the CRC32C": {s3.CreateMultipartUploadInput{ChecksumAlgorithm: "CRC32C"}, types.ChecksumTypeComposite},
		"SHA256 of the SHA256": {s3.CreateMultipartUploadInput{ChecksumAlgorithm: "SHA256"}, types.ChecksumTypeComposite},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.bucket("data", true)
			tc.in.Metadata, tc.in.ContentType = map[string]string{"n": "1"}, aws.String("text/plain")
			u := w.begin(tc.in)
			u.part(2, []byte("uploaded again below"))
			u.done = nil
			for i, p := range parts {
				u.part(int32(i+1), p)
			}
			out, err := u.complete(asItIs)
			require.NoError(t, err)
			require.Equal(t, etag, *out.ETag)
			require.Equal(t, tc.kind, out.ChecksumType)
			require.NotEmpty(t, out.VersionId)
			got, err := u.c.GetObject(t.Context(), &s3.GetObjectInput{
				Bucket: aws.String("data"), Key: aws.String("k"), ChecksumMode: types.ChecksumModeEnabled,
			})
			require.NoError(t, err)
			body, err := io.ReadAll(got.Body)
			require.NoError(t, err)
			require.True(t, bytes.Equal(whole, body))
			require.Equal(t, "1", got.Metadata["n"])
			require.Equal(t, "text/plain", *got.ContentType)
			second, err := u.c.HeadObject(t.Context(), &s3.HeadObjectInput{
				Bucket: aws.String("data"), Key: aws.String("k"), PartNumber: aws.Int32(2),
			})
			require.NoError(t, err)
			require.Equal(t, int32(3), *second.PartsCount)
			require.Equal(t, int64(5*mib+1), *second.ContentLength)
			_, err = u.c.ListParts(t.Context(),
				&s3.ListPartsInput{Bucket: aws.String("data"), Key: aws.String("k"), UploadId: u.id})
			require.Equal(t, "NoSuchUpload", code(t, err), "the upload has ended")
		})
	}
}

func TestCompletionsThatAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bucket("data", false)
	w.write("data", "k", "old")
	u := w.begin(s3.CreateMultipartUploadInput{ChecksumAlgorithm: types.ChecksumAlgorithmCrc32})
	u.part(1, bytes.Repeat([]byte("a"), 5*mib))
	u.part(2, []byte("small"))
	u.part(3, []byte("end"))
	two := func(in *completing) []types.CompletedPart {
		in.MultipartUpload.Parts = in.MultipartUpload.Parts[:2]
		return in.MultipartUpload.Parts
	}
	for name, tc := range map[string]struct {
		change func(*s3.CompleteMultipartUploadInput)
		code   string
	}{
		"a small part in the middle": {asItIs, "EntityTooSmall"},
		"parts in disorder":          {func(in *completing) { p := two(in); p[0], p[1] = p[1], p[0] }, "InvalidPartOrder"},
		"a part twice":               {func(in *completing) { p := two(in); p[1] = p[0] }, "InvalidPartOrder"},
		"no such part":               {func(in *completing) { two(in)[1].PartNumber = aws.Int32(9) }, "InvalidPart"},
		"another ETag":               {func(in *completing) { two(in)[1].ETag = aws.String("x") }, "InvalidPart"},
		"another checksum": {func(in *completing) {
			two(in)[1].ChecksumCRC32 = aws.String("AAAAAA==")
		}, "InvalidPart"},
		"a part without checksum": {func(in *completing) { two(in)[1].ChecksumCRC32 = nil }, "InvalidRequest"},
		"no parts":                {func(in *completing) { in.MultipartUpload.Parts = nil }, "MalformedXML"},
		"another size":            {func(in *completing) { two(in); in.MpuObjectSize = aws.Int64(1) }, "InvalidRequest"},
		"another object checksum": {func(in *completing) {
			two(in)
			in.ChecksumCRC32 = aws.String("AAAAAA==-2")
		}, "BadDigest"},
		"an object in its place": {func(in *completing) { two(in); in.IfNoneMatch = aws.String("*") }, "PreconditionFailed"},
		"another object there":   {func(in *completing) { two(in); in.IfMatch = aws.String(`"x"`) }, "PreconditionFailed"},
		"another upload":         {func(in *completing) { in.UploadId = aws.String("x") }, "NoSuchUpload"},
		"another key":            {func(in *completing) { in.Key = aws.String("x") }, "NoSuchUpload"},
	} {
		_, err := u.complete(tc.change)
		require.Error(t, err, name)
		require.Equal(t, tc.code, code(t, err), name)
	}
	require.Equal(t, "old", w.content("data", "k"))
	_, err := u.complete(func(in *completing) { two(in) })
	require.NoError(t, err, "the upload was not harmed")
	_, err = u.complete(func(in *completing) { two(in) })
	require.Equal(t, "NoSuchUpload", code(t, err))

	for query, want := range map[string]string{
		"partNumber=0": "InvalidArgument", "partNumber=10001": "InvalidArgument", "partNumber=1": "NoSuchUpload",
	} {
		a := w.call(t.Context(), w.cfg, "s3", http.MethodPut, "/data/k?uploadId=none&"+query, nil, "x")
		require.Contains(t, string(a.body), "<Code>"+want+"</Code>", query)
	}
	for _, header := range []map[string]string{
		{"X-Amz-Checksum-Algorithm": "MD4"}, {"X-Amz-Checksum-Algorithm": "CRC64NVME", "X-Amz-Checksum-Type": "COMPOSITE"},
		{"X-Amz-Checksum-Algorithm": "SHA1", "X-Amz-Checksum-Type": "FULL_OBJECT"}, {"X-Amz-Checksum-Type": "COMPOSITE"},
	} {
		a := w.call(t.Context(), w.cfg, "s3", http.MethodPost, "/data/k?uploads", header, "")
		require.Contains(t, string(a.body), "<Code>InvalidRequest</Code>", header)
	}
	u = w.begin(s3.CreateMultipartUploadInput{ChecksumAlgorithm: types.ChecksumAlgorithmSha256})
	a := w.call(t.Context(), w.cfg, "s3", http.MethodPut, "/data/k?partNumber=1&uploadId="+*u.id,
		map[string]string{"X-Amz-Checksum-Crc32": sum(objects.CRC32, "x")}, "x")
	require.Contains(t, string(a.body), "Checksum Type mismatch")
}

func TestPartsInChunksAndCopies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bucket("data", false)
	source := strings.Repeat("0123456789", 600_000)
	w.write("data", "source", source)
	create := w.call(t.Context(), w.cfg, "s3", http.MethodPost, "/data/k?uploads", nil, "") // no algorithm, as Flink
	_, id, _ := strings.Cut(string(create.body), "<UploadId>")
	id, _, _ = strings.Cut(id, "<")
	u := &inParts{world: w, c: w.s3(w.cfg), id: &id}
	copied := func(number int32, where string) (*s3.UploadPartCopyOutput, error) {
		return u.c.UploadPartCopy(t.Context(), &s3.UploadPartCopyInput{
			Bucket: aws.String("data"), Key: aws.String("k"), UploadId: u.id, PartNumber: &number,
			CopySource: aws.String("data/source"), CopySourceRange: aws.String(where),
		})
	}
	first, err := copied(1, "bytes=5-5999994")
	require.NoError(t, err)
	for _, where := range []string{"bytes=0-6000000", "bytes=7000000-7000001", "bytes=5-", "bytes=-5", "x"} {
		_, err := copied(2, where)
		require.Equal(t, "InvalidArgument", code(t, err), where)
	}
	a := w.put("/data/k?partNumber=2&uploadId="+id, signedChunks, map[string]string{"X-Amz-Decoded-Content-Length": "2500"},
		func(seed string, at time.Time) string { return w.inChunks(source[:2500], seed, at, "") })
	require.Equal(t, http.StatusOK, a.status, string(a.body))
	u.done = []types.CompletedPart{
		{PartNumber: aws.Int32(1), ETag: first.CopyPartResult.ETag},
		{PartNumber: aws.Int32(2), ETag: aws.String(a.header.Get("Etag"))},
	}
	out, err := u.complete(asItIs)
	require.NoError(t, err)
	require.Equal(t, types.ChecksumTypeFullObject, out.ChecksumType)
	require.True(t, source[5:5999995]+source[:2500] == w.content("data", "k"))
}

func TestUnfinishedUploadsAreListedAndAborted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bucket("data", false)
	c, ctx := w.s3(w.cfg), t.Context()
	ids := map[string][]string{}
	for _, k := range []string{"a/1", "a/2", "b", "b", "b", "c"} {
		out, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: aws.String("data"), Key: aws.String(k)})
		require.NoError(t, err)
		ids[k] = append(ids[k], *out.UploadId)
	}
	for size := range int32(5) {
		var got []string
		p := s3.NewListMultipartUploadsPaginator(c, &s3.ListMultipartUploadsInput{
			Bucket: aws.String("data"), Delimiter: aws.String("/"), MaxUploads: aws.Int32(size + 1),
		})
		for p.HasMorePages() {
			page, err := p.NextPage(ctx)
			require.NoError(t, err)
			for _, g := range page.CommonPrefixes {
				got = append(got, *g.Prefix)
			}
			for _, u := range page.Uploads {
				got = append(got, *u.UploadId)
				require.Contains(t, *u.Initiator.ID, "user/")
			}
		}
		want := slices.Concat([]string{"a/"}, ids["b"], ids["c"])
		require.Equal(t, want, got, "%d a page, the oldest of a key first", size+1)
	}
	for i := range 5 {
		_, err := c.UploadPart(ctx, &s3.UploadPartInput{Bucket: aws.String("data"), Key: aws.String("c"), UploadId: &ids["c"][0],
			PartNumber: aws.Int32(int32(10 - i)), Body: strings.NewReader(fmt.Sprint(i))})
		require.NoError(t, err)
	}
	var numbers []int32
	p := s3.NewListPartsPaginator(c, &s3.ListPartsInput{Bucket: aws.String("data"), Key: aws.String("c"), UploadId: &ids["c"][0],
		MaxParts: aws.Int32(2)})
	for p.HasMorePages() {
		page, err := p.NextPage(ctx)
		require.NoError(t, err)
		for _, part := range page.Parts {
			numbers = append(numbers, *part.PartNumber)
			require.NotEmpty(t, *part.ChecksumCRC32)
		}
	}
	require.Equal(t, []int32{6, 7, 8, 9, 10}, numbers)

	abort := &s3.AbortMultipartUploadInput{Bucket: aws.String("data"), Key: aws.String("c"), UploadId: &ids["c"][0]}
	_, err := c.AbortMultipartUpload(ctx, abort)
	require.NoError(t, err)
	_, err = c.AbortMultipartUpload(ctx, abort)
	require.Equal(t, "NoSuchUpload", code(t, err))
	n, err := w.client().EmptyBucket(ctx, "data", nil)
	require.NoError(t, err)
	require.Zero(t, n)
	left, err := w.account.Objects.Uploads("data")
	require.NoError(t, err)
	require.Empty(t, left, "our own client aborts what is left")
	require.NoError(t, w.client().DeleteBucket(ctx, "data"))
}
