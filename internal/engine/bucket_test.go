// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheParametersOfOlderBucketURLsAreUnderstood(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"s3://b/folder?region=r":                  "s3://b/folder?region=r",
		"s3://b?endpoint=minio:9000":              "s3://b?endpoint=https%3A%2F%2Fminio%3A9000",
		"s3://b?disableSSL=true&endpoint=minio:9": "s3://b?disable_https=true&endpoint=http%3A%2F%2Fminio%3A9",
		"s3://b?endpoint=http://minio:9000":       "s3://b?endpoint=http%3A%2F%2Fminio%3A9000",
		"mem://b?endpoint=minio:9000":             "mem://b?endpoint=minio%3A9000",
	} {
		u, err := url.Parse(given)
		require.NoError(t, err)
		require.NoError(t, renewS3(u))
		require.Equal(t, want, u.String())
	}
	u, err := url.Parse("s3://b?disableSSL=perhaps")
	require.NoError(t, err)
	require.ErrorContains(t, renewS3(u), "disableSSL")
}

func TestAFolderOfStatesIsTheSameFromEveryFolder(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"":                            "",
		"s3://b":                      "s3://b",
		"file://":                     "file://",
		"file://~":                    "file://~",
		"file://~/states":             "file://~/states",
		"file:///abs/states":          "file:///abs/states",
		"file://.":                    "file:///here",
		"file://./states":             "file:///here/states",
		"file://../states?metadata=x": "file:///states?metadata=x",
		"file://states":               "file:///here/states",
	} {
		require.Equal(t, want, AbsoluteBackend(given, "/here"), given)
	}
}
