// SPDX-License-Identifier: Apache-2.0

package target_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/examples/custom-stack/batch"
	"emrflink/internal/engine"
	"emrflink/internal/engine/enginetest"
	"emrflink/internal/plans"
	"emrflink/internal/target"
)

// previewed previews the program of the example.
func previewed(t *testing.T) plans.Plan {
	t.Helper()
	offline, err := target.Offline(t.Context(), target.Options{Region: "us-west-2"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, offline.Close()) })
	e, err := engine.Open(t.Context(), engine.Options{
		Stack: "lab", Project: "batch-platform", Env: offline.Env(), Program: batch.Platform, Ephemeral: true,
		Command: enginetest.Command(),
	})
	require.NoError(t, err)
	plan, err := e.Preview(t.Context())
	require.NoError(t, err, "an input that a provider does not know is an error here")
	return plan
}

func TestTheCustomStackIsABatchPlatformAndNothingElse(t *testing.T) {
	t.Parallel()
	plan := previewed(t)
	count := map[string]int{}
	var kinds []string
	for _, s := range plan.Steps {
		count[s.Type]++
		if strings.HasPrefix(s.Type, "emrflink:") {
			kinds = append(kinds, s.Type+" "+s.Name)
		}
		for _, foreign := range []string{"flink-operator", "flink-team", "taskmanager", "jobmanager", "cloudwatch-metrics"} {
			require.NotContains(t, s.Name, foreign)
		}
	}
	slices.Sort(kinds)
	require.Equal(t, []string{
		"emrflink:addons:Addons addons", "emrflink:addons:Bootstrap bootstrap", "emrflink:checkpoints:Bucket checkpoints",
		"emrflink:cluster:Cluster cluster", "emrflink:cluster:CoreNodes core", "emrflink:irsa:Role addons-ebs-csi",
		"emrflink:irsa:Role karpenter-controller", "emrflink:irsa:Role runner", "emrflink:karpenter:Karpenter karpenter",
		"emrflink:network:Network network",
	}, kinds, "its components, and none of the Flink platform")
	for typ, want := range map[string]int{
		"aws:ec2/vpc:Vpc": 1, "aws:ec2/natGateway:NatGateway": 1, "aws:ec2/subnet:Subnet": 4, "eks:index:Cluster": 1,
		"aws:eks/nodeGroup:NodeGroup": 1, "aws:s3/bucketV2:BucketV2": 1, "aws:sqs/queue:Queue": 1,
		"kubernetes:karpenter.sh/v1:NodePool": 2, "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass": 1,
		"kubernetes:core/v1:ServiceAccount": 1,
	} {
		require.Equal(t, want, count[typ], typ)
	}
	require.Zero(t, plan.Summary.Update+plan.Summary.Replace+plan.Summary.Delete)
}
