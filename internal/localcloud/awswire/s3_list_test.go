// SPDX-License-Identifier: Apache-2.0

package awswire_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// expected is what S3 lists: keys, and the groups of those with the delimiter after the prefix.
func expected(keys []string, prefix, delimiter string) []string {
	seen := map[string]bool{}
	for _, k := range keys {
		rest, ok := strings.CutPrefix(k, prefix)
		if !ok {
			continue
		}
		if before, _, found := strings.Cut(rest, delimiter); found && delimiter != "" {
			k = prefix + before + delimiter + " (group)"
		}
		seen[k] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// TestPagesAreTheWholeList lists with each version of the list, page by page.
func TestPagesAreTheWholeList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bucket("data", false)
	keys := []string{}
	for _, k := range strings.Fields("a a/ a/1 a/1/x a/1/y a/2 a//3 b/1 b/2/x b/2/y b/3 c ca/ d/") {
		_, err := w.account.Objects.Put("data", k, []byte("x"), nil)
		require.NoError(t, err)
		keys = append(keys, k)
	}
	c, ctx := w.s3(w.cfg), t.Context()
	rapid.Check(t, func(rt *rapid.T) {
		prefix := rapid.SampledFrom([]string{"", "a", "a/", "a/1/", "b", "none"}).Draw(rt, "prefix")
		delimiter := rapid.SampledFrom([]string{"", "/", "1", "//"}).Draw(rt, "delimiter")
		size := int32(rapid.IntRange(1, 5).Draw(rt, "page size"))
		want := expected(keys, prefix, delimiter)

		var v1, v2 []string
		in := &s3.ListObjectsInput{Bucket: aws.String("data"), Prefix: &prefix, Delimiter: &delimiter, MaxKeys: &size}
		for {
			p, err := c.ListObjects(ctx, in)
			require.NoError(rt, err)
			require.LessOrEqual(rt, len(p.Contents)+len(p.CommonPrefixes), int(size))
			last := ""
			for _, o := range p.Contents {
				require.NotNil(rt, o.Owner)
				v1, last = append(v1, *o.Key), *o.Key
			}
			for _, g := range p.CommonPrefixes {
				v1 = append(v1, *g.Prefix+" (group)")
			}
			if !*p.IsTruncated {
				break
			}
			if in.Marker = &last; delimiter != "" {
				in.Marker = p.NextMarker
			}
		}
		slices.Sort(v1)
		require.Equal(rt, want, append([]string(nil), v1...))

		pages := s3.NewListObjectsV2Paginator(c, &s3.ListObjectsV2Input{
			Bucket: aws.String("data"), Prefix: &prefix, Delimiter: &delimiter, MaxKeys: &size, FetchOwner: aws.Bool(true),
		})
		for pages.HasMorePages() {
			p, err := pages.NextPage(ctx)
			require.NoError(rt, err)
			require.Equal(rt, int(*p.KeyCount), len(p.Contents)+len(p.CommonPrefixes))
			for _, o := range p.Contents {
				require.NotNil(rt, o.Owner)
				v2 = append(v2, *o.Key)
			}
			for _, g := range p.CommonPrefixes {
				v2 = append(v2, *g.Prefix+" (group)")
			}
		}
		slices.Sort(v2)
		require.Equal(rt, want, append([]string(nil), v2...))
	})
}

func TestWhatAListTakes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bucket("data", false)
	for i := range 3 {
		_, err := w.account.Objects.Put("data", fmt.Sprint(i), nil, nil)
		require.NoError(t, err)
	}
	c, ctx := w.s3(w.cfg), t.Context()
	none, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("data"), MaxKeys: aws.Int32(0)})
	require.NoError(t, err)
	require.False(t, *none.IsTruncated)
	require.Zero(t, *none.KeyCount)
	after, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("data"), StartAfter: aws.String("1")})
	require.NoError(t, err)
	require.Len(t, after.Contents, 1)
	require.Nil(t, after.Contents[0].Owner)
	for _, query := range []string{"max-keys=x", "max-keys=-1", "encoding-type=xml", "list-type=2&continuation-token=*"} {
		a := w.call(ctx, w.cfg, "s3", "GET", "/data?"+query, nil, "")
		require.Contains(t, string(a.body), "<Code>InvalidArgument</Code>", query)
	}
}

func TestVersionsAreGrouped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bucket("data", true)
	for _, k := range []string{"a/1", "a/1", "a/2", "b", "b", "c/1"} {
		w.write("data", k, "x")
	}
	c := w.s3(w.cfg)
	var got []string
	pages := s3.NewListObjectVersionsPaginator(c, &s3.ListObjectVersionsInput{
		Bucket: aws.String("data"), Delimiter: aws.String("/"), MaxKeys: aws.Int32(1),
	})
	for pages.HasMorePages() {
		p, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		for _, v := range p.Versions {
			got = append(got, *v.Key)
		}
		for _, g := range p.CommonPrefixes {
			got = append(got, *g.Prefix)
		}
	}
	require.Equal(t, []string{"a/", "b", "b", "c/"}, got)
}
