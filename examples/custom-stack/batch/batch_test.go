// SPDX-License-Identifier: Apache-2.0

package batch_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/components/componenttest"
	"emrflink/examples/custom-stack/batch"
)

// What is on the left needs what is on the right for as long as it exists, and is deleted first.
func TestDeletionOrder(t *testing.T) {
	t.Parallel()
	g := componenttest.Run(t, batch.Platform)
	for _, pair := range [][2]string{
		{"batch-executors", "karpenter-chart"}, {"batch-executors", "karpenter-node-profile"}, {"batch-executors", "core-group"},
		{"batch-executors", "network-nat-usw2-az1"}, {"batch-namespace", "batch-executors"},
		{"batch-namespace", "checkpoints-bucket"},
		{"batch-runner", "batch-namespace"}, {"karpenter-chart", "addons-coredns"},
	} {
		require.True(t, g.DependsOn(pair[0], pair[1]), "%s goes before %s", pair[0], pair[1])
	}
}

func TestThePoolsAreItsOwn(t *testing.T) {
	t.Parallel()
	g := componenttest.Run(t, batch.Platform)
	require.ElementsMatch(t, []string{"batch-drivers", "batch-executors"}, g.Names("kubernetes:karpenter.sh/v1:NodePool"))
	for name, capacity := range map[string]string{"batch-drivers": "on-demand", "batch-executors": "spot"} {
		pool := g.Find(t, name)
		require.Equal(t, "batch", pool.At("spec", "template", "spec", "nodeClassRef", "name"))
		require.Equal(t, capacity, pool.At("spec", "template", "spec", "requirements", 1, "values", 0))
		require.Equal(t, name, pool.At("spec", "template", "metadata", "labels", "pool"))
	}
}

func TestTheRunnerReachesItsBucketOnly(t *testing.T) {
	t.Parallel()
	g := componenttest.Run(t, batch.Platform, componenttest.Options{
		Config: map[string]string{componenttest.Project + ":name": "lab"},
	})
	statements, _ := g.Find(t, "runner-data").JSON(t, "policy")["Statement"].([]any)
	require.Len(t, statements, 2)
	const bucket = "arn:aws:s3:::lab-111122223333-us-west-2-checkpoints"
	for i, want := range []string{bucket, bucket + "/*"} {
		require.Equal(t, want, statements[i].(map[string]any)["Resource"])
	}
	require.Equal(t, "lab", g.Find(t, "network-vpc").Tags()["emrflink:deployment"])
	require.Equal(t, "batch", g.Find(t, "network-vpc").Tags()["platform"])
}
