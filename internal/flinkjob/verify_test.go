// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/awsapi"
	"emrflink/internal/exitcode"
)

// store is a bucket with content.
type store map[string]string

func (s store) ListObjects(_ context.Context, _, prefix string) (all []awsapi.Object, _ error) {
	for _, key := range slices.Sorted(maps.Keys(s)) {
		if strings.HasPrefix(key, prefix) {
			all = append(all, awsapi.Object{Key: key})
		}
	}
	return all, nil
}

func (s store) GetObject(_ context.Context, _, key string) ([]byte, error) {
	return []byte(s[key]), nil
}

func (s store) PutObject(_ context.Context, bucket, key string, body io.Reader, _ string) error {
	raw, err := io.ReadAll(body)
	s[bucket+"/"+key] = string(raw)
	return err
}

// readOnly is a store of which no test copies or deletes.
type readOnly struct{ store }

func (readOnly) CopyObject(context.Context, string, string, int64, string, string) error {
	return errors.ErrUnsupported
}

func (readOnly) DeleteObjects(context.Context, string, ...string) error { return errors.ErrUnsupported }

// lines are those of the numbers up to n, each with the count of its key.
func lines(n int) string {
	var out strings.Builder
	for i := range n {
		fmt.Fprintf(&out, "%d %d\n", i, i/countedKeys+1)
	}
	return out.String()
}

func TestWhatWasLostOrCountedTwiceIsFound(t *testing.T) {
	t.Parallel()
	const out = "flink-team-a/checkpoints/counting/output/"
	const last = out + "2026-01-02/"
	whole := lines(250)
	for name, c := range map[string]struct {
		files store
		want  Verified
	}{
		"all is there": {store{last + "part-1": whole}, Verified{Events: 250, Last: 249, Files: 1}},
		"the last run counts, and what is not hidden": {
			store{out + "2026-01-01/part-1": whole, last + "part-1": lines(3), last + "_part-1_tmp_x": "half", last + ".y": "z"},
			Verified{Events: 3, Last: 2, Files: 1},
		},
		"a part of the files of a checkpoint": {
			store{last + "part-0": strings.Replace(whole, "249 3\n", "", 1)}, Verified{Events: 249, Last: 248, Files: 1},
		},
		"a lost event": {
			store{last + "part-0": strings.Replace(whole, "\n7 1\n", "\n", 1)},
			Verified{Events: 249, Last: 249, Files: 1, Lost: 1},
		},
		"an event again in another file": {
			store{last + "part-0": whole, last + "part-1": "7 1\n"}, Verified{Events: 250, Last: 249, Files: 2, Twice: 1},
		},
		"a count that began again": {
			store{last + "part-0": strings.Replace(whole, "\n107 2\n", "\n107 1\n", 1)},
			Verified{Events: 250, Last: 249, Files: 1, Wrong: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := deployedOn(c.files).Verify(t.Context(), "counting", "")
			require.NoError(t, err)
			c.want.SchemaVersion, c.want.Job, c.want.Namespace = 1, "counting", "flink-team-a"
			c.want.Output = "s3://emr-eks-flink-111122223333-us-west-2-checkpoints/" + path.Clean(last)
			require.Equal(t, c.want, got)
			require.Equal(t, got.Lost+got.Twice+got.Wrong == 0, got.Exact())
		})
	}
}

func deployedOn(s store) Deployed {
	return Deployed{Outputs: stack(), Account: func(context.Context) (Bucket, error) { return readOnly{s}, nil }}
}

func TestWhatIsNoOutputOfTheSampleIsRefused(t *testing.T) {
	t.Parallel()
	var nothing *NoOutputError
	_, err := deployedOn(store{}).Verify(t.Context(), "basic", "")
	require.ErrorAs(t, err, &nothing)
	require.Equal(t, exitcode.NotFound, nothing.ExitCode())
	for _, line := range []string{"x\n", "1\n", "-1 1\n"} {
		_, err := deployedOn(store{"flink-team-a/checkpoints/j/output/r/part": line}).Verify(t.Context(), "j", "")
		require.ErrorContains(t, err, "is no line of a sample that counts", line)
	}
}

func TestAJarIsUploadedOnceUnderItsDigest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	options := Options{Sample: "counting", Jars: dir}
	var unbuilt *NoJarError
	_, err := SpecFrom(stack(), options)
	require.ErrorAs(t, err, &unbuilt)
	require.ErrorIs(t, err, os.ErrNotExist)
	names := map[string]bool{}
	for _, content := range []string{"one", "another"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "counting.jar"), []byte(content), 0o600))
		s, err := SpecFrom(stack(), options)
		require.NoError(t, err)
		names[s.Jar.URI] = true
		objects := store{}
		r := Runner{Objects: objects, Upload: objects}
		require.NoError(t, r.upload(t.Context(), s.Jar))
		key := strings.TrimPrefix(s.Jar.URI, "s3://")
		require.Regexp(t, `/flink-team-a/jars/counting-[0-9a-f]{16}\.jar$`, key)
		require.Equal(t, store{key: content}, objects)
		_, inBucket, _ := strings.Cut(key, "/")
		require.NoError(t, Runner{Objects: store{inBucket: content}}.upload(t.Context(), s.Jar), "it is there")
	}
	require.Len(t, names, 2)
	basic, err := SpecFrom(stack(), Options{})
	require.NoError(t, err)
	require.NoError(t, Runner{}.upload(t.Context(), basic.Jar), "the image has its jar")
}
