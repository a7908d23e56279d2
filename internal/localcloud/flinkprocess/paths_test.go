// SPDX-License-Identifier: Apache-2.0

package flinkprocess

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestPathsOfAContainerBecomeThoseOfThePodsFolder(t *testing.T) {
	t.Parallel()
	p := newPaths("/tmp/pods/u1", map[string]string{
		"/opt/flink/conf": "/tmp/pods/u1/conf", "/opt/flink/usrlib": "/tmp/pods/u1/volumes/jars",
		"/data": "/tmp/pods/u1/volumes/data",
	})
	for text, want := range map[string]string{
		"local:///opt/flink/usrlib/job.jar":                      "local:///tmp/pods/u1/volumes/jars/job.jar",
		"local:///usr/lib/flink/examples/streaming/a.jar":        "local:///tmp/pods/u1/flink/examples/streaming/a.jar",
		"/opt/flink/conf/flink-conf.yaml":                        "/tmp/pods/u1/conf/flink-conf.yaml",
		"-Da='/opt/flink/lib':/data/x":                           "-Da='/tmp/pods/u1/flink/lib':/tmp/pods/u1/volumes/data/x",
		"file:///data/checkpoints":                               "file:///tmp/pods/u1/volumes/data/checkpoints",
		"file:///flink-data/checkpoints":                         "file:///tmp/pods/u1/rootfs/flink-data/checkpoints",
		"/tmp":                                                   "/tmp/pods/u1/tmp",
		"/tmp/pods/u1/conf":                                      "/tmp/pods/u1/conf", // it was replaced already
		"s3p://bucket/tmp/opt/flink":                             "s3://bucket/tmp/opt/flink",
		"s3://bucket/data":                                       "s3://bucket/data",
		"/opt/flink-web /database /mnt/opt/flink https://a/data": "/opt/flink-web /database /mnt/opt/flink https://a/data",
		"": "",
	} {
		require.Equal(t, want, p.text(text), text)
		require.Equal(t, want, p.text(want), "what was replaced stays: %s", want)
	}
	require.Equal(t, "/tmp/pods/u1/rootfs/var/x", p.path("/var/x"))
	require.Equal(t, "/tmp/pods/u1/volumes/data", p.path("/data"))
}

func TestATextWithoutPathsStays(t *testing.T) {
	t.Parallel()
	p := newPaths("/pods/u1", nil)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a-z0-9 .:=;,'"-]{0,40}`).Draw(t, "text")
		require.Equal(t, text, p.text(text))
	})
}
